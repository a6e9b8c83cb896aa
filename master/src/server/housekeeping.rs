//! What is done now and then: retention of events, blobs and job records.

use std::sync::Arc;
use std::time::Duration;

use lab_proto::{Digest, Timestamp};
use tracing::{debug, info, warn};

use super::believed::Believed;
use super::{Shared, chain, wall_time};
use crate::config::Events;
use crate::content::SETTLED_AFTER;
use crate::core::records;
use crate::core::{Needed, RecordError, Write};
use crate::store::{Change, RetentionPolicy, Store, StoreError, Trimmed};

/// Changes in one write, so that a large clean-up does not hold everybody else up.
const CHUNK: usize = 256;
/// What unfinished jobs and runs need of the log stays until the log is so many times as large as it should be.
const HELD_AT_MOST: u64 = 4;
/// A file's time may be earlier than the clock's when it was written, by less than this.
const CLOCK_GRAIN: Duration = Duration::from_secs(1);
/// Stamps that are so far ahead of the clock are worth a word.
const BEHIND: Duration = Duration::from_secs(60);

/// Runs until the server ends.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(shared.config.events.retention_every.max(Duration::from_secs(1)));
    every.tick().await;
    let mut believed = Believed::read(&*shared.store, wall_time(), shared.clock.up());
    loop {
        if let Some(change) = believed.keep()
            && let Err(e) = write(&shared, vec![change]).await
        {
            warn!(error = e, "what time it is was not kept");
        }
        every.tick().await;
        let now = believed.look(wall_time(), shared.clock.up());
        let behind = shared.clock.behind();
        if behind > BEHIND {
            warn!(
                ?behind,
                "the clock was set back; the stamps of events go at half its pace until it has caught up"
            );
        }
        let asked = wall_time() - CLOCK_GRAIN;
        // Without an answer the master ends: nothing is removed then.
        let Ok((needed, pinned)) = shared.hub.ask(|core| (core.needed_after(), core.pinned())).await else {
            return;
        };
        let clean = shared.clone();
        if let Err(e) = tokio::task::spawn_blocking(move || trim(&clean, needed, &pinned, (asked, now))).await
        {
            warn!(error = %e, "retention ended early");
        }
        if let Err(e) = forget(&shared).await {
            warn!(error = e, "old jobs and runs were not forgotten");
        }
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

fn trim(shared: &Shared, needed: Needed, pinned: &[Digest], (asked, now): (Timestamp, Timestamp)) {
    let events = &shared.config.events;
    if let Err(e) = trim_log(&*shared.store, needed, events, now) {
        warn!(error = chain(&e), "retention failed");
    }
    let policy = RetentionPolicy { max_age: Some(events.keep_age), max_bytes: Some(events.keep_blobs) };
    if let Err(e) = shared.content.retain(pinned, &policy, (asked, now)) {
        warn!(error = chain(&e), "retention of blobs failed");
    }
}

/// Trims the log, but not what unfinished jobs and runs need, unless that alone would fill the disk.
fn trim_log(store: &dyn Store, needed: Needed, events: &Events, now: Timestamp) -> Result<(), StoreError> {
    let before = store.floor().seq;
    let policy = RetentionPolicy { max_age: Some(events.keep_age), max_bytes: Some(events.keep_size) };
    let mut trimmed = store.retain(&policy, Some(needed.after), now)?;
    let most = events.keep_size.saturating_mul(HELD_AT_MOST);
    if let Some(by) = needed.by.filter(|_| trimmed.bytes_left > most) {
        warn!(%by, bytes = trimmed.bytes_left, most, "the log is far over events.keep_size; trimming what this still needs, so that it cannot go on after a restart");
        let policy = RetentionPolicy { max_age: None, max_bytes: Some(most) };
        trimmed = store.retain(&policy, None, now)?;
    } else if let Some(by) = needed.by.filter(|_| trimmed.bytes_left > events.keep_size) {
        warn!(%by, bytes = trimmed.bytes_left, "the log is over events.keep_size and stays so while this is not done");
    }
    if trimmed.floor.seq > before {
        let Trimmed { floor, bytes_left, .. } = trimmed;
        info!(floor = floor.seq, events = floor.seq - before, bytes_left, "trimmed");
    }
    Ok(())
}

async fn forget(shared: &Arc<Shared>) -> Result<(), String> {
    let reader = shared.clone();
    let old = tokio::task::spawn_blocking(move || too_many(&*reader.store, reader.config.jobs.keep))
        .await
        .map_err(|e| e.to_string())?
        .map_err(|e| chain(&e))?;
    for group in old.chunks(CHUNK) {
        write(shared, group.concat()).await?;
    }
    Ok(())
}

async fn write(shared: &Shared, changes: Vec<Change>) -> Result<(), String> {
    let write = Write { changes, ..Write::default() };
    shared.hub.write(write).await.map_err(|e| e.to_string())?.map(|_| ()).map_err(|e| e.to_string())
}

/// Returns what forgets the oldest jobs and runs that are done, where there are more of either than are kept.
fn too_many(store: &dyn Store, keep: usize) -> Result<Vec<Vec<Change>>, RecordError> {
    let (jobs, runs) = (records::jobs(store)?, records::runs(store)?);
    let (more_jobs, more_runs) = (jobs.len().saturating_sub(keep), runs.len().saturating_sub(keep));
    let jobs = jobs.iter().take(more_jobs).filter(|j| j.done.is_some()).map(records::delete_job);
    let runs =
        runs.iter().take(more_runs).filter(|r| r.done.is_some()).map(|r| vec![records::delete_run(r.run)]);
    Ok(jobs.chain(runs).collect())
}

#[cfg(test)]
mod tests {
    use lab_proto::{JobId, LogId};

    use super::*;
    use crate::core::{Unfinished, facts};
    use crate::store::memory::MemoryStore;
    use crate::store::{EventStore as _, KeyStore as _};

    #[test]
    fn old_runs_are_forgotten_when_they_are_done() {
        let store = MemoryStore::new(LogId::from_u128(1));
        for n in 0..5_i64 {
            let at = Timestamp::from_micros(n * 1_000_000);
            let record = crate::core::RunRecord {
                run: lab_proto::RunId::new(at, 1),
                name: n.to_string(),
                user: "root".to_owned(),
                at,
                after: 0,
                done: (n != 1).then_some(records::RunEnd::Succeeded),
            };
            store.commit(vec![records::put_run(&record)]).expect("commits");
        }
        for changes in too_many(&store, 2).expect("readable") {
            store.commit(changes).expect("commits");
        }
        let left: Vec<String> =
            records::runs(&store).expect("readable").into_iter().map(|r| r.name).collect();
        assert_eq!(left, ["1", "3", "4"], "the second one is not done");
    }

    #[test]
    fn the_log_grows_over_its_size_for_an_unfinished_job_but_not_for_ever() {
        let now = Timestamp::from_micros(5_000_000);
        let store = MemoryStore::new(LogId::from_u128(1));
        let grow = |n: usize| {
            let events = (0..n).map(|_| facts::lifecycle("started", "1")).collect();
            store.append(events, &[], now).expect("appends")
        };
        let none = RetentionPolicy::default();
        grow(10);
        let keep_size = store.retain(&none, None, now).expect("measures").bytes_left;
        let mut events = crate::config::load(None, &[]).expect("defaults").0.events;
        events.keep_size = keep_size;
        let by = Some(Unfinished::Job(JobId::new(now, 1)));
        let needed = Needed { after: 2, by };
        grow(20);
        trim_log(&store, needed, &events, now).expect("trims");
        assert_eq!(store.floor().seq, 2, "the job needs the rest");
        grow(40);
        trim_log(&store, needed, &events, now).expect("trims");
        let left = store.retain(&none, None, now).expect("measures").bytes_left;
        assert!(store.floor().seq > 2 && left <= keep_size * HELD_AT_MOST, "{left} of {keep_size}");
        trim_log(&store, Needed { after: store.head().seq, by: None }, &events, now).expect("trims");
        let left = store.retain(&none, None, now).expect("measures").bytes_left;
        assert!(left <= keep_size, "{left} of {keep_size}");
    }

    #[test]
    fn one_jump_of_the_clock_beyond_what_is_kept_trims_nothing_until_it_is_believed() {
        const HOUR: Duration = Duration::from_secs(3600);
        let start = Timestamp::from_micros(1_800_000_000_000_000);
        let store = MemoryStore::new(LogId::from_u128(1));
        for n in 0..3 {
            store.append(vec![facts::lifecycle("started", "1")], &[], start + HOUR * n).expect("appends");
        }
        let mut events = crate::config::load(None, &[]).expect("defaults").0.events;
        events.keep_age = HOUR * 24 * 30;
        let jump = events.keep_age * 12;
        let mut believed = Believed::read(&store, start, Duration::ZERO);
        let mut trim_at = |up: Duration, jump: Duration| {
            let needed = Needed { after: store.head().seq, by: None };
            trim_log(&store, needed, &events, believed.look(start + up + jump, up)).expect("trims");
            store.floor().seq
        };
        assert_eq!(trim_at(HOUR * 2, Duration::ZERO), 0);
        assert_eq!(trim_at(HOUR * 3, jump), 0, "it was wrong …");
        assert_eq!(trim_at(HOUR * 4, Duration::ZERO), 0, "… and was put right");
        assert_eq!(trim_at(HOUR * 5, jump), 0, "it is the truth …");
        assert_eq!(trim_at(HOUR * 10, jump), 0);
        assert_eq!(trim_at(HOUR * 11, jump), 3, "… which is believed after six hours");
    }
}
