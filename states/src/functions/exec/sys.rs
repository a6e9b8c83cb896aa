//! `sys.*`: the functions themselves.

use lab_proto::{Map, Value};

use super::{Call, Exec};
use crate::function::{CallError, FunctionDoc};
use crate::functions::support::text_of;

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "sys.doc",
        doc: FunctionDoc::new(
            "Returns the documentation of functions, by name; of a module, or all.",
            &[],
            "lab-master run '*' sys.doc cmd.run",
        )
        .open(),
        body: doc,
    },
    Exec {
        name: "sys.state_doc",
        doc: FunctionDoc::new(
            "Returns the documentation of state functions.",
            &[],
            "lab-master run '*' sys.state_doc file.managed",
        )
        .open(),
        body: state_doc,
    },
    Exec {
        name: "sys.list_functions",
        doc: FunctionDoc::new("Lists the execution functions.", &[], "lab-master run '*' sys.list_functions")
            .open(),
        body: list,
    },
    Exec {
        name: "sys.list_state_functions",
        doc: FunctionDoc::new(
            "Lists the state functions.",
            &[],
            "lab-master run '*' sys.list_state_functions",
        )
        .open(),
        body: list_states,
    },
];

fn wanted(call: &Call<'_>, name: &str) -> bool {
    let asked: Vec<String> = call.args.iter().map(text_of).collect();
    let module = name.split('.').next().unwrap_or(name);
    asked.is_empty() || asked.iter().any(|a| a == name || a == module)
}

fn printed(doc: &FunctionDoc) -> Value {
    crate::reference::text(doc).into()
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn doc(call: &Call<'_>) -> Result<Value, CallError> {
    let found = call.ctx.registry.execs().filter(|f| wanted(call, f.name()));
    Ok(Value::Map(found.map(|f| (Value::from(f.name()), printed(f.doc()))).collect::<Map>()))
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn state_doc(call: &Call<'_>) -> Result<Value, CallError> {
    let found = call.ctx.registry.states().filter(|f| wanted(call, f.name()));
    Ok(Value::Map(found.map(|f| (Value::from(f.name()), printed(f.doc()))).collect::<Map>()))
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn list(call: &Call<'_>) -> Result<Value, CallError> {
    let found = call.ctx.registry.execs().map(|f| f.name()).filter(|n| wanted(call, n));
    Ok(found.collect::<Vec<_>>().into())
}

#[expect(clippy::unnecessary_wraps, reason = "all bodies have one shape")]
fn list_states(call: &Call<'_>) -> Result<Value, CallError> {
    let found = call.ctx.registry.states().map(|f| f.name()).filter(|n| wanted(call, n));
    Ok(found.collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn functions_are_listed_by_module_and_documented() {
        let bench = Bench::new(SimHost::new());
        let listed = bench.exec("sys.list_functions", &["mine".into()], &Map::new()).unwrap();
        assert_eq!(listed, Value::from(vec!["mine.delete", "mine.get", "mine.send"]));
        let doc = bench.exec("sys.doc", &["test.echo".into()], &Map::new()).unwrap();
        assert!(doc.get("test.echo").and_then(Value::as_str).is_some_and(|d| d.contains("required")));
    }
}
