//! Calling one function and saying how it went.

use lab_proto::facts::StateSummary;
use lab_proto::{JobSpec, Value};
use lab_states::function::CallError;

use super::Job;
use crate::agent::is_state_run;

/// What a function gave.
pub(super) struct Returned {
    pub(super) success: bool,
    pub(super) retcode: i64,
    pub(super) value: Value,
}

/// Salt's exit code of a state run with failed states.
const STATES_FAILED: i64 = 2;

/// Calls the function of a job.
pub(super) fn call(spec: &JobSpec, job: &Job) -> Result<Returned, CallError> {
    let ctx = job.ctx();
    let value = ctx.registry.exec(&spec.fun)?.call(&spec.args, &spec.kwargs, &ctx)?;
    let retcode = if is_state_run(&spec.fun) { of_states(&value) } else { job.retcode() };
    Ok(Returned { success: retcode == 0, retcode, value })
}

/// Returns the exit code of a state run's return; `state.single` returns one state's result as it is.
fn of_states(value: &Value) -> i64 {
    let failed = match StateSummary::of(value) {
        Some(summary) => summary.failed > 0,
        None => value.get("result") == Some(&Value::Bool(false)),
    };
    if failed { STATES_FAILED } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_a_failed_or_blocked_state_does_not_succeed() {
        let row = |outcome: &str, reason: Option<&str>| {
            let row = [("outcome", Value::from(outcome)), ("reason", reason.map(Value::from).into())];
            Value::from([("test_|-a_|-a_|-nop", Value::from(row))])
        };
        assert_eq!(of_states(&row("ok", None)), 0);
        assert_eq!(of_states(&row("would_change", None)), 0);
        assert_eq!(of_states(&row("skipped", Some("onchanges"))), 0);
        assert_eq!(of_states(&row("failed", None)), STATES_FAILED);
        assert_eq!(of_states(&row("skipped", Some("requisite_failed"))), STATES_FAILED);
        assert_eq!(of_states(&Value::map()), 0, "nothing to do is done");
        assert_eq!(of_states(&Value::from([("result", false)])), STATES_FAILED);
    }
}
