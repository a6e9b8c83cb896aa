//! Stateless resets that survive a restart: a peer whose connection died with the last process learns so from the first
//! packet that it sends, instead of waiting until its heartbeats stay unanswered.

use std::path::Path;
use std::sync::Arc;

use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};
use ring::hmac;

use super::StartError;
use crate::pki;

const KEY: usize = 32;
const CID: usize = 8;

/// Makes the endpoint's configuration with the key that lies in the data directory, or is put there now.
pub(crate) fn endpoint_config(data: &Path) -> Result<EndpointConfig, StartError> {
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
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &key)));
    config.cid_generator(|| Box::new(RandomIds));
    Ok(config)
}

/// Random connection ids. The default generator marks its ids with a key of the process and drops all others unheard, so
/// that a reset would never be sent for an id of the process before.
struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut bytes = [0; CID];
        getrandom::fill(&mut bytes).expect("the system gave randomness at start and goes on giving it");
        ConnectionId::new(&bytes)
    }

    fn cid_len(&self) -> usize {
        CID
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}
