//! A store for the simulator and for durability tests: a *model* of a machine with a disk, in memory.
//!
//! What was written but not flushed is lost when the machine goes down, and a fault plan decides at which
//! step of which write that is. Built only for tests and the simulation; the product never runs on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lab_proto::{Event, LogId, NewEvent, OutboxId, Position, Timestamp};

use super::memory::{Placed, State};
use super::{
    Appended, Bucket, Change, Entry, EventStore, KeyStore, ReadError, RetentionPolicy, StoreError, Trimmed,
};

/// The steps of a write at which the machine can go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The write is in the cache of the operating system; a crash loses it.
    Written,
    /// The flush has begun; a crash still loses the write.
    Flushing,
    /// The flush is done; a crash keeps the write, though nobody was told.
    Flushed,
}

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The machine goes on.
    GoOn,
    /// The machine goes down: this and every later call on the store answers [`StoreError::Crashed`].
    Crash,
}

/// Decides the fate of every write at each of its steps; `write` counts the writes on the disk from 1.
pub type FaultPlan = Box<dyn FnMut(Step, u64) -> Fate + Send>;

/// A simulated disk: holds what was flushed, survives crashes of the stores on it.
#[derive(Clone)]
pub struct Disk {
    durable: Arc<Mutex<State>>,
}

impl Disk {
    /// Makes an empty disk; `log_id` names the log that will be on it.
    pub fn new(log_id: LogId) -> Self {
        Self { durable: Arc::new(Mutex::new(State::new(log_id))) }
    }
}

/// A store on a simulated [`Disk`].
pub struct ForgetfulStore {
    disk: Disk,
    machine: Mutex<Machine>,
}

struct Machine {
    power: Power,
    plan: FaultPlan,
    writes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    Closed,
    Crashed,
}

/// A write that a crash can still lose.
enum Unflushed {
    Append(Vec<Placed>, Vec<(OutboxId, u64)>),
    Commit(Vec<Change>),
}

impl ForgetfulStore {
    /// Opens what is on the disk, with no faults planned.
    pub fn open(disk: &Disk) -> Self {
        Self::with_faults(disk, Box::new(|_, _| Fate::GoOn))
    }

    /// Opens what is on the disk; the plan decides when the machine goes down.
    pub fn with_faults(disk: &Disk, plan: FaultPlan) -> Self {
        let machine = Machine { power: Power::On, plan, writes: 0 };
        Self { disk: disk.clone(), machine: Mutex::new(machine) }
    }

    /// Takes the machine down between two calls. Open the disk again to see what it kept.
    pub fn crash(&self) {
        self.machine().power = Power::Crashed;
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self) -> MutexGuard<'_, State> {
        self.disk.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<(), StoreError> {
        if self.machine().power == Power::Crashed { Err(StoreError::Crashed) } else { Ok(()) }
    }

    /// Runs one write through its steps; `prepare` sees the disk as it is and says what to write.
    fn write(
        &self,
        prepare: impl FnOnce(&State) -> Result<Unflushed, StoreError>,
    ) -> Result<Option<Appended>, StoreError> {
        let mut machine = self.machine();
        machine.check_writable()?;
        let unflushed = prepare(&self.disk())?;
        machine.writes += 1;
        machine.step(Step::Written)?;
        machine.step(Step::Flushing)?;
        let appended = match unflushed {
            Unflushed::Append(placed, marks) => Some(self.disk().append(placed, &marks)),
            Unflushed::Commit(changes) => {
                self.disk().commit(changes);
                None
            }
        };
        machine.step(Step::Flushed)?;
        Ok(appended)
    }
}

impl Machine {
    fn check_writable(&self) -> Result<(), StoreError> {
        match self.power {
            Power::On => Ok(()),
            Power::Closed => Err(StoreError::Closed),
            Power::Crashed => Err(StoreError::Crashed),
        }
    }

    fn step(&mut self, step: Step) -> Result<(), StoreError> {
        match (self.plan)(step, self.writes) {
            Fate::GoOn => Ok(()),
            Fate::Crash => {
                self.power = Power::Crashed;
                Err(StoreError::Crashed)
            }
        }
    }
}

impl EventStore for ForgetfulStore {
    fn log_id(&self) -> LogId {
        self.disk().log_id
    }

    fn head(&self) -> Position {
        self.disk().head()
    }

    fn floor(&self) -> Position {
        self.disk().floor()
    }

    fn append(
        &self,
        batch: Vec<NewEvent>,
        marks: &[(OutboxId, u64)],
        stamp: Timestamp,
    ) -> Result<Appended, StoreError> {
        let appended = self.write(|disk| Ok(Unflushed::Append(disk.place(batch, stamp)?, marks.to_vec())))?;
        Ok(appended.expect("an append that was flushed has its events: see `write`"))
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        self.up()?;
        self.disk().read(after, limit)
    }

    fn seek_time(&self, at: Timestamp) -> Result<Position, ReadError> {
        self.up()?;
        Ok(self.disk().seek_time(at))
    }

    fn mark(&self, outbox: &OutboxId) -> Option<u64> {
        self.disk().marks.get(outbox).copied()
    }

    fn retain(
        &self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Result<Trimmed, StoreError> {
        self.machine().check_writable()?;
        Ok(self.disk().retain(policy, needed_after, now))
    }

    fn close(&self) -> Result<(), StoreError> {
        let mut machine = self.machine();
        if machine.power == Power::Crashed {
            return Err(StoreError::Crashed);
        }
        machine.power = Power::Closed;
        Ok(())
    }
}

impl KeyStore for ForgetfulStore {
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.up()?;
        Ok(self.disk().get(bucket, key))
    }

    fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        self.up()?;
        Ok(self.disk().scan_prefix(bucket, prefix))
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        changes.iter().try_for_each(Change::check)?;
        self.write(|_| Ok(Unflushed::Commit(changes))).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract::{event, log};
    use super::*;

    /// Crashes the second write at `at`, then reports what a fresh store on the disk has.
    fn events_after_crash_at(at: Step) -> u64 {
        let disk = Disk::new(log(1));
        let plan = move |step, write| if step == at && write == 2 { Fate::Crash } else { Fate::GoOn };
        let store = ForgetfulStore::with_faults(&disk, Box::new(plan));
        let outbox = OutboxId::from_u128(9);
        store.append(vec![event("first")], &[(outbox, 1)], Timestamp::from_micros(1)).expect("no fault yet");
        let second = store.append(vec![event("second")], &[(outbox, 2)], Timestamp::from_micros(2));
        assert!(matches!(second, Err(StoreError::Crashed)));
        assert!(matches!(store.read(store.floor(), 9), Err(ReadError::Store(StoreError::Crashed))));
        let reopened = ForgetfulStore::open(&disk);
        assert_eq!(reopened.mark(&outbox), Some(reopened.head().seq), "marks and events go together");
        reopened.head().seq
    }

    #[test]
    fn a_crash_loses_what_was_not_flushed_and_keeps_what_was() {
        assert_eq!(events_after_crash_at(Step::Written), 1);
        assert_eq!(events_after_crash_at(Step::Flushing), 1);
        assert_eq!(events_after_crash_at(Step::Flushed), 2);
    }
}
