//! What the row of a state says: of one that ran, of one that did not and why, and of mistakes that only the run finds.

use lab_proto::{Map, StateOutcome, StateReturn, Timestamp};

use super::{Effect, Part, Problem, StateRun, listen, problem};
use crate::function::{Verdict, VerdictKind};
use crate::low::{LowChunk, Reference, Requisite};
use crate::schedule::Reason;

impl StateRun<'_> {
    pub(super) fn settle(&mut self, node: usize, reason: &Reason, now: Timestamp) {
        let row = self.reserve(node);
        let name = |n: &usize| format!("{}.{}", self.chunks[*n].sls, self.chunks[*n].id);
        let (verdict, word) = match reason {
            Reason::Missing => (Verdict::failed(self.lost_text(node)), Some("requisite_missing")),
            Reason::RequisiteFailed(failed) => {
                let names: Vec<String> = failed.iter().map(name).collect();
                let text = format!("One or more requisite failed: {}", names.join(", "));
                (Verdict::failed(text), Some("requisite_failed"))
            }
            Reason::Recursive(cycle) => {
                let text = self.cycle_problem(node, cycle);
                (Verdict::failed(text), Some("recursive"))
            }
            Reason::Halted => {
                let text = "Not run: a failure ended the run while this state waited for another";
                // Salt has no word for it and calls it recursive.
                (Verdict::failed(text), Some("recursive"))
            }
            Reason::Onchanges => {
                let text = "State was not run because none of the onchanges reqs changed";
                (Verdict::unchanged(text), Some("onchanges"))
            }
            Reason::Onfail => {
                (Verdict::unchanged("State was not run because onfail req did not change"), Some("onfail"))
            }
            Reason::Prereq => (Verdict::unchanged("No changes detected"), Some("prereq")),
            Reason::RehearsalStands(by) => {
                let mut found =
                    self.rehearsed.get(by).cloned().unwrap_or_else(|| {
                        Verdict::failed("the state that has this one as its prereq failed")
                    });
                found.changes.clear();
                (found, None)
            }
        };
        let result = self.row(node, row, verdict, word, now);
        self.publish(node, row, result);
    }

    pub(super) fn row(
        &self,
        node: usize,
        row: usize,
        verdict: Verdict,
        reason: Option<&'static str>,
        started: Timestamp,
    ) -> StateReturn {
        let chunk = &self.chunks[node];
        let reason = reason.or(verdict.skipped);
        let outcome = match verdict.kind {
            VerdictKind::Failed => StateOutcome::Failed,
            VerdictKind::WouldChange => StateOutcome::WouldChange,
            VerdictKind::Ok if reason.is_some() => StateOutcome::Skipped,
            VerdictKind::Ok => StateOutcome::Ok,
        };
        let mut comment = verdict.comment;
        if let Some(argument) = &verdict.argument {
            let name = argument.split('.').next().unwrap_or(argument);
            let part = Part::Value(name.to_owned());
            let (what, remedy) = match comment.split_once("\n  ") {
                Some((what, remedy)) => (what.to_owned(), remedy.to_owned()),
                None => (comment, format!("`lab-master doc {}` describes it", chunk.function())),
            };
            comment = self.told(node, &Problem::new("bad-argument", part, chunk, what).remedy(remedy));
        }
        let own = self.traits[node].warnings.iter().map(|w| self.told(node, w));
        for warning in verdict.warnings.into_iter().chain(own) {
            comment.push_str(&format!("\nwarning: {warning}"));
        }
        StateReturn {
            id: chunk.id.as_str().to_owned(),
            state: if node < self.first_listener {
                chunk.function()
            } else {
                format!("{}.mod_watch", chunk.state)
            },
            name: verdict.name.unwrap_or_else(|| chunk.name.as_str().to_owned()),
            sls: (*chunk.sls).to_owned(),
            outcome,
            reason: reason.map(str::to_owned),
            changes: verdict.changes,
            comment,
            run_num: number(row),
            started,
            duration_micros: 0,
        }
    }

    /// A `listen` that names nothing is a failed row at the very end.
    pub(super) fn report_lost_listeners(&mut self, now: Timestamp) {
        for listen::Lost { kind, value } in std::mem::take(&mut self.lost_listeners) {
            let result = StateReturn {
                id: format!("listen_{value}"),
                state: "Listen_Error.Listen_Error".to_owned(),
                name: format!("listen_{kind}:{value}"),
                sls: String::new(),
                outcome: StateOutcome::Failed,
                reason: None,
                changes: Map::new(),
                comment: format!("Referenced state {kind}: {value} does not exist"),
                run_num: number(self.rows.len()),
                started: now,
                duration_micros: 0,
            };
            self.effects.push_back(Effect::Done(self.rows.len()));
            self.rows.push(Some(result));
        }
    }

    fn lost_text(&self, node: usize) -> String {
        let mut text = "The following requisites were not found:".to_owned();
        for problem in self.lost_problems(node) {
            text.push_str(&format!("\n{}", self.told(node, &problem)));
        }
        text
    }

    fn lost_problems(&self, node: usize) -> Vec<Problem> {
        let chunk = &self.chunks[node];
        let describe = |(requisite, reference): &(Requisite, Reference)| {
            problem::lost(&self.chunks, chunk, *requisite, reference)
        };
        self.lost[node].iter().map(describe).collect()
    }

    /// Tells a cycle in full, at the requisite by which a state of it waits for the next.
    fn cycle_problem(&self, node: usize, cycle: &[usize]) -> String {
        let chunk = &self.chunks[node];
        let message = format!("Recursive requisite found: {}", cycle_text(&self.chunks, cycle));
        let in_cycle = |r: &Reference| {
            cycle.iter().map(|n| &self.chunks[*n]).any(|c| c.id == r.value || c.name == r.value)
        };
        let mut references = chunk.requisites.iter().flat_map(|(q, list)| list.iter().map(move |r| (*q, r)));
        let part = match references.find(|(_, r)| in_cycle(r)) {
            Some((requisite, reference)) => Part::Reference(requisite, reference.clone()),
            None => Part::Function,
        };
        let problem = Problem::new("recursive-requisite", part, chunk, message);
        self.told(node, &problem.remedy("take one of these requisites out"))
    }

    /// Lays out a problem of a state.
    pub(super) fn told(&self, node: usize, problem: &Problem) -> String {
        match self.places {
            Some(places) => problem.clone().placed(&self.chunks[node], places).to_string(),
            None => problem.to_string(),
        }
    }
}

/// Names the states of a cycle in full, the first one again at the end.
pub(crate) fn cycle_text(chunks: &[LowChunk], cycle: &[usize]) -> String {
    let name = |n: &usize| {
        let chunk = &chunks[*n];
        let at = if chunk.at.file.is_empty() { String::new() } else { format!(" ({})", chunk.at) };
        format!("{}: {}{at}", chunk.state, chunk.id)
    };
    cycle.iter().chain(cycle.first()).map(name).collect::<Vec<_>>().join(" -> ")
}

pub(super) fn number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}
