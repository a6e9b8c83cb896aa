//! Runs of runs, over a restart of the master at every place that matters.

use std::time::Duration;

use lab_proto::job::StepRef;
use lab_proto::{LogId, Map};
use lab_states::orchestrate::Plan;

use super::*;
use crate::core::shifted;
use crate::core::tests::config;
use crate::store::memory::MemoryStore;
use crate::store::{EventStore, KeyStore};

const NOW: Timestamp = Timestamp::from_micros(5_000_000);

/// A core over a store in memory; what it asks to be compiled is kept for the test to answer.
struct Desk {
    store: MemoryStore,
    core: Core,
    asked: Vec<StartNested>,
    /// The master dies before this event is in the log, and after the changes that go with it.
    dies_before: Option<String>,
    /// The store refuses the first event whose tag ends so.
    refuses: Option<&'static str>,
}

fn restored(store: &MemoryStore) -> Core {
    Core::restore(config(), Box::new(|| 1), store, NOW).expect("a store in memory reads back")
}

impl Desk {
    fn new() -> Self {
        let store = MemoryStore::new(LogId::from_u128(1));
        let core = restored(&store);
        Self { store, core, asked: Vec::new(), dies_before: None, refuses: None }
    }

    fn work(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Write(Write { changes, events, marks, after, .. }) => {
                    self.store.commit(changes).expect("commits");
                    if self
                        .dies_before
                        .as_ref()
                        .is_some_and(|tag| events.iter().any(|e| e.tag.as_str() == tag))
                    {
                        return;
                    }
                    let refused =
                        self.refuses.and_then(|end| events.iter().find(|e| e.tag.as_str().ends_with(end)));
                    if let Some(event) = refused {
                        self.refuses = None;
                        self.core.event_refused(event.tag.as_str(), "it is too large");
                        continue;
                    }
                    let appended = self.store.append(events, &marks, NOW).expect("appends");
                    self.store.commit(after).expect("commits");
                    self.core.appended(&appended.events, NOW);
                }
                Effect::Errand(RunErrand::Compile(nested)) => self.asked.push(*nested),
                _ => {}
            }
        }
    }

    fn begin(&mut self, run: RunId, plan: Vec<Value>, parent: Option<StepRef>) {
        let start = Start {
            run,
            name: "x".into(),
            plan: Plan::compile(plan).expect("compiles"),
            pillar: Map::new(),
            tree: None,
            test: false,
            failhard: false,
            user: "root".into(),
            parent,
        };
        self.core.start_run(start, NOW);
        self.work();
    }

    /// Answers what was asked: the orchestration of this plan begins.
    fn compiled(&mut self, nested: &StartNested, plan: Vec<Value>) {
        self.begin(nested.run, plan, Some(nested.parent.clone()));
    }

    fn restart(&mut self) {
        self.core = restored(&self.store);
        self.dies_before = None;
        self.asked.clear();
        self.work();
    }

    fn starts_of(&self, run: RunId) -> usize {
        self.count(&format!("lab/run/{run}/started"))
    }

    fn ends_of(&self, run: RunId) -> usize {
        self.count(&format!("lab/run/{run}/ended"))
    }

    /// Whom the only step of a run is about.
    fn addressed(&self, run: RunId) -> Vec<Value> {
        let all = self.store.read(self.store.floor(), usize::MAX).expect("reads");
        let of_run = format!("lab/run/{run}/");
        let entered = |tag: &str| tag.starts_with(&of_run) && tag.ends_with("/entered");
        let event = all.iter().find(|e| entered(e.tag.as_str())).expect("it is entered");
        event.data.get("targets").and_then(Value::as_list).expect("a list").to_vec()
    }

    fn count(&self, tag: &str) -> usize {
        let all = self.store.read(self.store.floor(), usize::MAX).expect("reads");
        all.iter().filter(|e| e.tag.as_str() == tag).count()
    }
}

fn chunk<const N: usize>(id: &str, fun: &str, args: [(&str, Value); N]) -> Value {
    let base = [("state", "salt"), ("fun", fun), ("name", id), ("__id__", id), ("__sls__", "orch.x")];
    let base = base.into_iter().map(|(k, v)| (Value::from(k), Value::from(v)));
    Value::Map(base.chain(args.into_iter().map(|(k, v)| (Value::from(k), v))).collect())
}

fn two_runs() -> Vec<Value> {
    let runner = |name: &str| {
        let mods = Value::from([("mods", name)]);
        (Value::from(name), Value::from([("name", Value::from("state.orchestrate")), ("kwarg", mods)]))
    };
    let runners = Value::Map(["orch.quick", "orch.slow"].map(runner).into_iter().collect());
    vec![chunk("both", "parallel_runners", [("runners", runners)])]
}

fn waits_for_nobody() -> Vec<Value> {
    let args = [("name", Value::from("never/*")), ("id_list", Value::from(vec!["nobody"]))];
    vec![chunk("wait", "wait_for_event", args)]
}

fn nothing() -> Vec<Value> {
    let mut nop = chunk("nop", "nop", []);
    if let Value::Map(map) = &mut nop {
        map.insert(Value::from("state"), Value::from("test"));
    }
    vec![nop]
}

#[test]
fn a_run_of_a_run_begins_once_however_often_the_master_restarts() {
    let mut desk = Desk::new();
    desk.begin(RunId::new(NOW, 7), two_runs(), None);
    let [quick, slow] = desk.asked.clone().try_into().expect("two runs are asked for");
    desk.compiled(&quick, nothing());
    desk.compiled(&slow, waits_for_nobody());
    for _ in 0..2 {
        desk.restart();
        assert_eq!(desk.asked, [], "one has ended, the other is under way");
        // The compilation that a former process was asked for comes in late.
        desk.compiled(&quick, nothing());
        desk.compiled(&slow, waits_for_nobody());
        assert_eq!((desk.starts_of(quick.run), desk.starts_of(slow.run)), (1, 1));
    }
}

#[test]
fn a_run_of_a_run_that_never_began_is_asked_for_again() {
    let mut desk = Desk::new();
    desk.begin(RunId::new(NOW, 7), two_runs(), None);
    let [quick, slow] = desk.asked.clone().try_into().expect("two runs are asked for");
    desk.compiled(&quick, nothing());
    desk.restart();
    assert_eq!(desk.asked, std::slice::from_ref(&slow));
    desk.compiled(&slow, nothing());
    assert_eq!((desk.starts_of(quick.run), desk.starts_of(slow.run)), (1, 1));
    assert!(desk.core.runs.get(RunId::new(NOW, 7)).is_none(), "the run is over");
}

#[test]
fn a_run_of_a_run_whose_start_was_lost_is_asked_for_again_and_nothing_of_it_stays() {
    let mut desk = Desk::new();
    desk.begin(RunId::new(NOW, 7), two_runs(), None);
    let [quick, slow] = desk.asked.clone().try_into().expect("two runs are asked for");
    desk.dies_before = Some(format!("lab/run/{}/started", slow.run));
    desk.compiled(&slow, nothing());
    assert_eq!(records::runs(&desk.store).expect("reads").len(), 2, "its record is there");
    desk.restart();
    assert_eq!(desk.asked, [quick.clone(), slow.clone()]);
    assert_eq!(desk.ends_of(slow.run), 0, "it has not failed: it never was");
    desk.compiled(&quick, nothing());
    desk.compiled(&slow, nothing());
    assert_eq!((desk.starts_of(slow.run), desk.ends_of(slow.run)), (1, 1));
}

#[test]
fn whatever_event_of_a_run_the_store_refuses_the_run_ends_and_says_why() {
    let ping = || {
        let args = [("name", Value::from("test.ping")), ("tgt", Value::from("*"))];
        vec![chunk("ping", "function", args)]
    };
    let run = RunId::new(NOW, 7);
    for (plan, refuses) in [
        (nothing(), "/started"),
        (nothing(), "/step/nop/ended"),
        (ping(), "/step/ping/entered"),
        (ping(), "/new"),
    ] {
        let mut desk = Desk::new();
        desk.core.admitted(MinionId::new("web1").expect("valid"));
        desk.refuses = Some(refuses);
        desk.begin(run, plan, None);
        assert_eq!(desk.refuses, None, "{refuses} was refused");
        assert_eq!(desk.ends_of(run), 1, "{refuses}");
        assert!(desk.core.runs.get(run).is_none() && desk.core.open_jobs().next().is_none(), "{refuses}");
        let record = records::runs(&desk.store).expect("reads").pop().expect("one");
        assert_eq!(record.done, Some(records::RunEnd::Failed), "{refuses}");
        let all = desk.store.read(desk.store.floor(), usize::MAX).expect("reads");
        let told = |e: &lab_proto::Event| e.data.to_string().contains("it is too large");
        assert_eq!(all.iter().filter(|e| told(e)).count(), usize::from(refuses != "/started"), "{refuses}");
        assert!(records::jobs(&desk.store).expect("reads").is_empty(), "{refuses}");
    }
}

const DAY: i64 = 86_400_000_000;

fn wait(id: &str, seconds: i64) -> Value {
    let ids = Value::List(vec!["web1".into()]);
    let args = [("name", "never/*".into()), ("id_list", ids), ("timeout", Value::from(seconds))];
    chunk(id, "wait_for_event", args)
}

impl Desk {
    /// Lets so many seconds be over, with the real clock so far ahead; tells how many steps have ended.
    fn at(&mut self, ahead: i64, seconds: u64) -> usize {
        let now = NOW + Duration::from_secs(seconds);
        self.core.set_ahead(ahead, now);
        self.core.handle_timeout(now);
        self.work();
        let all = self.store.read(self.store.floor(), usize::MAX).expect("reads");
        let is_end = |tag: &str| tag.contains("/step/") && tag.ends_with("/ended");
        all.iter().filter(|e| is_end(e.tag.as_str())).count()
    }
}

#[test]
fn a_clock_that_is_set_forward_ends_no_step_and_takes_no_time_from_one() {
    let mut desk = Desk::new();
    desk.begin(RunId::new(NOW, 1), vec![wait("short", 60), wait("long", 100)], None);
    assert_eq!(desk.at(0, 20), 0);
    assert_eq!(desk.at(DAY, 21), 0, "a day has gone by for nobody");
    let due = desk.core.poll_timeout().map(|(due, _)| due);
    assert_eq!(due, Some(NOW + Duration::from_secs(60)), "and the next thing is due when it was");
    // An event with the new stamp is no reason either.
    let (now, stamp) = (NOW + Duration::from_secs(22), shifted(NOW + Duration::from_secs(22), DAY));
    let event = desk.store.append(vec![facts::lifecycle("x", "1")], &[], stamp).expect("appends");
    desk.core.appended(&event.events, now);
    desk.work();
    assert_eq!(desk.at(DAY, 59), 0);
    assert_eq!(desk.at(DAY, 61), 1);
    // Set once more.
    assert_eq!((desk.at(3 * DAY, 70), desk.at(3 * DAY, 99)), (1, 1));
    assert_eq!(desk.at(3 * DAY, 101), 2);
    let records = records::runs(&desk.store).expect("readable");
    assert_eq!(records[0].done, Some(records::RunEnd::TimedOut), "and the run's record says how it ended");
}

#[test]
fn a_clock_that_is_set_back_gives_no_step_more_time_than_it_has() {
    let mut desk = Desk::new();
    desk.begin(RunId::new(NOW, 1), vec![wait("short", 60), wait("long", 100)], None);
    // It was set back by an hour: stamps go at half its pace until they meet it.
    let slow = |seconds: u64| -i64::try_from(seconds.saturating_sub(20)).expect("small") * 500_000;
    let mut ends = Vec::new();
    for second in 1..=105 {
        let ended = desk.at(slow(second), second);
        if ended > ends.len() {
            ends.push(second);
        }
    }
    let [short, long] = ends[..] else { panic!("{ends:?}") };
    assert!((60..=62).contains(&short) && (100..=102).contains(&long), "{ends:?}");
}

#[test]
fn how_a_run_ended_reads_where_a_boolean_was_written() {
    use lab_proto::codec;
    use records::RunEnd;
    let old = |done: Option<bool>| codec::encode(&done).expect("encodes");
    let read = |bytes: &[u8]| codec::decode::<Option<RunEnd>>(bytes).expect("decodes");
    for (was, is) in
        [(None, None), (Some(false), Some(RunEnd::Failed)), (Some(true), Some(RunEnd::Succeeded))]
    {
        assert_eq!(read(&old(was)), is);
        assert_eq!(codec::encode(&is).expect("encodes"), old(was), "and the other way round");
    }
}

#[test]
fn a_subset_is_drawn_from_minions_that_there_are() {
    let mut desk = Desk::new();
    let here = ["n1", "n2"].map(|id| MinionId::new(id).expect("valid"));
    desk.core.accepted.extend(here.clone());
    let list = |more: &[(&str, Value)]| {
        let mut args = chunk(
            "a",
            "function",
            [
                ("name", Value::from("test.ping")),
                ("tgt", Value::from("L@n1,n2,gone1,gone2,gone3,gone4,gone5,gone6")),
                ("tgt_type", Value::from("compound")),
            ],
        );
        if let Value::Map(map) = &mut args {
            map.extend(more.iter().map(|(k, v)| (Value::from(*k), v.clone())));
        }
        vec![args]
    };
    let whole = RunId::new(NOW, 1);
    desk.begin(whole, list(&[]), None);
    assert_eq!(desk.addressed(whole).len(), 8, "whoever is named is accounted for");
    let some = RunId::new(NOW, 2);
    desk.begin(some, list(&[("subset", Value::from(2))]), None);
    assert_eq!(desk.addressed(some), here.map(|id| Value::from(id.as_str())));
}
