//! Carries one change out: the effects of the [`Machine`], on the thread of the job that asks.

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use lab_proto::JobId;
use lab_proto::facts::{NetPending, NetRefused, RolledBackBy};
use lab_states::function::JobCtx;
use lab_states::host::{Command, Commands, NetSession, NetSnapshot, NetStep, Silent};
use lab_states::net::{ConfirmBy, NetChange, NetFailure, NetGuard, Remaining};

use super::journal::{FORMAT, Journal, Phase, Places, Turn};
use super::machine::{Done, Effect, Fault, Machine, Outcome, Policy};
use super::{Setup, fault, guard, persist, recover, since_boot};
use crate::clock;

/// How long whoever else works on the network may hold a change up.
const TURN: Duration = Duration::from_secs(10);
/// How much longer than the deadline silence is excused: two rounds of confirming and taking back.
const EXCUSE: Duration = Duration::from_secs(15);

/// Guards the changes of one agent; one at a time.
pub struct Guard {
    pub(super) setup: Setup,
    pub(super) places: Places,
    busy: Mutex<()>,
}

impl Guard {
    /// Makes the guard of an agent.
    pub fn new(setup: Setup) -> Self {
        let places = Places::new(&setup.run_dir, &setup.data_dir);
        Self { setup, places, busy: Mutex::new(()) }
    }

    /// Returns where its journals live.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Tells whether a change is being made now.
    pub fn is_busy(&self) -> bool {
        matches!(self.busy.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Returns what confirms a change.
    fn confirm_by(&self, change: &NetChange) -> ConfirmBy {
        match &change.confirm.by {
            ConfirmBy::Configured => match ConfirmBy::parse(&self.setup.settings.confirm) {
                ConfirmBy::Master | ConfirmBy::Configured if self.setup.prober.is_none() => {
                    ConfirmBy::Nothing
                }
                ConfirmBy::Configured => ConfirmBy::Master,
                other => other,
            },
            other => other.clone(),
        }
    }

    /// Carries a change out; `reverts` is the change that it takes back.
    pub(super) fn make(
        &self,
        change: &NetChange,
        reverts: Option<String>,
        remaining: &Remaining<'_>,
        ctx: &JobCtx<'_>,
    ) -> Result<String, NetFailure> {
        let _busy = match self.busy.try_lock() {
            Ok(busy) => busy,
            Err(TryLockError::Poisoned(e)) => PoisonError::into_inner(e),
            Err(TryLockError::WouldBlock) => {
                return Err(self.refuse(change, "another network change is being made"));
            }
        };
        match self.places.read_change() {
            Ok(None) => {}
            // Decided, and nobody was there to tell it.
            Ok(Some(told)) if told.phase == Phase::RolledBack => {
                recover::rolled_back(&told, &self.setup.id, None, self.setup.voice.as_ref());
                self.places.forget_change().map_err(|e| failure(crate::chain(&e)))?;
            }
            Ok(Some(other)) => {
                let text = format!(
                    "the network change {} is pending until {}; one at a time (it is decided by itself)",
                    other.change, other.until
                );
                return Err(self.refuse(change, &text));
            }
            Err(e) => return Err(self.refuse(change, &crate::chain(&e))),
        }
        match recover::put_back_again(&self.places) {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let text = format!(
                    "an earlier change was taken back, and what it wrote still stands where this cannot be put back: {}; make \
                     room for it first",
                    left.join("; ")
                );
                return Err(self.refuse(change, &text));
            }
            Err(e) => return Err(self.refuse(change, &crate::chain(&e))),
        }
        let boot_id = ctx.host.boot_id().map_err(|e| failure(e.to_string()))?.to_string();
        let session = ctx.host.net_session().map_err(|e| failure(e.to_string()))?;
        let by = self.confirm_by(change);
        let within = match change.confirm.within {
            Some(asked) if asked <= change.settle => {
                return Err(self.refuse(change, &too_short(asked, change.settle)));
            }
            Some(asked) => asked,
            None => self.setup.settings.within + change.settle,
        };
        let policy = Policy {
            steps: change.steps.len(),
            confirm: by != ConfirmBy::Nothing,
            force: change.confirm.force,
            within,
            persist: true,
        };
        let now = clock::wall_clock();
        let journal = Journal {
            format: FORMAT,
            change: JobId::new(now, clock::random_u64()).to_string(),
            boot_id,
            pid: std::process::id(),
            deadline_ms: 0,
            until: now + within,
            began: now,
            phase: Phase::Trying,
            confirm: by.as_str().to_owned(),
            calls: change.calls.clone(),
            risk: change.risk.clone(),
            before: change.before.clone(),
            steps: change.steps.clone(),
            files: Vec::new(),
            hand_over: Vec::new(),
            reverts,
            report: None,
        };
        let carry = Carry {
            guard: self,
            ctx,
            change,
            remaining,
            by,
            within,
            journal,
            session: Some(session),
            turn: None,
        };
        carry.run(Machine::new(policy))
    }

    fn refuse(&self, change: &NetChange, reason: &str) -> NetFailure {
        let steps = lab_proto::facts::lines(change.steps.iter().map(|s| s.step.to_string()));
        let fact = NetRefused { id: self.setup.id.clone(), reason: reason.to_owned(), steps };
        self.setup.voice.event(fact.tag(), fact.data());
        failure(reason)
    }
}

impl NetGuard for Guard {
    fn carry_out(
        &self,
        change: &NetChange,
        remaining: &Remaining<'_>,
        ctx: &JobCtx<'_>,
    ) -> Result<String, NetFailure> {
        self.make(change, None, remaining, ctx)
    }
}

pub(super) fn failure(text: impl Into<String>) -> NetFailure {
    NetFailure { step: None, text: text.into() }
}

fn too_short(within: Duration, settle: Duration) -> String {
    format!(
        "{} s are too short to confirm it: it may take {} s until the host can be heard again (a new port of a bridge listens \
         and learns; an address from a lease is asked for anew); say a longer `within`, or leave it out",
        within.as_secs(),
        settle.as_secs()
    )
}

struct Carry<'a> {
    guard: &'a Guard,
    ctx: &'a JobCtx<'a>,
    change: &'a NetChange,
    remaining: &'a Remaining<'a>,
    by: ConfirmBy,
    within: Duration,
    journal: Journal,
    session: Option<Box<dyn NetSession + 'a>>,
    /// Held while something is done, not while something is waited for.
    turn: Option<Turn>,
}

impl Carry<'_> {
    fn run(mut self, mut machine: Machine) -> Result<String, NetFailure> {
        loop {
            if let Some(outcome) = machine.outcome() {
                let outcome = outcome.clone();
                return self.finish(outcome);
            }
            match machine.poll_effect() {
                Some(effect) => {
                    let done = self.carry_out(&effect);
                    machine.handle(done, since_boot());
                }
                None => {
                    self.turn = None;
                    let wake = machine
                        .poll_timeout()
                        .map_or(Duration::ZERO, |(at, _)| at.saturating_sub(since_boot()));
                    std::thread::sleep(wake);
                    machine.handle_timeout(since_boot());
                }
            }
        }
    }

    fn carry_out(&mut self, effect: &Effect) -> Done {
        match effect {
            Effect::Probe { limit } => {
                self.turn = None;
                let asked = self.ask(*limit);
                let begun = self.journal.deadline_ms > 0;
                fault::point(&self.guard.places, if begun { "probe" } else { "pre-check" });
                self.in_turn(|_| asked)
            }
            Effect::Arm => self.arm(),
            Effect::Step(n) => self.in_turn(|carry| carry.step(*n)),
            Effect::Verify => self.in_turn(Self::verify),
            Effect::Persist => self.in_turn(Self::persist),
            Effect::HandOver => self.in_turn(Self::hand_over),
            Effect::Commit => self.in_turn(Self::commit),
            Effect::RollBack(fault) => self.in_turn(|carry| carry.roll_back(fault)),
        }
    }

    /// Does something when nobody else works on the network, and only if the change is still ours.
    fn in_turn(&mut self, work: impl FnOnce(&mut Self) -> Result<(), String>) -> Done {
        if self.turn.is_none() {
            match self.guard.places.turn(TURN) {
                Ok(Some(turn)) => self.turn = Some(turn),
                Ok(None) => {
                    return Done::Bad("somebody else works on the network and does not let go".to_owned());
                }
                Err(e) => return Done::Bad(crate::chain(&e)),
            }
            if self.journal.deadline_ms > 0 && !self.is_still_ours() {
                return Done::TakenBack;
            }
        }
        match work(self) {
            Ok(()) => Done::Good,
            Err(why) => Done::Bad(why),
        }
    }

    fn is_still_ours(&self) -> bool {
        match self.guard.places.read_change() {
            Ok(Some(j)) => j.change == self.journal.change && j.phase != Phase::RolledBack,
            Ok(None) | Err(_) => false,
        }
    }

    fn ask(&self, limit: Duration) -> Result<(), String> {
        match (&self.by, &self.guard.setup.prober) {
            (ConfirmBy::Command(script), _) => {
                let mut command = Command::shell(script.as_str());
                command.timeout = Some(limit);
                let output = Commands::run(self.ctx.host, &command, &Silent).map_err(|e| e.to_string())?;
                if output.exit.success() {
                    return Ok(());
                }
                Err(format!("`{script}` ended with {}: {}", output.exit.code(), output.stderr_text()))
            }
            (_, Some(prober)) => prober.probe(limit).map_err(|e| crate::chain(&e)),
            (_, None) => Err("there is no master to ask".to_owned()),
        }
    }

    fn arm(&mut self) -> Done {
        let done = self.in_turn(|carry| {
            // Another process may have begun a change since the first look: its journal is the only way back from it.
            let other = carry.guard.places.read_change().map_err(|e| crate::chain(&e))?;
            if let Some(other) = other.filter(|j| j.phase != Phase::RolledBack) {
                return Err(format!("the network change {} is pending; one at a time", other.change));
            }
            carry.set_deadline();
            carry.guard.places.write_untold(&carry.journal).map_err(|e| crate::chain(&e))?;
            carry.guard.places.write_change(&carry.journal).map_err(|e| crate::chain(&e))
        });
        if done != Done::Good {
            return done;
        }
        let fact = NetPending {
            id: self.guard.setup.id.clone(),
            change: self.journal.change.clone(),
            until: self.journal.until,
            steps: self.journal.lines(),
            risk: self.journal.risk.clone(),
            confirm: self.journal.confirm.clone(),
        };
        let setup = &self.guard.setup;
        setup.voice.pending(Some(self.within * 2 + EXCUSE));
        setup.voice.event(fact.tag(), fact.data());
        let started = guard::start(&self.guard.places, &self.journal.change, &setup.run_dir, &setup.data_dir);
        fault::point(&self.guard.places, "arm");
        match started {
            Ok(()) => Done::Good,
            Err(e) => {
                // Nothing was changed; there is nothing to take back.
                let _ = self.guard.places.forget_change();
                let _ = self.guard.places.forget_untold();
                setup.voice.pending(None);
                Done::Bad(e.to_string())
            }
        }
    }

    fn set_deadline(&mut self) {
        let deadline = since_boot() + self.within;
        self.journal.deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX).max(1);
        self.journal.until = clock::wall_clock() + self.within;
    }

    fn step(&mut self, n: usize) -> Result<(), String> {
        let step = &self.journal.steps[n].step;
        // The trial lives in the kernel alone: files, and who reads them, come when it is confirmed.
        if !step.is_of_files() {
            self.ctx.say(step.to_string());
            self.session
                .as_mut()
                .ok_or("the connection to the kernel is closed")?
                .step(step)
                .map_err(|e| e.cause.to_string())?;
        }
        fault::point(&self.guard.places, &format!("step:{n}"));
        Ok(())
    }

    fn verify(&mut self) -> Result<(), String> {
        let left = (self.remaining)()?;
        let of_kernel = |s: &&NetStep| self.journal.phase == Phase::Persisting || !s.is_of_files();
        match left.iter().find(of_kernel) {
            None => {
                self.guard.setup.voice.path_changed();
                fault::point(&self.guard.places, "verify");
                Ok(())
            }
            Some(first) => Err(first.to_string()),
        }
    }

    fn persist(&mut self) -> Result<(), String> {
        let session = self.session.as_mut().ok_or("the connection to the kernel is closed")?;
        let after = session.snapshot().map_err(|e| e.to_string())?;
        let writing = self.writing(&after)?;
        self.journal.files = writing.old_files()?;
        self.journal.hand_over.clone_from(&writing.hand_over);
        self.journal.phase = Phase::Persisting;
        self.set_deadline();
        let chain = |e: crate::files::FileError| crate::chain(&e);
        self.guard.places.write_pending(&self.journal).map_err(chain)?;
        self.guard.places.write_change(&self.journal).map_err(chain)?;
        fault::point(&self.guard.places, "persist-journal");
        writing.write()?;
        fault::point(&self.guard.places, "persist");
        Ok(())
    }

    /// What a change writes; one that takes another back puts that one's files back.
    fn writing(&self, after: &NetSnapshot) -> Result<persist::Writing, String> {
        let places = &self.guard.places;
        let Some(reverted) = &self.journal.reverts else {
            return persist::prepare(places, self.ctx.host, &self.journal, after);
        };
        let then = places.read_archived(reverted).map_err(|e| crate::chain(&e))?;
        let then = then.ok_or_else(|| format!("{reverted} is not in the archive any more"))?;
        persist::Writing::of(&then.files, then.hand_over)
    }

    fn hand_over(&mut self) -> Result<(), String> {
        persist::run_all(&self.journal.hand_over)?;
        fault::point(&self.guard.places, "hand-over");
        Ok(())
    }

    fn commit(&mut self) -> Result<(), String> {
        fault::point(&self.guard.places, "commit");
        self.guard.places.archive(&self.journal.change).map_err(|e| crate::chain(&e))?;
        fault::point(&self.guard.places, "archived");
        Ok(())
    }

    fn roll_back(&mut self, fault: &Fault) -> Result<(), String> {
        self.ctx.say(format!("taking the network change back: {}", fault.reason));
        // Its connection to the kernel is another one.
        self.session = None;
        let taken = recover::take_back(
            self.ctx.host,
            &self.guard.places,
            &mut self.journal,
            RolledBackBy::Agent,
            fault,
        );
        taken.map_err(|e| crate::chain(&e))
    }

    fn finish(mut self, outcome: Outcome) -> Result<String, NetFailure> {
        let setup = &self.guard.setup;
        let result = match outcome {
            Outcome::Refused(reason) => return Err(self.guard.refuse(self.change, &reason)),
            Outcome::Committed => {
                recover::committed(&self.journal, &setup.id, setup.voice.as_ref());
                Ok(self.confirmed_text())
            }
            Outcome::RolledBack(fault) => Err(self.taken_back(fault.step)),
            Outcome::TakenBack => {
                if let Ok(Some(theirs)) = self.guard.places.read_change() {
                    self.journal = theirs;
                }
                Err(self.taken_back(None))
            }
        };
        let decided = result.is_ok() || self.journal.report.is_some();
        // One that could not be taken back by us is still the guard's, and after it the next start's.
        if decided
            && let Err(e) = self.guard.places.forget_change().and_then(|()| self.guard.places.forget_untold())
        {
            tracing::error!(error = %crate::chain(&e), "the journal of a decided network change stays");
        }
        setup.voice.pending(None);
        setup.voice.settled();
        result
    }

    fn confirmed_text(&self) -> String {
        match &self.by {
            ConfirmBy::Nothing => "changed, confirmed by nobody".to_owned(),
            ConfirmBy::Command(command) => format!("changed, confirmed by `{command}`"),
            ConfirmBy::Configured | ConfirmBy::Master => "changed, confirmed by the master".to_owned(),
        }
    }

    fn taken_back(&mut self, step: Option<usize>) -> NetFailure {
        let setup = &self.guard.setup;
        self.turn = None;
        setup.voice.path_changed();
        let reachable = setup.prober.as_ref().map(recover::can_be_heard);
        recover::rolled_back(&self.journal, &setup.id, reachable, setup.voice.as_ref());
        let Some(report) = &self.journal.report else {
            return failure(
                "it could not be taken back here; the process that watches it does it at its deadline",
            );
        };
        let mut text = report.reason.clone();
        if let (Some(step), Some(error)) = (&report.step, &report.error) {
            text = format!("{step}: {error}");
        }
        text.push_str("; everything that was changed before has been undone");
        if !report.left.is_empty() {
            text = format!("{text}, except: {}", report.left.join("; "));
        }
        NetFailure { step, text }
    }
}
