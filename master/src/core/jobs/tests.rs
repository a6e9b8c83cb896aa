//! The accounting of jobs: batches after a restart, returns that come late.

mod clocks;

use std::sync::Arc;

use lab_proto::event::{Boot, MinionOrigin, Origin};
use lab_proto::{BootId, Fingerprint, JobReturn, JobSpec, LogId, Map, OutboxId, Position, Target, Value};

use super::*;
use crate::core::Restored;
use crate::core::tests::config;
use crate::store::memory::MemoryStore;
use crate::store::{EventStore, KeyStore, RetentionPolicy};

const NOW: Timestamp = Timestamp::from_micros(5_000_000);

/// A core with one job that was begun on some minions.
struct Fixture {
    core: Core,
    spec: JobSpec,
    minions: Vec<MinionId>,
    seq: u64,
}

impl Fixture {
    fn with_batch(batch: Option<u32>) -> Self {
        let minions: Vec<MinionId> =
            ["a", "b", "c"].into_iter().map(|id| MinionId::new(id).expect("valid")).collect();
        let spec = JobSpec {
            jid: JobId::new(NOW, 1),
            fun: "service.restart".to_owned(),
            args: Vec::new(),
            kwargs: Map::new(),
            target: Target::glob("*"),
            timeout_micros: None,
            tree: None,
            user: "root".to_owned(),
            step: None,
            at: NOW,
        };
        let record = JobRecord { spec: spec.clone(), after: 0, count: 3, batch, done: None };
        let rows = minions.iter().map(|m| (m.clone(), RowRecord::open())).collect();
        let restored = Restored { jobs: vec![(record, rows)], ..Restored::default() };
        let head = Position { log_id: LogId::from_u128(1), seq: 9 };
        let core = Core::new(config(), Box::new(|| 1), head, restored, NOW);
        let mut fixture = Self { core, spec, minions, seq: 0 };
        let new = facts::job_new(&fixture.spec, &fixture.minions);
        let new = fixture.event(new);
        fixture.core.replay(&new);
        fixture
    }

    fn event(&mut self, new: NewEvent) -> Event {
        self.seq += 1;
        let position = Position { log_id: LogId::from_u128(1), seq: self.seq };
        Event { position, stamp: NOW, origin: new.origin, tag: new.tag, data: new.data }
    }

    fn end(&mut self, minion: usize, state: EndState) -> Event {
        self.event(facts::job_end(self.spec.jid, &self.minions[minion].clone(), state, "as told"))
    }

    fn returned(&mut self, minion: usize) -> Event {
        let id = self.minions[minion].clone();
        let answer = JobReturn {
            jid: self.spec.jid,
            id: id.clone(),
            fun: self.spec.fun.clone(),
            state: EndState::Returned,
            success: true,
            retcode: 0,
            value: Value::from(true),
            duration_micros: 5,
        };
        let origin = Origin::Minion(MinionOrigin {
            id,
            key: Fingerprint::of(b"k"),
            outbox_id: OutboxId::from_u128(1),
            counter: 1,
            boot: Boot { id: BootId::from_u128(1), number: 1 },
            seen: None,
            at: NOW,
        });
        self.event(NewEvent { tag: answer.tag(), origin, data: answer.data() })
    }

    fn late_returns(&mut self) -> Vec<MinionId> {
        std::iter::from_fn(|| self.core.poll_effect())
            .filter_map(|e| if let Effect::LateReturn { minion, .. } = e { Some(minion) } else { None })
            .collect()
    }
}

#[test]
fn a_restarted_master_keeps_a_batch_as_small_as_it_was_asked_to_be() {
    let mut f = Fixture::with_batch(Some(1));
    let failed = f.end(0, EndState::Failed);
    f.core.replay(&failed);
    f.core.resume(0, NOW);
    let rows = f.core.open_job(f.spec.jid).expect("open").rows;
    assert!(matches!(rows[0].1, Row::Ended(_)), "{rows:?}");
    assert!(matches!(rows[1].1, Row::Absent { .. }), "it may have been published: {rows:?}");
    assert_eq!(rows[2].1, Row::Waiting, "its turn has not come");
}

#[test]
fn a_minion_whose_turn_comes_late_is_told_so_and_told_the_same_again() {
    let mut f = Fixture::with_batch(Some(1));
    let later = NOW + Duration::from_secs(3600);
    let restored = f.core.jobs.get_mut(&f.spec.jid).expect("open");
    assert_eq!(restored.as_of(later).at, NOW, "whether it went out before the restart is not known");
    let mut job = submission("a");
    job.batch = Some(1);
    let then = NOW + Duration::from_secs(1);
    let jid = f.core.submit(job, then).expect("small");
    let job = f.core.jobs.get_mut(&jid).expect("open");
    assert_eq!(job.as_of(then).at, then);
    let turn = job.as_of(later);
    assert_eq!((turn.at, turn.jid), (later, jid));
    assert!(Arc::ptr_eq(&turn, &job.as_of(later)), "those of one turn share it");
}

#[test]
fn a_return_that_comes_while_its_job_is_being_closed_corrects_the_record_when_that_is_written() {
    let mut f = Fixture::with_batch(None);
    for minion in 0..3 {
        let end = f.end(minion, EndState::TimedOut);
        f.core.appended(&[end], NOW);
    }
    // The record and the end of the job are on their way to the disk.
    let late = f.returned(1);
    f.core.appended(&[late], NOW);
    assert_eq!(f.late_returns(), [], "the record is not there yet");
    let done = facts::job_done(&f.spec.clone(), false, &[]);
    let done = f.event(done);
    f.core.appended(&[done], NOW);
    assert_eq!(f.late_returns(), [f.minions[1].clone()]);
    let later = f.returned(2);
    f.core.appended(&[later], NOW);
    assert_eq!(f.late_returns(), [f.minions[2].clone()]);
}

/// Makes what the core wants written durable, as the server's writer does; `before_events` is a crash between the two.
fn settle(core: &mut Core, store: &MemoryStore, before_events: impl Fn(&NewEvent) -> bool) -> Vec<String> {
    let mut tags = Vec::new();
    while let Some(effect) = core.poll_effect() {
        let Effect::Write(write) = effect else { continue };
        store.commit(write.changes).expect("kept");
        if write.events.iter().any(&before_events) {
            break;
        }
        let appended = store.append(write.events, &write.marks, NOW).expect("kept");
        tags.extend(appended.events.iter().map(|e| e.tag.to_string()));
        core.appended(&appended.events, NOW);
    }
    tags
}

#[test]
fn a_job_whose_record_is_done_but_whose_last_event_was_lost_is_told_at_the_next_start_and_once() {
    let store = MemoryStore::new(LogId::from_u128(1));
    let config = Fixture::with_batch(None).core.config;
    let restore = |random| Core::restore(config, Box::new(move || random), &store, NOW).expect("readable");
    let is_done = |e: &NewEvent| e.tag.as_str().ends_with("/done");
    let mut core = restore(1);
    let jid = core.submit(submission("a"), NOW).expect("small");
    let tags = settle(&mut core, &store, is_done);
    assert!(tags.iter().all(|t| !t.ends_with("/done")), "{tags:?}");
    let done = format!("lab/job/{jid}/done");
    let mut core = restore(2);
    assert_eq!(settle(&mut core, &store, |_| false), [done.as_str()]);
    // Its note goes with the next job, or is found settled.
    assert!(settle(&mut restore(3), &store, |_| false).is_empty());
    core.submit(submission("b"), NOW).expect("small");
    settle(&mut core, &store, |_| false);
    let left = records::closing(&store).expect("readable");
    assert!(!left.contains(&jid), "{left:?}");
}

fn submission(minion: &str) -> Submission {
    Submission {
        jid: None,
        fun: "test.ping".to_owned(),
        args: Vec::new(),
        kwargs: Map::new(),
        target: Target::glob(minion),
        minions: vec![MinionId::new(minion).expect("valid")],
        timeout: None,
        tree: None,
        user: "root".to_owned(),
        step: None,
        batch: None,
    }
}

/// A core whose store has the record of a job and a run, and a log that begins after both.
fn restored_without_the_beginning() -> (Core, MemoryStore, JobId, lab_proto::RunId) {
    let f = Fixture::with_batch(None);
    let store = MemoryStore::new(LogId::from_u128(1));
    let record = JobRecord { spec: f.spec.clone(), after: 0, count: 3, batch: None, done: None };
    let rows = f.minions.iter().map(|m| (m, RowRecord::open()));
    let run = lab_proto::RunId::new(NOW, 1);
    let mut changes = records::put_job(&record, rows);
    changes.push(records::put_run(&crate::core::RunRecord {
        run,
        name: "update".to_owned(),
        user: "root".to_owned(),
        at: NOW,
        after: 0,
        done: None,
    }));
    store.commit(changes).expect("commits");
    let others = (0..9).map(|_| facts::lifecycle("started", "1")).collect();
    store.append(others, &[], NOW).expect("appends");
    let nothing = RetentionPolicy { max_age: None, max_bytes: Some(0) };
    store.retain(&nothing, Some(5), NOW).expect("retains");
    let core = Core::restore(config(), Box::new(|| 1), &store, NOW).expect("restores");
    (core, store, f.spec.jid, run)
}

#[test]
fn a_job_and_a_run_whose_beginning_was_trimmed_are_told_to_have_ended() {
    let (mut core, store, jid, run) = restored_without_the_beginning();
    let mut tags = Vec::new();
    while let Some(effect) = core.poll_effect() {
        let Effect::Write(write) = effect else { continue };
        store.commit(write.changes).expect("commits");
        let events = store.append(write.events, &[], NOW).expect("appends").events;
        tags.extend(events.iter().map(|e| e.tag.to_string()));
        core.appended(&events, NOW);
    }
    let ends = ["a", "b", "c"].map(|m| format!("lab/job/{jid}/end/{m}"));
    assert!(ends.iter().all(|tag| tags.contains(tag)), "{tags:?}");
    assert!(tags.contains(&format!("lab/job/{jid}/done")), "{tags:?}");
    assert!(tags.contains(&lab_proto::facts::RunEnded::tag_for(run).to_string()), "{tags:?}");
    let record = records::job(&store, jid).expect("readable").expect("stays, for late returns");
    assert_eq!(record.done, Some(false));
    assert!(records::runs(&store).expect("readable").iter().all(|r| r.done == Some(records::RunEnd::Failed)));
}

#[test]
fn the_log_is_needed_from_where_the_oldest_unfinished_job_begins() {
    let mut f = Fixture::with_batch(None);
    let needed = f.core.needed_after();
    assert_eq!((needed.after, needed.by), (0, Some(crate::core::Unfinished::Job(f.spec.jid))));
    let ends: Vec<Event> = (0..3).map(|m| f.end(m, EndState::Returned)).collect();
    f.core.appended(&ends, NOW);
    let done = facts::job_done(&f.spec.clone(), true, &[]);
    let done = f.event(done);
    f.core.appended(std::slice::from_ref(&done), NOW);
    let needed = f.core.needed_after();
    assert_eq!((needed.after, needed.by), (done.position.seq, None), "what is begun later may need the rest");
}

/// A core with one minion connected and its stream of jobs registered.
struct Connected {
    core: Core,
    conn: ConnId,
    id: MinionId,
    seq: u64,
}

impl Connected {
    fn new() -> Self {
        let config = Fixture::with_batch(None).core.config;
        let head = Position { log_id: LogId::from_u128(1), seq: 0 };
        let core = Core::new(config, Box::new(|| 1), head, Restored::default(), NOW);
        let id = MinionId::new("a").expect("valid");
        let mut connected = Self { core, conn: ConnId(1), id, seq: 0 };
        connected.core.connect(connected.conn, connected.arrival(), NOW);
        connected.core.jobs_registered(connected.conn, NOW);
        connected.settle(NOW);
        connected
    }

    fn arrival(&self) -> crate::core::Arrival {
        arrival(&self.id, 3)
    }

    /// Submits a job and writes what comes of it.
    fn submit(&mut self, now: Timestamp) -> JobId {
        let jid = self.core.submit(submission("a"), now).expect("small");
        self.settle(now);
        jid
    }

    /// Makes what the core wants written durable; returns the ends that it decided, and whom it published to.
    fn settle(&mut self, now: Timestamp) -> (Vec<(String, String)>, usize) {
        let (mut ends, mut published) = (Vec::new(), 0);
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Publish { .. } => published += 1,
                Effect::Write(write) => {
                    let events: Vec<Event> = write.events.into_iter().map(|new| self.event(new)).collect();
                    for event in events.iter().filter(|e| e.tag.as_str().contains("/end/")) {
                        let text = |key| event.data.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
                        ends.push((text("state"), text("reason")));
                    }
                    self.core.appended(&events, now);
                }
                _ => {}
            }
        }
        (ends, published)
    }

    fn event(&mut self, new: NewEvent) -> Event {
        self.seq += 1;
        let position = Position { log_id: LogId::from_u128(1), seq: self.seq };
        Event { position, stamp: NOW, origin: new.origin, tag: new.tag, data: new.data }
    }

    /// Lets the minion be silent until it is lost.
    fn lose(&mut self) -> (Timestamp, Vec<(String, String)>) {
        let now = NOW + Duration::from_secs(60);
        self.core.handle_timeout(now);
        assert_eq!(self.core.minion(&self.id).expect("known").presence, crate::core::Presence::Lost);
        (now, self.settle(now).0)
    }
}

fn arrival(id: &MinionId, process: u128) -> crate::core::Arrival {
    let mut arrival = crate::core::tests::arrival(id, OutboxId::from_u128(4));
    arrival.hello.process = lab_proto::ids::ProcessId::from_u128(process);
    arrival
}

#[test]
fn a_job_that_was_published_ends_as_lost_when_the_heartbeats_stop() {
    let mut c = Connected::new();
    let jid = c.submit(NOW);
    assert!(matches!(c.core.open_job(jid).expect("open").rows[0].1, Row::Published { .. }));
    let (_, ends) = c.lose();
    assert_eq!(ends, [("lost".to_owned(), "its heartbeats stopped".to_owned())]);
    assert!(c.core.open_job(jid).is_none(), "everyone is accounted for");
}

#[test]
fn a_job_for_a_minion_that_is_lost_while_its_connection_lives_on_ends_at_once_as_offline() {
    let mut c = Connected::new();
    let (now, _) = c.lose();
    let jid = c.core.submit(submission("a"), now).expect("small");
    let (ends, published) = c.settle(now);
    assert_eq!(ends, [("offline".to_owned(), "it is lost: its heartbeats stopped before".to_owned())]);
    assert_eq!(published, 0, "whoever might hear it after all does not run what ended");
    assert!(c.core.open_job(jid).is_none());
    // The transport gives up: there is nothing left to end.
    c.core.disconnected(c.conn, "timed out", now);
    assert_eq!(c.settle(now), (Vec::new(), 0));
}

#[test]
fn a_minion_whose_heartbeats_come_again_is_published_to_again() {
    let mut c = Connected::new();
    let (now, _) = c.lose();
    let beat = lab_proto::v1::link::ToMaster::Heartbeat { number: 1, jobs: 0, change_pending_micros: None };
    c.core.control(c.conn, beat, now);
    c.core.submit(submission("a"), now).expect("small");
    let (ends, published) = c.settle(now);
    assert_eq!((ends, published), (Vec::new(), 1));
}

#[test]
fn two_agents_with_one_identity_are_named_with_both_and_a_restarted_one_is_not() {
    let mut c = Connected::new();
    let mut come = |conn, process, now| {
        let mut arrival = arrival(&c.id, process);
        arrival.address = format!("192.0.2.{process}:9");
        c.core.connect(ConnId(conn), arrival, now);
        let writes = std::iter::from_fn(|| c.core.poll_effect()).filter_map(|e| match e {
            Effect::Write(write) => Some(write.events),
            _ => None,
        });
        writes
            .flatten()
            .filter(|e| e.tag.as_str() == "lab/minion/a/duplicate")
            .map(|e| e.data)
            .collect::<Vec<_>>()
    };
    let later = |seconds| NOW + Duration::from_secs(seconds);
    assert_eq!(come(2, 3, later(1)), [], "its own next link");
    assert_eq!(come(3, 4, later(2)), [], "a restarted agent");
    assert_eq!(come(4, 4, later(3)), [], "its own next link");
    let told = come(5, 3, later(4));
    assert_eq!(told.len(), 1, "the former process lives");
    let text = format!("{:?}", told[0]);
    assert!(text.contains("192.0.2.3:9") && text.contains("192.0.2.4:9") && text.contains("enrol"), "{text}");
    assert_eq!(come(6, 4, later(5)), [], "told a moment ago");
    assert_eq!(come(7, 3, later(700)).len(), 1, "it lasts");
}

#[test]
fn a_hello_under_another_name_is_refused_and_both_names_are_told() {
    let mut c = Connected::new();
    let mut arrival = arrival(&c.id, 3);
    arrival.hello.id = MinionId::new("clone").expect("valid");
    c.core.connect(ConnId(2), arrival, NOW);
    let mut told = Vec::new();
    while let Some(effect) = c.core.poll_effect() {
        if let Effect::Write(write) = effect {
            told.extend(write.events.into_iter().filter(|e| e.tag.as_str() == "lab/security/refused"));
        }
    }
    let text = format!("{told:?}");
    assert!(text.contains("its certificate: clone") && text.contains("\"a\""), "{text}");
}
