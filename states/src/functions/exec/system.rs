//! `system.*`: power, recorded here and done by the agent.

use lab_proto::Value;

use super::{Call, Exec};
use crate::function::{CallError, FunctionDoc};
use crate::host::PowerRequest;

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "system.reboot",
        doc: FunctionDoc::new(
            "Boots the machine again once this job's return is safe.",
            &[],
            "lab-master run worker system.reboot",
        )
        .open(),
        body: |call| request(call, PowerRequest::Reboot),
    },
    Exec {
        name: "system.shutdown",
        doc: FunctionDoc::new(
            "Switches the machine off once this job's return is safe.",
            &[],
            "lab-master run worker system.shutdown",
        )
        .open(),
        body: |call| request(call, PowerRequest::PowerOff),
    },
];

fn request(call: &Call<'_>, request: PowerRequest) -> Result<Value, CallError> {
    call.ctx.host.request_power(request)?;
    Ok("requested; it happens when this job is over".into())
}
