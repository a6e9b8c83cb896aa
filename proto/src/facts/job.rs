//! Facts of jobs: published, returned, ended without a return; and what a state run's return amounts to.

use serde::{Deserialize, Serialize};

use super::{FactError, bad_id, tag_of};
use crate::event::NewEvent;
use crate::ids::{Digest, JobId, MinionId};
use crate::job::{EndState, JobReturn, StateOutcome, StepRef, TargetKind};
use crate::tag::EventTag;
use crate::value::{Map, Value};

/// A job was stored and is about to be published. `salt/job/<jid>/new`, with Salt's field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobNew {
    /// The job.
    pub jid: JobId,
    /// The function.
    pub fun: String,
    /// Positional arguments.
    #[serde(default)]
    pub arg: Vec<Value>,
    /// Named arguments.
    #[serde(default)]
    pub kwarg: Map,
    /// Whom it addressed, as asked.
    pub tgt: String,
    /// How that is read.
    pub tgt_type: TargetKind,
    /// Everyone that it addresses, connected or not; absent when they are too many for an event.
    #[serde(default)]
    pub minions: Option<Vec<MinionId>>,
    /// How many these are.
    pub count: u64,
    /// Who asked.
    pub user: String,
    /// The orchestration step that it belongs to.
    #[serde(default)]
    pub step: Option<StepRef>,
}

impl JobNew {
    /// Returns the fact's tag.
    pub fn tag(&self) -> EventTag {
        tag_of(format!("salt/job/{}/new", self.jid))
    }

    /// Returns the fact as the data of its event, arguments exactly as they are.
    pub fn data(&self) -> Value {
        let bare = Self { arg: Vec::new(), kwarg: Map::new(), ..self.clone() };
        super::with_exact(
            super::value_of(&bare),
            [("arg", self.arg.clone().into()), ("kwarg", self.kwarg.clone().into())],
        )
    }

    /// Makes the event by which the master states this.
    pub fn event(&self) -> NewEvent {
        super::by_master(self.tag(), self.data())
    }

    pub(super) fn from_data(tag: &EventTag, data: &Value) -> Result<Self, FactError> {
        let (bare, [arg, kwarg]) = super::without_exact(tag, data, ["arg", "kwarg"])?;
        let mut fact: Self = super::typed(tag, &bare)?;
        fact.arg = arg.as_list().map(<[Value]>::to_vec).unwrap_or_default();
        fact.kwarg = kwarg.as_map().cloned().unwrap_or_default();
        Ok(fact)
    }
}

/// A job ended on a minion without a return from it. `lab/job/<jid>/end/<id>`, stated by the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnd {
    /// The job.
    pub jid: JobId,
    /// The minion.
    pub id: MinionId,
    /// How it ended.
    pub state: EndState,
    /// Why, and the way out, in a sentence.
    #[serde(rename = "reason")]
    pub why: String,
}

impl JobEnd {
    /// Returns the fact's tag.
    pub fn tag(&self) -> EventTag {
        tag_of(format!("lab/job/{}/end/{}", self.jid, self.id))
    }
}

super::master_fact!(JobEnd);

impl JobReturn {
    /// Returns the tag of the return, `salt/job/<jid>/ret/<id>`.
    pub fn tag(&self) -> EventTag {
        tag_of(format!("salt/job/{}/ret/{}", self.jid, self.id))
    }

    /// Returns the return as the data of its event. What the function returned is kept as it is, bytes and
    /// keys that are no text included.
    pub fn data(&self) -> Value {
        let Self { jid, id, fun, state, success, retcode, value, duration_micros } = self;
        Value::from([
            ("jid", Value::from(jid.to_string())),
            ("id", Value::from(id.as_str())),
            ("fun", Value::from(fun.as_str())),
            ("state", Value::from(state.as_str())),
            ("success", Value::from(*success)),
            ("retcode", Value::from(*retcode)),
            ("return", value.clone()),
            ("duration_micros", Value::from(*duration_micros)),
        ])
    }

    /// Reads a return back.
    ///
    /// # Errors
    /// When a field is missing or of the wrong kind, or disagrees with the tag.
    pub fn from_data(tag: &EventTag, data: &Value) -> Result<Self, FactError> {
        let bad = |reason: &str| FactError { tag: tag.clone(), reason: reason.to_owned() };
        let text = |key: &str| {
            data.get(key).and_then(Value::as_str).ok_or_else(|| bad(&format!("{key} is not a text")))
        };
        let back = Self {
            jid: text("jid")?.parse().map_err(|e| bad_id(tag, &e))?,
            id: text("id")?.parse().map_err(|e| bad_id(tag, &e))?,
            fun: text("fun")?.to_owned(),
            state: data
                .get("state")
                .and_then(Value::as_str)
                .and_then(EndState::named)
                .ok_or_else(|| bad("state is not an end state"))?,
            success: data
                .get("success")
                .and_then(Value::as_bool)
                .ok_or_else(|| bad("success is not a boolean"))?,
            retcode: int(data, "retcode").ok_or_else(|| bad("retcode is not a number"))?,
            value: data.get("return").cloned().unwrap_or_default(),
            duration_micros: int(data, "duration_micros")
                .ok_or_else(|| bad("duration_micros is not a number"))?,
        };
        if back.tag() != *tag {
            return Err(bad("jid or id is not the tag's"));
        }
        Ok(back)
    }
}

fn int<T: TryFrom<i128>>(data: &Value, key: &str) -> Option<T> {
    data.get(key).and_then(Value::as_int).and_then(|i| T::try_from(i).ok())
}

/// What the return of a state run amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSummary {
    /// How many states the run had.
    pub total: u32,
    /// How many changed something, or in a dry run would; whether they then failed or not.
    pub changed: u32,
    /// How many of these are changes that a dry run foresees.
    pub would_change: u32,
    /// How many failed or were blocked by one that did.
    pub failed: u32,
}

/// What stands in an event for a return that is too large for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// The blob that is the return, as JSON.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
}

impl StandIn {
    /// Reads a stand-in; `None` when the value is itself what was returned.
    pub fn of(value: &Value) -> Option<Self> {
        let map = value.as_map()?;
        let known = if map.contains_key("summary") { 3 } else { 2 };
        let digest = map.get("blob").and_then(Value::as_str)?.parse().ok()?;
        let size = map.get("size").and_then(Value::as_int).and_then(|n| u64::try_from(n).ok())?;
        (map.len() == known).then_some(Self { digest, size })
    }
}

impl StateSummary {
    /// Makes the stand-in of a return that is too large for an event.
    pub fn blob(self, digest: Digest, size: u64) -> Value {
        Value::from([
            ("blob", Value::from(digest.to_string())),
            ("size", Value::from(size)),
            ("summary", super::value_of(&self)),
        ])
    }

    /// Sums up a state run's return: a list of [`crate::job::StateReturn`]s, Salt's mapping of
    /// `module_|-id_|-name_|-function` to results, or the stand-in of a blob. `None` when it is none of
    /// these, as when the SLS could not be rendered.
    pub fn of(value: &Value) -> Option<Self> {
        if let Some(summary) = value.get("summary").filter(|_| value.get("blob").is_some()) {
            return summary.to_typed().ok();
        }
        let rows: Vec<&Value> = match value {
            Value::Map(m) => m.values().collect(),
            Value::List(l) => l.iter().collect(),
            _ => return None,
        };
        let mut sum = Self::default();
        for row in rows {
            sum.add(row)?;
        }
        Some(sum)
    }

    fn add(&mut self, row: &Value) -> Option<()> {
        let map = row.as_map()?;
        let changed = map.get("changes").is_some_and(Value::truthy);
        let outcome = match map.get("outcome") {
            Some(o) => o.to_typed::<StateOutcome>().ok()?,
            None => match map.get("result")? {
                Value::Bool(true) => StateOutcome::Ok,
                Value::Bool(false) => StateOutcome::Failed,
                Value::Null => StateOutcome::WouldChange,
                _ => return None,
            },
        };
        let blocked = matches!(
            map.get("reason").and_then(Value::as_str),
            Some("requisite_failed" | "requisite_missing" | "recursive")
        );
        let would = outcome == StateOutcome::WouldChange;
        self.total += 1;
        self.changed += u32::from(changed || would);
        self.would_change += u32::from(would);
        self.failed +=
            u32::from(outcome == StateOutcome::Failed || (outcome == StateOutcome::Skipped && blocked));
        Some(())
    }
}
