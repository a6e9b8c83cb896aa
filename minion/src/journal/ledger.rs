//! What the journal's entries amount to.

use indexmap::IndexMap;
use lab_proto::event::Boot;
use lab_proto::ids::{BootId, JobId};
use lab_proto::{EndState, Timestamp};
use serde::{Deserialize, Serialize};

/// How many jobs are remembered. An older one that comes again is refused, never run again.
const JOBS: usize = 1024;
/// How many boots are remembered.
const BOOTS: usize = 16;

/// One thing to remember. Only ever grows at the end: old journals must stay readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A boot was seen for the first time.
    Boot(Boot),
    /// A job was taken and waits in the queue.
    Accepted {
        /// The job.
        jid: JobId,
        /// Its function.
        fun: String,
        /// When.
        at: Timestamp,
    },
    /// A job's function is about to run.
    Started {
        /// The job.
        jid: JobId,
        /// Its function.
        fun: String,
        /// When.
        at: Timestamp,
    },
    /// A job's return is durable in the outbox.
    Ended {
        /// The job.
        jid: JobId,
        /// How it ended.
        state: EndState,
        /// When.
        at: Timestamp,
    },
    /// The machine is about to go down because this job asked for it.
    RebootDone {
        /// The job.
        jid: JobId,
        /// The boot that ends.
        boot: BootId,
    },
    /// Nothing is known of jobs made before then.
    Floor {
        /// When.
        before: Timestamp,
    },
    /// The master published this job here for the first time then, by its clock: later than its id says.
    Made {
        /// The job.
        jid: JobId,
        /// When.
        at: Timestamp,
    },
    /// What was remembered before is lost. Nothing is known of any job until a floor is set by the master's clock.
    Lost,
}

/// How far a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waited in the queue.
    Accepted,
    /// Its function may have run, wholly or in part.
    Started,
    /// It ended.
    Ended(EndState),
}

/// What is remembered of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its function.
    pub fun: String,
    /// How far it got.
    pub stage: Stage,
    /// When it got there.
    pub at: Timestamp,
    /// The boot that it ended by its reboot.
    pub rebooted: Option<BootId>,
    /// When the master published it first, by its clock: with its id's time, or later when it waited for its turn.
    pub made: Timestamp,
}

/// What the ledger says of a jid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was never taken here.
    New,
    /// It got so far.
    Taken(Stage),
    /// It is older than what is remembered, so that nobody can say.
    Forgotten,
}

/// The agent's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    boots: Vec<Boot>,
    jobs: IndexMap<JobId, JobRecord>,
    floor: Option<Timestamp>,
    lost: bool,
}

impl Ledger {
    /// Takes one more entry.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Boot(boot) => {
                self.boots.push(boot);
                if self.boots.len() > BOOTS {
                    self.boots.remove(0);
                }
            }
            Entry::Accepted { jid, fun, at } => {
                self.take(jid, fun, Stage::Accepted, at);
            }
            Entry::Started { jid, fun, at } => {
                self.take(jid, fun, Stage::Started, at);
            }
            Entry::Ended { jid, state, at } => match self.jobs.get_mut(&jid) {
                Some(job) => {
                    job.stage = Stage::Ended(state);
                    job.at = at;
                }
                // That it was taken could not be written, and it was returned all the same: it must not run any more.
                None => self.take(jid, String::new(), Stage::Ended(state), at),
            },
            Entry::RebootDone { jid, boot } => {
                if let Some(job) = self.jobs.get_mut(&jid) {
                    job.rebooted = Some(boot);
                }
            }
            Entry::Floor { before } => {
                self.floor = self.floor.max(Some(before));
                self.lost = false;
            }
            Entry::Lost => self.lost = true,
            Entry::Made { jid, at } => {
                if let Some(job) = self.jobs.get_mut(&jid) {
                    job.made = job.made.max(at);
                }
            }
        }
    }

    fn take(&mut self, jid: JobId, fun: String, stage: Stage, at: Timestamp) {
        let made = self.made(jid).unwrap_or(jid.time());
        self.jobs.insert(jid, JobRecord { fun, stage, at, rebooted: None, made });
        self.forget();
    }

    /// Returns the entries that lead to this ledger.
    pub fn entries(&self) -> Vec<Entry> {
        let mut out: Vec<Entry> = self.boots.iter().copied().map(Entry::Boot).collect();
        out.extend(self.floor.map(|before| Entry::Floor { before }));
        out.extend(self.lost.then_some(Entry::Lost));
        for (&jid, job) in &self.jobs {
            let JobRecord { fun, stage, at, rebooted, made } = job;
            out.push(match stage {
                Stage::Accepted => Entry::Accepted { jid, fun: fun.clone(), at: *at },
                Stage::Started | Stage::Ended(_) => Entry::Started { jid, fun: fun.clone(), at: *at },
            });
            if let Stage::Ended(state) = *stage {
                out.push(Entry::Ended { jid, state, at: *at });
            }
            out.extend(rebooted.map(|boot| Entry::RebootDone { jid, boot }));
            out.extend((*made > jid.time()).then_some(Entry::Made { jid, at: *made }));
        }
        out
    }

    /// Tells what is known of a jid that the master published here first with the jid's own time.
    pub fn known(&self, jid: JobId) -> Known {
        self.known_since(jid, jid.time())
    }

    /// Tells what is known of a jid that the master published here first at this time. A job that waited for its turn is younger
    /// than its id: it must not count as one of those that were forgotten before it came.
    pub fn known_since(&self, jid: JobId, first: Timestamp) -> Known {
        match self.jobs.get(&jid) {
            Some(job) => Known::Taken(job.stage),
            None if self.lost => Known::Forgotten,
            None if self.floor.is_some_and(|floor| jid.time().max(first) <= floor) => Known::Forgotten,
            None => Known::New,
        }
    }

    /// Returns when the master published a remembered job first.
    pub fn made(&self, jid: JobId) -> Option<Timestamp> {
        self.jobs.get(&jid).map(|job| job.made)
    }

    /// Tells whether an earlier memory is lost and it is not known yet of which jobs.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Tells whether this job's reboot was carried out or begun.
    pub fn reboot_done(&self, jid: JobId) -> bool {
        self.jobs.get(&jid).is_some_and(|j| j.rebooted.is_some())
    }

    /// Lists the jobs that did not end, oldest first.
    pub fn unfinished(&self) -> impl Iterator<Item = (JobId, &JobRecord)> {
        self.jobs.iter().filter(|(_, j)| !matches!(j.stage, Stage::Ended(_))).map(|(jid, j)| (*jid, j))
    }

    /// Returns the boots that are remembered, oldest first.
    pub fn boots(&self) -> &[Boot] {
        &self.boots
    }

    /// Returns the entry for a boot that is not the newest known, and the boot itself.
    pub fn boot(&self, id: BootId) -> (Boot, Option<Entry>) {
        match self.boots.last() {
            Some(last) if last.id == id => (*last, None),
            last => {
                let boot = Boot { id, number: last.map_or(0, |b| b.number) + 1 };
                (boot, Some(Entry::Boot(boot)))
            }
        }
    }

    /// Drops the oldest ended jobs over the limit and remembers up to when nothing can be said.
    fn forget(&mut self) {
        while self.jobs.len() > JOBS {
            let ended = self.jobs.iter().position(|(_, j)| matches!(j.stage, Stage::Ended(_)));
            let Some((_, job)) = ended.and_then(|at| self.jobs.shift_remove_index(at)) else { break };
            self.floor = self.floor.max(Some(job.made));
        }
    }
}
