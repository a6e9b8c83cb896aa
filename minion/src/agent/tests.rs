mod going_down;
mod queue;

use super::*;
use crate::journal::Stage;
use lab_proto::{Target, facts::Fact};

/// Drives an agent by hand: time is a number of seconds, effects are what came out since.
struct Bench {
    agent: Agent,
    now: i64,
    counter: u64,
}

fn boot(n: u64) -> Boot {
    Boot { id: BootId::from_u128(u128::from(n)), number: n }
}

fn jid(n: i64) -> JobId {
    JobId::new(Timestamp::from_micros(n), 0)
}

fn job(n: i64, fun: &str) -> JobSpec {
    JobSpec {
        jid: jid(n),
        fun: fun.to_owned(),
        args: vec![],
        kwargs: Map::new(),
        target: Target::glob("*"),
        timeout_micros: None,
        tree: None,
        user: "root".into(),
        step: None,
        at: Timestamp::from_micros(n),
    }
}

/// A state run with one keyword argument.
fn state_run(n: i64, key: &str, value: impl Into<Value>) -> JobSpec {
    JobSpec { kwargs: Map::from_iter([(Value::from(key), value.into())]), ..job(n, "state.apply") }
}

fn beginning() -> Beginning {
    Beginning {
        id: MinionId::new("web1").expect("valid"),
        boot: boot(2),
        old_boot: Some(boot(1).id),
        ledger: Ledger::default(),
        returned: vec![],
        limits: Limits { parallel: 2, jobs: 5, ..Limits::default() },
    }
}

fn ended(value: &str) -> Finished {
    Finished { state: EndState::Returned, success: true, retcode: 0, value: Value::from(value), power: None }
}

fn rebooting() -> Finished {
    Finished { power: Some(PowerRequest::Reboot), ..ended("all states hold") }
}

/// Returns what the agent returns of a job whose function returned a list nested so deep.
fn returned_at(levels: u8, fun: &str) -> JobReturn {
    let mut bench = Bench::connected(beginning());
    bench.running(1, fun);
    let value = (1..levels).fold(Value::Null, |v, _| Value::List(vec![v]));
    let effects = bench.finished(1, Finished { value, ..ended("") });
    let returned =
        effects.into_iter().find_map(|e| if let Effect::Return { ret, .. } = e { Some(*ret) } else { None });
    returned.expect("every job returns")
}

#[test]
fn a_return_that_is_nested_too_deep_is_a_failed_one_that_says_so() {
    use lab_proto::value::MAX_GIVEN;
    let fits = returned_at(MAX_GIVEN, "http.query");
    assert!(fits.success && fits.value.is_deeper_than(MAX_GIVEN - 1));
    let deep = returned_at(MAX_GIVEN + 1, "http.query");
    assert_eq!((deep.state, deep.success, deep.retcode), (EndState::Failed, false, 1));
    assert!(deep.value.as_str().is_some_and(|text| text.contains("deeper than 48 levels")), "{}", deep.value);
    let states = returned_at(127, "state.apply");
    assert!(states.success && states.value.check_given().is_ok(), "how the states went is not lost");
}

impl Bench {
    fn new(beginning: Beginning) -> Self {
        Self { agent: Agent::new(beginning, Timestamp::from_micros(0)), now: 0, counter: 0 }
    }

    fn connected(beginning: Beginning) -> Self {
        let mut bench = Self::new(beginning);
        bench.agent.handle_registered();
        bench.effects();
        bench
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now * 1_000_000)
    }

    fn effects(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.agent.poll_effect()).collect()
    }

    fn publish(&mut self, n: i64, fun: &str) -> Vec<Effect> {
        self.publish_spec(job(n, fun))
    }

    fn publish_spec(&mut self, spec: JobSpec) -> Vec<Effect> {
        let now = self.now();
        self.agent.handle_publish(spec, Map::new(), now);
        self.effects()
    }

    fn journalled(&mut self, n: i64) -> Vec<Effect> {
        let now = self.now();
        self.agent.handle_journalled(jid(n), now);
        self.effects()
    }

    /// Publishes a job and lets it come as far as its function.
    fn running(&mut self, n: i64, fun: &str) {
        self.publish(n, fun);
        let effects = self.journalled(n);
        assert!(effects.iter().any(|e| matches!(e, Effect::Run { .. })), "{effects:?}");
    }

    fn finished(&mut self, n: i64, finished: Finished) -> Vec<Effect> {
        let now = self.now();
        self.agent.handle_finished(jid(n), finished, now);
        self.effects()
    }

    fn stored(&mut self, n: i64) -> Vec<Effect> {
        self.counter += 1;
        let now = self.now();
        self.agent.handle_stored(jid(n), self.counter, now);
        self.effects()
    }

    fn acked(&mut self, counter: u64) -> Vec<Effect> {
        self.agent.handle_acked(counter);
        self.effects()
    }

    fn wake(&mut self, seconds: i64) -> Vec<Effect> {
        self.now += seconds;
        let now = self.now();
        self.agent.handle_timeout(now);
        self.effects()
    }
}

/// Returns the first entry for the journal, where that is what comes first.
fn journals(effects: &[Effect]) -> Option<&Entry> {
    match effects.first()? {
        Effect::Journal { entries, .. } => entries.first(),
        _ => None,
    }
}

fn returns(effects: &[Effect]) -> Vec<(JobId, EndState)> {
    let ret = |e: &Effect| match e {
        Effect::Return { ret, .. } => Some((ret.jid, ret.state)),
        _ => None,
    };
    effects.iter().filter_map(ret).collect()
}

fn told(effects: &[Effect]) -> Vec<JobState> {
    let state = |e: &Effect| match e {
        Effect::Tell(JobsUp::State { state, .. }) => Some(state.clone()),
        _ => None,
    };
    effects.iter().filter_map(state).collect()
}

fn said(effects: &[Effect]) -> Vec<Fact> {
    let fact = |e: &Effect| match e {
        Effect::Say { tag, data } => Fact::parse(tag, data).expect("is well formed"),
        _ => None,
    };
    effects.iter().filter_map(fact).collect()
}

fn went_down(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::GoDown(_)))
}

#[test]
fn a_job_is_in_the_journal_before_its_function_is_called() {
    let mut bench = Bench::connected(beginning());
    let first = bench.publish(10, "test.ping");
    assert!(matches!(journals(&first), Some(Entry::Started { .. })) && first.len() == 1, "{first:?}");
    assert!(matches!(bench.journalled(10).as_slice(), [Effect::Run { .. }, Effect::Tell(_)]));
}

#[test]
fn a_job_that_cannot_be_journalled_is_not_run() {
    let mut bench = Bench::connected(beginning());
    bench.publish(10, "test.ping");
    let now = bench.now();
    bench.agent.handle_journal_failed(jid(10), "the disk is full", now);
    assert_eq!(returns(&bench.effects()), [(jid(10), EndState::Failed)]);
}

#[test]
fn a_job_that_comes_twice_runs_once() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "test.sleep");
    assert_eq!(told(&bench.publish(10, "test.sleep")), [JobState::Running]);
    bench.finished(10, ended("done"));
    bench.stored(10);
    let again = bench.publish(10, "test.sleep");
    assert_eq!(told(&again), [JobState::Ended]);
    assert_eq!(again.len(), 1, "{again:?}");
}

#[test]
fn a_job_has_ended_only_when_its_return_is_stored() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "test.ping");
    assert_eq!(returns(&bench.finished(10, ended("pong"))), [(jid(10), EndState::Returned)]);
    assert_eq!(bench.agent.live_jobs(), 1);
    bench.stored(10);
    assert_eq!(bench.agent.live_jobs(), 0);
}

#[test]
fn a_killed_running_job_returns_as_killed_with_what_it_had() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "test.sleep");
    let now = bench.now();
    bench.agent.handle_kill(jid(10), "root", now);
    assert_eq!(bench.effects(), [Effect::Cancel(jid(10))]);
    let effects = bench.finished(10, ended("half"));
    assert_eq!(returns(&effects), [(jid(10), EndState::Killed)]);
}

#[test]
fn a_job_over_its_time_is_stopped_and_returns_as_timed_out() {
    let mut bench = Bench::connected(beginning());
    bench.publish_spec(JobSpec { timeout_micros: Some(5_000_000), ..job(10, "test.sleep") });
    bench.journalled(10);
    assert_eq!(bench.agent.poll_timeout().map(|(at, _)| at), Some(Timestamp::from_micros(5_000_000)));
    assert_eq!(bench.wake(5), [Effect::Cancel(jid(10))]);
    assert_eq!(returns(&bench.finished(10, ended("late"))), [(jid(10), EndState::TimedOut)]);
}

#[test]
fn a_function_that_does_not_stop_is_reported_and_keeps_its_place() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish(11, "state.apply");
    bench.journalled(11);
    let now = bench.now();
    bench.agent.handle_kill(jid(10), "root", now);
    bench.effects();
    assert_eq!(returns(&bench.wake(20)), [(jid(10), EndState::Killed)]);
    assert_eq!(bench.stored(10), [], "the next state run waits until the thread is really gone");
    let freed = bench.finished(10, ended("at last"));
    assert!(matches!(freed.as_slice(), [Effect::Journal { jid: j, .. }] if *j == jid(11)), "{freed:?}");
}

#[test]
fn a_job_cut_by_a_restart_is_interrupted_and_never_run_again() {
    let mut ledger = Ledger::default();
    let at = Timestamp::from_micros(1);
    ledger.apply(Entry::Started { jid: jid(10), fun: "state.apply".into(), at });
    ledger.apply(Entry::Accepted { jid: jid(11), fun: "state.apply".into(), at });
    let mut bench = Bench::new(Beginning { ledger, ..beginning() });
    let effects = bench.effects();
    assert_eq!(returns(&effects), [(jid(10), EndState::Interrupted), (jid(11), EndState::Interrupted)]);
    bench.agent.handle_registered();
    bench.effects();
    assert_eq!(told(&bench.publish(10, "state.apply")), [JobState::Ended]);
}

#[test]
fn a_job_whose_return_is_in_the_outbox_was_not_interrupted() {
    let mut ledger = Ledger::default();
    ledger.apply(Entry::Started { jid: jid(10), fun: "test.ping".into(), at: Timestamp::from_micros(1) });
    let mut bench = Bench::new(Beginning { ledger, returned: vec![jid(10)], ..beginning() });
    assert_eq!(bench.effects(), []);
    assert_eq!(bench.agent.ledger.known(jid(10)), Known::Taken(Stage::Ended(EndState::Returned)));
}

#[test]
fn start_is_said_once_per_process_and_says_why() {
    let mut bench = Bench::new(beginning());
    assert_eq!(bench.effects(), [], "not before the job stream is registered");
    bench.agent.handle_registered();
    let facts = said(&bench.effects());
    let [Fact::MinionStart(start)] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!((start.cause, start.old_boot_id), (StartCause::Boot, Some(boot(1).id)));
    bench.agent.handle_link_lost();
    bench.agent.handle_registered();
    assert_eq!(said(&bench.effects()), [], "never on a reconnect");
    let mut restarted = Bench::new(Beginning { old_boot: Some(boot(2).id), ..beginning() });
    restarted.agent.handle_registered();
    let facts = said(&restarted.effects());
    assert!(matches!(facts.as_slice(), [Fact::MinionStart(s)] if s.cause == StartCause::AgentRestart));
}

#[test]
fn ready_waits_for_an_idle_queue_and_for_the_checks() {
    let mut bench = Bench::connected(beginning());
    assert_eq!(bench.effects(), [], "not before the start is durable");
    bench.agent.handle_said();
    assert_eq!(bench.effects(), [Effect::CheckReady]);
    bench.running(10, "state.apply");
    bench.agent.handle_checks(Some("agent".into()), bench.now());
    assert_eq!(said(&bench.effects()), [], "a job runs");
    bench.finished(10, ended("done"));
    assert_eq!(bench.stored(10), [Effect::CheckReady]);
    bench.agent.handle_checks(None, bench.now());
    assert_eq!(bench.effects(), []);
    assert_eq!(bench.wake(5), [Effect::CheckReady], "what is not ready is looked at again");
    bench.agent.handle_checks(Some("systemd: running".into()), bench.now());
    let facts = said(&bench.effects());
    assert!(matches!(facts.as_slice(), [Fact::MinionReady(r)] if r.checks == "systemd: running"));
    bench.agent.handle_said();
    assert_eq!(bench.effects(), [], "once");
}

#[test]
fn live_jobs_are_told_again_on_a_new_link() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish(11, "state.apply");
    bench.journalled(11);
    bench.agent.handle_link_lost();
    bench.agent.handle_registered();
    assert_eq!(told(&bench.effects()), [JobState::Running, JobState::Queued(1)]);
}

#[test]
fn after_a_loss_of_the_journal_jobs_are_refused_by_the_masters_clock() {
    let mut ledger = Ledger::default();
    ledger.apply(Entry::Lost);
    let mut bench = Bench::new(Beginning { ledger, ..beginning() });
    // This machine's clock says 0 all the time; the master's is far ahead.
    bench.agent.handle_master_time(Timestamp::from_micros(1_000));
    bench.agent.handle_registered();
    let floor = bench.effects();
    let sets = |e: &Effect| matches!(e, Effect::Journal { entries, .. } if entries == &[Entry::Floor { before: Timestamp::from_micros(1_000) }]);
    assert!(floor.iter().any(sets), "{floor:?}");
    let refused = |e: &Effect| matches!(e, Effect::Tell(JobsUp::State { state: JobState::Refused(_), .. }));
    let old = bench.publish(1_000, "test.ping");
    assert!(old.iter().any(refused), "it may have run: {old:?}");
    let new = bench.publish(1_001, "test.ping");
    assert!(!new.iter().any(refused), "it was made since: {new:?}");
    bench.agent.handle_master_time(Timestamp::from_micros(5_000));
    assert!(bench.effects().iter().all(|e| !matches!(e, Effect::Journal { .. })), "only once");
}
