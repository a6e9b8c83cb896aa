//! The link to the master as the agent sees it: events in, commands out, whatever the network does meanwhile.
//!
//! One task dials, keeps one connection and dials again with jittered back-off. The protocol itself is
//! [`lab_proto::link`]; this shell carries its frames. Decides nothing about jobs or events.

mod commands;
mod dial;
mod events;
mod frames;
mod jobs;
mod query;
mod session;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lab_proto::event::Boot;
use lab_proto::ids::{JobId, MachineId, MinionId, Position, ProcessId};
use lab_proto::link::Backoff;
use lab_proto::v1::link::{CloseReason, JobsUp, LinkRefusal};
use lab_proto::{JobSpec, Map, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use commands::Commands;
pub use dial::{DialError, Dialer};
pub(crate) use frames::{FrameReader, FrameWriter, StreamError};
pub(crate) use query::known;
pub use query::{Queries, QueryError};

use crate::clock::{self, Clock};
use crate::disk::Disk;
use crate::identity::{Credentials, Identity, Pin};

/// What may wait between the link and the agent, either way: small, because both sides drain it at once.
const WAITING: usize = 64;
/// How many commands of the agent and states of jobs may wait, and how many pieces of live output; more output is dropped.
const OUTGOING: usize = 512;

/// What never changes while this process lives.
#[derive(Clone, Debug)]
pub struct Myself {
    /// The minion.
    pub id: MinionId,
    /// The present boot.
    pub boot: Boot,
    /// When it began.
    pub booted_at: Timestamp,
    /// Boots before it.
    pub earlier_boots: Vec<Boot>,
    /// The machine.
    pub machine_id: MachineId,
    /// This process.
    pub process: ProcessId,
}

/// The newest master position that this minion knows: what its events say that they have seen.
#[derive(Clone, Debug, Default)]
pub struct LastSeen(Arc<Mutex<Option<Position>>>);

impl LastSeen {
    /// Returns the position.
    pub fn get(&self) -> Option<Position> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a newer one; another log replaces whatever was known of the old one.
    pub fn set(&self, position: Position) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none_or(|old| old.log_id != position.log_id || old.seq < position.seq) {
            *seen = Some(position);
        }
    }
}

/// What the link tells the agent.
#[derive(Debug)]
pub enum LinkEvent {
    /// The master answered the hello.
    Up {
        /// The master's real clock.
        master: Timestamp,
    },
    /// The master has the job stream.
    Registered,
    /// A job.
    Publish {
        /// The job.
        job: Box<JobSpec>,
        /// Its pillar.
        pillar: Map,
    },
    /// A job shall end.
    Kill {
        /// The job.
        jid: JobId,
        /// Who asked.
        by: String,
    },
    /// The master has every event up to this number.
    Acked(u64),
    /// The master refuses an event for ever.
    EventRefused {
        /// Its number.
        counter: u64,
        /// Why.
        reason: String,
    },
    /// A fresh certificate, DER.
    Certificate(Vec<u8>),
    /// The master refuses the link; it is tried again later.
    Refused(LinkRefusal),
    /// The link is gone, or was not to be had.
    Down {
        /// Why.
        why: String,
        /// Whether it had been up.
        was_up: bool,
    },
}

/// What the agent tells the link.
#[derive(Debug)]
pub enum LinkCommand {
    /// The state of a job, for the job stream.
    Tell(JobsUp),
    /// The machine's grains, now and on every new link.
    Grains(Map),
    /// How many jobs are live.
    Jobs(u32),
    /// A certificate request.
    Renew(Vec<u8>),
    /// Another certificate for the next connection.
    Credentials(Credentials),
    /// A network change is pending until then, or none is any more.
    ChangePending(Option<Timestamp>),
    /// The network is another one: a connection that does not answer soon is given up.
    PathChanged,
    /// Good-bye; answered when the master has had a chance to hear it. The link stays down until [`Self::Reopen`].
    Close(CloseReason, oneshot::Sender<()>),
    /// The good-bye was premature: dial again.
    Reopen,
}

/// The agent's end of the link.
#[derive(Debug)]
pub struct Link {
    /// What the link tells.
    pub events: mpsc::Receiver<LinkEvent>,
    /// What it is told.
    pub commands: mpsc::Sender<LinkCommand>,
    /// Live output of jobs for the job stream. What finds no room may be dropped, and is while there is no link.
    pub output: mpsc::Sender<JobsUp>,
    /// Questions to the master.
    pub queries: Queries,
    /// What the master's log is known to hold.
    pub seen: LastSeen,
}

/// What a link needs to come up.
pub struct Setup {
    /// Who dials.
    pub myself: Myself,
    /// Where masters are, tried in turn.
    pub dialer: Dialer,
    /// The key.
    pub identity: Arc<Identity>,
    /// The certificate and the CA.
    pub credentials: Credentials,
    /// The outbox.
    pub disk: Disk,
    /// The clock.
    pub clock: Clock,
    /// The first and the longest pause between dials.
    pub backoff: (Duration, Duration),
}

/// Starts the link's task.
pub fn start(setup: Setup) -> (Link, tokio::task::JoinHandle<()>) {
    let (events_tx, events) = mpsc::channel(WAITING);
    let (commands, commands_rx) = mpsc::channel(OUTGOING);
    let (output, output_rx) = mpsc::channel(OUTGOING);
    let (connection, current) = watch::channel(None);
    let seen = LastSeen::default();
    let keeper = Keeper {
        backoff: Backoff::new(setup.backoff.0, setup.backoff.1),
        setup,
        events: events_tx,
        commands: Commands::new(commands_rx),
        output: output_rx,
        connection,
        seen: seen.clone(),
        standing: Standing::default(),
        expired: false,
        shut_out: false,
    };
    let queries = Queries::new(current, tokio::runtime::Handle::current());
    (Link { events, commands, output, queries, seen }, tokio::spawn(keeper.run()))
}

/// What the agent said last and every new connection must know.
#[derive(Debug, Default)]
struct Standing {
    grains: Option<Map>,
    jobs: u32,
    change_pending_until: Option<Timestamp>,
}

struct Keeper {
    setup: Setup,
    backoff: Backoff,
    events: mpsc::Sender<LinkEvent>,
    commands: Commands,
    output: mpsc::Receiver<JobsUp>,
    connection: watch::Sender<Option<quinn::Connection>>,
    seen: LastSeen,
    standing: Standing,
    /// The master said that the certificate has expired, by its clock.
    expired: bool,
    /// The master does not accept the key any more: only the enrolment door may let it in again.
    shut_out: bool,
}

/// How one connection ended.
enum Ended {
    /// It broke or was refused: dial again. It had been up for so long, if it was; one that another agent of the same minion
    /// took over counts as if it had lived only a moment, for the two would take it from each other as fast as they dial.
    Again { why: String, up_for: Option<Duration>, at_once: bool },
    /// The agent said good-bye.
    Closed,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            let ended = self.connect_and_serve().await;
            self.connection.send_replace(None);
            let Ended::Again { why, up_for, at_once } = ended else {
                if self.reopened().await {
                    continue;
                }
                return;
            };
            if let Some(lived) = up_for {
                self.backoff.link_ended(lived);
            }
            let was_up = up_for.is_some();
            if self.tell(LinkEvent::Down { why, was_up }).await.is_err() {
                return;
            }
            if !at_once && self.pause().await.is_break() && !self.reopened().await {
                return;
            }
        }
    }

    /// Tells the agent something.
    async fn tell(&mut self, event: LinkEvent) -> Result<(), commands::Gone> {
        self.commands.tell(&self.events, event).await
    }

    async fn connect_and_serve(&mut self) -> Ended {
        if (self.expired || self.shut_out || self.setup.credentials.is_expired(clock::wall_clock()))
            && let Some(ended) = self.renew_at_the_door().await
        {
            return ended;
        }
        let tls = match crate::identity::link_tls(&self.setup.credentials, self.setup.identity.private_key())
        {
            Ok(tls) => tls,
            Err(e) => return Ended::Again { why: e.to_string(), up_for: None, at_once: false },
        };
        let dial = self.setup.dialer.dial(tls);
        let connection = tokio::select! {
            connection = dial => connection,
            broken = Self::standing_commands(&mut self.commands, &mut self.standing, &mut self.setup.credentials) => {
                let _ = broken.map(|done| done.send(()));
                return Ended::Closed;
            }
        };
        match connection {
            Ok(connection) => {
                let ended = session::run(self, connection.clone()).await;
                self.expired = says(&connection, EXPIRED);
                if says(&connection, REVOKED) {
                    self.shut_out();
                }
                ended
            }
            Err(e) => Ended::Again { why: crate::chain(&e), up_for: None, at_once: false },
        }
    }

    /// Notes that the master does not accept this key any more, and says once what can be done.
    fn shut_out(&mut self) {
        if !std::mem::replace(&mut self.shut_out, true) {
            let (id, key) = (&self.setup.myself.id, self.setup.identity.fingerprint());
            tracing::warn!(
                %key,
                "the master does not accept this minion's key any more; it is asked for at the enrolment door from now on: \
                 `lab-master key list` there shows it, `lab-master key accept {id}` lets it in again"
            );
        }
    }

    /// Comes back from an absence that outlived the certificate, or from having been shut out: the enrolment door gives another
    /// certificate to whoever holds the accepted key, and lets a key wait that the master does not know (any more), as Salt's
    /// minions do. Returns how the attempt ended, unless there is a fresh one.
    async fn renew_at_the_door(&mut self) -> Option<Ended> {
        let Setup { myself, dialer, identity, credentials, .. } = &self.setup;
        let again = |why: String| Ended::Again { why, up_for: None, at_once: false };
        let Some(ca) = crate::identity::fingerprint_of(&credentials.ca) else {
            return Some(again("the CA's certificate cannot be read".to_owned()));
        };
        let request = crate::enrol::Request {
            id: myself.id.clone(),
            identity: identity.clone(),
            token: None,
            pin: Pin::Fingerprint(ca),
            grains: Map::new(),
            machine_id: Some(myself.machine_id),
        };
        let (dialer, mut until_closed) = (dialer.clone(), self.setup.credentials.clone());
        let enrolled = tokio::select! {
            enrolled = crate::enrol::enrol(&request, &dialer, |_| {}) => enrolled,
            broken = Self::standing_commands(&mut self.commands, &mut self.standing, &mut until_closed) => {
                let _ = broken.map(|done| done.send(()));
                return Some(Ended::Closed);
            }
        };
        match enrolled {
            Ok(enrolled) => {
                let why =
                    if self.shut_out { "the key is accepted again" } else { "the certificate had expired" };
                tracing::info!("{why}: the certificate was renewed at the enrolment door");
                let der = enrolled.credentials.certificate.to_vec();
                self.setup.credentials = enrolled.credentials;
                (self.expired, self.shut_out) = (false, false);
                self.tell(LinkEvent::Certificate(der)).await.err().map(|_| Ended::Closed)
            }
            Err(e) => {
                let what =
                    if self.shut_out { "the key is not accepted" } else { "the certificate has expired" };
                Some(again(format!("{what}: {}", crate::chain(&e))))
            }
        }
    }

    /// Stays down after a good-bye; tells whether the agent wants the link again.
    async fn reopened(&mut self) -> bool {
        loop {
            match self.commands.recv().await {
                Some(LinkCommand::Reopen) => return true,
                Some(LinkCommand::Close(_, done)) => {
                    // Whoever asked may have gone.
                    let _ = done.send(());
                }
                Some(LinkCommand::Grains(grains)) => self.standing.grains = Some(grains),
                Some(LinkCommand::Jobs(jobs)) => self.standing.jobs = jobs,
                Some(LinkCommand::Credentials(fresh)) => self.setup.credentials = fresh,
                Some(LinkCommand::ChangePending(until)) => self.standing.change_pending_until = until,
                Some(LinkCommand::Tell(_) | LinkCommand::Renew(_) | LinkCommand::PathChanged) => {}
                None => return false,
            }
        }
    }

    /// Waits before the next dial; commands that concern every connection are taken meanwhile.
    async fn pause(&mut self) -> std::ops::ControlFlow<()> {
        let delay = self.backoff.next_delay(clock::random_u64());
        tokio::select! {
            () = tokio::time::sleep(delay) => std::ops::ControlFlow::Continue(()),
            closed = Self::standing_commands(&mut self.commands, &mut self.standing, &mut self.setup.credentials) => {
                let _ = closed.map(|done| done.send(()));
                std::ops::ControlFlow::Break(())
            }
        }
    }

    /// Takes commands while there is no connection; returns when the agent says good-bye or is gone.
    async fn standing_commands(
        commands: &mut Commands,
        standing: &mut Standing,
        credentials: &mut Credentials,
    ) -> Option<oneshot::Sender<()>> {
        loop {
            match commands.recv().await? {
                LinkCommand::Grains(grains) => standing.grains = Some(grains),
                LinkCommand::Jobs(jobs) => standing.jobs = jobs,
                LinkCommand::Credentials(fresh) => *credentials = fresh,
                LinkCommand::ChangePending(until) => standing.change_pending_until = until,
                LinkCommand::Close(_, done) => return Some(done),
                // Live states are told again on the next job stream; a renewal is asked for again by its timer.
                LinkCommand::Tell(_)
                | LinkCommand::Renew(_)
                | LinkCommand::Reopen
                | LinkCommand::PathChanged => {}
            }
        }
    }
}

/// `certificate_revoked` and `certificate_expired` (RFC 8446), as QUIC carries alerts of TLS.
const REVOKED: u64 = 0x100 + 44;
const EXPIRED: u64 = 0x100 + 45;

/// Tells whether the master closed a connection with this code.
fn says(connection: &quinn::Connection, code: u64) -> bool {
    match connection.close_reason() {
        Some(quinn::ConnectionError::ConnectionClosed(close)) => u64::from(close.error_code) == code,
        _ => false,
    }
}
