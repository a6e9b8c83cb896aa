//! The server's clock: set by the wall clock once, steady from then on, so that time never goes back in the core.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lab_proto::Timestamp;

/// A steady clock that shows wall time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: Timestamp,
    steady: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: wall_time(), steady: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.wall + self.steady.elapsed()
    }

    /// Converts for a timer of the runtime.
    pub(crate) fn instant(&self, at: Timestamp) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.steady + at.since(self.wall))
    }
}

/// Returns the wall clock's time.
pub fn wall_time() -> Timestamp {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}
