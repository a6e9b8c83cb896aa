//! Calling one function and saying how it went.

use lab_proto::{JobSpec, Value};
use lab_states::function::{CallError, JobCtx};

/// What a function gave.
pub(super) struct Returned {
    pub(super) success: bool,
    pub(super) retcode: i64,
    pub(super) value: Value,
}

/// Calls the function of a job.
pub(super) fn call(job: &JobSpec, ctx: &JobCtx<'_>) -> Result<Returned, CallError> {
    let function = ctx.registry.exec(&job.fun)?;
    let value = function.call(&job.args, &job.kwargs, ctx)?;
    Ok(Returned { success: true, retcode: 0, value })
}
