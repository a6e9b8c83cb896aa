//! What becomes of hosts that are to reboot or to get ready, and the words for it.
//!
//! A dropped link, a restarted agent, a kexec, a second reboot and a host that never returns look alike to
//! who only waits for "the minion is back". The boot id tells them apart.

use std::fmt;

use indexmap::IndexMap;
use lab_proto::event::Boot;
use lab_proto::facts::{Fact, MinionAt, StartCause};
use lab_proto::{BootId, Event, MinionId, OutboxId, Position};

/// What became of a host that was to reboot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebootVerdict {
    /// It is ready in another boot.
    Rebooted,
    /// It is ready, and booted more than once on the way.
    RebootedAgain {
        /// How many boots there were.
        boots: u64,
    },
    /// It is ready under a kernel that another kernel started.
    Kexec,
    /// It booted and is not ready.
    NotReady,
    /// Its link dropped and it has not come back.
    NeverReturned,
    /// Only its agent was restarted.
    AgentRestarted,
    /// Its link dropped and came back; the host stayed up.
    LinkDropped,
    /// Nothing happened to it.
    StayedUp,
}

impl RebootVerdict {
    /// Tells whether the host is where it was to be.
    pub fn done(self) -> bool {
        matches!(self, Self::Rebooted | Self::RebootedAgain { .. } | Self::Kexec)
    }
}

impl fmt::Display for RebootVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rebooted => f.write_str("rebooted and ready"),
            Self::RebootedAgain { boots } => {
                write!(f, "rebooted and ready, but booted {boots} times on the way: look for a crash loop")
            }
            Self::Kexec => f.write_str("rebooted by kexec and ready; its firmware did not run"),
            Self::NotReady => {
                f.write_str("booted, but is not ready: see `lab-master minion show` for what it lacks")
            }
            Self::NeverReturned => f.write_str("went down and has not come back: look at its console"),
            Self::AgentRestarted => {
                f.write_str("did not reboot: only its agent was restarted, the boot is the same")
            }
            Self::LinkDropped => {
                f.write_str("did not reboot: its link dropped and came back, the boot is the same")
            }
            Self::StayedUp => f.write_str("did not reboot: it stayed up and connected in the same boot"),
        }
    }
}

/// The hosts that a step watches.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    since: Position,
    hosts: IndexMap<MinionId, Host>,
}

/// One host, from the step's entry on.
#[derive(Clone, Debug, Default)]
struct Host {
    known: Option<(Boot, Option<OutboxId>)>,
    ready_at_entry: bool,
    /// The boots after the known one, as they became known.
    boots: Vec<Boot>,
    /// How many boots the master counted at once when the host came back.
    told_boots: u64,
    kexec: bool,
    ready_in: Option<BootId>,
    /// Ready since the step was entered, in whatever boot.
    ready: bool,
    agent_restarts: u32,
    down: bool,
    drops: u32,
}

impl Watch {
    pub(super) fn new(since: Position, targets: &[MinionId], minions: &[MinionAt]) -> Self {
        let host = |id: &MinionId| {
            let at = minions.iter().find(|m| m.id == *id);
            Host {
                known: at.and_then(|m| m.boot.map(|b| (b, m.outbox))),
                ready_at_entry: at.is_some_and(|m| m.ready && m.connected),
                ..Host::default()
            }
        };
        Self { since, hosts: targets.iter().map(|id| (id.clone(), host(id))).collect() }
    }

    /// Takes what an event says of a watched host.
    pub(super) fn note(&mut self, event: &Event, fact: &Fact) {
        match fact {
            Fact::MinionStart(start) => {
                let Some((host, from)) = self.hosts.get_mut(&start.id).zip(event.origin.minion()) else {
                    return;
                };
                match start.cause {
                    StartCause::Boot => {
                        if host.booted(from.boot, Some(from.outbox_id)) {
                            host.kexec = start.kexec;
                        }
                    }
                    StartCause::AgentRestart => host.agent_restarts += 1,
                }
            }
            Fact::MinionReady(ready) => {
                let Some((host, from)) = self.hosts.get_mut(&ready.id).zip(event.origin.minion()) else {
                    return;
                };
                let new = host.booted(from.boot, Some(from.outbox_id));
                let fresh =
                    from.seen.is_some_and(|s| s.log_id == self.since.log_id && s.seq >= self.since.seq);
                if new || fresh || host.boots.iter().any(|b| b.id == from.boot.id) {
                    host.ready_in = Some(from.boot.id);
                    host.ready = true;
                }
            }
            Fact::MinionReboot(reboot) => {
                if let Some(host) = self.hosts.get_mut(&reboot.id) {
                    host.told_boots = host.told_boots.max(reboot.boots.len() as u64);
                }
            }
            Fact::MinionConnected(connected) => {
                if let Some(host) = self.hosts.get_mut(&connected.id) {
                    host.booted(connected.boot(), None);
                    host.down = false;
                }
            }
            Fact::MinionDisconnected(gone) => self.drop_link(&gone.id),
            Fact::MinionLost(lost) => self.drop_link(&lost.id),
            _ => {}
        }
    }

    fn drop_link(&mut self, id: &MinionId) {
        if let Some(host) = self.hosts.get_mut(id) {
            host.down = true;
            host.drops += 1;
        }
    }

    /// Judges each host by what is known now, for a step that reboots.
    pub(super) fn reboots(&self) -> impl Iterator<Item = (&MinionId, RebootVerdict)> {
        self.hosts.iter().map(|(id, host)| (id, host.verdict()))
    }

    /// Judges one host as [`Self::reboots`] does.
    pub(super) fn reboot(&self, id: &MinionId) -> Option<RebootVerdict> {
        self.hosts.get(id).map(Host::verdict)
    }

    /// Tells of each host whether it is ready, for a step that waits for that.
    pub(super) fn ready(&self) -> impl Iterator<Item = (&MinionId, bool)> {
        self.hosts.iter().map(|(id, host)| (id, host.ready || host.ready_at_entry))
    }
}

impl Host {
    /// Notes a boot if it is one after the known one; tells whether it is.
    fn booted(&mut self, boot: Boot, outbox: Option<OutboxId>) -> bool {
        if let Some((known, at)) = &self.known {
            let other_outbox = outbox.is_some() && at.is_some() && outbox != *at;
            if known.id == boot.id || (boot.number < known.number && !other_outbox) {
                return false;
            }
        }
        if !self.boots.iter().any(|b| b.id == boot.id) {
            self.boots.push(boot);
            self.boots.sort_by_key(|b| b.number);
        }
        true
    }

    fn verdict(&self) -> RebootVerdict {
        let Some(newest) = self.boots.last() else {
            return match () {
                () if self.down => RebootVerdict::NeverReturned,
                () if self.agent_restarts > 0 => RebootVerdict::AgentRestarted,
                () if self.drops > 0 => RebootVerdict::LinkDropped,
                () => RebootVerdict::StayedUp,
            };
        };
        if self.ready_in != Some(newest.id) {
            return if self.down { RebootVerdict::NeverReturned } else { RebootVerdict::NotReady };
        }
        let counted = self.known.map_or(1, |(known, _)| newest.number.saturating_sub(known.number));
        let boots = counted.max(self.boots.len() as u64).max(self.told_boots);
        match boots {
            0 | 1 if self.kexec => RebootVerdict::Kexec,
            0 | 1 => RebootVerdict::Rebooted,
            boots => RebootVerdict::RebootedAgain { boots },
        }
    }
}

#[cfg(test)]
mod tests {
    use lab_proto::facts::{MinionConnected, MinionDisconnected, MinionReady, MinionReboot, MinionStart};
    use lab_proto::ids::ProcessId;
    use lab_proto::{EventTag, Fingerprint, LogId, MachineId, MinionOrigin, Origin, Timestamp, Value};

    use super::*;

    fn boot(n: u64) -> Boot {
        Boot { id: BootId::from_u128(u128::from(n) * 1000), number: n }
    }

    fn n1() -> MinionId {
        MinionId::new("n1").expect("valid")
    }

    fn position(seq: u64) -> Position {
        Position { log_id: LogId::from_u128(1), seq }
    }

    fn verdict_after(facts: &[(u64, Fact)]) -> RebootVerdict {
        let known = MinionAt { id: n1(), boot: Some(boot(3)), outbox: None, connected: true, ready: true };
        let mut watch = Watch::new(position(10), &[n1()], &[known]);
        for (in_boot, fact) in facts {
            let origin = Origin::Minion(MinionOrigin {
                id: n1(),
                key: Fingerprint::of(b"k"),
                outbox_id: OutboxId::from_u128(9),
                counter: 1,
                boot: boot(*in_boot),
                seen: None,
                at: Timestamp::default(),
            });
            let tag = EventTag::new("x").expect("valid");
            let stamp = Timestamp::default();
            watch.note(&Event { position: position(11), stamp, tag, origin, data: Value::Null }, fact);
        }
        watch.reboots().next().expect("one host").1
    }

    fn start(cause: StartCause, kexec: bool) -> Fact {
        Fact::MinionStart(MinionStart { id: n1(), boot_id: boot(4).id, old_boot_id: None, cause, kexec })
    }

    fn ready() -> Fact {
        Fact::MinionReady(MinionReady { id: n1(), boot_id: boot(4).id, checks: "agent".into() })
    }

    fn gone() -> Fact {
        Fact::MinionDisconnected(MinionDisconnected {
            id: n1(),
            boot_id: boot(3).id,
            reason: "reset".into(),
            jid: None,
        })
    }

    fn back(n: u64) -> Fact {
        Fact::MinionConnected(MinionConnected {
            id: n1(),
            address: "127.0.0.1:1".into(),
            boot_id: boot(n).id,
            boot_number: n,
            process: ProcessId::from_u128(1),
            machine_id: MachineId::from_u128(1),
            version: "0.1.0".into(),
            agent_restarted: false,
        })
    }

    #[test]
    fn each_fate_of_a_host_gets_a_verdict_of_its_own() {
        let booted = || start(StartCause::Boot, false);
        let cases = [
            (vec![], RebootVerdict::StayedUp),
            (vec![(3, gone())], RebootVerdict::NeverReturned),
            (vec![(3, gone()), (3, back(3))], RebootVerdict::LinkDropped),
            (
                vec![(3, gone()), (3, back(3)), (3, start(StartCause::AgentRestart, false)), (3, ready())],
                RebootVerdict::AgentRestarted,
            ),
            (vec![(3, gone()), (4, back(4)), (4, booted())], RebootVerdict::NotReady),
            (vec![(3, gone()), (4, back(4)), (4, booted()), (4, ready())], RebootVerdict::Rebooted),
            (vec![(4, start(StartCause::Boot, true)), (4, ready())], RebootVerdict::Kexec),
            (
                vec![(4, booted()), (4, ready()), (5, booted()), (5, ready())],
                RebootVerdict::RebootedAgain { boots: 2 },
            ),
            (vec![(4, booted()), (4, ready()), (4, gone()), (5, booted())], RebootVerdict::NeverReturned),
            (vec![(2, booted()), (2, ready())], RebootVerdict::StayedUp),
        ];
        for (facts, want) in cases {
            assert_eq!(verdict_after(&facts), want, "{facts:?}");
        }
    }

    #[test]
    fn a_reboot_that_the_master_counted_double_is_told_so() {
        let reboot = Fact::MinionReboot(MinionReboot {
            id: n1(),
            old: boot(3).id,
            new: boot(4).id,
            boots: vec![boot(9).id, boot(4).id],
            requested_by: None,
            booted_at: None,
        });
        assert_eq!(
            verdict_after(&[(4, back(4)), (4, reboot), (4, ready())]),
            RebootVerdict::RebootedAgain { boots: 2 }
        );
    }
}
