//! `job return`: what one minion returned, whole.
//!
//! A return is named by its job and its minion and not by a digest. Which blob it is, its minion said.

use std::sync::Arc;

use lab_proto::facts::StandIn;
use lab_proto::v1::op::{OpReply, RefusalKind};
use lab_proto::{MinionId, Value};
use tokio::sync::mpsc;

use super::jobs::event_of;
use super::{Answer, Request, Stop, refuse};
use crate::core::records::{self, JobRecord};
use crate::core::{JobView, Row};
use crate::server::{Shared, chain};
use crate::store::blob::{BlobError, BlobReader};

/// Bytes in one frame of a return that was kept in its event.
const PART: usize = 64 * 1024;
/// Parts that are read ahead of an operator who is slower than the disk.
const AHEAD: usize = 4;

impl Request {
    pub(super) async fn job_return(&mut self, jid: &str, id: MinionId) -> Answer {
        let job = self.meant_job(jid).await?;
        let jid = job.spec.jid;
        let live = self.shared.hub.ask(move |core| core.open_job(jid)).await?;
        let shared = self.shared.clone();
        let found = tokio::task::spawn_blocking(move || find(&shared, &job, live, &id)).await;
        match found.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))?? {
            Found::Inline(bytes) => {
                self.send(&OpReply::Return { size: bytes.len() as u64 }).await?;
                for part in bytes.chunks(PART) {
                    self.send(&OpReply::Part(part.to_vec())).await?;
                }
                Ok(())
            }
            Found::Blob(reader) => self.send_blob(reader).await,
        }
    }

    /// Sends a blob in constant memory. That it is what its name says is known at its end: `End` says so.
    async fn send_blob(&mut self, reader: BlobReader) -> Answer {
        self.send(&OpReply::Return { size: reader.size() }).await?;
        let (parts, mut inbox) = mpsc::channel(AHEAD);
        let pump = tokio::task::spawn_blocking(move || reader.read(|part| parts.blocking_send(part).is_ok()));
        while let Some(part) = inbox.recv().await {
            self.send(&OpReply::Part(part)).await?;
        }
        let read = pump.await.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))?;
        read.map_err(|e| refuse(RefusalKind::StoreDamaged, chain(&e)))
    }
}

/// Where a return is.
enum Found {
    /// In its event; as JSON.
    Inline(Vec<u8>),
    Blob(BlobReader),
}

/// Looks a minion's return up. Blocking.
fn find(shared: &Arc<Shared>, job: &JobRecord, live: Option<JobView>, id: &MinionId) -> Result<Found, Stop> {
    let jid = job.spec.jid;
    let no = |text: String| refuse(RefusalKind::Refused, text);
    let ended = match live {
        Some(live) => live.rows.into_iter().find(|(of, _)| of == id).map(|(_, row)| match row {
            Row::Ended(record) => Some(record),
            _ => None,
        }),
        None => {
            records::job_rows(&*shared.store, job)?.into_iter().find(|(of, _)| of == id).map(|(_, r)| Some(r))
        }
    };
    let row = ended
        .ok_or_else(|| {
            no(format!("job {jid} was not for {id}; `lab-master job show {jid}` names whom it was for"))
        })?
        .ok_or_else(|| {
            no(format!("{id} has not returned from job {jid} yet; see `lab-master job show {jid}`"))
        })?;
    let event = event_of(shared, jid, id, &row).ok_or_else(|| {
        no(format!("the return of {id} from job {jid} is no longer kept (events.keep_age, events.keep_size)"))
    })?;
    let value = event.data.get("return").ok_or_else(|| {
        let state = row.end.map_or("lost", |e| e.as_str());
        no(format!("{id} returned nothing from job {jid}: {state}"))
    })?;
    match StandIn::of(value) {
        None => Ok(Found::Inline(json(value)?)),
        Some(large) => match shared.content.reader(&large.digest) {
            Ok(reader) => Ok(Found::Blob(reader)),
            Err(BlobError::Missing(_)) => Err(no(format!(
                "the return of {id} from job {jid} ({} bytes) is not here: {id} has not sent it yet, or it is no \
                 longer kept (events.keep_age, events.keep_blobs)",
                large.size
            ))),
            Err(e) => Err(refuse(RefusalKind::StoreDamaged, chain(&e))),
        },
    }
}

fn json(value: &Value) -> Result<Vec<u8>, Stop> {
    serde_json::to_vec(value)
        .map_err(|e| refuse(RefusalKind::Refused, format!("the return has no JSON form: {e}")))
}
