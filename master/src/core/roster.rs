//! Who is there: every minion that was ever connected, with its boot, its process, its grains.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use lab_proto::event::{Boot, OutboxEvent};
use lab_proto::facts::{Fact, MinionConnected};
use lab_proto::ids::ProcessId;
use lab_proto::link::{MAX_EXCUSE, MasterEvent};
use lab_proto::v1::link::{CloseReason, Hello};
use lab_proto::value::check_given_map;
use lab_proto::{EndState, JobId, Map, MinionId, Timestamp, Value};
use tracing::warn;

use crate::store::Change;

use super::{Arrival, ConnId, Core, MinionRecord, SharedGrains, Timer, facts, records};

/// The largest set of grains that is kept, in bytes when encoded; the store takes 64 KiB.
const MAX_GRAINS: usize = 60 * 1024;

/// How often it is told that two agents with one identity are about.
const TWINS_AGAIN: Duration = Duration::from_secs(600);

/// Whether a minion is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Its link is up.
    Connected,
    /// Its link is down, not long enough to count as lost.
    Away,
    /// It gives no sign of life.
    Lost,
}

impl Presence {
    /// Names the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Away => "away",
            Self::Lost => "lost",
        }
    }
}

/// What is told of a minion.
#[derive(Clone, Debug)]
pub struct MinionView {
    /// Whether it is there.
    pub presence: Presence,
    /// What is kept of it.
    pub record: MinionRecord,
    /// Its grains.
    pub grains: SharedGrains,
    /// How many jobs run or wait there, by its last heartbeat.
    pub jobs: u32,
    /// When it last gave a sign of life.
    pub last_heard: Timestamp,
    /// Until when a network change is pending there.
    pub change_until: Option<Timestamp>,
}

/// How a link went down.
pub(super) enum Leaving {
    /// The machine reboots; the job that asked for it, if one did.
    Reboot(Option<JobId>),
    /// Any other way.
    Other(String),
}

impl Leaving {
    fn text(&self) -> &str {
        match self {
            Self::Reboot(_) => "reboot",
            Self::Other(text) => text,
        }
    }

    fn jid(&self) -> Option<JobId> {
        match self {
            Self::Reboot(jid) => *jid,
            Self::Other(_) => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: MinionRecord,
    pub(super) conn: Option<ConnId>,
    pub(super) grains: SharedGrains,
    pub(super) jobs: u32,
    pub(super) last_heard: Timestamp,
    pub(super) lost: bool,
    /// When it becomes lost unless a link comes up; `None` while there is one.
    pub(super) away_until: Option<Timestamp>,
    /// Until when a network change is pending there, by the master's clock: silence before that is expected.
    pub(super) change_until: Option<Timestamp>,
    /// The agent process before the present one. One that ended never comes back: if this one does, two live side by side.
    former: Option<ProcessId>,
    /// When it was last told that there are two.
    twins_told: Option<Timestamp>,
}

impl Core {
    /// Returns what is known of every minion that was ever connected.
    pub fn minions(&self) -> impl Iterator<Item = (&MinionId, MinionView)> {
        self.roster.iter().map(|(id, e)| (id, e.view(self.ahead)))
    }

    /// Returns what is known of one minion.
    pub fn minion(&self, id: &MinionId) -> Option<MinionView> {
        self.roster.get(id).map(|e| e.view(self.ahead))
    }

    /// Returns the grains of a minion, if it ever sent any.
    pub fn grains(&self, id: &MinionId) -> Option<SharedGrains> {
        self.roster.get(id).map(|e| e.grains.clone())
    }

    /// Notes that a minion's key is accepted: targets can mean it now, whether it ever connects or not.
    pub fn admitted(&mut self, id: MinionId) {
        self.accepted.insert(id);
    }

    /// Returns the minions whose keys are accepted.
    pub fn accepted(&self) -> impl Iterator<Item = &MinionId> {
        self.accepted.iter()
    }

    /// Notes that a minion says that it is ready in its present boot; returns the change to be written with its event.
    /// Noted when the event is on its way to the log: whoever asks after that place must find it.
    pub(super) fn note_ready(&mut self, id: &MinionId, event: &OutboxEvent) -> Option<Change> {
        let mut parts = event.tag.parts();
        if (parts.next(), parts.next(), parts.nth(1)) != (Some("lab"), Some("minion"), Some("ready")) {
            return None;
        }
        let entry =
            self.roster.get_mut(id).filter(|e| e.record.boot.id == event.boot.id && !e.record.ready)?;
        entry.record.ready = true;
        Some(records::put_minion(&entry.record))
    }

    /// Notes what a minion says of a network change of its own: silence is expected while one is pending.
    pub(super) fn note_change(&mut self, id: &MinionId, event: &OutboxEvent, now: Timestamp) {
        if !event.tag.as_str().starts_with("lab/net/") {
            return;
        }
        let until = match Fact::parse(&event.tag, &event.data) {
            // By the minion's clock; how long it is from the event on is the same by every clock.
            Ok(Some(Fact::NetPending(fact))) => Some(now + fact.until.since(event.at).min(MAX_EXCUSE)),
            Ok(Some(Fact::NetCommitted(_) | Fact::NetRolledBack(_))) => None,
            _ => return,
        };
        if let Some(entry) = self.roster.get_mut(id) {
            entry.change_until = until.max(entry.change_until.filter(|_| until.is_some()));
        }
    }

    /// Closes a minion's link because its key is not accepted any more, and forgets it when `forget`.
    pub fn revoke(&mut self, id: &MinionId, forget: bool, now: Timestamp) {
        if let Some(conn) = self.roster.get(id).and_then(|e| e.conn) {
            self.drop_link(conn, CloseReason::KeyRevoked, now);
        }
        self.accepted.remove(id);
        if forget && let Some(entry) = self.roster.remove(id) {
            self.disown(id, entry.record.outbox);
            self.append_with(records::forget_minion(id), Vec::new());
        }
        self.end_rows_of(id, EndState::Lost, "its key was rejected or deleted");
    }

    pub(super) fn restore_roster(
        &mut self,
        minions: Vec<MinionRecord>,
        grains: Vec<(MinionId, Map)>,
        now: Timestamp,
    ) {
        for record in minions {
            let rebooting = record.reboot_by.is_some();
            let patience = if rebooting { self.config.reboot_patience } else { self.config.reconnect_grace };
            let id = record.id.clone();
            let last_heard = record.last_seen;
            let entry = Entry {
                record,
                conn: None,
                grains: Arc::new(Value::map()),
                jobs: 0,
                last_heard,
                // Whoever was gone long before the restart is not told to be lost once more.
                lost: now.since(last_heard) > self.config.reboot_patience.max(patience),
                away_until: Some(now + patience.max(self.silence())),
                change_until: None,
                former: None,
                twins_told: None,
            };
            if let (false, Some(at)) = (entry.lost, entry.away_until) {
                self.arm(at, Timer::Away(id.clone()));
            }
            self.owners.insert(entry.record.outbox, id.clone());
            self.roster.insert(id, entry);
        }
        for (id, map) in grains {
            if let Some(entry) = self.roster.get_mut(&id) {
                entry.grains = Arc::new(Value::Map(map));
            }
        }
    }

    /// Takes what the log tells of a minion at start: its record may have been about to follow.
    pub(super) fn replay_connected(&mut self, fact: MinionConnected) {
        let Some(entry) = self.roster.get_mut(&fact.id) else { return };
        let boot = Boot { id: fact.boot_id, number: fact.boot_number };
        let record = &mut entry.record;
        if (record.boot, record.process) != (boot, fact.process) {
            record.ready = false;
            record.reboot_by = record.reboot_by.filter(|_| record.boot == boot);
            (record.boot, record.process) = (boot, fact.process);
            (record.machine_id, record.version) = (fact.machine_id, fact.version);
            record.address = fact.address;
        }
    }

    /// Enters a minion whose link came up; tells a reboot from a reconnect.
    pub(super) fn enter(&mut self, conn: ConnId, arrival: &Arrival, now: Timestamp) {
        let hello = &arrival.hello;
        let mut events = Vec::new();
        let before = self.roster.get(&hello.id).map(|e| e.record.clone());
        let restarted =
            before.as_ref().is_some_and(|b| b.process != hello.process && b.boot.id == hello.boot.id);
        if let Some(b) = before.as_ref().filter(|b| b.boot.id != hello.boot.id) {
            events.push(facts::reboot(hello, b.boot, &boots_since(b.boot, hello), b.reboot_by));
        }
        events.push(facts::connected(hello, &arrival.address, restarted));
        if let Some(b) = &before {
            self.disown(&b.id, b.outbox);
        }
        self.owners.insert(hello.outbox_id, hello.id.clone());
        let same_boot = before.filter(|b| b.boot.id == hello.boot.id);
        let mut record = new_record(arrival, self.wall(now));
        if let Some(b) = same_boot {
            record.reboot_by = b.reboot_by;
            // A restarted agent says anew when it is ready.
            record.ready = b.ready && b.process == hello.process;
        }
        // The record after its events: it says which boot was told.
        let after = vec![records::put_minion(&record)];
        self.write(super::Write { events, after, ..super::Write::default() });
        let entry = self.roster.entry(hello.id.clone()).or_insert_with(|| Entry {
            record: record.clone(),
            conn: None,
            grains: Arc::new(Value::map()),
            jobs: 0,
            last_heard: now,
            lost: false,
            away_until: None,
            change_until: None,
            former: None,
            twins_told: None,
        });
        if entry.record.process != record.process {
            entry.former = Some(entry.record.process);
        }
        entry.record = record;
        entry.conn = Some(conn);
        entry.last_heard = now;
        entry.lost = false;
        entry.away_until = None;
    }

    fn disown(&mut self, id: &MinionId, outbox: lab_proto::OutboxId) {
        if self.owners.get(&outbox) == Some(id) {
            self.owners.remove(&outbox);
        }
    }

    /// Notices two agents with one identity, as a disk that was copied with its key makes them: the one comes back that the
    /// other took over from. Told at once, then from time to time while it lasts; links alone would be up and down without end.
    pub(super) fn note_twins(&mut self, arrival: &Arrival, now: Timestamp) {
        let Some(entry) = self.roster.get_mut(&arrival.minion) else { return };
        let other = &entry.record;
        if entry.former != Some(arrival.hello.process) || other.process == arrival.hello.process {
            return;
        }
        if entry.twins_told.is_some_and(|told| now < told + TWINS_AGAIN) {
            return;
        }
        entry.twins_told = Some(now);
        warn!(minion = %arrival.minion, one = arrival.address, other = other.address, "{}", facts::TWINS);
        let event = facts::duplicate(arrival, other);
        self.append(event);
    }

    /// Notes that a minion's link went down.
    pub(super) fn leave(&mut self, id: &MinionId, conn: ConnId, why: &Leaving, now: Timestamp) {
        let rebooting = matches!(why, Leaving::Reboot(_));
        let patience = if rebooting { self.config.reboot_patience } else { self.silence() };
        let wall = self.wall(now);
        let Some(entry) = self.roster.get_mut(id).filter(|e| e.conn == Some(conn)) else { return };
        entry.conn = None;
        entry.record.last_seen = wall;
        if let Leaving::Reboot(jid) = why {
            entry.record.reboot_by = jid.or(entry.record.reboot_by);
        }
        let event = facts::disconnected(id, entry.record.boot.id, why.text(), why.jid());
        let change = records::put_minion(&entry.record);
        if !entry.lost {
            let until = entry.change_until.unwrap_or(now).max(now + patience);
            entry.away_until = Some(until);
            self.arm(until, Timer::Away(id.clone()));
        }
        self.append_with(vec![change], vec![event]);
    }

    pub(super) fn session_event(&mut self, conn: ConnId, id: &MinionId, event: MasterEvent, now: Timestamp) {
        match event {
            MasterEvent::Heartbeat { jobs, change_pending_until } => {
                if let Some(entry) = self.roster.get_mut(id) {
                    entry.jobs = jobs;
                    entry.last_heard = now;
                    entry.change_until = change_pending_until.map(|until| until.min(now + MAX_EXCUSE));
                }
            }
            MasterEvent::Lost { last_heard } => self.lose(id, last_heard),
            MasterEvent::Found => {
                if let Some(entry) = self.roster.get_mut(id) {
                    entry.lost = false;
                }
                self.append(facts::found(id));
            }
            MasterEvent::Grains(grains) => self.take_grains(id, grains, now),
            MasterEvent::Renew { csr } => {
                self.effects.push_back(super::Effect::Certify { conn, minion: id.clone(), csr });
            }
            MasterEvent::Closing(reason) => self.closing(conn, reason),
        }
    }

    pub(super) fn away_timeout(&mut self, id: &MinionId, now: Timestamp) {
        let Some(entry) = self.roster.get_mut(id) else { return };
        if entry.lost || entry.away_until.is_none_or(|until| until > now) {
            return;
        }
        entry.away_until = None;
        let last_heard = entry.last_heard;
        self.lose(id, last_heard);
    }

    fn lose(&mut self, id: &MinionId, last_heard: Timestamp) {
        let Some(entry) = self.roster.get_mut(id) else { return };
        entry.lost = true;
        self.append(facts::lost(id, self.wall(last_heard)));
        self.end_rows_of(id, EndState::Lost, "its heartbeats stopped");
    }

    fn take_grains(&mut self, id: &MinionId, grains: Map, now: Timestamp) {
        if let Err(why) = check_given_map(&grains) {
            self.refused(&format!("grains are not kept: {why}"), id.as_str(), now);
            return;
        }
        let change = records::put_grains(id, &grains);
        if let crate::store::Change::Put { value, .. } = &change
            && value.len() > MAX_GRAINS
        {
            self.refused("grains over 60 KiB are not kept", id.as_str(), now);
            return;
        }
        if let Some(entry) = self.roster.get_mut(id) {
            let grains = Value::Map(grains);
            if *entry.grains == grains {
                return;
            }
            entry.grains = Arc::new(grains);
            self.append_with(vec![change], Vec::new());
        }
    }

    /// How long a minion may be silent before it is lost.
    fn silence(&self) -> Duration {
        self.config.limits.heartbeat * self.config.limits.missed
    }
}

impl Entry {
    /// Returns what is told of it, in the time of the real clock.
    fn view(&self, ahead: i64) -> MinionView {
        let wall = |t| super::shifted(t, ahead);
        let presence = match (self.lost, self.conn) {
            (true, _) => Presence::Lost,
            (false, Some(_)) => Presence::Connected,
            (false, None) => Presence::Away,
        };
        MinionView {
            presence,
            record: self.record.clone(),
            grains: self.grains.clone(),
            jobs: self.jobs,
            last_heard: wall(self.last_heard),
            change_until: self.change_until.map(wall),
        }
    }
}

fn new_record(arrival: &Arrival, now: Timestamp) -> MinionRecord {
    let Hello { id, boot, process, machine_id, outbox_id, version, .. } = &arrival.hello;
    MinionRecord {
        id: id.clone(),
        boot: *boot,
        process: *process,
        machine_id: *machine_id,
        outbox: *outbox_id,
        version: facts::brief(version),
        address: arrival.address.clone(),
        last_seen: now,
        reboot_by: None,
        ready: false,
    }
}

/// The boots after `known`, oldest first, the present one last.
fn boots_since(known: Boot, hello: &Hello) -> Vec<Boot> {
    let between = hello
        .earlier_boots
        .iter()
        .filter(|b| b.number > known.number && b.number < hello.boot.number && b.id != known.id);
    between.copied().chain([hello.boot]).collect()
}
