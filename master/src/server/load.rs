//! What a master does before it runs: mirrors keys, makes the first operator, restores the core.

use std::sync::Arc;

use lab_proto::link::SessionLimits;
use lab_proto::{Digest, Position, Timestamp};

use super::StartError;
use super::orchestrate::Runner;
use crate::config::Config;
use crate::core::records::{self, OperatorRecord, RevokedRecord};
use crate::core::{Core, CoreConfig, KeyState, Write, facts};
use crate::pki::{self, Authority, OperatorFiles, Peer, Trust};
use crate::store::Store;

/// The operator that the master makes for its own machine.
const LOCAL: &str = "local";

/// Mirrors the accepted keys; makes the local operator's identity at the first start, and whenever its files are gone.
/// What it returns is to be written before anybody is let in.
pub(super) fn trust(
    config: &Config,
    store: &dyn Store,
    authority: &Authority,
    now: Timestamp,
) -> Result<(Arc<Trust>, Write), StartError> {
    let minions = records::keys(store)?
        .into_iter()
        .filter(|k| k.state == KeyState::Accepted)
        .map(|k| (k.fingerprint, Peer::Minion(k.id)));
    let operators = records::operators(store)?;
    let accepted = operators.iter().map(|o| (o.fingerprint, Peer::Operator(o.name.clone())));
    let trust = Trust::new(minions.chain(accepted));
    let dir = config.data_dir.join("operator");
    let files = OperatorFiles::within(&dir);
    let known = std::fs::read(&files.certificate)
        .ok()
        .and_then(|text| pki::certificate_in(&text))
        .and_then(|der| pki::peer_of(&der))
        .is_some_and(|(peer, fingerprint)| trust.check(&peer, fingerprint).is_ok());
    if known && files.key.exists() && files.ca.exists() {
        return Ok((Arc::new(trust), Write::default()));
    }
    let name = LOCAL.to_owned();
    let fingerprint = pki::write_operator(authority, &name, &dir, now)?;
    // Files that are gone may be in other hands: their key counts no more.
    trust.revoke(&Peer::Operator(name.clone()));
    trust.accept(fingerprint, Peer::Operator(name.clone()));
    let by = "first start".to_owned();
    let mut write = Write::default();
    for operator in operators.into_iter().filter(|o| o.name == LOCAL) {
        let by = "start without its files".to_owned();
        write.events.push(facts::operator(LOCAL, "revoked", operator.fingerprint, &by));
        write.changes.extend(records::revoke_operator(&RevokedRecord { operator, at: now, by }));
    }
    write.changes.push(records::put_operator(&OperatorRecord { name, fingerprint, since: now, by }));
    Ok((Arc::new(trust), write))
}

/// Restores the core: what is known of minions, and unfinished jobs replayed from the log.
pub(super) fn core(
    config: &Config,
    store: &dyn Store,
    runner: &Runner,
    now: Timestamp,
) -> Result<Core, StartError> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|e| StartError::Random(e.to_string()))?;
    let mut state = u64::from_le_bytes(seed);
    let core_config = CoreConfig {
        limits: SessionLimits { heartbeat: config.link.heartbeat, missed: config.link.missed },
        reboot_patience: config.link.reboot_patience,
        job_timeout: config.jobs.timeout,
        reconnect_grace: config.jobs.reconnect_grace,
    };
    let random = Box::new(move || split_mix(&mut state));
    let blobs = |digest: &Digest| runner.stored(digest);
    let groups = config.node_groups.clone();
    Ok(Core::restore_with(core_config, random, store, groups, &blobs, now)?)
}

/// Returns the stamp of the newest event in the log, if it can be read.
pub(super) fn last_stamp(store: &dyn Store) -> Option<Timestamp> {
    let (floor, head) = (store.floor(), store.head());
    let before = Position { seq: head.seq.saturating_sub(1).max(floor.seq), ..head };
    // One that cannot be read is told by whoever needs it.
    store.read(before, 1).ok()?.last().map(|event| event.stamp)
}

/// SplitMix64: ids need to be different, not secret.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
