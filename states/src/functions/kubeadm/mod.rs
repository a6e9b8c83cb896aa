//! `kubeadm.*`: execution functions around the kubeadm command, with Salt's names and arguments.
//!
//! kubeadm decides and prints; these functions carry its flags and read its output. They find it in the `PATH`.

mod cluster;
mod token;

use std::sync::Arc;

use lab_proto::{Map, Value};

use crate::function::{CallError, FunctionDoc, JobCtx, Registry};
use crate::host::{Command, Commands};

/// Adds the family to a registry.
pub(super) fn register(registry: &mut Registry) {
    for function in cluster::ALL.iter().chain(token::ALL) {
        registry.add_exec(Arc::new(*function));
    }
}

/// One function of the family.
#[derive(Clone, Copy)]
struct Kubeadm {
    name: &'static str,
    doc: &'static FunctionDoc,
    call: fn(&Self, &[Value], &Map, &JobCtx<'_>) -> Result<Value, CallError>,
}

impl crate::function::ExecFunction for Kubeadm {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &FunctionDoc {
        self.doc
    }

    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        crate::function::takes(self.doc, args, kwargs)?;
        (self.call)(self, args, kwargs, ctx)
    }
}

/// Runs kubeadm and returns what it printed.
fn kubeadm(words: Vec<String>, ctx: &JobCtx<'_>) -> Result<String, CallError> {
    let what = words.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
    let mut command = Command::argv(std::iter::once("kubeadm".to_owned()).chain(words));
    command.timeout = ctx.remaining();
    let output = Commands::run(ctx.host, &command, ctx)?;
    if output.exit.success() {
        return Ok(output.stdout_text());
    }
    // The flags are left out: a token may be among them.
    let code = output.exit.code();
    Err(CallError::failed(format!("kubeadm {what} ended with status {code}: {}", output.stderr_text())))
}

/// Appends `--flag value` for every argument that was given.
fn flags<const N: usize>(given: [(&str, Option<String>); N]) -> Vec<String> {
    given.into_iter().filter_map(|(flag, value)| value.map(|v| [format!("--{flag}"), v])).flatten().collect()
}
