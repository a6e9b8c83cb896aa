//! `lab-master job …`

use clap::Subcommand;
use lab_proto::JobId;
use lab_proto::v1::op::{JobRequest, OpRequest};

use super::{Context, Outcome, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// The newest jobs
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// One job with every minion's end state and return
    Show {
        /// Its id, or a unique beginning of it
        jid: String,
    },
    /// End a job wherever it still runs
    Kill { jid: JobId },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let (request, columns) = match args.what {
        What::List { limit } => {
            (JobRequest::List { limit }, Some(&["jid", "fun", "target", "user", "state"][..]))
        }
        What::Show { jid } => (JobRequest::Show { jid }, None),
        What::Kill { jid } => (JobRequest::Kill { jid }, Some(&["id", "state"][..])),
    };
    let rows = context.client.collect(OpRequest::Job(request)).await?;
    match columns {
        Some(columns) => output::records(&rows, columns, context.json),
        None => rows.iter().for_each(|row| output::value(row, context.json)),
    }
    Ok(0)
}
