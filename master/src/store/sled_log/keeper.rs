//! The keeper: one thread that seals finished segments and writes the head file, off the writer's path.

use std::sync::mpsc::{self, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use super::super::StoreError;
use super::Shared;
use super::head::{self, Head};
use super::index::Index;
use super::segment::{self, Writer};
use super::view::View;

/// Segments that may wait to be sealed: each holds its records and an open database, so the writer waits beyond that.
const WAITING: usize = 1;

/// The thread's handle.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<(SyncSender<Job>, JoinHandle<()>)>>,
}

enum Job {
    /// Close the segment's database, keep its marks, write its manifest.
    Seal(Box<Writer>),
    /// Answer when everything before is done.
    Settle(Sender<()>),
}

impl Keeper {
    pub(super) fn start(shared: Arc<Shared>, head_interval: Duration) -> Self {
        let (jobs, inbox) = mpsc::sync_channel(WAITING);
        let period = if head_interval.is_zero() { Duration::from_secs(1) } else { head_interval };
        let run = {
            let shared = shared.clone();
            move || loop {
                let done = match inbox.recv_timeout(period) {
                    Ok(Job::Seal(writer)) => shared.seal(*writer).and_then(|()| shared.write_head()),
                    Ok(Job::Settle(answer)) => {
                        let _ = answer.send(());
                        Ok(())
                    }
                    Err(RecvTimeoutError::Timeout) => shared.write_head(),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                // A failure is kept for the writer, whose next call reports it.
                let _ = shared.note(done);
            }
        };
        let thread = std::thread::Builder::new().name("store-keeper".to_owned()).spawn(run);
        let thread = thread.expect("a process that cannot start a thread at its start cannot serve");
        Self { shared, thread: Mutex::new(Some((jobs, thread))) }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Queues a segment to be sealed.
    pub(super) fn seal(&self, writer: Writer) {
        self.send(Job::Seal(Box::new(writer)));
    }

    /// Waits until all queued segments are sealed.
    pub(super) fn settle(&self) {
        let (answer, done) = mpsc::channel();
        self.send(Job::Settle(answer));
        let _ = done.recv();
    }

    /// Does what is queued and ends the thread.
    pub(super) fn stop(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((jobs, thread)) = thread {
            drop(jobs);
            if thread.join().is_err() {
                self.shared.fail("the keeper thread panicked");
            }
        }
    }

    fn send(&self, job: Job) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((jobs, _)) = &*thread {
            // Only a panicked keeper hangs up, and `stop` reports that one.
            let _ = jobs.send(job);
        }
    }
}

impl Shared {
    pub(super) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn with_index<T>(
        &self,
        op: impl FnOnce(&mut Index) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        op(self.index.lock().unwrap_or_else(PoisonError::into_inner).as_mut().ok_or(StoreError::Closed)?)
    }

    /// Refuses to go on after a failure.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.failed.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(reason) => Err(StoreError::Failed { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn fail(&self, reason: &str) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
    }

    /// Remembers a failure after which the state of the disk is unknown.
    pub(super) fn note<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            match error {
                StoreError::Closed | StoreError::Failed { .. } => {}
                other => self.fail(&chain_of(other)),
            }
        }
        outcome
    }

    /// Writes the head file if it would say something new.
    pub(super) fn write_head(&self) -> Result<(), StoreError> {
        let mut written = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let keys_generation = match self.index.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(index) => index.generation(),
            None => return Ok(()),
        };
        let head = {
            let view = self.view();
            let (log_id, seq, hash, segment) = (view.log_id, view.seq, view.hash, view.newest_segment);
            Head { log_id, seq, hash, segment, keys_generation }
        };
        if written.as_ref() != Some(&head) {
            head::write(&self.paths.head, &head)?;
            *written = Some(head);
        }
        Ok(())
    }

    fn seal(&self, writer: Writer) -> Result<(), StoreError> {
        let meta = writer.finish()?;
        let held =
            self.view().segments.iter().find(|s| s.meta.number == meta.number).and_then(|s| s.held.clone());
        let records = held.unwrap_or_default();
        self.with_index(|index| index.fold_marks(records.iter().flat_map(|r| &r.header.marks)))?;
        segment::seal(&self.paths.segments, &meta)?;
        if let Some(finished) = self.view_mut().segments.iter_mut().find(|s| s.meta.number == meta.number) {
            finished.held = None;
        }
        Ok(())
    }
}

fn chain_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
