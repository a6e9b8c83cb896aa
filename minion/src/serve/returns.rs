//! Storing what the core says: returns and events go into the outbox and are tried until they are there.
//!
//! A return too large for an event goes to the master as a blob first; with no link it waits on disk and is sent when
//! there is one. The event that names it does not wait: that the job ended is a fact of its own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lab_proto::facts::StateSummary;
use lab_proto::v1::link::{MAX_UPLOAD, Query};
use lab_proto::{Digest, EndState, EventTag, JobReturn, Value, codec};
use tokio::sync::{Notify, mpsc};

use super::Report;
use crate::agent::is_state_run;
use crate::emit::{EmitError, Emitter};
use crate::files;
use crate::journal::Entry;
use crate::link::Queries;

/// A return larger than this goes as a blob.
const INLINE: usize = 48 * 1024;
/// How often a full disk is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a large return waits that the master did not take: what one minion may upload is counted by the hour.
const AGAIN: Duration = Duration::from_secs(600);
/// How long the event that names a large return waits for its upload, which goes on behind it.
const AHEAD: Duration = Duration::from_secs(60);

/// Stores returns and events.
#[derive(Clone, Debug)]
pub(super) struct Returns {
    emitter: Emitter,
    spool: Spool,
}

/// Large returns that wait for the master. Holds nothing that keeps the agent from ending.
#[derive(Clone, Debug)]
struct Spool {
    dir: PathBuf,
    queries: Queries,
    /// Told when there is a link again.
    linked: Arc<Notify>,
    sending: Arc<AtomicBool>,
    /// Held while one is written: two jobs may return the same.
    writing: Arc<Mutex<()>>,
    /// What is being sent.
    under_way: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Returns {
    pub(super) fn new(emitter: Emitter, queries: Queries, spool: PathBuf) -> Self {
        let (linked, sending, writing, under_way) = Default::default();
        Self { emitter, spool: Spool { dir: spool, queries, linked, sending, writing, under_way } }
    }

    /// Stores a return, however long that takes; then reports its number.
    pub(super) fn store(&self, ret: JobReturn, end: Entry, reports: mpsc::Sender<Report>) {
        let this = self.clone();
        tokio::spawn(async move {
            let (jid, tag) = (ret.jid, ret.tag());
            let ret = this.fitting(ret).await;
            let end = match end {
                Entry::Ended { jid, at, .. } => Entry::Ended { jid, state: ret.state, at },
                other => other,
            };
            if let Some(counter) = this.until_stored(tag, ret.data(), Some(end)).await {
                let _ = reports.send(Report::Stored(jid, counter)).await;
            }
        });
    }

    /// Stores an event, however long that takes; then reports.
    pub(super) fn say(&self, tag: EventTag, data: Value, reports: mpsc::Sender<Report>) {
        let this = self.clone();
        tokio::spawn(async move {
            if this.until_stored(tag, data, None).await.is_some() {
                let _ = reports.send(Report::Said).await;
            }
        });
    }

    /// Sends the blobs that waited for a link; what is left of them, and of later ones, is tried again now and then.
    pub(super) fn link_is_up(&self) {
        let spool = self.spool.clone();
        spool.linked.notify_one();
        if !spool.sending.swap(true, Ordering::Relaxed) {
            let linked = spool.linked.clone();
            let send = move || {
                let spool = spool.clone();
                async move { spool.send().await }
            };
            tokio::spawn(async move { rounds(&linked, || tokio::time::sleep(AGAIN), send).await });
        }
    }

    async fn until_stored(&self, tag: EventTag, data: Value, end: Option<Entry>) -> Option<u64> {
        let mut delay = RETRY.0;
        loop {
            match self.emitter.emit(tag.clone(), data.clone(), end.clone()).await {
                Ok(counter) => return Some(counter),
                Err(EmitError::Outbox(e)) if e.is_temporary() => {
                    tracing::error!(%tag, error = %crate::chain(&e), "held back");
                }
                Err(e) => {
                    tracing::error!(%tag, error = %crate::chain(&e), "lost");
                    return None;
                }
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(RETRY.1);
        }
    }

    /// Makes a return fit into an event.
    async fn fitting(&self, mut ret: JobReturn) -> JobReturn {
        let bytes = codec::encode(&ret.value);
        if bytes.as_ref().is_ok_and(|b| b.len() <= INLINE) {
            return ret;
        }
        let summary = is_state_run(&ret.fun).then(|| StateSummary::of(&ret.value)).flatten();
        // As JSON, so that a person who fetches the blob can read it.
        let json = serde_json::to_vec(&ret.value).unwrap_or_default();
        let digest = Digest::of(&json);
        let size = json.len() as u64;
        if size > MAX_UPLOAD {
            return too_large(ret, size);
        }
        let spool = self.spool.clone();
        let kept = tokio::task::spawn_blocking(move || spool.keep(digest, &json)).await;
        ret.value = match kept {
            Ok(Ok(path)) => {
                self.spool.offer(path).await;
                let named = || [("blob", Value::from(digest.to_string())), ("size", Value::from(size))];
                // Who waits for the run need not fetch the blob to know how it went.
                summary.map_or_else(|| Value::from(named()), |summary| summary.blob(digest, size))
            }
            Ok(Err(e)) => Value::from(format!("the return of {size} bytes could not be kept: {e}")),
            Err(e) => Value::from(format!("the return of {size} bytes could not be kept: {e}")),
        };
        ret
    }
}

impl Spool {
    fn keep(&self, digest: Digest, bytes: &[u8]) -> Result<PathBuf, String> {
        let path = self.dir.join(digest.to_string());
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        files::make_dir(&self.dir, 0o700)
            .and_then(|()| files::write_atomically(&path, bytes, 0o600))
            .map_err(|e| crate::chain(&e))?;
        Ok(path)
    }

    /// Sends one that was just kept, if there is a link.
    async fn offer(&self, path: PathBuf) {
        if !self.queries.is_up() {
            return;
        }
        let this = self.clone();
        let send = move || {
            if let Err(e) = this.upload(&path) {
                tracing::warn!(path = %path.display(), error = e, again_in = ?AGAIN, "a large return waits");
            }
        };
        // One that takes longer goes on by itself.
        let _ = tokio::time::timeout(AHEAD, tokio::task::spawn_blocking(send)).await;
    }

    /// Sends what waits, while there is a link.
    async fn send(&self) {
        let this = self.clone();
        let round = move || {
            if this.queries.is_up() {
                let waiting = this.waiting();
                upload_all(waiting.into_iter(), |path| this.upload(path), || this.queries.is_up());
            }
        };
        if let Err(e) = tokio::task::spawn_blocking(round).await {
            tracing::error!(error = %e, "large returns were not sent");
        }
    }

    fn waiting(&self) -> Vec<PathBuf> {
        // Nothing is half-written then: what else lies there is what a crash left of one.
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        waiting(&self.dir)
    }

    /// Sends one and removes it, unless that is under way.
    fn upload(&self, path: &Path) -> Result<(), String> {
        let under_way = || self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if !under_way().insert(path.to_owned()) {
            return Ok(());
        }
        let sent = self.send_file(path);
        under_way().remove(path);
        sent
    }

    fn send_file(&self, path: &Path) -> Result<(), String> {
        let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
        if size > MAX_UPLOAD {
            return Err(format!(
                "{size} bytes are too many for the master, which takes {MAX_UPLOAD}; remove the file"
            ));
        }
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let query = Query::BlobPut { digest: Digest::of(&bytes), size: bytes.len() as u64 };
        self.queries.put_blob(query, &bytes).map_err(|e| crate::chain(&e))?;
        std::fs::remove_file(path).map_err(|e| e.to_string())
    }
}

/// Returns the whole returns of a directory, which are named by their digests; removes what is left of others.
fn waiting(dir: &Path) -> Vec<PathBuf> {
    let mut whole = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let digest = |name: &str| name.parse::<Digest>().is_ok();
        if digest(&name) {
            whole.push(path);
        } else if files::left_of(&name).is_some_and(digest)
            && let Err(e) = std::fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), error = %e, "what is left of a large return stays");
        }
    }
    whole
}

/// Sends whenever there is a link again, and now and then while there is one: the master may take later what it did not take.
async fn rounds<P: Future, S: Future>(linked: &Notify, pause: impl Fn() -> P, send: impl Fn() -> S) {
    loop {
        tokio::select! {
            () = linked.notified() => {}
            _ = pause() => {}
        }
        send().await;
    }
}

/// Uploads what waits, each on its own account: one that the master does not take holds up no other.
fn upload_all(
    waiting: impl Iterator<Item = PathBuf>,
    upload: impl Fn(&Path) -> Result<(), String>,
    is_up: impl Fn() -> bool,
) {
    for path in waiting {
        if let Err(e) = upload(&path) {
            tracing::warn!(path = %path.display(), error = e, "a large return still waits");
            if !is_up() {
                return;
            }
        }
    }
}

/// Makes a failed return of one that the master would never take.
fn too_large(ret: JobReturn, size: u64) -> JobReturn {
    let text = format!(
        "the function ran and ended, but what it returned has {size} bytes as JSON; at most {MAX_UPLOAD} can be sent, let it write a file"
    );
    JobReturn { state: EndState::Failed, success: false, retcode: 1, value: Value::from(text), ..ret }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_return_that_the_master_does_not_take_holds_up_no_other_and_a_lost_link_ends_the_round() {
        let paths = || ["one", "refused", "two"].map(PathBuf::from).into_iter();
        for (up, expected) in [(true, vec!["one", "refused", "two"]), (false, vec!["one", "refused"])] {
            let tried = RefCell::new(Vec::new());
            let upload = |path: &Path| {
                tried.borrow_mut().push(path.display().to_string());
                if path.ends_with("refused") { Err("too large".to_owned()) } else { Ok(()) }
            };
            upload_all(paths(), upload, || up);
            assert_eq!(tried.into_inner(), expected);
        }
    }

    #[test]
    fn only_whole_returns_are_sent_and_nothing_is_left_of_others() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (whole, half) = (Digest::of(b"whole").to_string(), format!(".{}.new", Digest::of(b"half")));
        for name in [&whole, &half, "of somebody else"] {
            std::fs::write(dir.path().join(name), "text").expect("writes");
        }
        assert_eq!(waiting(dir.path()), [dir.path().join(whole)]);
        assert!(!dir.path().join(half).exists());
        assert!(dir.path().join("of somebody else").exists());
        assert!(waiting(&dir.path().join("none")).is_empty());
    }

    #[tokio::test]
    async fn a_return_that_the_master_did_not_take_is_tried_again_over_the_same_link() {
        let (linked, passed, (sent, mut heard)) = (Notify::new(), Notify::new(), mpsc::channel(1));
        let send = || async { sent.send(()).await.expect("somebody listens") };
        let tries = rounds(&linked, || passed.notified(), send);
        let life = async {
            for why in [&linked, &passed, &passed, &linked] {
                tokio::task::yield_now().await;
                assert!(heard.try_recv().is_err(), "nothing is tried for no reason");
                why.notify_one();
                heard.recv().await.expect("it is tried");
            }
        };
        tokio::select! { () = tries => {}, () = life => {} }
    }
}
