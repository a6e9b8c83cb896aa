//! Opening sled databases: in place for writing, and as a throw-away copy for looking.
//!
//! sled repairs while it opens (zeroes torn tails, drops files, writes snapshots) and answers damage with a
//! short database or a panic. So a database that holds acknowledged data is first opened as a copy.

use std::cell::Cell;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{StoreError, disk};

/// sled's unit of allocation, fixed when a database is made. A page over a quarter of it would become a file of
/// its own that sled never syncs, so it is chosen such that the fullest page (17 rows) stays below; and no
/// larger than that, because opening a database writes up to one unit of zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// For rows of up to 12 KiB.
    Small = 1 << 20,
    /// For rows of up to 100 KiB.
    Large = 8 << 20,
}

/// sled's page cache while writing; what is read comes from memory of our own.
const WRITE_CACHE: u64 = 2 << 20;
/// Its page cache while a copy is read once from front to back.
const LOAD_CACHE: u64 = 16 << 20;

/// How often sled looks for space to reclaim. Each time it syncs its file, though nothing changed, and an event's sync that
/// comes meanwhile waits for that: once a second would be one event in fifty of a calm log.
const CLEAN_EVERY_MS: u64 = 10_000;

/// A database open for writing, with the handle that makes its writes durable.
pub(super) struct Database {
    dir: PathBuf,
    db: sled::Db,
    file: File,
}

impl Database {
    /// Opens or creates the database and makes its files durable. `cleaning` lets sled reclaim space.
    pub(super) fn open(dir: &Path, unit: Unit, cleaning: bool) -> Result<Self, StoreError> {
        disk::create_dir(dir)?;
        let config = config(dir, unit, WRITE_CACHE).flush_every_ms(cleaning.then_some(CLEAN_EVERY_MS));
        let db = guarded("open", dir, || config.open())?;
        let data = dir.join("db");
        let file = File::open(&data).map_err(StoreError::io("open", &data))?;
        let database = Self { dir: dir.to_owned(), db, file };
        database.sync_files()?;
        Ok(database)
    }

    /// Runs one operation on sled; a panic inside becomes an error.
    pub(super) fn run<T>(
        &self,
        doing: &'static str,
        op: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        guarded(doing, &self.dir, || op(&self.db))
    }

    /// Returns a handle that only reads.
    pub(super) fn reader(&self) -> Reader {
        Reader { dir: self.dir.clone(), db: self.db.clone() }
    }

    /// Makes all earlier writes durable. sled's flush alone is no barrier: it leaves the data in the page cache.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.run("flush", |db| db.flush())?;
        self.file.sync_data().map_err(StoreError::io("sync", &self.dir.join("db")))?;
        let blobs = self.dir.join("blobs");
        if !disk::names(&blobs)?.is_empty() {
            self.sync_files()?;
        }
        Ok(())
    }

    /// Makes every file and every name of the database durable.
    fn sync_files(&self) -> Result<(), StoreError> {
        sync_tree(&self.dir)
    }

    /// Closes the database, everything durable.
    pub(super) fn close(self) -> Result<(), StoreError> {
        let Self { dir, db, file } = self;
        guarded("close", &dir, || db.flush())?;
        drop(db);
        drop(file);
        sync_tree(&dir)
    }
}

/// A handle on an open database for reading, beside whoever writes.
pub(super) struct Reader {
    dir: PathBuf,
    db: sled::Db,
}

impl Reader {
    /// Runs one operation on sled; a panic inside becomes an error.
    pub(super) fn run<T>(
        &self,
        doing: &'static str,
        op: impl FnOnce(&sled::Db) -> sled::Result<T>,
    ) -> Result<T, StoreError> {
        guarded(doing, &self.dir, || op(&self.db))
    }
}

/// Makes every file and every name below a directory durable.
pub(super) fn sync_tree(dir: &Path) -> Result<(), StoreError> {
    disk::files_below(dir)?.iter().try_for_each(|file| disk::sync_file(&dir.join(file)))?;
    let blobs = dir.join("blobs");
    if blobs.is_dir() {
        disk::sync_dir(&blobs)?;
    }
    disk::sync_dir(dir)
}

/// Opens a copy of the database at `dir`, made below `scratch`, and lets `look` read it. The original stays
/// as it is, byte for byte; the copy is gone afterwards.
pub(super) fn look_at_copy<T: Send>(
    dir: &Path,
    unit: Unit,
    scratch: &Path,
    look: impl FnOnce(&sled::Db) -> sled::Result<T> + Send,
) -> Result<T, StoreError> {
    static COPIES: AtomicU64 = AtomicU64::new(0);
    let copy = scratch.join(format!("copy-{}", COPIES.fetch_add(1, Ordering::Relaxed)));
    if let Err(error) = disk::copy_tree(dir, &copy) {
        disk::remove_tree(&copy)?;
        return Err(error);
    }
    // A temporary database removes its directory when it is dropped, and never syncs.
    let config = config(&copy, unit, LOAD_CACHE).flush_every_ms(None).temporary(true);
    let looked = guarded("read", dir, || look(&config.open()?));
    drop(config);
    disk::remove_tree(&copy)?;
    looked
}

fn config(dir: &Path, unit: Unit, cache: u64) -> sled::Config {
    sled::Config::new()
        .path(dir)
        .cache_capacity(cache)
        .segment_size(unit as usize)
        .mode(sled::Mode::HighThroughput)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `op`; both of sled's ways to say no become one error, and its panic prints nothing.
fn guarded<T>(
    doing: &'static str,
    path: &Path,
    op: impl FnOnce() -> sled::Result<T>,
) -> Result<T, StoreError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    let engine = |reason: String| StoreError::Engine { doing, path: path.to_owned(), reason };
    QUIET.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(op));
    QUIET.set(false);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(engine(e.to_string())),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(engine(format!("the database engine gave up: {}", text.lines().next().unwrap_or(text))))
        }
    }
}
