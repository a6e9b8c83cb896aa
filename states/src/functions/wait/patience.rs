//! Trying again until it works or the time is up.

use std::time::Duration;

use crate::function::{JobCtx, StateError};
use crate::host::Commands;

/// How often and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) period: f64,
    pub(super) timeout: f64,
}

/// What came of waiting.
#[derive(Debug)]
pub(super) enum Waited<T> {
    /// It came, at this attempt.
    Met(T, u32),
    /// It did not, in this many attempts.
    TimedOut(u32),
}

impl Patience {
    /// Asks until there is an answer. Asks at least once, and not again when the next time would be too late.
    pub(super) fn until<T>(
        self,
        ctx: &JobCtx<'_>,
        mut ask: impl FnMut() -> Result<Option<T>, StateError>,
    ) -> Result<Waited<T>, StateError> {
        let period = seconds("period", self.period)?;
        let timeout = seconds("timeout", self.timeout)?;
        let start = ctx.now();
        // What is slept counts, too: a simulated clock need not move by itself.
        let mut slept = Duration::ZERO;
        let mut attempts = 0;
        loop {
            attempts += 1;
            if let Some(found) = ask()? {
                return Ok(Waited::Met(found, attempts));
            }
            let passed = ctx.now().since(start).max(slept);
            if passed + period > timeout || (period.is_zero() && passed >= timeout) {
                return Ok(Waited::TimedOut(attempts));
            }
            // Even without a period the machine must be left to breathe.
            pause(ctx, period.max(Duration::from_millis(10)))?;
            slept += period.max(Duration::from_millis(10));
        }
    }
}

/// Sleeps, unless the job is cancelled.
pub(super) fn pause(ctx: &JobCtx<'_>, time: Duration) -> Result<(), StateError> {
    if Commands::sleep(ctx.host, time, ctx) {
        return Ok(());
    }
    Err(StateError::failed("the job was cancelled while it waited"))
}

/// Reads a number of seconds.
pub(super) fn seconds(argument: &str, given: f64) -> Result<Duration, StateError> {
    Duration::try_from_secs_f64(given)
        .map_err(|_| StateError::failed(format!("argument {argument}: {given} is no number of seconds")))
}
