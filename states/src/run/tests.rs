//! Runs of compiled SLS with a double in place of the functions: its verdict is what the state's arguments say.

use std::cell::RefCell;
use std::time::Duration;

use super::*;
use crate::compile::tests::YamlTree;
use crate::compile::{Request, compile};

const START: Timestamp = Timestamp::from_micros(1_000_000);

/// What a run came to.
struct Played {
    rows: Vec<StateReturn>,
    /// The work that was asked for, in order.
    work: Vec<String>,
    slept: Duration,
}

impl Played {
    fn lines(&self) -> Vec<String> {
        let line = |r: &StateReturn| {
            let reason = r.reason.as_deref().map(|r| format!(" ({r})")).unwrap_or_default();
            let changed = if r.changed() { " changed" } else { "" };
            format!("{} {:?}{changed}{reason}", r.id, r.outcome)
        };
        self.rows.iter().map(line).collect()
    }
}

/// A double of the functions: `result` is `ok` (the default), `fail`, `would`, or a list with one for each call;
/// `changes: true` makes it change something.
struct Double {
    calls: RefCell<HashMap<String, usize>>,
}

impl Double {
    fn play(&self, call: &StateCall, watch: bool) -> Verdict {
        let mut calls = self.calls.borrow_mut();
        let count = calls.entry(call.name.clone()).or_default();
        let results = match call.arg(if watch { "watch_result" } else { "result" }) {
            Some(Value::List(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => vec![Value::from("ok")],
        };
        let result = results[(*count).min(results.len() - 1)].to_string();
        *count += 1;
        let changes = match watch || call.arg("changes").is_some_and(Value::truthy) {
            true => [(Value::from("it"), Value::from("changed"))].into_iter().collect(),
            false => Map::new(),
        };
        match (result.as_str(), call.test && !changes.is_empty()) {
            ("fail", _) => Verdict::failed_with(changes, "fails"),
            (_, true) | ("would", _) => Verdict::would_change(changes, "would change"),
            _ => Verdict::ok(changes, "fine"),
        }
    }

    fn answer(&self, work: &Work) -> Answer {
        match work {
            Work::Run(call) => Answer::Verdict(Box::new(self.play(call, false))),
            Work::Watch(call) => Answer::Verdict(Box::new(self.play(call, true))),
            Work::Group(calls) => Answer::Group(calls.iter().map(|c| self.play(c, false)).collect()),
            Work::CheckCmd(value) => Answer::CheckCmd(value.as_str() == Some("true")),
            Work::Guard { options, .. } => {
                let no =
                    |v: &Option<Box<Value>>, word: &str| v.as_ref().is_some_and(|v| v.as_str() == Some(word));
                Answer::Guard(if no(&options.onlyif, "false") || no(&options.unless, "true") {
                    Guard::Skip { reason: "onlyif_unless", comment: "guarded".into() }
                } else {
                    Guard::Pass
                })
            }
        }
    }
}

fn named(work: &Work) -> String {
    match work {
        Work::Run(call) => format!("{}{}", if call.test { "dry " } else { "run " }, call.name),
        Work::Watch(call) => format!("watch {}", call.name),
        Work::Group(calls) => {
            format!("group {}", calls.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join("+"))
        }
        Work::CheckCmd(_) => "check".into(),
        Work::Guard { .. } => "guard".into(),
    }
}

fn play_with(sls: &str, options: RunOptions) -> Played {
    let chunks = compile(&YamlTree::new(&[("a.sls", sls)]), &Request::sls(["a"])).expect("compiles");
    let traits = |chunk: &LowChunk| Traits {
        watches: chunk.state == "w",
        family: (chunk.state == "net").then_some("net"),
        problem: (chunk.fun == "unknown")
            .then(|| Problem::new("unknown-function", Part::Function, chunk, "no such function")),
        ..Traits::default()
    };
    let mut run = StateRun::new(chunks, traits, options);
    let double = Double { calls: RefCell::default() };
    let (mut now, mut work) = (START, Vec::new());
    for _ in 0..10_000 {
        while let Some(effect) = run.poll_effect(now) {
            if let Effect::Work { token, work: what, .. } = effect {
                work.push(named(&what));
                run.handle(token, double.answer(&what), now);
            }
        }
        match run.poll_timeout() {
            Some(at) => {
                now = at;
                run.handle_timeout(now);
            }
            None => {
                assert!(run.is_done(), "neither done nor waiting");
                return Played { rows: run.report(), work, slept: now.since(START) };
            }
        }
    }
    panic!("does not end");
}

fn play(sls: &str) -> Played {
    play_with(sls, RunOptions::default())
}

#[test]
fn a_watcher_without_changes_of_its_own_is_fired_and_one_with_changes_is_not() {
    let played = play(
        "\
c: {t.f: [{changes: true}]}
quiet: {w.f: [{watch: [{t: c}]}]}
loud: {w.f: [{changes: true}, {watch: [{t: c}]}]}
skipped: {w.f: [{unless: 'true'}, {watch: [{t: c}]}]}
",
    );
    assert_eq!(played.work, ["run c", "run quiet", "watch quiet", "run loud", "guard"]);
    assert_eq!(played.lines()[3], "skipped Skipped (onlyif_unless)");
}

#[test]
fn watch_on_a_function_without_a_watch_action_is_a_plain_require() {
    let played = play("c: {t.f: [{changes: true}]}\nx: {t.f: [{watch: [{t: c}]}]}\n");
    assert_eq!(played.work, ["run c", "run x"]);
}

#[test]
fn listeners_run_once_at_the_end_even_after_failhard_stopped_the_run() {
    let played = play(
        "\
l: {w.f: [{listen: [{t: c}, {t: d}]}]}
c: {t.f: [{changes: true}]}
d: {t.f: [{changes: true}, {result: fail}, {failhard: true}]}
never: t.f
",
    );
    assert_eq!(played.work, ["run l", "run c", "run d", "watch l"]);
    assert_eq!(played.lines().last().map(String::as_str), Some("listener_l Ok changed"));
    assert_eq!(played.rows[3].state, "w.mod_watch");
}

#[test]
fn a_listen_that_names_nothing_is_a_failed_row_at_the_end() {
    let played = play("l: {w.f: [{listen: [{t: ghost}]}]}\nx: t.f\n");
    assert_eq!(played.lines(), ["l Ok", "x Ok", "listen_ghost Failed"]);
}

#[test]
fn a_missing_requisite_fails_its_state_only_and_suggests_the_nearest() {
    let played = play("x: {t.f: [{require: [{t: yy}]}]}\ny: t.f\nyz: t.f\n");
    assert_eq!(played.lines(), ["x Failed (requisite_missing)", "y Ok", "yz Ok"]);
    assert!(
        played.rows[0].comment.contains("finds no state t: yy\n  did you mean y"),
        "{}",
        played.rows[0].comment
    );
}

#[test]
fn a_cycle_is_named_in_full() {
    let played = play(
        "a: {t.f: [{require: [{t: b}]}]}\nb: {t.f: [{require: [{t: c}]}]}\nc: {t.f: [{require: [{t: a}]}]}\n",
    );
    let cycle = "Recursive requisite found: t: a (a.sls:1:1) -> t: b (a.sls:2:1) -> t: c (a.sls:3:1) -> t: a (a.sls:1:1)";
    assert!(played.rows[0].comment.contains(cycle), "{}", played.rows[0].comment);
    assert_eq!(played.rows[0].reason.as_deref(), Some("recursive"));
}

#[test]
fn retry_counts_all_tries_and_pauses_between_them() {
    let played = play("x: {t.f: [{result: [fail, fail, ok]}, {retry: {attempts: 5, interval: 7}}]}\n");
    assert_eq!(played.work, ["run x", "run x", "run x"]);
    assert_eq!(played.slept, Duration::from_secs(14));
    assert_eq!(played.lines(), ["x Ok"]);
    let played = play("x: {t.f: [{result: fail}, {retry: {attempts: 2, interval: 0}}]}\n");
    assert_eq!((played.work.len(), played.lines()), (2, vec!["x Failed".to_owned()]));
}

#[test]
fn a_dry_run_never_retries_and_guards_are_asked_in_it() {
    let options = RunOptions { test: true, ..RunOptions::default() };
    let sls = "x: {t.f: [{changes: true}, {onlyif: 'true'}, {retry: true}]}\n";
    let played = play_with(sls, options);
    assert_eq!(played.work, ["guard", "dry x"]);
    assert_eq!(played.lines(), ["x WouldChange changed"]);
}

#[test]
fn check_cmd_decides_whatever_the_function_said() {
    let played = play("x: {t.f: [{result: fail}, {check_cmd: 'true'}]}\ny: {t.f: [{check_cmd: 'false'}]}\n");
    assert_eq!(played.lines(), ["x Ok", "y Failed"]);
}

#[test]
fn a_prereq_runs_before_the_target_that_it_foresees() {
    let played = play(
        "t: {t.f: [{changes: true}]}\np: {t.f: [{prereq: [{t: t}]}]}\nq: {t.f: [{prereq: [{t: n}]}]}\nn: t.f\n",
    );
    assert_eq!(played.work, ["dry t", "run p", "run t", "dry n", "run n"]);
    assert_eq!(played.lines(), ["p Ok", "t Ok changed", "q Skipped (prereq)", "n Ok"]);
}

#[test]
fn an_unknown_function_fails_its_state_before_its_guards_are_asked() {
    let played = play("x: {t.unknown: [{onlyif: 'false'}]}\n");
    assert_eq!(played.lines(), ["x Failed"]);
    assert!(played.work.is_empty());
}

#[test]
fn states_of_a_family_are_applied_together_with_what_they_require_of_each_other() {
    let played = play(
        "\
b: {net.bridge: [{require: [{t: first}]}]}
first: t.f
other: t.f
v: {net.vlan: [{require: [{net: b}]}]}
late: {net.vlan: [{require: [{t: last}]}]}
last: t.f
",
    );
    assert_eq!(played.work, ["run first", "group b+v", "run other", "run last", "group late"]);
    assert_eq!(played.lines(), ["first Ok", "b Ok", "other Ok", "v Ok", "last Ok", "late Ok"]);
}

#[test]
fn a_state_with_a_slot_is_applied_alone() {
    let family = |args: &str| {
        let sls = format!("x: {{bridge.present: [{args}]}}\n");
        let chunks = compile(&YamlTree::new(&[("a.sls", &sls)]), &Request::sls(["a"])).expect("compiles");
        Traits::of(&chunks[0], &crate::functions::builtin()).family
    };
    assert!(family("{name: br0}").is_some());
    assert_eq!(family("{name: '__slot__:salt:pillar.get(bridge)'}"), None);
    assert_eq!(family("{name: br0}, {mtu: '__slot__:salt:pillar.get(mtu)'}"), None);
}

#[test]
fn every_state_of_a_big_run_is_accounted_for() {
    use std::fmt::Write;
    let mut sls = String::new();
    for i in 0..3_000 {
        let result = if i % 97 == 0 { "fail" } else { "ok" };
        writeln!(
            sls,
            "s{i}: {{t.f: [{{result: {result}}}, {{require: [{{t: s{}}}]}}]}}",
            (i + 1_500) % 3_001
        )
        .expect("writes");
    }
    sls.push_str("s3000: t.f\n");
    assert_eq!(play(&sls).rows.len(), 3_001);
}
