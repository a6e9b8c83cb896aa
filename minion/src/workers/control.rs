//! The job as its function sees it: clock, cancellation, deadline, and what watchers are shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lab_proto::v1::link::{JobsUp, Progress as Shown};
use lab_proto::{StateReturn, Timestamp, Value};
use lab_states::function::{Control, Progress};
use lab_states::host::Stream;

use super::Job;

/// Output beyond this is cut from a single frame of progress; the return has all of it.
const MOST_SHOWN: usize = 16 << 10;

/// Tells a function to stop.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Tells it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Tells whether it was told.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Job {
    fn shown(&self, what: Progress) -> Option<Shown> {
        Some(match what {
            Progress::Message(text) => Shown::Stdout(self.text(text.as_bytes())),
            Progress::Output { stream: Stream::Stdout, bytes } => Shown::Stdout(self.text(&bytes)),
            Progress::Output { stream: Stream::Stderr, bytes } => Shown::Stderr(self.text(&bytes)),
            Progress::StateStarted { id, state, .. } => {
                Shown::StateStarted { id: self.secrets.text(&id), state }
            }
            Progress::StateDone(done) => Shown::StateEnded(self.secrets.value(&without_diffs(*done)?)),
        })
    }

    fn text(&self, bytes: &[u8]) -> String {
        let cut = &bytes[bytes.len().saturating_sub(MOST_SHOWN)..];
        self.secrets.text(&String::from_utf8_lossy(cut))
    }
}

impl Control for Job {
    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn now(&self) -> Timestamp {
        self.env.clock.now()
    }

    fn progress(&self, what: Progress) {
        if let Some(progress) = self.shown(what) {
            self.env.tell(JobsUp::Progress { jid: self.jid, progress });
        }
    }
}

/// Watchers are shown what changed by name; the return has the whole of it.
fn without_diffs(mut done: StateReturn) -> Option<Value> {
    for (_, change) in &mut done.changes {
        if change.to_string().len() > 256 {
            *change = Value::from("…");
        }
    }
    Value::from_serialize(&done).ok()
}
