//! The book of operators' keys: who may give orders, and who may no more. Every change is durable before it counts.

use std::sync::Arc;

use lab_proto::{Fingerprint, Timestamp};
use tokio::sync::{Mutex, watch};

use super::hub::{Hub, HubGone};
use crate::core::records::{self, OperatorRecord, RecordError, RevokedRecord};
use crate::core::{Write, facts};
use crate::pki::{Peer, Trust};
use crate::store::{KeyStore, StoreError};

/// The book. The operators' door watches it.
pub(crate) struct OperatorBook {
    book: Mutex<Book>,
    changed: watch::Sender<u64>,
    trust: Arc<Trust>,
    hub: Hub,
}

struct Book {
    accepted: Vec<OperatorRecord>,
    revoked: Vec<RevokedRecord>,
}

/// How an operator's key stands.
pub(crate) enum Standing {
    /// Let in.
    Accepted(OperatorRecord),
    /// Shut out, for ever: the machine that has it may be somebody else's.
    Revoked(RevokedRecord),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    #[error(transparent)]
    Gone(#[from] HubGone),
    #[error("the store did not take it: {0}")]
    Store(Arc<StoreError>),
    #[error("the key {fingerprint} is accepted for {holder} already; make another one")]
    InUse { fingerprint: Fingerprint, holder: Peer },
    #[error("the key {0} was revoked and is never let in again; make another one")]
    Revoked(Fingerprint),
}

impl OperatorBook {
    pub(crate) fn load(store: &dyn KeyStore, hub: Hub, trust: Arc<Trust>) -> Result<Self, RecordError> {
        let book = Book { accepted: records::operators(store)?, revoked: records::revoked_operators(store)? };
        let (changed, _) = watch::channel(0);
        Ok(Self { book: Mutex::new(book), changed, trust, hub })
    }

    /// Returns a watch that moves whenever somebody is revoked.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Lets a key in.
    pub(crate) async fn issue(&self, record: OperatorRecord) -> Result<(), OperatorError> {
        let mut book = self.book.lock().await;
        let fingerprint = record.fingerprint;
        if let Some(holder) = self.trust.holder(fingerprint) {
            return Err(OperatorError::InUse { fingerprint, holder });
        }
        if book.revoked.iter().any(|r| r.operator.fingerprint == fingerprint) {
            return Err(OperatorError::Revoked(fingerprint));
        }
        let events = vec![facts::operator(&record.name, "issued", fingerprint, &record.by)];
        self.write(Write { changes: vec![records::put_operator(&record)], events, ..Write::default() })
            .await?;
        self.trust.accept(fingerprint, Peer::Operator(record.name.clone()));
        book.accepted.push(record);
        Ok(())
    }

    /// Shuts out all keys of a name and ends their connections; returns what was shut out.
    pub(crate) async fn revoke(
        &self,
        name: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Vec<RevokedRecord>, OperatorError> {
        let mut book = self.book.lock().await;
        let named = book.accepted.iter().filter(|r| r.name == name);
        let revoked: Vec<RevokedRecord> =
            named.map(|r| RevokedRecord { operator: r.clone(), at: now, by: by.to_owned() }).collect();
        if revoked.is_empty() {
            return Ok(revoked);
        }
        let event = |r: &RevokedRecord| facts::operator(name, "revoked", r.operator.fingerprint, by);
        let write = Write {
            changes: revoked.iter().flat_map(records::revoke_operator).collect(),
            events: revoked.iter().map(event).collect(),
            ..Write::default()
        };
        self.write(write).await?;
        self.trust.revoke(&Peer::Operator(name.to_owned()));
        book.accepted.retain(|r| r.name != name);
        book.revoked.extend(revoked.iter().cloned());
        self.changed.send_modify(|n| *n += 1);
        Ok(revoked)
    }

    /// Returns everybody who is or was an operator, the oldest first.
    pub(crate) async fn list(&self) -> Vec<Standing> {
        let book = self.book.lock().await;
        let accepted = book.accepted.iter().map(|r| (r.since, Standing::Accepted(r.clone())));
        let revoked = book.revoked.iter().map(|r| (r.operator.since, Standing::Revoked(r.clone())));
        let mut all: Vec<_> = accepted.chain(revoked).collect();
        all.sort_by_key(|(since, _)| *since);
        all.into_iter().map(|(_, standing)| standing).collect()
    }

    async fn write(&self, write: Write) -> Result<(), OperatorError> {
        self.hub.write(write).await?.map(|_| ()).map_err(|e| OperatorError::Store(e.0))
    }
}
