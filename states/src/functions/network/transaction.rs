//! Carries out all network states of a run as one change: read, plan, apply, read back, or undo.

use lab_proto::{Map, Value};

use super::clash;
use super::guarded;
use super::look::{look, surroundings};
use crate::function::{Check, Group, JobCtx, StateCall, StateError, Verdict};
use crate::host::{HostError, NetSession, NetSnapshot, Network};
use crate::netdoc::{Document, Planned, Surroundings, Wrong, plan, want};

/// The network states of a run.
pub(super) struct Transaction;

/// Says what one state alone would change.
pub(super) fn check(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
    let wanted = want(call, 0, ctx.host)?;
    let mut session = Network::net_session(ctx.host)?;
    let failed = |e: Wrong| StateError::failed(e.to_string());
    let document = Document::merge(wanted.into_iter().map(|w| (0, w)).collect()).map_err(failed)?;
    let work = Work::read(document, &mut *session, ctx)?.map_err(failed)?;
    let steps = work.plan().map_err(failed)?;
    if steps.is_empty() {
        return Ok(Check::holds(format!("{} is as it should be", call.name)));
    }
    Ok(Check::differs(changes(&steps, 0), format!("{} step(s) for {}", steps.len(), call.name)))
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
        let wanted: Vec<_> = calls.iter().enumerate().map(|(i, c)| want(c, i, ctx.host)).collect();
        if let Some(bad) = wanted.iter().position(Result::is_err) {
            return refuse(calls, &wanted, &calls[bad].id);
        }
        let parts = wanted.into_iter().enumerate().filter_map(|(i, w)| Some((i, w.ok()?)));
        let parts = parts.flat_map(|(i, w)| w.into_iter().map(move |w| (i, w))).collect();
        let document = match Document::merge(parts) {
            Ok(document) => document,
            Err(e) => return blame(calls, &e),
        };
        match transact(calls, document, ctx) {
            Ok(verdicts) => verdicts,
            Err(e) => calls.iter().map(|_| Verdict::failed(e.to_string())).collect(),
        }
    }
}

/// A document with what the machine has.
struct Work {
    document: Document,
    now: NetSnapshot,
    around: Surroundings,
}

impl Work {
    fn read(
        mut document: Document,
        session: &mut dyn NetSession,
        ctx: &JobCtx<'_>,
    ) -> Result<Result<Self, Wrong>, HostError> {
        let mut now = session.snapshot()?;
        if let Err(e) = look(&mut now, &mut document, ctx.host) {
            return Ok(Err(e));
        }
        Ok(Ok(Self { document, now, around: surroundings(ctx) }))
    }

    fn plan(&self) -> Result<Vec<Planned>, Wrong> {
        plan(&self.document, &self.now, &self.around)
    }
}

fn transact(calls: &[StateCall], document: Document, ctx: &JobCtx<'_>) -> Result<Vec<Verdict>, HostError> {
    let mut session = Network::net_session(ctx.host)?;
    let planned = match Work::read(document, &mut *session, ctx)? {
        Ok(work) => work.plan().map(|steps| (work, steps)),
        Err(e) => Err(e),
    };
    let (work, steps) = match planned {
        Ok(planned) => planned,
        Err(e) => return Ok(blame(calls, &e)),
    };
    if calls.iter().any(|c| c.test) {
        return Ok(verdicts(calls, &steps, Verdict::would_change, "would be changed"));
    }
    if steps.is_empty() {
        return Ok(verdicts(calls, &steps, Verdict::ok, ""));
    }
    if let Err(e) = clash::refuse(&steps, &work.now, ctx) {
        return Ok(blame(calls, &e));
    }
    if let Some(guard) = ctx.services.net_guard() {
        let Work { document, now, .. } = work;
        // The guard opens a connection of its own, and others while it waits.
        drop(session);
        return Ok(match guarded::carry_out(guard, calls, &document, now, &steps, ctx) {
            Ok(done) => verdicts(calls, &steps, Verdict::ok, &done),
            Err(e) => {
                let bad = e.step.and_then(|n| steps.get(n)).or_else(|| steps.first()).map_or(0, |p| p.owner);
                blame(calls, &Wrong::new(bad, e.text))
            }
        });
    }
    Ok(match apply(&steps, work.document, &mut *session, ctx) {
        Ok(()) => verdicts(calls, &steps, Verdict::ok, "changed"),
        Err(e) => blame(calls, &e),
    })
}

/// Takes the steps; after a failure undoes those that were taken, in reverse order.
fn apply(
    steps: &[Planned],
    document: Document,
    session: &mut dyn NetSession,
    ctx: &JobCtx<'_>,
) -> Result<(), Wrong> {
    for (n, planned) in steps.iter().enumerate() {
        if let Err(e) = session.step(&planned.step) {
            return Err(Wrong::new(planned.owner, undo(&steps[..n], &e.to_string(), session)));
        }
    }
    let left = match Work::read(document, session, ctx) {
        Ok(Ok(work)) => work.plan().map_err(|e| e.to_string()),
        Ok(Err(e)) => Err(e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    match left {
        Ok(left) => match left.first() {
            None => Ok(()),
            Some(first) => {
                let why = format!("the kernel does not keep it: still to do is {}", first.step);
                Err(Wrong::new(first.owner, undo(steps, &why, session)))
            }
        },
        Err(e) => Err(Wrong::new(0, undo(steps, &format!("cannot read the result back: {e}"), session))),
    }
}

fn undo(taken: &[Planned], why: &str, session: &mut dyn NetSession) -> String {
    let mut left = Vec::new();
    for step in taken.iter().rev().flat_map(|p| &p.undo) {
        // One step that cannot be undone must not keep the others from it.
        if let Err(e) = session.step(step) {
            left.push(e.to_string());
        }
    }
    match left.as_slice() {
        [] if taken.is_empty() => why.to_owned(),
        [] => format!("{why}; everything that was changed before has been undone"),
        left => format!("{why}; could not be undone: {}", left.join("; ")),
    }
}

fn changes(steps: &[Planned], owner: usize) -> Map {
    let own = || steps.iter().filter(|p| p.owner == owner);
    let list: Vec<Value> = own().map(|p| Value::from(p.step.to_string())).collect();
    let mut out = Map::new();
    if !list.is_empty() {
        out.insert(Value::from("steps"), Value::List(list));
    }
    if let Some(risk) = own().find_map(|p| p.risk) {
        out.insert(Value::from("risk"), Value::from(risk.as_str()));
    }
    out
}

fn verdicts(
    calls: &[StateCall],
    steps: &[Planned],
    of: fn(Map, String) -> Verdict,
    done: &str,
) -> Vec<Verdict> {
    let one = |(i, call): (usize, &StateCall)| {
        let changes = changes(steps, i);
        if changes.is_empty() {
            Verdict::unchanged(format!("{} is as it should be", call.name))
        } else {
            of(changes, format!("{} {done}", call.name))
        }
    };
    calls.iter().enumerate().map(one).collect()
}

fn refuse<T>(calls: &[StateCall], wanted: &[Result<T, StateError>], culprit: &str) -> Vec<Verdict> {
    let one = |(call, w): (&StateCall, &Result<T, StateError>)| match w {
        Err(e) => Verdict::failed(placed(call, &e.to_string())),
        Ok(_) => not_attempted(culprit),
    };
    calls.iter().zip(wanted).map(one).collect()
}

fn blame(calls: &[StateCall], wrong: &Wrong) -> Vec<Verdict> {
    let culprit = calls.get(wrong.owner).map_or("?", |c| c.id.as_str());
    let one = |(i, call): (usize, &StateCall)| {
        if i == wrong.owner { Verdict::failed(placed(call, &wrong.text)) } else { not_attempted(culprit) }
    };
    calls.iter().enumerate().map(one).collect()
}

/// Puts the place of the definition before what is wrong with it, where that is known.
fn placed(call: &StateCall, text: &str) -> String {
    if call.at.file.is_empty() { text.to_owned() } else { format!("{}: {text}", call.at) }
}

fn not_attempted(culprit: &str) -> Verdict {
    Verdict::failed(format!("not done: the network states of a run are one change, and {culprit} failed"))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use crate::host::{NetStep, Network};
    use crate::run::{Work, perform};

    /// Applies an address to a machine that gets it after its network was read ahead of time, and something before that.
    fn applied_after(before: Option<&str>) -> String {
        let bench = Bench::new(SimHost::new().with_nic("eth0", "10.0.0.1/24", None));
        let calls = bench.calls("10.0.0.2/24:\n  address.present:\n    - link: eth0\n", false);
        bench.host.read_ahead();
        let address = "10.0.0.2/24".parse().expect("an address");
        bench.host.net_step(&NetStep::AddAddress { link: "eth0".to_owned(), address }).expect("it is taken");
        bench.with_ctx(|ctx| {
            for call in before.into_iter().flat_map(|sls| bench.calls(sls, false)) {
                perform(&Work::Run(Box::new(call)), ctx);
            }
            format!("{:?}", perform(&Work::Group(calls), ctx))
        })
    }

    #[test]
    fn what_was_read_ahead_of_time_counts_until_something_is_done() {
        let said = applied_after(Some("first:\n  test.nop: []\n"));
        assert!(said.contains("10.0.0.2/24 is as it should be"), "{said}");
        let said = applied_after(None);
        assert!(said.contains("add address 10.0.0.2/24"), "{said}");
    }
}
