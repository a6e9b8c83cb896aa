//! The durable store: an event log in segments of sled databases, keys in one more.
//!
//! The only folder that names sled. See docs/decisions/0001-sled-log.md for why it is built like this. The
//! writer thread calls [`SledStore::append`]; a keeper thread seals finished segments and writes the head file.
//!
//! Layout: `lock`, `head`, `keys/`, `segments/<number>/` (a sled database and its `manifest`), `scratch/`
//! (throw-away copies), `damaged-<n>/` (what `--accept-loss` moved aside).

mod engine;
mod head;
mod index;
mod keeper;
mod lock;
mod recover;
mod segment;
#[cfg(test)]
mod tests;
mod view;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use lab_proto::{Event, LogId, NewEvent, OutboxId, Position, Timestamp};
use tracing::{info, warn};

use self::head::Head;
use self::index::{Floor, Index};
use self::keeper::Keeper;
use self::lock::Lock;
use self::recover::{Found, Paths};
use self::segment::{Meta, Writer};
use self::view::{Finished, Reader, View};
use super::{
    Appended, Bucket, Change, Damage, Entry, EventStore, KeyStore, ReadError, RetentionPolicy, StoreError,
    StoredEvent, Trimmed, disk, record,
};

/// A segment also ends after this long, so that retention by age has something to remove.
const SEGMENT_AGE: Duration = Duration::from_secs(24 * 3600);

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The identity of the log if a new one must begin: 128 random bits.
    pub new_log_id: LogId,
    /// Begin a new log when acknowledged data is missing, instead of refusing. What is there goes to
    /// `damaged-<n>/` as it is; accepted keys stay if they are whole.
    pub accept_loss: bool,
    /// A segment ends when its events take this much.
    pub segment_bytes: u64,
    /// How late the head file may be. Zero writes it with every append.
    pub head_interval: Duration,
}

impl OpenOptions {
    /// Returns the options of a master: segments of 4 MiB, the head file once a second.
    pub fn new(new_log_id: LogId) -> Self {
        Self { new_log_id, accept_loss: false, segment_bytes: 4 << 20, head_interval: Duration::from_secs(1) }
    }
}

/// What was lost and accepted when the store was opened.
#[derive(Clone, Debug)]
pub struct AcceptedLoss {
    /// What was wrong.
    pub damage: Damage,
    /// Where the damaged parts are now.
    pub aside: PathBuf,
}

/// The durable store of one master.
pub struct SledStore {
    reader: Reader,
    writing: Mutex<Writing>,
    keeper: Keeper,
    options: OpenOptions,
    accepted_loss: Option<AcceptedLoss>,
    _lock: Lock,
}

struct Writing {
    open: bool,
    segment: Option<Writer>,
}

/// What the writer and the keeper share.
struct Shared {
    paths: Paths,
    view: Arc<RwLock<View>>,
    index: Mutex<Option<Index>>,
    /// The head file as it was last written.
    head: Mutex<Option<Head>>,
    failed: Mutex<Option<String>>,
}

impl SledStore {
    /// Opens the store in a directory, or begins one there.
    ///
    /// # Errors
    /// When another process has it open, a newer version wrote it, or acknowledged data is missing or damaged
    /// (then nothing was changed, unless loss is accepted).
    pub fn open(root: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        disk::create_dir(root)?;
        let lock = Lock::take(root)?;
        let paths = Paths::new(root);
        disk::remove_tree(&paths.scratch)?;
        let (found, accepted_loss) = match recover::assess(&paths) {
            Ok(found) => (found, None),
            Err(StoreError::Damaged(damage)) if options.accept_loss => {
                let aside = recover::set_aside(&paths, &damage)?;
                warn!(aside = %aside.display(), damage = damage.what(), "loss accepted: a new log begins");
                (None, Some(AcceptedLoss { damage: *damage, aside }))
            }
            Err(other) => return Err(other),
        };
        let (found, index) = match found {
            Some(found) => tidy(&paths, found)?,
            None => begin(&paths, options.new_log_id)?,
        };
        let view = Arc::new(RwLock::new(view_of(found)));
        let shared = Arc::new(Shared {
            paths: paths.clone(),
            view: view.clone(),
            index: Mutex::new(Some(index)),
            head: Mutex::new(None),
            failed: Mutex::new(None),
        });
        shared.write_head()?;
        let keeper = Keeper::start(shared, options.head_interval);
        let writing = Mutex::new(Writing { open: true, segment: None });
        Ok(Self { reader: Reader::new(paths, view), writing, keeper, options, accepted_loss, _lock: lock })
    }

    /// Tells what was lost when the store was opened with `accept_loss` and something was.
    pub fn accepted_loss(&self) -> Option<&AcceptedLoss> {
        self.accepted_loss.as_ref()
    }

    fn shared(&self) -> &Shared {
        self.keeper.shared()
    }

    fn writing(&self) -> Result<MutexGuard<'_, Writing>, StoreError> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared().check()?;
        if writing.open { Ok(writing) } else { Err(StoreError::Closed) }
    }

    /// Returns the segment for the next batch: the current one, or a new one when that is full or old.
    fn segment<'a>(&self, writing: &'a mut Writing, now: Timestamp) -> Result<&'a mut Writer, StoreError> {
        let full = |meta: &Meta| {
            let old = meta.first_stamp.is_some_and(|first| now.since(first) > SEGMENT_AGE);
            meta.bytes >= self.options.segment_bytes || old
        };
        if writing.segment.as_ref().is_some_and(|segment| full(&segment.meta)) {
            self.finish_segment(writing);
        }
        if writing.segment.is_none() {
            let meta = {
                let view = self.shared().view();
                Meta::new(view.newest_segment + 1, view.seq, view.hash)
            };
            let number = meta.number;
            writing.segment = Some(Writer::create(&self.reader.paths.segments, meta)?);
            self.shared().view_mut().newest_segment = number;
            // Named in the head file before its first record: recovery counts on it.
            self.shared().write_head()?;
        }
        Ok(writing.segment.as_mut().expect("made just above if there was none"))
    }

    /// Hands the current segment to the keeper; readers find its records in memory until it is sealed.
    fn finish_segment(&self, writing: &mut Writing) {
        let Some(segment) = writing.segment.take() else { return };
        {
            let mut view = self.shared().view_mut();
            let held = Some(Arc::new(std::mem::take(&mut view.current)));
            view.segments.push_back(Finished { meta: segment.meta.clone(), held });
        }
        self.keeper.seal(segment);
    }

    /// Picks the finished segments that the policy lets go and nobody needs, oldest first.
    fn expired(
        &self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Result<(Vec<Meta>, u64), StoreError> {
        let segments = &self.reader.paths.segments;
        let finished: Vec<Meta> = self.shared().view().segments.iter().map(|s| s.meta.clone()).collect();
        let mut bytes = disk::usage(segments)?;
        let mut expired = Vec::new();
        for meta in finished {
            let old = |age| meta.max_stamp.is_none_or(|newest| now.since(newest) > age);
            let over = policy.max_bytes.is_some_and(|limit| bytes > limit);
            let needed = needed_after.is_some_and(|seq| meta.last_seq > seq);
            if needed || !(policy.max_age.is_some_and(old) || over) {
                break;
            }
            bytes -= disk::usage(&meta.dir(segments))?.min(bytes);
            expired.push(meta);
        }
        Ok((expired, bytes))
    }
}

/// Finishes what an earlier process left: opens the keys in place, seals, removes what holds nothing.
fn tidy(paths: &Paths, found: Found) -> Result<(Found, Index), StoreError> {
    let mut index = Index::open(&paths.keys)?;
    disk::create_dir(&paths.segments)?;
    for (meta, marks) in &found.unsealed {
        index.fold_marks(marks.iter())?;
        segment::seal(&paths.segments, meta)?;
        info!(segment = meta.number, events = meta.last_seq - meta.before_seq, "sealed what was left open");
    }
    found.garbage.iter().try_for_each(|dir| disk::remove_tree(dir))?;
    disk::sync_dir(&paths.segments)?;
    Ok((found, index))
}

/// Begins an empty log. Keys that are there stay.
fn begin(paths: &Paths, log_id: LogId) -> Result<(Found, Index), StoreError> {
    let had_keys = paths.keys.exists();
    let hash = recover::genesis(log_id);
    if !had_keys {
        // The head comes first, so that a crash from here on is no store without a head.
        head::write(&paths.head, &Head { log_id, seq: 0, hash, segment: 0, keys_generation: 0 })?;
    }
    disk::create_dir(&paths.segments)?;
    let mut index = Index::open(&paths.keys)?;
    if had_keys {
        index.forget_log()?;
    }
    let found = Found {
        log_id,
        facts: index::LogFacts::default(),
        floor: Floor { seq: 0, hash, segment: 1 },
        segments: Vec::new(),
        unsealed: Vec::new(),
        garbage: Vec::new(),
        next_segment: 1,
    };
    Ok((found, index))
}

fn view_of(found: Found) -> View {
    let Found { log_id, facts, floor, segments, unsealed, garbage: _, next_segment } = found;
    let mut marks = facts.marks.into_iter().collect();
    unsealed.iter().for_each(|(_, raised)| super::memory::raise_marks(&mut marks, raised));
    let (seq, hash) = segments.last().map_or((floor.seq, floor.hash), |m| (m.last_seq, m.last_hash));
    let segments = segments.into_iter().map(|meta| Finished { meta, held: None }).collect();
    View { log_id, floor, seq, hash, marks, segments, current: Vec::new(), newest_segment: next_segment - 1 }
}

impl EventStore for SledStore {
    fn log_id(&self) -> LogId {
        self.shared().view().log_id
    }

    fn head(&self) -> Position {
        self.shared().view().head()
    }

    fn floor(&self) -> Position {
        self.shared().view().floor()
    }

    fn append(
        &self,
        batch: Vec<NewEvent>,
        marks: &[(OutboxId, u64)],
        stamp: Timestamp,
    ) -> Result<Appended, StoreError> {
        let mut writing = self.writing()?;
        let (head, hash) = {
            let view = self.shared().view();
            (view.head(), view.hash)
        };
        if batch.is_empty() && marks.is_empty() {
            return Ok(Appended { first: head, last: head, events: Vec::new() });
        }
        let records = record::of_batch(&batch, marks, head.seq + 1, stamp, hash)?;
        let written = self.segment(&mut writing, stamp).and_then(|segment| segment.write(&records));
        self.shared().note(written)?;
        self.shared().view_mut().publish(records, marks);
        if self.options.head_interval.is_zero() {
            self.shared().note(self.shared().write_head())?;
        }
        let at = |seq| Position { seq, ..head };
        let place = |(new, seq)| Event::place(new, at(seq), stamp);
        let events: Vec<Event> = batch.into_iter().zip(head.seq + 1..).map(place).collect();
        let last = events.last().map_or(head, |e| e.position);
        Ok(Appended { first: events.first().map_or(last, |e| e.position), last, events })
    }

    fn read(&self, after: Position, limit: usize) -> Result<Vec<Event>, ReadError> {
        self.reader.read(after, limit)
    }

    fn read_stored(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, ReadError> {
        self.reader.read_stored(after, limit, true).map(Option::unwrap_or_default)
    }

    fn read_at_hand(&self, after: Position, limit: usize) -> Result<Option<Vec<StoredEvent>>, ReadError> {
        self.reader.read_stored(after, limit, false)
    }

    fn seek_time(&self, at: Timestamp) -> Result<Position, ReadError> {
        self.reader.seek_time(at)
    }

    fn mark(&self, outbox: &OutboxId) -> Option<u64> {
        self.shared().view().marks.get(outbox).copied()
    }

    fn retain(
        &self,
        policy: &RetentionPolicy,
        needed_after: Option<u64>,
        now: Timestamp,
    ) -> Result<Trimmed, StoreError> {
        let mut writing = self.writing()?;
        let newest = writing.segment.as_ref().and_then(|segment| segment.meta.max_stamp);
        if newest.is_some_and(|newest| policy.max_age.is_some_and(|age| now.since(newest) > age)) {
            self.finish_segment(&mut writing);
        }
        self.keeper.settle();
        self.shared().check()?;
        let (expired, bytes_left) = self.expired(policy, needed_after, now)?;
        let old_floor = self.floor();
        let Some(last) = expired.last() else {
            return Ok(Trimmed { floor: old_floor, events: 0, bytes_left });
        };
        let floor = Floor { seq: last.last_seq, hash: last.last_hash, segment: last.number + 1 };
        let kept = self.shared().with_index(|index| index.set_floor(&floor));
        self.shared().note(kept)?;
        {
            let mut view = self.shared().view_mut();
            view.segments.drain(..expired.len());
            view.floor = floor;
        }
        let segments = &self.reader.paths.segments;
        let removed = expired.iter().try_for_each(|meta| disk::remove_tree(&meta.dir(segments)));
        self.shared().note(removed.and_then(|()| disk::sync_dir(segments)))?;
        let floor = self.floor();
        Ok(Trimmed { floor, events: floor.seq - old_floor.seq, bytes_left })
    }

    fn close(&self) -> Result<(), StoreError> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut writing.open, false) {
            return Ok(());
        }
        self.finish_segment(&mut writing);
        self.keeper.stop();
        self.shared().check()?;
        self.shared().write_head()?;
        let index = self.shared().index.lock().unwrap_or_else(PoisonError::into_inner).take();
        index.map_or(Ok(()), Index::close)
    }
}

impl KeyStore for SledStore {
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared().with_index(|index| index.get(bucket, key))
    }

    fn scan_prefix(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<Entry>, StoreError> {
        let rows = self.shared().with_index(|index| Ok(index.rows()))?;
        rows.scan_prefix(bucket, prefix)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        changes.iter().try_for_each(Change::check)?;
        self.shared().check()?;
        let done = self.shared().with_index(|index| index.commit(changes));
        self.shared().note(done)?;
        if self.options.head_interval.is_zero() {
            self.shared().note(self.shared().write_head())?;
        }
        Ok(())
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            warn!(%error, "the store did not close cleanly");
        }
    }
}
