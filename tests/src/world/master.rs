//! The simulated master: the real core and engine over a store that forgets what was not flushed.
//!
//! Does what the server shell does: writes in groups, lets nothing out before it is durable, and after a crash
//! restores the core from the store.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use lab_master::core::{Arrival, ConnId, Core, CoreConfig, Effect, RunErrand, Write};
use lab_master::store::forgetful::{Disk, Fate, ForgetfulStore, Step};
use lab_master::store::{EventStore, KeyStore};
use lab_proto::Map;
use lab_proto::facts::{Fact, RunEnded};
use lab_proto::link::SessionLimits;
use lab_proto::v1::link::{EventAck, JobsDown};
use lab_proto::{Event, Fingerprint, LogId, MinionId, Position, RunId, Timestamp};
use lab_states::orchestrate::{Engine, Start};

use super::rng::Rng;
use super::wire::{Down, Out, Up};

/// A master: a disk that survives, and a process that does not.
pub(super) struct Master {
    disk: Disk,
    store: ForgetfulStore,
    core: Option<Core>,
    stages: VecDeque<Stage>,
    /// How many of the stages the flush under way covers.
    flushing: usize,
    rng: Rng,
    /// Which process this is: wake-ups of earlier ones are void.
    pub(super) epoch: u64,
    hosts: Vec<MinionId>,
    waits_begin_when_reached: bool,
    /// What a reader that follows the log has seen.
    pub(super) tail: Vec<Event>,
    tags: BTreeSet<String>,
    pub(super) finished: bool,
    /// The engine that ran the run to its end, as it was live.
    pub(super) last_engine: Option<Engine>,
    pub(super) run: Option<RunId>,
}

struct Stage {
    write: Write,
    then: Vec<Effect>,
}

/// What the master asks of the world besides frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Go on.
    On,
    /// A flush was begun; call [`Master::flushed`] after this long.
    Flush(Duration),
    /// The process died.
    Crashed,
}

impl Master {
    pub(super) fn new(hosts: Vec<MinionId>, mut rng: Rng, waits_begin_when_reached: bool) -> Self {
        let disk = Disk::new(LogId::from_u128(rng.bits()));
        Self {
            store: ForgetfulStore::open(&disk),
            disk,
            core: None,
            stages: VecDeque::new(),
            flushing: 0,
            rng,
            epoch: 0,
            hosts,
            waits_begin_when_reached,
            tail: Vec::new(),
            tags: BTreeSet::new(),
            finished: false,
            last_engine: None,
            run: None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.core.is_some()
    }

    /// Starts the process. `dies_at`: the write, counted from now, whose flush it does not survive although the
    /// bytes are on the disk.
    pub(super) fn start(&mut self, dies_at: Option<u64>, now: Timestamp, out: &mut Vec<Out>) -> Turn {
        self.epoch += 1;
        self.store = match dies_at {
            None => ForgetfulStore::open(&self.disk),
            Some(nth) => {
                let plan = move |step, write| {
                    if step == Step::Flushed && write == nth { Fate::Crash } else { Fate::GoOn }
                };
                ForgetfulStore::with_faults(&self.disk, Box::new(plan))
            }
        };
        let config = CoreConfig {
            limits: SessionLimits { heartbeat: Duration::from_secs(5), missed: 3 },
            reboot_patience: Duration::from_secs(300),
            job_timeout: Duration::from_secs(3600),
            reconnect_grace: Duration::from_secs(30),
        };
        let mut random = self.rng.child(self.epoch);
        let random = Box::new(move || random.next());
        let mut core =
            Core::restore(config, random, &self.store, now).expect("the simulated disk reads back");
        self.hosts.iter().cloned().for_each(|id| core.admitted(id));
        self.core = Some(core);
        self.catch_up();
        self.work(out)
    }

    pub(super) fn crash(&mut self) {
        self.store.crash();
        self.core = None;
        self.stages.clear();
        self.flushing = 0;
    }

    /// Begins an orchestration.
    pub(super) fn orchestrate(&mut self, start: Start, now: Timestamp, out: &mut Vec<Out>) -> Turn {
        let Some(core) = &mut self.core else { return Turn::On };
        let run = core.start_run(start, now);
        if let (true, Some(engine)) = (self.waits_begin_when_reached, core.engine(run)) {
            engine.let_waits_begin_when_reached();
        }
        self.run = Some(run);
        self.work(out)
    }

    /// Begins an orchestration that a step of the run is.
    pub(super) fn compiled(&mut self, start: Start, now: Timestamp, out: &mut Vec<Out>) -> Turn {
        let Some(core) = &mut self.core else { return Turn::On };
        core.start_run(start, now);
        self.work(out)
    }

    pub(super) fn receive(
        &mut self,
        conn: u64,
        from: &MinionId,
        up: Up,
        now: Timestamp,
        out: &mut Vec<Out>,
    ) -> Turn {
        let Some(core) = &mut self.core else { return Turn::On };
        let id = ConnId(conn);
        match up {
            Up::Hello(hello) => {
                let arrival = Arrival {
                    minion: from.clone(),
                    key: Fingerprint::of(from.as_str().as_bytes()),
                    address: "192.0.2.1:1".to_owned(),
                    stored_mark: self.store.mark(&hello.outbox_id).unwrap_or(0),
                    hello: *hello,
                };
                core.connect(id, arrival, now);
            }
            Up::Control(frame) => core.control(id, frame, now),
            Up::Events(outbox, batch) => core.batch(id, outbox, batch, now),
            Up::JobsOpen => {
                out.push(Out::Down { conn, down: Down::Jobs(JobsDown::Registered) });
                core.jobs_registered(id, now);
            }
            Up::Jobs(frame) => core.jobs_up(id, frame),
            Up::Closed => core.disconnected(id, "closed", now),
        }
        self.work(out)
    }

    /// The transport says that a connection is gone.
    pub(super) fn link_gone(&mut self, conn: u64, now: Timestamp, out: &mut Vec<Out>) -> Turn {
        let Some(core) = &mut self.core else { return Turn::On };
        core.disconnected(ConnId(conn), "timed out", now);
        self.work(out)
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        self.core.as_ref()?.poll_timeout().map(|(at, _)| at)
    }

    pub(super) fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Out>) -> Turn {
        let Some(core) = &mut self.core else { return Turn::On };
        core.handle_timeout(now);
        self.work(out)
    }

    /// The flush that was under way is done: what it covers is durable, then visible, then let out.
    pub(super) fn flushed(&mut self, now: Timestamp, out: &mut Vec<Out>) -> Turn {
        let covered: Vec<Stage> = self.stages.drain(..self.flushing.min(self.stages.len())).collect();
        self.flushing = 0;
        let mut done = Vec::new();
        for stage in covered {
            let Ok(events) = self.write(stage.write, now) else {
                self.crash();
                return Turn::Crashed;
            };
            done.push((events, stage.then));
        }
        self.catch_up();
        for (events, then) in done {
            self.note_end(&events);
            if let Some(core) = &mut self.core {
                core.appended(&events, now);
            }
            then.into_iter().for_each(|e| self.let_out(e, out));
        }
        self.work(out)
    }

    /// Returns the log as it is on the disk.
    pub(super) fn log(&self) -> Vec<Event> {
        let store = ForgetfulStore::open(&self.disk);
        store.read(store.floor(), usize::MAX).expect("the simulated disk reads back")
    }

    fn write(&mut self, write: Write, now: Timestamp) -> Result<Vec<Event>, lab_master::store::StoreError> {
        let Write { blobs: _, changes, events, marks, after } = write;
        if !changes.is_empty() {
            self.store.commit(changes)?;
        }
        let events = match (events.is_empty(), marks.is_empty()) {
            (true, true) => Vec::new(),
            _ => self.store.append(events, &marks, now)?.events,
        };
        if !after.is_empty() {
            self.store.commit(after)?;
        }
        Ok(events)
    }

    /// Moves what runs and core ask for until neither asks for more, then begins a flush if one is needed.
    fn work(&mut self, out: &mut Vec<Out>) -> Turn {
        while let Some(effect) = self.core.as_mut().and_then(Core::poll_effect) {
            self.stage(effect, out);
        }
        if self.flushing > 0 || self.stages.is_empty() {
            return Turn::On;
        }
        self.flushing = self.stages.len();
        Turn::Flush(self.rng.millis(0, 3))
    }

    /// Keeps the engine as it is when its run's end comes back from the log.
    fn note_end(&mut self, events: &[Event]) {
        let Some(run) = self.run else { return };
        let tag = RunEnded::tag_for(run);
        if events.iter().any(|e| e.tag == tag) {
            self.last_engine = self.core.as_mut().and_then(|core| core.engine(run).cloned());
        }
    }

    fn stage(&mut self, effect: Effect, out: &mut Vec<Out>) {
        match effect {
            Effect::Write(write) => self.stages.push_back(Stage { write, then: Vec::new() }),
            other => match self.stages.back_mut() {
                Some(stage) => stage.then.push(other),
                None => self.let_out(other, out),
            },
        }
    }

    /// Lets an effect out, and checks that everything it rests on is durable.
    fn let_out(&mut self, effect: Effect, out: &mut Vec<Out>) {
        match effect {
            Effect::Control { conn, frame } => {
                out.push(Out::Down { conn: conn.0, down: Down::Control(frame) })
            }
            Effect::EventAck { conn, ack } => {
                let ack = match ack {
                    EventAck::Durable { counter, .. } => {
                        EventAck::Durable { counter, head: self.store.head() }
                    }
                    other => other,
                };
                out.push(Out::Down { conn: conn.0, down: Down::Ack(ack) });
            }
            Effect::Publish { conn, job, .. } => {
                assert!(
                    self.tags.contains(&format!("salt/job/{}/new", job.jid)),
                    "a job left before it was durable"
                );
                if let Some(step) = &job.step {
                    let entered = format!("lab/run/{}/step/{}/entered", step.run, step.step);
                    assert!(self.tags.contains(&entered), "a job left before its step's entry was durable");
                }
                let job = Box::new((*job).clone());
                let publish = JobsDown::Publish { job, pillar: Map::new() };
                out.push(Out::Down { conn: conn.0, down: Down::Jobs(publish) });
            }
            Effect::Kill { conn, jid, by } => {
                out.push(Out::Down { conn: conn.0, down: Down::Jobs(JobsDown::Kill { jid, by }) });
            }
            Effect::Close { conn, .. } => out.push(Out::Down { conn: conn.0, down: Down::Closed }),
            Effect::Refuse { refusal, .. } => panic!("an honest minion was refused: {refusal}"),
            Effect::Errand(RunErrand::Pin { job, minions }) => {
                if let Some(core) = &mut self.core {
                    core.publish_for_run(*job, minions);
                }
            }
            Effect::Errand(RunErrand::Compile(nested)) => {
                out.push(Out::Compile { epoch: self.epoch, after: self.rng.millis(1, 3_000), nested });
            }
            Effect::Write(_)
            | Effect::Certify { .. }
            | Effect::Progress { .. }
            | Effect::LateReturn { .. } => {}
        }
    }

    /// Reads on in the log as a tail does: every event once, in order, no earlier than durable.
    fn catch_up(&mut self) {
        let after = self.tail.last().map_or_else(|| self.store.floor(), |e| e.position);
        let fresh = self.store.read(after, usize::MAX).expect("the simulated disk reads back");
        for event in fresh {
            let last = self.tail.last().map_or(0, |e| e.position.seq);
            assert!(event.position.seq > last, "a tail saw {} after {last}", event.position.seq);
            if let Err(error) = Fact::of(&event) {
                panic!("an event of lab's own cannot be read: {error}");
            }
            self.finished |= self.run.is_some_and(|run| event.tag == RunEnded::tag_for(run));
            self.tags.insert(event.tag.to_string());
            self.tail.push(event);
        }
    }
}

/// The place before the first event, for readers that begin there.
pub(super) fn before_all(events: &[Event]) -> Option<Position> {
    events.first().map(|e| Position { seq: 0, ..e.position })
}
