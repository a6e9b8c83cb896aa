//! The master as a value: who is connected, what they were asked, what came of it. Sans-IO: the server shell (and the
//! simulator) calls the methods with the present time and carries out [`Core::poll_effect`].
//!
//! Facts are decided here, but they count only once they are in the log: the core asks for an append, and its tables
//! change when the event comes back through [`Core::appended`]. A replay of the log therefore rebuilds them.
//! Never reads a clock, never blocks; randomness comes from the generator given at construction.

mod effect;
pub(crate) mod facts;
mod jobs;
mod links;
pub(crate) mod records;
mod refusals;
pub(crate) mod restore;
mod roster;
mod runs;
pub(crate) mod targets;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lab_proto::link::SessionLimits;
use lab_proto::{Event, JobId, Map, MinionId, NewEvent, OutboxId, Position, RunId, Timestamp, Value};
use lab_states::orchestrate::Runs;

pub use effect::{Effect, Write};
pub(crate) use jobs::is_guess;
pub use jobs::{JobView, KillError, Row, Submission, SubmitError};
pub use links::Arrival;
pub(crate) use links::returned_jid;
pub(crate) use records::RunRecord;
pub use records::{JobRecord, KeyRecord, KeyState, MinionRecord, RecordError, RowRecord};
pub use restore::RestoreError;
pub use roster::{MinionView, Presence};
pub(crate) use runs::Needed;
pub use runs::RunErrand;
#[cfg(test)]
pub(crate) use runs::Unfinished;

use self::jobs::Job;
use self::links::Link;
use self::refusals::Refusals;
use self::roster::Entry;
use crate::store::Change;

/// One connection of a minion; the shell counts them up and never uses one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What the core must be told of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct CoreConfig {
    /// Heartbeats.
    pub limits: SessionLimits,
    /// How long a minion that announced a reboot may be away.
    pub reboot_patience: Duration,
    /// How long a minion may take for a job that does not say.
    pub job_timeout: Duration,
    /// How long a minion that was here a moment ago is waited for with a new job.
    pub reconnect_grace: Duration,
}

/// Runs are told of the real clock when it went by so many microseconds more, or less, than the steady one.
const LEAP: u64 = 1_000_000;

/// Makes 64 random bits.
pub type Random = Box<dyn FnMut() -> u64 + Send>;

/// The master's decisions.
pub struct Core {
    config: CoreConfig,
    random: Random,
    started: Timestamp,
    /// How much later it is by the real clock than by the one that the core is told, in microseconds.
    ahead: i64,
    /// The same as the runs were told it last, and when that was looked at last, by the real clock.
    told_ahead: i64,
    looked: Timestamp,
    head: Position,
    links: HashMap<ConnId, Link>,
    roster: BTreeMap<MinionId, Entry>,
    accepted: BTreeSet<MinionId>,
    marks: HashMap<OutboxId, u64>,
    /// Whose the outboxes are that minions last came with.
    owners: HashMap<OutboxId, MinionId>,
    jobs: BTreeMap<JobId, Job>,
    /// Jobs whose last event is in the log though it is still noted that it is to come; the next job's write forgets that.
    told: Vec<JobId>,
    runs: Runs,
    run_records: BTreeMap<RunId, RunRecord>,
    /// Jobs of steps that are done, by run: a resumed run that asks for one again gets none. Forgotten with the run's end.
    done_steps: HashMap<RunId, HashSet<JobId>>,
    /// Runs that could not be taken up at the start and ended by that: a step that has not heard of it yet gets none again.
    given_up: BTreeSet<RunId>,
    node_groups: BTreeMap<String, String>,
    refusals: Refusals,
    timers: BTreeSet<(Timestamp, Timer)>,
    effects: VecDeque<Effect>,
}

/// What a wake-up is for. One that no longer matters when it fires does nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A link's heartbeats.
    Link(ConnId),
    /// A minion without a link becomes lost.
    Away(MinionId),
    /// A row of the job is overdue.
    Job(JobId),
    /// Refusals that were held back.
    Refusals,
}

/// What the core finds in the store at start.
#[derive(Debug, Default)]
pub struct Restored {
    /// The ids with an accepted key.
    pub accepted: Vec<MinionId>,
    /// What is known of minions.
    pub minions: Vec<MinionRecord>,
    /// Their last grains.
    pub grains: Vec<(MinionId, Map)>,
    /// Jobs of steps of unfinished runs that are done.
    pub done_steps: HashMap<RunId, HashSet<JobId>>,
    /// Names for targets.
    pub node_groups: BTreeMap<String, String>,
    /// Jobs that were not done, with their rows.
    pub jobs: Vec<(JobRecord, Vec<(MinionId, RowRecord)>)>,
}

/// Moves a time from one clock to another that is so many microseconds ahead.
fn shifted(time: Timestamp, ahead: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_add(ahead))
}

impl Core {
    /// Makes a core. Events that came after the oldest unfinished job must follow through [`Core::replay`], then
    /// [`Core::resume`].
    pub fn new(
        config: CoreConfig,
        random: Random,
        head: Position,
        restored: Restored,
        now: Timestamp,
    ) -> Self {
        let mut core = Self {
            config,
            random,
            started: now,
            ahead: 0,
            told_ahead: 0,
            looked: now,
            head,
            links: HashMap::new(),
            roster: BTreeMap::new(),
            accepted: restored.accepted.into_iter().collect(),
            marks: HashMap::new(),
            owners: HashMap::new(),
            jobs: BTreeMap::new(),
            told: Vec::new(),
            runs: Runs::default(),
            run_records: BTreeMap::new(),
            done_steps: restored.done_steps,
            given_up: BTreeSet::new(),
            node_groups: restored.node_groups,
            refusals: Refusals::default(),
            timers: BTreeSet::new(),
            effects: VecDeque::new(),
        };
        core.restore_roster(restored.minions, restored.grains, now);
        for (record, rows) in restored.jobs {
            core.jobs.insert(record.spec.jid, Job::restore(record, rows));
        }
        core
    }

    /// Takes an event of the past at start: rebuilds unfinished jobs, decides nothing.
    pub fn replay(&mut self, event: &Event) {
        self.fold_job_event(event);
    }

    /// Ends the replay of a log that reaches back to `floor`: unfinished jobs wait for their minions again.
    pub fn resume(&mut self, floor: u64, now: Timestamp) {
        self.resume_jobs(floor, now);
    }

    /// Takes events that were just appended, in the order of the log.
    pub fn appended(&mut self, events: &[Event], now: Timestamp) {
        for event in events {
            self.head = event.position;
            self.run_event(event);
            if let Some(jid) = self.fold_job_event(event) {
                self.after_job_event(jid, now);
            }
        }
    }

    /// Tells how much later it is by the real clock than by the steady one whose time every method takes, in microseconds:
    /// what is kept and shown is by the real one. Comes before the first event that is stamped by a clock that was set.
    pub fn set_ahead(&mut self, micros: i64, now: Timestamp) {
        let by = micros.saturating_sub(self.told_ahead);
        if by.unsigned_abs() >= LEAP {
            // It leaps forward, or stops for a while, and so falls back by and by.
            let corner = if by > 0 { shifted(now, self.told_ahead) } else { self.looked };
            self.runs.handle_pace(corner, self.told_ahead);
            self.runs.handle_pace(shifted(now, micros), micros);
            self.told_ahead = micros;
            self.ahead = micros;
            self.runs.handle_timeout(shifted(now, micros));
            self.drive_runs();
        }
        self.ahead = micros;
        self.looked = shifted(now, micros);
    }

    /// Returns the real clock's time.
    fn wall(&self, steady: Timestamp) -> Timestamp {
        shifted(steady, self.ahead)
    }

    /// Appends events and makes changes that the core need not know the reason of.
    pub fn write(&mut self, write: Write) {
        if !write.is_empty() {
            self.effects.push_back(Effect::Write(write));
        }
    }

    /// Notes that somebody tried what is not allowed.
    pub fn refused(&mut self, why: &str, peer: &str, now: Timestamp) {
        if let Some(event) = self.refusals.note(why, peer, now) {
            self.append(event);
            self.arm_refusals();
        }
    }

    /// Takes a wake-up.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.runs_timeout(now);
        while let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            let (_, timer) = self.timers.pop_first().expect("there is a first: just seen");
            match timer {
                Timer::Link(conn) => self.link_timeout(conn, now),
                Timer::Away(minion) => self.away_timeout(&minion, now),
                Timer::Job(jid) => self.job_timeout(jid, now),
                Timer::Refusals => {
                    for event in self.refusals.due(now) {
                        self.append(event);
                    }
                    self.arm_refusals();
                }
            }
        }
    }

    /// Returns when to call [`Core::handle_timeout`], and what for.
    pub fn poll_timeout(&self) -> Option<(Timestamp, &'static str)> {
        // Runs count from the stamps in the log, or they would not do the same after a restart.
        let steady = |stamp| shifted(stamp, self.ahead.saturating_neg());
        let run = self.runs.poll_timeout().map(|d| (steady(d.at), "a step of a run"));
        let timer = self.timers.first().map(|(at, timer)| {
            let why = match timer {
                Timer::Link(_) => "heartbeats of a link",
                Timer::Away(_) => "a minion without a link",
                Timer::Job(_) => "a job's minions",
                Timer::Refusals => "refusals held back",
            };
            (*at, why)
        });
        timer.into_iter().chain(run).min()
    }

    /// Returns the next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns the newest position that the core knows to be durable.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Makes 64 random bits.
    pub fn random(&mut self) -> u64 {
        (self.random)()
    }

    fn append(&mut self, event: NewEvent) {
        self.effects.push_back(Effect::Write(Write { events: vec![event], ..Write::default() }));
    }

    fn append_with(&mut self, changes: Vec<Change>, events: Vec<NewEvent>) {
        self.write(Write { changes, events, ..Write::default() });
    }

    fn arm(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    fn arm_refusals(&mut self) {
        if let Some(at) = self.refusals.poll_timeout() {
            self.arm(at, Timer::Refusals);
        }
    }
}

/// Functions that work with the state tree; the others need not wait for its scan.
const TREE_MODULES: [&str; 4] = ["state", "saltutil", "cp", "slsutil"];

/// Tells whether a job of this function names a state tree.
pub(crate) fn uses_tree(fun: &str) -> bool {
    fun.split_once('.').is_some_and(|(module, _)| TREE_MODULES.contains(&module))
}

/// Shares a map of grains between the roster and its readers.
pub type SharedGrains = Arc<Value>;
