//! What a step does: the typed arguments of `salt.*`, `lab.*` and `test.*` steps, read from a low chunk.
//!
//! Arguments that Salt knows and we do not honour are refused when ignoring them could do harm, and warned
//! of otherwise; arguments that nobody knows are warned of, as Salt ignores them.

use std::time::Duration;

use lab_proto::{Map, MinionId, TagPattern, Target, TargetKind, Value};

/// How long a wait waits unless told otherwise: Salt's default.
const WAIT_TIMEOUT: Duration = Duration::from_secs(300);
/// How long `lab.reboot` and `lab.ready` wait unless told otherwise: firmware of bare metal is slow.
const REBOOT_TIMEOUT: Duration = Duration::from_secs(900);

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `salt.function`: a function on minions.
    Function(Job),
    /// `salt.state`: states on minions.
    State(Job),
    /// `salt.wait_for_event`.
    Wait(WaitSpec),
    /// `salt.runner` and `salt.parallel_runners`: other orchestrations.
    Nested(Vec<NestedRun>),
    /// `lab.reboot`: reboots minions and waits until each is ready in another boot.
    Reboot(Job),
    /// `lab.ready`: waits until minions are ready.
    Ready(Job),
    /// `lab.assert`: a function whose every return must be as said.
    Assert(Job, AssertSpec),
    /// `test.*`: what Salt's states of that name say without doing anything.
    Test(TestOutcome),
}

/// A job for minions.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Whom.
    pub target: Target,
    /// The execution function.
    pub fun: String,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map,
    /// At most so many minions at a time.
    pub batch: Option<BatchSize>,
    /// After so many failed minions no further batch goes.
    pub stop_after: Option<usize>,
    /// Only so many of the matching minions.
    pub subset: Option<usize>,
    /// So many may fail.
    pub allow_fail: usize,
    /// These may fail.
    pub fail_minions: Vec<MinionId>,
    /// Minions that do not answer, or no minions at all, are a failure.
    pub expect_minions: bool,
    /// `salt.state` with `test: True`: only reports.
    pub test: bool,
}

/// The size of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// So many minions.
    Count(usize),
    /// So many per hundred; at least one.
    Percent(usize),
}

/// The question that a wait asks of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitSpec {
    /// Which events.
    pub tag: TagPattern,
    /// From every one of these.
    pub ids: Vec<String>,
    /// The key that holds the id, in the data or in `data` within it.
    pub event_id: String,
    /// A restarted agent counts as well as a booted host, as in Salt.
    pub restart_counts: bool,
}

/// An orchestration as a step of another.
#[derive(Clone, Debug, PartialEq)]
pub struct NestedRun {
    /// Its name.
    pub name: String,
    /// Pillar values that override.
    pub pillar: Map,
}

/// What `lab.assert` wants of every return.
#[derive(Clone, Debug, PartialEq)]
pub enum AssertSpec {
    /// It equals this.
    Equals(Value),
    /// It has this in its text, or among its items or keys.
    Contains(Value),
}

impl AssertSpec {
    /// Tells whether a return is as wanted.
    pub fn accepts(&self, got: &Value) -> bool {
        match self {
            Self::Equals(want) => got == want,
            Self::Contains(want) => match got {
                Value::List(l) | Value::Tuple(l) => l.contains(want),
                Value::Map(m) => m.contains_key(want),
                other => other.to_string().contains(&want.to_string()),
            },
        }
    }
}

/// What a `test.*` step says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// It holds.
    pub succeed: bool,
    /// It claims changes.
    pub changes: bool,
}

/// The functions that a step can be.
pub(crate) const FUNCTIONS: [&str; 14] = [
    "salt.function",
    "salt.state",
    "salt.wait_for_event",
    "salt.runner",
    "salt.parallel_runners",
    "lab.reboot",
    "lab.ready",
    "lab.assert",
    "test.nop",
    "test.succeed_without_changes",
    "test.succeed_with_changes",
    "test.fail_without_changes",
    "test.fail_with_changes",
    "test.configurable_test_state",
];

/// A step's action with what it says about time.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) action: Action,
    pub(super) timeout: Option<Duration>,
}

/// Reads a step's arguments. `warnings` takes a sentence about each argument that is ignored.
pub(super) fn parse(fun: &str, name: &str, args: &Map, warnings: &mut Vec<String>) -> Result<Parsed, String> {
    let mut args = Args { map: args, used: vec!["name", "failhard", "parallel", "since", "timeout"] };
    let timeout = args.duration("timeout")?;
    let (action, default) = match fun {
        "salt.function" => (function(name, &mut args)?, None),
        "salt.state" => (state(&mut args)?, None),
        "salt.wait_for_event" => (Action::Wait(wait(name, &mut args)?), Some(WAIT_TIMEOUT)),
        "salt.runner" => (Action::Nested(vec![runner(name, &mut args)?]), None),
        "salt.parallel_runners" => (Action::Nested(parallel_runners(&mut args)?), None),
        "lab.reboot" => (Action::Reboot(reboot(&mut args)?), Some(REBOOT_TIMEOUT)),
        "lab.ready" => (Action::Ready(job("", &mut args)?), Some(REBOOT_TIMEOUT)),
        "lab.assert" => (assert(&mut args)?, None),
        _ => (Action::Test(test(fun, &mut args)), None),
    };
    for key in args.left_over() {
        warnings.push(format!("argument {key} of {fun} is not known and is ignored"));
    }
    Ok(Parsed { action, timeout: timeout.or(default) })
}

fn function(name: &str, args: &mut Args<'_>) -> Result<Action, String> {
    args.refuse("fail_function", "list the minions that may fail in fail_minions")?;
    args.refuse("ssh", "minions are reached over their own link")?;
    args.ignore(&["ret", "ret_config", "ret_kwargs"]);
    let mut job = job(name, args)?;
    job.args = args.list("arg").unwrap_or_default();
    job.kwargs = args.map("kwarg")?;
    Ok(Action::Function(job))
}

fn state(args: &mut Args<'_>) -> Result<Action, String> {
    args.refuse("top", "target the states in the tree's own top file")?;
    args.refuse("ssh", "minions are reached over their own link")?;
    args.refuse("fail_function", "list the minions that may fail in fail_minions")?;
    args.ignore(&[
        "ret",
        "ret_config",
        "ret_kwargs",
        "orchestration_jid",
        "pillarenv",
        "queue",
        "concurrent",
    ]);
    let sls = args.list("sls");
    let highstate = args.flag("highstate")?.unwrap_or(false);
    let mut job = job("state.apply", args)?;
    match (sls, highstate) {
        (Some(mods), false) => {
            job.kwargs.insert(Value::from("mods"), Value::List(split_commas(mods)));
        }
        (None, true) => {}
        (Some(_), true) => return Err("sls and highstate exclude each other".to_owned()),
        (None, false) => {
            return Err(
                "neither sls nor highstate says what to apply; add `- sls: [NAME]` or `- highstate: True`"
                    .to_owned(),
            );
        }
    }
    for key in ["pillar", "exclude", "saltenv"] {
        if let Some(value) = args.take(key).filter(|v| **v != Value::Null) {
            job.kwargs.insert(Value::from(key), value.clone());
        }
    }
    job.test = args.flag("test")?.unwrap_or(false);
    Ok(Action::State(job))
}

/// Reads what all steps with a target have in common.
fn job(fun: &str, args: &mut Args<'_>) -> Result<Job, String> {
    let kind = match args.take("tgt_type").or_else(|| args.take("expr_form")) {
        None | Some(Value::Null) => TargetKind::Glob,
        Some(v) => v.to_string().parse().map_err(|e: lab_proto::job::UnknownTargetKind| e.to_string())?,
    };
    let target = match args.take("tgt") {
        Some(Value::Str(expr)) => Target::new(kind, expr.as_str()),
        Some(v @ (Value::List(_) | Value::Tuple(_))) => {
            let ids: Vec<String> = v.as_list().unwrap_or_default().iter().map(Value::to_string).collect();
            Target::new(TargetKind::List, ids.join(","))
        }
        Some(other) => {
            return Err(format!(
                "tgt is {}: {other}; quote it ('…'), because YAML reads such ids as numbers",
                other.kind()
            ));
        }
        None => return Err("tgt is missing: it says which minions are meant; add `- tgt: '*'`".to_owned()),
    };
    let fail_minions = args
        .list("fail_minions")
        .map(split_commas)
        .unwrap_or_default()
        .iter()
        .map(|v| MinionId::new(v.to_string()).map_err(|e| format!("fail_minions: {e}")))
        .collect::<Result<_, _>>()?;
    Ok(Job {
        target,
        fun: fun.to_owned(),
        args: Vec::new(),
        kwargs: Map::new(),
        batch: args.take("batch").map(batch).transpose()?.flatten(),
        stop_after: args.count("fail")?.filter(|n| *n > 0),
        subset: args.count("subset")?.filter(|n| *n > 0),
        allow_fail: args.count("allow_fail")?.unwrap_or(0),
        fail_minions,
        expect_minions: args.flag("expect_minions")?.unwrap_or(true),
        test: false,
    })
}

fn batch(v: &Value) -> Result<Option<BatchSize>, String> {
    let bad = || format!("batch is {v}; expected a number of minions or a share like 25%");
    let positive = |n: usize| if n > 0 { Ok(n) } else { Err(bad()) };
    match v {
        Value::Null => Ok(None),
        Value::Int(i) => Ok(Some(BatchSize::Count(positive(usize::try_from(*i).map_err(|_| bad())?)?))),
        Value::Str(s) => match s.trim().strip_suffix('%') {
            Some(share) => {
                let share: usize = share.trim().parse().map_err(|_| bad())?;
                Ok(Some(BatchSize::Percent(positive(share.min(100))?)))
            }
            None => Ok(Some(BatchSize::Count(positive(s.trim().parse().map_err(|_| bad())?)?))),
        },
        _ => Err(bad()),
    }
}

fn wait(name: &str, args: &mut Args<'_>) -> Result<WaitSpec, String> {
    args.ignore(&["node"]);
    let ids: Vec<String> = args
        .list("id_list")
        .ok_or("id_list is missing: it names the ids whose events are awaited; add `- id_list: [ID, …]`")?
        .iter()
        .map(Value::to_string)
        .collect();
    if ids.is_empty() {
        return Err("id_list is empty: there is nothing to wait for".to_owned());
    }
    Ok(WaitSpec {
        tag: TagPattern::new(name),
        ids,
        event_id: args.take("event_id").map_or_else(|| "id".to_owned(), Value::to_string),
        restart_counts: args.flag("restart_counts")?.unwrap_or(false),
    })
}

fn runner(name: &str, args: &mut Args<'_>) -> Result<NestedRun, String> {
    if !matches!(name, "state.orchestrate" | "state.orch" | "state.sls") {
        return Err(format!("runner {name} is not known; known are state.orchestrate and state.orch"));
    }
    let mut kwarg = args.map("kwarg")?;
    let mods = args
        .take("mods")
        .cloned()
        .or_else(|| kwarg.shift_remove("mods"))
        .or_else(|| args.list("arg").and_then(|l| l.first().cloned()));
    let mods = match mods {
        Some(Value::List(l)) if l.len() == 1 => l[0].to_string(),
        Some(Value::Str(s)) => s.into(),
        Some(other) => return Err(format!("mods is {other}; a nested run is one orchestration file")),
        None => return Err("mods is missing: it names the orchestration to run".to_owned()),
    };
    let pillar = match args.take("pillar").cloned().or_else(|| kwarg.shift_remove("pillar")) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Map(m)) => m,
        Some(other) => return Err(format!("pillar is {}, expected a mapping", other.kind())),
    };
    Ok(NestedRun { name: mods, pillar })
}

fn parallel_runners(args: &mut Args<'_>) -> Result<Vec<NestedRun>, String> {
    let runners = args.map("runners")?;
    if runners.is_empty() {
        return Err("runners is missing: it maps names to runners".to_owned());
    }
    let mut runs = Vec::new();
    for (key, spec) in &runners {
        let spec = spec_map(spec).ok_or_else(|| format!("runner {key} is no mapping"))?;
        let name = spec.get("name").map_or_else(|| "state.orchestrate".to_owned(), Value::to_string);
        let mut inner = Args { map: &spec, used: Vec::new() };
        runs.push(runner(&name, &mut inner).map_err(|e| format!("runner {key}: {e}"))?);
    }
    Ok(runs)
}

/// Salt writes mappings also as lists of single-key mappings.
fn spec_map(v: &Value) -> Option<Map> {
    match v {
        Value::Map(m) => Some(m.clone()),
        Value::List(l) => {
            let mut out = Map::new();
            for item in l {
                out.extend(item.as_map()?.clone());
            }
            Some(out)
        }
        _ => None,
    }
}

fn reboot(args: &mut Args<'_>) -> Result<Job, String> {
    let mut job = job("system.reboot", args)?;
    if let Some(forced) = args.flag("force")? {
        job.kwargs.insert(Value::from("force"), Value::from(forced));
    }
    Ok(job)
}

fn assert(args: &mut Args<'_>) -> Result<Action, String> {
    let fun =
        args.take("function").and_then(Value::as_str).ok_or("function is missing: it names what to ask")?;
    let mut job = job(fun, args)?;
    job.args = args.list("arg").unwrap_or_default();
    job.kwargs = args.map("kwarg")?;
    let spec = match (args.take("equals"), args.take("contains")) {
        (Some(v), None) => AssertSpec::Equals(v.clone()),
        (None, Some(v)) => AssertSpec::Contains(v.clone()),
        _ => return Err("say what the returns must be with exactly one of equals and contains".to_owned()),
    };
    Ok(Action::Assert(job, spec))
}

fn test(fun: &str, args: &mut Args<'_>) -> TestOutcome {
    let truth = |v: Option<&Value>| v.is_none_or(Value::truthy);
    match fun {
        "test.succeed_with_changes" => TestOutcome { succeed: true, changes: true },
        "test.fail_without_changes" => TestOutcome { succeed: false, changes: false },
        "test.fail_with_changes" => TestOutcome { succeed: false, changes: true },
        "test.configurable_test_state" => {
            TestOutcome { succeed: truth(args.take("result")), changes: truth(args.take("changes")) }
        }
        _ => TestOutcome { succeed: true, changes: false },
    }
}

/// The arguments of a step, and which of them somebody has asked for.
struct Args<'a> {
    map: &'a Map,
    used: Vec<&'a str>,
}

impl<'a> Args<'a> {
    fn take(&mut self, key: &'a str) -> Option<&'a Value> {
        self.used.push(key);
        self.map.get(key)
    }

    fn list(&mut self, key: &'a str) -> Option<Vec<Value>> {
        match self.take(key)? {
            Value::Null => None,
            Value::List(l) | Value::Tuple(l) => Some(l.clone()),
            one => Some(vec![one.clone()]),
        }
    }

    fn map(&mut self, key: &'a str) -> Result<Map, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(v) => spec_map(v).ok_or_else(|| format!("{key} is {}, expected a mapping", v.kind())),
        }
    }

    fn flag(&mut self, key: &'a str) -> Result<Option<bool>, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(other) => Err(format!("{key} is {other}, expected True or False")),
        }
    }

    fn count(&mut self, key: &'a str) -> Result<Option<usize>, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Int(i)) => {
                usize::try_from(*i).map(Some).map_err(|_| format!("{key} is {i}, expected 0 or more"))
            }
            Some(other) => Err(format!("{key} is {other}, expected a number")),
        }
    }

    fn duration(&mut self, key: &'a str) -> Result<Option<Duration>, String> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(v) => {
                let bad = || format!("{key} is {v}; expected seconds, or a text like 30s, 5m, 1h");
                duration(v).ok_or_else(bad).map(Some)
            }
        }
    }

    fn refuse(&mut self, key: &'a str, way_out: &str) -> Result<(), String> {
        match self.take(key) {
            Some(v) if v.truthy() => Err(format!("{key} is not supported; {way_out}")),
            _ => Ok(()),
        }
    }

    fn ignore(&mut self, keys: &[&'a str]) {
        self.used.extend(keys);
    }

    fn left_over(&self) -> Vec<String> {
        self.map.keys().map(Value::to_string).filter(|k| !self.used.contains(&k.as_str())).collect()
    }
}

/// Reads a duration: seconds as a number, or a text with a unit.
fn duration(v: &Value) -> Option<Duration> {
    match v {
        Value::Int(i) => u64::try_from(*i).ok().map(Duration::from_secs),
        Value::Float(f) => Duration::try_from_secs_f64(*f).ok(),
        Value::Str(s) => {
            let s = s.trim();
            let digits = s.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let factor = match s.get(digits.len()..)? {
                "" | "s" => 1,
                "m" | "min" => 60,
                "h" => 3600,
                "d" => 86_400,
                _ => return None,
            };
            digits.trim().parse::<u64>().ok()?.checked_mul(factor).map(Duration::from_secs)
        }
        _ => None,
    }
}

/// Salt takes lists also as texts with commas.
fn split_commas(items: Vec<Value>) -> Vec<Value> {
    items
        .iter()
        .flat_map(|v| v.to_string().split(',').map(|s| s.trim().to_owned()).collect::<Vec<_>>())
        .filter(|s| !s.is_empty())
        .map(Value::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(fun: &str, args: &Value) -> Result<(Parsed, Vec<String>), String> {
        let mut warnings = Vec::new();
        let args = args.as_map().cloned().unwrap_or_default();
        parse(fun, "the-name", &args, &mut warnings).map(|p| (p, warnings))
    }

    #[test]
    fn a_wait_has_salts_defaults() {
        let (p, _) =
            parsed("salt.wait_for_event", &Value::from([("id_list", vec!["a", "b"])])).expect("parses");
        assert_eq!(p.timeout, Some(Duration::from_secs(300)));
        let Action::Wait(w) = p.action else { panic!("a wait") };
        assert_eq!((w.tag.as_str(), w.event_id.as_str(), w.restart_counts), ("the-name", "id", false));
    }

    #[test]
    fn a_mac_address_that_yaml_took_for_a_number_is_explained() {
        let error = parsed("salt.function", &Value::from([("tgt", 11_11)])).expect_err("refused");
        assert!(error.contains("quote it"), "{error}");
    }

    #[test]
    fn a_state_says_what_to_apply_and_misspelt_arguments_are_told() {
        let error = parsed("salt.state", &Value::from([("tgt", "*")])).expect_err("refused");
        assert!(error.contains("neither sls nor highstate"), "{error}");
        let args = Value::from([
            ("tgt", Value::from("*")),
            ("sls", Value::from("a,b")),
            ("requires", Value::from(1)),
        ]);
        let (p, warnings) = parsed("salt.state", &args).expect("parses");
        let Action::State(job) = p.action else { panic!("a state") };
        assert_eq!(job.kwargs.get("mods"), Some(&Value::from(vec!["a", "b"])));
        assert_eq!(warnings, ["argument requires of salt.state is not known and is ignored"]);
    }

    #[test]
    fn times_and_batches_are_read_with_and_without_units() {
        for (text, want) in [("30s", Some(30)), ("5m", Some(300)), ("1h", Some(3600)), ("5 parsecs", None)] {
            assert_eq!(duration(&Value::from(text)).map(|d| d.as_secs()), want, "{text}");
        }
        assert_eq!(batch(&Value::from("25%")), Ok(Some(BatchSize::Percent(25))));
        assert_eq!(batch(&Value::from(3)), Ok(Some(BatchSize::Count(3))));
        assert!(batch(&Value::from(0)).is_err());
    }
}
