//! The execution functions as templates call them.

use lab_proto::{Map, Value};
use lab_states::function::{CallError, ExecFunction, JobCtx, from_within};
use lab_states::render::{self, RenderFunctions};

/// Functions whose refusal is a bare exception in Salt: an error of the template, not of the function.
const RAISES: [&str; 6] =
    ["file.read", "pillar.keys", "test.exception", "defaults.merge", "defaults.update", "slsutil.update"];

/// Functions of nearly every template that look a value up in what the job has in memory, and do nothing else.
const ONLY_LOOKS_UP: [&str; 2] = ["grains.get", "pillar.get"];

/// The functions of a job's registry.
pub(super) struct Functions<'a> {
    ctx: &'a JobCtx<'a>,
}

impl<'a> Functions<'a> {
    pub(super) fn new(ctx: &'a JobCtx<'a>) -> Self {
        Self { ctx }
    }
}

impl RenderFunctions for Functions<'_> {
    fn call(&self, name: &str, args: &[Value], kwargs: &Map) -> Result<Value, render::CallError> {
        // What was read of the network ahead of time is from before whatever this does.
        if !ONLY_LOOKS_UP.contains(&name) {
            self.ctx.host.net_forget();
        }
        let done = self.ctx.registry.exec(name).map_err(CallError::from);
        let mut kwargs = kwargs.clone();
        from_within(name, &mut kwargs);
        done.and_then(|function| function.call(args, &kwargs, self.ctx))
            // Wrong arguments are a mistake of the template; anything else is the function's own refusal.
            .map_err(|e| render::CallError {
                refused: !matches!(e, CallError::Args(_)) && !RAISES.contains(&name),
                message: e.to_string(),
            })
    }

    fn knows(&self, name: &str) -> bool {
        self.ctx.registry.exec(name).is_ok()
    }

    fn has_module(&self, module: &str) -> bool {
        self.ctx.registry.has_exec_module(module)
    }

    fn names(&self) -> Vec<String> {
        self.ctx.registry.execs().map(|f| ExecFunction::name(f.as_ref()).to_owned()).collect()
    }
}
