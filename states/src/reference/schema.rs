//! JSON Schema (draft 2020-12) of SLS files: what editors complete and underline. It describes rendered files; an
//! argument's value may also be a template's expression, which is any text with `{{`.

use serde_json::{Map, Value, json};

use crate::function::{ArgDoc, FunctionDoc, Kind, Registry};
use crate::low::Requisite;

/// Makes the schema. `modules` are state modules of the tree's own, whose functions nobody can know here.
pub fn sls(registry: &Registry, modules: &[String]) -> Value {
    let mut functions = Map::new();
    let mut short = Vec::new();
    let mut by_module: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for function in registry.states() {
        let name = function.name();
        functions.insert(name.to_owned(), arguments(name, function.doc()));
        short.push(Value::from(name));
        if let Some((module, f)) = name.split_once('.') {
            by_module.entry(module.to_owned()).or_default().push(f.to_owned());
        }
    }
    let mut patterns = Map::new();
    // `file:` with the function in the list: the arguments are those of one of its functions.
    for (module, names) in by_module {
        let options: Vec<Value> = names.iter().map(|f| with_function(&format!("{module}.{f}"), f)).collect();
        functions.insert(module, json!({"anyOf": options}));
    }
    for module in modules {
        patterns.insert(format!("^{module}(\\.|$)"), json!({"type": ["array", "null"]}));
    }
    // Salt's own: what begins with an underscore is not looked at.
    patterns.insert("^_".to_owned(), json!(true));
    let short =
        json!({"anyOf": [{"enum": short}, {"type": "string", "pattern": own_short(modules)}, template()]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SLS of lab",
        "description": "States by ID, with include, extend and exclude.",
        "type": ["object", "null"],
        "properties": {
            "include": {
                "description": "SLS that are applied, too: by name, or relative with leading dots.",
                "type": "array",
                "items": {"type": ["string", "object"]},
            },
            "exclude": {
                "description": "SLS or IDs that are left out.",
                "type": "array",
                "items": {"anyOf": [
                    {"type": "string"},
                    {"type": "object", "properties": {"sls": {"type": "string"}, "id": {"type": "string"}}, "additionalProperties": false},
                ]},
            },
            "extend": {
                "description": "Arguments and requisites that are added to states of other SLS, by ID.",
                "type": "object",
                "additionalProperties": {"type": "object"},
            },
        },
        "additionalProperties": {"anyOf": [short, {"$ref": "#/$defs/declaration"}]},
        "$defs": {
            "declaration": {
                "type": "object",
                "minProperties": 1,
                "properties": functions,
                "patternProperties": patterns,
                "additionalProperties": false,
            },
            "requisite": {
                "description": "Other states, as `- module: ID`, `- sls: NAME` or the bare ID.",
                "type": "array",
                "items": {"anyOf": [
                    {"type": "string"},
                    {"type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": {"pattern": "^[^.]+$"},
                     "additionalProperties": {"type": "string"}},
                ]},
            },
            "guard": {
                "description": "A command, a list of them, or functions with their arguments.",
                "type": ["string", "array", "object", "boolean"],
            },
        },
    })
}

fn own_short(modules: &[String]) -> String {
    match modules {
        // Matches nothing.
        [] => "^\\b$".to_owned(),
        some => format!("^({})\\.", some.join("|")),
    }
}

/// A value that a template makes.
fn template() -> Value {
    json!({"type": "string", "pattern": "\\{[{%]"})
}

fn arguments(name: &str, doc: &FunctionDoc) -> Value {
    let mut properties = engine();
    for arg in doc.args.iter() {
        properties.insert(arg.name.to_string(), argument(arg));
    }
    properties.entry("name").or_insert_with(|| {
        json!({"description": "What the state is about; the ID when not given.", "type": ["string", "number", "boolean"]})
    });
    let item = json!({
        "type": "object",
        "minProperties": 1,
        "properties": properties,
        // Requisites of the same list entry's kind and unknown arguments are told apart by `lab-master check`.
        "additionalProperties": doc.open,
    });
    let required: Vec<Value> = doc
        .args
        .iter()
        .filter(|a| a.required && a.name != "name")
        .map(|a| json!({"contains": {"type": "object", "required": [a.name]}}))
        .collect();
    let mut list = json!({"type": "array", "items": item});
    if let (Some(list), false) = (list.as_object_mut(), required.is_empty()) {
        list.insert("allOf".to_owned(), Value::Array(required));
    }
    let mut out = Map::new();
    out.insert("title".to_owned(), Value::from(name));
    out.insert(
        "description".to_owned(),
        Value::from(format!("{}\n\n{}", doc.summary, doc.example.trim_end())),
    );
    out.insert("anyOf".to_owned(), json!([list, template()]));
    Value::Object(out)
}

/// The list of a module that names its function as a bare word.
fn with_function(name: &str, function: &str) -> Value {
    json!({
        "type": "array",
        "contains": {"const": function},
        "items": {"anyOf": [{"const": function}, {"type": "object"}]},
        "title": name,
    })
}

fn argument(arg: &ArgDoc) -> Value {
    let ArgDoc { name: _, kind, required: _, default, help } = arg;
    let mut out = Map::new();
    out.insert("description".to_owned(), Value::from(help.as_ref()));
    if let Some(default) = default {
        out.insert("default".to_owned(), Value::from(default.as_ref()));
    }
    let scalars = json!(["string", "number", "boolean", "null"]);
    match kind {
        Kind::Text | Kind::Path | Kind::Mode => {
            out.insert("type".to_owned(), scalars);
        }
        Kind::Bool => {
            out.insert("type".to_owned(), scalars);
            out.insert("examples".to_owned(), json!([true, false]));
        }
        Kind::Int | Kind::Float => {
            let word = if *kind == Kind::Int { "integer" } else { "number" };
            let digits = json!({"type": "string", "pattern": "^\\s*-?[0-9.]+\\s*$"});
            out.insert("anyOf".to_owned(), json!([{"type": [word, "boolean", "null"]}, digits, template()]));
        }
        Kind::Map => {
            out.insert("anyOf".to_owned(), json!([{"type": ["object", "array", "null"]}, template()]));
        }
        // One value stands for a list of one.
        Kind::List | Kind::Any => {}
    }
    Value::Object(out)
}

/// What the engine takes of every state.
fn engine() -> Map<String, Value> {
    let mut out = Map::new();
    let requisites = Requisite::ALL.into_iter().map(Requisite::as_str);
    let others = [
        "require_in",
        "watch_in",
        "onfail_in",
        "onchanges_in",
        "prereq_in",
        "use",
        "use_in",
        "listen",
        "listen_in",
    ];
    for word in requisites.chain(others) {
        out.insert(word.to_owned(), json!({"$ref": "#/$defs/requisite"}));
    }
    for (word, help) in [
        ("unless", "Not run when this is true."),
        ("onlyif", "Run only when this is true."),
        ("creates", "Not run when these paths exist."),
        ("check_cmd", "Decides afterwards whether the state succeeded."),
    ] {
        out.insert(word.to_owned(), json!({"$ref": "#/$defs/guard", "description": help}));
    }
    let flag = json!({"type": ["boolean", "string"]});
    for word in [
        "failhard",
        "parallel",
        "reload_grains",
        "reload_pillar",
        "reload_modules",
        "onfail_stop",
        "skip_watch",
    ] {
        out.insert(word.to_owned(), flag.clone());
    }
    out.insert(
        "names".to_owned(),
        json!({"type": "array", "description": "One state for each of these names."}),
    );
    out.insert("order".to_owned(), json!({"type": ["integer", "number", "string"]}));
    out.insert("retry".to_owned(), json!({"type": ["boolean", "object"]}));
    out.insert("fire_event".to_owned(), json!({"type": ["boolean", "string"]}));
    out.insert("umask".to_owned(), json!({"type": ["integer", "string"]}));
    for word in ["runas", "saltenv", "provider", "timeout", "cmd_opts_exclude", "runas_password"] {
        out.insert(word.to_owned(), json!(true));
    }
    out
}
