//! Gathers findings over all minions: what is the same for several of them is told once, what the file itself allows
//! is left out.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::lints;
use super::network::Facts;
use super::silence::Silence;
use super::{Finding, Input, Level, Report};
use crate::compile::CompileError;
use crate::low::At;
use crate::orchestrate::PlanError;
use crate::pillar::secret;
use crate::redact::Secrets;
use crate::render::{Place, RenderError, Sources, first_column};
use crate::run::Problem;

pub(super) struct Collector<'a> {
    input: &'a Input<'a>,
    /// The secrets of all pillars that were rendered.
    pub(super) secrets: Secrets,
    found: IndexMap<(Level, String, bool, Place, String), Finding>,
    /// Network states of all minions, for what only shows between them.
    pub(super) facts: Vec<Facts>,
    pub(super) sls: BTreeSet<String>,
    pub(super) orchestrations: usize,
    /// SLS that turned out to be orchestrations.
    pub(super) plans: BTreeSet<String>,
    /// The SLS of each minion's highstate.
    pub(super) held: BTreeMap<String, BTreeSet<String>>,
    /// Includes, and whether one of them brings anything for some minion.
    includes: IndexMap<String, (At, String, bool)>,
    /// How many minions an SLS that no highstate holds failed for, by what it failed with.
    pub(super) unheld: BTreeMap<String, Vec<(Finding, String)>>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        Self {
            input,
            secrets: Secrets::new(),
            found: IndexMap::new(),
            facts: Vec::new(),
            sls: BTreeSet::new(),
            orchestrations: 0,
            plans: BTreeSet::new(),
            held: BTreeMap::new(),
            includes: IndexMap::new(),
            unheld: BTreeMap::new(),
        }
    }

    /// Adds a finding for a minion; for none with an empty id.
    pub(super) fn add(&mut self, finding: Finding, minion: &str) {
        let key = (
            finding.level,
            finding.code.clone(),
            finding.pillar,
            finding.place.clone(),
            finding.message.clone(),
        );
        let known = self.found.entry(key).or_insert(finding);
        if !minion.is_empty() && !known.minions.iter().any(|m| m == minion) {
            known.minions.push(minion.to_owned());
        }
    }

    /// Adds a lint with a place in the state tree.
    pub(super) fn lint(&mut self, id: &str, at: &At, message: String, remedy: &str, minion: &str) {
        debug_assert!(lints::find(id).is_some(), "{id} is not in the table of lints");
        let mut finding = made(Level::Lint, id, place(at), message);
        finding.remedy = Some(remedy.to_owned());
        finding.line = line_of(self.input.states, &mut finding.place);
        self.add(finding, minion);
    }

    /// Adds a lint that was found in a text.
    #[expect(clippy::too_many_arguments, reason = "a finding has that many parts")]
    pub(super) fn lint_text(
        &mut self,
        id: &str,
        file: &str,
        line: u32,
        column: u32,
        text: &str,
        message: String,
        remedy: String,
        pillar: bool,
    ) {
        let place = Place { file: file.to_owned(), line, column };
        let mut finding = Finding { pillar, ..made(Level::Lint, id, place, message) };
        finding.line = Some(text.trim_end().to_owned());
        finding.remedy = Some(remedy);
        self.add(finding, "");
    }

    /// Tells whether an SLS is in the highstate of some minion.
    pub(super) fn is_held(&mut self, input: &Input<'_>, sls: &str) -> bool {
        for subject in input.minions {
            if !self.held.contains_key(&subject.id) {
                let held = super::states::held_by(input, subject);
                self.held.insert(subject.id.clone(), held);
            }
        }
        self.held.values().any(|held| held.contains(sls))
    }

    /// Notes whether an include brings anything for one minion.
    pub(super) fn note_include(&mut self, at: &At, name: &str, brings: bool) {
        let entry =
            self.includes.entry(at.to_string()).or_insert_with(|| (at.clone(), name.to_owned(), false));
        entry.2 |= brings;
    }

    pub(super) fn finish(mut self) -> Report {
        for (_, (at, name, brings)) in std::mem::take(&mut self.includes) {
            if !brings {
                let message = format!("the included SLS {name} declares nothing");
                self.lint("unused-include", &at, message, "take the line out", "");
            }
        }
        lints::unquoted_macs(self.input.states, false, &mut self);
        if let Some(pillar) = self.input.pillar {
            lints::unquoted_macs(pillar, true, &mut self);
        }
        for (minions, finding) in self.take_unheld() {
            for minion in minions {
                self.add(finding.clone(), &minion);
            }
        }
        let mut silence = Silence::new(self.input);
        let mut findings: Vec<Finding> =
            self.found.into_values().filter(|f| f.level == Level::Error || !silence.covers(f)).collect();
        for finding in &mut findings {
            hide(finding, &self.secrets);
        }
        findings.sort_by(|a, b| {
            let key =
                |f: &'_ Finding| (f.place.file.is_empty(), !f.pillar, f.place.file.clone(), f.place.line);
            let rest = |f: &Finding| (f.place.column, f.level);
            key(a).cmp(&key(b)).then_with(|| rest(a).cmp(&rest(b)))
        });
        Report {
            findings,
            sls: self.sls.len(),
            orchestrations: self.orchestrations,
            minions: self.input.minions.len(),
        }
    }

    /// An SLS that no highstate holds may be meant for some minions only: what depends on a minion's data counts when
    /// it is wrong for every one.
    fn take_unheld(&mut self) -> Vec<(Vec<String>, Finding)> {
        let all = self.input.minions.len();
        let mut out = Vec::new();
        for (_, failed) in std::mem::take(&mut self.unheld) {
            let minions: Vec<String> = failed.iter().map(|(_, m)| m.clone()).collect();
            let Some((first, _)) = failed.into_iter().next() else { continue };
            let level = if minions.len() >= all { first.level } else { Level::Note };
            out.push((minions, Finding { level, ..first }));
        }
        out
    }
}

/// Takes the secrets of the pillars out of a finding.
fn hide(finding: &mut Finding, secrets: &Secrets) {
    finding.message = secrets.text(&finding.message);
    if let Some(remedy) = &mut finding.remedy {
        *remedy = secrets.text(remedy);
    }
    if let Some(line) = &mut finding.line {
        *line = secrets.text(&if finding.pillar { secret::hide(line) } else { line.clone() });
    }
}

fn made(level: Level, code: &str, place: Place, message: String) -> Finding {
    Finding {
        level,
        code: code.to_owned(),
        pillar: false,
        place,
        message,
        line: None,
        trace: Vec::new(),
        remedy: None,
        minions: Vec::new(),
    }
}

/// Makes a note.
pub(super) fn note(code: &str, place: Place, message: String) -> Finding {
    made(Level::Note, code, place, message)
}

/// Makes an error.
pub(super) fn error(code: &str, place: Place, message: String) -> Finding {
    made(Level::Error, code, place, message)
}

pub(super) fn place(at: &At) -> Place {
    Place { file: at.file.to_string(), line: at.line, column: at.column }
}

/// Reads the line of a place; a place that knows no column gets that of the line's text.
pub(super) fn line_of(sources: &dyn Sources, place: &mut Place) -> Option<String> {
    let bytes = sources.read(&place.file).ok().flatten()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().nth((place.line as usize).checked_sub(1)?)?.trim_end().to_owned();
    if place.column == 0 {
        place.column = first_column(&line);
    }
    Some(line)
}

impl From<&RenderError> for Finding {
    fn from(e: &RenderError) -> Self {
        Self {
            line: e.source_line.as_deref().map(str::to_owned),
            trace: e.trace.to_vec(),
            remedy: e.suggestion.clone(),
            ..made(Level::Error, e.kind.word(), e.place.clone(), e.message.clone())
        }
    }
}

impl From<&CompileError> for Finding {
    fn from(e: &CompileError) -> Self {
        if let Some(cause) = &e.cause {
            return Self { code: e.kind.word().to_owned(), ..Self::from(&**cause) };
        }
        Self {
            line: e.line.as_deref().map(str::to_owned),
            remedy: e.remedy.clone(),
            ..made(Level::Error, e.kind.word(), place(&e.at), e.message.clone())
        }
    }
}

impl From<&Problem> for Finding {
    fn from(p: &Problem) -> Self {
        let level = if lints::find(p.code).is_some() { Level::Lint } else { Level::Error };
        Self {
            line: p.line.clone(),
            remedy: p.remedy.clone(),
            ..made(level, p.code, place(&p.at), p.message.clone())
        }
    }
}

impl From<&PlanError> for Finding {
    fn from(e: &PlanError) -> Self {
        let mut parts = e.place.rsplitn(3, ':').collect::<Vec<_>>();
        parts.reverse();
        let number = |i: usize| parts.get(i).and_then(|n| n.parse().ok()).unwrap_or(0);
        let place = Place {
            file: parts.first().copied().unwrap_or_default().to_owned(),
            line: number(1),
            column: number(2),
        };
        let message = format!("step {}: {}", e.id, e.what);
        made(Level::Error, "orchestration", place, message)
    }
}
