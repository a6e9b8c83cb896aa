//! `orchestrate` and `runs …`.

use std::collections::HashSet;

use lab_proto::facts::Fact;
use lab_proto::v1::op::{EventQuery, OpReply, OrchestrateRequest, RefusalKind, RunsRequest, Since};
use lab_proto::{Digest, Event, JobId, Position, RunId, Value};
use lab_states::orchestrate::{Engine, Explanation};

use super::run::next_shown;
use super::{Answer, Request, Stop, refuse};
use crate::core::RunRecord;
use crate::core::records::{self, RunEnd};
use crate::frames::FrameError;
use crate::server::orchestrate::{Asked, start, step_id};
use crate::server::tail::{Found, Tail};
use crate::server::{READ_CHUNK, Shared};

impl Request {
    pub(super) async fn orchestrate(&mut self, request: OrchestrateRequest) -> Answer {
        let shared = self.shared.clone();
        let OrchestrateRequest { name, pillar, show, test, follow_tree } = request;
        let compiled = self.saying(shared.runner.compile(name.clone(), pillar.clone(), None)).await?;
        let compiled = compiled.map_err(|why| refuse(RefusalKind::DoesNotCompile, why))?;
        if show {
            for chunk in compiled.plan.chunks() {
                self.data(chunk.clone()).await?;
            }
            return Ok(());
        }
        let now = crate::server::wall_time();
        let random = shared.hub.ask(crate::core::Core::random).await?;
        let user = format!("operator {}", self.operator);
        let asked = Asked { pillar, test, follow_tree, user };
        let since = *shared.hub.head().borrow();
        let run = shared.hub.start_run(start(RunId::new(now, random), name, compiled, asked)).await?;
        self.send(&OpReply::Run { run }).await?;
        self.follow_run(run, since, true).await
    }

    pub(super) async fn runs(&mut self, request: RunsRequest) -> Answer {
        match request {
            RunsRequest::List { limit } => {
                for record in self.run_records().await?.iter().rev().take(limit as usize) {
                    self.data(describe(record)).await?;
                }
                Ok(())
            }
            RunsRequest::Show { run } => {
                let record = self.run_named(&run).await?;
                Ok(self.data(describe(&record)).await?)
            }
            RunsRequest::Explain { run, step } => self.explain(&run, &step).await,
            RunsRequest::Attach { run } => self.attach(&run, true).await,
            RunsRequest::Replay { run } => self.attach(&run, false).await,
        }
    }

    async fn attach(&mut self, beginning: &str, follow: bool) -> Answer {
        let record = self.run_named(beginning).await?;
        self.send(&OpReply::Run { run: record.run }).await?;
        let since = Position { log_id: self.shared.store.log_id(), seq: record.after };
        self.follow_run(record.run, since, follow).await
    }

    /// Sends a run's events from its first to its last; live ones with what its jobs show.
    async fn follow_run(&mut self, run: RunId, since: Position, follow: bool) -> Answer {
        let shared = self.shared.clone();
        let mut shown = shared.hub.shown();
        let query = EventQuery {
            since: Since::After(since),
            until: None,
            tags: Vec::new(),
            minion: None,
            limit: None,
            follow,
        };
        let mut tail = Tail::start(shared.store.clone(), shared.hub.head(), query).await?;
        let mut of_run = OfRun { run, own: format!("lab/run/{run}/"), jobs: HashSet::new(), ended: false };
        loop {
            tokio::select! {
                biased;
                found = tail.next() => match found? {
                    Found::Events(events) => {
                        let mut taken = Vec::new();
                        for event in events {
                            if of_run.takes(&event.decode().map_err(FrameError::from)?) {
                                taken.push(event);
                            }
                        }
                        self.send_events(&taken).await?;
                        if of_run.ended {
                            return Ok(());
                        }
                    }
                    Found::Trimmed(floor) => self.send(&OpReply::Trimmed { floor }).await?,
                    Found::End => return Ok(()),
                },
                Some(s) = next_shown(&mut shown), if follow => {
                    if of_run.jobs.contains(&s.jid) {
                        let (jid, minion, progress) = (s.jid, s.minion, s.progress);
                        self.send(&OpReply::Progress { jid, minion, progress }).await?;
                    }
                }
            }
        }
    }

    async fn explain(&mut self, beginning: &str, step: &str) -> Answer {
        let record = self.run_named(beginning).await?;
        let (run, step) = (record.run, step_id(step));
        let asked = step.clone();
        let live = self.shared.hub.ask(move |core| core.explain(run, &asked)).await?;
        let explained = match live {
            Some(explanation) => Some(explanation),
            None => {
                let (shared, asked) = (self.shared.clone(), step.clone());
                let work = tokio::task::spawn_blocking(move || explain_past(&shared, &record, &asked));
                work.await.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))??
            }
        };
        let Some(explanation) = explained else {
            let text = format!("run {run} has no step {step}; see `lab-master runs show {run}`");
            return Err(refuse(RefusalKind::Refused, text));
        };
        Ok(self.data(explanation.to_value()).await?)
    }

    async fn run_named(&self, beginning: &str) -> Result<RunRecord, Stop> {
        let mut meant =
            self.run_records().await?.into_iter().filter(|r| r.run.to_string().starts_with(beginning));
        match (meant.next(), meant.next()) {
            (Some(record), None) => Ok(record),
            (first, _) => {
                let what = if first.is_some() { "several runs begin" } else { "no run begins" };
                let text = format!("{what} with {beginning:?}; see `lab-master runs list`");
                Err(refuse(RefusalKind::Refused, text))
            }
        }
    }

    async fn run_records(&self) -> Result<Vec<RunRecord>, Stop> {
        let shared = self.shared.clone();
        let runs = tokio::task::spawn_blocking(move || records::runs(&*shared.store)).await;
        Ok(runs.map_err(|e| refuse(RefusalKind::Internal, e.to_string()))??)
    }
}

/// Tells which events belong to a run: its own, and those of its jobs.
struct OfRun {
    run: RunId,
    own: String,
    jobs: HashSet<JobId>,
    ended: bool,
}

impl OfRun {
    fn takes(&mut self, event: &Event) -> bool {
        if self.ended {
            return false;
        }
        if event.tag.as_str().starts_with(&self.own) {
            self.ended = matches!(Fact::of(event), Ok(Some(Fact::RunEnded(_))));
            return true;
        }
        let mut parts = event.tag.parts();
        if !matches!((parts.next(), parts.next()), (Some("salt" | "lab"), Some("job"))) {
            return false;
        }
        let Some(jid) = parts.next().and_then(|j| j.parse::<JobId>().ok()) else { return false };
        if let Ok(Some(Fact::JobNew(new))) = Fact::of(event)
            && new.step.is_some_and(|s| s.run == self.run)
        {
            self.jobs.insert(jid);
        }
        self.jobs.contains(&jid)
    }
}

fn describe(record: &RunRecord) -> Value {
    let state = match record.done {
        None => "running",
        Some(RunEnd::Succeeded) => "succeeded",
        Some(RunEnd::Failed) => "failed",
        Some(RunEnd::TimedOut) => "timed_out",
    };
    Value::from([
        ("run", Value::from(record.run.to_string())),
        ("name", record.name.as_str().into()),
        ("state", state.into()),
        ("started", record.at.to_string().into()),
        ("user", record.user.as_str().into()),
        ("after", record.after.into()),
    ])
}

/// Replays a run that has ended and asks it. Blocking.
fn explain_past(
    shared: &Shared,
    record: &RunRecord,
    step: &lab_proto::StepId,
) -> Result<Option<Explanation>, Stop> {
    let refused = |text: String| refuse(RefusalKind::Refused, text);
    let mut at = Position { log_id: shared.store.log_id(), seq: record.after };
    let blobs = |digest: &Digest| shared.runner.stored(digest);
    let mut engine: Option<Engine> = None;
    loop {
        let events =
            shared.store.read(at, READ_CHUNK).map_err(|e| Stop::from(crate::server::tail::refusal(&e)))?;
        let Some(last) = events.last() else { break };
        at = last.position;
        for event in &events {
            match (&mut engine, Fact::of(event)) {
                (Some(engine), _) => engine.handle_event(event),
                (None, Ok(Some(Fact::RunStarted(started)))) if started.run == record.run => {
                    let replayed = Engine::replay(record.run, [event], &blobs);
                    engine = Some(replayed.map_err(|e| refused(e.to_string()))?);
                }
                _ => {}
            }
        }
        if engine.as_ref().is_some_and(|e| e.outcome().is_some()) {
            break;
        }
    }
    Ok(engine.and_then(|e| e.explain(step)))
}
