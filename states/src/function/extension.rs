//! User functions: executables in `_states/` and `_modules/` that read one JSON object and write one.
//!
//! An executable `_modules/rack` answers every `rack.*`. It is started once per call with the function's name as
//! its only argument, reads `{"function", "args", "kwargs", "grains", "pillar"}` from standard input and writes
//! `{"return": …}` or `{"error": "…"}`. One in `_states/` reads `{"function", "name", "args", "test", "grains",
//! "pillar"}` and writes `{"result": true | false | null, "changes": {…}, "comment": "…"}`; `null` is the dry
//! run's *would change*.

use std::path::PathBuf;

use lab_proto::{Map, Value};

use super::{
    Applied, CallError, Check, Class, ExecFunction, FunctionDoc, JobCtx, StateCall, StateError,
    StateFunction, Verdict,
};
use crate::host::{Command, Commands};

/// Which of the two kinds an executable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtensionKind {
    /// From `_states/`.
    State,
    /// From `_modules/`.
    Module,
}

/// One user function: a name that an installed executable answers.
#[derive(Clone, Debug)]
pub struct Extension {
    name: String,
    path: PathBuf,
    doc: FunctionDoc,
}

impl Extension {
    /// Names a function of an installed executable.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        const DOC: FunctionDoc = FunctionDoc::new("A function of this site's own.", &[], "").open();
        Self { name: name.into(), path: path.into(), doc: DOC }
    }

    fn ask(&self, request: &Value, ctx: &JobCtx<'_>) -> Result<Value, String> {
        let place = self.path.display();
        let mut command = Command::argv([self.path.display().to_string(), self.name.clone()]);
        command.stdin = Some(serde_json::to_vec(request).map_err(|e| e.to_string())?);
        command.timeout = ctx.remaining();
        let output = Commands::run(ctx.host, &command, ctx).map_err(|e| e.to_string())?;
        if !output.exit.success() {
            let said = output.stderr_text();
            return Err(format!("{place} ended with status {}: {said}", output.exit.code()));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|e| format!("{place} wrote no JSON object for {}: {e}", self.name))
    }

    fn request(&self, own: impl IntoIterator<Item = (&'static str, Value)>, ctx: &JobCtx<'_>) -> Value {
        let shared = [
            ("function", Value::from(self.name.as_str())),
            ("grains", Value::clone(&ctx.services.grains())),
            ("pillar", Value::clone(&ctx.services.pillar())),
        ];
        Value::Map(shared.into_iter().chain(own).map(|(k, v)| (Value::from(k), v)).collect())
    }
}

impl ExecFunction for Extension {
    fn name(&self) -> &str {
        &self.name
    }

    fn doc(&self) -> &FunctionDoc {
        &self.doc
    }

    fn call(&self, args: &[Value], kwargs: &Map, ctx: &JobCtx<'_>) -> Result<Value, CallError> {
        let own = [("args", Value::List(args.to_vec())), ("kwargs", Value::Map(kwargs.clone()))];
        let answer = self.ask(&self.request(own, ctx), ctx).map_err(CallError::Failed)?;
        if let Some(error) = answer.get("error") {
            return Err(CallError::Failed(error.to_string()));
        }
        answer.get("return").cloned().ok_or_else(|| {
            CallError::Failed(format!("{} gave neither return nor error", self.path.display()))
        })
    }
}

impl StateFunction for Extension {
    fn name(&self) -> &str {
        &self.name
    }

    fn class(&self) -> Class {
        Class::Action
    }

    fn doc(&self) -> &FunctionDoc {
        &self.doc
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let dry = StateCall { test: true, ..call.clone() };
        let verdict = StateFunction::run(self, &dry, ctx);
        Ok(Check { changes: verdict.changes, comment: verdict.comment })
    }

    fn apply(&self, call: &StateCall, _check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let verdict = StateFunction::run(self, call, ctx);
        Ok(Applied { changes: verdict.changes, comment: verdict.comment })
    }

    /// The executable decides itself; it is asked once per run.
    fn run(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
        let own = [
            ("name", Value::from(call.name.as_str())),
            ("args", Value::Map(call.args.clone())),
            ("test", Value::Bool(call.test)),
        ];
        let answer = match self.ask(&self.request(own, ctx), ctx) {
            Ok(answer) => answer,
            Err(text) => return Verdict::failed(text),
        };
        let changes = answer.get("changes").and_then(Value::as_map).cloned().unwrap_or_default();
        let comment = answer.get("comment").map(Value::to_string).unwrap_or_default();
        match answer.get("result") {
            Some(Value::Bool(true)) => Verdict::ok(changes, comment),
            Some(Value::Bool(false)) => Verdict::failed_with(changes, comment),
            Some(Value::Null) => Verdict::would_change(changes, comment),
            _ => Verdict::failed(format!(
                "{} gave no result (true, false or null) for {}",
                self.path.display(),
                self.name
            )),
        }
    }
}
