//! `saltutil.*`: what the agent itself is asked about and told.

use std::sync::Arc;

use lab_proto::{Map, Value};
use lab_states::function::{CallError, ExecFunction, FunctionDoc, JobCtx, Registry, bind, takes};
use serde::Deserialize;

use super::documented;
use crate::workers::{Env, Request};

/// Adds the functions.
pub(super) fn register(registry: &mut Registry, env: &Arc<Env>) {
    registry.add_exec(Arc::new(Running(env.clone())));
    registry.add_exec(Arc::new(KillJob(env.clone())));
}

struct Running(Arc<Env>);

impl ExecFunction for Running {
    fn name(&self) -> &str {
        "saltutil.running"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, _ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        takes(self.doc(), args, kwargs)?;
        let jobs = self.0.running().into_iter().filter(|j| j.fun != self.name());
        let row = |job: crate::workers::RunningJob| {
            Value::from([
                ("jid", Value::from(job.jid.to_string())),
                ("fun", Value::from(job.fun)),
                ("arg", Value::List(job.args)),
                ("state", Value::from(job.state)),
                ("user", Value::from(job.user)),
            ])
        };
        Ok(Value::List(jobs.map(row).collect()))
    }
}

struct KillJob(Arc<Env>);

#[derive(Deserialize)]
struct KillArgs {
    jid: String,
}

impl ExecFunction for KillJob {
    fn name(&self) -> &str {
        "saltutil.kill_job"
    }

    fn doc(&self) -> &FunctionDoc {
        documented(self.name())
    }

    fn call(&self, args: &[Value], kwargs: &Map, _ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        let KillArgs { jid } = bind(self.doc(), args, kwargs)?;
        let jid = jid.parse().map_err(|e: lab_proto::InvalidId| CallError::failed(e.to_string()))?;
        if !self.0.running().iter().any(|j| j.jid == jid) {
            return Err(CallError::failed(format!("no job {jid} runs or waits here; see saltutil.running")));
        }
        self.0.request(Request::Kill { jid, by: "saltutil.kill_job".to_owned() });
        Ok(Value::from(format!("{jid} is told to end")))
    }
}
