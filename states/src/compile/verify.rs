//! Reports declarations of the wrong shape, all of them.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use lab_proto::Value;

use super::error::{CompileError, ErrorKind};
use super::high::{Arg, Body, Declaration, HighState, article};
use crate::low::At;

/// What each ID's last requisite list asks for; two that name each other are a mistake.
struct Asked<'a> {
    high: &'a HighState,
    /// By the place of the ID.
    last: Vec<Option<Last<'a>>>,
    /// The kinds under which long lists name their targets, by the number of the list.
    long: HashMap<(usize, &'a str), &'a str, RandomState>,
    lists: usize,
}

/// An ID's last list.
#[derive(Clone, Copy)]
struct Last<'a> {
    module: &'a str,
    items: &'a [Value],
    number: usize,
}

/// A list of at most so many entries is searched from its end; a longer one has a table.
const SHORT: usize = 16;

const CHECKED: [&str; 4] = ["require", "watch", "prereq", "onchanges"];

/// Checks every declaration.
pub(super) fn verify(high: &HighState, errors: &mut Vec<CompileError>) {
    let last = vec![None; high.ids.len()];
    let mut asked = Asked { high, last, long: HashMap::default(), lists: 0 };
    for (at, (id, declaration)) in high.ids.iter().enumerate() {
        if id.starts_with("__") {
            continue;
        }
        for (module, body) in declaration.modules.iter() {
            match body {
                Body::Nothing(at) => errors.push(
                    CompileError::new(
                        ErrorKind::ShortDeclWithColon,
                        at,
                        format!("{module} under ID {id} ends with a colon, but nothing follows"),
                    )
                    .remedy(format!("leave the colon out (`{id}: {module}`), or write `{module}: []`")),
                ),
                Body::Other(at, kind) => errors.push(
                    CompileError::new(
                        ErrorKind::StateNotAList,
                        at,
                        format!("the arguments of {module} under ID {id} are {}, not a list", article(kind)),
                    )
                    .remedy("put `- ` before each argument"),
                ),
                Body::List(args) => list((at, id), declaration, module, args, &mut asked, errors),
            }
        }
    }
}

fn list<'a>(
    (place, id): (usize, &'a str),
    declaration: &Declaration,
    module: &'a str,
    args: &'a [Arg],
    asked: &mut Asked<'a>,
    errors: &mut Vec<CompileError>,
) {
    let mut fail = |kind, at: &At, message: String, remedy: &str| {
        errors.push(CompileError::new(kind, at, message).remedy(remedy));
    };
    for arg in args {
        if let Some(function) = arg.function() {
            let alone = !module.contains('.') && args.iter().filter_map(Arg::function).count() == 1;
            if function.trim().contains(' ') && alone {
                let message =
                    format!("\"{function}\" stands where the function of {module} (ID {id}) is expected");
                fail(
                    ErrorKind::FunctionWithWhitespace,
                    &arg.at,
                    message,
                    "an argument needs a colon: `- key: value`",
                );
            }
            continue;
        }
        let Some((key, value)) = arg.first() else { continue };
        if key == "names" && value.as_list().is_none() {
            let message = format!("names of ID {id} is {}, not a list", article(value.kind()));
            fail(
                ErrorKind::NamesNotAList,
                &arg.at,
                message,
                "write each name on a line of its own: `- NAME`",
            );
        }
        if CHECKED.contains(&key) {
            requisites((place, id), module, arg, key, value, asked, &mut fail);
        }
    }
    let functions: Vec<&str> = args.iter().filter_map(Arg::function).collect();
    let dotted = module.split_once('.').map(|(_, f)| f);
    match functions.len() + usize::from(dotted.is_some()) {
        0 if module == "require" || module == "watch" => {}
        0 => {
            let message = format!("the ID {id} names the state module {module} but no function of it");
            let remedy = format!("write `{module}.FUNCTION:`, or add `- FUNCTION` to the list");
            fail(ErrorKind::NoFunction, &declaration.at, message, &remedy);
        }
        1 => {}
        _ => {
            let all: Vec<&str> = dotted.into_iter().chain(functions).collect();
            let message = format!("the ID {id} names several functions of {module}: {}", all.join(", "));
            // Text with blanks is no function either; the whole keeps the name that Salt gives it.
            let blank = args.iter().find(|a| a.function().is_some_and(|f| f.trim().contains(' ')));
            if let Some(arg) = blank {
                let last = arg.function().unwrap_or_default();
                let message =
                    format!("\"{last}\" stands where the function of {module} (ID {id}) is expected");
                fail(
                    ErrorKind::TooManyFunctions,
                    &arg.at,
                    message,
                    "an argument needs a colon: `- key: value`",
                );
                return;
            }
            let glued =
                args.iter().find_map(|a| a.function().and_then(|f| f.split_once(':')).map(|kv| (a, kv)));
            match glued {
                Some((arg, (key, value))) => {
                    let remedy = format!("write a blank behind the colon: `- {key}: {value}`");
                    fail(ErrorKind::TooManyFunctions, &arg.at, message, &remedy);
                }
                None => {
                    let remedy =
                        "keep one; an argument needs a colon, and a further function an ID of its own";
                    fail(ErrorKind::TooManyFunctions, &declaration.at, message, remedy);
                }
            }
        }
    }
}

fn requisites<'a>(
    (place, id): (usize, &'a str),
    module: &'a str,
    arg: &'a Arg,
    key: &'a str,
    value: &'a Value,
    asked: &mut Asked<'a>,
    fail: &mut impl FnMut(ErrorKind, &At, String, &str),
) {
    let Some(items) = value.as_list() else {
        let message = format!("{key} of ID {id} is {}, not a list", article(value.kind()));
        fail(ErrorKind::RequisiteNotAList, &arg.at, message, "write `- module: ID` below it");
        return;
    };
    asked.lists += 1;
    asked.last[place] = Some(Last { module, items, number: asked.lists });
    for item in items {
        let (kind, target) = match item {
            Value::Str(_) => ("id", item),
            Value::Map(map) if map.first().is_some_and(|(k, _)| k.as_str().is_some()) => {
                let (k, v) = map.first().expect("checked just above");
                (k.as_str().unwrap_or_default(), v)
            }
            other => {
                let message = format!("an entry of {key} of ID {id} is {}", article(other.kind()));
                fail(ErrorKind::IllegalRequisite, &arg.at, message, "write `- module: ID`");
                continue;
            }
        };
        if let Some((short, _)) = kind.split_once('.') {
            let message = format!("{key} of ID {id} names {kind}; a requisite names the module only");
            fail(ErrorKind::RequisiteWithDot, &arg.at, message, &format!("write `- {short}: {target}`"));
        }
        if matches!(target, Value::List(_) | Value::Map(_)) {
            let message = format!("{key} of ID {id} names {}, not an ID", article(target.kind()));
            fail(ErrorKind::IllegalRequisite, &arg.at, message, "write one `- module: ID` per line");
            continue;
        }
        asked.note(id, module, (kind, target), items.len() > SHORT, arg, fail);
    }
    if matches!(&arg.what, super::high::What::Pairs(pairs) if pairs.len() != 1) {
        let message = format!("{key} of ID {id} shares its list entry with another argument");
        fail(ErrorKind::Other, &arg.at, message, "put `- ` before each argument");
    }
}

impl<'a> Asked<'a> {
    /// Remembers that an ID asks for another, and reports it if that one asks back.
    fn note(
        &mut self,
        id: &'a str,
        module: &'a str,
        (kind, target): (&'a str, &'a Value),
        long: bool,
        arg: &Arg,
        fail: &mut impl FnMut(ErrorKind, &At, String, &str),
    ) {
        let Some(target) = target.as_str() else { return };
        if long {
            self.long.insert((self.lists, target), kind);
        }
        let at = self.high.ids.get_index_of(target);
        let Some(theirs) = at.and_then(|at| self.last[at].as_ref()) else { return };
        if theirs.module == kind && self.kind_in(theirs, id) == Some(module) {
            let message = if target == id {
                format!("{module}: {id} requires itself")
            } else {
                format!("{module}: {id} and {kind}: {target} require each other")
            };
            fail(ErrorKind::RecursiveRequisite, &arg.at, message, "take one of the two requisites out");
        }
    }

    /// Returns the kind under which a list names an ID; the last one counts.
    fn kind_in(&self, list: &Last<'a>, id: &'a str) -> Option<&'a str> {
        if list.items.len() > SHORT {
            return self.long.get(&(list.number, id)).copied();
        }
        list.items.iter().rev().find_map(|item| match item {
            Value::Str(name) => (name == id).then_some("id"),
            Value::Map(map) => {
                let (kind, name) = map.first()?;
                (name.as_str() == Some(id)).then_some(kind.as_str()).flatten()
            }
            _ => None,
        })
    }
}
