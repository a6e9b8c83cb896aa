//! `lab-master net …`: network changes of hosts, from what the log says of them.

use std::collections::BTreeMap;

use clap::Subcommand;
use lab_proto::facts::Fact;
use lab_proto::v1::op::{EventQuery, OpReply, OpRequest, Since};
use lab_proto::{Event, Map, MinionId, TagPattern, Value};

use super::{Context, Outcome, output, run};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Changes that wait for their confirmation now
    Pending {
        /// Only of this host
        host: Option<MinionId>,
    },
    /// What was changed, kept, taken back and refused on a host
    History {
        /// The host
        host: MinionId,
    },
    /// Take the last committed change of a host back, confirmed like any other
    Rollback {
        /// The host
        host: MinionId,
        /// What confirms it: `master`, `none`, or a shell command
        #[arg(long, value_name = "WORD|COMMAND", default_value = "default")]
        confirm: String,
        /// Within how many seconds
        #[arg(long, value_name = "SECONDS")]
        within: Option<u64>,
        /// Also when the master cannot be reached from there as things are
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> Outcome {
    match args.what {
        What::Pending { host } => {
            let rows: Vec<Value> = changes(host, context)
                .await?
                .iter()
                .filter(|c| c.outcome == "pending")
                .map(Change::to_value)
                .collect();
            output::records(&rows, &["id", "change", "until", "confirm", "steps"], context.json);
        }
        What::History { host } => {
            // Says no where there is no such host.
            let known = OpRequest::MinionShow { id: host.clone() };
            let rows: Vec<Value> = changes(Some(host), context).await?.iter().map(Change::to_value).collect();
            if rows.is_empty() {
                context.client.collect(known).await?;
            }
            output::records(&rows, &["change", "at", "outcome", "by", "reason", "steps"], context.json);
        }
        What::Rollback { host, confirm, within, force } => {
            let mut kwargs = Map::from_iter([
                (Value::from("confirm"), Value::from(confirm)),
                (Value::from("force"), Value::from(force)),
            ]);
            kwargs.extend(within.map(|s| (Value::from("within"), Value::from(s))));
            return run::on_one(&host, "net.rollback", kwargs, context).await;
        }
    }
    Ok(0)
}

/// One change, folded from its events.
#[derive(Clone, Debug, Default)]
struct Change {
    id: String,
    change: String,
    at: String,
    until: Option<String>,
    confirm: Option<String>,
    outcome: &'static str,
    by: Option<String>,
    reason: Option<String>,
    reverts: Option<String>,
    steps: Vec<String>,
    undone: Vec<String>,
    left: Vec<String>,
    reachable: Option<bool>,
}

impl Change {
    fn to_value(&self) -> Value {
        Value::from([
            ("id", Value::from(self.id.as_str())),
            ("change", Value::from(self.change.as_str())),
            ("at", Value::from(self.at.as_str())),
            ("outcome", Value::from(self.outcome)),
            ("until", Value::from(self.until.clone())),
            ("confirm", Value::from(self.confirm.clone())),
            ("by", Value::from(self.by.clone())),
            ("reason", Value::from(self.reason.clone())),
            ("reverts", Value::from(self.reverts.clone())),
            ("steps", Value::from(self.steps.clone())),
            ("undone", Value::from(self.undone.clone())),
            ("left", Value::from(self.left.clone())),
            ("reachable", self.reachable.map_or(Value::Null, Value::from)),
        ])
    }
}

async fn changes(host: Option<MinionId>, context: &Context) -> Result<Vec<Change>, super::Failure> {
    let tags = match &host {
        Some(id) => ["pending", "committed", "rolled-back", "refused"]
            .map(|what| TagPattern::new(format!("lab/net/{id}/{what}")))
            .to_vec(),
        None => ["pending", "committed", "rolled-back"]
            .map(|what| TagPattern::new(format!("lab/net/*/{what}")))
            .to_vec(),
    };
    let query =
        EventQuery { since: Since::Start, until: None, tags, minion: host, limit: None, follow: false };
    let mut replies = context.client.request(OpRequest::Events(query)).await?;
    let mut fold = Fold::default();
    while let Some(reply) = replies.next().await? {
        if let OpReply::Events(events) = reply {
            events.iter().for_each(|e| fold.take(e));
        }
    }
    Ok(fold.changes)
}

#[derive(Default)]
struct Fold {
    changes: Vec<Change>,
    known: BTreeMap<(String, String), usize>,
}

impl Fold {
    fn take(&mut self, event: &Event) {
        // What an operator sent by hand is no fact.
        let Ok(Some(fact)) = Fact::of(event) else { return };
        let at = event.stamp.to_string();
        match fact {
            Fact::NetPending(f) => {
                let c = self.entry(f.id.as_str(), &f.change, &at);
                (c.outcome, c.steps, c.until, c.confirm) =
                    ("pending", f.steps, Some(f.until.to_string()), Some(f.confirm));
            }
            Fact::NetCommitted(f) => {
                let c = self.entry(f.id.as_str(), &f.change, &at);
                (c.outcome, c.steps, c.reverts) = ("committed", f.steps, f.reverts);
                c.by = Some("agent".to_owned());
            }
            Fact::NetRolledBack(f) => {
                let c = self.entry(f.id.as_str(), &f.change, &at);
                let why = match (f.step, f.error) {
                    (Some(step), Some(error)) => format!("{step}: {error}"),
                    _ => f.reason,
                };
                let by = Value::from_serialize(&f.by).ok().map(|v| v.to_string());
                (c.outcome, c.by, c.reason) = ("rolled-back", by, Some(why));
                (c.undone, c.left, c.reachable) = (f.undone, f.left, f.reachable);
            }
            Fact::NetRefused(f) => self.changes.push(Change {
                id: f.id.to_string(),
                change: "-".to_owned(),
                at,
                outcome: "refused",
                reason: Some(f.reason),
                steps: f.steps,
                ..Change::default()
            }),
            _ => {}
        }
    }

    fn entry(&mut self, id: &str, change: &str, at: &str) -> &mut Change {
        let key = (id.to_owned(), change.to_owned());
        let place = *self.known.entry(key).or_insert_with(|| {
            self.changes.push(Change {
                id: id.into(),
                change: change.into(),
                at: at.into(),
                ..Change::default()
            });
            self.changes.len() - 1
        });
        &mut self.changes[place]
    }
}
