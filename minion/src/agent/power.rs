//! The reboot as a transaction: return durable → acknowledged, or waited for long enough → journalled → down.

use lab_proto::Timestamp;
use lab_proto::ids::{BootId, JobId};
use lab_proto::link::Wake;
use lab_states::host::PowerRequest;

use crate::journal::Entry;

/// What the machine is asked to do, for which job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoDown {
    /// Reboot or power off.
    pub request: PowerRequest,
    /// The job that asked.
    pub jid: JobId,
}

/// How far it is. At most one at a time: the first request wins, the machine goes down only once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Power {
    /// Nobody asked.
    #[default]
    Up,
    /// The return is durable here; the master should have it first.
    AwaitAck { down: GoDown, counter: u64, until: Timestamp },
    /// That it happens is on its way into the journal.
    Journalling { down: GoDown },
    /// The machine goes down.
    Down { down: GoDown },
}

impl Power {
    /// Begins with a return that is durable under this number.
    pub(super) fn begin(&mut self, request: PowerRequest, jid: JobId, counter: u64, until: Timestamp) {
        if *self == Self::Up {
            *self = Self::AwaitAck { down: GoDown { request, jid }, counter, until };
        }
    }

    /// Takes the master's acknowledgement; returns what to journal next.
    pub(super) fn acked(&mut self, acked: u64, boot: BootId) -> Option<Entry> {
        match *self {
            Self::AwaitAck { down, counter, .. } if acked >= counter => Some(self.journalling(down, boot)),
            _ => None,
        }
    }

    /// Takes the time; a master that is away does not hold a machine up.
    pub(super) fn timed_out(&mut self, now: Timestamp, boot: BootId) -> Option<Entry> {
        match *self {
            Self::AwaitAck { down, until, .. } if now >= until => Some(self.journalling(down, boot)),
            _ => None,
        }
    }

    /// Takes that the journal has it; returns what to do with the machine.
    pub(super) fn journalled(&mut self, jid: JobId) -> Option<GoDown> {
        match *self {
            Self::Journalling { down } if down.jid == jid => {
                *self = Self::Down { down };
                Some(down)
            }
            _ => None,
        }
    }

    /// Takes that the machine would not go down.
    pub(super) fn failed(&mut self) -> Option<GoDown> {
        match *self {
            Self::Down { down } => {
                *self = Self::Up;
                Some(down)
            }
            _ => None,
        }
    }

    /// Tells whether a request is under way, so that nothing new is taken or started.
    pub(super) fn is_pending(self) -> bool {
        self != Self::Up
    }

    pub(super) fn wake(self) -> Option<Wake> {
        match self {
            Self::AwaitAck { until, .. } => Some((until, "a reboot waits for the master to have the return")),
            Self::Up | Self::Journalling { .. } | Self::Down { .. } => None,
        }
    }

    fn journalling(&mut self, down: GoDown, boot: BootId) -> Entry {
        *self = Self::Journalling { down };
        Entry::RebootDone { jid: down.jid, boot }
    }
}
