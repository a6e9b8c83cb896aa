//! Carries out all network states of a run as one change: read, plan, apply, read back, or undo.

use lab_proto::{Map, Value};

use super::desired::Desired;
use super::planner::{Planned, plan};
use crate::function::{Check, Group, JobCtx, StateCall, StateError, Verdict};
use crate::host::Network;

/// The network states of a run.
pub(super) struct Transaction;

/// Reads a state's arguments into what it asks for.
pub(super) fn desired(call: &StateCall) -> Result<Desired, StateError> {
    let wanted = match call.function.as_str() {
        "bridge.present" => super::bridge_present::desired(call)?,
        "bridge.absent" => super::bridge_absent::desired(call)?,
        "veth.present" => super::veth_present::desired(call)?,
        "veth.absent" => super::veth_absent::desired(call)?,
        other => return Err(StateError::failed(format!("{other} is not a network state"))),
    };
    wanted.check().map_err(|e| StateError::failed(e.to_string()))?;
    Ok(wanted)
}

/// Says what one state alone would change.
pub(super) fn check(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
    let wanted = desired(call)?;
    let now = Network::net_snapshot(ctx.host)?;
    let steps =
        plan(std::slice::from_ref(&wanted), &now).map_err(|(_, e)| StateError::failed(e.to_string()))?;
    if steps.is_empty() {
        return Ok(Check::holds(format!("{} is as it should be", wanted.name())));
    }
    Ok(Check::differs(changes(&steps, 0), format!("{} step(s) for {}", steps.len(), wanted.name())))
}

/// Applies one state alone.
pub(super) fn run_one(call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
    let mut verdicts = Transaction.run(std::slice::from_ref(call), ctx);
    verdicts.pop().unwrap_or_else(|| Verdict::failed("the network transaction gave no verdict"))
}

impl Group for Transaction {
    fn family(&self) -> &'static str {
        "network"
    }

    fn run(&self, calls: &[StateCall], ctx: &JobCtx<'_>) -> Vec<Verdict> {
        let wanted: Vec<Result<Desired, StateError>> = calls.iter().map(desired).collect();
        if let Some(bad) = wanted.iter().position(Result::is_err) {
            return refuse(&wanted, &calls[bad].id);
        }
        let wanted: Vec<Desired> = wanted.into_iter().filter_map(Result::ok).collect();
        let steps = match Network::net_snapshot(ctx.host) {
            Ok(now) => plan(&wanted, &now),
            Err(e) => return calls.iter().map(|_| Verdict::failed(e.to_string())).collect(),
        };
        let steps = match steps {
            Ok(steps) => steps,
            Err((bad, e)) => return blame(calls, bad, &e.to_string()),
        };
        if calls.iter().any(|c| c.test) {
            return verdicts(&wanted, &steps, Verdict::would_change, "would be changed");
        }
        match apply(&steps, &wanted, ctx) {
            Ok(()) => verdicts(&wanted, &steps, Verdict::ok, "changed"),
            Err((bad, text)) => blame(calls, bad, &text),
        }
    }
}

/// Takes the steps; after a failure undoes those that were taken, in reverse order.
fn apply(steps: &[Planned], wanted: &[Desired], ctx: &JobCtx<'_>) -> Result<(), (usize, String)> {
    for (n, planned) in steps.iter().enumerate() {
        if let Err(e) = Network::net_step(ctx.host, &planned.step) {
            return Err((planned.owner, undo(&steps[..n], &format!("{}: {e}", planned.step), ctx)));
        }
    }
    let left = Network::net_snapshot(ctx.host)
        .map_err(|e| e.to_string())
        .and_then(|now| plan(wanted, &now).map_err(|(_, e)| e.to_string()));
    match left {
        Ok(left) => match left.first() {
            None => Ok(()),
            Some(first) => {
                let why = format!("the kernel does not keep it: still to do is {}", first.step);
                Err((first.owner, undo(steps, &why, ctx)))
            }
        },
        Err(e) => Err((0, undo(steps, &format!("cannot read the result back: {e}"), ctx))),
    }
}

fn undo(taken: &[Planned], why: &str, ctx: &JobCtx<'_>) -> String {
    let mut left = Vec::new();
    for step in taken.iter().rev().flat_map(|p| &p.undo) {
        // One step that cannot be undone must not keep the others from it.
        if let Err(e) = Network::net_step(ctx.host, step) {
            left.push(format!("{step}: {e}"));
        }
    }
    match left.as_slice() {
        [] if taken.is_empty() => why.to_owned(),
        [] => format!("{why}; everything that was changed before has been undone"),
        left => format!("{why}; could not be undone: {}", left.join("; ")),
    }
}

fn changes(steps: &[Planned], owner: usize) -> Map {
    let own: Vec<Value> =
        steps.iter().filter(|p| p.owner == owner).map(|p| Value::from(p.step.to_string())).collect();
    if own.is_empty() { Map::new() } else { Map::from_iter([(Value::from("steps"), Value::List(own))]) }
}

fn verdicts(
    wanted: &[Desired],
    steps: &[Planned],
    of: fn(Map, String) -> Verdict,
    done: &str,
) -> Vec<Verdict> {
    let one = |(i, w): (usize, &Desired)| {
        let changes = changes(steps, i);
        if changes.is_empty() {
            Verdict::unchanged(format!("{} is as it should be", w.name()))
        } else {
            of(changes, format!("{} {done}", w.name()))
        }
    };
    wanted.iter().enumerate().map(one).collect()
}

fn refuse(wanted: &[Result<Desired, StateError>], culprit: &str) -> Vec<Verdict> {
    let one = |w: &Result<Desired, StateError>| match w {
        Err(e) => Verdict::failed(e.to_string()),
        Ok(_) => not_attempted(culprit),
    };
    wanted.iter().map(one).collect()
}

fn blame(calls: &[StateCall], bad: usize, text: &str) -> Vec<Verdict> {
    let culprit = calls.get(bad).map_or("?", |c| c.id.as_str());
    let one = |i: usize| if i == bad { Verdict::failed(text) } else { not_attempted(culprit) };
    (0..calls.len()).map(one).collect()
}

fn not_attempted(culprit: &str) -> Verdict {
    Verdict::failed(format!("not done: the network states of a run are one change, and {culprit} failed"))
}
