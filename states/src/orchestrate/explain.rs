//! Why a step is where it is: what it waits for, who answered and when, who is missing, what came near.

use std::fmt;

use lab_proto::facts::{NearReason, StepOutcome};
use lab_proto::{Event, EventTag, Position, Timestamp, Value};

use super::action::Action;
use super::decide;
use super::ledger::Ledger;
use super::plan::SinceSpec;
use super::wait::Candidate;

/// The story of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The ID declaration.
    pub step: String,
    /// `salt.wait_for_event` and the like.
    pub fun: String,
    /// What it asks for.
    pub asks: String,
    /// For a wait: the position that events count from, and what happened there.
    pub since: Option<(Position, String)>,
    /// When it was entered, and where in the log.
    pub entered: Option<(Position, Timestamp)>,
    /// When it gives up.
    pub gives_up: Option<Timestamp>,
    /// Everyone it is about.
    pub ids: Vec<ExplainedId>,
    /// How it ended.
    pub ended: Option<(StepOutcome, String, Timestamp)>,
}

/// One id or minion that a step is about.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedId {
    /// Who.
    pub id: String,
    /// How it stands, in a few words.
    pub state: String,
    /// The event that answered a wait.
    pub met: Option<Seen>,
    /// The event that would have, had it come before the wait gave up.
    pub late: Option<Seen>,
    /// Events that came near, and why they do not count; the last few.
    pub near: Vec<(Seen, NearReason)>,
    /// How many more came near before these.
    pub near_dropped: u64,
}

/// An event as an explanation names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Where in the log.
    pub position: Position,
    /// When it was appended.
    pub stamp: Timestamp,
    /// Its tag.
    pub tag: EventTag,
}

impl From<&Candidate> for Seen {
    fn from(c: &Candidate) -> Self {
        Self { position: c.position, stamp: c.stamp, tag: c.tag.clone() }
    }
}

impl From<&Event> for Seen {
    fn from(e: &Event) -> Self {
        Self { position: e.position, stamp: e.stamp, tag: e.tag.clone() }
    }
}

pub(super) fn explain(ledger: &Ledger, at: usize) -> Explanation {
    let step = &ledger.plan.steps()[at];
    let record = &ledger.records[at];
    Explanation {
        step: step.label.clone(),
        fun: step.fun.clone(),
        asks: asks(&step.action),
        since: matches!(step.action, Action::Wait(_)).then(|| since(ledger, at)).flatten(),
        entered: record.entered.as_ref().map(|e| (e.mark.position, e.stamp)),
        gives_up: decide::deadline(ledger, at),
        ids: ids(ledger, at),
        ended: record.ended.as_ref().map(|(e, stamp)| (e.outcome, e.comment.clone(), *stamp)),
    }
}

fn asks(action: &Action) -> String {
    match action {
        Action::Wait(w) => format!("an event {} from each of {}", w.tag, w.ids.join(", ")),
        Action::Nested(runs) => {
            let names: Vec<&str> = runs.iter().map(|r| r.name.as_str()).collect();
            format!("the end of {}", names.join(", "))
        }
        Action::Reboot(job) => format!("another boot of, and then ready from, {}", job.target.expr),
        Action::Ready(job) => format!("ready from {}", job.target.expr),
        Action::Function(job) | Action::State(job) | Action::Assert(job, _) => {
            format!("the return of {} from {}", job.fun, job.target.expr)
        }
        Action::Test(_) => "nothing".to_owned(),
    }
}

fn since(ledger: &Ledger, at: usize) -> Option<(Position, String)> {
    let mark = ledger.mark(at)?;
    let steps = ledger.plan.steps().iter().zip(&ledger.records);
    let by = steps
        .filter(|(_, r)| r.entered.as_ref().is_some_and(|e| e.mark.position == mark.position))
        .map(|(s, _)| format!("step {} was entered", s.label))
        .next();
    let named = matches!(ledger.plan.steps()[at].since, SinceSpec::Run);
    let run = if named { "the run began" } else { "the run began (no step that it names was entered)" };
    Some((mark.position, by.unwrap_or_else(|| run.to_owned())))
}

fn ids(ledger: &Ledger, at: usize) -> Vec<ExplainedId> {
    let record = &ledger.records[at];
    if let Some(waiting) = &record.waiting {
        let one = |(id, asked): (&str, &super::wait::Asked)| ExplainedId {
            id: id.to_owned(),
            state: if asked.met.is_some() { "seen" } else { "missing" }.to_owned(),
            met: asked.met.as_ref().map(Seen::from),
            late: asked.late.as_ref().map(Seen::from),
            near: asked.near.iter().map(|(c, r)| (Seen::from(c), *r)).collect(),
            near_dropped: asked.near_dropped,
        };
        return waiting.ids().map(one).collect();
    }
    let plain = |id: String, state: String| ExplainedId {
        id,
        state,
        met: None,
        late: None,
        near: Vec::new(),
        near_dropped: 0,
    };
    match (&record.watch, &ledger.plan.steps()[at].action) {
        (Some(watch), Action::Reboot(_)) => {
            watch.reboots().map(|(id, verdict)| plain(id.to_string(), verdict.to_string())).collect()
        }
        (Some(watch), _) => {
            let word = |ready| if ready { "ready" } else { "not ready" }.to_owned();
            watch.ready().map(|(id, ready)| plain(id.to_string(), word(ready))).collect()
        }
        (None, Action::Nested(_)) => {
            let word = |e: &Option<lab_proto::facts::RunEnded>| {
                e.as_ref()
                    .map_or_else(|| "under way".to_owned(), |e| format!("{:?}", e.outcome).to_lowercase())
            };
            record.nested.iter().map(|(run, end)| plain(run.to_string(), word(end))).collect()
        }
        _ => {
            let word = |row: &super::ledger::Row| {
                row.end.as_ref().map_or("no return yet", |e| e.state.as_str()).to_owned()
            };
            record.rows.rows.iter().map(|(id, row)| plain(id.to_string(), word(row))).collect()
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.step, self.fun)?;
        writeln!(f, "  asks for   {}", self.asks)?;
        if let Some((position, what)) = &self.since {
            writeln!(f, "  counts     since {what}, at {}", position.seq)?;
        }
        match &self.entered {
            Some((position, stamp)) => writeln!(f, "  entered    {stamp}, at {}", position.seq)?,
            None => writeln!(f, "  entered    not yet")?,
        }
        if let (Some(at), None) = (&self.gives_up, &self.ended) {
            writeln!(f, "  gives up   {at}")?;
        }
        for id in &self.ids {
            write!(f, "  {:<10} {}", id.id, id.state)?;
            if let Some(met) = &id.met {
                write!(f, " at {}, {} ({})", met.position.seq, met.stamp, met.tag)?;
            }
            writeln!(f)?;
            if id.near_dropped > 0 {
                writeln!(f, "    near     {} earlier ones are not listed", id.near_dropped)?;
            }
            for (near, reason) in &id.near {
                writeln!(f, "    near     {} at {}, {}: {reason}", near.tag, near.position.seq, near.stamp)?;
            }
            if let Some(late) = &id.late {
                let when = format!("at {}, {}", late.position.seq, late.stamp);
                writeln!(f, "    late     {} {when}: it came after the wait gave up", late.tag)?;
            }
        }
        if let Some((outcome, comment, stamp)) = &self.ended {
            writeln!(f, "  ended      {stamp}: {}, {comment}", outcome.as_str())?;
        }
        Ok(())
    }
}

impl Explanation {
    /// Returns the explanation as `--json` prints it.
    pub fn to_value(&self) -> Value {
        let seen = |s: &Seen| {
            Value::from([
                ("position", Value::from(s.position.to_string())),
                ("stamp", Value::from(s.stamp.to_string())),
                ("tag", Value::from(s.tag.as_str())),
            ])
        };
        let near = |(s, reason): &(Seen, NearReason)| {
            Value::from([("event", seen(s)), ("reason", Value::from(reason.to_string()))])
        };
        let id = |i: &ExplainedId| {
            Value::from([
                ("id", Value::from(i.id.as_str())),
                ("state", Value::from(i.state.as_str())),
                ("met", i.met.as_ref().map(seen).into()),
                ("late", i.late.as_ref().map(seen).into()),
                ("near", Value::List(i.near.iter().map(near).collect())),
            ])
        };
        let since = self.since.as_ref().map(|(position, what)| {
            Value::from([
                ("position", Value::from(position.to_string())),
                ("what", Value::from(what.as_str())),
            ])
        });
        let entered = self.entered.as_ref().map(|(position, stamp)| {
            Value::from([("position", position.to_string()), ("stamp", stamp.to_string())])
        });
        let ended = self.ended.as_ref().map(|(outcome, comment, stamp)| {
            Value::from([
                ("outcome", Value::from(outcome.as_str())),
                ("comment", Value::from(comment.as_str())),
                ("stamp", Value::from(stamp.to_string())),
            ])
        });
        Value::from([
            ("step", Value::from(self.step.as_str())),
            ("fun", Value::from(self.fun.as_str())),
            ("asks", Value::from(self.asks.as_str())),
            ("since", since.into()),
            ("entered", entered.into()),
            ("gives_up", self.gives_up.map(|t| t.to_string()).into()),
            ("ids", Value::List(self.ids.iter().map(id).collect())),
            ("ended", ended.into()),
        ])
    }
}
