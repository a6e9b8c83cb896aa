//! The door to the task that owns the core: inputs in, effects out, in order, nothing released before it is durable.

mod company;
mod task;

use std::sync::{Arc, OnceLock};

use lab_proto::v1::link::{CloseReason, EventAck, EventBatch, JobsUp, Progress, ToMaster, ToMinion};
use lab_proto::{JobId, JobSpec, MinionId, OutboxId, Position, RunId};
use lab_states::orchestrate::Start;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};

use self::task::HubTask;
use super::clock::Clock;
use super::content::Content;
use super::orchestrate::Runner;
use super::writer::{Counters, Writer, Written};
use crate::core::{Arrival, ConnId, Core, KillError, Submission, SubmitError, Write};
use crate::pki::{Authority, Trust};
use crate::store::Store;

/// Inputs that wait for the core. Senders wait beyond that, which slows the links down and with them the minions.
const INPUTS: usize = 1024;
/// Bytes of events, about, that are taken from links and not yet durable; beyond that links are not read.
const INTAKE: usize = 8 << 20;
/// What an event takes beside its data, about.
const EVENT_AROUND: usize = 200;
/// Progress frames that a slow watcher may be behind; then it misses some.
const PROGRESS: usize = 1024;

/// What the hub sends over one link. Boxed, since a channel keeps room for 32 values from its start, and there may be
/// thousands of links.
pub(crate) struct LinkDoors {
    /// Frames of the control stream.
    pub(crate) control: mpsc::Sender<Box<ToMinion>>,
    /// The highest durable event number: later ones replace earlier ones.
    pub(crate) durable: watch::Sender<(u64, Position)>,
    /// Other answers of the event stream.
    pub(crate) answers: mpsc::Sender<Box<EventAck>>,
    /// Orders of the jobs stream.
    pub(crate) jobs: mpsc::Sender<Box<JobOrder>>,
    /// Ends the link.
    pub(crate) close: oneshot::Sender<LinkEnd>,
}

/// A job on its way to its minions.
#[derive(Debug)]
pub(crate) struct Publication {
    /// The job.
    pub(crate) spec: Arc<JobSpec>,
    /// The frame, where it is the same for all of them: encoded once, by the first link that sends it.
    pub(crate) frame: OnceLock<Vec<u8>>,
}

/// An order for the jobs stream of a link.
#[derive(Clone, Debug)]
pub(crate) enum JobOrder {
    /// Publish; the link renders the pillar.
    Publish(Arc<Publication>),
    /// Kill.
    Kill {
        /// The job.
        jid: JobId,
        /// Who asked.
        by: String,
    },
}

/// Why the hub ends a link.
#[derive(Clone, Debug)]
pub(crate) enum LinkEnd {
    /// It was up.
    Close(CloseReason),
    /// It never came up.
    Refuse(lab_proto::v1::link::LinkRefusal),
}

/// A live view of what jobs show.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) jid: JobId,
    pub(crate) minion: MinionId,
    pub(crate) progress: Progress,
}

type Ask = Box<dyn FnOnce(&mut Core) + Send>;

enum Input {
    Connect { conn: ConnId, arrival: Box<Arrival>, doors: LinkDoors },
    Control { conn: ConnId, frame: ToMaster },
    Batch { conn: ConnId, outbox: OutboxId, batch: EventBatch, room: Option<OwnedSemaphorePermit> },
    Registered { conn: ConnId },
    JobsUp { conn: ConnId, frame: JobsUp },
    Gone { conn: ConnId, reason: String },
    Admitted { id: MinionId },
    Revoke { id: MinionId, forget: bool },
    Refused { why: String, peer: String },
    Submit { submission: Box<Submission>, reply: oneshot::Sender<Result<JobId, SubmitError>> },
    Kill { jid: JobId, by: String, reply: oneshot::Sender<Result<(), KillError>> },
    Write { write: Write, reply: oneshot::Sender<Written> },
    StartRun { start: Box<Start>, reply: Option<oneshot::Sender<RunId>> },
    RunFailed { run: RunId },
    Publish { job: Box<JobSpec>, minions: Vec<MinionId> },
    Unpublished { job: Box<JobSpec>, why: String },
    Ask(Ask),
    ShutDown { done: oneshot::Sender<()> },
}

/// The hub does not answer: the server ends, or its store did not take what the answer would have promised.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the master is shutting down, or its store did not take the write; its log says which")]
pub(crate) struct HubGone;

/// What the hub works with.
pub(crate) struct Parts {
    pub(crate) core: Core,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) content: Arc<Content>,
    pub(crate) runner: Arc<Runner>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) clock: Clock,
    /// Told when the store fails.
    pub(crate) failed: mpsc::Sender<String>,
}

/// The way to the hub.
#[derive(Clone)]
pub(crate) struct Hub {
    inputs: mpsc::Sender<Input>,
    shown: broadcast::Sender<Shown>,
    head: watch::Receiver<Position>,
    counters: Arc<Counters>,
    intake: Arc<Semaphore>,
}

impl Hub {
    /// Starts the task. It ends when every handle is gone, or when the store fails, which `failed` tells; the receiver hears
    /// that it has ended.
    ///
    /// It has a thread and a runtime of its own. Among the tasks of thousands of links, each of which has something to do in a
    /// burst, its turn came once in as many: returns lay there until all jobs had gone out, then processors stood still while
    /// one after the other was taken.
    pub(crate) fn start(parts: Parts) -> std::io::Result<(Self, oneshot::Receiver<()>)> {
        let (head_sender, head) = watch::channel(parts.store.head());
        let counters = Arc::new(Counters::default());
        let (store, content) = (parts.store.clone(), parts.content.clone());
        let writer = Writer::start(store, content, parts.clock.clone(), head_sender, counters.clone())?;
        let (inputs, inbox) = mpsc::channel(INPUTS);
        let (shown, _) = broadcast::channel(PROGRESS);
        let task = HubTask::new(parts, writer, inputs.downgrade(), shown.clone());
        let end = on_a_thread(task.run(inbox))?;
        let intake = Arc::new(Semaphore::new(INTAKE));
        Ok((Self { inputs, shown, head, counters, intake }, end))
    }

    pub(crate) async fn connect(&self, conn: ConnId, arrival: Arrival, doors: LinkDoors) {
        self.send(Input::Connect { conn, arrival: Box::new(arrival), doors }).await;
    }

    pub(crate) async fn control(&self, conn: ConnId, frame: ToMaster) {
        self.send(Input::Control { conn, frame }).await;
    }

    /// Hands on events of a minion, as soon as there is room; returns their size, about.
    pub(crate) async fn batch(&self, conn: ConnId, outbox: OutboxId, batch: EventBatch) -> usize {
        let bytes =
            batch.events.iter().map(|e| EVENT_AROUND + e.data.max_encoded_len()).sum::<usize>().min(INTAKE);
        // Nobody closes it; without room it would still be right to go on.
        let room = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.intake.clone().acquire_many_owned(room).await.ok();
        self.send(Input::Batch { conn, outbox, batch, room }).await;
        bytes
    }

    /// Tells whether events of minions are being taken that are not durable yet.
    pub(crate) fn takes_events(&self) -> bool {
        self.intake.available_permits() < INTAKE
    }

    pub(crate) async fn registered(&self, conn: ConnId) {
        self.send(Input::Registered { conn }).await;
    }

    pub(crate) async fn jobs_up(&self, conn: ConnId, frame: JobsUp) {
        self.send(Input::JobsUp { conn, frame }).await;
    }

    pub(crate) async fn gone(&self, conn: ConnId, reason: String) {
        self.send(Input::Gone { conn, reason }).await;
    }

    pub(crate) async fn admitted(&self, id: MinionId) {
        self.send(Input::Admitted { id }).await;
    }

    pub(crate) async fn revoke(&self, id: MinionId, forget: bool) {
        self.send(Input::Revoke { id, forget }).await;
    }

    /// Names a refused attempt in the log.
    pub(crate) async fn refused(&self, why: impl Into<String>, peer: impl Into<String>) {
        self.send(Input::Refused { why: why.into(), peer: peer.into() }).await;
    }

    /// Names a refused attempt in the log, from where nobody can wait; tells whether there was room.
    pub(crate) fn try_refused(&self, why: &str, peer: String) -> bool {
        self.inputs.try_send(Input::Refused { why: why.to_owned(), peer }).is_ok()
    }

    /// Submits a job; returns once it is durable and being published.
    pub(crate) async fn submit(&self, submission: Submission) -> Result<Result<JobId, SubmitError>, HubGone> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Submit { submission: Box::new(submission), reply }).await;
        answer.await.map_err(|_| HubGone)
    }

    /// Begins a run; returns once its start is durable.
    pub(crate) async fn start_run(&self, start: Start) -> Result<RunId, HubGone> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::StartRun { start: Box::new(start), reply: Some(reply) }).await;
        answer.await.map_err(|_| HubGone)
    }

    pub(crate) async fn kill(&self, jid: JobId, by: String) -> Result<Result<(), KillError>, HubGone> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Kill { jid, by, reply }).await;
        answer.await.map_err(|_| HubGone)
    }

    /// Writes; returns once it is durable.
    pub(crate) async fn write(&self, write: Write) -> Result<Written, HubGone> {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Write { write, reply }).await;
        answer.await.map_err(|_| HubGone)
    }

    /// Asks the core something.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Core) -> T + Send + 'static,
    ) -> Result<T, HubGone> {
        let (reply, answer) = oneshot::channel();
        let ask: Ask = Box::new(move |core| {
            let _ = reply.send(question(core));
        });
        self.send(Input::Ask(ask)).await;
        answer.await.map_err(|_| HubGone)
    }

    /// Says good-bye to all minions and writes what is left.
    pub(crate) async fn shut_down(&self) {
        let (done, finished) = oneshot::channel();
        self.send(Input::ShutDown { done }).await;
        let _ = finished.await;
    }

    /// Returns what jobs show from now on.
    pub(crate) fn shown(&self) -> broadcast::Receiver<Shown> {
        self.shown.subscribe()
    }

    /// Returns the newest durable position, to watch.
    pub(crate) fn head(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    /// Returns what the writer has done.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    async fn send(&self, input: Input) {
        // A hub that is gone shows at the answer, or at the connection that ends with the server.
        let _ = self.inputs.send(input).await;
    }
}

/// Runs the task on a thread of its own; the receiver hears when it has ended.
fn on_a_thread(task: impl Future<Output = ()> + Send + 'static) -> std::io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    let (tell, built) = std::sync::mpsc::channel();
    // The runtime is made where it is dropped: within the server's that is forbidden.
    std::thread::Builder::new().name("hub".to_owned()).spawn(move || {
        match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => {
                let _ = tell.send(Ok(()));
                runtime.block_on(task);
            }
            Err(e) => drop(tell.send(Err(e))),
        }
        // Nobody may be waiting.
        let _ = ended.send(());
    })?;
    built.recv().unwrap_or_else(|_| Err(std::io::Error::other("the hub's thread ended at once")))?;
    Ok(end)
}

#[cfg(test)]
mod tests;
