//! What is done now and then: retention of events, blobs and job records.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lab_proto::Digest;
use tracing::{debug, info, warn};

use super::{Shared, chain};
use crate::content::SETTLED_AFTER;
use crate::core::Write;
use crate::core::records;
use crate::store::RetentionPolicy;

/// Changes in one write, so that a large clean-up does not hold everybody else up.
const CHUNK: usize = 256;
/// How long nothing must have happened until a burst is over.
const CALM: Duration = Duration::from_secs(2);

/// Runs until the server ends.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(shared.config.events.retention_every.max(Duration::from_secs(1)));
    every.tick().await;
    loop {
        every.tick().await;
        // Without an answer the master ends: nothing is removed then.
        let Ok(pinned) = shared.hub.ask(|core| core.pinned()).await else { return };
        let clean = shared.clone();
        if let Err(e) = tokio::task::spawn_blocking(move || trim(&clean, &pinned)).await {
            warn!(error = %e, "retention ended early");
        }
        if let Err(e) = forget_jobs(&shared).await {
            warn!(error = e, "old jobs were not forgotten");
        }
    }
}

/// Gives memory back once a burst is over: handshakes and events that came together leave their room behind. Runs until
/// the server ends.
pub(crate) async fn give_back(shared: Arc<Shared>, endpoint: quinn::Endpoint) {
    let look = || (shared.hub.counters().events.load(Ordering::Relaxed), endpoint.open_connections());
    let mut given_at = look();
    let mut before = given_at;
    loop {
        tokio::time::sleep(CALM).await;
        let now = look();
        if now == before && now != given_at {
            given_at = now;
            if let Err(e) = tokio::task::spawn_blocking(crate::allocator::give_back).await {
                warn!(error = %e, "memory was not given back");
            }
        }
        before = now;
    }
}

/// Hashes files that had changed just before a job looked at them once more, before the next job has to: one that is large
/// would hold it up. One that goes on changing is left to the jobs. Runs until the server ends.
pub(crate) async fn settle(shared: Arc<Shared>) {
    loop {
        shared.content.unsettled().await;
        tokio::time::sleep(SETTLED_AFTER).await;
        let settle = shared.clone();
        match tokio::task::spawn_blocking(move || settle.content.settle()).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => debug!(error = chain(&e), "the roots cannot be read; the next job says so"),
            Err(e) => warn!(error = %e, "the roots were not read to their end"),
        }
    }
}

fn trim(shared: &Shared, pinned: &[Digest]) {
    let events = &shared.config.events;
    let policy = RetentionPolicy { max_age: Some(events.keep_age), max_bytes: Some(events.keep_size) };
    let before = shared.store.floor().seq;
    match shared.store.retain(&policy, shared.clock.now()) {
        Ok(trimmed) if trimmed.floor.seq > before => {
            info!(
                floor = trimmed.floor.seq,
                events = trimmed.events,
                bytes_left = trimmed.bytes_left,
                "trimmed"
            );
        }
        Ok(_) => {}
        Err(e) => warn!(error = chain(&e), "retention failed"),
    }
    let policy = RetentionPolicy { max_age: Some(events.keep_age), max_bytes: Some(events.keep_blobs) };
    if let Err(e) = shared.content.retain(pinned, &policy, shared.clock.now()) {
        warn!(error = chain(&e), "retention of blobs failed");
    }
}

async fn forget_jobs(shared: &Arc<Shared>) -> Result<(), String> {
    let reader = shared.clone();
    let jobs = tokio::task::spawn_blocking(move || records::jobs(&*reader.store))
        .await
        .map_err(|e| e.to_string())?
        .map_err(|e| chain(&e))?;
    let surplus = jobs.len().saturating_sub(shared.config.jobs.keep);
    let old: Vec<_> = jobs.iter().take(surplus).filter(|j| j.done.is_some()).collect();
    for group in old.chunks(CHUNK) {
        let changes = group.iter().flat_map(|j| records::delete_job(j)).collect();
        let written = shared.hub.write(Write { changes, ..Write::default() }).await;
        written.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    }
    Ok(())
}
