//! The demo: a master and two namespaced hosts, `lab-master orchestrate kubic`, and the reboots in the worst order.
//!
//! Everything that it shows is real: the binaries, the hosts' reboots, the log. It arranges one thing, and says so: its
//! copy of the example lets `cplane` wait at the beginning of its installation until `worker` has rebooted and come back.

mod story;
mod summary;
mod talk;

use std::process::ExitCode;

use crate::kubic::{KubicBuilder, KubicError, KubicLab, Stop};
use crate::nshost::{Traces, find_helper, requirements};
use story::Told;
use talk::Talk;

/// Runs the Kubic orchestration on two hosts of namespaces that reboot in the worst order.
#[derive(clap::Parser, Debug)]
#[command(name = "lab-demo", version, max_term_width = 110)]
pub struct Args {
    /// Leave the lab up at the end and print commands to play with
    #[arg(long)]
    keep: bool,
    /// Do not show the event stream beside the orchestration
    #[arg(long)]
    no_events: bool,
}

/// Exit code of a demo that was interrupted, as a shell has it for SIGINT.
const INTERRUPTED: u8 = 130;

/// Runs the demo; returns 0 when the orchestration did everything that it should, and nothing was left behind.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let talk = Talk::new(!args.no_events);
    let stop = Stop::default();
    if let Err(error) = stop_on_signals(stop.clone()) {
        talk.problem(&format!("cannot listen for Ctrl-C: {error}"));
        return ExitCode::FAILURE;
    }
    if let Some(lacking) = lacking() {
        talk.problem(&lacking);
        return ExitCode::FAILURE;
    }
    talk.introduce(nix::unistd::geteuid().is_root());
    let builder = KubicLab::builder().stop(stop.clone());
    match show(args, builder, &talk) {
        Ok(code) => ExitCode::from(code),
        Err(_) if stop.is_stopped() => {
            talk.say("interrupted; everything that was made is taken down");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            talk.problem(&chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn show(args: &Args, builder: KubicBuilder, talk: &Talk) -> Result<u8, KubicError> {
    let watching = talk.clone();
    let lab = builder.hold_install(story::LATE).watch(move |event| watching.event(event)).start()?;
    let traces = lab.traces()?;
    let told = story::tell(&lab, talk);
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            drop(lab);
            look_around(&traces, talk);
            return Err(error);
        }
    };
    let Told { code, events, run } = told;
    let as_promised = summary::print(&events, run, talk);
    let code = if code == 0 && !as_promised { 1 } else { code };
    if args.keep {
        let (kept, script) = lab.keep()?;
        talk.kept(&kept, &script, run);
        return Ok(code);
    }
    talk.further();
    drop(lab);
    Ok(if look_around(&traces, talk) { code } else { 1 })
}

/// Looks for what the lab may have left; tells whether there is nothing.
fn look_around(traces: &Traces, talk: &Talk) -> bool {
    let left = traces.leftovers();
    if left.is_empty() {
        talk.say("taken down: no process, namespace, mount, link or file of the lab is left");
    }
    for line in &left {
        talk.problem(&format!("left behind: {line}"));
    }
    left.is_empty()
}

fn lacking() -> Option<String> {
    let helper = match find_helper() {
        Ok(helper) => helper,
        Err(error) => return Some(error.to_string()),
    };
    let missing = requirements(&helper);
    let lines: Vec<String> = missing.iter().map(ToString::to_string).collect();
    (!lines.is_empty()).then(|| format!("this machine lacks {}", lines.join("; ")))
}

/// Watches for SIGINT, SIGTERM and SIGHUP on a thread of its own. The lab is taken down by its owner, not here.
fn stop_on_signals(stop: Stop) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut int, mut term, mut hup) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
                _ = hup.recv() => {}
            }
        });
        stop.stop();
    });
    Ok(())
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) if !error.to_string().contains(&source.to_string()) => {
            format!("{error}: {}", chain(source))
        }
        _ => error.to_string(),
    }
}
