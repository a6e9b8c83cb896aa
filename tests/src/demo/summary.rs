//! The summary at the end, read from the log and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_proto::facts::{Fact, MinionReboot, StepEnded, StepEntered, StepMet};
use lab_proto::{Event, RunId};

use super::story::LATE;
use super::talk::Talk;
use crate::kubic::{CPLANE, EventExt, WORKER};

/// The wait of the orchestration.
const WAIT: &str = "wait_for_reboots";
/// The step in which the hosts reboot.
const INSTALL: &str = "install_nodes";

/// What the log says of a run.
#[derive(Default)]
struct Story {
    entered: BTreeMap<String, (u64, StepEntered)>,
    ended: Vec<(u64, StepEnded)>,
    met: Vec<StepMet>,
    reboots: Vec<(u64, MinionReboot)>,
    late_returned: Option<u64>,
    total: Option<Duration>,
}

/// Prints the summary; tells whether the run was the race that the demo is about, and won it.
pub(super) fn print(events: &[Event], run: RunId, talk: &Talk) -> bool {
    let story = read(events, run);
    talk.plain("\nSummary, from the event log");
    talk.plain(&format!("  {} events; the run took {}", events.len(), span(story.total.unwrap_or_default())));
    talk.plain("  steps");
    for (seq, ended) in &story.ended {
        let entered = story.entered.get(ended.step.as_str()).map_or(0, |(seq, _)| *seq);
        let took = span(Duration::from_micros(ended.duration_micros));
        let step = ended.step.as_str();
        talk.plain(&format!("    {step:22} {:10} {took:>8}  events {entered}–{seq}", ended.outcome.as_str()));
    }
    talk.plain("  reboots");
    for (seq, reboot) in &story.reboots {
        let asked = if reboot.requested_by.is_some() { "asked for by its job" } else { "not asked for" };
        let name = name(reboot.id.as_str());
        talk.plain(&format!("    event {seq:>4}  {name:8} boot {} → {}, {asked}", reboot.old, reboot.new));
    }
    race(&story, talk)
}

/// Says how the wait was met, and checks that it was the worst order.
fn race(story: &Story, talk: &Talk) -> bool {
    let entered = |step: &str| story.entered.get(step).map(|(seq, _)| *seq);
    let (Some(wait), Some(install)) = (entered(WAIT), entered(INSTALL)) else {
        talk.plain(&format!("  the run did not get as far as {WAIT}"));
        return false;
    };
    let early = story.met.iter().find(|met| met.id == WORKER.id).map(|met| met.by.seq);
    talk.plain("  the wait");
    talk.plain(&format!("    {INSTALL} was entered at {install}; {WAIT} was entered at {wait} and asks for boots since {install}"));
    for met in &story.met {
        let order = if met.by.seq < wait {
            "before the wait was entered, and counted"
        } else {
            "after the wait was entered"
        };
        talk.plain(&format!("    {:8} booted at {}: {order}", name(&met.id), met.by.seq));
    }
    let worst = early.zip(story.late_returned).is_some_and(|(early, late)| early < late && late < wait);
    if worst {
        talk.plain(&format!(
            "    worker was back at {} before {} returned from its step at {}: a subscription begun at {wait} misses it",
            early.unwrap_or_default(),
            LATE.host,
            story.late_returned.unwrap_or_default()
        ));
    } else {
        talk.plain("    this was not the worst order: worker's reboot did not come before cplane's return");
    }
    worst
}

fn read(events: &[Event], run: RunId) -> Story {
    let mut story = Story::default();
    let mut started = None;
    let mut install = None;
    for event in events {
        let seq = event.seq();
        match event.fact() {
            Some(Fact::RunStarted(fact)) if fact.run == run => started = Some(event.stamp),
            Some(Fact::RunEnded(fact)) if fact.run == run => {
                story.total = started.map(|at| event.stamp.since(at));
            }
            Some(Fact::StepEntered(fact)) if fact.run == run => {
                if fact.step.as_str() == INSTALL {
                    install = fact.jid;
                }
                story.entered.entry(fact.step.to_string()).or_insert((seq, fact));
            }
            Some(Fact::StepEnded(fact)) if fact.run == run => story.ended.push((seq, fact)),
            Some(Fact::StepMet(fact)) if fact.run == run => story.met.push(fact),
            Some(Fact::JobReturn(back)) if Some(back.jid) == install && back.id.as_str() == LATE.id => {
                story.late_returned = Some(seq);
            }
            Some(Fact::MinionReboot(fact)) if started.is_some() => story.reboots.push((seq, fact)),
            _ => {}
        }
    }
    story
}

fn name(id: &str) -> &str {
    [CPLANE, WORKER].into_iter().find(|node| node.id == id).map_or(id, |node| node.host)
}

fn span(duration: Duration) -> String {
    format!("{}.{:02} s", duration.as_secs(), duration.subsec_millis() / 10)
}
