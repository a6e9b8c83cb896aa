//! What people see of a run: a fold of its events into a tree, and a line of text for each that matters.
//!
//! Used by `orchestrate`, `--resume`, `--replay` and `runs show`: the same events give the same lines, so a
//! finished run prints as it did when it was live. Nothing here decides anything.

use std::time::Duration;

use indexmap::IndexMap;
use lab_proto::facts::{self, Fact, RunEnded, RunStarted, StateSummary, StepEnded, StepEntered, StepOutcome};
use lab_proto::v1::link::Progress;
use lab_proto::{EndState, Event, JobId, MinionId, RunId, StepId, Timestamp};

use super::plan::Plan;

/// A run as people see it.
#[derive(Clone, Debug)]
pub struct RunView {
    /// The run.
    pub run: RunId,
    /// The orchestration's name.
    pub name: String,
    /// Who asked.
    pub user: String,
    /// Dry run.
    pub test: bool,
    /// When it began.
    pub started: Option<Timestamp>,
    /// How and when it ended.
    pub ended: Option<(RunEnded, Timestamp)>,
    /// Its steps, in the order in which they run.
    pub steps: Vec<StepView>,
    jobs: IndexMap<JobId, usize>,
}

/// A step as people see it.
#[derive(Clone, Debug)]
pub struct StepView {
    /// Its name.
    pub id: StepId,
    /// `salt.state` and the like.
    pub fun: String,
    /// When it was entered.
    pub entered: Option<Timestamp>,
    /// How and when it ended.
    pub ended: Option<(StepEnded, Timestamp)>,
    /// Everyone it is about, in the order of the entry.
    pub minions: IndexMap<String, MinionView>,
    /// The runs that it started.
    pub nested: Vec<RunId>,
    /// How many events came near a wait and did not count.
    pub near: u32,
}

/// How a step stands on one minion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MinionView {
    /// Whether it did what was asked; absent while that is open.
    pub success: Option<bool>,
    /// A few words.
    pub text: String,
    /// What its job shows right now; gone when it returns, and never there in a replay.
    pub progress: String,
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeLine {
    /// 0 for a step, 1 for a minion below it.
    pub depth: u8,
    /// What it is about, for colour and symbol.
    pub mark: TreeMark,
    /// The text, without symbol or indent.
    pub text: String,
}

/// What a line of the tree is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeMark {
    /// Not reached.
    Pending,
    /// Under way.
    Running,
    /// Ended well.
    Good,
    /// Ended well and changed something, or would.
    Changed,
    /// Not needed.
    Skipped,
    /// Failed.
    Bad,
}

impl TreeMark {
    /// Returns the mark's symbol.
    pub fn symbol(self) -> char {
        match self {
            Self::Pending => '·',
            Self::Running => '▸',
            Self::Good => '✓',
            Self::Changed => '±',
            Self::Skipped => '-',
            Self::Bad => '✗',
        }
    }
}

impl RunView {
    /// Makes the view of a run of which nothing is known yet.
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            name: String::new(),
            user: String::new(),
            test: false,
            started: None,
            ended: None,
            steps: Vec::new(),
            jobs: IndexMap::new(),
        }
    }

    /// Takes an event in; returns the lines that tell of it, none for events of no concern.
    pub fn apply(&mut self, event: &Event) -> Vec<String> {
        let own = facts::run_of(&event.tag) == Some(self.run);
        let jid = facts::job_of(&event.tag);
        let job = jid.and_then(|jid| self.jobs.get(&jid).copied());
        // The jobs of further batches are known by their own fact only.
        let new = jid.is_some() && job.is_none() && event.tag.parts().last() == Some("new");
        if !own && job.is_none() && !new {
            return Vec::new();
        }
        let Ok(Some(fact)) = Fact::of(event) else { return Vec::new() };
        let lines = match fact {
            Fact::RunStarted(fact) => vec![self.start(fact, event.stamp)],
            Fact::RunResumed(_) => vec![format!("run {} goes on after the master was away", self.run)],
            Fact::RunEnded(fact) => vec![self.end(fact, event.stamp)],
            Fact::StepEntered(fact) => self.enter(fact, event.stamp),
            Fact::StepEnded(fact) => vec![self.end_step(fact, event.stamp)],
            Fact::StepMet(fact) => {
                let line = format!("{}  {} seen", fact.step, fact.id);
                self.minion(&fact.step, &fact.id, Some(true), "seen".to_owned());
                vec![line]
            }
            Fact::NearMiss(fact) => {
                self.step(&fact.step).near += 1;
                vec![format!("{}  {} came near at {}: {}", fact.step, fact.id, fact.by.seq, fact.reason)]
            }
            Fact::JobNew(new) => {
                if let Some(step) = new.step.filter(|s| s.run == self.run) {
                    let at = self.place(&step.step);
                    self.jobs.insert(new.jid, at);
                }
                Vec::new()
            }
            Fact::JobReturn(back) => {
                let text = returned(back.state, back.success, back.retcode, StateSummary::of(&back.value));
                let success = back.state == EndState::Returned && back.success;
                job.map(|at| self.row(at, &back.id, success, text)).into_iter().collect()
            }
            Fact::JobEnd(end) => {
                let text = format!("{}: {}", end.state.as_str().replace('_', " "), end.why);
                job.map(|at| self.row(at, &end.id, false, text)).into_iter().collect()
            }
            _ => Vec::new(),
        };
        let time = event.stamp.to_string();
        let clock = time.get(11..19).unwrap_or(&time).to_owned();
        lines.into_iter().map(|line| format!("{clock}  {line}")).collect()
    }

    /// Takes in what a running job shows. It is gone when the job returns.
    pub fn progress(&mut self, jid: JobId, minion: &MinionId, progress: &Progress) {
        let Some(step) = self.jobs.get(&jid).and_then(|at| self.steps.get_mut(*at)) else { return };
        let Some(view) = step.minions.get_mut(minion.as_str()).filter(|m| m.success.is_none()) else {
            return;
        };
        view.progress = match progress {
            Progress::Stdout(text) | Progress::Stderr(text) => {
                text.lines().rfind(|l| !l.trim().is_empty()).unwrap_or_default().to_owned()
            }
            Progress::StateStarted { id, state } => format!("{state} {id}"),
            Progress::StateEnded(_) => String::new(),
        };
    }

    /// Returns the run as a tree; `now` is the present for a live view and absent for a finished one.
    pub fn tree(&self, now: Option<Timestamp>) -> Vec<TreeLine> {
        let mut lines = Vec::new();
        for step in &self.steps {
            lines.push(TreeLine { depth: 0, mark: step.mark(), text: step.text(now) });
            // A step that ended well is one line; its minions are in `runs show`.
            let told = step.ended.as_ref().is_none_or(|(e, _)| !e.outcome.holds());
            for (id, minion) in step.minions.iter().filter(|(_, m)| told && step.tells(m)) {
                let text = match (minion.text.as_str(), minion.progress.as_str()) {
                    ("", "") => format!("{id}  waiting"),
                    (text, "") => format!("{id}  {text}"),
                    (_, progress) => format!("{id}  {progress}"),
                };
                lines.push(TreeLine { depth: 1, mark: minion.mark(), text });
            }
        }
        lines
    }

    /// Returns the last line: how the run ended.
    pub fn summary(&self) -> Option<String> {
        let (ended, at) = self.ended.as_ref()?;
        let took = self.started.map_or_else(String::new, |s| format!(" in {}", span(at.since(s))));
        let RunEnded { outcome: _, run, succeeded, changed, failed, skipped } = ended;
        let word = match ended.outcome.exit_code() {
            0 => "succeeded",
            11 => "timed out",
            _ => "failed",
        };
        let steps = if *succeeded == 1 { "step holds" } else { "steps hold" };
        let change = if self.test { "would change" } else { "changed" };
        Some(format!(
            "run {run} {word}{took}: {succeeded} {steps} ({changed} {change}), {failed} failed, {skipped} skipped"
        ))
    }

    fn start(&mut self, fact: RunStarted, stamp: Timestamp) -> String {
        self.name = fact.name;
        self.user = fact.user;
        self.test = fact.test;
        self.started = Some(stamp);
        if let Some(plan) = fact.chunks.and_then(|chunks| Plan::compile(chunks).ok()) {
            self.expect(&plan);
        }
        let dry = if self.test { ", a dry run" } else { "" };
        format!("run {} of {} started by {}{dry}", self.run, self.name, self.user)
    }

    /// Lays the steps of a plan out that are still to come.
    pub fn expect(&mut self, plan: &Plan) {
        if self.steps.is_empty() {
            self.steps = plan.steps().iter().map(|s| StepView::new(s.id.clone(), s.fun.clone())).collect();
        }
    }

    fn end(&mut self, fact: RunEnded, stamp: Timestamp) -> String {
        self.ended = Some((fact, stamp));
        self.summary().unwrap_or_default()
    }

    fn enter(&mut self, fact: StepEntered, stamp: Timestamp) -> Vec<String> {
        if let Some(jid) = fact.jid {
            let at = self.place(&fact.step);
            self.jobs.insert(jid, at);
        }
        let step = self.step(&fact.step);
        step.fun = fact.fun;
        step.entered.get_or_insert(stamp);
        step.nested = fact.nested;
        step.minions.extend(fact.targets.iter().map(|id| (id.to_string(), MinionView::default())));
        if fact.more {
            return Vec::new();
        }
        let whom = whom(&step.minions);
        vec![format!("{}  {} begins{whom}", fact.step, step.fun)]
    }

    fn end_step(&mut self, fact: StepEnded, stamp: Timestamp) -> String {
        let took = span(Duration::from_micros(fact.duration_micros));
        let line = format!("{}  {} in {took}: {}", fact.step, fact.outcome.as_str(), fact.comment);
        for row in &fact.rows {
            self.minion(&fact.step, row.id.as_str(), Some(row.success), row.detail.clone());
        }
        let at = self.place(&fact.step);
        self.steps[at].ended = Some((fact, stamp));
        line
    }

    fn row(&mut self, at: usize, id: &MinionId, success: bool, text: String) -> String {
        let step = self.steps[at].id.clone();
        let line = format!("{step}  {id} {text}");
        self.minion(&step, id.as_str(), Some(success), text);
        line
    }

    fn minion(&mut self, step: &StepId, id: &str, success: Option<bool>, text: String) {
        let view = self.step(step).minions.entry(id.to_owned()).or_default();
        *view = MinionView { success, text, progress: String::new() };
    }

    fn step(&mut self, id: &StepId) -> &mut StepView {
        let at = self.place(id);
        &mut self.steps[at]
    }

    fn place(&mut self, id: &StepId) -> usize {
        self.steps.iter().position(|s| s.id == *id).unwrap_or_else(|| {
            self.steps.push(StepView::new(id.clone(), String::new()));
            self.steps.len() - 1
        })
    }
}

impl StepView {
    fn new(id: StepId, fun: String) -> Self {
        Self { id, fun, entered: None, ended: None, minions: IndexMap::new(), nested: Vec::new(), near: 0 }
    }

    fn mark(&self) -> TreeMark {
        match self.ended.as_ref().map(|(e, _)| e.outcome) {
            Some(StepOutcome::Unchanged) => TreeMark::Good,
            Some(StepOutcome::Changed | StepOutcome::WouldChange) => TreeMark::Changed,
            Some(StepOutcome::Skipped) => TreeMark::Skipped,
            Some(StepOutcome::Failed | StepOutcome::TimedOut | StepOutcome::Blocked) => TreeMark::Bad,
            None if self.entered.is_some() => TreeMark::Running,
            None => TreeMark::Pending,
        }
    }

    fn text(&self, now: Option<Timestamp>) -> String {
        let Self { id, fun, .. } = self;
        match (&self.ended, self.entered, now) {
            (Some((ended, _)), ..) => {
                let took = span(Duration::from_micros(ended.duration_micros));
                format!("{id}  {fun}  {} in {took}: {}", ended.outcome.as_str(), ended.comment)
            }
            (None, Some(entered), Some(now)) => {
                let done = self.minions.values().filter(|m| m.success.is_some()).count();
                format!("{id}  {fun}  {done} of {}, {}", self.minions.len(), span(now.since(entered)))
            }
            (None, Some(_), None) => format!("{id}  {fun}  under way"),
            (None, None, _) => format!("{id}  {fun}"),
        }
    }

    /// An ended step tells of the minions that failed; one under way tells of all.
    fn tells(&self, minion: &MinionView) -> bool {
        self.ended.is_none() || minion.success != Some(true)
    }
}

impl MinionView {
    fn mark(&self) -> TreeMark {
        match self.success {
            None => TreeMark::Running,
            Some(true) => TreeMark::Good,
            Some(false) => TreeMark::Bad,
        }
    }
}

fn returned(state: EndState, success: bool, retcode: i64, summary: Option<StateSummary>) -> String {
    match (state, summary.filter(|s| s.total > 0)) {
        (EndState::Returned, Some(sum)) if sum.failed > 0 => {
            format!("returned: {} of {} states failed, {} changed", sum.failed, sum.total, sum.changed)
        }
        (EndState::Returned, Some(sum)) => format!("returned: {} states, {} changed", sum.total, sum.changed),
        (EndState::Returned, None) if success => "returned".to_owned(),
        (EndState::Returned, None) => format!("returned with exit code {retcode}"),
        (state, _) => state.as_str().replace('_', " "),
    }
}

fn whom(minions: &IndexMap<String, MinionView>) -> String {
    const MOST: usize = 5;
    let names: Vec<&str> = minions.keys().take(MOST).map(String::as_str).collect();
    match minions.len() {
        0 => String::new(),
        n if n > MOST => format!(" on {} and {} more", names.join(", "), n - MOST),
        _ => format!(" on {}", names.join(", ")),
    }
}

/// Prints a duration as people say it.
fn span(d: Duration) -> String {
    match d.as_secs() {
        0 => format!("{} ms", d.as_millis()),
        s @ 1..60 => format!("{s}.{} s", d.subsec_millis() / 100),
        s @ 60..3600 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}
