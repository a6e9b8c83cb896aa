//! The threads that call functions: one per running job, started when the job starts.
//!
//! A worker builds what its function may use, calls it, replaces every secret in what comes out, and hands the result
//! to the shell. It decides nothing about when a job runs or ends.

mod control;
mod env;
mod job;
mod run;
mod services;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lab_proto::ids::JobId;
use lab_proto::{EndState, JobSpec, Map, Timestamp, Value};
use lab_states::host::System;

pub use control::Cancel;
pub use env::{Env, Parts, Request, RunningJob, read_grains};
pub use job::Job;

use crate::agent::Finished;

/// What a worker gets.
pub struct Assignment {
    /// The job.
    pub job: JobSpec,
    /// Its pillar.
    pub pillar: Map,
    /// When it must be over.
    pub deadline: Option<Timestamp>,
    /// How it is told to stop.
    pub cancel: Cancel,
}

/// Starts a worker; `done` is called on its thread when the function has ended, however it did.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    env: Arc<Env>,
    assignment: Assignment,
    done: impl FnOnce(JobId, Finished) + Send + 'static,
) -> std::io::Result<()> {
    let name = format!("job-{}", assignment.job.fun);
    let thread = std::thread::Builder::new().name(name.chars().take(15).collect());
    thread.spawn(move || {
        let jid = assignment.job.jid;
        // A function that panics is a bug of ours that must not take the agent along.
        let finished = catch_unwind(AssertUnwindSafe(|| work(&env, assignment)));
        done(jid, finished.unwrap_or_else(|panic| failed(1, panic_text(panic.as_ref()))));
    })?;
    Ok(())
}

fn work(env: &Arc<Env>, assignment: Assignment) -> Finished {
    let spec = assignment.job.clone();
    let job = Job::new(env.clone(), assignment);
    let returned = run::call(&spec, &job);
    job.tell_rest();
    match returned {
        Ok(run::Returned { success, retcode, value }) => {
            let value = job.secrets.value(&value);
            Finished { state: EndState::Returned, success, retcode, value, power: job.host.power_request() }
        }
        // A function that said why it failed by a status keeps it.
        Err(e) => failed(job.retcode().max(1), job.secrets.text(&crate::chain(&e))),
    }
}

fn failed(retcode: i64, text: String) -> Finished {
    Finished { state: EndState::Failed, success: false, retcode, value: Value::from(text), power: None }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    format!("a bug in the function ended it: {said}; please report this")
}
