//! `lab-master events`: history and live through one path.

use std::time::Duration;

use lab_proto::v1::op::{EventQuery, OpReply, OpRequest, Since, Until};
use lab_proto::{Event, MinionId, Position, TagPattern, Value};

use super::interrupt::Interrupt;
use super::{Context, Failure, Outcome, arguments, output};
use crate::client::{Client, ClientError};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Go on with what happens next, also after the master was away
    #[arg(long, short)]
    follow: bool,
    /// Where to begin: after this number or position, at a time (2026-11-29 or 2026-11-29T05:13:00, in UTC), an age like 10m,
    /// `start` or `head`
    /// [default: start; with --follow alone: head]
    #[arg(long, value_name = "PLACE")]
    since: Option<String>,
    /// Where to end: with this number, at a time, an age or `head`
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
    let end = until.map(|t| arguments::until(&t, context.now)).transpose().map_err(Failure::Usage)?;
    if tag.iter().any(String::is_empty) {
        return Err(Failure::Usage("an empty --tag matches no event; leave it away for all tags".to_owned()));
    }
    let tags = tag.into_iter().map(TagPattern::new).collect();
    let to_head = end == Some(None);
    let query = EventQuery { since, until: end.flatten(), tags, minion, limit, follow };
    // Whoever does not follow is served up to the head anyway.
    let query = if follow { placed(query, to_head, context).await? } else { query };
    let mut tail = Tail { query, json: context.json, delay: DELAYS.0 };
    let mut interrupt = Interrupt::listen()?;
    tokio::select! {
        outcome = tail.print_all(context) => outcome,
        asked = interrupt.asked() => Ok(asked.exit_code(true)),
    }
}

/// Puts a position, which is the master's to tell, in the place of the head: where a tail begins, so that it can go back to it
/// when the master was away before the first event came, and where it ends.
async fn placed(mut query: EventQuery, to_head: bool, context: &Context) -> Result<EventQuery, Failure> {
    if query.since != Since::Head && !to_head {
        return Ok(query);
    }
    let status = context.client.collect(OpRequest::Status).await?;
    let head = status.first().and_then(|s| {
        let log_id = s.get("log").and_then(Value::as_str)?.parse().ok()?;
        let seq = s.get("head").and_then(Value::as_int).and_then(|n| u64::try_from(n).ok())?;
        Some(Position { log_id, seq })
    });
    let head =
        head.ok_or_else(|| ClientError::Broken("the master does not say where its log ends".to_owned()))?;
    if query.since == Since::Head {
        query.since = Since::After(head);
    }
    if to_head {
        query.until = Some(Until::Seq(head.seq));
    }
    Ok(query)
}

/// A tail that knows how far it is.
struct Tail {
    query: EventQuery,
    json: bool,
    /// How long it waits before it looks for a master that went away: longer each time, until events come.
    delay: Duration,
}

impl Tail {
    /// Prints to the end. One that follows looks for the master again when it is away.
    async fn print_all(&mut self, context: &Context) -> Outcome {
        let mut ended = self.print(&context.client).await;
        while let Err(e) = ended {
            if !e.is_away() {
                return Err(e.into());
            }
            if !self.query.follow {
                return Err(match self.place() {
                    Some(place) => {
                        Failure::Left { error: e, hint: format!("`--since {place}` goes on from there") }
                    }
                    None => e.into(),
                });
            }
            eprintln!("{e}; looking for it until it is back (Ctrl-C ends this)");
            let client = self.again(context).await?;
            match self.place() {
                Some(place) => eprintln!("the master is back; going on after {place}"),
                None => eprintln!("the master is back; going on"),
            }
            ended = self.print(&client).await;
        }
        Ok(0)
    }

    /// Prints what comes over one connection.
    async fn print(&mut self, client: &Client) -> Result<(), ClientError> {
        let mut replies = client.request(OpRequest::Events(self.query.clone())).await?;
        while let Some(reply) = replies.next().await? {
            match reply {
                OpReply::Events(events) => {
                    if let Err(e) = output::events(&events, self.json) {
                        output::unprinted(&e);
                    }
                    self.seen(&events);
                }
                OpReply::Trimmed { floor } => {
                    eprintln!("note: events before {floor} are no longer kept; going on from there");
                    // Or it would be told again when the master was away before the first event came.
                    self.query.since = Since::After(floor);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes how far it is.
    fn seen(&mut self, events: &[Event]) {
        if let Some(last) = events.last() {
            self.delay = DELAYS.0;
            self.query.since = Since::After(last.position);
        }
        self.query.limit = self.query.limit.map(|n| n.saturating_sub(events.len() as u64));
    }

    /// Connects anew, however long it takes.
    async fn again(&mut self, context: &Context) -> Result<Client, ClientError> {
        loop {
            tokio::time::sleep(self.delay).await;
            self.delay = (self.delay * 2).min(DELAYS.1);
            match Client::connect(&context.master, &context.identity).await {
                Err(e) if e.is_away() => {}
                connected => return connected,
            }
        }
    }

    /// Tells after which event it goes on.
    fn place(&self) -> Option<Position> {
        match self.query.since {
            Since::After(position) => Some(position),
            _ => None,
        }
    }
}

/// How long to wait before the next try to reach the master: at first, and at most.
const DELAYS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

#[cfg(test)]
mod tests {
    use lab_proto::{LogId, Origin, Timestamp};

    use super::*;

    #[test]
    fn a_tail_goes_on_after_the_last_event_that_it_printed() {
        let query = EventQuery {
            since: Since::Start,
            until: None,
            tags: Vec::new(),
            minion: None,
            limit: Some(5),
            follow: true,
        };
        let mut tail = Tail { query, json: false, delay: DELAYS.0 };
        assert_eq!(tail.place(), None);
        let position = |seq| Position { log_id: LogId::from_u128(7), seq };
        let event = |seq| {
            let tag = lab_proto::EventTag::new("a/b").expect("valid");
            let origin = Origin::Operator { name: "o".to_owned() };
            let stamp = Timestamp::from_micros(0);
            Event { position: position(seq), stamp, tag, origin, data: Value::Null }
        };
        tail.seen(&[event(3), event(4)]);
        tail.seen(&[]);
        assert_eq!((tail.place(), tail.query.limit), (Some(position(4)), Some(3)));
    }
}
