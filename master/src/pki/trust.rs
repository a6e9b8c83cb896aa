//! Which keys are accepted, asked at every handshake.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use lab_proto::Fingerprint;

use super::names::Peer;

/// The accepted keys of minions and operators: the store's, mirrored in memory so that a handshake does no IO.
/// The server changes it in the same step as the store, the store first.
#[derive(Debug, Default)]
pub struct Trust {
    keys: RwLock<HashMap<Fingerprint, Peer>>,
}

/// A certificate of ours whose key is not accepted.
#[derive(Debug, thiserror::Error)]
#[error("the key {fingerprint} is not accepted for {peer}")]
pub struct NotTrusted {
    peer: Peer,
    fingerprint: Fingerprint,
}

impl NotTrusted {
    /// Returns whom the certificate is for.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Trust {
    /// Makes a table.
    pub fn new(keys: impl IntoIterator<Item = (Fingerprint, Peer)>) -> Self {
        Self { keys: RwLock::new(keys.into_iter().collect()) }
    }

    /// Accepts a key; other keys of the same peer are forgotten, because a minion has one accepted key.
    pub fn accept(&self, fingerprint: Fingerprint, peer: Peer) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(peer, Peer::Minion(_)) {
            keys.retain(|_, p| *p != peer);
        }
        keys.insert(fingerprint, peer);
    }

    /// Returns whose accepted key this is.
    pub fn holder(&self, fingerprint: Fingerprint) -> Option<Peer> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&fingerprint).cloned()
    }

    /// Forgets the keys of a peer.
    pub fn revoke(&self, peer: &Peer) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).retain(|_, p| p != peer);
    }

    /// Checks that the key is accepted for this very peer.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, peer: &Peer, fingerprint: Fingerprint) -> Result<(), NotTrusted> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        match keys.get(&fingerprint) {
            Some(p) if p == peer => Ok(()),
            _ => Err(NotTrusted { peer: peer.clone(), fingerprint }),
        }
    }
}
