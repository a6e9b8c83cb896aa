//! `saltutil.*`: what the agent itself is asked about and told.

use std::sync::Arc;

use lab_proto::{Map, Value};
use lab_states::function::{ArgDoc, CallError, ExecFunction, FunctionDoc, JobCtx, Kind, Registry, bind};
use serde::Deserialize;

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
        static DOC: FunctionDoc = FunctionDoc::new(
            "Lists the jobs that run or wait on this minion, but not the one that asks.",
            &[],
            "lab-master run '*' saltutil.running",
        );
        &DOC
    }

    fn call(&self, _args: &[Value], _kwargs: &Map, _ctx: &JobCtx<'_>) -> Result<Value, CallError> {
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
        const ARGS: &[ArgDoc] = &[ArgDoc::required("jid", Kind::Text, "The job.")];
        static DOC: FunctionDoc = FunctionDoc::new(
            "Ends a job on this minion: its process group is killed and it returns as killed.",
            ARGS,
            "lab-master run web1 saltutil.kill_job 20261121051940000042_00000000000000ff",
        );
        &DOC
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
