//! Stateless resets that survive a restart: a peer whose connection died with the last process learns so from the first
//! packet that it sends, instead of waiting until its heartbeats stay unanswered.

use std::path::Path;
use std::sync::Arc;

use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};
use ring::hmac;

use super::StartError;
use crate::pki;

const KEY: usize = 32;

/// Makes the endpoint's configuration with the key that lies in the data directory, or is put there now.
pub(crate) fn endpoint_config(data: &Path) -> Result<(EndpointConfig, MarkedIds), StartError> {
    let path = data.join("pki").join("reset.key");
    let key = match std::fs::read(&path) {
        Ok(bytes) if bytes.len() == KEY => bytes,
        _ => {
            let mut bytes = [0; KEY];
            getrandom::fill(&mut bytes).map_err(|e| StartError::Random(e.to_string()))?;
            pki::write_secret(&path, &bytes)?;
            bytes.to_vec()
        }
    };
    let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &key));
    let mut config = EndpointConfig::new(key.clone());
    let ids = MarkedIds { key };
    let made = ids.clone();
    config.cid_generator(move || Box::new(made.clone()));
    Ok((config, ids))
}

/// Connection ids that show that a master with this key made them. The default generator marks its ids with a key of
/// the process and drops all others unheard, so that a reset would never be sent for an id of the process before.
#[derive(Clone)]
pub(crate) struct MarkedIds {
    key: Arc<hmac::Key>,
}

impl MarkedIds {
    /// The length of an id: as much of it random as matters, the rest a mark.
    pub(crate) const LEN: usize = 8;
    const RANDOM: usize = 5;

    /// Tells whether an id was made with this key.
    pub(crate) fn made(&self, id: &[u8]) -> bool {
        id.len() == Self::LEN && self.mark(&id[..Self::RANDOM]) == id[Self::RANDOM..]
    }

    fn mark(&self, random: &[u8]) -> [u8; Self::LEN - Self::RANDOM] {
        // A text that no reset's token is made of: those are of the ids themselves.
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"connection id ");
        context.update(random);
        let tag = context.sign();
        let (mark, _) = tag.as_ref().split_first_chunk().expect("a tag has 32 bytes");
        *mark
    }
}

impl ConnectionIdGenerator for MarkedIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut bytes = [0; Self::LEN];
        getrandom::fill(&mut bytes[..Self::RANDOM])
            .expect("the system gave randomness at start and goes on giving it");
        let mark = self.mark(&bytes[..Self::RANDOM]);
        bytes[Self::RANDOM..].copy_from_slice(&mark);
        ConnectionId::new(&bytes)
    }

    fn cid_len(&self) -> usize {
        Self::LEN
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}
