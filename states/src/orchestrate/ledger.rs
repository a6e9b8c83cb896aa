//! The fold: what the events of the log say about one run. The same for a live run, a resumed one and a
//! replayed one, because nothing but events goes in.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use lab_proto::facts::{self, Fact, MinionAt, RunEnded, RunStarted, StateSummary, StepEnded, StepEntered};
use lab_proto::{Digest, EndState, Event, JobId, JobReturn, MinionId, Position, RunId, Timestamp};

use super::action::{Action, BatchSize};
use super::pace::Pace;
use super::plan::{Plan, SinceSpec};
use super::reboot::Watch;
use super::wait::{Mark, Taken, Waiting};

/// Everything that the log says about a run.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pub(super) run: RunId,
    pub(super) plan: Plan,
    pub(super) started: Option<Started>,
    /// Where minions stood at the beginning, when that is in a blob; until the start is taken in.
    pub(super) stood: Option<Vec<MinionAt>>,
    /// When, and where in the log, the run was last taken up again.
    pub(super) resumed: Option<(Position, Timestamp)>,
    /// How stamps told the time while this engine lived: after a restart nobody can tell a clock that was set from a master that was
    /// away.
    pub(super) pace: Pace,
    pub(super) ended: Option<RunEnded>,
    /// The newest event that was taken in.
    pub(super) last: Option<(Position, Timestamp)>,
    pub(super) records: Vec<Record>,
    jobs: HashMap<JobId, usize>,
    nested: HashMap<RunId, usize>,
    taken: Taken,
    #[cfg(feature = "simulation")]
    pub(super) waits_begin_when_reached: bool,
}

/// The run's beginning.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) mark: Mark,
    pub(super) fact: RunStarted,
}

/// What the log says about one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) entered: Option<Entered>,
    pub(super) ended: Option<(StepEnded, Timestamp)>,
    pub(super) rows: Rows,
    pub(super) waiting: Option<Waiting>,
    pub(super) watch: Option<Watch>,
    pub(super) nested: IndexMap<RunId, Option<RunEnded>>,
    /// Ids whose `met` fact is in the log, and how many near misses of each are.
    pub(super) told_met: Vec<String>,
    pub(super) told_near: Vec<(String, Position)>,
}

/// A step's entry.
#[derive(Clone, Debug)]
pub(super) struct Entered {
    pub(super) mark: Mark,
    pub(super) stamp: Timestamp,
    pub(super) jid: Option<JobId>,
    pub(super) targets: Vec<MinionId>,
    /// All parts of the entry are in the log.
    pub(super) whole: bool,
}

/// How a step's job stands on each minion.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) rows: IndexMap<MinionId, Row>,
    pub(super) batches: Vec<(JobId, Vec<MinionId>)>,
    /// How many rows a lost minion's return is awaited in.
    pub(super) lost: usize,
}

/// How a job stands on one minion.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    pub(super) end: Option<End>,
}

/// How a job ended on one minion.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub(super) state: EndState,
    pub(super) at: Timestamp,
    /// From the minion itself, not from the master for want of one.
    pub(super) returned: bool,
    pub(super) success: bool,
    pub(super) retcode: i64,
    pub(super) summary: Option<StateSummary>,
    /// What the master says, or the beginning of what a failed function returned.
    pub(super) why: String,
}

impl Ledger {
    pub(super) fn new(run: RunId, plan: Plan) -> Self {
        let record = |action: &Action| Record {
            waiting: if let Action::Wait(spec) = action { Some(Waiting::new(spec)) } else { None },
            ..Record::default()
        };
        let records = plan.steps().iter().map(|s| record(&s.action)).collect();
        Self {
            run,
            plan,
            started: None,
            stood: None,
            resumed: None,
            pace: Pace::default(),
            ended: None,
            last: None,
            records,
            jobs: HashMap::new(),
            nested: HashMap::new(),
            taken: Taken::new(),
            #[cfg(feature = "simulation")]
            waits_begin_when_reached: false,
        }
    }

    /// Takes an event in. Events come in the log's order; one that came before is passed over. Tells whether
    /// the event is of any concern to the run.
    pub(super) fn fold(&mut self, event: &Event) -> bool {
        if self.last.is_some_and(|(p, _)| p.log_id == event.position.log_id && p.seq >= event.position.seq) {
            return false;
        }
        self.last = Some((event.position, event.stamp));
        let mut concerned = match facts::run_of(&event.tag) {
            Some(run) if run == self.run => self.fold_own(event),
            Some(run) => {
                self.nested.get(&run).copied().is_some_and(|step| self.fold_nested(step, run, event))
            }
            None => match facts::job_of(&event.tag) {
                Some(jid) => self.jobs.get(&jid).copied().is_some_and(|step| self.fold_job(step, event)),
                None => self.fold_minion(event),
            },
        };
        concerned |= self.fold_waits(event);
        concerned
    }

    fn fold_own(&mut self, event: &Event) -> bool {
        let Ok(Some(fact)) = Fact::of(event) else { return false };
        match fact {
            Fact::RunStarted(fact) => {
                let stood = self.stood.take();
                let mark = Mark::new(event.position, stood.as_deref().unwrap_or(&fact.minions));
                self.started = Some(Started { mark, fact });
            }
            Fact::RunResumed(_) => self.resumed = Some((event.position, event.stamp)),
            Fact::RunEnded(fact) => self.ended = Some(fact),
            Fact::StepEntered(fact) => self.enter(fact, event),
            Fact::StepEnded(fact) => {
                if let Some(at) = self.plan.find(&fact.step)
                    && self.records[at].ended.is_none()
                {
                    self.records[at].ended = Some((fact, event.stamp));
                }
            }
            Fact::StepMet(fact) => {
                if let Some(at) = self.plan.find(&fact.step) {
                    self.records[at].told_met.push(fact.id);
                }
            }
            Fact::NearMiss(fact) => {
                if let Some(at) = self.plan.find(&fact.step) {
                    self.records[at].told_near.push((fact.id, fact.by));
                }
            }
            _ => return false,
        }
        true
    }

    fn enter(&mut self, fact: StepEntered, event: &Event) {
        let Some(at) = self.plan.find(&fact.step) else { return };
        let record = &mut self.records[at];
        // An entry that a crash cut short is made anew.
        let cut = |e: &Entered| !e.whole && self.resumed.is_some_and(|(p, _)| p.seq > e.mark.position.seq);
        if record.entered.as_ref().is_some_and(cut) {
            record.entered = None;
        }
        let entered = record.entered.get_or_insert_with(|| Entered {
            mark: Mark::new(event.position, &[]),
            stamp: event.stamp,
            jid: fact.jid,
            targets: Vec::new(),
            whole: false,
        });
        if entered.whole {
            return;
        }
        entered.mark.minions.extend(fact.minions.into_iter().map(|m| (m.id.clone(), m)));
        entered.targets.extend(fact.targets);
        for run in fact.nested {
            record.nested.insert(run, None);
            self.nested.insert(run, at);
        }
        if fact.more {
            return;
        }
        entered.whole = true;
        self.begin(at);
        self.sift_waits();
        self.ask(at);
    }

    /// Lays out what an entered step now watches.
    fn begin(&mut self, at: usize) {
        let step = &self.plan.steps()[at];
        let record = &mut self.records[at];
        let Some(entered) = &record.entered else { return };
        let minions: Vec<_> = entered.mark.minions.values().cloned().collect();
        match &step.action {
            Action::Function(job) | Action::State(job) | Action::Assert(job, _) | Action::Reboot(job) => {
                if let Some(jid) = entered.jid {
                    record.rows = Rows::new(self.run, jid, &entered.targets, job.batch, step.id.as_str());
                    self.jobs.extend(record.rows.batches.iter().map(|(jid, _)| (*jid, at)));
                }
            }
            Action::Wait(_) | Action::Nested(_) | Action::Ready(_) | Action::Test(_) => {}
        }
        if matches!(step.action, Action::Reboot(_) | Action::Ready(_)) {
            record.watch = Some(Watch::new(entered.mark.position, &entered.targets, &minions));
        }
    }

    fn fold_nested(&mut self, step: usize, run: RunId, event: &Event) -> bool {
        match Fact::of(event) {
            Ok(Some(Fact::RunEnded(fact))) => {
                self.records[step].nested.insert(run, Some(fact));
                true
            }
            _ => false,
        }
    }

    fn fold_job(&mut self, at: usize, event: &Event) -> bool {
        let step = &self.plan.steps()[at];
        let record = &mut self.records[at];
        if record.ended.is_some() {
            return false;
        }
        match Fact::of(event) {
            Ok(Some(Fact::JobReturn(back))) => {
                let end = End::of_return(&step.action, &back, event.stamp);
                record.rows.set(&back.id, end)
            }
            Ok(Some(Fact::JobEnd(fact))) => {
                let end = End {
                    state: fact.state,
                    at: event.stamp,
                    returned: false,
                    success: false,
                    retcode: -1,
                    summary: None,
                    why: fact.why,
                };
                record.rows.set(&fact.id, end)
            }
            Err(error) => match event.origin.minion() {
                Some(from) => {
                    let why = format!("its return cannot be read: {error}");
                    record.rows.set(&from.id, End::unreadable(event.stamp, why))
                }
                None => false,
            },
            Ok(_) => false,
        }
    }

    fn fold_minion(&mut self, event: &Event) -> bool {
        let watches = |r: &Record| r.watch.is_some() && r.ended.is_none();
        if !self.records.iter().any(watches) {
            return false;
        }
        let Ok(Some(fact)) = Fact::of(event) else { return false };
        for record in self.records.iter_mut().filter(|r| watches(r)) {
            if let Some(watch) = &mut record.watch {
                watch.note(event, &fact);
            }
        }
        true
    }

    fn fold_waits(&mut self, event: &Event) -> bool {
        if self.started.is_none() {
            return false;
        }
        let mut concerned = false;
        for at in 0..self.records.len() {
            let Action::Wait(spec) = &self.plan.steps()[at].action else { continue };
            if !spec.tag.matches(&event.tag) {
                continue;
            }
            let mark = self.mark(at).cloned();
            let ended = self.records[at].ended.is_some();
            let Some(waiting) = &mut self.records[at].waiting else { continue };
            if ended {
                if let Some(mark) = &mark {
                    waiting.note_late(spec, event, mark);
                }
                continue;
            }
            if waiting.keep(spec, event, mark.as_ref()) {
                concerned = true;
                self.ask(at);
            }
        }
        concerned
    }

    fn sift_waits(&mut self) {
        for at in 0..self.records.len() {
            let Action::Wait(spec) = &self.plan.steps()[at].action else { continue };
            let Some(mark) = self.mark(at).cloned() else { continue };
            let record = &mut self.records[at];
            if let (None, Some(waiting)) = (&record.ended, &mut record.waiting) {
                waiting.sift(spec, &mark);
            }
        }
    }

    /// Lets an entered wait take what answers it.
    fn ask(&mut self, at: usize) {
        let Action::Wait(spec) = &self.plan.steps()[at].action else { return };
        let record = &self.records[at];
        if record.ended.is_some() || !record.entered.as_ref().is_some_and(|e| e.whole) {
            return;
        }
        #[cfg(feature = "simulation")]
        if let (true, Some(entered)) = (self.waits_begin_when_reached, &self.records[at].entered) {
            let position = entered.mark.position;
            if let Some(waiting) = &mut self.records[at].waiting {
                waiting.ask_as_salt_does(position, &mut self.taken);
            }
            return;
        }
        let Some(mark) = self.mark(at).cloned() else { return };
        if let Some(waiting) = &mut self.records[at].waiting {
            waiting.ask(spec, &mark, &mut self.taken);
        }
    }

    /// Returns what a wait counts from, by what is known so far: the first entry among the steps that it names,
    /// where a step without an entry stands for those that it requires; when there is none, the last entry of any
    /// step before it; else the run's beginning.
    pub(super) fn mark(&self, wait: usize) -> Option<&Mark> {
        #[cfg(feature = "simulation")]
        if self.waits_begin_when_reached {
            return None;
        }
        let run = self.started.as_ref().map(|s| &s.mark);
        let SinceSpec::Steps(named) = &self.plan.steps()[wait].since else { return run };
        let own = self.records[wait].entered.as_ref().map(|e| e.mark.position.seq);
        let before = |m: &&Mark| own.is_none_or(|own| m.position.seq < own);
        let entry = |at: usize| self.records[at].entered.as_ref().map(|e| &e.mark);
        let first = self.first_entry(named);
        let last = || {
            let entries = (0..self.records.len()).filter(|at| *at != wait).filter_map(entry);
            entries.filter(before).max_by_key(|m| m.position.seq)
        };
        first.filter(before).or_else(last).or(run)
    }

    /// Returns the first entry among some steps. One that was not entered, since it was skipped or has nothing to send
    /// out, may hide the one that matters: what it requires is looked at in its place.
    fn first_entry(&self, steps: &[usize]) -> Option<&Mark> {
        let mut todo = steps.to_vec();
        let mut seen = BTreeSet::new();
        let mut first: Option<&Mark> = None;
        while let Some(at) = todo.pop() {
            if !seen.insert(at) {
                continue;
            }
            match &self.records[at].entered {
                Some(Entered { mark, .. }) if first.is_none_or(|f| mark.position.seq < f.position.seq) => {
                    first = Some(mark);
                }
                Some(_) => {}
                None => {
                    let required = self.plan.steps()[at].requisites.iter();
                    todo.extend(required.flat_map(|(_, steps)| steps));
                }
            }
        }
        first
    }
}

impl Rows {
    fn new(run: RunId, jid: JobId, targets: &[MinionId], batch: Option<BatchSize>, step: &str) -> Self {
        let size = match batch {
            None => targets.len(),
            Some(BatchSize::Count(n)) => n,
            Some(BatchSize::Percent(share)) => targets.len() * share / 100,
        };
        let batches = targets.chunks(size.max(1)).enumerate().map(|(n, ids)| {
            let jid = if n == 0 { jid } else { JobId::new(jid.time(), derived(run, step, n)) };
            (jid, ids.to_vec())
        });
        Self {
            rows: targets.iter().map(|id| (id.clone(), Row::default())).collect(),
            batches: batches.collect(),
            lost: 0,
        }
    }

    /// Records an end. A minion's own word beats the master's, and is final; so is the first of two words of
    /// the master.
    fn set(&mut self, id: &MinionId, end: End) -> bool {
        let Some(row) = self.rows.get_mut(id) else { return false };
        let better = match &row.end {
            None => true,
            Some(old) if old.returned => false,
            Some(old) => end.returned || old.state == EndState::Lost,
        };
        if better {
            let lost = |end: &End| usize::from(end.state == EndState::Lost);
            self.lost += lost(&end);
            self.lost -= row.end.as_ref().map_or(0, lost);
            row.end = Some(end);
        }
        better
    }
}

impl End {
    fn of_return(action: &Action, back: &JobReturn, at: Timestamp) -> Self {
        let mut success = back.state == EndState::Returned && back.success;
        let mut summary = None;
        let mut why = String::new();
        match action {
            Action::State(_) => {
                summary = StateSummary::of(&back.value);
                match &summary {
                    // An SLS that renders to nothing is a success with no states.
                    Some(sum) if sum.total == 0 && back.state == EndState::Returned => success = true,
                    Some(sum) => success &= sum.failed == 0,
                    None => success = false,
                }
            }
            Action::Assert(_, spec) if success && !spec.accepts(&back.value) => {
                success = false;
                why = format!("it returned {}", beginning(&back.value.to_string(), TOLD));
            }
            _ => {}
        }
        if !success && summary.is_none() && why.is_empty() {
            why = beginning(&back.value.to_string(), TOLD);
        }
        Self { state: back.state, at, returned: true, success, retcode: back.retcode, summary, why }
    }

    fn unreadable(at: Timestamp, why: String) -> Self {
        let state = EndState::Failed;
        Self { state, at, returned: true, success: false, retcode: -1, summary: None, why }
    }
}

/// What of a returned value fits on a line or two, in characters.
const TOLD: usize = 300;

/// Cuts a text after so many characters.
pub(super) fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// Derives 64 bits that are always the same for the same step of the same run.
pub(super) fn derived(run: RunId, step: &str, n: usize) -> u64 {
    let digest = Digest::of(format!("{run}/{step}/{n}").as_bytes());
    let (first, _) = digest.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
    u64::from_be_bytes(*first)
}
