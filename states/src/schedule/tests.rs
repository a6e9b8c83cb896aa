//! The scheduler's laws on chosen and on random graphs.

use proptest::prelude::*;

use super::*;

/// Runs a graph to its end; `play` gives the outcome of each run (or rehearsal) of a node.
fn run(mut scheduler: Scheduler, play: impl Fn(usize, bool) -> Outcome) -> Vec<(usize, Step)> {
    let mut log = Vec::new();
    for _ in 0..100_000 {
        match scheduler.poll() {
            Poll::Next(step) => match &step {
                Step::Run { node, .. } => {
                    log.push((*node, step.clone()));
                    scheduler.finish(*node, play(*node, false));
                }
                Step::Rehearse { node } => scheduler.rehearsed(*node, play(*node, true)),
                Step::Settle { node, .. } => log.push((*node, step.clone())),
            },
            Poll::Done => return log,
            Poll::Waiting => panic!("nothing runs, yet it waits"),
        }
    }
    panic!("does not end")
}

fn node(needs: &[(Requisite, &[usize])]) -> Node {
    let mut needs: Vec<_> = needs.iter().map(|(r, t)| (*r, t.to_vec())).collect();
    needs.sort_by_key(|(r, _)| *r);
    Node { needs, ..Node::default() }
}

fn order(log: &[(usize, Step)]) -> Vec<usize> {
    log.iter().map(|(n, _)| *n).collect()
}

fn reason(log: &[(usize, Step)], wanted: usize) -> Option<Reason> {
    log.iter().find(|(n, _)| *n == wanted).and_then(|(_, s)| match s {
        Step::Settle { reason, .. } => Some(reason.clone()),
        _ => None,
    })
}

const HOLDS: Outcome = Outcome { verdict: Verdict::Holds, changed: false, ran: true };
const CHANGED: Outcome = Outcome { verdict: Verdict::Holds, changed: true, ran: true };
const FAILED: Outcome = Outcome { verdict: Verdict::Failed, changed: false, ran: true };

#[test]
fn a_required_node_is_pulled_forward_and_nothing_else_moves() {
    let nodes = vec![node(&[(Requisite::Require, &[2])]), node(&[]), node(&[])];
    assert_eq!(order(&run(Scheduler::new(nodes, false), |_, _| HOLDS)), [2, 0, 1]);
}

#[test]
fn nodes_pulled_by_one_node_come_in_the_order_listed() {
    let nodes = vec![node(&[(Requisite::Require, &[3, 1])]), node(&[]), node(&[]), node(&[])];
    assert_eq!(order(&run(Scheduler::new(nodes, false), |_, _| HOLDS)), [3, 1, 0, 2]);
}

#[test]
fn a_failure_blocks_what_requires_it_and_runs_what_waits_for_it() {
    let nodes = vec![node(&[]), node(&[(Requisite::Require, &[0])]), node(&[(Requisite::Onfail, &[1])])];
    let log = run(Scheduler::new(nodes, false), |n, _| if n == 0 { FAILED } else { HOLDS });
    assert_eq!(reason(&log, 1), Some(Reason::RequisiteFailed(vec![0])));
    assert_eq!(reason(&log, 2), None);
}

#[test]
fn onchanges_on_a_failed_node_is_blocked_though_another_changed() {
    let nodes = vec![node(&[]), node(&[]), node(&[(Requisite::Onchanges, &[0, 1])])];
    let log = run(Scheduler::new(nodes.clone(), false), |n, _| if n == 0 { FAILED } else { CHANGED });
    assert_eq!(reason(&log, 2), Some(Reason::RequisiteFailed(vec![0])));
    let any = vec![node(&[]), node(&[]), node(&[(Requisite::OnchangesAny, &[0, 1])])];
    let log = run(Scheduler::new(any, false), |n, _| if n == 0 { FAILED } else { CHANGED });
    assert_eq!(reason(&log, 2), None);
}

#[test]
fn a_cycle_is_named_in_full_and_the_rest_runs() {
    let nodes = vec![
        node(&[(Requisite::Require, &[1])]),
        node(&[(Requisite::Require, &[2])]),
        node(&[(Requisite::Require, &[0])]),
        node(&[]),
    ];
    let log = run(Scheduler::new(nodes, false), |_, _| HOLDS);
    assert_eq!(order(&log), [2, 1, 0, 3]);
    assert_eq!(reason(&log, 2), Some(Reason::Recursive(vec![0, 1, 2])));
    assert_eq!(reason(&log, 0), Some(Reason::RequisiteFailed(vec![1])));
}

#[test]
fn a_prereq_runs_before_its_target_and_only_if_the_target_is_about_to_change() {
    let nodes = vec![node(&[(Requisite::Prerequired, &[1])]), node(&[(Requisite::Prereq, &[0])])];
    let will = Outcome::ran(Verdict::WouldChange, true);
    let log = run(Scheduler::new(nodes.clone(), false), |_, dry| if dry { will } else { CHANGED });
    assert_eq!(order(&log), [1, 0]);
    let log = run(Scheduler::new(nodes, false), |_, _| HOLDS);
    assert_eq!(reason(&log, 1), Some(Reason::Prereq));
}

#[test]
fn a_failed_prereq_leaves_its_target_as_it_was_rehearsed() {
    let nodes = vec![node(&[(Requisite::Prerequired, &[1])]), node(&[(Requisite::Prereq, &[0])])];
    let will = Outcome::ran(Verdict::WouldChange, true);
    let log = run(Scheduler::new(nodes, false), |_, dry| if dry { will } else { FAILED });
    assert_eq!(reason(&log, 0), Some(Reason::RehearsalStands(0)));
}

#[test]
fn failhard_ends_the_run_at_once_but_never_a_dry_one() {
    let nodes = || {
        let hard = Node { failhard: true, ..Node::default() };
        vec![node(&[(Requisite::Require, &[1])]), hard, node(&[])]
    };
    assert_eq!(order(&run(Scheduler::new(nodes(), false), |_, _| FAILED)), [1]);
    assert_eq!(order(&run(Scheduler::new(nodes(), true), |_, _| FAILED)), [1, 0, 2]);
}

#[test]
fn failhard_reports_those_behind_the_next_one_as_dropped() {
    let hard = Node { failhard: true, ..Node::default() };
    let nodes =
        vec![node(&[(Requisite::Require, &[1])]), node(&[(Requisite::Require, &[2])]), hard, node(&[])];
    let log = run(Scheduler::new(nodes, false), |_, _| FAILED);
    assert_eq!(order(&log), [2, 0]);
    assert_eq!(reason(&log, 0), Some(Reason::Halted));
}

#[test]
fn parallel_nodes_start_together_and_a_dependent_waits() {
    let parallel = Node { parallel: true, ..Node::default() };
    let nodes = vec![parallel.clone(), parallel, node(&[(Requisite::Require, &[0, 1])])];
    let mut scheduler = Scheduler::new(nodes, false);
    assert_eq!(scheduler.poll(), Poll::Next(Step::Run { node: 0, fire: false }));
    assert_eq!(scheduler.poll(), Poll::Next(Step::Run { node: 1, fire: false }));
    assert_eq!(scheduler.poll(), Poll::Waiting);
    scheduler.finish(1, HOLDS);
    assert_eq!(scheduler.poll(), Poll::Waiting);
    scheduler.finish(0, HOLDS);
    assert_eq!(scheduler.poll(), Poll::Next(Step::Run { node: 2, fire: false }));
    scheduler.finish(2, HOLDS);
    assert_eq!(scheduler.poll(), Poll::Done);
}

#[test]
fn a_chain_of_requires_longer_than_any_stack_is_followed() {
    let n = 20_000;
    let nodes = (0..n).map(|i| if i + 1 < n { node(&[(Requisite::Require, &[i + 1])]) } else { node(&[]) });
    let log = run(Scheduler::new(nodes.collect(), false), |_, _| HOLDS);
    assert_eq!(order(&log), (0..n).rev().collect::<Vec<_>>());
}

fn any_graph() -> impl Strategy<Value = (Vec<Node>, Vec<u8>)> {
    (1usize..14).prop_flat_map(|n| {
        let need = (0usize..Requisite::ALL.len() - 1, proptest::collection::vec(0..n, 1..3));
        let node = (proptest::collection::vec(need, 0..3), any::<bool>(), 0u8..16);
        (proptest::collection::vec(node, n), proptest::collection::vec(any::<u8>(), n)).prop_map(
            |(raw, plays)| {
                let mut nodes: Vec<Node> = raw
                    .into_iter()
                    .map(|(needs, parallel, rare)| {
                        let mut node =
                            Node { parallel, missing: rare == 0, failhard: rare == 1, needs: vec![] };
                        for (kind, targets) in needs {
                            let kind = Requisite::ALL[kind];
                            if node.targets(kind).is_empty() {
                                node.needs.push((kind, targets));
                            }
                        }
                        node.needs.sort_by_key(|(r, _)| *r);
                        node
                    })
                    .collect();
                for i in 0..nodes.len() {
                    for t in nodes[i].targets(Requisite::Prereq).to_vec() {
                        match nodes[t].needs.iter_mut().find(|(r, _)| *r == Requisite::Prerequired) {
                            Some((_, list)) => list.push(i),
                            None => nodes[t].needs.push((Requisite::Prerequired, vec![i])),
                        }
                    }
                }
                (nodes, plays)
            },
        )
    })
}

fn played(code: u8, dry: bool) -> Outcome {
    match (code % 4, dry) {
        (0, _) => FAILED,
        (1, false) => CHANGED,
        (1, true) => Outcome::ran(Verdict::WouldChange, true),
        _ => HOLDS,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_graph_ends_each_node_is_settled_once_and_none_runs_before_what_it_requires(
        (nodes, plays) in any_graph()
    ) {
        let mut scheduler = Scheduler::new(nodes.clone(), false);
        let mut seen = vec![0; nodes.len()];
        let mut done = vec![None; nodes.len()];
        let mut in_flight: Vec<usize> = Vec::new();
        for turn in 0usize.. {
            prop_assert!(turn < 10_000, "does not end");
            match scheduler.poll() {
                Poll::Next(Step::Run { node, .. }) => {
                    seen[node] += 1;
                    for t in nodes[node].targets(Requisite::Require) {
                        prop_assert!(
                            done[*t].is_some_and(|o: Outcome| o.verdict != Verdict::Failed),
                            "{node} runs though {t} does not hold"
                        );
                    }
                    for t in nodes[node].targets(Requisite::Onchanges) {
                        prop_assert!(done[*t].is_some(), "{node} runs before {t} is known");
                    }
                    in_flight.push(node);
                }
                Poll::Next(Step::Rehearse { node }) => scheduler.rehearsed(node, played(plays[node], true)),
                Poll::Next(Step::Settle { node, .. }) => {
                    seen[node] += 1;
                    done[node] = scheduler.outcome(node);
                }
                Poll::Waiting => {
                    prop_assert!(!in_flight.is_empty(), "waits for nothing");
                    let node = in_flight.swap_remove(turn % in_flight.len());
                    scheduler.finish(node, played(plays[node], false));
                    done[node] = scheduler.outcome(node);
                }
                Poll::Done => break,
            }
        }
        prop_assert!(in_flight.is_empty(), "ends while something runs");
        prop_assert!(seen.iter().all(|n| *n <= 1), "{seen:?}");
        prop_assert!(scheduler.halted() || seen.iter().all(|n| *n == 1), "{seen:?}");
    }
}
