//! Storing what the core says: returns and events go into the outbox and are tried until they are there.
//!
//! A return too large for an event goes to the master as a blob first; with no link it waits on disk and is sent when
//! there is one. The event that names it does not wait: that the job ended is a fact of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::facts::StateSummary;
use lab_proto::v1::link::Query;
use lab_proto::{Digest, EventTag, JobReturn, Value, codec};
use tokio::sync::mpsc;

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

/// Stores returns and events.
#[derive(Clone, Debug)]
pub(super) struct Returns {
    emitter: Emitter,
    queries: Queries,
    spool: PathBuf,
}

impl Returns {
    pub(super) fn new(emitter: Emitter, queries: Queries, spool: PathBuf) -> Self {
        Self { emitter, queries, spool }
    }

    /// Stores a return, however long that takes; then reports its number.
    pub(super) fn store(&self, ret: JobReturn, end: Entry, reports: mpsc::Sender<Report>) {
        let this = self.clone();
        tokio::spawn(async move {
            let (jid, tag) = (ret.jid, ret.tag());
            let ret = this.fitting(ret).await;
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

    /// Sends the blobs that waited for a link.
    pub(super) fn link_is_up(&self) {
        let this = self.clone();
        std::thread::spawn(move || {
            let waiting = std::fs::read_dir(&this.spool).into_iter().flatten().flatten();
            for path in waiting.map(|entry| entry.path()) {
                if let Err(e) = this.upload(&path) {
                    tracing::warn!(path = %path.display(), error = e, "a large return still waits");
                    return;
                }
            }
        });
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
        let this = self.clone();
        let kept = tokio::task::spawn_blocking(move || this.spool(digest, &json)).await;
        ret.value = match kept {
            Ok(Ok(())) => match summary {
                // Who waits for the run need not fetch the blob to know how it went.
                Some(summary) => summary.blob(digest, size),
                None => Value::from([("blob", Value::from(digest.to_string())), ("size", Value::from(size))]),
            },
            Ok(Err(e)) => Value::from(format!("the return of {size} bytes could not be kept: {e}")),
            Err(e) => Value::from(format!("the return of {size} bytes could not be kept: {e}")),
        };
        ret
    }

    fn spool(&self, digest: Digest, bytes: &[u8]) -> Result<(), String> {
        let path = self.spool.join(digest.to_string());
        files::make_dir(&self.spool, 0o700)
            .and_then(|()| files::write_atomically(&path, bytes, 0o600))
            .map_err(|e| crate::chain(&e))?;
        if self.queries.is_up()
            && let Err(e) = self.upload(&path)
        {
            tracing::warn!(path = %path.display(), error = e, "a large return waits for the link");
        }
        Ok(())
    }

    fn upload(&self, path: &Path) -> Result<(), String> {
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let query = Query::BlobPut { digest: Digest::of(&bytes), size: bytes.len() as u64 };
        self.queries.put_blob(query, &bytes).map_err(|e| crate::chain(&e))?;
        std::fs::remove_file(path).map_err(|e| e.to_string())
    }
}
