//! A state run: the in-memory executor of the scheduler.
//!
//! [`StateRun`] is a plain value: [`StateRun::poll_effect`] says what is to be done, [`StateRun::handle`] takes the
//! answer, [`StateRun::poll_timeout`] says when it wants to be asked again. It calls nothing and reads no clock;
//! [`drive()`] does that for whoever has a [`crate::function::JobCtx`].

mod accumulate;
mod drive;
pub mod guard;
mod job;
mod listen;
mod problem;
pub(crate) mod resolve;
mod row;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};

use foldhash::fast::RandomState;
use lab_proto::{Map, StateReturn, Timestamp, Value};

pub(crate) use drive::discreet;
pub use drive::{drive, drive_on, perform};
use guard::Guard;
use job::Job;
pub(crate) use problem::lost as lost_requisite;
pub use problem::{Part, Problem};
use resolve::Index;
pub use resolve::Traits;
pub(crate) use resolve::is_engine_word;
pub(crate) use row::cycle_text;
use row::number;
pub(crate) use slots::{has_slot, is_slot, with as with_slots};

use crate::function::{StateCall, Verdict, VerdictKind};
use crate::low::{LowChunk, Places, Reference, Requisite};
use crate::schedule::{self, Outcome, Poll, Scheduler, Step};

/// How a run is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether nothing may be changed.
    pub test: bool,
    /// Whether the first failure ends the run, for states that do not say themselves.
    pub failhard: bool,
    /// What random pauses start from.
    pub seed: u64,
}

/// Names the work that an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(u64);

/// What is to be done next.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Work that is to be answered with [`StateRun::handle`].
    Work {
        /// Goes back with the answer.
        token: Token,
        /// Whether other work may be begun before this one is answered.
        parallel: bool,
        /// The work.
        work: Work,
    },
    /// A state begins.
    Started {
        /// Its place in the run.
        run_num: u32,
        /// Which it is: see [`StateRun::chunk`].
        node: usize,
    },
    /// A state is done; its result stands in that row: see [`StateRun::result`].
    Done(usize),
    /// The event that a state asked for.
    Emit {
        /// `true`, or the tag that was written.
        tag: Value,
        /// The row of the state's result.
        row: usize,
    },
    /// Grains, pillar or extension functions are to be read again before the next state.
    Refresh(Refresh),
}

/// What is to be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// The grains.
    pub grains: bool,
    /// The pillar.
    pub pillar: bool,
    /// The extension functions.
    pub modules: bool,
}

/// One piece of work.
#[derive(Clone, Debug)]
pub enum Work {
    /// Ask the guards of a state.
    Guard {
        /// What is asked.
        options: Box<crate::low::Options>,
        /// The state's arguments, which the guards' commands share.
        args: Map,
    },
    /// Run the function.
    Run(Box<StateCall>),
    /// Fire the function's watch action.
    Watch(Box<StateCall>),
    /// Ask `check_cmd`.
    CheckCmd(Value),
    /// Apply several states together.
    Group(Vec<StateCall>),
}

/// What came of a piece of work.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of `Guard`.
    Guard(Guard),
    /// Of `Run` and `Watch`.
    Verdict(Box<Verdict>),
    /// Of `CheckCmd`: whether the state succeeded.
    CheckCmd(bool),
    /// Of `Group`: a verdict per call.
    Group(Vec<Verdict>),
}

/// A run of low chunks.
pub struct StateRun<'p> {
    chunks: Vec<LowChunk>,
    traits: Vec<Traits>,
    lost: Vec<Vec<(Requisite, Reference)>>,
    /// Where things were written, for messages.
    places: Option<&'p dyn Places>,
    options: RunOptions,
    scheduler: Scheduler,
    /// The listeners, once the states are done; their chunks stand behind those of the states.
    listening: bool,
    /// The run was cancelled before its listeners were looked for.
    unheard: bool,
    first_listener: usize,
    lost_listeners: Vec<listen::Lost>,
    rows: Vec<Option<StateReturn>>,
    row_of: HashMap<usize, usize, RandomState>,
    rehearsed: HashMap<usize, Verdict>,
    /// What was gathered for files, by their names, then by the accumulator's.
    accumulated: HashMap<String, Map>,
    /// Verdicts of states that were applied together with an earlier one.
    early: HashMap<usize, Verdict>,
    /// The states of the group that is being applied.
    grouped: Vec<usize>,
    jobs: BTreeMap<Token, Job>,
    effects: VecDeque<Effect>,
    next_token: u64,
    random: u64,
    done: bool,
}

impl<'p> StateRun<'p> {
    /// Prepares a run; `traits` tells about the function of each chunk ([`Traits::of`]).
    pub fn new(chunks: Vec<LowChunk>, traits: impl Fn(&LowChunk) -> Traits, options: RunOptions) -> Self {
        let traits: Vec<Traits> = chunks.iter().map(traits).collect();
        let index = Index::new(&chunks);
        let (nodes, lost) =
            chunks.iter().zip(&traits).map(|(c, t)| resolve::node(c, t, &index, options.failhard)).unzip();
        Self {
            scheduler: Scheduler::new(nodes, options.test),
            first_listener: chunks.len(),
            traits,
            lost,
            places: None,
            options,
            listening: false,
            unheard: false,
            lost_listeners: Vec::new(),
            rows: Vec::with_capacity(chunks.len()),
            row_of: HashMap::with_capacity_and_hasher(chunks.len(), RandomState::default()),
            rehearsed: HashMap::new(),
            accumulated: HashMap::new(),
            early: HashMap::new(),
            grouped: Vec::new(),
            jobs: BTreeMap::new(),
            effects: VecDeque::new(),
            next_token: 0,
            random: options.seed,
            done: false,
            chunks,
        }
    }

    /// Lets the results say where mistakes were written that only the run finds: unknown functions, arguments that do
    /// not fit, requisites that find nothing.
    #[must_use]
    pub fn with_places(mut self, places: &'p dyn Places) -> Self {
        self.places = Some(places);
        self
    }

    /// Returns the chunk of a state that begins; none for a number that no effect gave.
    pub fn chunk(&self, node: usize) -> Option<&LowChunk> {
        self.chunks.get(node)
    }

    /// Returns the result in a row, once it is there.
    pub fn result(&self, row: usize) -> Option<&StateReturn> {
        self.rows.get(row)?.as_ref()
    }

    /// Tells whether all is done.
    pub fn is_done(&self) -> bool {
        self.done && self.effects.is_empty()
    }

    /// Begins nothing more; what is being done may still be answered.
    pub fn cancel(&mut self) {
        self.scheduler.halt();
        self.unheard |= !self.listening;
        self.listening = true;
        self.jobs.retain(|_, job| job.wakes_at().is_none());
    }

    /// Returns what is to be done next.
    pub fn poll_effect(&mut self, now: Timestamp) -> Option<Effect> {
        loop {
            if let Some(effect) = self.effects.pop_front() {
                return Some(effect);
            }
            match self.scheduler.poll() {
                Poll::Next(step) => self.step(step, now),
                Poll::Done if !self.listening => self.listen(),
                Poll::Done if self.done => return None,
                Poll::Done => {
                    self.done = true;
                    self.report_lost_listeners(now);
                }
                Poll::Waiting => return None,
            }
        }
    }

    /// Returns when a state that is to be tried again wakes up.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.jobs.values().filter_map(Job::wakes_at).min()
    }

    /// Wakes the states whose pause is over.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        let due: Vec<Token> = self
            .jobs
            .iter()
            .filter(|(_, j)| j.wakes_at().is_some_and(|at| at <= now))
            .map(|(t, _)| *t)
            .collect();
        for token in due {
            self.proceed(token, now, |run, token, job| job.wake(run, token));
        }
    }

    /// Takes the answer to a piece of work. An answer that nobody waits for is dropped.
    pub fn handle(&mut self, token: Token, answer: Answer, now: Timestamp) {
        self.proceed(token, now, |run, token, job| job.answer(run, token, answer, now));
    }

    /// Tells how much of a run that was cancelled was left: states and listeners that were not begun, and those that were to be
    /// tried again. Nothing is left of one that ended by itself.
    pub fn left(&self) -> usize {
        let unbegun = |node: &usize| !self.row_of.contains_key(node) && !self.early.contains_key(node);
        let unheard = if self.unheard { self.due().0.len() } else { 0 };
        let cut = self.rows.iter().filter(|row| row.is_none()).count();
        (0..self.chunks.len()).filter(unbegun).count() + unheard + cut
    }

    /// Takes the results, in the order of the run.
    pub fn report(&mut self) -> Vec<StateReturn> {
        // States that were applied together with another although the run ended before their turn.
        let mut left: Vec<(usize, Verdict)> = self.early.drain().collect();
        left.sort_by_key(|(node, _)| *node);
        for (node, verdict) in left {
            let row = self.reserve(node);
            self.rows[row] = Some(self.row(node, row, verdict, None, Timestamp::default()));
        }
        std::mem::take(&mut self.rows).into_iter().flatten().collect()
    }

    fn proceed(
        &mut self,
        token: Token,
        now: Timestamp,
        next: impl FnOnce(&mut Self, Token, &mut Job) -> Option<Verdict>,
    ) {
        let Some(mut job) = self.jobs.remove(&token) else { return };
        match next(self, token, &mut job) {
            Some(verdict) => self.finish(job, verdict, now),
            None => {
                self.jobs.insert(token, job);
            }
        }
    }

    fn step(&mut self, step: Step, now: Timestamp) {
        match step {
            Step::Run { node, fire } => {
                let node = self.chunk_of(node);
                let row = self.reserve(node);
                self.effects.push_back(Effect::Started { run_num: number(row), node });
                if let Some(verdict) = self.early.remove(&node) {
                    let mut job = Job::new(node, Some(row), fire, now);
                    let token = self.token();
                    match job.applied(self, token, verdict) {
                        Some(verdict) => self.finish(job, verdict, now),
                        None => {
                            self.jobs.insert(token, job);
                        }
                    }
                    return;
                }
                self.begin(Job::new(node, Some(row), fire, now), now);
            }
            Step::Rehearse { node } => self.begin(Job::new(node, None, false, now), now),
            Step::Settle { node, reason } => self.settle(node, &reason, now),
        }
    }

    fn begin(&mut self, job: Job, now: Timestamp) {
        let token = self.token();
        self.jobs.insert(token, job);
        self.proceed(token, now, |run, token, job| job.begin(run, token));
    }

    /// Listeners have chunks of their own, behind those of the states.
    fn chunk_of(&self, node: usize) -> usize {
        if self.listening { self.first_listener + node } else { node }
    }

    fn token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    fn reserve(&mut self, node: usize) -> usize {
        self.rows.push(None);
        self.row_of.insert(node, self.rows.len() - 1);
        self.rows.len() - 1
    }

    fn call(&self, node: usize, test: bool) -> StateCall {
        let chunk = &self.chunks[node];
        let mut call = chunk.call(test);
        if chunk.args.get("clean").is_some_and(Value::truthy) {
            let required = chunk.references(Requisite::Require).iter().filter(|r| r.kind == "file");
            for reference in required {
                let named = |c: &&LowChunk| c.name == reference.value || c.id == reference.value;
                call.keeps.extend(self.chunks.iter().filter(named).map(|c| c.name.to_string()));
            }
        }
        self.accumulation(chunk, &mut call);
        call
    }

    fn work(&mut self, token: Token, node: usize, work: Work) {
        let parallel = self.chunks[node].options.parallel && matches!(work, Work::Run(_) | Work::Watch(_));
        self.effects.push_back(Effect::Work { token, parallel, work });
    }

    /// Takes the final verdict on a node that was run or rehearsed.
    fn finish(&mut self, job: Job, verdict: Verdict, now: Timestamp) {
        let outcome = Outcome::ran(judged(verdict.kind), verdict.changed());
        let Some(row) = job.row() else {
            self.rehearsed.insert(job.node(), verdict);
            self.scheduler.rehearsed(job.node(), outcome);
            return;
        };
        let (node, started) = (job.node(), job.started());
        if verdict.kind == VerdictKind::Ok && verdict.skipped.is_none() {
            self.accumulate(node);
        }
        let mut result = self.row(node, row, verdict, None, started);
        result.duration_micros = u64::try_from(now.since(started).as_micros()).unwrap_or(u64::MAX);
        self.publish(node, row, result);
        let offset = if self.listening { self.first_listener } else { 0 };
        self.scheduler.finish(node - offset, outcome);
    }

    fn publish(&mut self, node: usize, row: usize, result: StateReturn) {
        let options = &self.chunks[node].options;
        let changed = result.changed();
        let refresh = Refresh {
            grains: options.reload_grains,
            pillar: options.reload_pillar,
            modules: options.reload_modules && changed,
        };
        if refresh != Refresh::default() {
            self.effects.push_back(Effect::Refresh(refresh));
        }
        if let Some(tag) = &options.fire_event {
            self.effects.push_back(Effect::Emit { tag: Value::clone(tag), row });
        }
        self.effects.push_back(Effect::Done(row));
        self.rows[row] = Some(result);
    }

    /// Lists the listeners that what changed calls for, and what is listened to in vain.
    fn due(&self) -> (Vec<usize>, Vec<listen::Lost>) {
        let changed = |node: usize| {
            let row = self.row_of.get(&node).and_then(|row| self.rows[*row].as_ref());
            row.is_some_and(StateReturn::changed)
        };
        listen::due(&self.chunks[..self.first_listener], changed)
    }

    /// Begins the listeners.
    fn listen(&mut self) {
        let (due, lost) = self.due();
        let mut nodes = Vec::new();
        for node in due {
            let (mut chunk, mut traits) = (self.chunks[node].clone(), self.traits[node].clone());
            if !traits.watches && traits.problem.is_none() {
                let message = format!("{} has no watch action to listen with", chunk.function());
                traits.problem = Some(Problem::new("no-watch-action", Part::Function, &chunk, message));
            }
            chunk.id = format!("listener_{}", chunk.id).into();
            chunk.requisites.clear();
            let failhard = chunk.options.failhard.unwrap_or(self.options.failhard);
            nodes.push(schedule::Node {
                failhard,
                parallel: chunk.options.parallel,
                ..schedule::Node::default()
            });
            self.chunks.push(chunk);
            self.traits.push(traits);
        }
        self.lost_listeners = lost;
        self.listening = true;
        self.scheduler = Scheduler::new(nodes, self.options.test);
    }
}

fn judged(kind: VerdictKind) -> schedule::Verdict {
    match kind {
        VerdictKind::Ok => schedule::Verdict::Holds,
        VerdictKind::WouldChange => schedule::Verdict::WouldChange,
        VerdictKind::Failed => schedule::Verdict::Failed,
    }
}
