//! Links: hello to close, the events that come over them, and what is refused.

use lab_proto::codec;
use lab_proto::event::{MAX_OUTBOX_EVENT, OutboxEvent};
use lab_proto::link::{Clocks, Intake, MasterSession, check_hello, judge};
use lab_proto::speaker;
use lab_proto::v1::link::{CloseReason, EventAck, EventBatch, Hello, LinkRefusal, MAX_BOOTS, ToMaster};
use lab_proto::version::SUPPORTED;
use lab_proto::{EndState, EventTag, Fingerprint, JobId, MinionId, OutboxId, Timestamp, Value};

use super::roster::Leaving;
use super::{ConnId, Core, Effect, Timer, Write, facts};

/// What an event of an outbox takes beside its tag and its data, at most.
const AROUND: usize = 128;

/// A minion whose certificate was checked and whose hello came.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Whose certificate it is.
    pub minion: MinionId,
    /// Whose key.
    pub key: Fingerprint,
    /// Where it comes from.
    pub address: String,
    /// What it says of itself.
    pub hello: Hello,
    /// The store's mark of its outbox.
    pub stored_mark: u64,
}

pub(super) struct Link {
    minion: MinionId,
    key: Fingerprint,
    outbox: OutboxId,
    session: MasterSession,
    /// Whether the stream of jobs is registered.
    pub(super) subscribed: bool,
    closing: Option<CloseReason>,
}

impl Core {
    /// Takes a new link. A newer link of the same minion takes over from an older one.
    pub fn connect(&mut self, conn: ConnId, mut arrival: Arrival, now: Timestamp) {
        cut_hello(&mut arrival.hello);
        let outbox = arrival.hello.outbox_id;
        // Events of an older link may still be on their way to the disk: the mark that counts is the core's.
        let mark = *self.marks.entry(outbox).or_insert(arrival.stored_mark);
        let standing = check_hello(mark, &arrival.hello).and_then(|()| self.check_owner(mark, &arrival));
        if let Err(LinkRefusal::OutboxRewound { head, mark }) = &standing {
            self.append(facts::outbox_rewound(&arrival.minion, *head, *mark));
        }
        let session = MasterSession::accept(
            arrival.hello.clone(),
            &arrival.minion,
            SUPPORTED,
            mark,
            self.head,
            self.config.limits,
            Clocks { steady: now, real: self.wall(now) },
        );
        let session = match session.and_then(|session| standing.map(|()| session)) {
            Ok(session) => session,
            Err(refusal) => {
                self.forget_empty(outbox);
                if let LinkRefusal::WrongId { hello, .. } = &refusal {
                    let why = format!("a hello names another minion than its certificate: {hello}");
                    self.refused(&why, arrival.minion.as_str(), now);
                }
                self.effects.push_back(Effect::Refuse { conn, refusal });
                return;
            }
        };
        self.note_twins(&arrival, now);
        if let Some(older) = self.roster.get(&arrival.minion).and_then(|e| e.conn) {
            self.drop_link(older, CloseReason::Superseded, now);
        }
        self.enter(conn, &arrival, now);
        let link = Link {
            minion: arrival.minion,
            key: arrival.key,
            outbox,
            session,
            subscribed: false,
            closing: None,
        };
        self.links.insert(conn, link);
        self.drive(conn, now);
        self.arm_link(conn, now);
    }

    /// Refuses an outbox that is another minion's: a disk was copied, and with one mark for both each would hide the other's
    /// events. The minion begins a new one.
    fn check_owner(&self, mark: u64, arrival: &Arrival) -> Result<(), LinkRefusal> {
        match self.owners.get(&arrival.hello.outbox_id) {
            Some(owner) if *owner != arrival.minion => {
                Err(LinkRefusal::OutboxRewound { head: arrival.hello.outbox_head, mark })
            }
            _ => Ok(()),
        }
    }

    /// Takes a frame from a link's control stream.
    pub fn control(&mut self, conn: ConnId, frame: ToMaster, now: Timestamp) {
        let head = self.head;
        let Some(link) = self.links.get_mut(&conn) else { return };
        match link.session.handle(frame, head, now) {
            Ok(()) => self.drive(conn, now),
            Err(violation) => self.violation(conn, violation.0, now),
        }
    }

    /// Takes a batch of events. What is refused counts as taken, so that it does not block the outbox.
    pub fn batch(&mut self, conn: ConnId, outbox: OutboxId, batch: EventBatch, now: Timestamp) {
        let Some(link) = self.links.get(&conn) else { return };
        if link.outbox != outbox {
            return self.violation(conn, "events of another outbox than the hello's".to_owned(), now);
        }
        let (minion, key) = (link.minion.clone(), link.key);
        let mark = self.marks.get(&outbox).copied().unwrap_or(0);
        match judge(mark, &batch) {
            Err(error) => self.violation(conn, error.to_string(), now),
            Ok(Intake::Gap { expected }) => {
                self.effects.push_back(Effect::EventAck { conn, ack: EventAck::Gap { expected } });
            }
            Ok(Intake::Duplicate { mark }) => self.acknowledge(conn, mark),
            Ok(Intake::Append { skip, mark }) => {
                self.marks.insert(outbox, mark);
                let mut write = Write { marks: vec![(outbox, mark)], ..Write::default() };
                let mut refused = Vec::new();
                for event in batch.events.into_iter().skip(skip) {
                    match refusal(&event, &minion) {
                        Some(why) => refused.push((event.counter, why)),
                        None => {
                            // Apart from the events: what the store refuses of a record must not take them along, for
                            // they are acknowledged.
                            let ready = self.note_ready(&minion, &event);
                            self.append_with(ready.into_iter().collect(), Vec::new());
                            self.note_change(&minion, &event, now);
                            write.events.push(event.into_new_event(minion.clone(), key, outbox));
                        }
                    }
                }
                self.write(write);
                for (counter, reason) in refused {
                    self.refused(&reason, minion.as_str(), now);
                    self.effects
                        .push_back(Effect::EventAck { conn, ack: EventAck::Refused { counter, reason } });
                }
                self.acknowledge(conn, mark);
            }
        }
    }

    /// Notes that the transport ended a link.
    pub fn disconnected(&mut self, conn: ConnId, reason: &str, now: Timestamp) {
        let Some(link) = self.links.remove(&conn) else { return };
        self.forget_empty(link.outbox);
        let why = match link.closing {
            Some(CloseReason::Reboot(jid)) => Leaving::Reboot(jid),
            Some(other) => Leaving::Other(close_text(&other)),
            None => Leaving::Other(reason.to_owned()),
        };
        self.leave(&link.minion, conn, &why, now);
    }

    /// Says good-bye to every link: the master ends.
    pub fn shut_down(&mut self, now: Timestamp) {
        let mut conns: Vec<ConnId> = self.links.keys().copied().collect();
        conns.sort_unstable();
        for conn in conns {
            self.drop_link(conn, CloseReason::Shutdown, now);
        }
    }

    pub(super) fn closing(&mut self, conn: ConnId, reason: CloseReason) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.closing = Some(reason);
        }
    }

    pub(super) fn drop_link(&mut self, conn: ConnId, reason: CloseReason, now: Timestamp) {
        let Some(link) = self.links.remove(&conn) else { return };
        self.forget_empty(link.outbox);
        self.leave(&link.minion, conn, &Leaving::Other(close_text(&reason)), now);
        self.effects.push_back(Effect::Close { conn, reason });
    }

    /// Forgets an outbox of which nothing came: a minion could invent one with each connection.
    fn forget_empty(&mut self, outbox: OutboxId) {
        if self.marks.get(&outbox) == Some(&0) {
            self.marks.remove(&outbox);
        }
    }

    pub(super) fn link_timeout(&mut self, conn: ConnId, now: Timestamp) {
        let Some(link) = self.links.get_mut(&conn) else { return };
        link.session.handle_timeout(now);
        self.drive(conn, now);
        self.arm_link(conn, now);
    }

    /// Returns the link over which jobs reach a minion now. A lost minion has none, though its connection may live on until
    /// the transport gives up: whoever is published to then would be waited for in vain, for it is not lost a second time.
    pub(super) fn job_link(&self, minion: &MinionId) -> Option<ConnId> {
        let conn = self.roster.get(minion).filter(|entry| !entry.lost)?.conn?;
        self.links.get(&conn).filter(|l| l.subscribed && l.closing.is_none()).map(|_| conn)
    }

    pub(super) fn link_minion(&self, conn: ConnId) -> Option<MinionId> {
        self.links.get(&conn).map(|l| l.minion.clone())
    }

    pub(super) fn subscribe(&mut self, conn: ConnId) -> Option<MinionId> {
        let link = self.links.get_mut(&conn)?;
        link.subscribed = true;
        Some(link.minion.clone())
    }

    /// Drains a session: frames to the link, events to the roster.
    fn drive(&mut self, conn: ConnId, now: Timestamp) {
        loop {
            let Some(link) = self.links.get_mut(&conn) else { return };
            if let Some(frame) = link.session.poll_transmit() {
                self.effects.push_back(Effect::Control { conn, frame });
            } else if let Some(event) = link.session.poll_event() {
                let minion = link.minion.clone();
                self.session_event(conn, &minion, event, now);
            } else {
                return;
            }
        }
    }

    fn arm_link(&mut self, conn: ConnId, now: Timestamp) {
        if let Some((at, _)) = self.links.get(&conn).and_then(|l| l.session.poll_timeout()) {
            self.arm(at, Timer::Link(conn));
        } else if self.links.contains_key(&conn) {
            // A lost link is looked at again, for it may come back and be lost once more.
            self.arm(now + self.config.limits.heartbeat, Timer::Link(conn));
        }
    }

    fn violation(&mut self, conn: ConnId, what: String, now: Timestamp) {
        if let Some(minion) = self.link_minion(conn) {
            self.refused(&format!("protocol violation: {what}"), minion.as_str(), now);
        }
        self.drop_link(conn, CloseReason::Violation(what), now);
    }

    fn acknowledge(&mut self, conn: ConnId, counter: u64) {
        let ack = EventAck::Durable { counter, head: self.head };
        self.effects.push_back(Effect::EventAck { conn, ack });
    }
}

/// Leaves of a hello what an honest one has: it is kept as long as its link.
pub(super) fn cut_hello(hello: &mut Hello) {
    let surplus = hello.earlier_boots.len().saturating_sub(MAX_BOOTS);
    hello.earlier_boots.drain(..surplus);
    hello.earlier_boots.shrink_to_fit();
    hello.version = facts::brief(&hello.version);
}

/// Says why an event is refused for ever.
fn refusal(event: &OutboxEvent, minion: &MinionId) -> Option<String> {
    if let Err(e) = speaker::check(&event.tag, &event.data, minion) {
        return Some(e.to_string());
    }
    if let Some(jid) = returned_jid(&event.tag)
        && (jid.is_none()
            || event.data.get("state").and_then(Value::as_str).and_then(EndState::named).is_none())
    {
        return Some("a return without a valid job id or end state".to_owned());
    }
    // The bound is never too low, and exact sizes cost an encoding.
    let limit = MAX_OUTBOX_EVENT;
    if AROUND + event.tag.as_str().len() + event.data.max_encoded_len() > limit
        && codec::encode(event).map_or(usize::MAX, |b| b.len()) > limit
    {
        return Some("the event is over 63 KiB".to_owned());
    }
    None
}

/// Tells whether a tag is that of a return, and of which job, if its id is one.
pub(crate) fn returned_jid(tag: &EventTag) -> Option<Option<JobId>> {
    let mut parts = tag.parts();
    let is_return = parts.next() == Some("salt") && parts.next() == Some("job");
    let jid = parts.next();
    (is_return && parts.next() == Some("ret")).then(|| jid.and_then(|j| j.parse().ok()))
}

fn close_text(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Shutdown => "shutdown".to_owned(),
        CloseReason::Reboot(_) => "reboot".to_owned(),
        CloseReason::KeyRevoked => "key revoked".to_owned(),
        CloseReason::Superseded => "superseded".to_owned(),
        CloseReason::Violation(what) => format!("protocol violation: {what}"),
        CloseReason::Slow(what) => format!("does not keep up: {what}"),
        CloseReason::NotRecorded(what) => format!("the store did not take it: {what}"),
    }
}
