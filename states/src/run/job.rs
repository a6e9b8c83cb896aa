//! One state on its way from its guards to its verdict: guard, function, `check_cmd`, retries, watch action.

use lab_proto::{Timestamp, Value};
use std::time::Duration;

use super::guard::Guard;
use super::{Answer, StateRun, Token, Work};
use crate::function::{Verdict, VerdictKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Function,
    Watch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Waits {
    Guard,
    Act,
    CheckCmd,
    /// Until its next try.
    Pause(Timestamp),
}

/// A state that is being run or rehearsed.
#[derive(Clone, Debug)]
pub(super) struct Job {
    node: usize,
    /// Its row in the report; a rehearsal has none.
    row: Option<usize>,
    /// Whether something that it watches has changed.
    fire: bool,
    started: Timestamp,
    action: Action,
    waits: Waits,
    tries: u64,
    /// What earlier tries came to.
    history: String,
    /// The verdict that `check_cmd` is about.
    pending: Option<Verdict>,
    guarded: bool,
    now: Timestamp,
}

impl Job {
    pub(super) fn new(node: usize, row: Option<usize>, fire: bool, now: Timestamp) -> Self {
        Self {
            node,
            row,
            fire,
            started: now,
            action: Action::Function,
            waits: Waits::Guard,
            tries: 1,
            history: String::new(),
            pending: None,
            guarded: false,
            now,
        }
    }

    pub(super) fn node(&self) -> usize {
        self.node
    }

    pub(super) fn row(&self) -> Option<usize> {
        self.row
    }

    pub(super) fn started(&self) -> Timestamp {
        self.started
    }

    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        if let Waits::Pause(until) = self.waits { Some(until) } else { None }
    }

    /// Begins; returns the verdict when there is nothing to wait for.
    pub(super) fn begin(&mut self, run: &mut StateRun<'_>, token: Token) -> Option<Verdict> {
        if run.listening {
            self.action = Action::Watch;
        }
        self.attempt(run, token)
    }

    /// Takes the verdict of a group that this state was applied with.
    pub(super) fn applied(
        &mut self,
        run: &mut StateRun<'_>,
        token: Token,
        verdict: Verdict,
    ) -> Option<Verdict> {
        self.ended(run, token, verdict)
    }

    pub(super) fn wake(&mut self, run: &mut StateRun<'_>, token: Token) -> Option<Verdict> {
        self.attempt(run, token)
    }

    pub(super) fn answer(
        &mut self,
        run: &mut StateRun<'_>,
        token: Token,
        answer: Answer,
        now: Timestamp,
    ) -> Option<Verdict> {
        self.now = now;
        match (&self.waits, answer) {
            (Waits::Guard, Answer::Guard(Guard::Pass)) => self.act(run, token),
            (Waits::Guard, Answer::Guard(Guard::Skip { reason, comment })) => {
                self.guarded = true;
                let verdict = Verdict { skipped: Some(reason), ..Verdict::unchanged(comment) };
                self.check(run, token, verdict)
            }
            (Waits::Guard, Answer::Guard(Guard::Broken(text))) => {
                let text = format!("a guard of the state could not be asked: {text}");
                self.ended(run, token, Verdict::failed(text))
            }
            (Waits::Act, Answer::Verdict(verdict)) => self.check(run, token, *verdict),
            (Waits::Act, Answer::Group(verdicts)) => {
                let own = run.group_answer(self.node, verdicts);
                self.check(run, token, own)
            }
            (Waits::CheckCmd, Answer::CheckCmd(held)) => {
                let mut verdict = self.pending.take()?;
                verdict.skipped = None;
                verdict.kind = if held { VerdictKind::Ok } else { VerdictKind::Failed };
                let word = if held { "succeeded" } else { "failed" };
                verdict.comment = format!("check_cmd determined the state {word}");
                self.ended(run, token, verdict)
            }
            // Not what was asked: the asker is told by a failed state rather than by silence.
            (_, other) => {
                let text = format!("the executor answered {other:?} to another question");
                self.ended(run, token, Verdict::failed(text))
            }
        }
    }

    fn attempt(&mut self, run: &mut StateRun<'_>, token: Token) -> Option<Verdict> {
        if let Some(problem) = &run.traits[self.node].problem {
            return Some(Verdict::failed(run.told(self.node, problem)));
        }
        let chunk = &run.chunks[self.node];
        if !chunk.options.guarded() {
            return self.act(run, token);
        }
        self.waits = Waits::Guard;
        let work = Work::Guard { options: Box::new(chunk.options.clone()), args: chunk.args.clone() };
        run.work(token, self.node, work);
        None
    }

    fn act(&mut self, run: &mut StateRun<'_>, token: Token) -> Option<Verdict> {
        self.waits = Waits::Act;
        let rehearsal = self.row.is_none();
        let call = Box::new(run.call(self.node, run.options.test || rehearsal));
        let work = match self.action {
            Action::Watch => Work::Watch(call),
            Action::Function if !rehearsal && run.traits[self.node].family.is_some() => {
                run.group(self.node, *call)
            }
            Action::Function => Work::Run(call),
        };
        run.work(token, self.node, work);
        None
    }

    fn check(&mut self, run: &mut StateRun<'_>, token: Token, verdict: Verdict) -> Option<Verdict> {
        let traits = &run.traits[self.node];
        match &run.chunks[self.node].options.check_cmd {
            Some(commands) if !traits.own_check_cmd => {
                let commands = Value::clone(commands);
                self.waits = Waits::CheckCmd;
                self.pending = Some(verdict);
                run.work(token, self.node, Work::CheckCmd(commands));
                None
            }
            _ => self.ended(run, token, verdict),
        }
    }

    /// One try is over: tries again, fires the watch action, or gives the verdict.
    fn ended(&mut self, run: &mut StateRun<'_>, token: Token, mut verdict: Verdict) -> Option<Verdict> {
        if self.row.is_none() {
            return Some(verdict);
        }
        let options = &run.chunks[self.node].options;
        let result = match verdict.kind {
            VerdictKind::Ok => Some(true),
            VerdictKind::WouldChange => None,
            VerdictKind::Failed => Some(false),
        };
        // Salt counts the first try of a parallel state apart from its attempts.
        let most = options.retry.map_or(0, |r| r.attempts + u64::from(options.parallel));
        if let Some(retry) = options.retry.filter(|_| !run.options.test)
            && result != Some(retry.until)
            && most > self.tries
        {
            self.history.push_str(&format!("Attempt {}: {}\n", self.tries, verdict.comment));
            self.tries += 1;
            let pause = retry.interval + run.splay(retry.splay);
            self.waits = Waits::Pause(self.now + pause);
            return None;
        }
        if self.action == Action::Function && self.fire && !verdict.changed() && !self.guarded {
            self.action = Action::Watch;
            self.tries = 1;
            return self.attempt(run, token);
        }
        verdict.comment.insert_str(0, &self.history);
        Some(verdict)
    }
}

impl StateRun<'_> {
    /// Returns a random pause of at most `most`, in whole seconds.
    fn splay(&mut self, most: Duration) -> Duration {
        if most.is_zero() {
            return most;
        }
        // splitmix64
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_secs((z ^ (z >> 31)) % (most.as_secs() + 1))
    }

    /// Collects the states that are applied together with one whose turn has come: those of its family that could
    /// run now, were the others of the group done.
    fn group(&mut self, first: usize, call: crate::function::StateCall) -> Work {
        let family = self.traits[first].family;
        let plain = |node: usize| {
            let (options, traits) = (&self.chunks[node].options, &self.traits[node]);
            let simple = !options.guarded() && options.retry.is_none() && options.check_cmd.is_none();
            simple && !options.parallel && traits.family == family && traits.problem.is_none()
        };
        let mut members = vec![first];
        let candidates: Vec<usize> = (0..self.first_listener)
            .filter(|n| *n != first && plain(*n) && !self.early.contains_key(n))
            .collect();
        loop {
            let before = members.len();
            for &node in &candidates {
                if !members.contains(&node) && self.scheduler.could_run(node, &|t| members.contains(&t)) {
                    members.push(node);
                }
            }
            if members.len() == before {
                break;
            }
        }
        let mut calls = vec![call];
        calls.extend(members[1..].iter().map(|n| self.call(*n, self.options.test)));
        self.grouped = members;
        Work::Group(calls)
    }

    /// Keeps the verdicts of a group for those whose turn is still to come; returns that of the first.
    fn group_answer(&mut self, first: usize, verdicts: Vec<Verdict>) -> Verdict {
        let members = std::mem::take(&mut self.grouped);
        let missing = || Verdict::failed("the function's group gave no verdict for this state");
        let mut verdicts = verdicts.into_iter();
        let own = verdicts.next().unwrap_or_else(missing);
        for node in members.into_iter().filter(|n| *n != first) {
            self.early.insert(node, verdicts.next().unwrap_or_else(missing));
        }
        own
    }
}
