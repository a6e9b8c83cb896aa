//! Filters and tests with Python's regular expressions; each pays for what it looks at.

use std::rc::Rc;

use super::super::call::{CallArgs, required};
use super::super::engine::Engine;
use super::super::error::{Fault, Res};
use super::super::value::Val;
use super::flag;
use crate::python_regex::{Anchor, Failure, Flags, Meter, Pattern, TEMPLATES, Template};

/// How many bytes a pattern looks at for one step of the template.
const WORK_OF_STEP: u64 = 64;
/// How many steps compiling a pattern takes, and each place in it.
const COMPILING: (u64, u64) = (200, 20);

pub(super) fn apply(engine: &Engine<'_>, name: &str, value: &Val, args: CallArgs) -> Res<Val> {
    if name == "check_whitelist_blacklist" {
        return whitelist_blacklist(engine, value, args);
    }
    let text = text_only(value)?;
    if name == "regex_replace" { replace(engine, &text, args) } else { groups(engine, name, &text, args) }
}

/// Returns a text, and refuses what Python's `re` refuses.
fn text_only(value: &Val) -> Res<String> {
    match value {
        Val::Str(_) | Val::Undefined(_) => value.to_text(),
        other => {
            let message = format!("expected string or bytes-like object, got '{}'", other.type_name());
            Err(Fault::failed(message).suggest("make a text of it first: | string"))
        }
    }
}

/// Tells whether a text begins with what a pattern means.
pub(in crate::render::jinja) fn begins(engine: &Engine<'_>, value: &Val, args: CallArgs) -> Res<bool> {
    let [pattern, ignore_case, multiline] = args.bind("match", ["rgx", "ignorecase", "multiline"])?;
    let pattern = required(pattern, "match", "rgx")?.to_text()?;
    let flags = flags(ignore_case, multiline)?;
    let text = value.to_text()?;
    let found = engine.with_pattern(&pattern, flags, Anchor::Start, |p, meter| p.find(&text, meter));
    Ok(found?.map_err(|e| unusable(&pattern, &e))?.is_some())
}

fn flags(ignore_case: Option<Val>, multiline: Option<Val>) -> Res<Flags> {
    Ok(Flags {
        ignore_case: flag(ignore_case, false)?,
        multiline: flag(multiline, false)?,
        ..Flags::default()
    })
}

fn unusable(pattern: &str, failure: &Failure) -> Fault {
    let message = format!("cannot use the pattern '{pattern}': {failure}");
    let fault = if failure.is_bound() { Fault::bounds(message) } else { Fault::failed(message) };
    fault.suggest(failure.remedy())
}

fn groups(engine: &Engine<'_>, name: &str, text: &str, args: CallArgs) -> Res<Val> {
    let [pattern, ignore_case, multiline] = args.bind(name, ["rgx", "ignorecase", "multiline"])?;
    let pattern = required(pattern, name, "rgx")?.to_text()?;
    let anchor = if name == "regex_match" { Anchor::Start } else { Anchor::None };
    let flags = flags(ignore_case, multiline)?;
    let found = engine.with_pattern(&pattern, flags, anchor, |p, meter| p.captures(text, meter))?;
    Ok(match found.map_err(|e| unusable(&pattern, &e))? {
        None => Val::None,
        Some(found) => Val::tuple(found.groups().map(|g| g.map_or(Val::None, Val::str)).collect()),
    })
}

fn replace(engine: &Engine<'_>, text: &str, args: CallArgs) -> Res<Val> {
    let name = "regex_replace";
    let [pattern, value, ignore_case, multiline] =
        args.bind(name, ["rgx", "val", "ignorecase", "multiline"])?;
    let pattern = required(pattern, name, "rgx")?.to_text()?;
    let value = required(value, name, "val")?.to_text()?;
    let flags = flags(ignore_case, multiline)?;
    let replaced = engine.with_pattern(&pattern, flags, Anchor::None, |p, meter| {
        Ok(match Template::new(&value, p) {
            Ok(template) => Ok(p.replace(text, 0, meter, |found, out| template.expand(found, out))?.0),
            Err(what) => Err(what),
        })
    })?;
    replaced.map_err(|e| unusable(&pattern, &e))?.map(Val::str).map_err(|what| {
        Fault::failed(format!("cannot replace with '{value}': {what} for the pattern '{pattern}'"))
            .suggest("write \\1 or \\g<name> for groups of the pattern, and \\\\ for a backslash")
    })
}

fn whitelist_blacklist(engine: &Engine<'_>, value: &Val, args: CallArgs) -> Res<Val> {
    let [whitelist, blacklist] = args.bind("check_whitelist_blacklist", ["whitelist", "blacklist"])?;
    let hits = |list: Option<Val>| -> Res<Option<bool>> {
        let Some(list) = list.filter(|l| !matches!(l, Val::None)) else { return Ok(None) };
        let patterns = if matches!(list, Val::Str(_)) { vec![list] } else { list.iterate()? };
        // Only text has something to match.
        let Val::Str(text) = value else { return Ok((!patterns.is_empty()).then_some(false)) };
        for pattern in &patterns {
            if expression_matches(engine, &pattern.to_text()?, text)? {
                return Ok(Some(true));
            }
        }
        Ok((!patterns.is_empty()).then_some(false))
    };
    let black = hits(blacklist)?;
    let white = hits(whitelist)?;
    Ok(Val::Bool(black != Some(true) && white != Some(false)))
}

/// Matches text as Salt's lists of expressions do: a wildcard, or a regular expression of the whole text.
fn expression_matches(engine: &Engine<'_>, pattern: &str, text: &str) -> Res<bool> {
    if lab_proto::glob::matches(pattern, text) {
        return Ok(true);
    }
    let found =
        engine.with_pattern(pattern, Flags::default(), Anchor::Whole, |p, meter| p.find(text, meter))?;
    match found {
        Ok(found) => Ok(found.is_some()),
        // As Salt: most wildcards are no regular expressions.
        Err(Failure::Pattern(_)) => Ok(false),
        Err(failure) => Err(unusable(pattern, &failure)),
    }
}

impl Engine<'_> {
    /// Runs a pattern, which is compiled once, and takes the steps for it.
    fn with_pattern<T>(
        &self,
        source: &str,
        flags: Flags,
        anchor: Anchor,
        run: impl FnOnce(&Pattern, &mut Meter) -> Result<T, Failure>,
    ) -> Res<Result<T, Failure>> {
        let key = (source.to_owned(), flags, anchor);
        let known = self.patterns.borrow().get(&key).cloned();
        let pattern = match known {
            Some(pattern) => pattern,
            None => {
                let pattern = Rc::new(Pattern::new(source, flags, anchor));
                let size = pattern.as_ref().as_ref().map_or(source.len() as u64, Pattern::size);
                self.spend(size.saturating_mul(COMPILING.1).saturating_add(COMPILING.0))?;
                let mut patterns = self.patterns.borrow_mut();
                if patterns.len() >= 64 {
                    patterns.clear();
                }
                patterns.insert(key, Rc::clone(&pattern));
                pattern
            }
        };
        let pattern = match pattern.as_ref() {
            Ok(pattern) => pattern,
            Err(failure) => return Ok(Err(failure.clone())),
        };
        let mut meter = Meter::new(TEMPLATES, self.fuel().saturating_mul(WORK_OF_STEP));
        let result = run(pattern, &mut meter);
        self.spend(meter.spent().div_ceil(WORK_OF_STEP))?;
        Ok(result)
    }
}
