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
        let now = self.now();
        self.agent.handle_publish(job(n, fun), Map::new(), now);
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

    fn wake(&mut self, seconds: i64) -> Vec<Effect> {
        self.now += seconds;
        let now = self.now();
        self.agent.handle_timeout(now);
        self.effects()
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
    assert!(
        matches!(first.as_slice(), [Effect::Journal { entries, .. }] if matches!(entries[0], Entry::Started { .. }))
    );
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
fn state_runs_go_one_by_one_and_the_others_are_told_their_place() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let queued = bench.publish(11, "state.apply");
    assert!(
        matches!(&queued[0], Effect::Journal { entries, .. } if matches!(entries[0], Entry::Accepted { .. }))
    );
    assert_eq!(told(&bench.journalled(11)), [JobState::Queued(1)]);
    bench.publish(12, "state.highstate");
    assert_eq!(told(&bench.journalled(12)), [JobState::Queued(2)]);
    bench.running(13, "test.ping");
    let next = bench.finished(10, ended("done"));
    assert!(matches!(next.last(), Some(Effect::Journal { jid: j, .. }) if *j == jid(11)), "{next:?}");
}

#[test]
fn a_state_run_that_does_not_want_to_wait_is_not_taken_while_another_goes_on() {
    let mut bench = Bench::connected(beginning());
    let queue = |n, value: Value| {
        let kwargs = [(Value::from("queue"), value)].into_iter().collect();
        JobSpec { kwargs, ..job(n, "state.apply") }
    };
    let now = bench.now();
    bench.agent.handle_publish(queue(10, false.into()), Map::new(), now);
    assert!(bench.journalled(10).iter().any(|e| matches!(e, Effect::Run { .. })), "nothing is before it");
    bench.agent.handle_publish(queue(11, false.into()), Map::new(), now);
    let effects = bench.journalled(11);
    assert_eq!(returns(&effects), [(jid(11), EndState::Failed)]);
    assert!(format!("{effects:?}").contains(&jid(10).to_string()), "it names the other: {effects:?}");
    bench.stored(11);
    bench.agent.handle_publish(queue(12, 2.into()), Map::new(), now);
    assert_eq!(told(&bench.journalled(12)), [JobState::Queued(1)]);
    bench.agent.handle_publish(queue(13, 2.into()), Map::new(), now);
    assert_eq!(returns(&bench.journalled(13)), [(jid(13), EndState::Failed)]);
    bench.stored(13);
    bench.agent.handle_publish(queue(14, true.into()), Map::new(), now);
    assert_eq!(told(&bench.journalled(14)), [JobState::Queued(2)]);
}

/// Writes to the disk's ledger what these effects ask for, as the shell does.
fn written(ledger: &mut Ledger, effects: &[Effect]) {
    for effect in effects {
        match effect {
            Effect::Journal { entries, .. } => entries.iter().for_each(|e| ledger.apply(e.clone())),
            Effect::Return { end, .. } => ledger.apply(end.clone()),
            _ => {}
        }
    }
}

#[test]
fn a_job_that_was_turned_away_does_not_run_when_it_comes_again() {
    let mut bench = Bench::connected(beginning());
    let kwargs: Map = [(Value::from("queue"), Value::from(false))].into_iter().collect();
    let turned_away = JobSpec { kwargs, at: Timestamp::from_micros(99), ..job(11, "state.apply") };
    let mut disk = Ledger::default();
    written(&mut disk, &bench.publish(10, "state.apply"));
    bench.journalled(10);
    bench.agent.handle_publish(turned_away.clone(), Map::new(), bench.now());
    written(&mut disk, &bench.effects());
    assert_eq!(disk.unfinished().count(), 2, "the disk knows of it before it is returned");
    let effects = bench.journalled(11);
    assert_eq!(returns(&effects), [(jid(11), EndState::Failed)]);
    written(&mut disk, &effects);
    bench.stored(11);
    // The link breaks before the master has the return, and what kept the job out has ended meanwhile.
    bench.agent.handle_link_lost();
    written(&mut disk, &bench.finished(10, ended("done")));
    bench.stored(10);
    bench.agent.handle_registered();
    bench.effects();
    bench.agent.handle_publish(turned_away.clone(), Map::new(), bench.now());
    let again = bench.effects();
    assert!(matches!(again.as_slice(), [Effect::Tell(_)]), "{again:?}");
    assert_eq!(told(&again), [JobState::Ended]);
    assert_eq!(disk.made(jid(11)), Some(turned_away.at), "it is not forgotten before its time either");
    let mut bench = Bench::connected(Beginning { ledger: disk, ..beginning() });
    bench.agent.handle_publish(turned_away, Map::new(), bench.now());
    assert_eq!(told(&bench.effects()), [JobState::Ended], "nor after a restart");
}

#[test]
fn a_job_that_could_not_be_journalled_does_not_run_after_a_restart_either() {
    let mut bench = Bench::connected(beginning());
    bench.publish(10, "test.ping");
    bench.agent.handle_journal_failed(jid(10), "the disk is full", bench.now());
    // There is room again for its end.
    let mut disk = Ledger::default();
    written(&mut disk, &bench.effects());
    let mut bench = Bench::connected(Beginning { ledger: disk, ..beginning() });
    assert_eq!(told(&bench.publish(10, "test.ping")), [JobState::Ended]);
}

#[test]
fn who_was_turned_away_keeps_nobody_else_out_nor_up() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let queue = |n, value: Value| JobSpec {
        kwargs: [(Value::from("queue"), value)].into_iter().collect(),
        ..job(n, "state.apply")
    };
    let now = bench.now();
    bench.agent.handle_publish(queue(11, false.into()), Map::new(), now);
    bench.effects();
    // Its disk is slow.
    bench.agent.handle_publish(queue(12, 2.into()), Map::new(), now);
    assert_eq!(told(&bench.journalled(12)), [JobState::Queued(1)], "one is before it, and no more");
    bench.agent.handle_kill(jid(11), "root", now);
    let next = bench.finished(10, ended("done"));
    assert!(matches!(next.last(), Some(Effect::Journal { jid: j, .. }) if *j == jid(12)), "{next:?}");
    assert_eq!(returns(&bench.journalled(11)), [(jid(11), EndState::Failed)]);
}

#[test]
fn functions_run_side_by_side_up_to_the_limit() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "test.sleep");
    bench.running(11, "test.sleep");
    bench.publish(12, "test.sleep");
    assert!(matches!(told(&bench.journalled(12)).as_slice(), [JobState::Queued(_)]));
}

#[test]
fn a_full_queue_refuses_with_a_reason() {
    let mut bench = Bench::connected(beginning());
    for n in 10..15 {
        bench.publish(n, "state.apply");
    }
    assert!(matches!(told(&bench.publish(15, "state.apply")).as_slice(), [JobState::Refused(_)]));
}

#[test]
fn a_killed_job_in_the_queue_never_runs() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish(11, "state.apply");
    bench.journalled(11);
    let now = bench.now();
    bench.agent.handle_kill(jid(11), "root", now);
    assert_eq!(returns(&bench.effects()), [(jid(11), EndState::Killed)]);
    bench.stored(11);
    bench.finished(10, ended("done"));
    assert_eq!(bench.stored(10), []);
}

#[test]
fn a_job_killed_on_its_way_into_the_journal_never_runs() {
    let mut bench = Bench::connected(beginning());
    bench.publish(10, "test.sleep");
    let now = bench.now();
    bench.agent.handle_kill(jid(10), "root", now);
    assert_eq!(bench.effects(), []);
    assert_eq!(returns(&bench.journalled(10)), [(jid(10), EndState::Killed)]);
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
    let now = bench.now();
    let spec = JobSpec { timeout_micros: Some(5_000_000), ..job(10, "test.sleep") };
    bench.agent.handle_publish(spec, Map::new(), now);
    bench.journalled(10);
    assert_eq!(bench.agent.poll_timeout().map(|(at, _)| at), Some(Timestamp::from_micros(5_000_000)));
    assert_eq!(bench.wake(5), [Effect::Cancel(jid(10))]);
    assert_eq!(returns(&bench.finished(10, ended("late"))), [(jid(10), EndState::TimedOut)]);
}

#[test]
fn a_job_whose_time_ran_out_while_it_waited_never_runs() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let timed = |n| JobSpec { timeout_micros: Some(3_000_000), ..job(n, "state.apply") };
    for n in [11, 12] {
        let now = bench.now();
        bench.agent.handle_publish(timed(n), Map::new(), now);
        bench.journalled(n);
    }
    assert_eq!(bench.agent.poll_timeout().map(|(at, _)| at), Some(Timestamp::from_micros(3_000_000)));
    let effects = bench.wake(3);
    assert_eq!(returns(&effects), [(jid(11), EndState::TimedOut), (jid(12), EndState::TimedOut)]);
    let values: Vec<&Value> = effects
        .iter()
        .filter_map(|e| if let Effect::Return { ret, .. } = e { Some(&ret.value) } else { None })
        .collect();
    assert_eq!(values, [&Value::from("its time was up; the function was not called"); 2]);
    bench.stored(11);
    bench.stored(12);
    bench.finished(10, ended("done"));
    assert_eq!(bench.stored(10), [], "nothing is left to run");
}

#[test]
fn time_in_the_queue_counts_once_the_job_runs_and_while_its_start_is_journalled() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let now = bench.now();
    for n in [11, 12] {
        let spec = JobSpec { timeout_micros: Some(5_000_000), ..job(n, "state.apply") };
        bench.agent.handle_publish(spec, Map::new(), now);
        bench.journalled(n);
    }
    bench.now = 2;
    bench.finished(10, ended("done"));
    let run = bench.journalled(11);
    let deadline = Some(Timestamp::from_micros(5_000_000));
    assert!(run.iter().any(|e| matches!(e, Effect::Run { deadline: d, .. } if *d == deadline)), "{run:?}");
    bench.now = 4;
    bench.finished(11, ended("done"));
    // The disk is slow, and the answer comes before the agent is woken.
    bench.now = 6;
    assert_eq!(returns(&bench.journalled(12)), [(jid(12), EndState::TimedOut)]);
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
fn a_reboot_waits_for_the_return_to_be_stored_and_acknowledged() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    let finished = bench.finished(10, rebooting());
    assert!(!went_down(&finished));
    assert!(!went_down(&bench.stored(10)), "the master does not have it yet");
    bench.agent.handle_acked(0);
    assert_eq!(bench.effects(), []);
    bench.agent.handle_acked(1);
    let journal = bench.effects();
    assert!(
        matches!(journal.as_slice(), [Effect::Journal { entries, .. }] if matches!(entries[0], Entry::RebootDone { .. }))
    );
    assert!(went_down(&bench.journalled(10)));
}

#[test]
fn a_master_that_is_away_does_not_hold_a_reboot_up() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.finished(10, rebooting());
    bench.stored(10);
    bench.agent.handle_link_lost();
    assert_eq!(bench.wake(29), []);
    bench.wake(1);
    assert!(went_down(&bench.journalled(10)));
}

#[test]
fn nothing_is_taken_while_the_machine_goes_down() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.publish(11, "state.apply");
    bench.journalled(11);
    bench.finished(10, rebooting());
    assert_eq!(bench.publish(12, "test.ping"), [], "the master keeps it for the next boot");
    assert_eq!(bench.stored(10), [], "and what waits is not started");
    assert_eq!(bench.publish(13, "test.ping"), []);
}

#[test]
fn a_failed_run_does_not_reboot_unless_it_is_forced() {
    for (forced, down) in [(false, false), (true, true)] {
        let mut bench = Bench::connected(beginning());
        let now = bench.now();
        let mut spec = job(10, "state.apply");
        if forced {
            spec.kwargs.insert(Value::from("force_reboot"), Value::from(true));
        }
        bench.agent.handle_publish(spec, Map::new(), now);
        bench.journalled(10);
        bench.finished(10, Finished { success: false, retcode: 2, ..rebooting() });
        bench.stored(10);
        bench.agent.handle_acked(1);
        bench.effects();
        assert_eq!(went_down(&bench.journalled(10)), down, "forced: {forced}");
    }
}

#[test]
fn the_worst_order_goes_down_once() {
    // The agent dies between the journal and the reboot; its successor in the next boot is asked for the job again.
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.finished(10, rebooting());
    bench.stored(10);
    bench.agent.handle_acked(1);
    bench.effects();
    let ledger = bench.agent.ledger.clone();
    assert!(ledger.reboot_done(jid(10)));
    let next = Beginning { ledger, boot: boot(3), old_boot: Some(boot(2).id), ..beginning() };
    let mut bench = Bench::new(next);
    assert_eq!(bench.effects(), []);
    bench.agent.handle_registered();
    bench.effects();
    let again = bench.publish(10, "state.apply");
    assert_eq!(told(&again), [JobState::Ended]);
    assert!(!went_down(&again));
}

#[test]
fn a_machine_that_refuses_to_go_down_takes_jobs_again_and_says_so() {
    let mut bench = Bench::connected(beginning());
    bench.running(10, "state.apply");
    bench.finished(10, rebooting());
    bench.stored(10);
    bench.agent.handle_acked(1);
    bench.effects();
    assert!(went_down(&bench.journalled(10)));
    bench.agent.handle_power_failed("systemctl: access denied");
    let effects = bench.effects();
    assert!(
        matches!(effects.as_slice(), [Effect::Say { tag, .. }] if tag.as_str().ends_with("reboot-failed"))
    );
    bench.running(11, "test.ping");
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
