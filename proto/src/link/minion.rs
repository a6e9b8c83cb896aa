//! The minion's end of the control stream.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Liveness, Violation, Wake};
use crate::ids::Position;
use crate::time::Timestamp;
use crate::v1::link::{CloseReason, Hello, LinkRefusal, StreamOpen, ToMaster, ToMinion, Welcome};
use crate::version::{self, NoCommonVersion, VersionRange};

/// How long a master may take to answer a hello.
const WELCOME_PATIENCE: Duration = Duration::from_secs(15);
/// How many of the master's answers to heartbeats may be missed before the link is taken for dead.
const MISSED_ACKS: u32 = 3;

/// One connection's control stream, from hello to close. See the module's doc for how to drive it.
#[derive(Debug)]
pub struct MinionSession {
    versions: VersionRange,
    phase: Phase,
    heartbeat: Heartbeat,
    transmits: VecDeque<ToMaster>,
    events: VecDeque<MinionEvent>,
}

#[derive(Debug)]
enum Phase {
    AwaitWelcome { until: Timestamp },
    Up { master: Liveness },
    Closed,
}

#[derive(Debug, Default)]
struct Heartbeat {
    interval: Duration,
    due: Option<Timestamp>,
    number: u64,
    jobs: u32,
    change_pending_until: Option<Timestamp>,
    /// The heartbeat that must be answered, and until when: the way to the master is a new one.
    proof: Option<(u64, Timestamp)>,
}

/// What a session tells the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MinionEvent {
    /// The link is up: open the other streams.
    Welcomed(Welcome),
    /// The master refuses the link.
    Refused(LinkRefusal),
    /// The log has grown: what new events may claim to have seen.
    Head(Position),
    /// A fresh certificate, DER.
    Certificate(Vec<u8>),
    /// The master says good-bye.
    Closing(CloseReason),
    /// The master has been silent for too long: dial a new connection.
    MasterSilent,
}

impl MinionSession {
    /// Starts a session; returns it with the frame that opens the stream.
    pub fn new(hello: Hello, now: Timestamp) -> (Self, StreamOpen) {
        let session = Self {
            versions: hello.versions,
            phase: Phase::AwaitWelcome { until: now + WELCOME_PATIENCE },
            heartbeat: Heartbeat::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        };
        (session, StreamOpen::Control(hello))
    }

    /// Takes a frame from the master.
    ///
    /// # Errors
    /// When the frame does not belong there; the connection must be closed.
    pub fn handle(&mut self, frame: ToMinion, now: Timestamp) -> Result<(), Violation> {
        match (&mut self.phase, frame) {
            (Phase::Closed, _) => Ok(()),
            (Phase::AwaitWelcome { .. }, ToMinion::Welcome(welcome)) => self.welcomed(welcome, now),
            (Phase::AwaitWelcome { .. }, ToMinion::Refused(refusal)) => {
                self.close(MinionEvent::Refused(refusal));
                Ok(())
            }
            // Where the welcome could not be written down.
            (Phase::AwaitWelcome { .. } | Phase::Up { .. }, ToMinion::Closing(reason)) => {
                self.close(MinionEvent::Closing(reason));
                Ok(())
            }
            (Phase::AwaitWelcome { .. }, other) => {
                Err(Violation(format!("{} before welcome", frame_name(&other))))
            }
            (Phase::Up { .. }, ToMinion::Welcome(_)) => Err(Violation("a second welcome".to_owned())),
            (Phase::Up { .. }, ToMinion::Refused(refusal)) => {
                self.close(MinionEvent::Refused(refusal));
                Ok(())
            }
            (Phase::Up { master }, ToMinion::HeartbeatAck { number, head }) => {
                if number > self.heartbeat.number {
                    return Err(Violation(format!("answer to heartbeat {number}, which was never sent")));
                }
                master.heard(now, self.heartbeat.change_pending_until);
                self.heartbeat.proof.take_if(|(asked, _)| number >= *asked);
                self.events.push_back(MinionEvent::Head(head));
                Ok(())
            }
            (Phase::Up { master }, ToMinion::Certificate(der)) => {
                master.heard(now, self.heartbeat.change_pending_until);
                self.events.push_back(MinionEvent::Certificate(der));
                Ok(())
            }
        }
    }

    /// Takes a wake-up.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        match &mut self.phase {
            Phase::AwaitWelcome { until } if now >= *until => self.close(MinionEvent::MasterSilent),
            Phase::AwaitWelcome { .. } | Phase::Closed => {}
            Phase::Up { master } => {
                let unproven = self.heartbeat.proof.is_some_and(|(_, until)| now >= until);
                if master.handle_timeout(now) || unproven {
                    self.close(MinionEvent::MasterSilent);
                } else if self.heartbeat.due.is_some_and(|due| now >= due) {
                    self.beat(now);
                }
            }
        }
    }

    /// Returns when to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Wake> {
        match &self.phase {
            Phase::AwaitWelcome { until } => Some((*until, "welcome overdue")),
            Phase::Up { master } => {
                let beat = self.heartbeat.due.map(|due| (due, "heartbeat due"));
                let proof = self.heartbeat.proof.map(|(_, until)| (until, "answer over the new way due"));
                master.poll_timeout().into_iter().chain(beat).chain(proof).min_by_key(|(t, _)| *t)
            }
            Phase::Closed => None,
        }
    }

    /// Returns the next frame to send.
    pub fn poll_transmit(&mut self) -> Option<ToMaster> {
        self.transmits.pop_front()
    }

    /// Returns the next thing to tell the agent.
    pub fn poll_event(&mut self) -> Option<MinionEvent> {
        self.events.pop_front()
    }

    /// Notes how many jobs run or wait; heartbeats carry it.
    pub fn set_jobs(&mut self, jobs: u32) {
        self.heartbeat.jobs = jobs;
    }

    /// Announces a pending network change at once, so that the master does not take the silence for a loss.
    pub fn announce_change(&mut self, until: Option<Timestamp>, now: Timestamp) {
        self.heartbeat.change_pending_until = until;
        if matches!(self.phase, Phase::Up { .. }) {
            self.beat(now);
        }
    }

    /// Notes that the way to the master is another one now: unless the master answers over it within that time, this
    /// connection is given up for a new one, however patient it otherwise is. After an outage the old one may need as
    /// long again to find its pace.
    pub fn path_changed(&mut self, within: Duration, now: Timestamp) {
        if matches!(self.phase, Phase::Up { .. }) {
            self.beat(now);
            self.heartbeat.proof = Some((self.heartbeat.number, now + within));
        }
    }

    /// Sends the machine's grains.
    pub fn send_grains(&mut self, grains: crate::value::Map) {
        self.transmits.push_back(ToMaster::Grains(grains));
    }

    /// Asks for a fresh certificate.
    pub fn renew(&mut self, csr: Vec<u8>) {
        self.transmits.push_back(ToMaster::Renew { csr });
    }

    /// Says good-bye; the shell closes the connection after sending it.
    pub fn say_closing(&mut self, reason: CloseReason) {
        self.transmits.push_back(ToMaster::Closing(reason));
        self.phase = Phase::Closed;
    }

    fn welcomed(&mut self, welcome: Welcome, now: Timestamp) -> Result<(), Violation> {
        let Welcome { version, head: _, outbox_mark: _, heartbeat_micros, now: _ } = &welcome;
        if *version < self.versions.min || *version > self.versions.max {
            return Err(Violation(format!("welcome to version {version}, which was not offered")));
        }
        let interval = Duration::from_micros((*heartbeat_micros).clamp(10_000, 600_000_000));
        self.heartbeat.interval = interval;
        self.phase = Phase::Up { master: Liveness::new(interval, MISSED_ACKS, now) };
        self.events.push_back(MinionEvent::Welcomed(welcome));
        self.beat(now);
        Ok(())
    }

    fn beat(&mut self, now: Timestamp) {
        self.heartbeat.number += 1;
        self.heartbeat.due = Some(now + self.heartbeat.interval);
        let micros = |until: Timestamp| u64::try_from(until.since(now).as_micros()).unwrap_or(u64::MAX);
        self.transmits.push_back(ToMaster::Heartbeat {
            number: self.heartbeat.number,
            jobs: self.heartbeat.jobs,
            change_pending_micros: self.heartbeat.change_pending_until.map(micros),
        });
    }

    fn close(&mut self, event: MinionEvent) {
        self.phase = Phase::Closed;
        self.events.push_back(event);
    }
}

/// Picks the version for a hello, as the master does; kept beside the session so that both ends agree.
pub(super) fn pick(ours: VersionRange, hello: &Hello) -> Result<u16, NoCommonVersion> {
    version::negotiate(ours, hello.versions)
}

fn frame_name(frame: &ToMinion) -> &'static str {
    match frame {
        ToMinion::Welcome(_) => "welcome",
        ToMinion::Refused(_) => "refusal",
        ToMinion::HeartbeatAck { .. } => "answer to a heartbeat",
        ToMinion::Certificate(_) => "certificate",
        ToMinion::Closing(_) => "good-bye",
    }
}
