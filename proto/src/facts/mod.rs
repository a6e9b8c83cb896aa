//! Typed facts: what an event of a known tag says, and how it is said. One place for both directions.
//!
//! Made by the master's core, the minion's agent and the orchestration engine; read by all of them and by
//! the command line. Each fact has `tag()` and `data()`; [`Fact::of`] reads an event back. An event whose tag
//! is not one of these is simply not a fact of ours; one whose tag is, but whose origin may not say it, is
//! not a fact either (an operator may send any tag by hand, and must not end another's step by it).

mod job;
mod minion;
mod net;
mod run;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub use job::{JobEnd, JobNew, StandIn, StateSummary};
pub use minion::{
    MinionConnected, MinionDisconnected, MinionFound, MinionLost, MinionReady, MinionReboot, MinionStart,
    StartCause,
};
pub use net::{
    DriftAction, LinkChange, MAX_LINES, NetCommitted, NetDrift, NetLink, NetPending, NetRefused,
    NetRolledBack, RolledBackBy, lines,
};
pub use run::{
    ENTERED_INLINE, MinionAt, NearMiss, NearReason, PLAN_INLINE, RunEnded, RunOutcome, RunResumed,
    RunStarted, STOOD_INLINE, StepEnded, StepEntered, StepMet, StepOutcome, StepRow,
};

use crate::event::{Event, NewEvent, Origin};
use crate::ids::{InvalidId, JobId, MinionId, RunId, StepId};
use crate::job::JobReturn;
use crate::speaker;
use crate::tag::EventTag;
use crate::value::Value;

/// An event whose tag promises a fact that its data does not hold.
#[derive(Debug, Error)]
#[error("event {tag} does not hold what its tag says: {reason}")]
pub struct FactError {
    /// The event's tag.
    pub tag: EventTag,
    /// What is wrong.
    pub reason: String,
}

/// Every fact that lab itself writes or reads.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is the type of its name")]
pub enum Fact {
    RunStarted(RunStarted),
    RunResumed(RunResumed),
    RunEnded(RunEnded),
    StepEntered(StepEntered),
    StepMet(StepMet),
    NearMiss(NearMiss),
    StepEnded(StepEnded),
    JobNew(JobNew),
    JobReturn(JobReturn),
    JobEnd(JobEnd),
    MinionStart(MinionStart),
    MinionReady(MinionReady),
    MinionReboot(MinionReboot),
    MinionConnected(MinionConnected),
    MinionDisconnected(MinionDisconnected),
    MinionLost(MinionLost),
    MinionFound(MinionFound),
    NetPending(NetPending),
    NetCommitted(NetCommitted),
    NetRolledBack(NetRolledBack),
    NetRefused(NetRefused),
    NetDrift(NetDrift),
    NetLink(NetLink),
}

impl Fact {
    /// Reads the fact that an event states, if it is one and its origin may state it.
    ///
    /// # Errors
    /// When the data does not fit the tag.
    pub fn of(event: &Event) -> Result<Option<Self>, FactError> {
        if !may_state(&event.tag, &event.origin) {
            return Ok(None);
        }
        Self::parse(&event.tag, &event.data)
    }

    /// Reads a fact from a tag and data, whoever said it.
    ///
    /// # Errors
    /// When the data does not fit the tag.
    pub fn parse(tag: &EventTag, data: &Value) -> Result<Option<Self>, FactError> {
        let bad = |e: speaker::NotItsOwn| FactError { tag: tag.clone(), reason: e.to_string() };
        let parts: Vec<&str> = tag.parts().collect();
        speaker::check_id(tag, data).map_err(bad)?;
        Ok(Some(match parts.as_slice() {
            ["lab", "run", _, "started"] => Self::RunStarted(RunStarted::from_data(tag, data)?),
            ["lab", "run", _, "resumed"] => Self::RunResumed(typed(tag, data)?),
            ["lab", "run", _, "ended"] => Self::RunEnded(typed(tag, data)?),
            ["lab", "run", _, "step", _, "entered"] => Self::StepEntered(typed(tag, data)?),
            ["lab", "run", _, "step", _, "met"] => Self::StepMet(typed(tag, data)?),
            ["lab", "run", _, "step", _, "near"] => Self::NearMiss(typed(tag, data)?),
            ["lab", "run", _, "step", _, "ended"] => Self::StepEnded(typed(tag, data)?),
            ["salt", "job", _, "new"] => Self::JobNew(JobNew::from_data(tag, data)?),
            ["salt", "job", _, "ret", _] => Self::JobReturn(JobReturn::from_data(tag, data)?),
            ["lab", "job", _, "end", _] => Self::JobEnd(typed(tag, data)?),
            ["salt", "minion", _, "start"] => Self::MinionStart(typed(tag, data)?),
            ["lab", "minion", _, "ready"] => Self::MinionReady(typed(tag, data)?),
            ["lab", "minion", _, "reboot"] => Self::MinionReboot(typed(tag, data)?),
            ["lab", "minion", _, "connected"] => Self::MinionConnected(typed(tag, data)?),
            ["lab", "minion", _, "disconnected"] => Self::MinionDisconnected(typed(tag, data)?),
            ["lab", "minion", _, "lost"] => Self::MinionLost(typed(tag, data)?),
            ["lab", "minion", _, "found"] => Self::MinionFound(typed(tag, data)?),
            ["lab", "net", _, "pending"] => Self::NetPending(typed(tag, data)?),
            ["lab", "net", _, "committed"] => Self::NetCommitted(typed(tag, data)?),
            ["lab", "net", _, "rolled-back"] => Self::NetRolledBack(typed(tag, data)?),
            ["lab", "net", _, "refused"] => Self::NetRefused(typed(tag, data)?),
            ["lab", "net", _, "drift"] => Self::NetDrift(typed(tag, data)?),
            ["lab", "net", _, "link", _] => Self::NetLink(typed(tag, data)?),
            _ => return Ok(None),
        }))
    }
}

/// Tells whether an event with this tag from this origin is a fact of ours.
fn may_state(tag: &EventTag, origin: &Origin) -> bool {
    match origin {
        Origin::Master => true,
        Origin::Minion(from) => tag.allowed_from(&from.id),
        Origin::Operator { .. } => false,
    }
}

/// Returns the run whose fact this tag names.
pub fn run_of(tag: &EventTag) -> Option<RunId> {
    let mut parts = tag.parts();
    (parts.next() == Some("lab") && parts.next() == Some("run")).then_some(())?;
    parts.next()?.parse().ok()
}

/// Returns the job whose fact this tag names.
pub fn job_of(tag: &EventTag) -> Option<JobId> {
    let mut parts = tag.parts();
    matches!(parts.next(), Some("salt" | "lab")).then_some(())?;
    (parts.next() == Some("job")).then_some(())?;
    parts.next()?.parse().ok()
}

/// Makes the event of a fact that the master states.
pub fn by_master(tag: EventTag, data: Value) -> NewEvent {
    NewEvent { tag, origin: Origin::Master, data }
}

fn typed<T: DeserializeOwned>(tag: &EventTag, data: &Value) -> Result<T, FactError> {
    data.to_typed().map_err(|e| FactError { tag: tag.clone(), reason: e.to_string() })
}

fn value_of<T: Serialize>(fact: &T) -> Value {
    Value::from_serialize(fact).expect("facts have named fields and text keys, so a JSON form")
}

/// Puts fields that must not pass through JSON, which would change bytes and keys, into a fact's data.
fn with_exact<const N: usize>(mut data: Value, fields: [(&str, Value); N]) -> Value {
    if let Value::Map(map) = &mut data {
        for (key, value) in fields {
            map.insert(Value::from(key), value);
        }
    }
    data
}

/// Takes the fields that [`with_exact`] put in out again; absent ones are null.
fn without_exact<const N: usize>(
    tag: &EventTag,
    data: &Value,
    fields: [&str; N],
) -> Result<(Value, [Value; N]), FactError> {
    let Value::Map(map) = data else {
        return Err(FactError { tag: tag.clone(), reason: format!("a {} and no mapping", data.kind()) });
    };
    let mut bare = map.clone();
    let taken = fields.map(|key| bare.shift_remove(key).unwrap_or_default());
    Ok((Value::Map(bare), taken))
}

fn tag_of(text: String) -> EventTag {
    EventTag::new(text).expect("ids in tags are checked: no white space, at most 253 bytes")
}

fn run_tag(run: RunId, what: &str) -> EventTag {
    tag_of(format!("lab/run/{run}/{what}"))
}

fn step_tag(run: RunId, step: &StepId, what: &str) -> EventTag {
    tag_of(format!("lab/run/{run}/step/{step}/{what}"))
}

fn minion_tag(id: &MinionId, what: &str) -> EventTag {
    tag_of(format!("lab/minion/{id}/{what}"))
}

fn bad_id(tag: &EventTag, e: &InvalidId) -> FactError {
    FactError { tag: tag.clone(), reason: e.to_string() }
}

/// Gives a fact its `tag()`-using event constructor.
macro_rules! master_fact {
    ($($t:ty),*) => { $(
        impl $t {
            /// Returns the fact as the data of its event.
            pub fn data(&self) -> crate::value::Value {
                super::value_of(self)
            }

            /// Makes the event by which the master states this.
            pub fn event(&self) -> crate::event::NewEvent {
                super::by_master(self.tag(), self.data())
            }
        }
    )* };
}
use master_fact;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Boot;
    use crate::ids::{BootId, Digest, OutboxId, Position};
    use crate::job::EndState;
    use crate::time::Timestamp;
    use crate::value::Map;

    fn run() -> RunId {
        RunId::new(Timestamp::from_micros(1_795_238_380_000_042), 7)
    }

    fn jid() -> JobId {
        JobId::new(Timestamp::from_micros(1_795_238_380_000_042), 7)
    }

    fn web1() -> MinionId {
        MinionId::new("00:00:00:11:11:11").expect("valid")
    }

    #[test]
    fn a_run_reads_back_with_keys_and_bytes_as_they_were() {
        let chunk =
            Value::from([("weird", Value::Map(Map::from([(Value::Int(5), Value::Bytes(vec![0xff]))])))]);
        let fact = RunStarted {
            run: run(),
            name: "kubic".into(),
            plan: Digest::of(b"plan"),
            chunks: Some(vec![chunk]),
            pillar: Map::from([(Value::List(vec![Value::Null]), Value::Tuple(vec![Value::Int(1)]))]),
            tree: None,
            test: false,
            failhard: false,
            user: "root".into(),
            parent: None,
            minions: Vec::new(),
            stood: None,
        };
        let back = Fact::parse(&fact.tag(), &fact.data()).expect("reads").expect("is a fact");
        assert_eq!(back, Fact::RunStarted(fact));
    }

    #[test]
    fn places_of_minions_read_back_from_their_blob_and_no_bytes_make_that_panic() {
        let at = |n: u64| MinionAt {
            id: MinionId::new(format!("host-{n}")).expect("valid"),
            boot: n.is_multiple_of(2).then(|| Boot { id: BootId::from_u128(u128::from(n)), number: n }),
            outbox: n.is_multiple_of(3).then(|| OutboxId::from_u128(9)),
            connected: n.is_multiple_of(5),
            ready: false,
        };
        let many: Vec<MinionAt> = (0..7).map(at).collect();
        let blob = MinionAt::many_to_blob(&many);
        assert_eq!(MinionAt::many_from_blob(&blob).as_ref(), Ok(&many));
        for cut in 0..blob.len() {
            match MinionAt::many_from_blob(&blob[..cut]) {
                Ok(some) => assert_eq!(some, many[..some.len()], "cut between two"),
                Err(why) => assert!(why.contains("bytes are left after"), "{why}"),
            }
        }
        for place in 0..blob.len() {
            let mut flipped = blob.clone();
            flipped[place] ^= 0x81;
            _ = MinionAt::many_from_blob(&flipped);
        }
    }

    #[test]
    fn a_return_reads_back_and_must_be_the_tags() {
        let fact = JobReturn {
            jid: jid(),
            id: web1(),
            fun: "cmd.run".into(),
            state: EndState::TimedOut,
            success: false,
            retcode: -1,
            value: Value::Bytes(vec![0, 255]),
            duration_micros: u64::MAX,
        };
        let back = Fact::parse(&fact.tag(), &fact.data()).expect("reads");
        assert_eq!(back, Some(Fact::JobReturn(fact.clone())));
        let other = JobReturn { id: MinionId::new("web2").expect("valid"), ..fact.clone() };
        assert!(Fact::parse(&other.tag(), &fact.data()).is_err());
    }

    #[test]
    fn an_operator_cannot_end_a_step_by_hand() {
        let fact = RunEnded {
            run: run(),
            outcome: RunOutcome::Succeeded,
            succeeded: 0,
            changed: 0,
            failed: 0,
            skipped: 0,
        };
        let new = NewEvent { origin: Origin::Operator { name: "eve".into() }, ..fact.event() };
        let at = Position { log_id: crate::ids::LogId::from_u128(1), seq: 1 };
        let forged = Event::place(new, at, Timestamp::default());
        assert_eq!(Fact::of(&forged).expect("no error"), None);
        let real = Event::place(fact.event(), at, Timestamp::default());
        assert_eq!(Fact::of(&real).expect("reads"), Some(Fact::RunEnded(fact)));
        assert_eq!(run_of(&real.tag), Some(run()));
    }

    #[test]
    fn state_returns_sum_up_in_our_form_in_salts_and_as_a_blob() {
        let salts = Value::from([
            ("a", Value::from([("result", Value::from(true)), ("changes", Value::from([("new", 1)]))])),
            ("b", Value::from([("result", Value::from(false)), ("changes", Value::map())])),
            ("c", Value::from([("result", Value::Null), ("changes", Value::map())])),
        ]);
        let want = StateSummary { total: 3, changed: 2, would_change: 1, failed: 1 };
        assert_eq!(StateSummary::of(&salts), Some(want));
        let ours = Value::List(vec![
            Value::from([("outcome", Value::from("ok")), ("changes", Value::from([("new", 1)]))]),
            Value::from([("outcome", Value::from("skipped")), ("reason", Value::from("requisite_failed"))]),
            Value::from([("outcome", Value::from("would_change")), ("changes", Value::map())]),
        ]);
        assert_eq!(StateSummary::of(&ours), Some(want));
        assert_eq!(StateSummary::of(&want.blob(Digest::of(b"x"), 1 << 20)), Some(want));
        let stand_in = StandIn { digest: Digest::of(b"x"), size: 1 << 20 };
        assert_eq!(StandIn::of(&want.blob(Digest::of(b"x"), 1 << 20)), Some(stand_in));
        assert_eq!(StandIn::of(&ours), None);
        let alike = Value::from([("blob", Value::from("a file")), ("size", Value::from(5))]);
        assert_eq!(StandIn::of(&alike), None, "a function may return what looks alike");
        assert_eq!(StateSummary::of(&Value::map()), Some(StateSummary::default()));
        assert_eq!(StateSummary::of(&Value::from("Rendering SLS failed")), None);
    }

    const TAGS: [&str; 8] = [
        "lab/run/20261121051940000042_0000000000000007/started",
        "lab/run/20261121051940000042_0000000000000007/step/a/entered",
        "lab/run/20261121051940000042_0000000000000007/step/a/ended",
        "salt/job/20261121051940000042_0000000000000007/ret/web1",
        "salt/job/20261121051940000042_0000000000000007/new",
        "salt/minion/web1/start",
        "lab/minion/web1/reboot",
        "lab/minion/web1/ready",
    ];

    proptest! {
        #[test]
        fn whatever_the_data_reading_a_fact_never_panics(
            tag in 0..TAGS.len(),
            keys in proptest::collection::vec(("(run|step|jid|id|chunks|fun|x)", any::<Option<i64>>()), 0..8),
        ) {
            let tag = EventTag::new(TAGS[tag]).expect("valid");
            let data = Value::Map(keys.into_iter().map(|(k, v)| (Value::from(k), Value::from(v))).collect());
            let _ = Fact::parse(&tag, &data);
        }
    }
}
