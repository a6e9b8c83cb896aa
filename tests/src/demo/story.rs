//! What happens in the demo: the orchestration runs, the worker reboots and comes back, and only then does the control
//! plane's installation go on.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use lab_proto::facts::Fact;
use lab_proto::{Event, RunId};

use super::talk::Talk;
use crate::kubic::{CPLANE, EventExt, KubicError, KubicLab, LIMIT, Node, WORKER, run_ended};

/// The node whose installation waits.
pub(super) const LATE: Node = CPLANE;
/// The node that reboots at once.
const EARLY: Node = WORKER;
/// How long the whole orchestration may take.
const RUN_LIMIT: Duration = Duration::from_secs(300);

/// What came of it.
pub(super) struct Told {
    /// The exit code of `lab-master orchestrate`.
    pub(super) code: u8,
    /// The run.
    pub(super) run: RunId,
    /// The log from its beginning to the end of the run.
    pub(super) events: Vec<Event>,
}

pub(super) fn tell(lab: &KubicLab, talk: &Talk) -> Result<Told, KubicError> {
    talk.say("both hosts are enrolled with a token each, and ready");
    talk.say("lab-master orchestrate kubic");
    talk.say("the worst order for a wait: in this demo's copy of kubic.node, cplane does not go on with its installation");
    talk.say("before worker has rebooted and is back. Subscribing when the wait is reached would be too late by then.");
    let before = lab.tail().head();
    let mut orchestrate = orchestrate(lab, talk)?;
    let back = back_or_ended(lab, before);
    if let Ok(event) = &back
        && run_ended(event).is_none()
    {
        talk.say(&format!(
            "worker is back (event {}); cplane has not even finished its step: it goes on now",
            event.seq()
        ));
        lab.let_go(&LATE)?;
    }
    let ended = back.and_then(|_| {
        lab.tail().wait_after(before, "the end of the run", RUN_LIMIT, |e| run_ended(e).is_some())
    });
    if ended.is_err() {
        // Its output threads end with it.
        let _ = orchestrate.kill();
    }
    let status = orchestrate.wait();
    let run = run_ended(&ended?).map(|fact| fact.run).ok_or(KubicError::Interrupted)?;
    let code = status.ok().and_then(|s| s.code()).and_then(|c| u8::try_from(c).ok()).unwrap_or(1);
    Ok(Told { code, run, events: lab.tail().events() })
}

/// Waits until the early node is ready in a new boot, or the run has ended without that.
fn back_or_ended(lab: &KubicLab, before: u64) -> Result<Event, KubicError> {
    let mut rebooted = None;
    loop {
        let after = rebooted.as_ref().map_or(before, EventExt::seq);
        let event =
            lab.tail().wait_after(after, "worker to reboot and come back", LIMIT, |e| match e.fact() {
                Some(Fact::RunEnded(_)) => true,
                Some(Fact::MinionReboot(reboot)) => rebooted.is_none() && reboot.id.as_str() == EARLY.id,
                Some(Fact::MinionReady(ready)) => rebooted.is_some() && ready.id.as_str() == EARLY.id,
                _ => false,
            })?;
        match event.fact() {
            Some(Fact::MinionReboot(_)) => rebooted = Some(event),
            _ => return Ok(event),
        }
    }
}

fn orchestrate(lab: &KubicLab, talk: &Talk) -> Result<Child, KubicError> {
    let mut command = lab.command();
    command.args(["orchestrate", "kubic"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|source| KubicError::Os { doing: "run lab-master orchestrate".to_owned(), source })?;
    if let Some(out) = child.stdout.take() {
        pass_on(out, talk.clone());
    }
    if let Some(err) = child.stderr.take() {
        pass_on(err, talk.clone());
    }
    Ok(child)
}

/// Prints what a process says, line by line, until it closes.
fn pass_on(from: impl Read + Send + 'static, talk: Talk) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            talk.orchestration(&line);
        }
    });
}
