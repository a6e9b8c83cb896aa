//! Namespaced test hosts: whole small machines made of Linux namespaces, for the demo and the end-to-end tests.
//!
//! A [`Lab`] is a switch (a bridge in a network namespace of its own), a *master* place and any number of
//! [`Host`]s on it. Each host has its own network, mount, uts, ipc and pid namespaces, overlays for its files, a
//! boot id, an init that restarts services, and can be rebooted, cut off or filled up. See docs/testing.md for
//! what such a host is and is not.
//!
//! ```text
//! owner (test, xtask)          holds a pipe: when it ends, for whatever reason, the lab ends
//! └─ keeper   lab-nshost keep  in the owner's pid namespace; removes the lab's directory at the end
//!    └─ switch lab-nshost …    pid 1 of the lab; switch network namespace, boots hosts, answers requests
//!       ├─ place lab-nshost …  `master`, `outside`: a network namespace over the machine's own files
//!       └─ boot lab-nshost …   makes the namespaces of one boot of one host
//!          └─ init             pid 1 of that host: mounts, services, reboot
//! ```
//!
//! Nothing is made in the machine's own network namespace or mount table, so that the end of the switch process
//! (the kernel then ends its pid namespace) undoes everything but one directory.
//!
//! This module runs the binaries that it is given and knows nothing about them.

mod door;
mod error;
pub mod helper;
mod host;
mod lab;
mod requirements;
mod smoke;
mod traces;
mod words;

pub use door::{Cmd, Output, Place, Running};
pub use error::NsError;
pub use host::Host;
pub use lab::{Kept, Lab, LabBuilder, find_helper};
pub use nix::sys::signal::Signal;
pub use requirements::{Requirement, requirements};
pub use smoke::smoke;
pub use traces::{Traces, labs_here};
pub use words::{Bind, HostPhase, HostSpec, HostStatus, MARKER, Restart, Service, ServiceStatus, StateDir};
