//! A core out of what the store has: for the server at start, and for the simulator after a crash.

use lab_proto::Timestamp;

use super::records::{self, RecordError};
use super::{Core, CoreConfig, KeyState, Random, Restored};
use crate::store::{ReadError, Store};

/// Events read at once.
const CHUNK: usize = 1024;

/// Why a core cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The records beside the log.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The log.
    #[error("the event log cannot be read")]
    Log(#[from] ReadError),
}

impl Core {
    /// Restores a core: what is known of minions, and unfinished jobs replayed from the log.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn restore(
        config: CoreConfig,
        random: Random,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let mut jobs = Vec::new();
        for job in records::jobs(store)?.into_iter().filter(|j| j.done.is_none()) {
            let rows = records::job_rows(store, &job)?;
            jobs.push((job, rows));
        }
        let oldest = jobs.iter().map(|(j, _)| j.after).min();
        let accepted =
            records::keys(store)?.into_iter().filter(|k| k.state == KeyState::Accepted).map(|k| k.id).collect();
        let restored =
            Restored { accepted, minions: records::minions(store)?, grains: records::grains(store)?, jobs };
        let mut core = Self::new(config, random, store.head(), restored, now);
        if let Some(oldest) = oldest {
            let mut at = store.floor();
            at.seq = at.seq.max(oldest);
            loop {
                let events = store.read(at, CHUNK)?;
                let Some(last) = events.last() else { break };
                at = last.position;
                events.iter().for_each(|e| core.replay(e));
            }
        }
        core.resume(now);
        Ok(core)
    }
}
