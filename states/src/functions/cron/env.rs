//! `cron.env_present` and `cron.env_absent`: a variable of a user's table.

use lab_proto::Map;
use serde::Deserialize;

use super::super::support::map;
use super::jobs::{USER, root};
use super::tab::{Item, Tab};
use super::user::{read, write};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};

/// Has the variable.
pub(in crate::functions) struct Present;

/// Has not the variable.
pub(in crate::functions) struct Absent;

const PRESENT_ARGS: &[ArgDoc] =
    &[ArgDoc::optional("value", Kind::Text, "Its value; empty, when not given."), USER];

static PRESENT: FunctionDoc = FunctionDoc::new(
    "Keeps a variable in a user's table of jobs.",
    PRESENT_ARGS,
    "MAILTO:\n  cron.env_present:\n    - value: ops@lab.example\n",
);

const ABSENT_ARGS: &[ArgDoc] = &[USER];

static ABSENT: FunctionDoc = FunctionDoc::new(
    "Removes a variable from a user's table of jobs.",
    ABSENT_ARGS,
    "MAILTO:\n  cron.env_absent: []\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    value: Option<String>,
    #[serde(default = "root")]
    user: String,
}

fn tab_and_place(
    call: &StateCall,
    args: &Args,
    ctx: &JobCtx<'_>,
) -> Result<(Tab, Option<usize>), StateError> {
    if call.name.is_empty() || call.name.contains(|c: char| c.is_whitespace() || c == '=' || c == '#') {
        return Err(StateError::failed(format!("{:?} is no name of a variable", call.name)));
    }
    let tab = Tab::parse(&read(&args.user, ctx)?);
    let at = tab.items().position(|i| matches!(i, Item::Env(name, _) if *name == call.name));
    Ok((tab, at))
}

fn with_variable(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<Option<Tab>, StateError> {
    let value = args.value.clone().unwrap_or_default();
    if value.contains('\n') {
        return Err(StateError::failed("argument value: it must be one line"));
    }
    let (mut tab, at) = tab_and_place(call, args, ctx)?;
    let new = Item::Env(call.name.clone(), value);
    if at.and_then(|at| tab.items().nth(at)) == Some(&new) {
        return Ok(None);
    }
    tab.put(at, new);
    Ok(Some(tab))
}

fn without_variable(call: &StateCall, args: &Args, ctx: &JobCtx<'_>) -> Result<Option<Tab>, StateError> {
    let (mut tab, at) = tab_and_place(call, args, ctx)?;
    Ok(at.map(|at| {
        tab.remove(at);
        tab
    }))
}

fn found(call: &StateCall, args: &Args, differs: bool) -> Check {
    let (name, user) = (&call.name, &args.user);
    if !differs {
        return Check::holds(format!("variable {name} is as it should be in {user}'s crontab"));
    }
    let changes: Map = map([(user.as_str(), name.as_str().into())]);
    Check::differs(changes, format!("variable {name} would be changed in {user}'s crontab"))
}

fn done(
    call: &StateCall,
    check: &Check,
    args: &Args,
    tab: Option<Tab>,
    ctx: &JobCtx<'_>,
) -> Result<Applied, StateError> {
    if let Some(tab) = tab {
        write(&args.user, &tab.print(), ctx)?;
    }
    Ok(Applied::new(
        check.changes.clone(),
        format!("variable {} changed in {}'s crontab", call.name, args.user),
    ))
}

impl StateFunction for Present {
    fn name(&self) -> &'static str {
        "cron.env_present"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &PRESENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        Ok(found(call, &args, with_variable(call, &args, ctx)?.is_some()))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        done(call, check, &args, with_variable(call, &args, ctx)?, ctx)
    }
}

impl StateFunction for Absent {
    fn name(&self) -> &'static str {
        "cron.env_absent"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &ABSENT
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let args: Args = call.typed()?;
        Ok(found(call, &args, without_variable(call, &args, ctx)?.is_some()))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let args: Args = call.typed()?;
        done(call, check, &args, without_variable(call, &args, ctx)?, ctx)
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn a_variable_comes_before_the_jobs_and_goes_once() {
        let bench = Bench::new(SimHost::new());
        bench.run("x:\n  cron.present: []\n");
        let sls = "PATH:\n  cron.env_present:\n    - value: /bin:/usr/bin\n";
        assert!(bench.run(sls).changed());
        assert!(!bench.run(sls).changed());
        let text = bench.host.text("/var/spool/cron/crontabs/root").unwrap();
        assert!(text.contains("edit\nPATH=/bin:/usr/bin\n# SALT_CRON"), "{text}");
        assert!(bench.run("PATH:\n  cron.env_absent: []\n").changed());
        assert!(!bench.run("PATH:\n  cron.env_absent: []\n").changed());
        assert!(bench.run("'a b':\n  cron.env_absent: []\n").comment.contains("no name of a variable"));
    }
}
