//! What the network states of a run need of the agent's guard, and what the guard needs of them.

use std::time::Duration;

use lab_proto::Value;

use super::look::{look, surroundings};
use super::transaction::Transaction;
use crate::function::{Group, JobCtx, StateCall, VerdictKind};
use crate::host::{Host, NetSnapshot, NetStep, Network};
use crate::net::render::KernelWants;
use crate::net::{ChangeStep, Confirm, ConfirmBy, NetCall, NetChange, NetFailure, NetGuard, settle};
use crate::netdoc::{Document, Planned, Surroundings, module_options, plan, want};

/// Where pillar says how changes are confirmed.
const PILLAR: &str = "net";

/// Hands a plan to the guard.
pub(super) fn carry_out(
    guard: &dyn NetGuard,
    calls: &[StateCall],
    document: &Document,
    before: NetSnapshot,
    steps: &[Planned],
    ctx: &JobCtx<'_>,
) -> Result<String, NetFailure> {
    let failure = |text: String| NetFailure { step: None, text };
    let change = NetChange {
        calls: calls.iter().map(remembered).collect(),
        settle: settle(&before, steps.iter().map(|p| &p.step)),
        before,
        steps: steps
            .iter()
            .map(|p| ChangeStep { owner: p.owner, step: p.step.clone(), undo: p.undo.clone() })
            .collect(),
        risk: steps.iter().find_map(|p| p.risk).map(|r| r.as_str().to_owned()),
        confirm: confirm(calls, ctx).map_err(failure)?,
    };
    let around = surroundings(ctx);
    let remaining = || left(document.clone(), ctx.host, &around);
    guard.carry_out(&change, &remaining, ctx)
}

/// Tells what is still to be done for states that were committed.
pub(crate) fn healing(committed: &[NetCall], host: &dyn Host) -> Result<Vec<NetStep>, String> {
    if committed.is_empty() {
        return Ok(Vec::new());
    }
    left(document(committed, host)?, host, &Surroundings::default())
}

/// Collects what states that were committed need of the kernel besides links.
pub(crate) fn kernel_wants(committed: &[NetCall], host: &dyn Host) -> Result<KernelWants, String> {
    let Document { modules, sysctls, .. } = document(committed, host)?;
    Ok(KernelWants {
        modules: modules
            .into_iter()
            .map(|(name, m)| (name.clone(), module_options(&name, &m.what)))
            .collect(),
        sysctls: sysctls.into_iter().map(|(key, s)| (key, s.what)).collect(),
    })
}

fn document(committed: &[NetCall], host: &dyn Host) -> Result<Document, String> {
    let mut wants = Vec::new();
    for (n, call) in committed.iter().enumerate() {
        let found =
            want(&called(call), n, host).map_err(|e| format!("{} {}: {e}", call.function, call.name))?;
        wants.extend(found.into_iter().map(|w| (n, w)));
    }
    Document::merge(wants).map_err(|e| e.to_string())
}

/// Brings back what was committed, as one change of the guard's.
pub(crate) fn heal(committed: &[NetCall], ctx: &JobCtx<'_>) -> Result<(), String> {
    let calls: Vec<StateCall> = committed.iter().map(called).collect();
    let verdicts = Transaction.run(&calls, ctx);
    match verdicts.into_iter().find(|v| v.kind == VerdictKind::Failed) {
        Some(failed) => Err(failed.comment),
        None => Ok(()),
    }
}

fn left(mut document: Document, host: &dyn Host, around: &Surroundings) -> Result<Vec<NetStep>, String> {
    let mut now = Network::net_snapshot(host).map_err(|e| e.to_string())?;
    look(&mut now, &mut document, host).map_err(|e| e.to_string())?;
    let left = plan(&document, &now, around).map_err(|e| e.to_string())?;
    Ok(left.into_iter().map(|p| p.step).collect())
}

fn remembered(call: &StateCall) -> NetCall {
    NetCall { function: call.function.clone(), name: call.name.clone(), args: call.args.clone() }
}

fn called(call: &NetCall) -> StateCall {
    StateCall::new(call.function.clone(), call.name.clone(), call.args.clone())
}

/// Reads how the run wants its change confirmed: `confirm` of a state (`master`, `none`, a command, or a mapping of `by`,
/// `within` and `force`), else the same below `net` in pillar.
fn confirm(calls: &[StateCall], ctx: &JobCtx<'_>) -> Result<Confirm, String> {
    let said = calls.iter().find_map(|c| c.arg("confirm").cloned());
    let pillar = ctx.services.pillar();
    let said = said.or_else(|| pillar.get(PILLAR).and_then(|n| n.get("confirm")).cloned());
    let mut confirm = Confirm::default();
    match said {
        None | Some(Value::Null) => {}
        Some(Value::Str(text)) => confirm.by = ConfirmBy::parse(&text),
        Some(Value::Map(map)) => {
            for (key, value) in &map {
                match key.as_str() {
                    Some("by") => confirm.by = ConfirmBy::parse(&value.to_string()),
                    Some("probes") => confirm.by = probes(value),
                    Some("within") => confirm.within = Some(duration(value)?),
                    Some("force") => confirm.force = value.truthy(),
                    _ => return Err(format!("confirm: there is no {key}; known are by, within and force")),
                }
            }
        }
        Some(other) => return Err(format!("confirm: {other} is neither `master`, `none` nor a command")),
    }
    Ok(confirm)
}

/// `probes: [master]` is how a whole document says `by: master`; an empty list is nobody.
fn probes(value: &Value) -> ConfirmBy {
    match value.as_list().map(|l| l.first()) {
        Some(None) => ConfirmBy::Nothing,
        Some(Some(first)) => ConfirmBy::parse(&first.to_string()),
        None => ConfirmBy::parse(&value.to_string()),
    }
}

fn duration(value: &Value) -> Result<Duration, String> {
    let text = value.to_string();
    let number = text.trim_end_matches("ms").trim_end_matches('s').trim();
    let number: f64 = number.parse().map_err(|_| format!("within: {text} is not a time like 30s"))?;
    let seconds = if text.ends_with("ms") { number / 1000.0 } else { number };
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("within: {text} is not a time like 30s"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn what_confirms_is_read_from_a_word_or_a_mapping() {
        let bench = Bench::new(SimHost::new());
        let with = |value: Value| {
            let call = StateCall::new(
                "net.config",
                "n",
                lab_proto::Map::from_iter([(Value::from("confirm"), value)]),
            );
            bench.with_ctx(|ctx| confirm(&[call], ctx))
        };
        assert_eq!(with("none".into()).map(|c| c.by), Ok(ConfirmBy::Nothing));
        let map = Value::from([("within", Value::from("90s")), ("probes", Value::from(vec!["master"]))]);
        let read = with(map).expect("is valid");
        assert_eq!((read.by, read.within), (ConfirmBy::Master, Some(Duration::from_secs(90))));
        assert!(with(Value::from([("withing", 3)])).is_err());
    }
}
