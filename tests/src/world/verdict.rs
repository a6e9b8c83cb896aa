//! What came of a world: what must hold at its end, whether it became what its class says, and whether every
//! wait ended as the definition has it.

use lab_proto::facts::StepOutcome;
use lab_proto::{Event, Position, Value};
use lab_states::orchestrate::{Engine, RunView};

use super::master::before_all;
use super::oracle::{self, Answer};
use super::story::Class;
use super::{Timestamp, World};

/// What came of a world.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The world is of its class: what the class is about did happen.
    pub of_its_class: bool,
    /// How many waits were met.
    pub met: usize,
    /// How many were not.
    pub unmet: usize,
    /// Where the engine and the definition disagree.
    pub disagreements: Vec<String>,
}

impl World {
    /// Judges a world that has run.
    pub fn verdict(&self) -> Verdict {
        let log = self.master.log();
        self.check_log(&log);
        let run = self.master.run.expect("a run was started");
        let answers = oracle::answers(&log, run, &self.story.questions);
        let mut verdict =
            Verdict { of_its_class: self.of_its_class(&log), met: 0, unmet: 0, disagreements: Vec::new() };
        let engine = &self.engine();
        for answer in &answers {
            let wanted = answer.missing.is_empty();
            let step = Self::step_id(&answer.step);
            let outcome = engine.ended(&step).map(|e| e.outcome);
            let got = outcome == Some(StepOutcome::Unchanged);
            verdict.met += usize::from(got);
            verdict.unmet += usize::from(!got);
            if wanted != got {
                verdict.disagreements.push(format!("{answer:?}, but the engine says {outcome:?}"));
            }
            verdict.disagreements.extend(self.against_explanation(engine, answer));
            verdict.disagreements.extend(self.against_truth(&log, answer, got));
        }
        verdict
    }

    /// Judges a world whose waits begin when they are reached: only the outcomes, since such waits are wrong about
    /// events as well.
    pub fn verdict_as_salt(&self) -> Verdict {
        let log = self.master.log();
        let run = self.master.run.expect("a run was started");
        let engine = &self.engine();
        let mut verdict =
            Verdict { of_its_class: self.of_its_class(&log), met: 0, unmet: 0, disagreements: Vec::new() };
        for answer in oracle::answers(&log, run, &self.story.questions) {
            let got = engine
                .ended(&Self::step_id(&answer.step))
                .is_some_and(|e| e.outcome == StepOutcome::Unchanged);
            verdict.met += usize::from(got);
            verdict.unmet += usize::from(!got);
            if got != answer.missing.is_empty() {
                verdict
                    .disagreements
                    .push(format!("{answer:?}, but the wait was {}", if got { "met" } else { "not met" }));
            }
        }
        verdict
    }

    /// The engine must also name the very events that the definition names.
    fn against_explanation(&self, engine: &Engine, answer: &Answer) -> Option<String> {
        let told = engine.explain(&Self::step_id(&answer.step))?;
        let until = engine.ended(&Self::step_id(&answer.step))?.seen?.seq;
        let met: Vec<(String, u64)> = told
            .ids
            .iter()
            .filter_map(|i| i.met.as_ref().map(|m| (i.id.clone(), m.position.seq)))
            .filter(|(_, seq)| *seq <= until)
            .collect();
        let mut wanted = answer.met.clone();
        wanted.sort();
        (met != wanted).then(|| format!("{}: met by {wanted:?}, but the engine says {met:?}", answer.step))
    }

    /// A host that truly booted after the entry of the step that made it, and whose start reached the log before
    /// the wait gave up, was waited for in vain only if the definition is wrong.
    fn against_truth(&self, log: &[Event], answer: &Answer, got: bool) -> Option<String> {
        let question = self.story.questions.iter().find(|q| q.step == answer.step)?;
        if got || question.tag == "app/done" || self.story.class == Class::DoubleReboot {
            return None;
        }
        let since =
            log.iter().find(|e| e.tag.as_str().ends_with(&format!("/step/{}/entered", question.after[0])))?;
        let ended = log.iter().find(|e| e.tag.as_str().ends_with(&format!("/step/{}/ended", answer.step)))?;
        let until = seen(ended)?;
        let came_back = |id: &str| {
            let host = self.hosts.iter().find(|h| h.id.as_str() == id);
            let boots = host.into_iter().flat_map(|h| &h.boots).filter(|(at, _)| *at > since.stamp);
            boots.into_iter().any(|(_, boot)| {
                log.iter().any(|e| {
                    e.position.seq <= until
                        && e.tag.as_str() == format!("salt/minion/{id}/start")
                        && e.origin.minion().is_some_and(|m| m.boot.id == *boot)
                        && e.data.get("cause").and_then(Value::as_str) == Some("boot")
                })
            })
        };
        let all = answer.missing.iter().all(|id| came_back(id));
        all.then(|| format!("{}: every missing host truly rebooted and said so in time", answer.step))
    }

    /// What must hold of the log whatever happened.
    fn check_log(&self, log: &[Event]) {
        let tail: Vec<u64> = self.master.tail.iter().map(|e| e.position.seq).collect();
        let all: Vec<u64> = log.iter().map(|e| e.position.seq).collect();
        assert!(all.starts_with(&tail), "a tail saw what is not in the log, or not in its order");
        for host in &self.hosts {
            let counters: Vec<u64> = log
                .iter()
                .filter_map(|e| e.origin.minion())
                .filter(|m| m.outbox_id == host.disk.outbox_id)
                .map(|m| m.counter)
                .collect();
            let dense = counters.iter().copied().eq(1..=counters.len() as u64);
            assert!(dense, "events of {} are not 1, 2, 3, … in the log: {counters:?}", host.id);
            assert!(
                host.disk.acked <= counters.len() as u64,
                "{} was told of events that are not there",
                host.id
            );
        }
        self.check_replay();
    }

    /// Returns the engine that ran the run to its end. A master that died with the run's last event durable and
    /// nobody told leaves none; then it is the one that the log makes.
    fn engine(&self) -> Engine {
        self.master.last_engine.clone().unwrap_or_else(|| self.replayed())
    }

    fn replayed(&self) -> Engine {
        let run = self.master.run.expect("a run was started");
        Engine::replay(run, &self.master.tail, &|_| Err("the world has small runs only".into()))
            .expect("a finished run replays")
    }

    /// A replay of what the live engine saw is the same engine, and prints the same.
    fn check_replay(&self) {
        let (live, again) = (self.engine(), self.replayed());
        let run = live.run();
        for step in live.plan().steps() {
            assert_eq!(live.ended(&step.id), again.ended(&step.id), "{} replays differently", step.id);
            assert_eq!(live.jids(&step.id), again.jids(&step.id), "{} has other jids in a replay", step.id);
        }
        assert!(again.outcome().is_some());
        let lines = |upto: usize| {
            let mut view = RunView::new(run);
            self.master.tail[..upto].iter().flat_map(|e| view.apply(e)).collect::<Vec<String>>()
        };
        let half = lines(self.master.tail.len() / 2);
        assert!(
            lines(self.master.tail.len()).starts_with(&half),
            "a replay prints other lines than the live view"
        );
    }

    /// Tells whether what the class is about did happen to an awaited host.
    fn of_its_class(&self, log: &[Event]) -> bool {
        let entered = |step: &str| find(log, step, "entered");
        let ended = |step: &str| find(log, step, "ended");
        let (Some(install), Some(returned), Some(wait)) =
            (entered("install"), ended("install"), entered("wait").or_else(|| ended("wait")))
        else {
            return false;
        };
        let ids = &self.story.questions[0].ids;
        let boots: Vec<&Event> = log
            .iter()
            .filter(|e| ids.iter().any(|id| e.tag.as_str() == format!("salt/minion/{id}/start")))
            .filter(|e| e.data.get("cause").and_then(Value::as_str) == Some("boot"))
            .filter(|e| e.position.seq > install.position.seq)
            .collect();
        let seq = |e: &Event| e.position.seq;
        match self.story.class {
            Class::BeforeReturn => boots.iter().any(|e| seq(e) < seq(returned)),
            Class::Between => boots.iter().any(|e| seq(e) > seq(returned) && seq(e) < seq(wait)),
            Class::After => boots.iter().any(|e| seq(e) > seq(wait)),
            Class::Partitioned => {
                let host = &self.hosts[0];
                let cut =
                    |at: Timestamp| self.cuts.iter().any(|(h, from, to)| *h == 0 && *from <= at && at <= *to);
                host.boots.iter().any(|(at, _)| *at > install.stamp && cut(*at))
            }
            Class::StaleOutbox => {
                let started = before_all(log).map(|p| Position { seq: seq(install), ..p });
                let question = &self.story.questions[0];
                log.iter().any(|e| {
                    let late = Some(e.position).zip(started).is_some_and(|(p, s)| p.seq > s.seq);
                    late && lab_proto::glob::matches(&question.tag, e.tag.as_str())
                        && e.origin
                            .minion()
                            .is_some_and(|m| m.at < install.stamp && question.ids.contains(&m.id.to_string()))
                })
            }
            Class::DoubleReboot => {
                let twice = |id: &String| {
                    boots.iter().filter(|e| e.tag.as_str() == format!("salt/minion/{id}/start")).count() >= 2
                };
                entered("wait2").is_some() && ids.iter().any(twice)
            }
            Class::Nested => {
                let run = self.master.run.expect("a run was started");
                let resumed = format!("lab/run/{run}/resumed");
                let is_end = |e: &&Event| matches!(e.tag.parts().collect::<Vec<_>>()[..], ["lab", "run", of, "ended"] if of != run.to_string());
                let ends: Vec<u64> = log.iter().filter(is_end).map(seq).collect();
                let between = |at: u64| ends.iter().any(|e| *e < at) && ends.iter().any(|e| *e > at);
                log.iter().any(|e| e.tag.as_str() == resumed && between(seq(e)))
            }
            Class::AgentRestart => {
                let restarts = |e: &&Event| {
                    ids.iter().any(|id| e.tag.as_str() == format!("salt/minion/{id}/start"))
                        && e.data.get("cause").and_then(Value::as_str) == Some("agent-restart")
                        && seq(e) > seq(install)
                };
                boots.is_empty() && log.iter().any(|e| restarts(&e))
            }
        }
    }
}

fn find<'a>(log: &'a [Event], step: &str, what: &str) -> Option<&'a Event> {
    log.iter().find(|e| e.tag.as_str().ends_with(&format!("/step/{step}/{what}")))
}

fn seen(ended: &Event) -> Option<u64> {
    ended.data.get("seen").and_then(Value::as_str)?.rsplit_once(':')?.1.parse().ok()
}
