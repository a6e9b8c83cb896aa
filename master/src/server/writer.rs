//! The one thread that writes the store. Requests that come while a flush runs share the next one.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tracing::error;

use super::clock::Clock;
use super::content::Content;
use crate::core::{Write, facts};
use crate::store::blob::BlobError;
use crate::store::{Appended, Bucket, Change, Store, StoreError};
use lab_proto::{Event, NewEvent, Position};

/// So many requests at most share one flush.
const MAX_GROUP: usize = 512;
/// After a group of fewer requests the next flush begins at once.
const FEW: usize = 32;
/// After a larger one, in a burst, it waits for company: looks so often for more …
const LOOK: Duration = Duration::from_millis(1);
/// … as long as there is more, and at most so often.
const LOOKS: usize = 4;
/// Outside of bursts a flush waits for what is expected soon, half as long as the last one took and at most this long: who is
/// there first loses half a flush at most, the others win a whole one.
const PATIENCE: Duration = Duration::from_micros(500);
/// A group in which something is larger than this is written one by one.
const LARGE: usize = 16 * 1024;

/// Why a write did not happen.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store did not take it: {0}")]
pub(crate) struct WriteFailed(pub(crate) Arc<StoreError>);

/// What became of a request: the events in their places.
pub(crate) type Written = Result<Vec<Event>, WriteFailed>;

struct Request {
    write: Write,
    /// How many more are expected soon.
    company: usize,
    done: oneshot::Sender<Written>,
}

/// What the writer has done since the master started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// How often it made a group of requests durable.
    pub(crate) flushes: AtomicU64,
    /// How many events it made durable.
    pub(crate) events: AtomicU64,
}

/// The door to the writer thread. Dropping it ends the thread once everything is written.
pub(crate) struct Writer {
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `head` is moved after each flush.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        content: Arc<Content>,
        clock: Clock,
        head: watch::Sender<Position>,
        counters: Arc<Counters>,
    ) -> std::io::Result<Self> {
        // Unbounded here, bounded by the hub: it stops taking input while too many writes are under way.
        let (requests, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&*store, &content, &clock, (&head, &counters), &inbox))?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Asks for a write; the answer comes once it is durable, in the order of asking.
    ///
    /// `company` tells how many more are expected soon: the flush may wait a little for them.
    pub(crate) fn submit(&self, write: Write, company: usize) -> oneshot::Receiver<Written> {
        let (done, answer) = oneshot::channel();
        if let Some(requests) = &self.requests {
            // A dead writer shows as a dropped answer.
            let _ = requests.send(Request { write, company, done });
        }
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the store's writer panicked");
        }
    }
}

fn run(
    store: &dyn Store,
    content: &Content,
    clock: &Clock,
    (head, counters): (&watch::Sender<Position>, &Counters),
    inbox: &Receiver<Request>,
) {
    let mut burst = false;
    let mut patience = Duration::ZERO;
    while let Ok(first) = inbox.recv() {
        let group = if burst { gather(first, inbox) } else { meet(first, inbox, patience) };
        burst = group.len() >= FEW;
        let start = Instant::now();
        let (writes, answers): (Vec<Write>, Vec<_>) = group.into_iter().map(|r| (r.write, r.done)).unzip();
        let results = write_group(store, content, clock, writes);
        patience = (start.elapsed() / 2).min(PATIENCE);
        counters.flushes.fetch_add(1, Ordering::Relaxed);
        let events: usize = results.iter().map(|r| r.as_ref().map_or(0, Vec::len)).sum();
        counters.events.fetch_add(events as u64, Ordering::Relaxed);
        // Visible before acknowledged, durable before visible.
        head.send_if_modified(|h| std::mem::replace(h, store.head()) != *h);
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
    }
}

/// Returns the requests of the next flush within a burst.
///
/// A flush costs the same however much shares it, and so does waking whoever reads the log: in a burst, on a fast disk, many
/// small ones would take the processor from the links that the burst comes over.
fn gather(first: Request, inbox: &Receiver<Request>) -> Vec<Request> {
    let mut group = vec![first];
    for _ in 0..LOOKS {
        let before = group.len();
        std::thread::sleep(LOOK);
        group.extend(inbox.try_iter().take(MAX_GROUP - before));
        if group.len() == before || group.len() == MAX_GROUP {
            return group;
        }
    }
    let room = MAX_GROUP - group.len();
    group.extend(inbox.try_iter().take(room));
    group
}

/// Returns the requests of the next flush outside of bursts: what is there, and what is expected as long as patience lasts.
///
/// Who answers a moment after the first would wait for the whole flush of the first, and then for its own.
fn meet(first: Request, inbox: &Receiver<Request>, patience: Duration) -> Vec<Request> {
    let mut group = vec![first];
    let end = Instant::now() + patience;
    loop {
        let room = MAX_GROUP - group.len();
        group.extend(inbox.try_iter().take(room));
        let expected = group.last().is_some_and(|last| last.company > 0) && group.len() < MAX_GROUP;
        let left = end.saturating_duration_since(Instant::now());
        if !expected || left.is_zero() {
            return group;
        }
        match inbox.recv_timeout(left) {
            Ok(request) => group.push(request),
            Err(_) => return group,
        }
    }
}

/// Writes what the store takes; what it does not take fails alone.
fn write_group(store: &dyn Store, content: &Content, clock: &Clock, mut writes: Vec<Write>) -> Vec<Written> {
    let refused: Vec<Option<StoreError>> = writes.iter_mut().map(|w| prepare(store, w).err()).collect();
    let taken = writes.into_iter().zip(&refused).filter(|(_, refused)| refused.is_none()).map(|(w, _)| w);
    let mut written = write_taken(store, content, clock, taken.collect()).into_iter();
    let mut fate = |refused: Option<StoreError>| match refused {
        Some(why) => Err(WriteFailed(Arc::new(why))),
        None => written.next().expect("every write that is taken has an answer"),
    };
    refused.into_iter().map(&mut fate).collect()
}

/// Refuses, before anything of it is written, a write of which the store would not take a part.
///
/// The events of an outbox do not share their fate. Later ones may be in the log before anybody hears of a refusal, and whoever
/// acknowledges those acknowledges all before them: so what is refused for ever counts as taken, as it does at the door, and in
/// its place the log says so.
fn prepare(store: &dyn Store, write: &mut Write) -> Result<(), StoreError> {
    write.changes.iter().try_for_each(Change::check)?;
    if write.marks.is_empty() {
        store.check(&write.events)?;
    } else {
        write.events.iter_mut().for_each(|event| name_if_refused(store, event));
    }
    // The events are to be in the log all the same, and whoever asked must hear so.
    if let Err(why) = write.after.iter().try_for_each(Change::check) {
        error!(error = %why, "a record is not kept");
        write.after.clear();
    }
    Ok(())
}

/// Puts in the place of an event that the store would not take one that says so.
fn name_if_refused(store: &dyn Store, event: &mut NewEvent) {
    if let Err(why) = store.check(std::slice::from_ref(event)) {
        error!(tag = %event.tag, error = %why, "the store refuses an event of a minion");
        *event = in_place_of(event, &why);
    }
}

/// Makes the event that says that another one is not in the log.
fn in_place_of(event: &NewEvent, why: &StoreError) -> NewEvent {
    let peer = event.origin.minion().map_or("", |origin| origin.id.as_str());
    facts::refused(&format!("the log does not take an event: {why}"), peer, 1)
}

fn write_taken(store: &dyn Store, content: &Content, clock: &Clock, writes: Vec<Write>) -> Vec<Written> {
    let sizes: Vec<usize> = writes.iter().map(|w| w.events.len()).collect();
    if writes.len() == 1 || writes.iter().any(has_large) {
        return writes.into_iter().map(|w| write(store, content, clock, w)).collect();
    }
    let mut written = Vec::with_capacity(sizes.len());
    for group in in_order(writes) {
        let sizes = &sizes[written.len()..][..group.len()];
        match write(store, content, clock, together(group)) {
            Ok(events) => {
                let mut events = events.into_iter();
                written.extend(sizes.iter().map(|n| Ok(events.by_ref().take(*n).collect())));
            }
            Err(failed) => written.extend(sizes.iter().map(|_| Err(failed.clone()))),
        }
    }
    written
}

/// Parts writes where one changes a record that another before it changes behind its events: together, the earlier one would
/// have the last word.
fn in_order(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let mut groups: Vec<Vec<Write>> = vec![Vec::new()];
    let mut behind = HashSet::new();
    for write in writes {
        if !behind.is_empty() && write.changes.iter().any(|c| behind.contains(&place(c))) {
            groups.push(Vec::new());
            behind.clear();
        }
        behind.extend(write.after.iter().map(place));
        if let Some(group) = groups.last_mut() {
            group.push(write);
        }
    }
    groups
}

/// Tells which record a change is about.
fn place(change: &Change) -> (Bucket, Vec<u8>) {
    match change {
        Change::Put { bucket, key, .. } | Change::Delete { bucket, key } => (*bucket, key.clone()),
    }
}

/// Makes one write of several.
fn together(writes: Vec<Write>) -> Write {
    let mut all = Write::default();
    for Write { blobs, changes, events, marks, after } in writes {
        all.blobs.extend(blobs);
        all.changes.extend(changes);
        all.events.extend(events);
        all.marks.extend(marks);
        all.after.extend(after);
    }
    all
}

/// Tells whether a part of a write is large.
fn has_large(write: &Write) -> bool {
    let large_change = |c: &Change| matches!(c, Change::Put { value, .. } if value.len() > LARGE);
    write.events.iter().any(|e| e.data.max_encoded_len() > LARGE)
        || write.changes.iter().chain(&write.after).any(large_change)
}

fn write(store: &dyn Store, content: &Content, clock: &Clock, write: Write) -> Written {
    let Write { blobs, changes, events, marks, after } = write;
    let failed = |e| WriteFailed(Arc::new(e));
    for (_, bytes) in blobs {
        content.blobs().put(&bytes).map_err(|e| failed(blob_failed(e)))?;
    }
    if !changes.is_empty() {
        store.commit(changes).map_err(failed)?;
    }
    if events.is_empty() && marks.is_empty() && after.is_empty() {
        return Ok(Vec::new());
    }
    let Appended { events, .. } = store.append(events, &marks, clock.stamp()).map_err(failed)?;
    if !after.is_empty() {
        store.commit(after).map_err(failed)?;
    }
    Ok(events)
}

fn blob_failed(error: BlobError) -> StoreError {
    match error {
        BlobError::Store(e) => e,
        other => StoreError::Failed { reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests;
