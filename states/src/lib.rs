//! The brain of lab: everything that decides, nothing that touches the machine.
//!
//! An SLS is rendered, compiled to ordered low chunks, and run; functions see the machine through [`host::Host`]
//! only. Time is passed in, threads belong to the shells.

pub mod check;
pub mod compile;
pub mod function;
pub mod functions;
pub mod host;
pub mod low;
pub mod nearest;
pub mod net;
pub mod netdoc;
pub mod orchestrate;
pub mod pillar;
mod private;
mod python_regex;
pub mod redact;
pub mod reference;
pub mod render;
pub mod run;
pub mod schedule;
mod shell;
pub mod sls;
pub mod target;
pub mod top;
