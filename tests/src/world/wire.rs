//! What crosses the simulated network, and what its ends ask of the world.

use std::time::Duration;

use lab_proto::ids::ProcessId;
use lab_proto::v1::link::{EventAck, EventBatch, Hello, JobsDown, JobsUp, ToMaster, ToMinion};
use lab_proto::{MinionId, OutboxId};
use lab_states::orchestrate::StartNested;

use super::host::Wake;

/// A frame from a minion. Frames of one connection arrive in order, or not at all any more.
#[derive(Clone, Debug)]
pub(super) enum Up {
    /// Opens the control stream.
    Hello(Box<Hello>),
    /// On the control stream.
    Control(ToMaster),
    /// On the events stream.
    Events(OutboxId, EventBatch),
    /// Opens the jobs stream.
    JobsOpen,
    /// On the jobs stream.
    Jobs(JobsUp),
    /// The minion closed the connection.
    Closed,
}

/// A frame from the master.
#[derive(Clone, Debug)]
pub(super) enum Down {
    /// On the control stream.
    Control(ToMinion),
    /// On the events stream.
    Ack(EventAck),
    /// On the jobs stream.
    Jobs(JobsDown),
    /// The master closed the connection.
    Closed,
}

/// What a simulated party asks of the world.
#[derive(Clone, Debug)]
pub(super) enum Out {
    /// Send a frame to the master.
    Up {
        /// The connection.
        conn: u64,
        /// The frame.
        up: Up,
    },
    /// Send a frame to the minion.
    Down {
        /// The connection.
        conn: u64,
        /// The frame.
        down: Down,
    },
    /// Dial the master.
    Dial {
        /// Who.
        host: MinionId,
    },
    /// Close a connection properly, after what was sent.
    Hangup {
        /// The connection.
        conn: u64,
    },
    /// This end of the connection is gone without a word.
    Vanish {
        /// The connection.
        conn: u64,
    },
    /// Call the host back.
    Wake {
        /// Which.
        host: MinionId,
        /// Only if this agent process still runs; `None` is the machine itself.
        process: Option<ProcessId>,
        /// When.
        after: Duration,
        /// What for.
        wake: Wake,
    },
    /// Compile an orchestration that a step runs.
    Compile {
        /// Only if this process of the master still runs.
        epoch: u64,
        /// How long that takes.
        after: Duration,
        /// The run.
        nested: Box<StartNested>,
    },
}
