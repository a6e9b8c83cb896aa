//! Slots: an argument `__slot__:salt:test.echo(text).path ~ more` is asked of an execution function just before the
//! state's function is called, and its answer takes the argument's place.

use lab_proto::{Map, Value};

use super::drive::discreet;
use crate::function::{JobCtx, StateCall, Verdict, from_within, scalar_text};
use crate::functions::lookup::traverse;

const MARK: &str = "__slot__:";

/// Does something with a call whose slots are filled; an answer that cannot be had fails the state. A secret that came
/// through a slot is in the filled call only, so what the state tells is withheld here.
pub(crate) fn with(call: &StateCall, ctx: &JobCtx<'_>, work: impl FnOnce(&StateCall) -> Verdict) -> Verdict {
    if !any(&call.name, &call.args) {
        return work(call);
    }
    let mut slots = Slots { ctx, unknown: Vec::new() };
    let filled = match slots.call(call) {
        Ok(filled) => filled,
        Err(text) => return Verdict::failed(text),
    };
    let mut verdict = discreet(work(&filled), &filled, ctx);
    if filled.name != call.name {
        verdict.name.get_or_insert(filled.name);
    }
    verdict.warnings.extend(slots.unknown);
    verdict
}

/// Fills what a guard's function is called with.
pub(super) fn fill<'v>(values: impl Iterator<Item = &'v mut Value>, ctx: &JobCtx<'_>) -> Result<(), String> {
    // A guard has no place for a warning: what means nothing stays as it is without a word.
    let mut slots = Slots { ctx, unknown: Vec::new() };
    for value in values {
        slots.fill(value)?;
    }
    Ok(())
}

/// Tells whether a state's name or something in its arguments is a slot.
pub(super) fn any(name: &str, args: &Map) -> bool {
    is_slot(name) || args.values().any(has_slot)
}

/// Tells whether an argument is a slot, or has one where slots are filled.
pub(crate) fn has_slot(argument: &Value) -> bool {
    let slot = |value: &Value| value.as_str().is_some_and(is_slot);
    let within = |value: &Value| match value {
        Value::Map(map) => map.values().any(slot),
        other => slot(other),
    };
    match argument {
        Value::List(items) => items.iter().any(within),
        other => within(other),
    }
}

/// Tells whether a text is a slot.
pub(crate) fn is_slot(text: &str) -> bool {
    text.starts_with(MARK)
}

struct Slots<'a, 'c> {
    ctx: &'a JobCtx<'c>,
    /// What was said of slots that mean nothing: they stay as they are.
    unknown: Vec<String>,
}

impl Slots<'_, '_> {
    fn call(&mut self, call: &StateCall) -> Result<StateCall, String> {
        let mut filled = call.clone();
        if let Some(name) = self.value(&Value::from(call.name.as_str()))? {
            filled.name = scalar_text(&name).unwrap_or_else(|| name.to_string());
        }
        for value in filled.args.values_mut() {
            self.fill(value)?;
        }
        Ok(filled)
    }

    /// Fills a value and what is in it: the values of a mapping, the items of a list, and mappings among those.
    fn fill(&mut self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::List(items) => items.iter_mut().try_for_each(|item| self.within(item)),
            other => self.within(other),
        }
    }

    fn within(&mut self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::Map(map) => map.values_mut().try_for_each(|inner| self.set(inner)),
            other => self.set(other),
        }
    }

    fn set(&mut self, value: &mut Value) -> Result<(), String> {
        if let Some(answer) = self.value(value)? {
            *value = answer;
        }
        Ok(())
    }

    /// Returns the answer of a slot; nothing where the value is none, or calls no function that there is.
    fn value(&mut self, value: &Value) -> Result<Option<Value>, String> {
        let Some(slot) = value.as_str().filter(|text| is_slot(text)) else { return Ok(None) };
        let asked = slot.strip_prefix(MARK).and_then(|rest| rest.strip_prefix("salt:"));
        let read = asked.map(Slot::read).transpose();
        let Some(parsed) = read.map_err(|e| format!("the slot {slot} cannot be read: {e}"))?.flatten() else {
            self.unknown.push(format!("{slot} is no slot: write {MARK}salt:MODULE.FUNCTION(ARGUMENTS)"));
            return Ok(None);
        };
        let function = match self.ctx.registry.exec(&parsed.function) {
            Ok(function) => function,
            Err(unknown) => {
                self.unknown.push(format!("{slot} stays as it is: {unknown}"));
                return Ok(None);
            }
        };
        let mut kwargs = parsed.kwargs;
        from_within(&parsed.function, &mut kwargs);
        let answer = function.call(&parsed.args, &kwargs, self.ctx);
        let mut answer = answer.map_err(|e| format!("the slot {slot} has no answer: {e}"))?;
        if !parsed.path.is_empty() {
            answer = traverse(&answer, parsed.path, ".").cloned().unwrap_or_default();
        }
        if let (Value::Str(text), Some(more)) = (&answer, parsed.more) {
            answer = format!("{text}{more}").into();
        }
        Ok(Some(answer))
    }
}

/// `test.arg(a, k='v').kwargs.k ~ more`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Slot<'t> {
    function: String,
    args: Vec<Value>,
    kwargs: Map,
    /// What follows the call: keys of its answer.
    path: &'t str,
    /// A text that is appended to a text.
    more: Option<&'t str>,
}

impl<'t> Slot<'t> {
    /// Reads a call as Salt does: white space outside of quotes means nothing, all arguments are texts. Nothing is what
    /// is no call.
    fn read(text: &'t str) -> Result<Option<Self>, &'static str> {
        const ESCAPES_NOTHING: &str = "its last backslash escapes nothing";
        let Some(open) = text.find('(') else { return Ok(None) };
        let function: String = text[..open].split_whitespace().collect();
        let mut slot = Self { function, args: Vec::new(), kwargs: Map::new(), path: "", more: None };
        let (mut word, mut key, mut written, mut quote) = (String::new(), None, false, None);
        let mut brackets = Vec::new();
        let mut chars = text[open + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (Some(mark), '\\') => {
                    let (_, next) = chars.next().ok_or(ESCAPES_NOTHING)?;
                    // As in Python's shlex: in quotes it takes the meaning of the quote and of itself only.
                    word.extend((next != mark && next != '\\').then_some('\\'));
                    word.push(next);
                }
                (Some(mark), c) if c == mark => quote = None,
                (Some(_), c) => word.push(c),
                (None, '\'' | '"') => (quote, written) = (Some(c), true),
                (None, '\\') => word.push(chars.next().ok_or(ESCAPES_NOTHING)?.1),
                (None, c) if c.is_whitespace() => {}
                (None, ')' | ',') if brackets.is_empty() => {
                    let value = Value::from(std::mem::take(&mut word));
                    match key.take() {
                        Some(key) => drop(slot.kwargs.insert(Value::from(key), value)),
                        None if written => slot.args.push(value),
                        None => {}
                    }
                    written = false;
                    if c == ')' {
                        slot.rest(&text[open + 1 + at + 1..])?;
                        return Ok(Some(slot));
                    }
                }
                (None, '=') if brackets.is_empty() => key = Some(std::mem::take(&mut word)),
                (None, c) => {
                    match c {
                        '(' => brackets.push(')'),
                        '[' => brackets.push(']'),
                        '{' => brackets.push('}'),
                        ')' | ']' | '}' if brackets.pop() != Some(c) => return Ok(None),
                        _ => {}
                    }
                    written = true;
                    word.push(c);
                }
            }
        }
        if quote.is_some() { Err("a quotation is not closed") } else { Ok(None) }
    }

    fn rest(&mut self, rest: &'t str) -> Result<(), &'static str> {
        let (path, more) = rest.split_once('~').map_or((rest, None), |(path, more)| (path, Some(more)));
        let path = path.trim();
        if !path.is_empty() && !path.starts_with('.') {
            return Err("behind its parenthesis stands neither a dot nor a ~");
        }
        self.path = path.trim_start_matches('.');
        self.more = more.map(str::trim);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;
    use crate::low::Options;
    use crate::redact::WITHHELD;
    use crate::run::guard;

    #[test]
    fn calls_are_read_with_quotes_names_paths_and_what_is_appended() {
        let read = |text: &'static str| Slot::read(text).unwrap().unwrap();
        let slot = read("test.arg(a b, 'c, d', k = \"it's\", l=[1, 2]).kwargs.k ~ /more");
        assert_eq!(slot.function, "test.arg");
        assert_eq!(slot.args, [Value::from("ab"), Value::from("c, d")]);
        assert_eq!(slot.kwargs.get("k"), Some(&Value::from("it's")));
        assert_eq!(slot.kwargs.get("l"), Some(&Value::from("[1,2]")));
        assert_eq!((slot.path, slot.more), ("kwargs.k", Some("/more")));
        assert_eq!(read("test.ping()").args, []);
        let kept = read(r#"f('\d+', "a\nb", "echo \$HOME", "a\"b\\c", 'it\'s', a\ b)"#);
        let want = [r"\d+", r"a\nb", r"echo \$HOME", r#"a"b\c"#, "it's", "a b"];
        assert_eq!(kept.args, want.map(Value::from));
        for none in ["test.ping", "test.echo(a", "test.echo([a)"] {
            assert_eq!(Slot::read(none), Ok(None), "{none}");
        }
        for broken in ["test.echo('a)", "test.echo(\"a)", "test.echo(a\\", "test.echo('a\\", "test.echo(a)x"]
        {
            assert!(Slot::read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_secret_that_comes_through_a_slot_is_withheld() {
        const SLS: &str = "/etc/pin: {file.managed: [{contents: '__slot__:salt:pillar.get(pin)'}]}";
        let host = SimHost::new().with_file("/etc/pin", "122\n");
        let bench = Bench::new(host).with_pillar(Value::from([("pin", 123)]));
        bench.secrets.register("123");
        let done = bench.work(SLS);
        assert_eq!(bench.host.text("/etc/pin").as_deref(), Some("123\n"));
        assert_eq!(done.changes.get("diff"), Some(&Value::from(WITHHELD)));
    }

    #[test]
    fn paths_lead_as_in_the_pillar_but_not_into_tuples() {
        let deep = Value::from([("l", Value::from(vec![Value::from([("k", "v")]), "last".into()]))]);
        let bench = Bench::new(SimHost::new()).with_pillar(Value::from([("a", deep)]));
        let content = |slot: &str| {
            bench.host.put_file("/f", "", 0o644);
            bench.work(&format!("/f: {{file.managed: [{{contents: '__slot__:salt:{slot}'}}]}}"));
            bench.host.text("/f").unwrap()
        };
        assert_eq!(content("pillar.get(a).l.-1"), "last\n");
        assert_eq!(content("pillar.get(a).l.k ~ /x"), "v/x\n");
        assert_eq!(content("test.arg(x).args.0"), "");
    }

    #[test]
    fn guards_ask_with_filled_slots() {
        let bench = Bench::new(SimHost::new()).with_pillar(Value::from([("yes", true), ("no", false)]));
        let skipped = |args: Value| {
            let call = Value::from([("fun", Value::from("test.echo")), ("args", args)]);
            let options = Options { onlyif: Some(Box::new(vec![call].into())), ..Options::default() };
            bench.with_ctx(|ctx| guard::before(&options, &Map::new(), ctx)) != guard::Guard::Pass
        };
        let slot = |key: &str| Value::from(format!("__slot__:salt:pillar.get({key})"));
        assert!(!skipped(vec![slot("yes")].into()));
        assert!(skipped(vec![slot("no")].into()));
    }
}
