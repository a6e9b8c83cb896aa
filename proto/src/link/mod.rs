//! The link as values: what each end must do, without sockets, tasks or clocks.
//!
//! A shell owns the QUIC connection. For the control stream it drives a [`MinionSession`] or a
//! [`MasterSession`] like this: every frame that arrives goes to `handle`, every wake-up to `handle_timeout`;
//! after each of these it drains `poll_transmit` (frames to send) and `poll_event` (what to tell the agent or
//! the core), then sleeps until `poll_timeout`. `now` must never go back: shells take it from a steady clock
//! that was set by the wall clock once; what a [`Welcome`](crate::v1::link::Welcome) tells is by the real one.
//! [`Intake`] and [`Upload`] do the same for the stream of events.

mod backoff;
mod intake;
mod liveness;
mod master;
mod minion;
mod upload;

pub use backoff::Backoff;
pub use intake::{Intake, IntakeError, check_hello, judge};
pub use liveness::{Liveness, MAX_EXCUSE};
pub use master::{Clocks, MasterEvent, MasterSession, SessionLimits};
pub use minion::{MinionEvent, MinionSession};
pub use upload::{Acked, Upload};

use crate::time::Timestamp;

/// A wake-up: when, and what for (for logs and for people who ask why a process woke).
pub type Wake = (Timestamp, &'static str);

/// A frame that the protocol does not allow at this point. The connection closes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("protocol violation: {0}")]
pub struct Violation(pub String);
