//! The one thread that owns outbox and journal: everything durable goes through it, in order, many events per sync.
//!
//! Callers hold a [`Disk`]. While one batch is being synced the next one gathers, so that a burst costs few syncs and
//! a lone event only one. The thread ends when the last handle is gone, or when it cannot store anything any more.

use std::io;

use lab_proto::event::OutboxEvent;
use lab_proto::ids::OutboxId;
use tokio::sync::{mpsc, oneshot, watch};

use crate::journal::{Entry, Journal, JournalError};
use crate::outbox::{Draft, Outbox, OutboxError};

/// Commands that may wait before callers are held back: each is at most one event, so many fill a sync.
const WAITING: usize = BATCH;
/// The most events that share one sync.
const BATCH: usize = 1024;
/// The most bytes that share one sync, about.
const BATCH_BYTES: usize = 1 << 20;

/// Which outbox, and how far it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which.
    pub outbox_id: OutboxId,
    /// The oldest event that is still there, or the next one.
    pub first: u64,
    /// The newest event.
    pub head: u64,
    /// Up to which event it may have been sent.
    pub sent: u64,
}

/// A handle to the thread.
#[derive(Clone, Debug)]
pub struct Disk {
    commands: mpsc::Sender<Command>,
    head: watch::Receiver<Head>,
}

/// An event that was handed over.
#[derive(Debug)]
pub struct Stored(oneshot::Receiver<Result<u64, OutboxError>>);

impl Stored {
    /// Returns the event's number once it is durable. May be dropped half-way and asked again.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn durable(&mut self) -> Result<u64, OutboxError> {
        (&mut self.0).await.map_err(|_| OutboxError::Closed)?
    }

    /// Returns the same if it is known by now; then it must not be asked again.
    pub fn known(&mut self) -> Option<Result<u64, OutboxError>> {
        match self.0.try_recv() {
            Ok(result) => Some(result),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(OutboxError::Closed)),
        }
    }
}

type Reply<T, E> = oneshot::Sender<Result<T, E>>;

#[derive(Debug)]
enum Command {
    Append { draft: Box<Draft>, size: usize, then: Option<Entry>, reply: Reply<u64, OutboxError> },
    Journal { entries: Vec<Entry>, reply: Reply<(), JournalError> },
    Read { from: u64, room: usize, most: usize, reply: Reply<Vec<(OutboxEvent, usize)>, OutboxError> },
    Acknowledge { counter: u64 },
    Renew { new_id: OutboxId, mark: u64, reply: Reply<Head, OutboxError> },
}

impl Disk {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(outbox: Outbox, journal: Journal) -> io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (commands, inbox) = mpsc::channel(WAITING);
        let (head_tx, head) = watch::channel(head_of(&outbox));
        let worker = Worker { outbox, journal, inbox, head: head_tx, broken: false };
        let thread = std::thread::Builder::new().name("disk".into()).spawn(|| worker.run())?;
        Ok((Self { commands, head }, thread))
    }

    /// Stores an event; returns its number once it is durable. `then` is journalled after it, before the master's
    /// acknowledgement can make the outbox forget the event.
    ///
    /// # Errors
    /// When it could not be stored.
    pub async fn append(&self, draft: Draft, then: Option<Entry>) -> Result<u64, OutboxError> {
        self.hand_over(draft, then).await?.durable().await
    }

    /// Hands an event over without waiting until it is durable. Events that are handed over one after the other are
    /// stored in that order.
    ///
    /// # Errors
    /// When it cannot be an event, or the thread has ended.
    pub async fn hand_over(&self, draft: Draft, then: Option<Entry>) -> Result<Stored, OutboxError> {
        let size = draft.check_size()?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Append { draft: Box::new(draft), size, then, reply };
        self.commands.send(command).await.map_err(|_| OutboxError::Closed)?;
        Ok(Stored(answer))
    }

    /// Does the same from a thread of its own.
    ///
    /// # Errors
    /// When it could not be stored.
    pub fn append_blocking(&self, draft: Draft) -> Result<u64, OutboxError> {
        let size = draft.check_size()?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Append { draft: Box::new(draft), size, then: None, reply };
        self.commands.blocking_send(command).map_err(|_| OutboxError::Closed)?;
        answer.blocking_recv().map_err(|_| OutboxError::Closed)?
    }

    /// Journals entries durably.
    ///
    /// # Errors
    /// When they could not be written; `None` inside means that the thread has ended.
    pub async fn journal(&self, entries: Vec<Entry>) -> Result<(), Option<JournalError>> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Journal { entries, reply }).await.map_err(|_| None)?;
        answer.await.map_err(|_| None)?.map_err(Some)
    }

    /// Reads events for sending.
    ///
    /// # Errors
    /// When they cannot be read or are gone.
    pub async fn read(
        &self,
        from: u64,
        room: usize,
        most: usize,
    ) -> Result<Vec<(OutboxEvent, usize)>, OutboxError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Read { from, room, most, reply };
        self.commands.send(command).await.map_err(|_| OutboxError::Closed)?;
        answer.await.map_err(|_| OutboxError::Closed)?
    }

    /// Notes what the master has.
    pub async fn acknowledge(&self, counter: u64) {
        // A thread that has ended has nothing to forget.
        let _ = self.commands.send(Command::Acknowledge { counter }).await;
    }

    /// Begins a new outbox; see [`Outbox::renew`].
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn renew(&self, new_id: OutboxId, mark: u64) -> Result<Head, OutboxError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Renew { new_id, mark, reply };
        self.commands.send(command).await.map_err(|_| OutboxError::Closed)?;
        answer.await.map_err(|_| OutboxError::Closed)?
    }

    /// Returns how far the outbox goes now.
    pub fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Waits until the thread has ended: nothing can be stored any more.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Returns a receiver that is told whenever the outbox grows.
    pub fn watch(&self) -> watch::Receiver<Head> {
        self.head.clone()
    }
}

fn head_of(outbox: &Outbox) -> Head {
    Head { outbox_id: outbox.id(), first: outbox.first(), head: outbox.head(), sent: outbox.sent() }
}

struct Worker {
    outbox: Outbox,
    journal: Journal,
    inbox: mpsc::Receiver<Command>,
    head: watch::Sender<Head>,
    /// Whether the outbox takes nothing any more.
    broken: bool,
}

struct Event {
    draft: Draft,
    then: Option<Entry>,
    reply: Reply<u64, OutboxError>,
}

struct Entries {
    entries: Vec<Entry>,
    reply: Reply<(), JournalError>,
}

/// What one turn of the thread works on.
#[derive(Default)]
struct Turn {
    events: Vec<Event>,
    bytes: usize,
    entries: Vec<Entries>,
    others: Vec<Command>,
}

impl Turn {
    fn add(&mut self, command: Command) {
        match command {
            Command::Append { draft, size, then, reply } => {
                self.bytes += size;
                self.events.push(Event { draft: *draft, then, reply });
            }
            Command::Journal { entries, reply } => self.entries.push(Entries { entries, reply }),
            other => self.others.push(other),
        }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= BATCH || self.bytes >= BATCH_BYTES || self.entries.len() >= BATCH
    }
}

impl Worker {
    fn run(mut self) {
        while let Some(first) = self.inbox.blocking_recv() {
            let mut turn = Turn::default();
            turn.add(first);
            while !turn.is_full() {
                let Ok(next) = self.inbox.try_recv() else { break };
                turn.add(next);
            }
            self.write(turn.entries);
            self.store(turn.events);
            for command in turn.others {
                self.other(command);
            }
            if self.broken {
                tracing::error!("the outbox takes nothing any more; the agent has to start again");
                break;
            }
        }
        if let Err(e) = self.journal.sync() {
            tracing::error!(error = %crate::chain(&e), "the journal's last entries may be lost");
        }
    }

    fn write(&mut self, waiting: Vec<Entries>) {
        let all: Vec<Entry> = waiting.iter().flat_map(|w| w.entries.iter().cloned()).collect();
        if all.is_empty() {
            return;
        }
        let mut failed = self.journal.append(&all, true).err();
        for Entries { entries, reply } in waiting {
            let result = match failed.take() {
                None => Ok(()),
                // One at a time now, so that each caller hears of its own fate.
                Some(first) => {
                    let own = self.journal.append(&entries, true);
                    failed = Some(first);
                    own
                }
            };
            // Whoever asked may have gone; the entries are written all the same.
            let _ = reply.send(result);
        }
    }

    fn store(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let drafts: Vec<&Draft> = events.iter().map(|e| &e.draft).collect();
        let last = match self.outbox.append(&drafts) {
            Ok(last) => last,
            // A batch that does not fit may still fit in parts: a small event must not fail for a large neighbour.
            Err(_) if events.len() > 1 => {
                return events.into_iter().for_each(|event| self.store(vec![event]));
            }
            Err(e) => {
                self.broken |= e.is_fatal();
                let only = events.into_iter().next().expect("not empty: checked above");
                let _ = only.reply.send(Err(e));
                return;
            }
        };
        self.head.send_replace(head_of(&self.outbox));
        let then: Vec<Entry> = events.iter().filter_map(|e| e.then.clone()).collect();
        if !then.is_empty()
            && let Err(e) = self.journal.append(&then, false)
        {
            // The outbox has the return; the next start finds it there.
            tracing::warn!(error = %crate::chain(&e), "the end of a job is not journalled yet");
        }
        for (counter, event) in (last + 1 - events.len() as u64..).zip(events) {
            let _ = event.reply.send(Ok(counter));
        }
    }

    fn other(&mut self, command: Command) {
        match command {
            Command::Read { from, room, most, reply } => {
                let result = self.outbox.read_to_send(from, room, most);
                let sent = self.outbox.sent();
                self.head.send_if_modified(|h| {
                    h.sent = sent;
                    // Nothing is there to be sent that was not before.
                    false
                });
                let _ = reply.send(result);
            }
            Command::Acknowledge { counter } => self.acknowledge(counter),
            Command::Renew { new_id, mark, reply } => {
                // What was acknowledged is left behind: the journal must know it, as where the outbox forgets.
                let synced = self.journal.sync().map_err(|e| OutboxError::Journal(Box::new(e)));
                let result = synced.and_then(|()| self.outbox.renew(new_id, mark));
                self.broken |= result.as_ref().is_err_and(OutboxError::is_fatal);
                if result.is_ok() {
                    self.head.send_replace(head_of(&self.outbox));
                }
                let _ = reply.send(result.map(|()| head_of(&self.outbox)));
            }
            Command::Append { .. } | Command::Journal { .. } => {
                unreachable!("these are gathered into the turn's batch")
            }
        }
    }

    fn acknowledge(&mut self, counter: u64) {
        let outbox = &mut self.outbox;
        // First the journal: what the outbox forgets must be known there, or a job would count as interrupted.
        if outbox.releases(counter)
            && let Err(e) = self.journal.sync()
        {
            tracing::warn!(error = %crate::chain(&e), "acknowledged events are kept until the journal is written");
            return;
        }
        if let Err(e) = outbox.acknowledge(counter) {
            tracing::warn!(error = %crate::chain(&e), "acknowledged events could not be given back");
        }
        let head = head_of(outbox);
        self.head.send_if_modified(|h| std::mem::replace(&mut h.first, head.first) != head.first);
    }
}

#[cfg(test)]
mod tests;
