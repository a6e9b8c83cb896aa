//! Drives a [`StateRun`] to its end on the thread of the caller.

use std::sync::mpsc;
use std::thread;

use lab_proto::StateReturn;

use super::{Answer, Effect, StateRun, Token, Work, guard, slots};
use crate::function::{JobCtx, Progress, StateCall, Verdict};

/// The most `parallel: True` states that run at the same time; more wait for one to end.
const MOST_PARALLEL: usize = 16;

/// Runs all states of a run and returns their results. States that say `parallel` get a thread each, at most
/// sixteen at a time; none outlives the call. Ends early, with the results so far, when the job is cancelled.
pub fn drive(mut run: StateRun<'_>, ctx: &JobCtx<'_>) -> Vec<StateReturn> {
    drive_on(&mut run, ctx);
    run.report()
}

/// As [`drive()`], for who has a use for the run afterwards.
pub fn drive_on(run: &mut StateRun<'_>, ctx: &JobCtx<'_>) {
    thread::scope(|scope| {
        let (sender, answers) = mpsc::channel::<(Token, Answer)>();
        let mut busy = 0;
        loop {
            if ctx.cancelled() {
                run.cancel();
            }
            run.handle_timeout(ctx.now());
            while let Some(effect) = run.poll_effect(ctx.now()) {
                match effect {
                    Effect::Work { token, parallel: true, work } => {
                        if busy == MOST_PARALLEL
                            && let Ok((done, answer)) = answers.recv()
                        {
                            busy -= 1;
                            run.handle(done, answer, ctx.now());
                        }
                        busy += 1;
                        let (sender, ctx) = (sender.clone(), *ctx);
                        scope.spawn(move || {
                            // The receiver outlives all workers: it is dropped after the scope has joined them.
                            let _ = sender.send((token, perform(&work, &ctx)));
                        });
                    }
                    Effect::Work { token, work, .. } => {
                        let answer = perform(&work, ctx);
                        run.handle(token, answer, ctx.now());
                    }
                    other => tell(other, run, ctx),
                }
                if ctx.cancelled() {
                    run.cancel();
                }
            }
            if busy > 0 {
                if let Ok((token, answer)) = answers.recv() {
                    busy -= 1;
                    run.handle(token, answer, ctx.now());
                }
            } else if let Some(at) = run.poll_timeout() {
                ctx.host.sleep(at.since(ctx.now()), ctx);
                if ctx.cancelled() {
                    run.cancel();
                }
                // A clock that was set back must not make the pause longer than was asked for.
                run.handle_timeout(at.max(ctx.now()));
            } else {
                break;
            }
        }
    });
}

/// Does one piece of work.
pub fn perform(work: &Work, ctx: &JobCtx<'_>) -> Answer {
    // Network states are applied as a group: they plan by what was there before the first work of the run.
    if !matches!(work, Work::Group(_)) {
        ctx.host.net_forget();
    }
    match work {
        Work::Guard { options, args } => Answer::Guard(guard::before(options, args, ctx)),
        Work::CheckCmd(commands) => Answer::CheckCmd(guard::after(commands, ctx)),
        Work::Run(call) => Answer::Verdict(Box::new(discreet(run(call, ctx), call, ctx))),
        Work::Watch(call) => Answer::Verdict(Box::new(discreet(fire(call, ctx), call, ctx))),
        Work::Group(calls) => {
            let verdicts = together(calls, ctx).into_iter();
            Answer::Group(verdicts.zip(calls).map(|(v, call)| discreet(v, call, ctx)).collect())
        }
    }
}

/// Withholds what a state that used a secret would tell of it.
pub(crate) fn discreet(mut verdict: Verdict, call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
    if !ctx.secrets.is_empty() {
        verdict.changes = ctx.secrets.changes(&call.args, &verdict.changes);
        verdict.comment = ctx.secrets.text(&verdict.comment);
    }
    verdict
}

fn run(call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
    match ctx.registry.state(&call.function) {
        Ok(function) => slots::with(call, ctx, |call| masked(call, ctx, || function.run(call, ctx))),
        Err(unknown) => Verdict::failed(unknown.to_string()),
    }
}

/// Does something under the umask that a state asks for.
fn masked(call: &StateCall, ctx: &JobCtx<'_>, work: impl FnOnce() -> Verdict) -> Verdict {
    let digits = call.arg("umask").and_then(crate::function::scalar_text);
    let Some(umask) = digits.and_then(|d| u32::from_str_radix(d.trim(), 8).ok()) else { return work() };
    ctx.host.mask(Some(umask));
    let verdict = work();
    ctx.host.mask(None);
    verdict
}

fn fire(call: &StateCall, ctx: &JobCtx<'_>) -> Verdict {
    match ctx.registry.state(&call.function) {
        Ok(function) => match function.watch() {
            Some(watch) => slots::with(call, ctx, |call| masked(call, ctx, || watch.fire(call, ctx))),
            None => Verdict::failed(format!("{} has no watch action", call.function)),
        },
        Err(unknown) => Verdict::failed(unknown.to_string()),
    }
}

fn together(calls: &[StateCall], ctx: &JobCtx<'_>) -> Vec<Verdict> {
    let Some(first) = calls.first() else { return Vec::new() };
    let function = ctx.registry.state(&first.function).ok();
    match function.as_ref().and_then(|f| f.group()) {
        Some(group) => group.run(calls, ctx),
        None => calls.iter().map(|call| run(call, ctx)).collect(),
    }
}

fn tell(effect: Effect, run: &StateRun<'_>, ctx: &JobCtx<'_>) {
    match effect {
        Effect::Started { run_num, node } => {
            if let Some(chunk) = run.chunk(node).filter(|_| ctx.control.listens()) {
                ctx.control.progress(Progress::StateStarted {
                    run_num,
                    id: chunk.id.to_string(),
                    state: chunk.function(),
                    name: chunk.name.to_string(),
                });
            }
        }
        Effect::Done(row) => {
            if let Some(result) = run.result(row).filter(|_| ctx.control.listens()) {
                ctx.control.progress(Progress::StateDone(Box::new(result.clone())));
            }
        }
        Effect::Emit { tag, row } => {
            let Some(result) = run.result(row) else { return };
            if let Err(error) = ctx.services.emit_result(&tag, result) {
                ctx.say(format!("the event of state {} was not sent: {error}", result.id));
            }
        }
        Effect::Refresh(what) => {
            if let Err(error) = ctx.services.refresh(what) {
                ctx.say(format!("grains, pillar or functions were not read again: {error}"));
            }
        }
        Effect::Work { .. } => {}
    }
}
