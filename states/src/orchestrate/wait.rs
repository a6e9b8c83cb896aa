//! The question that a wait asks of the log, and which events answer it.
//!
//! An event with the right tag and id is a *candidate*. Whether it counts depends on the *mark*: the entry of
//! the step that the wait counts from, with where every awaited minion stood then. Position alone is not
//! causality, because outboxes deliver late; so a boot is held against the boot recorded at the mark, and any
//! other event of a minion against what its maker knew of the log when it was made.

use std::collections::{BTreeMap, VecDeque};

use lab_proto::event::Boot;
use lab_proto::facts::{MinionAt, NearReason};
use lab_proto::{Event, EventTag, MinionId, Origin, OutboxId, Position, Timestamp, Value};

use super::action::WaitSpec;

/// The most candidates kept for one id of one wait. When there are more, the oldest goes: with few exceptions
/// a younger event counts wherever an older one does.
const KEPT: usize = 256;
/// The most near misses kept for one id of one wait.
pub(super) const NEAR: usize = 8;

/// An entry that a wait may count from.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) position: Position,
    pub(super) minions: BTreeMap<MinionId, MinionAt>,
}

impl Mark {
    pub(super) fn new(position: Position, minions: &[MinionAt]) -> Self {
        Self { position, minions: minions.iter().map(|m| (m.id.clone(), m.clone())).collect() }
    }

    fn known(&self, id: &str) -> Option<(Boot, Option<OutboxId>)> {
        let at = self.minions.get(&MinionId::new(id).ok()?)?;
        at.boot.map(|boot| (boot, at.outbox))
    }
}

/// An event with the tag and an id that a wait asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) position: Position,
    pub(super) stamp: Timestamp,
    pub(super) tag: EventTag,
    pub(super) kind: Kind,
}

/// What of an event decides whether it counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A start of a minion whose host booted.
    Boot { boot: Boot, outbox: OutboxId },
    /// A start of a minion whose host did not.
    AgentRestart { seen: Option<Position> },
    /// Anything else from a minion.
    Minion { seen: Option<Position> },
    /// From the master or an operator.
    Master,
}

/// The candidates, answers and near misses of one wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    ids: BTreeMap<String, Asked>,
}

/// One id of a wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    kept: VecDeque<Candidate>,
    /// The event that answered.
    pub(super) met: Option<Candidate>,
    /// Candidates that do not count, the last few.
    pub(super) near: VecDeque<(Candidate, NearReason)>,
    /// The first event that would have answered, had it come before the wait gave up.
    pub(super) late: Option<Candidate>,
    /// Near misses that made room for later ones.
    pub(super) near_dropped: u64,
}

/// The events that waits of a run have taken, each for one id.
pub(super) type Taken = std::collections::BTreeSet<(u64, String)>;

impl Waiting {
    pub(super) fn new(spec: &WaitSpec) -> Self {
        Self { ids: spec.ids.iter().map(|id| (id.clone(), Asked::default())).collect() }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (&str, &Asked)> {
        self.ids.iter().map(|(id, asked)| (id.as_str(), asked))
    }

    pub(super) fn missing(&self) -> Vec<&str> {
        self.ids.iter().filter(|(_, a)| a.met.is_none()).map(|(id, _)| id.as_str()).collect()
    }

    /// Keeps an event that this wait may ask for when it is reached. What cannot count from `mark` on, and so
    /// from no later one, is a near miss already; without a mark everything is kept.
    pub(super) fn keep(&mut self, spec: &WaitSpec, event: &Event, mark: Option<&Mark>) -> bool {
        let Some((id, candidate)) = candidate(spec, event) else { return false };
        let Some(asked) = self.ids.get_mut(id) else { return false };
        match mark.map_or(Ok(()), |mark| judge(spec, id, &candidate, mark)) {
            Ok(()) => {
                if asked.kept.len() == KEPT {
                    asked.kept.pop_front();
                }
                asked.kept.push_back(candidate);
            }
            Err(reason) => asked.miss(candidate, reason),
        }
        true
    }

    /// Notes what came only after the wait had given up. It takes nothing from other waits.
    pub(super) fn note_late(&mut self, spec: &WaitSpec, event: &Event, mark: &Mark) {
        let Some((id, candidate)) = candidate(spec, event) else { return };
        if let Some(asked) = self.ids.get_mut(id)
            && asked.met.is_none()
            && asked.late.is_none()
            && judge(spec, id, &candidate, mark).is_ok()
        {
            asked.late = Some(candidate);
        }
    }

    /// Judges what is kept again, by a later mark.
    pub(super) fn sift(&mut self, spec: &WaitSpec, mark: &Mark) {
        for (id, asked) in &mut self.ids {
            for candidate in std::mem::take(&mut asked.kept) {
                match judge(spec, id, &candidate, mark) {
                    Ok(()) => asked.kept.push_back(candidate),
                    Err(reason) => asked.miss(candidate, reason),
                }
            }
        }
    }

    /// Answers every open id with the oldest candidate that counts from `mark` and is not taken.
    pub(super) fn ask(&mut self, spec: &WaitSpec, mark: &Mark, taken: &mut Taken) {
        for (id, asked) in &mut self.ids {
            while asked.met.is_none() {
                let Some(candidate) = asked.kept.pop_front() else { break };
                let key = (candidate.position.seq, id.clone());
                match judge(spec, id, &candidate, mark) {
                    Ok(()) if taken.contains(&key) => asked.miss(candidate, NearReason::Consumed),
                    Ok(()) => {
                        taken.insert(key);
                        asked.met = Some(candidate);
                    }
                    Err(reason) => asked.miss(candidate, reason),
                }
            }
        }
    }

    /// As [`Self::ask`], but as Salt's waits do: whatever comes after the wait was reached, and only that.
    #[cfg(feature = "simulation")]
    pub(super) fn ask_as_salt_does(&mut self, entered: Position, taken: &mut Taken) {
        for (id, asked) in &mut self.ids {
            while asked.met.is_none() {
                let Some(candidate) = asked.kept.pop_front() else { break };
                if candidate.position.seq > entered.seq {
                    taken.insert((candidate.position.seq, id.clone()));
                    asked.met = Some(candidate);
                }
            }
        }
    }
}

impl Asked {
    fn miss(&mut self, candidate: Candidate, reason: NearReason) {
        if self.near.len() == NEAR {
            self.near.pop_front();
            self.near_dropped += 1;
        }
        self.near.push_back((candidate, reason));
    }
}

/// Reads an event as a candidate of a wait, with the id that it speaks for.
fn candidate<'a>(spec: &WaitSpec, event: &'a Event) -> Option<(&'a str, Candidate)> {
    if !spec.tag.matches(&event.tag) {
        return None;
    }
    let id = lookup(&event.data, &spec.event_id)?;
    if !speaks_for(event, &spec.event_id, id) {
        return None;
    }
    let kind = match &event.origin {
        Origin::Master | Origin::Operator { .. } => Kind::Master,
        Origin::Minion(from) if is_start(&event.tag, &from.id) => {
            match event.data.get("cause").and_then(Value::as_str) {
                Some("boot") => Kind::Boot { boot: from.boot, outbox: from.outbox_id },
                _ => Kind::AgentRestart { seen: from.seen },
            }
        }
        Origin::Minion(from) => Kind::Minion { seen: from.seen },
    };
    let candidate = Candidate { position: event.position, stamp: event.stamp, tag: event.tag.clone(), kind };
    Some((id, candidate))
}

/// Salt looks the id up in the data, then in `data` within it.
fn lookup<'a>(data: &'a Value, key: &str) -> Option<&'a str> {
    let inner = || data.get("data").and_then(|d| d.get(key));
    data.get(key).or_else(inner).and_then(Value::as_str)
}

/// Tells whether an event's origin may answer for this id. Where the tag names a minion, the data means the same one by `id`,
/// wherever that lies; and a boot is nobody's but the sender's, by whatever key it is looked for.
fn speaks_for(event: &Event, key: &str, id: &str) -> bool {
    let Some(from) = event.origin.minion() else { return true };
    let bound = event.tag.minion_in_data().is_some();
    let means_sender = bound && (key == "id" || is_start(&event.tag, &from.id));
    !means_sender || id == from.id.as_str()
}

fn is_start(tag: &EventTag, id: &MinionId) -> bool {
    tag.parts().eq(["salt", "minion", id.as_str(), "start"])
}

/// Tells whether a candidate counts from `mark` on, and if not, why.
fn judge(spec: &WaitSpec, id: &str, candidate: &Candidate, mark: &Mark) -> Result<(), NearReason> {
    match &candidate.kind {
        Kind::Boot { boot, outbox } => match mark.known(id) {
            // The master had never seen this minion, so that it is here at all is news.
            None => Ok(()),
            Some((known, _)) if known.id == boot.id => Err(NearReason::SameBoot),
            Some((known, at)) if at.is_none_or(|o| o == *outbox) && boot.number < known.number => {
                Err(NearReason::OlderBoot)
            }
            Some(_) => Ok(()),
        },
        Kind::AgentRestart { .. } if !spec.restart_counts => Err(NearReason::AgentRestart),
        Kind::AgentRestart { seen } | Kind::Minion { seen } => {
            if not_before(*seen, mark.position) {
                Ok(())
            } else if not_before(Some(candidate.position), mark.position) {
                Err(NearReason::StaleOutbox)
            } else {
                Err(NearReason::BeforeSince)
            }
        }
        Kind::Master if not_before(Some(candidate.position), mark.position) => Ok(()),
        Kind::Master => Err(NearReason::BeforeSince),
    }
}

/// Tells whether `a` is `b` or after it in the same log.
fn not_before(a: Option<Position>, b: Position) -> bool {
    a.is_some_and(|a| a.log_id == b.log_id && a.seq >= b.seq)
}

#[cfg(test)]
mod tests {
    use lab_proto::{BootId, Fingerprint, LogId, MinionOrigin, TagPattern};

    use super::*;

    fn at(seq: u64) -> Position {
        Position { log_id: LogId::from_u128(1), seq }
    }

    fn boot(n: u64) -> Boot {
        Boot { id: BootId::from_u128(u128::from(n) * 1000), number: n }
    }

    fn n1() -> MinionId {
        MinionId::new("n1").expect("valid")
    }

    fn spec(restart_counts: bool) -> WaitSpec {
        let tag = TagPattern::new("salt/minion/*/start");
        WaitSpec { tag, ids: vec!["n1".into()], event_id: "id".into(), restart_counts }
    }

    fn mark(position: u64, boot: Option<Boot>) -> Mark {
        let outbox = Some(OutboxId::from_u128(9));
        let minion = MinionAt { id: n1(), boot, outbox, connected: true, ready: true };
        Mark::new(at(position), &[minion])
    }

    fn start(position: u64, of: Boot, cause: &str, seen: Option<u64>) -> Event {
        let origin = Origin::Minion(MinionOrigin {
            id: n1(),
            key: Fingerprint::of(b"k"),
            outbox_id: OutboxId::from_u128(9),
            counter: position,
            boot: of,
            seen: seen.map(at),
            at: Timestamp::default(),
        });
        let tag = EventTag::new("salt/minion/n1/start").expect("valid");
        let data = Value::from([("id", "n1"), ("cause", cause)]);
        Event { position: at(position), stamp: Timestamp::default(), tag, origin, data }
    }

    fn answer(spec: &WaitSpec, mark: &Mark, events: &[Event]) -> Waiting {
        let mut waiting = Waiting::new(spec);
        for event in events {
            assert!(waiting.keep(spec, event, None));
        }
        waiting.ask(spec, mark, &mut Taken::new());
        waiting
    }

    fn near(waiting: &Waiting) -> Vec<NearReason> {
        waiting.ids().flat_map(|(_, a)| a.near.iter().map(|(_, r)| *r)).collect()
    }

    #[test]
    fn a_boot_counts_whenever_it_came_if_it_is_another_and_not_an_older_one() {
        let mark = mark(10, Some(boot(3)));
        assert!(answer(&spec(false), &mark, &[start(11, boot(4), "boot", None)]).missing().is_empty());
        assert!(answer(&spec(false), &mark, &[start(9, boot(4), "boot", None)]).missing().is_empty());
        let old = answer(&spec(false), &mark, &[start(11, boot(2), "boot", Some(10))]);
        assert_eq!((old.missing().is_empty(), near(&old)), (false, vec![NearReason::OlderBoot]));
        let same = answer(&spec(false), &mark, &[start(11, boot(3), "boot", Some(10))]);
        assert_eq!((same.missing().is_empty(), near(&same)), (false, vec![NearReason::SameBoot]));
    }

    #[test]
    fn the_first_boot_of_a_minion_that_was_never_seen_counts() {
        assert!(
            answer(&spec(false), &mark(10, None), &[start(11, boot(1), "boot", None)]).missing().is_empty()
        );
    }

    #[test]
    fn a_restarted_agent_counts_only_when_asked_for_and_only_if_it_knew_of_the_mark() {
        let mark = mark(10, Some(boot(3)));
        let event = start(12, boot(3), "agent-restart", Some(10));
        assert_eq!(
            near(&answer(&spec(false), &mark, std::slice::from_ref(&event))),
            [NearReason::AgentRestart]
        );
        assert!(answer(&spec(true), &mark, &[event]).missing().is_empty());
        let late = answer(&spec(true), &mark, &[start(12, boot(3), "agent-restart", Some(9))]);
        assert_eq!(near(&late), [NearReason::StaleOutbox]);
    }

    #[test]
    fn an_event_fired_by_hand_counts_by_its_position_and_its_id_may_lie_one_level_down() {
        let by_hand = |position| Event {
            origin: Origin::Operator { name: "root".into() },
            data: Value::from([("data", Value::from([("id", "n1")]))]),
            ..start(position, boot(1), "boot", None)
        };
        assert!(answer(&spec(false), &mark(10, Some(boot(3))), &[by_hand(11)]).missing().is_empty());
        assert_eq!(near(&answer(&spec(false), &mark(10, None), &[by_hand(9)])), [NearReason::BeforeSince]);
    }

    #[test]
    fn a_minion_answers_for_itself_only() {
        let mark = mark(10, Some(boot(3)));
        let by_evil = |tag: &str, data: Value| {
            let honest = start(11, boot(4), "boot", Some(10));
            let Origin::Minion(from) = honest.origin else { unreachable!("a minion's start") };
            let origin = Origin::Minion(MinionOrigin { id: MinionId::new("evil").expect("valid"), ..from });
            Event {
                tag: EventTag::new(tag).expect("valid"),
                origin,
                data,
                position: at(11),
                stamp: honest.stamp,
            }
        };
        let inner = || Value::from([("cause", Value::from("boot")), ("data", Value::from([("id", "n1")]))]);
        let forged = [
            by_evil("salt/minion/evil/start", Value::from([("id", "n1"), ("cause", "boot")])),
            by_evil("salt/minion/evil/start", inner()),
            by_evil("lab/minion/evil/ready", Value::from([("id", "n1")])),
        ];
        let spec = WaitSpec { tag: TagPattern::new("*"), ..spec(true) };
        for event in &forged {
            assert!(!Waiting::new(&spec).keep(&spec, event, Some(&mark)), "{} is not n1's", event.tag);
        }
        let named = WaitSpec { event_id: "name".into(), ..spec.clone() };
        let event = by_evil(
            "salt/minion/evil/start",
            Value::from([("id", "evil"), ("name", "n1"), ("cause", "boot")]),
        );
        assert!(!Waiting::new(&named).keep(&named, &event, Some(&mark)), "a boot is the sender's");
        // What a minion says of other things by other keys, and under tags of its own, is no word about a minion.
        let guest = by_evil("lab/virt/evil/domain/n1/started", Value::from([("id", "evil"), ("name", "n1")]));
        assert!(Waiting::new(&named).keep(&named, &guest, Some(&mark)));
        let free = by_evil("my/job/done", Value::from([("id", "n1")]));
        assert!(Waiting::new(&spec).keep(&spec, &free, Some(&mark)));
    }

    #[test]
    fn an_event_that_one_wait_took_does_not_meet_the_next() {
        let (mut first, mut second) = (Waiting::new(&spec(false)), Waiting::new(&spec(false)));
        let event = start(11, boot(4), "boot", None);
        first.keep(&spec(false), &event, None);
        second.keep(&spec(false), &event, None);
        let mut taken = Taken::new();
        first.ask(&spec(false), &mark(10, Some(boot(3))), &mut taken);
        second.ask(&spec(false), &mark(10, Some(boot(3))), &mut taken);
        assert!(first.missing().is_empty());
        assert_eq!(second.missing(), ["n1"]);
        assert_eq!(near(&second), [NearReason::Consumed]);
    }

    #[test]
    fn noise_does_not_push_out_the_event_that_counts() {
        let mark = mark(10, Some(boot(3)));
        let mut waiting = Waiting::new(&spec(false));
        waiting.keep(&spec(false), &start(11, boot(4), "boot", Some(10)), Some(&mark));
        for position in 12..5000 {
            waiting.keep(&spec(false), &start(position, boot(4), "agent-restart", Some(11)), Some(&mark));
        }
        waiting.ask(&spec(false), &mark, &mut Taken::new());
        assert!(waiting.missing().is_empty());
    }
}
