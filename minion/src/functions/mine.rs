//! `mine.send` and `mine.delete`: values that minions leave with the master for each other. (`mine.get` needs no more
//! than every function has.)

use std::sync::Arc;

use lab_proto::v1::link::{Query, QueryReply};
use lab_proto::{Map, Target, TargetKind, Value};
use lab_states::function::{CallError, ExecFunction, FunctionDoc, JobCtx, Registry, bind};
use serde::Deserialize;

use super::documented;
use crate::link::known;
use crate::workers::Env;

/// Adds the functions.
pub(super) fn register(registry: &mut Registry, env: &Arc<Env>) {
    registry.add_exec(Arc::new(Send(env.clone())));
    registry.add_exec(Arc::new(Delete(env.clone())));
}

fn ask(env: &Env, query: Query) -> Result<QueryReply, CallError> {
    env.queries.ask(query).and_then(known).map_err(|e| CallError::failed(crate::chain(&e)))
}

struct Send(Arc<Env>);

impl ExecFunction for Send {
    fn name(&self) -> &str {
        "mine.send"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        let mut kwargs = kwargs.clone();
        let mut take = |key: &str| kwargs.shift_remove(key).map(|v| v.to_string());
        let (name, rest) = match args.split_first() {
            Some((name, rest)) => (name.to_string(), rest),
            None => (
                take("name").ok_or_else(|| CallError::failed("mine.send needs the name of a function"))?,
                args,
            ),
        };
        let function = take("mine_function").unwrap_or_else(|| name.clone());
        let kind = take("allow_tgt_type").map_or(Ok(TargetKind::Glob), |t| t.parse());
        let kind = kind.map_err(|e| CallError::failed(e.to_string()))?;
        let allow = take("allow_tgt").map(|expr| Target::new(kind, expr));
        let ttl = take("ttl").map(|t| t.parse::<u64>());
        let ttl_seconds = ttl.transpose().map_err(|_| CallError::failed("ttl is not a number of seconds"))?;
        let value = ctx.registry.exec(&function)?.call(rest, &kwargs, ctx)?;
        ask(&self.0, Query::MineSend { function: name, value, allow, ttl_seconds })?;
        Ok(Value::Bool(true))
    }
}

struct Delete(Arc<Env>);

#[derive(Deserialize)]
struct DeleteArgs {
    fun: Option<String>,
}

impl ExecFunction for Delete {
    fn name(&self) -> &str {
        "mine.delete"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, _ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        let DeleteArgs { fun } = bind(self.doc(), args, kwargs)?;
        ask(&self.0, Query::MineDelete { function: fun })?;
        Ok(Value::Bool(true))
    }
}
