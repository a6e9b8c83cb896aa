//! A desk that does what a master would: a log in memory, a roster, published jobs; and the words that the tests share.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_proto::event::Boot;
use lab_proto::facts::{JobEnd, MinionAt, MinionReady, MinionStart, StartCause};
use lab_proto::{
    BootId, EndState, Event, EventTag, Fingerprint, JobReturn, JobSpec, LogId, Map, MinionId, MinionOrigin,
    NewEvent, Origin, OutboxId, Position, RunId, StepId, Timestamp, Value,
};

use super::super::*;

pub(super) fn id(text: &str) -> MinionId {
    MinionId::new(text).expect("valid")
}

pub(super) fn step(text: &str) -> StepId {
    StepId::new(text).expect("valid")
}

pub(super) fn boot(n: u64) -> Boot {
    Boot { id: BootId::from_u128(u128::from(n) * 1000), number: n }
}

pub(super) fn t(seconds: u64) -> Timestamp {
    Timestamp::from_micros(1_795_238_380_000_000) + Duration::from_secs(seconds)
}

/// A low chunk.
pub(super) fn chunk(id: &str, fun: &str, args: Value) -> Value {
    let (state, fun) = fun.split_once('.').expect("module.function");
    let mut map = Map::new();
    for (k, v) in [("state", state), ("fun", fun), ("name", id), ("__id__", id), ("__sls__", "orch.x")] {
        map.insert(Value::from(k), Value::from(v));
    }
    map.extend(args.as_map().cloned().unwrap_or_default());
    Value::Map(map)
}

pub(super) fn on_all() -> Value {
    Value::from([("tgt", "*")])
}

pub(super) fn applies(sls: &str) -> Value {
    Value::from([("tgt", "*"), ("sls", sls)])
}

pub(super) fn with(mut args: Value, key: &str, value: Value) -> Value {
    if let Value::Map(map) = &mut args {
        map.insert(Value::from(key), value);
    }
    args
}

pub(super) fn requires(args: Value, of: &str) -> Value {
    with(args, "require", Value::from(vec![Value::from([("salt", of)])]))
}

pub(super) fn starts_of(ids: &[&str]) -> Value {
    Value::from([("name", Value::from("salt/minion/*/start")), ("id_list", Value::from(ids.to_vec()))])
}

/// The kubic shape: install (which reboots), wait for the reboots, go on.
pub(super) fn install_and_wait() -> Vec<Value> {
    vec![
        chunk("install", "salt.state", applies("node")),
        chunk("wait", "salt.wait_for_event", requires(starts_of(&["n1", "n2"]), "install")),
        chunk("after", "salt.function", with(on_all(), "name", Value::from("test.ping"))),
    ]
}

/// A run of some chunks, its id made of a number.
pub(super) fn start(run: u64, chunks: Vec<Value>) -> Start {
    Start {
        run: RunId::new(t(0), run),
        name: "x".into(),
        plan: Plan::compile(chunks).expect("compiles"),
        pillar: Map::new(),
        tree: None,
        test: false,
        failhard: false,
        user: "root".into(),
        parent: None,
    }
}

pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) log: Vec<Event>,
    pub(super) roster: BTreeMap<MinionId, MinionAt>,
    pub(super) published: Vec<(JobSpec, Vec<MinionId>)>,
    pub(super) nested: Vec<StartNested>,
    pub(super) blobs: BTreeMap<Digest, Vec<u8>>,
    pub(super) finished: Option<RunOutcome>,
    pub(super) now: Timestamp,
    pub(super) counter: u64,
}

impl Desk {
    pub(super) fn new(chunks: Vec<Value>, minions: &[&str]) -> Self {
        Self::with_start(chunks, minions, |_| {})
    }

    pub(super) fn with_start(chunks: Vec<Value>, minions: &[&str], change: impl FnOnce(&mut Start)) -> Self {
        let mut start = start(7, chunks);
        change(&mut start);
        let at = |m: &str| MinionAt {
            id: id(m),
            boot: Some(boot(1)),
            outbox: Some(OutboxId::from_u128(9)),
            connected: true,
            ready: true,
        };
        let mut desk = Self {
            engine: Engine::start(start),
            log: Vec::new(),
            roster: minions.iter().map(|m| (id(m), at(m))).collect(),
            published: Vec::new(),
            nested: Vec::new(),
            blobs: BTreeMap::new(),
            finished: None,
            now: t(0),
            counter: 0,
        };
        desk.work();
        desk
    }

    pub(super) fn work(&mut self) {
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Resolve(ask) => {
                    let targets = match &ask.target {
                        Some(t) => self
                            .roster
                            .keys()
                            .filter(|id| lab_proto::glob::matches(&t.expr, id.as_str()))
                            .cloned()
                            .collect(),
                        None => Vec::new(),
                    };
                    let minions = self.roster.values().cloned().collect();
                    self.engine.handle_resolved(&ask, Ok(Resolution { targets, minions }));
                }
                Effect::StoreBlob { digest, bytes } => _ = self.blobs.insert(digest, bytes),
                Effect::Append(new) => self.append(*new),
                Effect::Publish { job, minions } => self.published.push((*job, minions)),
                Effect::StartNested(nested) => self.nested.push(*nested),
                Effect::Finish(outcome) => self.finished = Some(outcome),
            }
        }
    }

    pub(super) fn append(&mut self, new: NewEvent) {
        let seq = self.log.len() as u64 + 1;
        let event = Event::place(new, Position { log_id: LogId::from_u128(1), seq }, self.now);
        self.engine.handle_event(&event);
        self.log.push(event);
    }

    pub(super) fn says(&mut self, minion: &str, tag: EventTag, data: Value) {
        self.says_knowing(minion, tag, data, self.log.len() as u64);
    }

    pub(super) fn says_knowing(&mut self, minion: &str, tag: EventTag, data: Value, seen: u64) {
        self.counter += 1;
        let origin = Origin::Minion(MinionOrigin {
            id: id(minion),
            key: Fingerprint::of(minion.as_bytes()),
            outbox_id: OutboxId::from_u128(9),
            counter: self.counter,
            boot: self.roster[&id(minion)].boot.expect("known"),
            seen: Some(Position { log_id: LogId::from_u128(1), seq: seen }),
            at: self.now,
        });
        self.append(NewEvent { tag, origin, data });
        self.work();
    }

    /// Answers the newest job of a step from one minion.
    pub(super) fn returns(&mut self, step: &str, minion: &str, success: bool, value: Value) {
        let (job, _) = self.jobs_of(step).last().cloned().expect("published");
        let back = JobReturn {
            jid: job.jid,
            id: id(minion),
            fun: job.fun,
            state: EndState::Returned,
            success,
            retcode: i64::from(!success),
            value,
            duration_micros: 1,
        };
        self.says(minion, back.tag(), back.data());
    }

    pub(super) fn ends(&mut self, step: &str, minion: &str, state: EndState) {
        let jid = self.jobs_of(step).last().expect("published").0.jid;
        self.append(JobEnd { jid, id: id(minion), state, why: "because".into() }.event());
        self.work();
    }

    pub(super) fn reboots(&mut self, minion: &str) {
        let at = self.roster.get_mut(&id(minion)).expect("known");
        let old = at.boot.expect("known");
        at.boot = Some(boot(old.number + 1));
        self.starts(minion, StartCause::Boot);
    }

    pub(super) fn starts(&mut self, minion: &str, cause: StartCause) {
        let boot_id = self.roster[&id(minion)].boot.expect("known").id;
        let start = MinionStart { id: id(minion), boot_id, old_boot_id: None, cause, kexec: false };
        self.says(minion, start.tag(), start.data());
    }

    pub(super) fn ready(&mut self, minion: &str) {
        let boot_id = self.roster[&id(minion)].boot.expect("known").id;
        let ready = MinionReady { id: id(minion), boot_id, checks: "agent".into() };
        self.says(minion, ready.tag(), ready.data());
    }

    pub(super) fn passes(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        self.engine.handle_timeout(self.now);
        self.work();
    }

    pub(super) fn replayed(&self) -> Result<Engine, ReplayError> {
        let blob = |digest: &Digest| self.blobs.get(digest).cloned().ok_or_else(|| "it is gone".to_owned());
        Engine::replay(RunId::new(t(0), 7), &self.log, &blob)
    }

    /// Forgets the engine and makes another from the log.
    pub(super) fn restart(&mut self) {
        self.engine = self.replayed().expect("replays");
        assert_eq!(self.engine.poll_effect(), None, "a replay asks for nothing");
        self.engine.resume();
        self.work();
    }

    pub(super) fn jobs_of(&self, of: &str) -> Vec<(JobSpec, Vec<MinionId>)> {
        let is = |j: &&(JobSpec, Vec<MinionId>)| j.0.step.as_ref().is_some_and(|s| s.step == step(of));
        self.published.iter().filter(is).cloned().collect()
    }

    pub(super) fn outcome(&self, of: &str) -> Option<StepOutcome> {
        self.engine.ended(&step(of)).map(|e| e.outcome)
    }

    pub(super) fn comment(&self, of: &str) -> String {
        self.engine.ended(&step(of)).map(|e| e.comment.clone()).unwrap_or_default()
    }
}
