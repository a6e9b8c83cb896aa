//! The master's end of the control stream.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Liveness, Violation, Wake, intake, minion};
use crate::ids::{MinionId, Position};
use crate::time::Timestamp;
use crate::v1::link::{CloseReason, Hello, LinkRefusal, ToMaster, ToMinion, Welcome};
use crate::value::Map;
use crate::version::VersionRange;

/// What a master asks of every link.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// How often minions send heartbeats.
    pub heartbeat: Duration,
    /// After how many missed ones a minion is lost.
    pub missed: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(5), missed: 3 }
    }
}

/// One moment by both of a master's clocks, which drift apart when the machine sleeps or its clock is set.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// By the one that deadlines are taken from and that never leaves the master.
    pub steady: Timestamp,
    /// By the one that jobs and stamps are made from, which the minion is told.
    pub real: Timestamp,
}

/// One minion connection's control stream, from an accepted hello to its close. See the module's doc for how
/// to drive it.
#[derive(Debug)]
pub struct MasterSession {
    hello: Hello,
    liveness: Liveness,
    last_number: u64,
    transmits: VecDeque<ToMinion>,
    events: VecDeque<MasterEvent>,
    closed: bool,
}

/// What a session tells the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterEvent {
    /// A heartbeat came.
    Heartbeat {
        /// How many jobs run or wait there.
        jobs: u32,
        /// Until when silence is excused.
        change_pending_until: Option<Timestamp>,
    },
    /// The minion's heartbeats stopped.
    Lost {
        /// When it was last heard.
        last_heard: Timestamp,
    },
    /// Heartbeats came again on the same connection.
    Found,
    /// New grains.
    Grains(Map),
    /// The minion asks for a fresh certificate.
    Renew {
        /// Its request, DER.
        csr: Vec<u8>,
    },
    /// The minion says good-bye.
    Closing(CloseReason),
}

impl MasterSession {
    /// Judges a hello against what the certificate proved and what the log has of the outbox. The welcome is
    /// the session's first frame.
    ///
    /// # Errors
    /// When the link must be refused; the refusal is to be sent before the connection closes.
    pub fn accept(
        hello: Hello,
        certified: &MinionId,
        ours: VersionRange,
        outbox_mark: u64,
        head: Position,
        limits: SessionLimits,
        now: Clocks,
    ) -> Result<Self, LinkRefusal> {
        let version = minion::pick(ours, &hello).map_err(LinkRefusal::Version)?;
        if hello.id != *certified {
            return Err(LinkRefusal::WrongId { certificate: certified.clone(), hello: hello.id });
        }
        intake::check_hello(outbox_mark, &hello)?;
        let heartbeat_micros = u64::try_from(limits.heartbeat.as_micros()).unwrap_or(u64::MAX);
        let welcome = Welcome { version, head, outbox_mark, heartbeat_micros, now: now.real };
        Ok(Self {
            hello,
            liveness: Liveness::new(limits.heartbeat, limits.missed, now.steady),
            last_number: 0,
            transmits: VecDeque::from([ToMinion::Welcome(welcome)]),
            events: VecDeque::new(),
            closed: false,
        })
    }

    /// Returns the hello.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Takes a frame from the minion; `head` is the log's newest durable position.
    ///
    /// # Errors
    /// When the frame does not belong there; the connection must be closed.
    pub fn handle(&mut self, frame: ToMaster, head: Position, now: Timestamp) -> Result<(), Violation> {
        if self.closed {
            return Ok(());
        }
        match frame {
            ToMaster::Heartbeat { number, jobs, change_pending_micros } => {
                if number <= self.last_number {
                    return Err(Violation(format!("heartbeat {number} after {}", self.last_number)));
                }
                self.last_number = number;
                let change_pending_until =
                    change_pending_micros.map(|micros| now + Duration::from_micros(micros));
                if self.liveness.heard(now, change_pending_until) {
                    self.events.push_back(MasterEvent::Found);
                }
                self.transmits.push_back(ToMinion::HeartbeatAck { number, head });
                self.events.push_back(MasterEvent::Heartbeat { jobs, change_pending_until });
            }
            ToMaster::Grains(grains) => self.events.push_back(MasterEvent::Grains(grains)),
            ToMaster::Renew { csr } => self.events.push_back(MasterEvent::Renew { csr }),
            ToMaster::Closing(reason) => {
                self.closed = true;
                self.events.push_back(MasterEvent::Closing(reason));
            }
        }
        Ok(())
    }

    /// Takes a wake-up.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if !self.closed && self.liveness.handle_timeout(now) {
            self.events.push_back(MasterEvent::Lost { last_heard: self.liveness.last_heard() });
        }
    }

    /// Returns when to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Wake> {
        if self.closed { None } else { self.liveness.poll_timeout() }
    }

    /// Returns the next frame to send.
    pub fn poll_transmit(&mut self) -> Option<ToMinion> {
        self.transmits.pop_front()
    }

    /// Returns the next thing to tell the master.
    pub fn poll_event(&mut self) -> Option<MasterEvent> {
        self.events.pop_front()
    }

    /// Sends a fresh certificate.
    pub fn send_certificate(&mut self, der: Vec<u8>) {
        self.transmits.push_back(ToMinion::Certificate(der));
    }

    /// Says good-bye; the shell closes the connection after sending it.
    pub fn say_closing(&mut self, reason: CloseReason) {
        self.transmits.push_back(ToMinion::Closing(reason));
        self.closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MinionEvent, MinionSession};
    use super::*;
    use crate::event::Boot;
    use crate::ids::{BootId, LogId, MachineId, OutboxId, ProcessId};
    use crate::v1::link::StreamOpen;
    use crate::version::SUPPORTED;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn head(seq: u64) -> Position {
        Position { log_id: LogId::from_u128(1), seq }
    }

    fn id(name: &str) -> MinionId {
        MinionId::new(name).expect("valid")
    }

    fn hello(versions: VersionRange, outbox_head: u64) -> Hello {
        Hello {
            versions,
            id: id("web1"),
            boot: Boot { id: BootId::from_u128(1), number: 1 },
            booted_at: at(0),
            earlier_boots: vec![],
            machine_id: MachineId::from_u128(2),
            process: ProcessId::from_u128(3),
            outbox_id: OutboxId::from_u128(4),
            outbox_head,
            version: "0.1.0".to_owned(),
            now: at(100),
        }
    }

    fn accept(hello: Hello, mark: u64) -> Result<MasterSession, LinkRefusal> {
        // The machine slept for a thousand seconds since the master started.
        let now = Clocks { steady: at(103), real: at(1103) };
        MasterSession::accept(hello, &id("web1"), SUPPORTED, mark, head(9), SessionLimits::default(), now)
    }

    /// Carries frames both ways until neither end has more to say.
    fn exchange(minion: &mut MinionSession, master: &mut MasterSession, now: Timestamp) {
        loop {
            let (up, down) = (minion.poll_transmit(), master.poll_transmit());
            if up.is_none() && down.is_none() {
                break;
            }
            if let Some(f) = up {
                master.handle(f, head(10), now).expect("allowed");
            }
            if let Some(f) = down {
                minion.handle(f, now).expect("allowed");
            }
        }
    }

    #[test]
    fn a_hello_is_welcomed_and_heartbeats_keep_both_ends_alive() {
        let (mut minion, open) = MinionSession::new(hello(SUPPORTED, 5), at(100));
        let StreamOpen::Control(sent) = open else { panic!("control stream expected") };
        let mut master = accept(sent, 5).expect("welcome");
        exchange(&mut minion, &mut master, at(100));
        let Some(MinionEvent::Welcomed(welcome)) = minion.poll_event() else { panic!("welcome") };
        assert_eq!((welcome.version, welcome.outbox_mark), (1, 5));
        assert_eq!(welcome.now, at(1103), "jobs are made by the real clock");
        for now in (103..300).map(at) {
            minion.handle_timeout(now);
            master.handle_timeout(now);
            exchange(&mut minion, &mut master, now);
        }
        assert!(!std::iter::from_fn(|| master.poll_event()).any(|e| matches!(e, MasterEvent::Lost { .. })));
        assert!(!std::iter::from_fn(|| minion.poll_event()).any(|e| e == MinionEvent::MasterSilent));
    }

    #[test]
    fn silence_is_lost_for_the_master_and_a_reason_to_redial_for_the_minion() {
        let (mut minion, _) = MinionSession::new(hello(SUPPORTED, 0), at(100));
        let mut master = accept(hello(SUPPORTED, 0), 0).expect("welcome");
        exchange(&mut minion, &mut master, at(103));
        for now in (104..140).map(at) {
            minion.handle_timeout(now);
            master.handle_timeout(now);
        }
        let lost = MasterEvent::Lost { last_heard: at(103) };
        assert_eq!(std::iter::from_fn(|| master.poll_event()).filter(|e| *e == lost).count(), 1);
        assert_eq!(std::iter::from_fn(|| minion.poll_event()).last(), Some(MinionEvent::MasterSilent));
        assert_eq!(minion.poll_timeout(), None);
    }

    #[test]
    fn a_pending_change_is_told_in_the_masters_time_and_its_new_way_must_be_proven_soon() {
        let (mut minion, _) = MinionSession::new(hello(SUPPORTED, 0), at(100));
        let mut master = accept(hello(SUPPORTED, 0), 0).expect("welcome");
        exchange(&mut minion, &mut master, at(100));
        minion.announce_change(Some(at(200)), at(101));
        exchange(&mut minion, &mut master, at(104));
        let told = std::iter::from_fn(|| master.poll_event()).last();
        let until = Some(at(203));
        assert_eq!(
            told,
            Some(MasterEvent::Heartbeat { jobs: 0, change_pending_until: until }),
            "99 s from when it comes, by the steady clock"
        );
        minion.path_changed(Duration::from_secs(2), at(102));
        exchange(&mut minion, &mut master, at(105));
        minion.handle_timeout(at(104));
        assert!(minion.poll_timeout().is_some(), "it was proven");
        minion.path_changed(Duration::from_secs(2), at(105));
        minion.handle_timeout(at(107));
        assert_eq!(std::iter::from_fn(|| minion.poll_event()).last(), Some(MinionEvent::MasterSilent));
    }

    #[test]
    fn hellos_that_do_not_fit_are_refused_by_name() {
        let newer = VersionRange { min: 7, max: 9 };
        assert!(matches!(accept(hello(newer, 0), 0), Err(LinkRefusal::Version(_))));
        let other = MasterSession::accept(
            hello(SUPPORTED, 0),
            &id("web2"),
            SUPPORTED,
            0,
            head(0),
            SessionLimits::default(),
            Clocks { steady: at(0), real: at(0) },
        );
        assert!(matches!(other, Err(LinkRefusal::WrongId { .. })));
        assert_eq!(
            accept(hello(SUPPORTED, 4), 5).map(|_| ()),
            Err(LinkRefusal::OutboxRewound { head: 4, mark: 5 })
        );
    }

    #[test]
    fn a_minion_hears_why_it_is_not_welcomed() {
        let (mut minion, _) = MinionSession::new(hello(SUPPORTED, 0), at(100));
        let reason = CloseReason::NotRecorded("that the link is up".to_owned());
        minion.handle(ToMinion::Closing(reason.clone()), at(100)).expect("allowed");
        assert_eq!(minion.poll_event(), Some(MinionEvent::Closing(reason)));
        assert_eq!(minion.poll_timeout(), None);
    }

    #[test]
    fn frames_out_of_place_are_violations() {
        let (mut minion, _) = MinionSession::new(hello(SUPPORTED, 0), at(100));
        assert!(minion.handle(ToMinion::HeartbeatAck { number: 1, head: head(0) }, at(100)).is_err());
        let mut master = accept(hello(SUPPORTED, 0), 0).expect("welcome");
        let beat = |number| ToMaster::Heartbeat { number, jobs: 0, change_pending_micros: None };
        assert!(master.handle(beat(2), head(0), at(104)).is_ok());
        assert!(master.handle(beat(2), head(0), at(105)).is_err());
    }
}
