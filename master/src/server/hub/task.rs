//! The task behind the hub's door: takes inputs, starts writes, lets out what waited for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use lab_proto::v1::link::{CloseReason, EventAck, Progress, ToMinion};
use lab_proto::{JobId, JobSpec, MinionId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};
use tracing::{error, warn};

use super::company::Company;
use super::{Input, JobOrder, LinkDoors, LinkEnd, Parts, Publication, Shown};
use crate::core::{Arrival, ConnId, Core, Effect, RunErrand, Write};
use crate::pki::{Authority, Peer, Request, Trust};
use crate::server::clock::Clock;
use crate::server::corrections::{Corrections, Late, correction};
use crate::server::orchestrate::Runner;
use crate::server::wall_time;
use crate::server::writer::{Writer, Written};
use crate::store::{Store, StoreError};

/// Writes under way; while there are more, no input is taken.
const MAX_STAGES: usize = 256;
/// Answers, orders and errands, about, that wait for writes under way; while there are more, no input is taken.
const MAX_WAITING: usize = 16 * 1024;
/// The largest progress that is shown, in bytes: with the number above it bounds what watchers hold in memory.
const MAX_SHOWN: usize = 64 << 10;

pub(super) struct HubTask {
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
    company: Company,
    /// The job that was published last.
    published: Option<Arc<Publication>>,
    shown: broadcast::Sender<Shown>,
    failed: mpsc::Sender<String>,
    /// Where errands run: they may take long, and read files.
    errands: tokio::runtime::Handle,
}

/// A write under way and what waits for it.
struct Stage {
    written: oneshot::Receiver<Written>,
    /// Whether it raises marks of outboxes: whoever acknowledges later ones acknowledges these.
    marks: bool,
    then: Vec<Release>,
}

enum Release {
    Effect(Effect),
    Reply(Box<dyn FnOnce(&Written) + Send>),
    /// Events are durable: others may take their room.
    Room {
        _taken: Option<OwnedSemaphorePermit>,
    },
    /// A closed job's record was corrected.
    Corrected(JobId),
}

impl HubTask {
    pub(super) fn new(
        parts: Parts,
        writer: Writer,
        inputs: mpsc::WeakSender<Input>,
        shown: broadcast::Sender<Shown>,
    ) -> Self {
        let Parts { core, store, content: _, runner, trust, authority, clock, failed } = parts;
        Self {
            core,
            runner,
            inputs,
            store,
            trust,
            authority,
            clock,
            writer,
            links: HashMap::new(),
            stages: VecDeque::new(),
            waiting: 0,
            corrections: Corrections::default(),
            company: Company::default(),
            published: None,
            shown,
            failed,
            errands: tokio::runtime::Handle::current(),
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Input>) {
        let mut ended = None;
        loop {
            // Before the inbox: that may never be empty.
            let mut next = self.core.poll_timeout();
            if next.is_some_and(|(at, _)| at <= self.clock.now()) && self.has_room() {
                let now = self.look_at_clock();
                self.core.handle_timeout(now);
                self.carry_out();
                next = self.core.poll_timeout();
            }
            let timeout = next.map(|(at, _)| self.clock.instant(at));
            let far = tokio::time::Instant::now() + std::time::Duration::from_secs(3600);
            tokio::select! {
                biased;
                written = first_written(&mut self.stages) => {
                    if !self.release(written).await { return }
                }
                input = inbox.recv(), if self.has_room() && ended.is_none() => match input {
                    Some(Input::ShutDown { done }) => {
                        let now = self.look_at_clock();
                        self.core.shut_down(now);
                        ended = Some(done);
                    }
                    Some(input) => self.take(input),
                    None => return,
                },
                // What is due is done at the top of the next turn.
                () = tokio::time::sleep_until(timeout.unwrap_or(far)), if self.has_room() => {}
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

    /// Tells the core how far the real clock is ahead, which it must know before the first event that shows it; returns the
    /// time by the steady one.
    fn look_at_clock(&mut self) -> Timestamp {
        let now = self.clock.now();
        self.core.set_ahead(self.clock.ahead(), now);
        now
    }

    fn take(&mut self, input: Input) {
        let now = self.look_at_clock();
        match input {
            Input::Connect { conn, arrival, doors } => self.connect(conn, *arrival, doors),
            Input::Control { conn, frame } => self.core.control(conn, frame, now),
            Input::Batch { conn, outbox, batch, room } => {
                self.core.batch(conn, outbox, batch, now);
                self.carry_out();
                self.after(Release::Room { _taken: room });
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
            let _ = doors.close.send(LinkEnd::Refuse(refusal));
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
                    let marks = !write.marks.is_empty();
                    let tags = write.events.iter().map(|e| &e.tag);
                    let company = self.company.came(tags, self.clock.now());
                    let written = self.writer.submit(write, company);
                    self.stages.push_back(Stage { written, marks, then: Vec::new() });
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
            Progress::StateEnded(value) => value.max_encoded_len(),
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
                let now = self.look_at_clock();
                self.core.appended(&events, now);
                Ok(events)
            }
            Some(Err(e)) if is_refusal(&e.0) && !stage.marks => {
                warn!(error = %e, "a write was refused by the store");
                if let StoreError::EventTooLarge { tag, .. } | StoreError::EventUnreadable { tag, .. } = &*e.0
                {
                    self.core.event_refused(tag, &e.to_string());
                }
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
            Release::Room { .. } => {}
            // That the minion came is not in the log: it comes again.
            Release::Effect(Effect::Control { conn, frame: ToMinion::Welcome(_) }) if written.is_err() => {
                let reason = CloseReason::NotRecorded("that the link is up".to_owned());
                self.perform_effect(Effect::Close { conn, reason });
            }
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
                self.company.published(self.clock.now());
                let order = Box::new(JobOrder::Publish(self.publication(job)));
                self.with(conn, |d| d.jobs.try_send(order).map_err(|_| "jobs"));
            }
            Effect::Kill { conn, jid, by } => {
                self.with(conn, |d| {
                    d.jobs.try_send(Box::new(JobOrder::Kill { jid, by })).map_err(|_| "jobs")
                });
            }
            Effect::Refuse { conn, refusal } => {
                if let Some(doors) = self.links.remove(&conn) {
                    let _ = doors.close.send(LinkEnd::Refuse(refusal));
                }
            }
            Effect::Close { conn, reason } => {
                if let Some(doors) = self.links.remove(&conn) {
                    let _ = doors.close.send(LinkEnd::Close(reason));
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

    /// Returns what the links of a job's minions share; they are published one after the other.
    fn publication(&mut self, spec: Arc<JobSpec>) -> Arc<Publication> {
        match &self.published {
            Some(last) if Arc::ptr_eq(&last.spec, &spec) => last.clone(),
            _ => {
                let publication = Arc::new(Publication { spec, frame: OnceLock::new() });
                self.published.insert(publication).clone()
            }
        }
    }

    /// Sends somebody off for what a run needs files for; the answer comes back as an input.
    fn run_errand(&self, errand: RunErrand) {
        let Some(inputs) = self.inputs.upgrade() else { return };
        let runner = self.runner.clone();
        self.errands.spawn(async move {
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
            warn!(%jid, error = crate::server::chain(&e), "a job's record was not corrected");
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
            let reason = CloseReason::Slow(format!("the {stream} stream is not read"));
            if let Some(doors) = self.links.remove(&conn) {
                let _ = doors.close.send(LinkEnd::Close(reason));
            }
        }
    }

    /// Signs a fresh certificate for the key that the link was made with; another key must enrol.
    fn certify(&mut self, conn: ConnId, minion: MinionId, csr: &[u8]) {
        let now = self.clock.now();
        let peer = Peer::Minion(minion);
        let issued = Request::verify(csr).map_err(|e| e.to_string()).and_then(|request| {
            self.trust.check(&peer, request.fingerprint()).map_err(|e| e.to_string())?;
            self.authority.issue(&peer, &request, wall_time()).map_err(|e| e.to_string())
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

fn is_refusal(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::EventTooLarge { .. }
            | StoreError::EventUnreadable { .. }
            | StoreError::ValueTooLarge { .. }
    )
}
