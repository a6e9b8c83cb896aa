//! `lab-master events`: history and live through one path.

use lab_proto::v1::op::{EventQuery, OpReply, OpRequest, Since};
use lab_proto::{MinionId, TagPattern};

use super::{Context, Failure, Outcome, arguments, output};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Go on with what happens next
    #[arg(long, short)]
    follow: bool,
    /// Where to begin: a number, a position, a time, an age like 10m, `start` or `head`
    /// [default: start; with --follow alone: head]
    #[arg(long, value_name = "PLACE")]
    since: Option<String>,
    /// Where to end: a number, a time or an age
    #[arg(long, value_name = "PLACE")]
    until: Option<String>,
    /// Only tags that match this glob; may be given more than once
    #[arg(long, value_name = "GLOB")]
    tag: Vec<String>,
    /// Only events from or about this minion
    #[arg(long, value_name = "ID")]
    minion: Option<MinionId>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    let Args { follow, since, until, tag, minion, limit } = args;
    let since = match since {
        Some(text) => arguments::since(&text, context.now).map_err(Failure::Usage)?,
        None if follow => Since::Head,
        None => Since::Start,
    };
    let until = until.map(|t| arguments::until(&t, context.now)).transpose().map_err(Failure::Usage)?;
    let tags = tag.into_iter().map(TagPattern::new).collect();
    let query = EventQuery { since, until, tags, minion, limit, follow };
    let mut replies = context.client.request(OpRequest::Events(query)).await?;
    loop {
        let reply = tokio::select! {
            reply = replies.next() => reply?,
            _ = tokio::signal::ctrl_c() => {
                replies.stop();
                return Ok(0);
            }
        };
        match reply {
            None => return Ok(0),
            Some(OpReply::Events(events)) => {
                if output::events(&events, context.json).is_err() {
                    // Whoever read our output wants no more.
                    return Ok(0);
                }
            }
            Some(OpReply::Trimmed { floor }) => {
                eprintln!("note: events before {floor} are no longer kept; going on from there");
            }
            Some(_) => {}
        }
    }
}
