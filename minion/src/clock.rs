//! The agent's clock and its randomness: the only places that ask the system for either.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lab_proto::Timestamp;

/// A clock that never goes back: set by the wall clock once, steady from then on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    steady: Instant,
}

impl Clock {
    /// Sets the clock.
    pub fn start() -> Self {
        Self { wall: wall_clock(), steady: Instant::now() }
    }

    /// Returns the time on the steady clock: for deadlines.
    pub fn now(&self) -> Timestamp {
        self.wall + self.steady.elapsed()
    }

    /// Returns how long it is until then.
    pub fn until(&self, when: Timestamp) -> Duration {
        when.since(self.now())
    }
}

/// Returns the wall clock's time: for people and for events.
pub fn wall_clock() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(d) => i64::try_from(d.as_micros()).unwrap_or(i64::MAX),
        Err(e) => -i64::try_from(e.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros)
}

/// Returns 128 random bits.
pub fn random_u128() -> u128 {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .expect("the kernel's random source does not fail once the system is up");
    u128::from_le_bytes(bytes)
}

/// Returns 64 random bits.
pub fn random_u64() -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "half of the bits is what is wanted")]
    let low = random_u128() as u64;
    low
}
