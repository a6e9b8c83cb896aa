//! `net.pending`, `net.history` and `net.rollback`: the changes of this host's network.

use std::sync::Arc;
use std::time::Duration;

use lab_proto::{Map, Value};
use lab_states::function::{CallError, ExecFunction, FunctionDoc, JobCtx, Registry, bind, takes};
use lab_states::net::{Confirm, ConfirmBy};
use serde::Deserialize;

use super::documented;
use crate::netguard::{self, Guard};
use crate::workers::Env;

/// Adds the functions.
pub(super) fn register(registry: &mut Registry, env: &Arc<Env>) {
    registry.add_exec(Arc::new(Pending(env.clone())));
    registry.add_exec(Arc::new(History(env.clone())));
    registry.add_exec(Arc::new(Rollback(env.clone())));
}

fn guard(env: &Env) -> Result<&Guard, CallError> {
    env.guard().map(AsRef::as_ref).ok_or_else(|| CallError::failed("this agent has no network guard"))
}

struct Pending(Arc<Env>);

impl ExecFunction for Pending {
    fn name(&self) -> &str {
        "net.pending"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, _: &JobCtx<'_>) -> Result<Value, CallError> {
        takes(self.doc(), args, kwargs)?;
        let found =
            guard(&self.0)?.places().read_change().map_err(|e| CallError::failed(crate::chain(&e)))?;
        Ok(found.map_or(Value::Null, |j| {
            Value::from([
                ("change", Value::from(j.change.as_str())),
                ("until", Value::from(j.until.to_string())),
                ("confirm", Value::from(j.confirm.as_str())),
                ("steps", Value::from(j.lines())),
            ])
        }))
    }
}

struct History(Arc<Env>);

impl ExecFunction for History {
    fn name(&self) -> &str {
        "net.history"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, _: &JobCtx<'_>) -> Result<Value, CallError> {
        takes(self.doc(), args, kwargs)?;
        let all = netguard::history(guard(&self.0)?.places()).map_err(CallError::failed)?;
        let one = |j: &netguard::journal::Journal| {
            let files = j.files.iter().map(|f| f.path.display().to_string()).collect::<Vec<_>>();
            Value::from([
                ("change", Value::from(j.change.as_str())),
                ("began", Value::from(j.began.to_string())),
                ("steps", Value::from(j.lines())),
                ("files", Value::from(files)),
            ])
        };
        Ok(Value::List(all.iter().map(one).collect()))
    }
}

struct Rollback(Arc<Env>);

#[derive(Deserialize)]
struct RollbackArgs {
    #[serde(default)]
    confirm: String,
    within: Option<u64>,
    #[serde(default)]
    force: bool,
}

impl ExecFunction for Rollback {
    fn name(&self) -> &str {
        "net.rollback"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        let RollbackArgs { confirm, within, force } = bind(self.doc(), args, kwargs)?;
        let confirm =
            Confirm { by: ConfirmBy::parse(&confirm), within: within.map(Duration::from_secs), force };
        let done = netguard::revert(guard(&self.0)?, confirm, ctx);
        done.map(Value::from).map_err(|e| CallError::failed(e.to_string()))
    }
}
