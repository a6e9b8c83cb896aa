//! Signals that end the following of what goes on at the master.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, exit};

/// Hears SIGINT (Ctrl-C) and SIGTERM. The second one ends this process as if nobody heard: standard output may be stuck.
pub(super) struct Interrupt {
    int: Signal,
    term: Signal,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system lets no signal be heard.
    pub(super) fn listen() -> Result<Self, Failure> {
        let no = |e: std::io::Error| Failure::Local(format!("cannot listen for signals: {e}"));
        let once = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down, and raises it.
            signal_hook::flag::register_conditional_default(number, Arc::clone(&once)).map_err(no)?;
            signal_hook::flag::register(number, Arc::clone(&once)).map_err(no)?;
        }
        Ok(Self {
            int: signal(SignalKind::interrupt()).map_err(no)?,
            term: signal(SignalKind::terminate()).map_err(no)?,
        })
    }

    /// Waits for one.
    pub(super) async fn asked(&mut self) -> Asked {
        tokio::select! {
            _ = self.int.recv() => Asked::ToDetach,
            _ = self.term.recv() => Asked::ToEnd,
        }
    }
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Ctrl-C: whoever follows has seen enough.
    ToDetach,
    /// Somebody else ends this process.
    ToEnd,
}

impl Asked {
    /// Returns the exit code of who left something that goes on, if it is known what.
    pub(super) fn exit_code(self, known: bool) -> u8 {
        if known && self == Self::ToDetach { 0 } else { exit::INTERRUPTED }
    }
}
