//! The agent as a value: which job runs when, what is remembered, when the minion is ready, how it goes down.
//!
//! Driven by the shell ([`crate::serve`]): facts go in by `handle_*`, requests come out of `poll_effect`, and
//! `poll_timeout` says when to call `handle_timeout`. Nothing here touches a disk, a socket or a clock; `now` never
//! goes back. The promises that live here:
//!
//! - a job runs at most once per jid: its start is durable in the journal before its function is called;
//! - a job has ended only when its return is durable in the outbox;
//! - one state run at a time; everything else runs side by side up to a limit;
//! - `start` is said once per agent process, after the master has the job stream; never on a reconnect;
//! - a reboot waits for its job's return to be durable, then a while for the master to have it.

mod jobs;
mod power;

use std::collections::VecDeque;
use std::time::Duration;

use lab_proto::event::Boot;
use lab_proto::facts::{MinionReady, MinionStart, StartCause};
use lab_proto::ids::{BootId, JobId, MinionId};
use lab_proto::link::Wake;
use lab_proto::v1::link::{JobState, JobsUp};
use lab_proto::{EndState, EventTag, JobReturn, JobSpec, Map, Timestamp, Value};
use lab_states::host::PowerRequest;

pub use jobs::is_state_run;
use jobs::{Job, Phase};
pub use power::GoDown;
use power::Power;

use crate::journal::{Entry, Known, Ledger, Stage};

/// How soon readiness checks are repeated that failed, at first and at most.
const RECHECK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Why a job ends that is over its time.
const LATE: &str = "its time was up";

/// What can be set about an agent.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many functions that are no state runs run side by side.
    pub parallel: usize,
    /// How many jobs may run and wait altogether.
    pub jobs: usize,
    /// How long a reboot waits for the master to have the return of the job that asked for it.
    pub ack_wait: Duration,
    /// How long a killed job may take to stop before it counts as killed although its thread is still there.
    pub kill_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 16,
            jobs: 256,
            ack_wait: Duration::from_secs(30),
            kill_patience: Duration::from_secs(15),
        }
    }
}

/// What an agent is made of when its process starts.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// The minion.
    pub id: MinionId,
    /// The present boot, already journalled.
    pub boot: Boot,
    /// The boot that the journal knew before this process.
    pub old_boot: Option<BootId>,
    /// What is remembered.
    pub ledger: Ledger,
    /// Jobs whose return is in the outbox although the journal does not know yet that they ended.
    pub returned: Vec<JobId>,
    /// The limits.
    pub limits: Limits,
}

/// What the shell is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Journal these durably, then call [`Agent::handle_journalled`] with the job.
    Journal {
        /// What.
        entries: Vec<Entry>,
        /// For which job.
        jid: JobId,
    },
    /// Store this return durably, journal `end` behind it, then call [`Agent::handle_stored`].
    Return {
        /// The return.
        ret: Box<JobReturn>,
        /// The journal's entry.
        end: Entry,
    },
    /// Store this event durably, then call [`Agent::handle_said`].
    Say {
        /// Its tag.
        tag: EventTag,
        /// Its data.
        data: Value,
    },
    /// Tell the master on the job stream; lost when there is no link, told again when there is.
    Tell(JobsUp),
    /// Call the function, then [`Agent::handle_finished`].
    Run {
        /// The job.
        job: Box<JobSpec>,
        /// The pillar for it.
        pillar: Map,
        /// When it must be over.
        deadline: Option<Timestamp>,
    },
    /// Make the function stop: its process group is ended.
    Cancel(JobId),
    /// Run the host's readiness checks, then call [`Agent::handle_checks`].
    CheckReady,
    /// Say good-bye to the master and take the machine down.
    GoDown(GoDown),
}

/// What a function's thread hands back.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Whether it could be run at all.
    pub state: EndState,
    /// Whether it succeeded.
    pub success: bool,
    /// Salt's exit code.
    pub retcode: i64,
    /// What it returned, secrets already replaced.
    pub value: Value,
    /// What it asked of the machine's power.
    pub power: Option<PowerRequest>,
}

/// Whether this process has said that it started, and that it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announced {
    Nothing,
    /// The start is on its way into the outbox; nothing may overtake it.
    Starting,
    Start,
    Checking {
        delay: Duration,
    },
    Recheck {
        at: Timestamp,
        delay: Duration,
    },
    Ready,
}

/// One agent process.
#[derive(Debug)]
pub struct Agent {
    id: MinionId,
    boot: Boot,
    old_boot: Option<BootId>,
    ledger: Ledger,
    limits: Limits,
    jobs: Vec<Job>,
    registered: bool,
    announced: Announced,
    power: Power,
    effects: VecDeque<Effect>,
}

impl Agent {
    /// Starts: every job that an earlier process took and did not end is *interrupted*, never run again.
    pub fn new(beginning: Beginning, now: Timestamp) -> Self {
        let Beginning { id, boot, old_boot, mut ledger, returned, limits } = beginning;
        for jid in returned {
            ledger.apply(Entry::Ended { jid, state: EndState::Returned, at: now });
        }
        let mut agent = Self {
            id,
            boot,
            old_boot,
            ledger,
            limits,
            jobs: Vec::new(),
            registered: false,
            announced: Announced::Nothing,
            power: Power::default(),
            effects: VecDeque::new(),
        };
        agent.report_interrupted(now);
        agent
    }

    /// Takes the master's time, by which jobs are made, before any job comes. After a loss of the journal, those made before it may
    /// have run here.
    pub fn handle_master_time(&mut self, now: Timestamp) {
        if self.ledger.is_lost() {
            let entry = Entry::Floor { before: now };
            self.ledger.apply(entry.clone());
            // Of no job: nobody waits until it is written. If that fails, this process knows it, and the next one sets it anew.
            self.effects.push_back(Effect::Journal { entries: vec![entry], jid: JobId::new(now, 0) });
        }
    }

    /// Takes that the master has the job stream.
    pub fn handle_registered(&mut self) {
        self.registered = true;
        for job in &self.jobs {
            if let Some(state) = self.state_of(job) {
                self.effects.push_back(Effect::Tell(JobsUp::State { jid: job.spec.jid, state }));
            }
        }
        if self.announced == Announced::Nothing {
            let rebooted = self.old_boot != Some(self.boot.id);
            let start = MinionStart {
                id: self.id.clone(),
                boot_id: self.boot.id,
                old_boot_id: self.old_boot,
                cause: if rebooted { StartCause::Boot } else { StartCause::AgentRestart },
                kexec: false,
            };
            self.announced = Announced::Starting;
            self.effects.push_back(Effect::Say { tag: start.tag(), data: start.data() });
        }
        self.check_ready();
    }

    /// Takes that the link is gone.
    pub fn handle_link_lost(&mut self) {
        self.registered = false;
    }

    /// Takes a job from the master.
    pub fn handle_publish(&mut self, job: JobSpec, pillar: Map, now: Timestamp) {
        let jid = job.jid;
        if self.is_going_down() {
            // Not answered on purpose: the master keeps it and hands it to the next boot's agent.
            return;
        }
        if let Some(live) = self.jobs.iter().find(|j| j.spec.jid == jid) {
            if let Some(state) = self.state_of(live) {
                self.tell(jid, state);
            }
            return;
        }
        match self.ledger.known_since(jid, job.at) {
            Known::New => {}
            Known::Taken(_) => return self.tell(jid, JobState::Ended),
            Known::Forgotten => {
                let why = "the journal does not reach back to this job, so it may have run; submit it anew";
                return self.tell(jid, JobState::Refused(why.to_owned()));
            }
        }
        if self.jobs.len() >= self.limits.jobs {
            let why = format!("{} jobs run or wait here already; try again later", self.jobs.len());
            return self.tell(jid, JobState::Refused(why));
        }
        let job = Job::new(job, pillar, now);
        let fun = job.spec.fun.clone();
        if let Some(why) = self.keeps_out(&job) {
            self.jobs.push(Job { phase: Phase::TurnedAway { why }, ..job });
            // Or it could come again and run, once what keeps it out has ended and its return is not known to the master yet.
            return self.journal(jid, Entry::Accepted { jid, fun, at: now });
        }
        self.jobs.push(job);
        self.start_what_may(now);
        if self.jobs.iter().any(|j| j.spec.jid == jid && j.phase == Phase::New) {
            self.set_phase(jid, Phase::Accepting);
            self.journal(jid, Entry::Accepted { jid, fun, at: now });
        }
    }

    /// Takes that a job shall end.
    pub fn handle_kill(&mut self, jid: JobId, by: &str, now: Timestamp) {
        let here = self.jobs.iter().any(|j| j.spec.jid == jid);
        if !here && !matches!(self.ledger.known(jid), Known::Taken(_)) {
            // The link broke before the job came; the master never publishes it again, and waits for a word.
            return self.tell(jid, JobState::Refused(format!("killed by {by} before it came here")));
        }
        self.stop(jid, EndState::Killed, format!("killed by {by}"), now);
    }

    /// Takes that what was asked for a job is in the journal.
    pub fn handle_journalled(&mut self, jid: JobId, now: Timestamp) {
        let Some(at) = self.jobs.iter().position(|j| j.spec.jid == jid) else {
            return self.power_journalled(jid);
        };
        match self.jobs[at].phase.clone() {
            Phase::Accepting => {
                self.jobs[at].phase = Phase::Waiting;
                self.start_what_may(now);
                if let Some(job) = self.jobs.iter().find(|j| j.spec.jid == jid)
                    && let Some(state @ JobState::Queued(_)) = self.state_of(job)
                {
                    self.tell(jid, state);
                }
            }
            // It may have waited for the disk, and nobody has woken the agent since.
            Phase::Starting if self.jobs[at].is_late(now) => {
                self.never_ran(jid, EndState::TimedOut, LATE.to_owned(), now);
            }
            Phase::Starting => self.run(at, now),
            Phase::StoppedEarly { end, why } => self.never_ran(jid, end, why, now),
            Phase::TurnedAway { why } => self.never_ran(jid, EndState::Failed, why, now),
            Phase::New | Phase::Waiting | Phase::Running { .. } | Phase::Storing => {}
        }
    }

    /// Takes that the journal cannot be written: a job that is not in it must not run.
    pub fn handle_journal_failed(&mut self, jid: JobId, error: &str, now: Timestamp) {
        if self.jobs.iter().any(|j| j.spec.jid == jid) {
            let why = format!("not run, because its start could not be journalled: {error}");
            self.never_ran(jid, EndState::Failed, why, now);
        } else {
            // A reboot that is not in the journal is still the reboot that was asked for.
            self.power_journalled(jid);
        }
    }

    /// Takes that a function came to its end.
    pub fn handle_finished(&mut self, jid: JobId, finished: Finished, now: Timestamp) {
        let Some(job) = self.jobs.iter_mut().find(|j| j.spec.jid == jid) else { return };
        let Phase::Running { started, stopping, .. } = &job.phase else { return };
        let (started, stopping) = (*started, stopping.clone());
        let Finished { state, success, retcode, value, power } = finished;
        let (state, success, retcode, value) = match stopping {
            Some(stop) if stop.reported => return self.drop_job(jid, now),
            Some(stop) => (stop.end, false, 1, stop.value(value)),
            None => (state, success, retcode, value),
        };
        job.power = power.filter(|_| state == EndState::Returned && (success || job.forces_reboot()));
        if power.is_some() && job.power.is_none() {
            self.say_withheld(jid);
        }
        let duration = now.since(started);
        self.end(jid, state, success, retcode, value, duration, now);
    }

    /// Takes that a return is durable in the outbox under this number.
    pub fn handle_stored(&mut self, jid: JobId, counter: u64, now: Timestamp) {
        let Some(at) = self.jobs.iter().position(|j| j.spec.jid == jid) else { return };
        if let Some(request) = self.jobs[at].power
            && !self.ledger.reboot_done(jid)
        {
            self.power.begin(request, jid, counter, now + self.limits.ack_wait);
        }
        let stuck = matches!(&self.jobs[at].phase, Phase::Running { .. });
        if !stuck {
            self.drop_job(jid, now);
        }
    }

    /// Takes that the master has every event up to this number.
    pub fn handle_acked(&mut self, counter: u64) {
        if let Some(entry) = self.power.acked(counter, self.boot.id) {
            self.begin_power(entry);
        }
    }

    /// Takes that an event that was to be said is durable.
    pub fn handle_said(&mut self) {
        if self.announced == Announced::Starting {
            self.announced = Announced::Start;
        }
        self.check_ready();
    }

    /// Takes the result of the readiness checks: what ran and said that all is well, or `None` for not yet.
    pub fn handle_checks(&mut self, passed: Option<String>, now: Timestamp) {
        let Announced::Checking { delay } = self.announced else { return };
        match passed {
            Some(checks) if self.is_idle() && self.registered => {
                let ready = MinionReady { id: self.id.clone(), boot_id: self.boot.id, checks };
                self.announced = Announced::Ready;
                self.effects.push_back(Effect::Say { tag: ready.tag(), data: ready.data() });
            }
            _ => self.announced = Announced::Recheck { at: now + delay, delay: (delay * 2).min(RECHECK.1) },
        }
    }

    /// Takes that the machine would not go down.
    pub fn handle_power_failed(&mut self, error: &str) {
        if let Some(down) = self.power.failed() {
            let data = Value::from([
                ("id", Value::from(self.id.as_str())),
                ("jid", Value::from(down.jid.to_string())),
                ("error", Value::from(error)),
            ]);
            self.say(&format!("lab/minion/{}/event/reboot-failed", self.id), data);
        }
    }

    /// Takes a wake-up.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if let Some(entry) = self.power.timed_out(now, self.boot.id) {
            self.begin_power(entry);
        }
        let late: Vec<JobId> = self.jobs.iter().filter(|j| j.is_late(now)).map(|j| j.spec.jid).collect();
        for jid in late {
            self.stop(jid, EndState::TimedOut, LATE.to_owned(), now);
        }
        let stuck: Vec<JobId> = self.jobs.iter().filter(|j| j.is_stuck(now)).map(|j| j.spec.jid).collect();
        for jid in stuck {
            self.report_stuck(jid, now);
        }
        if let Announced::Recheck { at, .. } = self.announced
            && now >= at
        {
            self.check_ready();
        }
    }

    /// Returns when to call [`Self::handle_timeout`], and what for.
    pub fn poll_timeout(&self) -> Option<Wake> {
        let recheck = match self.announced {
            Announced::Recheck { at, .. } => Some((at, "readiness checks")),
            _ => None,
        };
        self.jobs
            .iter()
            .filter_map(Job::wake)
            .chain(self.power.wake())
            .chain(recheck)
            .min_by_key(|(at, _)| *at)
    }

    /// Returns the next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Lists the live jobs with their states: `saltutil.running`.
    pub fn running(&self) -> impl Iterator<Item = (&JobSpec, Option<JobState>)> {
        self.jobs.iter().map(|j| (&j.spec, self.state_of(j)))
    }

    /// Returns how many jobs run or wait.
    pub fn live_jobs(&self) -> usize {
        self.jobs.len()
    }

    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && !self.is_going_down()
    }

    /// Tells whether a reboot is under way or will be once a return is stored: nothing new is taken or started.
    fn is_going_down(&self) -> bool {
        self.power.is_pending() || self.jobs.iter().any(|j| j.power.is_some())
    }

    /// Asks for the readiness checks when everything else that readiness means holds.
    fn check_ready(&mut self) {
        let delay = match self.announced {
            Announced::Start => RECHECK.0,
            Announced::Recheck { delay, .. } => delay,
            Announced::Nothing | Announced::Starting | Announced::Checking { .. } | Announced::Ready => {
                return;
            }
        };
        if self.registered && self.is_idle() {
            self.announced = Announced::Checking { delay };
            self.effects.push_back(Effect::CheckReady);
        } else {
            // The next job that ends, or the next registration, asks again.
            self.announced = Announced::Start;
        }
    }

    fn report_interrupted(&mut self, now: Timestamp) {
        let cut: Vec<(JobId, String, Stage)> =
            self.ledger.unfinished().map(|(jid, job)| (jid, job.fun.clone(), job.stage)).collect();
        for (jid, fun, stage) in cut {
            let what = match stage {
                Stage::Accepted => "it waited in the queue and never ran",
                Stage::Started | Stage::Ended(_) => {
                    "it may have done a part of its work, so it is not repeated; look at the machine and submit it anew"
                }
            };
            let rebooted = self.old_boot != Some(self.boot.id);
            let cause = if rebooted { "the machine went down" } else { "the agent ended" };
            let ret = JobReturn {
                jid,
                id: self.id.clone(),
                fun,
                state: EndState::Interrupted,
                success: false,
                retcode: 1,
                value: Value::from(format!("{cause} while the job was here; {what}")),
                duration_micros: 0,
            };
            self.effects.push_back(Effect::Return {
                ret: Box::new(ret),
                end: Entry::Ended { jid, state: EndState::Interrupted, at: now },
            });
            self.ledger.apply(Entry::Ended { jid, state: EndState::Interrupted, at: now });
        }
    }

    fn say_withheld(&mut self, jid: JobId) {
        let data = Value::from([
            ("id", Value::from(self.id.as_str())),
            ("jid", Value::from(jid.to_string())),
            (
                "reason",
                Value::from("the run that asked for it failed; force_reboot=True reboots all the same"),
            ),
        ]);
        self.say(&format!("lab/minion/{}/event/reboot-withheld", self.id), data);
    }

    fn say(&mut self, tag: &str, data: Value) {
        let tag = EventTag::new(tag).expect("made of a checked id and plain words");
        self.effects.push_back(Effect::Say { tag, data });
    }

    fn tell(&mut self, jid: JobId, state: JobState) {
        self.effects.push_back(Effect::Tell(JobsUp::State { jid, state }));
    }

    fn journal(&mut self, jid: JobId, entry: Entry) {
        self.ledger.apply(entry.clone());
        let mut entries = vec![entry];
        let first = self.jobs.iter().find(|j| j.spec.jid == jid).map(|j| j.spec.at);
        if let (Some(at), Some(made)) = (first, self.ledger.made(jid))
            && at > made
        {
            let made = Entry::Made { jid, at };
            self.ledger.apply(made.clone());
            entries.push(made);
        }
        self.effects.push_back(Effect::Journal { entries, jid });
    }

    fn begin_power(&mut self, entry: Entry) {
        if let Entry::RebootDone { jid, .. } = entry {
            self.journal(jid, entry);
        }
    }

    fn power_journalled(&mut self, jid: JobId) {
        if let Some(down) = self.power.journalled(jid) {
            self.effects.push_back(Effect::GoDown(down));
        }
    }
}

#[cfg(test)]
mod tests;
