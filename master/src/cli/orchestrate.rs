//! `lab-master orchestrate`: start a run and follow it; resume or replay one.

use lab_proto::Value;
use lab_proto::v1::op::{OpReply, OpRequest, OrchestrateRequest, RunsRequest};

use super::follow::{Followed, follow};
use super::interrupt::Interrupt;
use super::{Context, Failure, Outcome, arguments, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The orchestration: `kubic` is orch/kubic.sls, orch/kubic/init.sls or kubic.sls below the file roots
    #[arg(required_unless_present_any = ["resume", "replay"])]
    name: Option<String>,
    /// Pillar values that override, key=value, values read as YAML
    #[arg(long, value_name = "K=V")]
    pillar: Vec<String>,
    /// Show the compiled steps and start nothing
    #[arg(long, conflicts_with_all = ["test", "resume", "replay", "detach"])]
    show: bool,
    /// Dry run: states say what they would change, nothing else is sent out
    #[arg(long)]
    test: bool,
    /// Attach to a run; one that the master left unfinished goes on where it was
    #[arg(long, value_name = "RUN", conflicts_with_all = ["name", "replay"])]
    resume: Option<String>,
    /// Show a finished run again as it was
    #[arg(long, value_name = "RUN", conflicts_with = "name")]
    replay: Option<String>,
    /// Print the run id and leave
    #[arg(long)]
    detach: bool,
    /// Take files as they are when each step begins instead of as they are now
    #[arg(long)]
    follow_tree: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let Args { name, pillar, show, test, resume, replay, detach, follow_tree } = args;
    let replayed = replay.clone();
    let request = match (name, resume, replay) {
        (Some(name), None, None) => {
            let pillar = arguments::mapping(&pillar).map_err(Failure::Usage)?;
            OpRequest::Orchestrate(OrchestrateRequest { name, pillar, show, test, follow_tree })
        }
        (None, Some(run), None) => OpRequest::Runs(RunsRequest::Attach { run }),
        (None, None, Some(run)) => OpRequest::Runs(RunsRequest::Replay { run }),
        _ => return Err(Failure::Usage("give a NAME, or --resume RUN, or --replay RUN".to_owned())),
    };
    if show {
        let mut replies = context.client.request(request).await?;
        while let Some(reply) = replies.next().await? {
            match reply {
                OpReply::Data(step) => output::value(&step, context.json),
                OpReply::Note(text) => output::note(&text),
                _ => {}
            }
        }
        return Ok(0);
    }
    let interrupt = Interrupt::listen()?;
    let replies = context.client.request(request).await?;
    if detach {
        return leave(replies, context.json).await;
    }
    match follow(replies, interrupt, context).await? {
        Followed::Ended(outcome) => Ok(outcome.exit_code()),
        Followed::Open => {
            if let Some(run) = replayed {
                eprintln!("{}", unfinished(&run, context).await?);
            }
            Ok(0)
        }
        Followed::Detached(run, asked) => {
            match run {
                Some(run) => {
                    eprintln!("detached; the run goes on: `lab-master orchestrate --resume {run}`");
                    output::detached("run", &run.to_string(), context.json);
                }
                None => {
                    eprintln!("interrupted before the run began; `lab-master runs list` shows whether it did")
                }
            }
            Ok(asked.exit_code(run.is_some()))
        }
    }
}

/// Says why a replay ends without the run's end.
async fn unfinished(run: &str, context: &Context) -> Result<String, Failure> {
    let request = OpRequest::Runs(RunsRequest::Show { run: run.to_owned() });
    let record = context.client.collect(request).await?;
    Ok(match record.first().and_then(|r| r.get("state")).and_then(Value::as_str) {
        Some("running") => format!("the run goes on: `lab-master orchestrate --resume {run}` follows it"),
        _ => format!(
            "the log does not hold the end of this run; `lab-master runs show {run}` says how it ended"
        ),
    })
}

async fn leave(mut replies: crate::client::Replies, json: bool) -> Outcome {
    while let Some(reply) = replies.next().await? {
        match reply {
            OpReply::Note(text) => output::note(&text),
            OpReply::Run { run } => {
                output::detached("run", &run.to_string(), json);
                break;
            }
            _ => {}
        }
    }
    replies.stop();
    Ok(0)
}
