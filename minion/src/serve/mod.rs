//! The agent's shell: takes facts from the link, the disk, workers, timers and signals to the core, and carries out
//! what the core asks for. Decides nothing.

mod boot;
mod checks;
mod error;
mod lock;
mod net;
mod notify;
mod returns;
mod socket;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lab_proto::ids::JobId;
use lab_proto::v1::link::{CloseReason, JobState, LinkRefusal};
use lab_proto::{EndState, Value};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use self::lock::Lock;
pub use boot::{BootError, Options, start};
pub(crate) use boot::{enrol_grains, machine_id, pin};
pub use error::ServeError;
pub use socket::{SendError, send_event, send_events};

use crate::agent::{Agent, Effect, Finished, GoDown};
use crate::clock::Clock;
use crate::config::Config;
use crate::disk::Disk;
use crate::identity::{Credentials, Identity, Pki};
use crate::link::{Link, LinkCommand, LinkEvent};
use crate::workers::{self, Assignment, Cancel, Env, Request, RunningJob};

/// Results that may wait for the loop: it drains them at once.
const WAITING: usize = 64;
/// How long the link may take to say good-bye.
const GOODBYE: Duration = Duration::from_secs(3);
/// How long jobs may take to end with the agent: their commands are told at once, and killed eight seconds later.
const WIND_DOWN: Duration = Duration::from_secs(10);
/// How often a reboot that was asked for but does not happen is looked at.
const STILL_UP: Duration = Duration::from_secs(120);

/// What the shell's own tasks and threads report.
#[derive(Debug)]
pub(crate) enum Report {
    Journalled(JobId),
    JournalFailed(JobId, String),
    Stored(JobId, u64),
    Said,
    Finished(JobId, Finished),
    Checked(Option<String>),
    PowerFailed(String),
}

/// The running agent.
pub struct Shell {
    /// Released last.
    _lock: Lock,
    agent: Agent,
    link: Link,
    link_task: tokio::task::JoinHandle<()>,
    disk: Disk,
    env: Arc<Env>,
    clock: Clock,
    config: Config,
    pki: Pki,
    identity: Arc<Identity>,
    credentials: Credentials,
    reports_tx: mpsc::Sender<Report>,
    reports: mpsc::Receiver<Report>,
    requests: mpsc::Receiver<Request>,
    cancels: BTreeMap<JobId, Cancel>,
    returns: returns::Returns,
    was_ready: bool,
    /// Why there is no link, as it was said last.
    no_link: Option<String>,
}

/// One turn's fact.
enum Turn {
    Link(Option<LinkEvent>),
    Report(Report),
    Request(Request),
    Timeout,
    Renew,
    Watchdog,
    ReadGrains,
    DiskEnded,
    Terminate(&'static str),
}

impl Shell {
    /// Runs until a signal or the end of the machine.
    ///
    /// # Errors
    /// When signals cannot be received, or nothing can be stored any more.
    pub async fn run(mut self) -> Result<(), ServeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
        let mut watchdog = notify::watchdog();
        let mut renew_at = self.credentials.renew_at();
        let mut read_grains = tokio::time::interval(self.config.grains.refresh.max(Duration::from_secs(1)));
        read_grains.reset();
        notify::ready();
        self.carry_out().await;
        let disk = self.disk.clone();
        let mut disk_ended = std::pin::pin!(disk.ended());
        let mut ended = Ok(());
        loop {
            let wake =
                self.agent.poll_timeout().map_or(Duration::from_secs(3600), |(at, _)| self.clock.until(at));
            let renew = renew_at.map_or(Duration::from_secs(3600), |at| {
                at.since(crate::clock::wall_clock())
                    .clamp(Duration::from_millis(100), Duration::from_secs(3600))
            });
            let turn = tokio::select! {
                event = self.link.events.recv() => Turn::Link(event),
                Some(report) = self.reports.recv() => Turn::Report(report),
                Some(request) = self.requests.recv() => Turn::Request(request),
                () = tokio::time::sleep(wake) => Turn::Timeout,
                () = tokio::time::sleep(renew), if renew_at.is_some() => Turn::Renew,
                () = notify::tick(&mut watchdog) => Turn::Watchdog,
                _ = read_grains.tick() => Turn::ReadGrains,
                () = &mut disk_ended => Turn::DiskEnded,
                _ = terminate.recv() => Turn::Terminate("SIGTERM"),
                _ = interrupt.recv() => Turn::Terminate("SIGINT"),
            };
            match turn {
                Turn::Terminate(signal) => {
                    tracing::info!(signal, "the agent ends");
                    break;
                }
                Turn::DiskEnded => {
                    ended = Err(ServeError::Outbox { dir: self.config.data_dir.join("outbox") });
                    break;
                }
                Turn::Watchdog => notify::alive(),
                Turn::ReadGrains => {
                    self.read_grains();
                    if self.cancels.is_empty() {
                        // What the jobs since then used of the program.
                        crate::memory::give_back_program();
                    }
                }
                Turn::Renew => renew_at = self.renew().await,
                Turn::Link(None) => break,
                Turn::Link(Some(event)) => {
                    if let LinkEvent::Certificate(der) = &event {
                        renew_at = self.take_certificate(der).await.or(renew_at);
                    }
                    self.handle_link(event);
                }
                Turn::Report(report) => {
                    let still_up = matches!(report, Report::PowerFailed(_));
                    self.handle_report(report);
                    if still_up {
                        let _ = self.link.commands.send(LinkCommand::Reopen).await;
                    }
                }
                Turn::Request(request) => self.handle_request(request).await,
                Turn::Timeout => self.agent.handle_timeout(self.clock.now()),
            }
            self.carry_out().await;
        }
        notify::stopping();
        tokio::select! {
            () = self.wind_down() => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.goodbye(CloseReason::Shutdown).await;
        self.link_task.abort();
        ended
    }

    fn handle_link(&mut self, event: LinkEvent) {
        let now = self.clock.now();
        match event {
            LinkEvent::Up { master } => {
                let here = crate::clock::wall_clock();
                let skew = here.since(master).max(master.since(here));
                if skew > Duration::from_secs(60) {
                    tracing::warn!(%here, %master, ?skew, "the clock differs from the master's");
                }
                self.agent.handle_master_time(master);
                self.returns.link_is_up();
            }
            LinkEvent::Registered => {
                tracing::info!("the link to the master is up");
                self.no_link = None;
                notify::status("connected");
                self.agent.handle_registered();
            }
            LinkEvent::Publish { job, pillar } => self.agent.handle_publish(*job, pillar, now),
            LinkEvent::Kill { jid, by } => self.agent.handle_kill(jid, &by, now),
            LinkEvent::Acked(counter) => self.agent.handle_acked(counter),
            LinkEvent::EventRefused { counter, reason } => {
                tracing::warn!(counter, reason, "the master refuses an event for ever");
            }
            LinkEvent::Certificate(_) => {}
            LinkEvent::Refused(refusal) => self.tell_refused(&refusal),
            LinkEvent::Down { why, was_up } => {
                if was_up {
                    tracing::warn!(why, "the link to the master is down");
                } else if self.no_link.as_deref() == Some(why.as_str()) {
                    // Said once is enough, however often it is tried.
                    tracing::debug!(why, "still no link to the master");
                } else {
                    tracing::info!(why, "no link to the master yet; it is tried again and again");
                }
                self.no_link = Some(why);
                notify::status("not connected");
                self.agent.handle_link_lost();
            }
        }
    }

    fn tell_refused(&mut self, refusal: &LinkRefusal) {
        let remedy = match refusal {
            LinkRefusal::WrongId { certificate, .. } => format!(
                "this machine has the key of {certificate} (a cloned disk?): {}",
                self.identity.clone_remedy(&self.config.data_dir)
            ),
            LinkRefusal::Version(_) => "use a release that both speak".to_owned(),
            LinkRefusal::NotAccepted => format!("on the master: lab-master key accept {}", self.env.id),
            // It goes on by itself, or is a bug that the words name.
            LinkRefusal::OutboxRewound { .. } | LinkRefusal::Violation(_) => String::new(),
        };
        if self.no_link.as_deref() == Some(refusal.to_string().as_str()) {
            tracing::debug!(%refusal, "the master still refuses the link");
        } else {
            tracing::error!(%refusal, remedy, "the master refuses the link");
        }
    }

    fn handle_report(&mut self, report: Report) {
        let now = self.clock.now();
        match report {
            Report::Journalled(jid) => self.agent.handle_journalled(jid, now),
            Report::JournalFailed(jid, error) => self.agent.handle_journal_failed(jid, &error, now),
            Report::Stored(jid, counter) => self.agent.handle_stored(jid, counter, now),
            Report::Said => self.agent.handle_said(),
            Report::Finished(jid, finished) => {
                self.cancels.remove(&jid);
                tracing::info!(%jid, state = finished.state.as_str(), success = finished.success, "job ended");
                self.agent.handle_finished(jid, finished, now);
            }
            Report::Checked(passed) => {
                let first = passed.is_some() && !std::mem::replace(&mut self.was_ready, true);
                if first {
                    tracing::info!(checks = passed.as_deref(), "ready");
                }
                self.agent.handle_checks(passed, now);
                if first {
                    crate::memory::give_back_program();
                }
            }
            Report::PowerFailed(error) => {
                tracing::error!(error, "the machine does not go down");
                self.agent.handle_power_failed(&error);
            }
        }
    }

    async fn handle_request(&mut self, request: Request) {
        match request {
            Request::Kill { jid, by } => self.agent.handle_kill(jid, &by, self.clock.now()),
            Request::GrainsChanged => {
                let grains = self.env.grains().as_map().cloned().unwrap_or_default();
                let _ = self.link.commands.send(LinkCommand::Grains(grains)).await;
            }
        }
    }

    /// Does what the core asks for.
    async fn carry_out(&mut self) {
        while let Some(effect) = self.agent.poll_effect() {
            match effect {
                Effect::Journal { entries, jid } => {
                    let (disk, reports) = (self.disk.clone(), self.reports_tx.clone());
                    tokio::spawn(async move {
                        let report = match disk.journal(entries).await {
                            Ok(()) => Report::Journalled(jid),
                            Err(e) => {
                                let text = e.map_or("the agent ends".to_owned(), |e| crate::chain(&e));
                                Report::JournalFailed(jid, text)
                            }
                        };
                        let _ = reports.send(report).await;
                    });
                }
                Effect::Return { ret, end } => self.returns.store(*ret, end, self.reports_tx.clone()),
                Effect::Say { tag, data } => self.returns.say(tag, data, self.reports_tx.clone()),
                Effect::Tell(frame) => {
                    let _ = self.link.commands.send(LinkCommand::Tell(frame)).await;
                }
                Effect::Run { job, pillar, deadline } => {
                    tracing::info!(jid = %job.jid, fun = job.fun, user = job.user, "job starts");
                    let cancel = Cancel::default();
                    let jid = job.jid;
                    self.cancels.insert(jid, cancel.clone());
                    let reports = self.reports_tx.clone();
                    let done =
                        move |jid, finished| drop(reports.blocking_send(Report::Finished(jid, finished)));
                    let assignment = Assignment { job: *job, pillar, deadline, cancel };
                    if let Err(e) = workers::start(self.env.clone(), assignment, done) {
                        self.cancels.remove(&jid);
                        let finished = Finished {
                            state: EndState::Failed,
                            success: false,
                            retcode: 1,
                            value: Value::from(format!("no thread could be started: {e}")),
                            power: None,
                        };
                        self.agent.handle_finished(jid, finished, self.clock.now());
                    }
                }
                Effect::Cancel(jid) => {
                    if let Some(cancel) = self.cancels.get(&jid) {
                        cancel.cancel();
                    }
                }
                Effect::CheckReady => checks::start(self.reports_tx.clone()),
                Effect::GoDown(down) => self.go_down(down).await,
            }
        }
        self.publish_running().await;
    }

    fn read_grains(&self) {
        let env = self.env.clone();
        std::thread::spawn(move || {
            if env.read_grains() {
                env.request(Request::GrainsChanged);
            }
        });
    }

    /// Lets `saltutil.running` and the heartbeats know what is live.
    async fn publish_running(&mut self) {
        let running: Vec<RunningJob> = self
            .agent
            .running()
            .map(|(spec, state)| RunningJob {
                jid: spec.jid,
                fun: spec.fun.clone(),
                args: spec.args.clone(),
                state: match state {
                    Some(JobState::Running) => "running".to_owned(),
                    Some(JobState::Queued(n)) => format!("queued: {n} before it"),
                    Some(JobState::Ended | JobState::Refused(_)) | None => "starting".to_owned(),
                },
                user: spec.user.clone(),
            })
            .collect();
        if running != self.env.running() {
            let live = u32::try_from(running.len()).unwrap_or(u32::MAX);
            self.env.set_running(running);
            let _ = self.link.commands.send(LinkCommand::Jobs(live)).await;
        }
    }

    async fn go_down(&mut self, down: GoDown) {
        tracing::info!(jid = %down.jid, request = ?down.request, "the machine goes down");
        notify::status("the machine goes down");
        self.goodbye(CloseReason::Reboot(Some(down.jid))).await;
        let (command, reports) = (self.config.reboot.command.clone(), self.reports_tx.clone());
        std::thread::spawn(move || {
            let error = match crate::power::go_down(down.request, &command) {
                Ok(()) => {
                    std::thread::sleep(STILL_UP);
                    format!("still up {} s after it was told to go down", STILL_UP.as_secs())
                }
                Err(e) => crate::chain(&e),
            };
            let _ = reports.blocking_send(Report::PowerFailed(error));
        });
    }

    /// Ends the commands of jobs that run: left alone they would work on while their jobs count as interrupted, which is what
    /// the next start reports, whatever they return now.
    async fn wind_down(&mut self) {
        self.cancels.values().for_each(Cancel::cancel_gently);
        let mut late = std::pin::pin!(tokio::time::sleep(WIND_DOWN));
        while !self.cancels.is_empty() {
            tokio::select! {
                Some(report) = self.reports.recv() => {
                    if let Report::Finished(jid, _) = report {
                        self.cancels.remove(&jid);
                    }
                }
                // Or the link could not say good-bye.
                Some(_) = self.link.events.recv() => {}
                () = &mut late => {
                    tracing::warn!(jobs = self.cancels.len(), "jobs that do not end are left behind");
                    break;
                }
            }
        }
    }

    async fn goodbye(&mut self, reason: CloseReason) {
        let (done, heard) = oneshot::channel();
        if self.link.commands.send(LinkCommand::Close(reason, done)).await.is_ok() {
            let _ = tokio::time::timeout(GOODBYE, heard).await;
        }
    }

    /// Asks for a fresh certificate; returns when to ask again if none comes.
    async fn renew(&mut self) -> Option<lab_proto::Timestamp> {
        match self.identity.request(&self.env.id) {
            Ok(csr) => drop(self.link.commands.send(LinkCommand::Renew(csr)).await),
            Err(e) => tracing::error!(error = %crate::chain(&e), "no certificate request could be made"),
        }
        Some(crate::clock::wall_clock() + Duration::from_secs(60))
    }

    async fn take_certificate(&mut self, der: &[u8]) -> Option<lab_proto::Timestamp> {
        let fresh = Credentials { certificate: der.to_vec().into(), ca: self.credentials.ca.clone() };
        let stored = self.identity.check(der).and_then(|()| self.pki.store(&fresh));
        if let Err(e) = stored {
            tracing::error!(error = %crate::chain(&e), "the fresh certificate is not taken");
            return None;
        }
        tracing::info!("the certificate was renewed");
        self.credentials = fresh.clone();
        let _ = self.link.commands.send(LinkCommand::Credentials(fresh)).await;
        self.credentials.renew_at()
    }
}
