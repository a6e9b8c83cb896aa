//! `host.present` and `host.absent`: names with these addresses.

use std::net::IpAddr;
use std::path::Path;

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{map, text_list};
use super::table::Table;
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::file::read_if_present;
use crate::host::WriteOptions;

const HOSTS: &str = "/etc/hosts";

/// Has these addresses.
pub(in crate::functions) struct Present;

/// Has not these addresses.
pub(in crate::functions) struct Absent;

const PRESENT_ARGS: &[ArgDoc] = &[
    ArgDoc::required("ip", Kind::Any, "Its address, or a list of them."),
    ArgDoc::with_default("clean", Kind::Bool, "false", "Whether other addresses of the name are removed."),
    ArgDoc::optional("comment", Kind::Text, "Accepted."),
];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps a name with its addresses in /etc/hosts.",
    PRESENT_ARGS,
    "cplane:\n  host.present:\n    - ip: 10.0.0.10\n",
);

const ABSENT_ARGS: &[ArgDoc] =
    &[ArgDoc::optional("ip", Kind::Any, "The address, or a list of them; all, when not given.")];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Removes a name from addresses in /etc/hosts.",
    ABSENT_ARGS,
    "old-node:\n  host.absent: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    ip: Option<Value>,
    #[serde(default)]
    clean: bool,
}

impl Args {
    fn addresses(&self) -> Result<Vec<IpAddr>, StateError> {
        let given = self.ip.as_ref().map(text_list).unwrap_or_default();
        let parse = |text: &String| {
            text.parse().map_err(|_| StateError::failed(format!("argument ip: {text:?} is no IP address")))
        };
        given.iter().map(parse).collect()
    }
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "host.present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(found(call, present(call, ctx)?.0))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        write(present(call, ctx)?, ctx)
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "host.absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        Ok(found(call, absent(call, ctx)?.0))
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        write(absent(call, ctx)?, ctx)
    }
}

fn read(ctx: &JobCtx<'_>) -> Result<Table, StateError> {
    Ok(Table::parse(&read_if_present(ctx.host, Path::new(HOSTS))?.unwrap_or_default()))
}

fn present(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Map, Table), StateError> {
    let args: Args = call.typed()?;
    let wanted = args.addresses()?;
    if wanted.is_empty() {
        return Err(StateError::failed("argument ip is missing"));
    }
    let mut table = read(ctx)?;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    if args.clean {
        for ip in table.addresses(&call.name).into_iter().filter(|ip| !wanted.contains(ip)) {
            table.remove(ip, &call.name);
            removed.push(ip.to_string());
        }
    }
    for ip in wanted {
        if !table.has(ip, &call.name) {
            table.add(ip, &call.name);
            added.push(ip.to_string());
        }
    }
    Ok((changes(&added, &removed), table))
}

fn absent(call: &StateCall, ctx: &JobCtx<'_>) -> Result<(Map, Table), StateError> {
    let args: Args = call.typed()?;
    let given = args.addresses()?;
    let mut table = read(ctx)?;
    let mut removed = Vec::new();
    for ip in table.addresses(&call.name).into_iter().filter(|ip| given.is_empty() || given.contains(ip)) {
        table.remove(ip, &call.name);
        removed.push(ip.to_string());
    }
    Ok((changes(&[], &removed), table))
}

fn changes(added: &[String], removed: &[String]) -> Map {
    let mut changes = Map::new();
    for (word, list) in [("added", added), ("removed", removed)] {
        if !list.is_empty() {
            changes.extend(map([(word, list.to_vec().into())]));
        }
    }
    changes
}

fn found(call: &StateCall, changes: Map) -> Check {
    if changes.is_empty() {
        return Check::holds(format!("host {} is as it should be", call.name));
    }
    Check::differs(changes, format!("host {} would be changed in {HOSTS}", call.name))
}

fn write((changes, table): (Map, Table), ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
    ctx.host.write(Path::new(HOSTS), table.print().as_bytes(), WriteOptions::default())?;
    Ok(Applied::new(changes, format!("{HOSTS} changed")))
}

#[cfg(test)]
mod tests {
    use crate::function::VerdictKind;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn names_come_and_go_once_and_clean_moves_them() {
        let bench = Bench::new(SimHost::new().with_file("/etc/hosts", "10.0.0.9 cplane\n"));
        let sls = "cplane:\n  host.present:\n    - ip: [10.0.0.10]\n    - clean: True\n";
        assert!(bench.run(sls).changed());
        assert_eq!(bench.host.text("/etc/hosts").as_deref(), Some("10.0.0.10\t\tcplane\n"));
        assert!(!bench.run(sls).changed());
        assert!(bench.run("cplane:\n  host.absent: []\n").changed());
        assert_eq!(bench.host.text("/etc/hosts").as_deref(), Some(""));
        assert_eq!(bench.run("x:\n  host.present:\n    - ip: here\n").kind, VerdictKind::Failed);
    }
}
