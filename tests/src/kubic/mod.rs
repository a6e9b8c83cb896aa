//! The Kubic lab: a master, the two hosts of examples/kubic, and hands on all of them.
//!
//! Shared by the demo and the end-to-end tests. Everything in it is a real process in a namespaced host: the
//! binaries `lab-master` and `lab-minion` as they are built, the example's own states and pillar, and the kubeadm double.
//! Waiting is always for an event of the log, seen by a tail that is a process of its own ([`Tail`]).
//!
//! This module asserts nothing and prints nothing: its callers do.

mod error;
mod facts;
mod files;
mod lab;
mod master;
mod nodes;
mod tail;

pub use error::KubicError;
pub use facts::{EventExt, is_ready_of, jid_of, parse_line, run_ended, step_ended, step_entered};
pub use files::binaries;
pub use lab::{KubicBuilder, KubicLab};
pub use nodes::{CPLANE, Node, WORKER};
pub use tail::{Stop, Tail};

use std::time::Duration;

/// How long anything may take that has to happen; generous, since a machine may be busy.
pub const LIMIT: Duration = Duration::from_secs(90);
