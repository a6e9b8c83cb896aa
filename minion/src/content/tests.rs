//! The cache over a double of the master, which says what a test lets it say.

use std::sync::{Barrier, Mutex, OnceLock, PoisonError};

use super::*;

/// What the double does when it is asked from an offset on.
type Answer = Box<dyn Fn(&Store, u64, Keep<'_>) -> Result<u64, QueryError> + Send + Sync>;

/// A double of the master: no link, no blobs, only what a test lets it say.
struct ScriptedMaster {
    answer: Answer,
    own_copy: Mutex<Option<Result<(), QueryError>>>,
    store: OnceLock<Store>,
    asked: Mutex<Vec<u64>>,
}

impl Debug for ScriptedMaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scripted double")
    }
}

impl Source for ScriptedMaster {
    fn get_blob(&self, (_, offset): (Digest, u64), _: u64, keep: Keep<'_>) -> Result<u64, QueryError> {
        self.asked.lock().unwrap().push(offset);
        (self.answer)(self.store.get().unwrap(), offset, keep)
    }

    fn verify_blob(&self, _: Digest) -> Result<(), QueryError> {
        self.own_copy.lock().unwrap_or_else(PoisonError::into_inner).take().expect("nobody was to ask")
    }
}

/// A cache over the double.
struct Cache {
    store: Store,
    master: Arc<ScriptedMaster>,
    _dir: tempfile::TempDir,
}

impl Cache {
    fn over(
        answer: impl Fn(&Store, u64, Keep<'_>) -> Result<u64, QueryError> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let master = Arc::new(ScriptedMaster {
            answer: Box::new(answer),
            own_copy: Mutex::default(),
            store: OnceLock::new(),
            asked: Mutex::default(),
        });
        let store = Store::over(&dir.path().join("cache"), 0, 2, master.clone()).unwrap();
        master.store.set(store.clone()).unwrap();
        Self { store, master, _dir: dir }
    }

    fn part(&self, digest: Digest) -> PathBuf {
        self.store.dir.join(format!("{digest}{PART}"))
    }

    /// From where the double was asked, since last time.
    fn asked(&self) -> Vec<u64> {
        std::mem::take(&mut *self.master.asked.lock().unwrap())
    }
}

const FILE: &[u8] = b"what the master has";

fn whole(_: &Store, offset: u64, keep: Keep<'_>) -> Result<u64, QueryError> {
    keep(&FILE[usize::try_from(offset).unwrap()..]).unwrap();
    Ok(FILE.len() as u64)
}

/// Waits until so many wait for the file.
fn until_waiting(store: &Store, digest: Digest, jobs: usize) {
    for _ in 0..50_000_000 {
        if store.claims.waiting(digest) == jobs {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{} of {jobs} wait", store.claims.waiting(digest));
}

#[test]
fn two_jobs_with_a_rotten_copy_fetch_it_once_and_neither_removes_what_the_other_fetched() {
    let cache = Cache::over(whole);
    let digest = Digest::of(FILE);
    for _ in 0..50 {
        fs::write(cache.store.path(digest), b"rotten").unwrap();
        let both = Barrier::new(2);
        std::thread::scope(|scope| {
            let job = || {
                both.wait();
                (cache.store.place(digest, "salt://f").unwrap(), cache.store.get(digest, "salt://f").unwrap())
            };
            let other = scope.spawn(job);
            for (place, bytes) in [job(), other.join().unwrap()] {
                assert_eq!((place, &*bytes), (cache.store.path(digest), FILE));
            }
        });
        assert_eq!(cache.asked(), [0]);
    }
    // What a job does that has seen the rotten copy, and finds that another was quicker.
    cache.store.obtain(digest, "salt://f").unwrap();
    assert_eq!(fs::read(cache.store.path(digest)).unwrap(), FILE);
    assert!(cache.asked().is_empty());
}

#[test]
fn jobs_that_waited_for_a_fetch_that_failed_fail_with_it() {
    let digest = Digest::of(FILE);
    let cache = Cache::over(move |store, _, _| {
        until_waiting(store, digest, 3);
        Err(QueryError::NoLink)
    });
    std::thread::scope(|scope| {
        let jobs: Vec<_> =
            (0..4).map(|_| scope.spawn(|| cache.store.place(digest, "salt://f").unwrap_err())).collect();
        for job in jobs {
            let said = crate::chain(&job.join().unwrap());
            assert_eq!(said, "cannot fetch salt://f from the master: there is no link to the master");
        }
    });
    assert_eq!(cache.asked(), [0], "one asked for all of them");
}

#[test]
fn a_part_that_is_whole_is_taken_without_asking_and_one_that_is_not_goes_on() {
    let cache = Cache::over(whole);
    let digest = Digest::of(FILE);
    fs::write(cache.part(digest), FILE).unwrap();
    assert_eq!(cache.store.get(digest, "salt://f").unwrap(), FILE);
    assert!(cache.asked().is_empty() && !cache.part(digest).exists());

    fs::remove_file(cache.store.path(digest)).unwrap();
    fs::write(cache.part(digest), &FILE[..5]).unwrap();
    assert_eq!(cache.store.get(digest, "salt://f").unwrap(), FILE);
    assert_eq!(cache.asked(), [5]);
}

#[test]
fn whose_copy_is_damaged_is_said_only_where_it_is_known() {
    let digest = Digest::of(b"another");
    let cache = Cache::over(whole);
    for (own_copy, words) in [
        (Ok(()), "salt://f arrived damaged: its hash is "),
        (Err(QueryError::Damaged), "cannot fetch salt://f from the master: the master's own copy is damaged"),
        (
            Err(QueryError::Silent),
            "it is not known whether the master's own copy is whole: the master did not answer",
        ),
    ] {
        *cache.master.own_copy.lock().unwrap() = Some(own_copy);
        let said = crate::chain(&cache.store.place(digest, "salt://f").unwrap_err());
        assert!(said.contains(words), "{said}");
        assert!(!cache.part(digest).exists() && !cache.store.holds(digest));
        assert_eq!(cache.asked(), [0]);
    }
}

#[test]
fn a_disk_of_the_master_that_fails_once_is_asked_again() {
    let tries = AtomicUsize::new(0);
    let cache = Cache::over(move |store, offset, keep| {
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            keep(&FILE[..3]).unwrap();
            return Err(QueryError::Unreadable);
        }
        whole(store, offset, keep)
    });
    assert_eq!(cache.store.get(Digest::of(FILE), "salt://f").unwrap(), FILE);
    assert_eq!(cache.asked(), [0, 3]);
}

#[test]
fn the_broom_leaves_what_is_being_fetched() {
    let (digest, other) = (Digest::of(FILE), Digest::of(b"other"));
    let cache = Cache::over(move |store, offset, keep| {
        keep(&FILE[..4]).unwrap();
        // The limit is none at all.
        store.shrink().unwrap();
        whole(store, offset + 4, keep)
    });
    fs::write(cache.part(other), b"o").unwrap();
    assert_eq!(cache.store.get(digest, "salt://f").unwrap(), FILE);
    assert!(!cache.part(other).exists(), "nobody is at it");
    cache.store.shrink().unwrap();
    assert!(!cache.store.holds(digest));
}
