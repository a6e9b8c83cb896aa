//! `lab-master runs …`: what became of orchestrations.

use clap::Subcommand;
use lab_proto::v1::op::{OpReply, OpRequest, RunsRequest};
use lab_states::orchestrate::RunView;

use super::{Context, Outcome, follow, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// The newest runs
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One run's steps
    Show {
        /// Its id, or a unique beginning of it
        run: String,
    },
    /// What a step waited for, what met it, what came near, who was late
    Explain {
        /// The run's id, or a unique beginning of it
        run: String,
        /// The step's id
        step: String,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    match args.what {
        What::List { limit } => {
            let rows = context.client.collect(OpRequest::Runs(RunsRequest::List { limit })).await?;
            output::records(&rows, &["run", "name", "state", "started", "user"], context.json);
        }
        What::Show { run } if context.json => {
            let rows = context.client.collect(OpRequest::Runs(RunsRequest::Show { run })).await?;
            rows.iter().for_each(output::json);
        }
        What::Show { run } => show(run, context).await?,
        What::Explain { run, step } => {
            let rows = context.client.collect(OpRequest::Runs(RunsRequest::Explain { run, step })).await?;
            rows.iter().for_each(|row| output::value(row, context.json));
        }
    }
    Ok(0)
}

/// Folds the run's events as the live view does, and prints the tree that they end in.
async fn show(run: String, context: &Context) -> Result<(), super::Failure> {
    let mut replies = context.client.request(OpRequest::Runs(RunsRequest::Replay { run })).await?;
    let mut view = None;
    while let Some(reply) = replies.next().await? {
        match reply {
            OpReply::Run { run } => view = Some(RunView::new(run)),
            OpReply::Events(events) => {
                for event in &events {
                    view.as_mut().map(|v: &mut RunView| v.apply(event));
                }
            }
            _ => {}
        }
    }
    if let Some(view) = view {
        follow::draw(&view, None).iter().for_each(|l| output::line(l));
        output::line(&view.summary().unwrap_or_else(|| format!("run {} has not ended", view.run)));
    }
    Ok(())
}
