//! `state.*`: state runs asked for by hand.

use lab_proto::{Map, StateOutcome, StateReturn, Value};
use serde::Deserialize;

use super::{Call, Exec};
use crate::function::{ApplyRequest, ArgDoc, CallError, FunctionDoc, Kind, StateCall, Verdict, VerdictKind};
use crate::functions::support::{text_list, text_of};

const QUEUE: ArgDoc = ArgDoc::optional(
    "queue",
    Kind::Any,
    "Whether it waits while another state run goes on; it does unless this says False. A number: while fewer than so many are \
     before it.",
);
const APPLY: &[ArgDoc] = &[
    ArgDoc::optional(
        "mods",
        Kind::Any,
        "Which SLS: a text with commas, or a list; the highstate when not given.",
    ),
    ArgDoc::with_default("test", Kind::Bool, "false", "Whether nothing may be changed."),
    ArgDoc::optional("pillar", Kind::Map, "Pillar on top of the minion's own."),
    ArgDoc::optional("saltenv", Kind::Text, "The environment."),
    ArgDoc::optional(
        "exclude",
        Kind::Any,
        "What is left out: SLS, or {id: …}; a text with commas, or a list.",
    ),
    QUEUE,
];
const HIGHSTATE: &[ArgDoc] = &[
    ArgDoc::with_default("test", Kind::Bool, "false", "Whether nothing may be changed."),
    ArgDoc::optional("pillar", Kind::Map, "Pillar on top of the minion's own."),
    ArgDoc::optional("saltenv", Kind::Text, "The environment."),
    ArgDoc::optional(
        "exclude",
        Kind::Any,
        "What is left out: SLS, or {id: …}; a text with commas, or a list.",
    ),
    QUEUE,
];
const SHOW: &[ArgDoc] = &[
    ArgDoc::required("mods", Kind::Any, "Which SLS: a text with commas, or a list."),
    ArgDoc::optional("pillar", Kind::Map, "Pillar on top of the minion's own."),
    ArgDoc::optional("saltenv", Kind::Text, "The environment."),
    ArgDoc::optional("exclude", Kind::Any, "SLS that are left out."),
    ArgDoc::optional("test", Kind::Bool, "Taken, as in Salt; nothing is run anyway."),
];
const SHOW_TOP: &[ArgDoc] = &[
    ArgDoc::optional("pillar", Kind::Map, "Pillar on top of the minion's own."),
    ArgDoc::optional("saltenv", Kind::Text, "The environment."),
    ArgDoc::optional("exclude", Kind::Any, "SLS that are left out."),
    ArgDoc::optional("test", Kind::Bool, "Taken, as in Salt; nothing is run anyway."),
];
const SHOW_ANY: &[ArgDoc] = &[
    ArgDoc::optional(
        "mods",
        Kind::Any,
        "Which SLS: a text with commas, or a list; the highstate when not given.",
    ),
    ArgDoc::optional("pillar", Kind::Map, "Pillar on top of the minion's own."),
    ArgDoc::optional("saltenv", Kind::Text, "The environment."),
    ArgDoc::optional("exclude", Kind::Any, "SLS that are left out."),
    ArgDoc::optional("test", Kind::Bool, "Taken, as in Salt; nothing is run anyway."),
];
const SINGLE: &[ArgDoc] = &[
    ArgDoc::required("fun", Kind::Text, "The state function."),
    ArgDoc::required("name", Kind::Text, "What it is about."),
    ArgDoc::with_default("test", Kind::Bool, "false", "Whether nothing may be changed."),
];

pub(super) static ALL: &[Exec] = &[
    Exec {
        name: "state.apply",
        doc: FunctionDoc::new(
            "Applies SLS, or the highstate.",
            APPLY,
            "lab-master run '*' state.apply common",
        )
        .open(),
        body: apply,
    },
    Exec {
        name: "state.sls",
        doc: FunctionDoc::new("Applies SLS.", APPLY, "lab-master run '*' state.sls common").open(),
        body: apply,
    },
    Exec {
        name: "state.highstate",
        doc: FunctionDoc::new(
            "Applies what the top file names for this minion.",
            HIGHSTATE,
            "lab-master run '*' state.highstate",
        )
        .open(),
        body: apply,
    },
    Exec {
        name: "state.test",
        doc: FunctionDoc::new(
            "Says what applying would change.",
            APPLY,
            "lab-master run '*' state.test common",
        )
        .open(),
        body: dry,
    },
    Exec {
        name: "state.show_highstate",
        doc: FunctionDoc::new(
            "Shows the states that the top file names for this minion, by ID, without running them.",
            SHOW_TOP,
            "lab-master run '*' state.show_highstate",
        ),
        body: show_high,
    },
    Exec {
        name: "state.show_low_sls",
        doc: FunctionDoc::new(
            "Shows the ordered low chunks of SLS without running them.",
            SHOW,
            "lab-master run '*' state.show_low_sls common",
        ),
        body: show_low,
    },
    Exec {
        name: "state.show_lowstate",
        doc: FunctionDoc::new(
            "Shows the ordered low chunks of the highstate without running them.",
            SHOW_TOP,
            "lab-master run '*' state.show_lowstate",
        ),
        body: show_low,
    },
    Exec {
        name: "state.show_sls",
        doc: FunctionDoc::new(
            "Shows the states of SLS by ID, without running them.",
            SHOW,
            "lab-master run '*' state.show_sls common",
        ),
        body: show_high,
    },
    Exec {
        name: "state.show_states",
        doc: FunctionDoc::new(
            "Lists the SLS that take part, in the order of their first state, with those that are included.",
            SHOW_ANY,
            "lab-master run '*' state.show_states",
        ),
        body: show_states,
    },
    Exec {
        name: "state.show_top",
        doc: FunctionDoc::new(
            "Lists the SLS that the top file names for this minion, by environment.",
            SHOW_TOP,
            "lab-master run '*' state.show_top",
        ),
        body: show_top,
    },
    Exec {
        name: "state.single",
        doc: FunctionDoc::new(
            "Applies one state function.",
            SINGLE,
            "lab-master run '*' state.single file.absent /etc/nologin",
        )
        .open(),
        body: single,
    },
];

#[derive(Deserialize)]
struct Apply {
    mods: Option<Value>,
    #[serde(default)]
    test: bool,
    pillar: Option<Map>,
    saltenv: Option<String>,
    exclude: Option<Value>,
}

fn apply(call: &Call<'_>) -> Result<Value, CallError> {
    run(call, call.typed()?)
}

fn dry(call: &Call<'_>) -> Result<Value, CallError> {
    run(call, Apply { test: true, ..call.typed()? })
}

fn run(call: &Call<'_>, args: Apply) -> Result<Value, CallError> {
    let outcome = call.ctx.services.apply(&args.request()?, call.ctx)?;
    Ok(Value::Map(outcome.results.iter().map(in_salts_shape).collect()))
}

fn show_low(call: &Call<'_>) -> Result<Value, CallError> {
    let args: Apply = call.typed()?;
    Ok(Value::List(call.ctx.services.low_chunks(&args.request()?, call.ctx)?))
}

/// Groups the chunks by ID, each with its functions as an SLS would write them.
fn show_high(call: &Call<'_>) -> Result<Value, CallError> {
    let args: Apply = call.typed()?;
    let mut high = Map::new();
    for chunk in call.ctx.services.low_chunks(&args.request()?, call.ctx)? {
        let Value::Map(mut chunk) = chunk else { continue };
        let mut take = |key: &str| chunk.shift_remove(key).unwrap_or_default();
        let (id, sls) = (take("__id__"), take("__sls__"));
        let function = format!("{}.{}", take("state"), take("fun"));
        take("__env__");
        let arguments: Vec<Value> =
            chunk.into_iter().map(|(k, v)| Value::Map(Map::from_iter([(k, v)]))).collect();
        let entry = high.entry(id).or_insert_with(|| Value::from([("__sls__", sls)]));
        if let Value::Map(entry) = entry {
            entry.insert(Value::from(function), Value::List(arguments));
        }
    }
    Ok(Value::Map(high))
}

fn show_states(call: &Call<'_>) -> Result<Value, CallError> {
    let args: Apply = call.typed()?;
    let mut found: Vec<String> = Vec::new();
    for chunk in call.ctx.services.low_chunks(&args.request()?, call.ctx)? {
        let sls = chunk.get("__sls__").map(text_of).unwrap_or_default();
        if !found.contains(&sls) {
            found.push(sls);
        }
    }
    Ok(found.into())
}

fn show_top(call: &Call<'_>) -> Result<Value, CallError> {
    let args: Apply = call.typed()?;
    let env = args.saltenv.clone().unwrap_or_else(|| "base".to_owned());
    let names = call.ctx.services.top(&args.request()?, call.ctx)?;
    Ok(Value::from([(env.as_str(), Value::from(names))]))
}

impl Apply {
    fn request(self) -> Result<ApplyRequest, CallError> {
        let Self { mods, test, pillar, saltenv, exclude } = self;
        let exclude = ApplyRequest::excludes(exclude.as_ref()).map_err(CallError::failed)?;
        Ok(ApplyRequest { sls: sls_of(mods), test, pillar, saltenv, exclude })
    }
}

fn sls_of(mods: Option<Value>) -> Vec<String> {
    match mods {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Str(text)) => {
            text.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
        }
        Some(other) => text_list(&other),
    }
}

/// Returns a result as Salt's state runs have it: keyed by module, ID, name and function.
fn in_salts_shape(r: &StateReturn) -> (Value, Value) {
    let (module, function) = r.state.split_once('.').unwrap_or((&r.state, ""));
    let key = format!("{module}_|-{}_|-{}_|-{function}", r.id, r.name);
    // As in Salt, a state that another's failure holds back has failed.
    let blocked = matches!(r.reason.as_deref(), Some("requisite_failed" | "requisite_missing" | "recursive"));
    let result = match r.outcome {
        StateOutcome::Skipped => Value::Bool(!blocked),
        StateOutcome::Ok => Value::Bool(true),
        StateOutcome::WouldChange => Value::Null,
        StateOutcome::Failed => Value::Bool(false),
    };
    let outcome = Value::from_serialize(&r.outcome).unwrap_or_default();
    let entry = Value::from([
        ("name", Value::from(r.name.as_str())),
        ("result", result),
        ("outcome", outcome),
        ("changes", Value::Map(r.changes.clone())),
        ("comment", Value::from(r.comment.as_str())),
        ("reason", Value::from(r.reason.clone())),
        ("__id__", Value::from(r.id.as_str())),
        ("__sls__", Value::from(r.sls.as_str())),
        ("__run_num__", Value::from(r.run_num)),
        ("start_time", Value::from(r.started.to_string())),
        ("duration_micros", Value::from(r.duration_micros)),
    ]);
    (key.into(), entry)
}

#[derive(Deserialize)]
struct Single {
    fun: String,
    name: Value,
    #[serde(default)]
    test: bool,
}

fn single(call: &Call<'_>) -> Result<Value, CallError> {
    let Single { fun, name, test } = call.typed()?;
    let function = call.ctx.registry.state(&fun)?;
    let own = |key: &Value| {
        key.as_str().is_some_and(|k| ["fun", "name", "test"].contains(&k) || k.starts_with("__"))
    };
    let args: Map =
        call.kwargs.iter().filter(|(k, _)| !own(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut state = StateCall::new(fun, text_of(&name), args);
    state.test = test;
    let verdict = crate::run::with_slots(&state, call.ctx, |state| match function.group() {
        Some(group) => group
            .run(std::slice::from_ref(state), call.ctx)
            .pop()
            .unwrap_or_else(|| Verdict::failed(format!("{} gave no verdict", state.function))),
        None => function.run(state, call.ctx),
    });
    let verdict = crate::run::discreet(verdict, &state, call.ctx);
    let result = match verdict.kind {
        VerdictKind::Ok => Value::Bool(true),
        VerdictKind::WouldChange => Value::Null,
        VerdictKind::Failed => Value::Bool(false),
    };
    Ok(Value::from([
        ("name", Value::from(state.name)),
        ("result", result),
        ("changes", Value::Map(verdict.changes)),
        ("comment", Value::from(verdict.comment)),
    ]))
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use lab_proto::{Map, Value};

    #[test]
    fn requests_are_passed_on_and_single_states_run() {
        let bench = Bench::new(SimHost::new());
        bench.exec("state.test", &["a,b".into()], &Map::new()).unwrap();
        let request = bench.services.applied.lock().unwrap().remove(0);
        assert_eq!((request.sls, request.test), (vec!["a".to_owned(), "b".to_owned()], true));
        let kwargs: Map = [(Value::from("contents"), Value::from("x"))].into_iter().collect();
        let done = bench.exec("state.single", &["file.managed".into(), "/etc/f".into()], &kwargs).unwrap();
        assert_eq!(done.get("result"), Some(&Value::Bool(true)));
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("x\n"));
    }
}
