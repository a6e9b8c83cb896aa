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
    Exec {
        name: "service.mask",
        doc: FunctionDoc::new(
            "Makes it impossible to start a service.",
            NAME,
            "lab-master run '*' service.mask cups",
        )
        .open(),
        body: |call| act(call, ServiceAction::Mask),
    },
    Exec {
        name: "service.unmask",
        doc: FunctionDoc::new(
            "Makes it possible to start a service again.",
            NAME,
            "lab-master run '*' service.unmask cups",
        )
        .open(),
        body: |call| act(call, ServiceAction::Unmask),
    },
    Exec {
        name: "service.masked",
        doc: FunctionDoc::new(
            "Tells whether a service is masked.",
            NAME,
            "lab-master run '*' service.masked cups",
        )
        .open(),
        body: |call| look(call, |s| s.masked),
    },
    Exec {
        name: "service.disabled",
        doc: FunctionDoc::new(
            "Tells whether a service does not start at boot.",
            NAME,
            "lab-master run '*' service.disabled cups",
        )
        .open(),
        body: |call| look(call, |s| s.enabled == Some(false)),
    },
    Exec {
        name: "service.missing",
        doc: FunctionDoc::new(
            "Tells whether a service is not known.",
            NAME,
            "lab-master run '*' service.missing cups",
        ),
        body: |call| {
            let Args { name } = call.typed()?;
            Ok(call.ctx.host.service(&name)?.is_none().into())
        },
    },
    Exec {
        name: "service.get_running",
        doc: FunctionDoc::new("Lists the services that run.", &[], "lab-master run '*' service.get_running")
            .open(),
        body: |call| all(call, |s| s.running),
    },
    Exec {
        name: "service.get_enabled",
        doc: FunctionDoc::new(
            "Lists the services that start at boot.",
            &[],
            "lab-master run '*' service.get_enabled",
        )
        .open(),
        body: |call| all(call, |s| s.enabled == Some(true)),
    },
    Exec {
        name: "service.get_disabled",
        doc: FunctionDoc::new(
            "Lists the services that do not start at boot.",
            &[],
            "lab-master run '*' service.get_disabled",
        )
        .open(),
        body: |call| all(call, |s| s.enabled == Some(false)),
    },
    Exec {
        name: "service.systemctl_reload",
        doc: FunctionDoc::new(
            "Lets systemd read its units again.",
            &[],
            "lab-master run '*' service.systemctl_reload",
        ),
        body: again,
    },
    Exec {
        name: "service.systemd_reload",
        doc: FunctionDoc::new(
            "Lets systemd read its units again.",
            &[],
            "lab-master run '*' service.systemd_reload",
        ),
        body: again,
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

fn all(call: &Call<'_>, fits: fn(crate::host::ServiceStatus) -> bool) -> Result<Value, CallError> {
    let mut names = call.ctx.host.service_list()?;
    let mut failure = None;
    names.retain(|name| match call.ctx.host.service(name) {
        Ok(status) => status.is_some_and(fits),
        Err(e) => {
            failure.get_or_insert(e);
            false
        }
    });
    failure.map_or_else(|| Ok(names.into()), |e| Err(e.into()))
}

fn again(call: &Call<'_>) -> Result<Value, CallError> {
    call.ctx.host.service_definitions_changed()?;
    Ok(true.into())
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
        assert_eq!(exec("service.mask", "sshd"), Ok(true.into()));
        assert_eq!(exec("service.masked", "sshd"), Ok(true.into()));
        assert_eq!(exec("service.missing", "none"), Ok(true.into()));
        let running = bench.exec("service.get_running", &[], &Map::new());
        assert_eq!(running, Ok(vec!["sshd"].into()));
        assert_eq!(bench.exec("service.systemctl_reload", &[], &Map::new()), Ok(true.into()));
    }
}
