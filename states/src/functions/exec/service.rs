//! `service.*`

use lab_proto::Value;
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ArgDoc, CallError, FunctionDoc, Kind};
use crate::host::ServiceAction;

const NAME: &[ArgDoc] = &[ArgDoc::required("name", Kind::Text, "Which service.")];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "service.status",
        doc: FunctionDoc::new(
            "Tells whether a service runs.",
            NAME,
            "lab-master run '*' service.status sshd",
        )
        .open(),
        body: |call| look(call, |s| s.running),
    },
    Exec {
        name: "service.available",
        doc: FunctionDoc::new(
            "Tells whether a service is known.",
            NAME,
            "lab-master run '*' service.available sshd",
        ),
        body: |call| look(call, |_| true),
    },
    Exec {
        name: "service.enabled",
        doc: FunctionDoc::new(
            "Tells whether a service starts at boot.",
            NAME,
            "lab-master run '*' service.enabled sshd",
        )
        .open(),
        body: |call| look(call, |s| s.enabled == Some(true)),
    },
    Exec {
        name: "service.get_all",
        doc: FunctionDoc::new("Lists the services.", &[], "lab-master run '*' service.get_all"),
        body: |call| Ok(call.ctx.host.service_list()?.into()),
    },
    Exec {
        name: "service.start",
        doc: FunctionDoc::new("Starts a service.", NAME, "lab-master run '*' service.start sshd").open(),
        body: |call| act(call, ServiceAction::Start),
    },
    Exec {
        name: "service.stop",
        doc: FunctionDoc::new("Stops a service.", NAME, "lab-master run '*' service.stop sshd").open(),
        body: |call| act(call, ServiceAction::Stop),
    },
    Exec {
        name: "service.restart",
        doc: FunctionDoc::new("Stops and starts a service.", NAME, "lab-master run '*' service.restart sshd")
            .open(),
        body: |call| act(call, ServiceAction::Restart),
    },
    Exec {
        name: "service.reload",
        doc: FunctionDoc::new(
            "Lets a service read its configuration again.",
            NAME,
            "lab-master run '*' service.reload sshd",
        )
        .open(),
        body: |call| act(call, ServiceAction::Reload),
    },
    Exec {
        name: "service.enable",
        doc: FunctionDoc::new(
            "Lets a service start at boot.",
            NAME,
            "lab-master run '*' service.enable sshd",
        )
        .open(),
        body: |call| act(call, ServiceAction::Enable),
    },
    Exec {
        name: "service.disable",
        doc: FunctionDoc::new(
            "Keeps a service from starting at boot.",
            NAME,
            "lab-master run '*' service.disable sshd",
        )
        .open(),
        body: |call| act(call, ServiceAction::Disable),
    },
];

#[derive(Deserialize)]
struct Args {
    name: String,
}

fn look(call: &Call<'_>, tell: fn(crate::host::ServiceStatus) -> bool) -> Result<Value, CallError> {
    let Args { name } = call.typed()?;
    Ok(call.ctx.host.service(&name)?.is_some_and(tell).into())
}

fn act(call: &Call<'_>, action: ServiceAction) -> Result<Value, CallError> {
    let Args { name } = call.typed()?;
    call.ctx.host.service_act(&name, action)?;
    Ok(true.into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::Map;

    #[test]
    fn services_are_looked_at_and_acted_upon() {
        let bench = Bench::new(SimHost::new().with_service("sshd", false, false));
        let exec = |name: &str, service: &str| bench.exec(name, &[service.into()], &Map::new());
        assert_eq!(exec("service.status", "sshd"), Ok(false.into()));
        assert_eq!(exec("service.start", "sshd"), Ok(true.into()));
        assert_eq!(exec("service.status", "sshd"), Ok(true.into()));
        assert_eq!(exec("service.available", "none"), Ok(false.into()));
        assert!(exec("service.start", "none").is_err());
    }
}
