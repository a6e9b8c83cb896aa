//! Values that cannot fit the kind that a function's documentation gives for an argument.

use lab_proto::Value;

use crate::compile::high::article;
use crate::function::{ArgDoc, Kind, Registry, scalar_text};
use crate::low::LowChunk;
use crate::run::{Part, Problem, is_slot};

/// Lists the arguments of a chunk whose values cannot fit.
pub(super) fn misfits(chunk: &LowChunk, registry: &Registry) -> Vec<Problem> {
    let Ok(function) = registry.state(&chunk.function()) else { return Vec::new() };
    let doc = function.doc();
    let mut out = Vec::new();
    for arg in doc.args.iter() {
        let Some(value) = chunk.args.get(arg.name.as_ref()) else { continue };
        if let Some(wanted) = misfit(arg, value) {
            let shown = scalar_text(value).map_or_else(|| article(value.kind()), |t| format!("{t:?}"));
            let message = format!("{} of {} is {shown}, not {wanted}", arg.name, chunk.function());
            let part = Part::Value(arg.name.to_string());
            out.push(Problem::new("bad-argument", part, chunk, message).remedy(format!(
                "{} takes {}: {}",
                arg.name,
                article(arg.kind.as_str()),
                arg.help
            )));
        }
    }
    out
}

fn misfit(arg: &ArgDoc, value: &Value) -> Option<&'static str> {
    // What a slot will answer is known when its state's turn comes.
    if value.as_str().is_some_and(is_slot) {
        return None;
    }
    let collection = matches!(value, Value::List(_) | Value::Tuple(_) | Value::Map(_));
    let text = scalar_text(value).unwrap_or_default();
    let fits = match (arg.kind, value) {
        (_, Value::Null) | (Kind::Any | Kind::List, _) => true,
        (Kind::Text | Kind::Path | Kind::Bool, _) => !collection,
        (Kind::Map, _) => collection,
        (Kind::Int, Value::Float(f)) => f.fract() == 0.0,
        (Kind::Int, Value::Str(s)) => s.trim().parse::<i128>().is_ok(),
        (Kind::Float, Value::Str(s)) => s.trim().parse::<f64>().is_ok(),
        (Kind::Int | Kind::Float, _) => !collection,
        // Symbolic modes and `keep` are the function's own words.
        (Kind::Mode, _) => {
            let octal = |t: &str| t.len() <= 6 && t.chars().all(|c| ('0'..='7').contains(&c));
            !collection && (!text.starts_with(|c: char| c.is_ascii_digit()) || octal(text.trim()))
        }
    };
    if fits {
        return None;
    }
    Some(match arg.kind {
        Kind::Text | Kind::Path => "a text",
        Kind::Bool => "a boolean",
        Kind::Int => "a whole number",
        Kind::Float => "a number",
        Kind::Mode => "octal digits such as '0644'",
        Kind::Map => "a mapping",
        Kind::List | Kind::Any => "what it takes",
    })
}
