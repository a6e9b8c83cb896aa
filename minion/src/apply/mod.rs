//! From the names of SLS to results: renders, compiles and runs states with what a job has at hand.
//!
//! Used by the agent's jobs and by `apply --local`. The state tree comes through [`Sources`], everything else through
//! the job's context; nothing here knows where either comes from.

mod functions;

use std::collections::BTreeMap;
use std::mem;

use lab_proto::{StateReturn, Value};
use lab_states::compile::{self, CompileError, CompileErrors, ErrorKind, RenderedTree};
use lab_states::function::{ApplyRequest, JobCtx, ServiceError, Template};
use lab_states::low::{At, LowChunk};
use lab_states::render::{self, RenderContext, RenderEnv, RenderError, Sources};
use lab_states::run::{RunOptions, StateRun, Traits, drive_on};
use lab_states::target::Minion;
use lab_states::{pillar, top};

use functions::Functions;

/// Runs the states that are asked for.
///
/// # Errors
/// When they do not compile; then nothing was run.
pub fn apply(
    sources: &(dyn Sources + Sync),
    request: &ApplyRequest,
    failhard: bool,
    ctx: &JobCtx<'_>,
) -> Result<Vec<StateReturn>, CompileErrors> {
    run(sources, request, failhard, ctx, false).map(|(results, _)| results)
}

/// As [`apply()`], for a process that ends with it: what was compiled is not taken apart, which takes a tenth of the time. Tells
/// also how many states were left when it was cancelled.
///
/// # Errors
/// As [`apply()`].
pub fn apply_at_last(
    sources: &(dyn Sources + Sync),
    request: &ApplyRequest,
    failhard: bool,
    ctx: &JobCtx<'_>,
) -> Result<(Vec<StateReturn>, usize), CompileErrors> {
    run(sources, request, failhard, ctx, true)
}

fn run(
    sources: &(dyn Sources + Sync),
    request: &ApplyRequest,
    failhard: bool,
    ctx: &JobCtx<'_>,
    last: bool,
) -> Result<(Vec<StateReturn>, usize), CompileErrors> {
    let mut context = context(ctx);
    tell_test(&mut context, request.test);
    let functions = Functions::new(ctx);
    let env = RenderEnv::new(sources, &functions, &context);
    let tree = RenderedTree::new(env);
    let chunks = compile::compile(&tree, &wanted(request, &env, ctx)?)?;
    let options = RunOptions { test: request.test, failhard, seed: seed(ctx) };
    let mut run = StateRun::new(chunks, |chunk| Traits::of(chunk, ctx.registry), options).with_places(&tree);
    drive_on(&mut run, ctx);
    let left = run.left();
    let results = run.report();
    if last {
        mem::forget(run);
        mem::forget(tree);
    }
    Ok((results, left))
}

/// Compiles the states that are asked for.
///
/// # Errors
/// When they do not compile.
pub fn low_chunks(
    sources: &(dyn Sources + Sync),
    request: &ApplyRequest,
    ctx: &JobCtx<'_>,
) -> Result<Vec<LowChunk>, CompileErrors> {
    let context = context(ctx);
    let functions = Functions::new(ctx);
    let env = RenderEnv::new(sources, &functions, &context);
    compile::compile(&RenderedTree::new(env), &wanted(request, &env, ctx)?)
}

/// Lists the SLS that the top file names for this minion.
///
/// # Errors
/// When there is no top file, or it does not render.
pub fn top_names(sources: &(dyn Sources + Sync), ctx: &JobCtx<'_>) -> Result<Vec<String>, CompileErrors> {
    let context = context(ctx);
    let functions = Functions::new(ctx);
    let env = RenderEnv::new(sources, &functions, &context);
    let wanted = wanted(&ApplyRequest::default(), &env, ctx)?;
    Ok(wanted.wanted.into_iter().flat_map(|(_, names)| names).collect())
}

/// Renders the text of a template, as managed files have them.
///
/// # Errors
/// When it does not render; the text names place and remedy.
pub fn template(
    sources: &(dyn Sources + Sync),
    template: &Template<'_>,
    ctx: &JobCtx<'_>,
) -> Result<String, ServiceError> {
    let context = context(ctx);
    let functions = Functions::new(ctx);
    let env = RenderEnv::new(sources, &functions, &context);
    let path = template.name.strip_prefix("salt://").unwrap_or(template.name);
    render::template(&env, path, template.text, template.context)
        .map_err(|e| ServiceError::new(format!("{} does not render:\n{e}", template.name)))
}

fn context(ctx: &JobCtx<'_>) -> RenderContext {
    RenderContext {
        grains: Value::clone(&ctx.services.grains()),
        pillar: Value::clone(&ctx.services.pillar()),
        opts: Value::clone(&ctx.services.opts()),
        now: ctx.now(),
        seed: seed(ctx),
        ..RenderContext::default()
    }
}

/// Says in `opts` whether the run is a dry one.
fn tell_test(context: &mut RenderContext, test: bool) {
    if let Value::Map(opts) = &mut context.opts {
        opts.insert("test".into(), test.into());
    }
}

/// Returns what random choices start from: the time, which no two runs share.
fn seed(ctx: &JobCtx<'_>) -> u64 {
    ctx.now().as_micros().unsigned_abs()
}

/// Returns the SLS that are asked for; without any, those that the top file names for this minion.
fn wanted(
    request: &ApplyRequest,
    env: &RenderEnv<'_>,
    ctx: &JobCtx<'_>,
) -> Result<compile::Request, CompileErrors> {
    if !request.sls.is_empty() {
        let named = compile::Request::sls(request.sls.iter().cloned());
        return Ok(compile::Request { exclude: request.exclude.clone(), ..named });
    }
    let (grains, pillar) = (ctx.services.grains(), ctx.services.pillar());
    let minion =
        Minion { id: ctx.services.id(), grains: &grains, pillar: &pillar, nodegroups: &BTreeMap::new() };
    let names = top::states(env, &minion).map_err(|e| CompileErrors::from(refusal(&e)))?;
    let names: Vec<String> = names.iter().map(|n| n.as_str().to_owned()).collect();
    let exclude = request.exclude.clone();
    Ok(compile::Request { highstate: true, exclude, ..compile::Request::sls(names) })
}

/// Renders the pillar of this minion out of a pillar tree; the places of its secrets are beside it.
///
/// # Errors
/// When it does not render or merge.
pub fn pillar(sources: &(dyn Sources + Sync), ctx: &JobCtx<'_>) -> Result<Value, CompileErrors> {
    let context = context(ctx);
    let functions = Functions::new(ctx);
    let env = RenderEnv::new(sources, &functions, &context);
    let grains = ctx.services.grains();
    let minion =
        Minion { id: ctx.services.id(), grains: &grains, pillar: &Value::Null, nodegroups: &BTreeMap::new() };
    match pillar::render(&env, &minion) {
        Ok(found) => {
            let mut data = found.data.as_map().cloned().unwrap_or_default();
            pillar::secret::attach(&mut data, &found.secrets);
            Ok(Value::Map(data))
        }
        Err(errors) => {
            let errors: Vec<CompileError> = errors.iter().map(refusal).collect();
            Err(CompileErrors::check(errors).err().unwrap_or_else(|| {
                CompileError::new(ErrorKind::Pillar, &At::default(), "the pillar does not render").into()
            }))
        }
    }
}

/// Keeps the renderer's own text, which shows the offending line.
fn refusal(e: &RenderError) -> CompileError {
    let at = At::new(e.place.file.as_str(), e.place.line, e.place.column);
    let mut error = CompileError::new(ErrorKind::from_word(e.kind.word()), &at, e.message.clone());
    error.rendered = Some(e.to_string());
    error
}
