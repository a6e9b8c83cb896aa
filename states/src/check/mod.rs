//! Checks a lab's files without a machine: compiles every SLS, the top file, the pillar and every orchestration for
//! given minions, and looks for what compiles but is hardly meant.
//!
//! Nothing is executed. Functions that templates call answer when they need no machine (grains, pillar, data); a call
//! that would touch one is answered with nothing ([`functions`]), noted, and mistakes in that file that may come of it
//! count as notes. Called by `lab-master check`.

mod collector;
mod functions;
pub mod lints;
mod network;
mod orchestrations;
mod silence;
mod states;
mod values;

use std::collections::BTreeMap;

use lab_proto::Value;

use crate::function::Registry;
use crate::render::{Place, Sources, excerpt};
use collector::Collector;

/// What is checked.
pub struct Input<'a> {
    /// The state tree.
    pub states: &'a dyn Sources,
    /// The pillar tree.
    pub pillar: Option<&'a dyn Sources>,
    /// For whom; at least one.
    pub minions: &'a [Subject],
    /// Named groups of the master's configuration.
    pub node_groups: &'a BTreeMap<String, String>,
    /// All functions, the tree's own modules included.
    pub registry: &'a Registry,
}

/// A minion that the tree is checked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// Its grains, as they were last seen or as they were given.
    pub grains: Value,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// It does not compile, or fails when it runs.
    Error,
    /// It compiles, and is hardly what was meant.
    Lint,
    /// Something could not be checked, or is worth knowing.
    Note,
}

impl Level {
    /// Returns the word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Lint => "lint",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What kind of thing: the kind of an error, or the id of a lint.
    pub code: String,
    /// Whether the files are those of the pillar tree.
    pub pillar: bool,
    /// Where.
    pub place: Place,
    /// What, as a lower-case fragment.
    pub message: String,
    /// The line.
    pub line: Option<String>,
    /// The places that imported, included or called, innermost first.
    pub trace: Vec<Place>,
    /// What to do.
    pub remedy: Option<String>,
    /// For which minions; empty for orchestrations.
    pub minions: Vec<String>,
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found, by place.
    pub findings: Vec<Finding>,
    /// How many SLS were compiled.
    pub sls: usize,
    /// How many orchestrations were compiled.
    pub orchestrations: usize,
    /// How many minions there are.
    pub minions: usize,
}

impl Report {
    /// Counts the findings of a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|f| f.level == level).count()
    }
}

impl Finding {
    /// Lays the finding out for people; `all` is the number of minions, since what is for all need not name them.
    pub fn text(&self, all: usize) -> String {
        let place = if self.place.file.is_empty() { String::new() } else { format!("{}: ", self.place) };
        let mut out = format!("{place}{}: {} [{}]", self.level.word(), self.message, self.code);
        if let Some(line) = &self.line {
            out.push_str(&excerpt(line, self.place.line, self.place.column));
        }
        for place in &self.trace {
            out.push_str(&format!("\n  from {place}"));
        }
        if let Some(remedy) = &self.remedy {
            out.push_str(&format!("\n  {remedy}"));
        }
        if !self.minions.is_empty() && self.minions.len() < all {
            out.push_str(&format!("\n  for {}", self.minions.join(", ")));
        }
        out
    }

    /// Returns the finding as `--json` prints it.
    pub fn to_value(&self) -> Value {
        let number = |n: u32| if n == 0 { Value::Null } else { Value::from(n) };
        Value::from([
            ("level", Value::from(self.level.word())),
            ("code", Value::from(self.code.as_str())),
            ("file", Value::from(self.place.file.as_str())),
            ("line", number(self.place.line)),
            ("column", number(self.place.column)),
            ("message", Value::from(self.message.as_str())),
            ("source", self.line.as_deref().into()),
            ("remedy", self.remedy.as_deref().into()),
            ("minions", Value::from(self.minions.clone())),
        ])
    }
}

/// Checks everything.
pub fn check(input: &Input<'_>) -> Report {
    let mut collector = Collector::new(input);
    for subject in input.minions {
        states::check(input, subject, &mut collector);
    }
    network::across(&mut collector);
    orchestrations::check(input, &mut collector);
    collector.finish()
}

/// Tells whether an SLS is an orchestration by its place.
fn is_orchestration(sls: &str) -> bool {
    sls == "orch" || sls.starts_with("orch.")
}

#[cfg(test)]
mod tests;
