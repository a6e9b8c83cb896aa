//! The task that owns the core: inputs in, effects out, in order, nothing released before it is durable.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use lab_proto::v1::link::{CloseReason, EventAck, EventBatch, JobsUp, Progress, ToMaster, ToMinion};
use lab_proto::{JobId, JobSpec, MinionId, OutboxId, Position, RunId};
use lab_states::orchestrate::Start;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};
use tracing::{error, warn};

use super::clock::Clock;
use super::content::Content;
use super::corrections::{Corrections, Late, correction};
use super::orchestrate::Runner;
use super::writer::{Counters, Writer, Written};
use crate::core::{
    Arrival, ConnId, Core, Effect, KillError, RunErrand, Submission, SubmitError, Write, size_at_most,
};
use crate::pki::{Authority, Peer, Request, Trust};
use crate::store::Store;

/// Inputs that wait for the core. Senders wait beyond that, which slows the links down and with them the minions.
const INPUTS: usize = 1024;
/// Writes under way; while there are more, no input is taken.
const MAX_STAGES: usize = 256;
/// Bytes of events, about, that are taken from links and not yet durable; beyond that links are not read.
const INTAKE: usize = 8 << 20;
/// What an event takes beside its data, about.
const EVENT_AROUND: usize = 200;
/// Answers, orders and errands, about, that wait for writes under way; while there are more, no input is taken.
const MAX_WAITING: usize = 16 * 1024;
/// Progress frames that a slow watcher may be behind; then it misses some.
const PROGRESS: usize = 1024;
/// The largest progress that is shown, in bytes: with the number above it bounds what watchers hold in memory.
const MAX_SHOWN: usize = 64 << 10;

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
    pub(crate) close: mpsc::Sender<Box<LinkEnd>>,
}

/// An order for the jobs stream of a link.
#[derive(Clone, Debug)]
pub(crate) enum JobOrder {
    /// Publish; the link renders the pillar.
    Publish(Arc<JobSpec>),
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
    /// Starts the task. It ends when every handle is gone, or when the store fails, which `failed` tells.
    pub(crate) fn start(parts: Parts) -> std::io::Result<(Self, tokio::task::JoinHandle<()>)> {
        let Parts { core, store, content, runner, trust, authority, clock, failed } = parts;
        let (head_sender, head) = watch::channel(store.head());
        let counters = Arc::new(Counters::default());
        let writer = Writer::start(store.clone(), content, clock, head_sender, counters.clone())?;
        let (inputs, inbox) = mpsc::channel(INPUTS);
        let (shown, _) = broadcast::channel(PROGRESS);
        let task = HubTask {
            core,
            runner,
            inputs: inputs.downgrade(),
            store,
            trust,
            authority,
            clock,
            writer,
            links: HashMap::new(),
            stages: VecDeque::new(),
            waiting: 0,
            corrections: Corrections::default(),
            shown: shown.clone(),
            failed,
        };
        let task = tokio::spawn(task.run(inbox));
        let intake = Arc::new(Semaphore::new(INTAKE));
        Ok((Self { inputs, shown, head, counters, intake }, task))
    }

    pub(crate) async fn connect(&self, conn: ConnId, arrival: Arrival, doors: LinkDoors) {
        self.send(Input::Connect { conn, arrival: Box::new(arrival), doors }).await;
    }

    pub(crate) async fn control(&self, conn: ConnId, frame: ToMaster) {
        self.send(Input::Control { conn, frame }).await;
    }

    pub(crate) async fn batch(&self, conn: ConnId, outbox: OutboxId, batch: EventBatch) {
        let bytes =
            batch.events.iter().map(|e| EVENT_AROUND + size_at_most(&e.data)).sum::<usize>().min(INTAKE);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        // Nobody closes it; without room it would still be right to go on.
        let room = self.intake.clone().acquire_many_owned(bytes).await.ok();
        self.send(Input::Batch { conn, outbox, batch, room }).await;
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

struct HubTask {
    core: Core,
    runner: Arc<Runner>,
    /// Weak, so that the task ends when nobody else can reach it.
    inputs: mpsc::WeakSender<Input>,
    store: Arc<dyn Store>,
    trust: Arc<Trust>,
    authority: Arc<Authority>,
    clock: Clock,
    writer: Writer,
    links: HashMap<ConnId, LinkDoors>,
    stages: VecDeque<Stage>,
    /// How many releases wait in the stages.
    waiting: usize,
    corrections: Corrections,
    shown: broadcast::Sender<Shown>,
    failed: mpsc::Sender<String>,
}

/// A write under way and what waits for it.
struct Stage {
    written: oneshot::Receiver<Written>,
    then: Vec<Release>,
}

enum Release {
    Effect(Effect),
    Reply(Box<dyn FnOnce(&Written) + Send>),
    /// A closed job's record was corrected.
    Corrected(JobId),
}

impl HubTask {
    async fn run(mut self, mut inbox: mpsc::Receiver<Input>) {
        let mut ended = None;
        loop {
            let timeout = self.core.poll_timeout().map(|(at, _)| self.clock.instant(at));
            let far = tokio::time::Instant::now() + std::time::Duration::from_secs(3600);
            tokio::select! {
                biased;
                written = first_written(&mut self.stages) => {
                    if !self.release(written).await { return }
                }
                input = inbox.recv(), if self.has_room() && ended.is_none() => match input {
                    Some(Input::ShutDown { done }) => {
                        self.core.shut_down(self.clock.now());
                        ended = Some(done);
                    }
                    Some(input) => self.take(input),
                    None => return,
                },
                () = tokio::time::sleep_until(timeout.unwrap_or(far)) => {
                    self.core.handle_timeout(self.clock.now());
                }
            }
            self.carry_out();
            if self.stages.is_empty()
                && let Some(done) = ended.take()
            {
                let _ = done.send(());
                return;
            }
        }
    }

    /// Tells whether so little is under way that more may be begun.
    fn has_room(&self) -> bool {
        self.stages.len() < MAX_STAGES && self.waiting < MAX_WAITING
    }

    fn take(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Connect { conn, arrival, doors } => self.connect(conn, *arrival, doors),
            Input::Control { conn, frame } => self.core.control(conn, frame, now),
            Input::Batch { conn, outbox, batch, room } => {
                self.core.batch(conn, outbox, batch, now);
                self.carry_out();
                self.after(Release::Reply(Box::new(move |_| drop(room))));
            }
            Input::Registered { conn } => self.core.jobs_registered(conn, now),
            Input::JobsUp { conn, frame } => self.core.jobs_up(conn, frame),
            Input::Gone { conn, reason } => {
                self.core.disconnected(conn, &reason, now);
                self.links.remove(&conn);
            }
            Input::Admitted { id } => self.core.admitted(id),
            Input::Revoke { id, forget } => self.core.revoke(&id, forget, now),
            Input::Refused { why, peer } => self.core.refused(&why, &peer, now),
            Input::Submit { submission, reply } => {
                let result = self.core.submit(*submission, now);
                self.carry_out();
                self.answer(reply, result);
            }
            Input::Kill { jid, by, reply } => {
                let result = self.core.kill(jid, &by);
                self.carry_out();
                self.answer(reply, result);
            }
            Input::Write { write, reply } => {
                self.core.write(write);
                self.carry_out();
                self.after(Release::Reply(Box::new(move |written| {
                    let _ = reply.send(written.clone());
                })));
            }
            Input::StartRun { start, reply } => {
                let run = self.core.start_run(*start, now);
                self.carry_out();
                if let Some(reply) = reply {
                    self.answer(reply, run);
                }
            }
            Input::RunFailed { run } => self.core.run_failed(run),
            Input::Publish { job, minions } => self.core.publish_for_run(*job, minions),
            Input::Unpublished { job, why } => self.core.step_unpublished(&job, why),
            Input::Ask(ask) => ask(&mut self.core),
            Input::ShutDown { .. } => {}
        }
    }

    /// Answers once everything before is durable. When the store refuses that, nothing is answered, so that whoever asked
    /// is not told of what never was.
    fn answer<T: Send + 'static>(&mut self, reply: oneshot::Sender<T>, result: T) {
        self.after(Release::Reply(Box::new(move |written| {
            if written.is_ok() {
                let _ = reply.send(result);
            }
        })));
    }

    fn connect(&mut self, conn: ConnId, mut arrival: Arrival, doors: LinkDoors) {
        // Asked once more here: a key that was revoked after the handshake began is revoked before this input.
        if self.trust.check(&Peer::Minion(arrival.minion.clone()), arrival.key).is_err() {
            let refusal = lab_proto::v1::link::LinkRefusal::NotAccepted;
            let _ = doors.close.try_send(Box::new(LinkEnd::Refuse(refusal)));
            return;
        }
        arrival.stored_mark = self.store.mark(&arrival.hello.outbox_id).unwrap_or(0);
        self.links.insert(conn, doors);
        self.core.connect(conn, arrival, self.clock.now());
    }

    /// Starts the writes that the core asks for and queues everything else behind them.
    fn carry_out(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Write(write) => {
                    let written = self.writer.submit(write);
                    self.stages.push_back(Stage { written, then: Vec::new() });
                }
                // What a job shows is not durable and promises nothing: it need not wait, and nothing bounds it.
                Effect::Progress { jid, minion, progress } => self.show(Shown { jid, minion, progress }),
                other => self.after(Release::Effect(other)),
            }
        }
    }

    fn show(&self, shown: Shown) {
        let size = match &shown.progress {
            Progress::Stdout(text) | Progress::Stderr(text) => text.len(),
            Progress::StateStarted { id, state } => id.len() + state.len(),
            Progress::StateEnded(value) => size_at_most(value),
        };
        if size <= MAX_SHOWN {
            // Nobody may be watching.
            let _ = self.shown.send(shown);
        }
    }

    fn after(&mut self, release: Release) {
        match self.stages.back_mut() {
            Some(stage) => {
                stage.then.push(release);
                self.waiting += 1;
            }
            None => self.perform(release, &Ok(Vec::new())),
        }
    }

    /// Lets out what waited for the oldest write. Returns false when the store failed.
    async fn release(&mut self, written: Option<Written>) -> bool {
        let Some(stage) = self.stages.pop_front() else { return true };
        self.waiting -= stage.then.len();
        let written = match written {
            Some(Ok(events)) => {
                self.core.appended(&events, self.clock.now());
                Ok(events)
            }
            Some(Err(e)) if is_refusal(&e.0) => {
                warn!(error = %e, "a write was refused by the store");
                Err(e)
            }
            Some(Err(e)) => {
                error!(error = %e, "the store failed; the master stops");
                let _ = self.failed.send(e.to_string()).await;
                return false;
            }
            None => {
                let _ = self.failed.send("the store's writer ended".to_owned()).await;
                return false;
            }
        };
        for release in stage.then {
            self.perform(release, &written);
        }
        true
    }

    fn perform(&mut self, release: Release, written: &Written) {
        match release {
            Release::Reply(reply) => reply(written),
            Release::Effect(effect) => self.perform_effect(effect),
            Release::Corrected(jid) => {
                let late = self.corrections.written(jid);
                self.correct(jid, late);
            }
        }
    }

    fn perform_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Write(_) | Effect::Progress { .. } => {}
            Effect::Control { conn, frame } => {
                self.with(conn, |d| d.control.try_send(Box::new(frame)).map_err(|_| "control"));
            }
            Effect::EventAck { conn, ack: EventAck::Durable { counter, .. } } => {
                let head = self.store.head();
                self.with(conn, |d| {
                    d.durable.send_replace((counter, head));
                    Ok(())
                });
            }
            Effect::EventAck { conn, ack } => self.with(conn, |d| {
                // Lost answers do not matter: a gap is told again with the next batch.
                let _ = d.answers.try_send(Box::new(ack));
                Ok(())
            }),
            Effect::Publish { conn, minion: _, job } => {
                self.with(conn, |d| d.jobs.try_send(Box::new(JobOrder::Publish(job))).map_err(|_| "jobs"));
            }
            Effect::Kill { conn, jid, by } => {
                self.with(conn, |d| {
                    d.jobs.try_send(Box::new(JobOrder::Kill { jid, by })).map_err(|_| "jobs")
                });
            }
            Effect::Refuse { conn, refusal } => {
                if let Some(doors) = self.links.remove(&conn) {
                    let _ = doors.close.try_send(Box::new(LinkEnd::Refuse(refusal)));
                }
            }
            Effect::Close { conn, reason } => {
                if let Some(doors) = self.links.remove(&conn) {
                    let _ = doors.close.try_send(Box::new(LinkEnd::Close(reason)));
                }
            }
            Effect::Certify { conn, minion, csr } => self.certify(conn, minion, &csr),
            Effect::Errand(errand) => self.run_errand(errand),
            Effect::LateReturn { jid, minion, row } => {
                let late = self.corrections.late(jid, minion, row);
                self.correct(jid, late);
            }
        }
    }

    /// Sends somebody off for what a run needs files for; the answer comes back as an input.
    fn run_errand(&self, errand: RunErrand) {
        let Some(inputs) = self.inputs.upgrade() else { return };
        let runner = self.runner.clone();
        tokio::spawn(async move {
            let input = match errand {
                RunErrand::Compile(nested) => {
                    let run = nested.run;
                    match runner.nested(*nested).await {
                        Ok(start) => Input::StartRun { start: Box::new(start), reply: None },
                        Err(why) => {
                            warn!(%run, why, "a nested run does not begin");
                            Input::RunFailed { run }
                        }
                    }
                }
                RunErrand::Pin { mut job, minions } => match runner.pin().await {
                    Ok(tree) => {
                        job.tree = Some(tree);
                        Input::Publish { job, minions }
                    }
                    Err(why) => {
                        Input::Unpublished { job, why: format!("the state tree cannot be read: {why}") }
                    }
                },
            };
            let _ = inputs.send(input).await;
        });
    }

    /// Corrects the record of a job that was closed before these returns came.
    fn correct(&mut self, jid: JobId, late: Late) {
        if late.is_empty() {
            return;
        }
        let changes = correction(&*self.store, jid, late).unwrap_or_else(|e| {
            warn!(%jid, error = super::chain(&e), "a job's record was not corrected");
            Vec::new()
        });
        if !changes.is_empty() {
            self.core.write(Write { changes, ..Write::default() });
        }
        self.carry_out();
        self.after(Release::Corrected(jid));
    }

    /// Does something with a link's doors. A link that does not keep up is closed: it comes back and is told all.
    fn with(&mut self, conn: ConnId, action: impl FnOnce(&LinkDoors) -> Result<(), &'static str>) {
        let Some(doors) = self.links.get(&conn) else { return };
        if let Err(stream) = action(doors) {
            warn!(conn = conn.0, stream, "a link does not keep up; closing it");
            let reason = CloseReason::Violation(format!("the {stream} stream is not read"));
            let _ = doors.close.try_send(Box::new(LinkEnd::Close(reason)));
            self.links.remove(&conn);
        }
    }

    /// Signs a fresh certificate for the key that the link was made with; another key must enrol.
    fn certify(&mut self, conn: ConnId, minion: MinionId, csr: &[u8]) {
        let now = self.clock.now();
        let peer = Peer::Minion(minion);
        let issued = Request::verify(csr).map_err(|e| e.to_string()).and_then(|request| {
            self.trust.check(&peer, request.fingerprint()).map_err(|e| e.to_string())?;
            self.authority.issue(&peer, &request, now).map_err(|e| e.to_string())
        });
        match issued {
            Ok(der) => {
                let frame = ToMinion::Certificate(der);
                self.with(conn, |d| d.control.try_send(Box::new(frame)).map_err(|_| "control"));
            }
            Err(why) => self.core.refused(&format!("renewal: {why}"), &peer.to_string(), now),
        }
    }
}

async fn first_written(stages: &mut VecDeque<Stage>) -> Option<Written> {
    match stages.front_mut() {
        Some(stage) => (&mut stage.written).await.ok(),
        None => std::future::pending().await,
    }
}

fn is_refusal(error: &crate::store::StoreError) -> bool {
    use crate::store::StoreError;
    matches!(error, StoreError::EventTooLarge { .. } | StoreError::ValueTooLarge { .. })
}
