//! `lab-master event send`

use clap::Subcommand;
use lab_proto::v1::op::{OpReply, OpRequest};
use lab_proto::{EventTag, Value};

use super::{Context, Failure, Outcome, arguments, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Append an event to the log: `event send my/tag rack=3 ok=true`
    Send {
        tag: EventTag,
        /// Data as key=value, values read as YAML
        #[arg(conflicts_with = "data")]
        fields: Vec<String>,
        /// Data as JSON
        #[arg(long, value_name = "JSON")]
        data: Option<String>,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let What::Send { tag, fields, data } = args.what;
    let data = match data {
        Some(json) => serde_json::from_str::<Value>(&json)
            .map_err(|e| Failure::Usage(format!("--data is not JSON: {e}")))?,
        None => Value::Map(arguments::mapping(&fields).map_err(Failure::Usage)?),
    };
    let mut replies = context.client.request(OpRequest::EventSend { tag, data }).await?;
    while let Some(reply) = replies.next().await? {
        if let OpReply::Events(events) = reply
            && context.json
        {
            events.iter().for_each(output::json);
        }
    }
    Ok(0)
}
