//! The minion's hands: the machine behind `lab_states::host::Host`, and what runs there.

pub mod agent;
pub mod apply;
pub mod cli;
pub mod clock;
pub mod config;
pub mod content;
pub mod disk;
pub mod emit;
pub mod enrol;
pub mod files;
pub mod functions;
pub mod grains;
pub mod host;
pub mod identity;
pub mod journal;
pub mod link;
pub mod local;
mod memory;
pub mod netguard;
pub mod netwatch;
pub mod outbox;
pub mod power;
mod records;
pub mod serve;
mod systemd;
pub mod workers;

/// Prints an error with everything that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        out.push_str(": ");
        out.push_str(&cause.to_string());
        source = cause.source();
    }
    out
}
