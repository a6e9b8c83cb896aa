//! A core out of what the store has: for the server at start, and for the simulator after a crash.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lab_proto::facts::{Fact, RunStarted, run_of};
use lab_proto::{Digest, Event, JobId, MinionId, Position, RunId, Timestamp};
use lab_states::orchestrate::{Blobs, Engine};
use tracing::{error, warn};

use super::records::{self, RecordError, RunRecord};
use super::{Core, CoreConfig, JobRecord, KeyState, Random, Restored, RowRecord};
use crate::store::{ReadError, Store};

/// Events read at once.
const CHUNK: usize = 1024;
/// More events are not written together before the records that follow them.
const UNWRITTEN: u64 = 40 * 1024;

/// Why a core cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The records beside the log.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The log.
    #[error("the event log cannot be read")]
    Log(#[from] ReadError),
}

impl Core {
    /// Restores a core that has no node groups and keeps no blobs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn restore(
        config: CoreConfig,
        random: Random,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let no_blobs = |digest: &Digest| Err(format!("{digest} is not here: there are no blobs"));
        Self::restore_with(config, random, store, BTreeMap::new(), &no_blobs, now)
    }

    /// Restores a core: what is known of minions, unfinished jobs and runs replayed from the log and taken up again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn restore_with(
        config: CoreConfig,
        random: Random,
        store: &dyn Store,
        node_groups: BTreeMap<String, String>,
        blobs: Blobs<'_>,
        now: Timestamp,
    ) -> Result<Self, RestoreError> {
        let (restored, open_runs) = read_records(store, node_groups)?;
        let jobs = restored.jobs.iter().map(|(job, _)| job.after);
        let oldest = jobs.chain(open_runs.iter().map(|r| r.after)).min();
        let mut core = Self::new(config, random, store.head(), restored, now);
        replay_links(&mut core, store);
        let mut engines = BTreeMap::new();
        let mut begun = BTreeSet::new();
        if let Some(oldest) = oldest {
            let mut at = after(oldest, store);
            loop {
                let events = store.read(at, CHUNK)?;
                let Some(last) = events.last() else { break };
                at = last.position;
                for event in &events {
                    core.replay(event);
                    engines.values_mut().for_each(|e: &mut Engine| e.handle_event(event));
                    begun.extend(begin_engine(&open_runs, blobs, event, &mut engines));
                }
            }
        }
        core.resume(store.floor().seq, now);
        finish_closing(&mut core, store)?;
        // All of them are sorted out before the first goes on: it may ask for one of the others.
        let whole = store.floor().seq..=store.head().seq;
        let (found, lost): (Vec<_>, Vec<_>) =
            open_runs.into_iter().partition(|r| engines.contains_key(&r.run));
        for record in lost {
            if !begun.contains(&record.run) && whole.contains(&record.after) {
                core.forget_unborn_run(record.run);
                continue;
            }
            // Its start is trimmed, or is unreadable.
            warn!(run = %record.run, "an unfinished run cannot be taken up; it ends as failed");
            core.give_up_run(record);
        }
        for record in &found {
            core.run_records.insert(record.run, record.clone());
        }
        for record in found {
            if let Some(engine) = engines.remove(&record.run) {
                core.resume_run(engine, record);
            }
        }
        Ok(core)
    }
}

/// Reads which boots were told last: the master may have ended before it wrote that down, which it does at once.
fn replay_links(core: &mut Core, store: &dyn Store) {
    let mut newest = BTreeMap::new();
    let mut at = after(store.head().seq.saturating_sub(UNWRITTEN), store);
    loop {
        // Only whoever needs an event fails for it.
        let events = store.read(at, CHUNK).unwrap_or_else(|e| {
            warn!(error = %e, after = at.seq, "the newest events cannot all be read; a reboot may be told twice");
            Vec::new()
        });
        let Some(last) = events.last() else { break };
        at = last.position;
        for event in events.iter().filter(|e| e.tag.as_str().starts_with("lab/minion/")) {
            if let Ok(Some(Fact::MinionConnected(fact))) = Fact::of(event) {
                newest.insert(fact.id.clone(), fact);
            }
        }
    }
    newest.into_values().for_each(|fact| core.replay_connected(fact));
}

/// Tells the end of jobs whose record says that they are done though the log does not: the master ended between the two.
fn finish_closing(core: &mut Core, store: &dyn Store) -> Result<(), RestoreError> {
    let mut open = BTreeMap::new();
    for jid in records::closing(store)? {
        match records::job(store, jid)? {
            Some(record) if record.done.is_some() => {
                let rows = records::job_rows(store, &record)?;
                open.insert(format!("lab/job/{jid}/done"), (record, rows));
            }
            _ => core.told.push(jid),
        }
    }
    let last_return = |rows: &[(MinionId, RowRecord)]| rows.iter().map(|(_, r)| r.seq).max().unwrap_or(0);
    let Some(first) = open.values().map(|(_, rows)| last_return(rows)).min() else { return Ok(()) };
    let mut at = after(first, store);
    loop {
        let events = store.read(at, CHUNK)?;
        let Some(last) = events.last() else { break };
        at = last.position;
        for event in &events {
            if let Some((record, _)) = open.remove(event.tag.as_str()) {
                core.told.push(record.spec.jid);
            }
        }
    }
    for (record, rows) in open.values() {
        // What was trimmed, or lost with its log, cannot be known to be missing.
        if !(store.floor().seq..=store.head().seq).contains(&last_return(rows)) {
            core.told.push(record.spec.jid);
        } else {
            core.tell_done(record, rows);
        }
    }
    Ok(())
}

/// Returns where to read on after an event, also when the log does not reach back or up to there: it may be another one, begun
/// after a loss.
fn after(seq: u64, store: &dyn Store) -> Position {
    let (floor, head) = (store.floor(), store.head());
    Position { seq: seq.min(head.seq).max(floor.seq), ..floor }
}

fn read_records(
    store: &dyn Store,
    node_groups: BTreeMap<String, String>,
) -> Result<(Restored, Vec<RunRecord>), RecordError> {
    let (done, open): (Vec<_>, Vec<_>) = records::jobs(store)?.into_iter().partition(|j| j.done.is_some());
    let mut jobs = Vec::new();
    for job in open {
        let rows = records::job_rows(store, &job)?;
        jobs.push((job, rows));
    }
    let accepted = |k: &super::KeyRecord| k.state == KeyState::Accepted;
    let open_runs: Vec<RunRecord> = records::runs(store)?.into_iter().filter(|r| r.done.is_none()).collect();
    let restored = Restored {
        accepted: records::keys(store)?.into_iter().filter(accepted).map(|k| k.id).collect(),
        minions: records::minions(store)?,
        grains: records::grains(store)?,
        done_steps: done_steps(&done, &open_runs),
        node_groups,
        jobs,
    };
    Ok((restored, open_runs))
}

/// Returns the jobs that are done of steps of runs that are not.
fn done_steps(done: &[JobRecord], open_runs: &[RunRecord]) -> HashMap<RunId, HashSet<JobId>> {
    let mut steps: HashMap<RunId, HashSet<JobId>> = HashMap::new();
    for spec in done.iter().map(|j| &j.spec) {
        if let Some(step) = spec.step.as_ref().filter(|s| open_runs.iter().any(|r| r.run == s.run)) {
            steps.entry(step.run).or_default().insert(spec.jid);
        }
    }
    steps
}

/// Makes the engine of an unfinished run when its first event comes by. Returns the run, also when there is no making it.
fn begin_engine(
    open_runs: &[RunRecord],
    blobs: Blobs<'_>,
    event: &Event,
    engines: &mut BTreeMap<RunId, Engine>,
) -> Option<RunId> {
    let run = run_of(&event.tag).filter(|run| RunStarted::tag_for(*run) == event.tag)?;
    if !open_runs.iter().any(|r| r.run == run) || engines.contains_key(&run) {
        return None;
    }
    match Engine::replay(run, [event], blobs) {
        Ok(engine) => {
            engines.insert(run, engine);
        }
        Err(why) => error!(%run, %why, "an unfinished run cannot be resumed"),
    }
    Some(run)
}
