//! `lab-master job …`

use clap::Subcommand;
use lab_proto::v1::op::{JobRequest, OpRequest};
use lab_proto::{JobId, MinionId, Value};

use super::{Context, Failure, Outcome, output, whole};

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
    /// What one minion returned, as JSON: the value itself, however large
    Return {
        /// The job's id, or a unique beginning of it
        jid: String,
        /// The minion
        id: MinionId,
    },
    /// End a job wherever it still runs
    Kill {
        /// Its id, or a unique beginning of it
        jid: String,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let (request, columns) = match args.what {
        What::List { limit } => {
            (JobRequest::List { limit }, Some(&["jid", "fun", "target", "user", "state"][..]))
        }
        What::Show { jid } => (JobRequest::Show { jid }, None),
        What::Return { jid, id } => {
            whole::stream(&context.client, &jid, &id, |part| {
                output::bytes(part);
                Ok(())
            })
            .await?;
            output::bytes(b"\n");
            return Ok(0);
        }
        What::Kill { jid } => {
            let jid = match jid.parse() {
                Ok(whole) => whole,
                Err(_) => meant(&jid, context).await?,
            };
            (JobRequest::Kill { jid }, Some(&["id", "state"][..]))
        }
    };
    let mut rows = context.client.collect(OpRequest::Job(request)).await?;
    if let Some(columns) = columns {
        output::records(&rows, columns, context.json);
        return Ok(0);
    }
    for row in &mut rows {
        // JSON is what the master says, with the stand-ins of large returns.
        if !context.json {
            show_whole(row, context).await;
        }
        output::value(row, context.json);
    }
    Ok(0)
}

/// Finds the one job whose id begins so.
async fn meant(beginning: &str, context: &Context) -> Result<JobId, Failure> {
    let request = OpRequest::Job(JobRequest::Show { jid: beginning.to_owned() });
    let rows = context.client.collect(request).await?;
    let found = rows.first().and_then(|row| row.get("jid")).and_then(Value::as_str);
    let found = found.and_then(|jid| jid.parse().ok());
    found.ok_or_else(|| Failure::Usage(format!("{beginning:?} is no job; see `lab-master job list`")))
}

/// Puts the large returns of a job in.
async fn show_whole(job: &mut Value, context: &Context) {
    let Some(jid) = job.get("jid").and_then(Value::as_str).map(str::to_owned) else { return };
    let Value::Map(job) = job else { return };
    let Some(Value::Map(minions)) = job.get_mut("minions") else { return };
    for (id, row) in minions.iter_mut() {
        let Value::Map(row) = row else { continue };
        let id = id.as_str().and_then(|id| MinionId::new(id).ok());
        if let (Some(id), Some(value)) = (id, row.get_mut("return")) {
            whole::instead_of(value, &context.client, &jid, &id).await;
        }
    }
}
