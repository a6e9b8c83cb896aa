//! Reading events as the tests and the demo ask for them.

use lab_proto::facts::{Fact, RunEnded, StepEnded, StepEntered};
use lab_proto::{Event, JobId};

/// Questions to an event.
pub trait EventExt {
    /// The fact that the event states, if it is one of the product's.
    fn fact(&self) -> Option<Fact>;
    /// Its number in the log.
    fn seq(&self) -> u64;
    /// Tells whether the tag is this one.
    fn is(&self, tag: &str) -> bool;
}

impl EventExt for Event {
    fn fact(&self) -> Option<Fact> {
        Fact::of(self).ok().flatten()
    }

    fn seq(&self) -> u64 {
        self.position.seq
    }

    fn is(&self, tag: &str) -> bool {
        self.tag.as_str() == tag
    }
}

/// Reads one line of `lab-master events --json`.
///
/// # Errors
/// When it is none.
pub fn parse_line(line: &str) -> Result<Event, serde_json::Error> {
    serde_json::from_str(line)
}

/// Returns the entry of a step, if the event is one.
#[must_use]
pub fn step_entered(event: &Event) -> Option<StepEntered> {
    match event.fact() {
        Some(Fact::StepEntered(fact)) => Some(fact),
        _ => None,
    }
}

/// Returns the end of a step, if the event is one.
#[must_use]
pub fn step_ended(event: &Event) -> Option<StepEnded> {
    match event.fact() {
        Some(Fact::StepEnded(fact)) => Some(fact),
        _ => None,
    }
}

/// Returns the end of a run, if the event is one.
#[must_use]
pub fn run_ended(event: &Event) -> Option<RunEnded> {
    match event.fact() {
        Some(Fact::RunEnded(fact)) => Some(fact),
        _ => None,
    }
}

/// Returns the job that the event is about.
#[must_use]
pub fn jid_of(event: &Event) -> Option<JobId> {
    lab_proto::facts::job_of(&event.tag)
}

/// Tells whether the event says that this minion is ready.
pub fn is_ready_of(id: &str) -> impl Fn(&Event) -> bool {
    let tag = format!("lab/minion/{id}/ready");
    move |event| event.is(&tag)
}
