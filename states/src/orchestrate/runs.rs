//! The runs that a master drives at one time: every event goes to each of them, and each may ask for effects.

use std::collections::BTreeMap;

use lab_proto::job::StepRef;
use lab_proto::{Digest, Event, RunId, StepId, Timestamp};

use super::{Ask, Deadline, Effect, Engine, Resolution};

/// The unfinished runs of a master.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    engines: BTreeMap<RunId, Engine>,
}

impl Runs {
    /// Adds a run that was started, or replayed and resumed. A run that is already here stays as it is.
    pub fn add(&mut self, engine: Engine) {
        self.engines.entry(engine.run()).or_insert(engine);
    }

    /// Takes the next event of the log.
    pub fn handle_event(&mut self, event: &Event) {
        self.engines.values_mut().for_each(|e| e.handle_event(event));
    }

    /// Takes the answer to a run's [`Effect::Resolve`].
    pub fn handle_resolved(&mut self, run: RunId, ask: &Ask, answer: Result<Resolution, String>) {
        if let Some(engine) = self.engines.get_mut(&run) {
            engine.handle_resolved(ask, answer);
        }
    }

    /// Takes that the job of a run's step cannot be published, and why.
    pub fn handle_unpublished(&mut self, step: &StepRef, why: String) {
        if let Some(engine) = self.engines.get_mut(&step.run) {
            engine.handle_unpublished(&step.step, why);
        }
    }

    /// Takes that the log does not hold an event of a run's step, and why.
    pub fn handle_refused(&mut self, run: RunId, step: &StepId, why: &str) {
        if let Some(engine) = self.engines.get_mut(&run) {
            engine.handle_refused(step, why);
        }
    }

    /// Forgets a run whose beginning the log does not hold.
    pub fn remove(&mut self, run: RunId) {
        self.engines.remove(&run);
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.engines.values_mut().for_each(|e| e.handle_timeout(now));
    }

    /// Takes how far stamps are ahead of a steady clock, in microseconds. Comes before any event that is stamped by a clock that
    /// was set; [`Self::handle_timeout`] follows.
    pub fn handle_pace(&mut self, stamp: Timestamp, ahead: i64) {
        self.engines.values_mut().for_each(|e| e.handle_pace(stamp, ahead));
    }

    /// Returns the next effect and whose it is. A run that finishes is forgotten here.
    pub fn poll_effect(&mut self) -> Option<(RunId, Effect)> {
        let (run, effect) =
            self.engines.iter_mut().find_map(|(run, e)| e.poll_effect().map(|x| (*run, x)))?;
        if matches!(effect, Effect::Finish(_)) {
            self.engines.remove(&run);
        }
        Some((run, effect))
    }

    /// Returns when to call [`Self::handle_timeout`], if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.engines.values().filter_map(Engine::poll_timeout).min()
    }

    /// Returns a run that has not finished.
    pub fn get(&self, run: RunId) -> Option<&Engine> {
        self.engines.get(&run)
    }

    /// Returns a run that has not finished, to change how it works. For tests.
    #[cfg(feature = "simulation")]
    pub fn get_mut(&mut self, run: RunId) -> Option<&mut Engine> {
        self.engines.get_mut(&run)
    }

    /// Returns what the unfinished runs need of the blobs: the trees that they are pinned to, their plans, and where minions stood.
    pub fn pinned(&self) -> impl Iterator<Item = Digest> {
        self.engines.values().flat_map(Engine::pinned).copied()
    }

    /// Returns the runs that have not finished, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Engine> {
        self.engines.values()
    }
}
