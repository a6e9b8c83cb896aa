//! What a state function and an execution function are, and what they are given.
//!
//! Functions live in `functions/`, one file each; the run ([`crate::run`]) and the agent call them through the
//! traits here. Nothing in this module touches the machine: [`JobCtx::host`] is the only door to it.

mod args;
mod ctx;
mod doc;
mod exec;
mod extension;
mod registry;
mod state;
pub mod typed;

pub use args::{ArgsError, from_map, from_value, scalar_text};
pub use ctx::{
    ApplyOutcome, ApplyRequest, Cached, Control, FileEntry, JobCtx, Progress, ServiceError, Services,
    Template,
};
pub use doc::{ArgDoc, Class, FunctionDoc, Kind};
pub(crate) use exec::FROM_WITHIN;
pub use exec::{CallError, ExecFunction, bind, from_within, takes};
pub use extension::{Extension, ExtensionKind};
pub use registry::{Registry, UnknownFunction};
pub use state::{Applied, Check, Group, StateCall, StateError, StateFunction, Verdict, VerdictKind, Watch};
