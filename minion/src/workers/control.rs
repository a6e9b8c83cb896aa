//! The job as its function sees it: clock, cancellation, deadline, and what watchers are shown.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use lab_proto::v1::link::{JobsUp, Progress as Shown};
use lab_proto::{StateReturn, Timestamp, Value};
use lab_states::function::{Control, Progress};
use lab_states::host::{KILL_GRACE, Stream};
use lab_states::redact::Held;

use super::Job;

/// Output beyond this is cut from a single frame of progress; the return has all of it.
const MOST_SHOWN: usize = 16 << 10;

/// How long a command may take to end by itself when the agent ends: longer than one that is killed, since nobody wanted
/// just that one to end, and short enough that a second one of the same job does not begin.
const LAST_GRACE: Duration = Duration::from_secs(8);

/// Tells a function to stop.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    cancelled: AtomicBool,
    gently: AtomicBool,
}

impl Cancel {
    /// Tells it.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Tells it because the agent ends.
    pub fn cancel_gently(&self) {
        self.0.gently.store(true, Ordering::Relaxed);
        self.cancel();
    }

    /// Tells whether it was told.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    fn grace(&self) -> Duration {
        if self.0.gently.load(Ordering::Relaxed) { LAST_GRACE } else { KILL_GRACE }
    }
}

/// Ends of texts that may be beginnings of secrets, by the thread that runs the command: states that run at the same
/// time do not come between the pieces of one another.
#[derive(Default)]
pub(super) struct Pieces(Mutex<HashMap<(ThreadId, bool), Held>>);

impl Job {
    /// Tells watchers what was held back: what printed it has ended.
    pub(super) fn tell_rest(&self) {
        let held = std::mem::take(&mut *self.pieces.0.lock().unwrap_or_else(PoisonError::into_inner));
        for ((_, is_stderr), mut held) in held {
            self.tell_text(is_stderr, &self.secrets.rest(&mut held));
        }
    }

    fn tell_piece(&self, is_stderr: bool, bytes: &[u8]) {
        let key = (std::thread::current().id(), is_stderr);
        let text = {
            let mut pieces = self.pieces.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.secrets.piece(pieces.entry(key).or_default(), bytes)
        };
        self.tell_text(is_stderr, &text);
    }

    /// Tells watchers a text without secrets, as much of its end as a frame has room for.
    fn tell_text(&self, is_stderr: bool, text: &str) {
        if text.is_empty() {
            return;
        }
        let from = text.ceil_char_boundary(text.len().saturating_sub(MOST_SHOWN));
        let shown = text[from..].to_owned();
        self.tell(if is_stderr { Shown::Stderr(shown) } else { Shown::Stdout(shown) });
    }

    fn tell(&self, progress: Shown) {
        self.env.tell(JobsUp::Progress { jid: self.jid, progress });
    }

    fn shown(&self, what: Progress) -> Option<Shown> {
        Some(match what {
            Progress::Message(text) => {
                self.tell_text(false, &self.secrets.text(&text));
                return None;
            }
            Progress::Output { stream, bytes } => {
                self.tell_piece(stream == Stream::Stderr, &bytes);
                return None;
            }
            Progress::StateStarted { id, state, .. } => {
                Shown::StateStarted { id: self.secrets.text(&id), state }
            }
            Progress::StateDone(done) => Shown::StateEnded(self.secrets.value(&without_diffs(*done)?)),
        })
    }
}

impl Control for Job {
    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn grace(&self) -> Duration {
        self.cancel.grace()
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    fn now(&self) -> Timestamp {
        self.env.clock.now()
    }

    fn progress(&self, what: Progress) {
        if matches!(what, Progress::StateStarted { .. } | Progress::StateDone(_)) {
            self.tell_rest();
        }
        if let Some(progress) = self.shown(what) {
            self.tell(progress);
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
