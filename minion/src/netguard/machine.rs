//! The decisions of a guarded change, without IO: which effect comes next, and when enough is enough.
//!
//! The driver calls [`Machine::poll_effect`] and carries out what it gets, one effect at a time, and tells the result with
//! [`Machine::handle`]. While there is no effect it waits until [`Machine::poll_timeout`] and calls
//! [`Machine::handle_timeout`]. [`Machine::outcome`] says when it is over. Time is whatever the driver passes, and never goes
//! back.

use std::time::Duration;

/// How many probes in a row must succeed.
const IN_A_ROW: u8 = 2;
/// How long between two probes.
const BETWEEN_PROBES: Duration = Duration::from_millis(500);
/// The most time that one probe may take.
const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// How often the kernel's state is compared before it counts as not kept.
const LOOKS: u8 = 6;
/// How long between two looks: whoever configures links may be busy with them.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// What the change asks of its guard.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many steps it has.
    pub steps: usize,
    /// Whether it must be confirmed.
    pub confirm: bool,
    /// Whether to begin although it could not be confirmed as things are.
    pub force: bool,
    /// The time for confirming, from the moment when the guard is armed, and again from the moment of the hand-over.
    pub within: Duration,
    /// Whether it is written down for the next boot.
    pub persist: bool,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the master over a new connection.
    Probe {
        /// For at most this long.
        limit: Duration,
    },
    /// Write the journal and start the process that watches.
    Arm,
    /// Take this step.
    Step(usize),
    /// Compare the kernel with what is wanted.
    Verify,
    /// Extend the deadline in the journal, save the old files, write the new ones.
    Persist,
    /// Tell whoever owns the links.
    HandOver,
    /// Make it final.
    Commit,
    /// Take everything back.
    RollBack(Fault),
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It succeeded.
    Good,
    /// It did not.
    Bad(String),
    /// Somebody else took the change back meanwhile.
    TakenBack,
}

/// Why a change is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// For people.
    pub reason: String,
    /// The step that failed.
    pub step: Option<usize>,
    /// What the kernel said.
    pub error: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It stays.
    Committed,
    /// Nothing was touched.
    Refused(String),
    /// It was taken back.
    RolledBack(Fault),
    /// It was taken back by the process that watched.
    TakenBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    PreCheck,
    Arming,
    Stepping(usize),
    Verifying { looks: u8, handed_over: bool },
    Confirming { good: u8, handed_over: bool },
    Persisting,
    HandingOver,
    Committing,
    RollingBack,
    Over,
}

/// One change.
#[derive(Debug)]
pub struct Machine {
    policy: Policy,
    phase: Phase,
    effect: Option<Effect>,
    wake: Option<Duration>,
    deadline: Option<Duration>,
    last_no: Option<String>,
    fault: Option<Fault>,
    outcome: Option<Outcome>,
}

impl Machine {
    /// Begins.
    pub fn new(policy: Policy) -> Self {
        let first = policy.confirm && !policy.force;
        let (phase, effect) = if first {
            (Phase::PreCheck, Effect::Probe { limit: PROBE_LIMIT })
        } else {
            (Phase::Arming, Effect::Arm)
        };
        Self {
            policy,
            phase,
            effect: Some(effect),
            wake: None,
            deadline: None,
            last_no: None,
            fault: None,
            outcome: None,
        }
    }

    /// Returns what is to be done next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effect.take()
    }

    /// Returns when to call [`Self::handle_timeout`], and why.
    pub fn poll_timeout(&self) -> Option<(Duration, &'static str)> {
        self.wake.map(|at| (at, "look or ask again"))
    }

    /// Returns how it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Returns by when the change must be confirmed, once it is armed.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Takes the result of the effect that was given last.
    pub fn handle(&mut self, done: Done, now: Duration) {
        if done == Done::TakenBack {
            return self.end(Outcome::TakenBack);
        }
        match (self.phase, done) {
            (Phase::PreCheck, Done::Good) => self.go(Phase::Arming, Effect::Arm),
            (Phase::PreCheck, Done::Bad(why)) => self.end(Outcome::Refused(format!(
                "the master cannot be reached as the network is now ({why}), so nobody could tell whether the change \
                 is good; nothing was changed. To change it all the same, say `confirm: none` or `force: True`"
            ))),
            (Phase::Arming, Done::Good) => {
                self.deadline = Some(now + self.policy.within);
                self.step_or_verify(0);
            }
            (Phase::Arming, Done::Bad(why)) => {
                self.end(Outcome::Refused(format!("the change cannot be guarded: {why}; nothing was changed")));
            }
            (Phase::Stepping(n), Done::Good) => self.step_or_verify(n + 1),
            (Phase::Stepping(n), Done::Bad(error)) => self.fail(Fault {
                reason: "the kernel refused a step".to_owned(),
                step: Some(n),
                error: Some(error),
            }),
            (Phase::Verifying { handed_over, .. }, Done::Good) => self.verified(handed_over, now),
            (Phase::Verifying { looks, handed_over }, Done::Bad(why)) => {
                self.looked_in_vain(looks, handed_over, &why, now);
            }
            (Phase::Confirming { good, handed_over }, Done::Good) => self.confirmed(good + 1, handed_over, now),
            (Phase::Confirming { handed_over, .. }, Done::Bad(why)) => {
                self.last_no = Some(why);
                self.phase = Phase::Confirming { good: 0, handed_over };
                self.ask_again(now);
            }
            (Phase::Persisting, Done::Good) => {
                self.deadline = Some(now + self.policy.within);
                self.go(Phase::HandingOver, Effect::HandOver);
            }
            (Phase::HandingOver, Done::Good) => {
                self.go(Phase::Verifying { looks: 0, handed_over: true }, Effect::Verify);
            }
            (Phase::Committing, Done::Good) => self.end(Outcome::Committed),
            (Phase::Persisting, Done::Bad(why)) => self.fail_with(format!("it cannot be written down: {why}")),
            (Phase::HandingOver, Done::Bad(why)) => self.fail_with(format!("it cannot be handed over: {why}")),
            (Phase::Committing, Done::Bad(why)) => self.fail_with(format!("it cannot be made final: {why}")),
            (Phase::RollingBack, _) => {
                let fault = self.fault.take().unwrap_or_else(|| Fault::of("it was taken back"));
                self.end(Outcome::RolledBack(fault));
            }
            (Phase::Over, _) | (_, Done::TakenBack) => {}
        }
    }

    /// Takes a wake-up.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.wake.is_none_or(|at| at > now) {
            return;
        }
        self.wake = None;
        match self.phase {
            Phase::Verifying { .. } => self.effect = Some(Effect::Verify),
            Phase::Confirming { .. } => self.ask(now),
            _ => {}
        }
    }

    fn step_or_verify(&mut self, next: usize) {
        if next < self.policy.steps {
            self.go(Phase::Stepping(next), Effect::Step(next));
        } else {
            self.go(Phase::Verifying { looks: 0, handed_over: false }, Effect::Verify);
        }
    }

    fn verified(&mut self, handed_over: bool, now: Duration) {
        if self.policy.confirm {
            self.phase = Phase::Confirming { good: 0, handed_over };
            self.ask(now);
        } else {
            self.kept(handed_over);
        }
    }

    fn looked_in_vain(&mut self, looks: u8, handed_over: bool, why: &str, now: Duration) {
        let looks = looks + 1;
        if looks >= LOOKS {
            let whose = if handed_over { "after the hand-over the machine" } else { "the kernel" };
            return self.fail_with(format!("{whose} does not keep it: still to do is {why}"));
        }
        self.phase = Phase::Verifying { looks, handed_over };
        self.wake = Some(now + BETWEEN_LOOKS);
    }

    fn ask(&mut self, now: Duration) {
        let left = self.deadline.unwrap_or(now).saturating_sub(now);
        if left.is_zero() {
            let why = self.last_no.take().unwrap_or_else(|| "nobody was asked".to_owned());
            return self.fail_with(format!("the master could not be reached in time: {why}"));
        }
        self.effect = Some(Effect::Probe { limit: left.min(PROBE_LIMIT) });
    }

    fn ask_again(&mut self, now: Duration) {
        let at = now + BETWEEN_PROBES;
        self.wake = Some(self.deadline.map_or(at, |d| at.min(d.max(now))));
    }

    fn confirmed(&mut self, good: u8, handed_over: bool, now: Duration) {
        if good >= IN_A_ROW {
            return self.kept(handed_over);
        }
        self.phase = Phase::Confirming { good, handed_over };
        self.ask(now);
    }

    fn kept(&mut self, handed_over: bool) {
        if handed_over || !self.policy.persist {
            self.go(Phase::Committing, Effect::Commit);
        } else {
            self.go(Phase::Persisting, Effect::Persist);
        }
    }

    fn fail_with(&mut self, reason: String) {
        self.fail(Fault { reason, step: None, error: None });
    }

    fn fail(&mut self, fault: Fault) {
        self.fault = Some(fault.clone());
        self.go(Phase::RollingBack, Effect::RollBack(fault));
    }

    fn go(&mut self, phase: Phase, effect: Effect) {
        (self.phase, self.effect, self.wake) = (phase, Some(effect), None);
    }

    fn end(&mut self, outcome: Outcome) {
        (self.phase, self.effect, self.wake, self.outcome) = (Phase::Over, None, None, Some(outcome));
    }
}

impl Fault {
    /// Makes a fault of a sentence.
    pub fn of(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), step: None, error: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy(steps: usize) -> Policy {
        Policy { steps, confirm: true, force: false, within: Duration::from_secs(30), persist: true }
    }

    /// Drives a machine on a clock that jumps to the next wake-up; returns the effects and the end.
    fn drive(
        policy: Policy,
        mut answer: impl FnMut(&Effect, Duration) -> (Done, Duration),
    ) -> (Vec<Effect>, Outcome) {
        let (mut machine, mut now, mut seen) = (Machine::new(policy), Duration::from_secs(100), Vec::new());
        for _ in 0..10_000 {
            if let Some(outcome) = machine.outcome() {
                return (seen, outcome.clone());
            }
            match machine.poll_effect() {
                Some(effect) => {
                    let (done, took) = answer(&effect, now);
                    now += took;
                    seen.push(effect);
                    machine.handle(done, now);
                }
                None => {
                    now = machine.poll_timeout().expect("it waits for something").0.max(now);
                    machine.handle_timeout(now);
                }
            }
        }
        panic!("it does not end: {seen:?}");
    }

    fn kinds(effects: &[Effect]) -> Vec<&'static str> {
        let kind = |e: &Effect| match e {
            Effect::Probe { .. } => "probe",
            Effect::Arm => "arm",
            Effect::Step(_) => "step",
            Effect::Verify => "verify",
            Effect::Persist => "persist",
            Effect::HandOver => "hand over",
            Effect::Commit => "commit",
            Effect::RollBack(_) => "roll back",
        };
        effects.iter().map(kind).collect()
    }

    fn quick() -> Duration {
        Duration::from_millis(1)
    }

    #[test]
    fn a_good_change_is_asked_about_before_twice_after_and_twice_again_after_the_hand_over() {
        let (effects, outcome) = drive(policy(2), |_, _| (Done::Good, quick()));
        assert_eq!(outcome, Outcome::Committed);
        assert_eq!(
            kinds(&effects),
            [
                "probe",
                "arm",
                "step",
                "step",
                "verify",
                "probe",
                "probe",
                "persist",
                "hand over",
                "verify",
                "probe",
                "probe",
                "commit"
            ]
        );
    }

    #[test]
    fn without_a_way_to_the_master_nothing_is_touched() {
        let (effects, outcome) = drive(policy(2), |_, _| (Done::Bad("silent".into()), quick()));
        assert_eq!(kinds(&effects), ["probe"]);
        assert!(matches!(outcome, Outcome::Refused(why) if why.contains("silent") && why.contains("force")));
    }

    #[test]
    fn forced_it_goes_on_and_is_taken_back_at_the_deadline() {
        let forced = Policy { force: true, ..policy(1) };
        let (effects, outcome) = drive(forced, |effect, _| match effect {
            Effect::Probe { limit } => (Done::Bad("silent".into()), *limit),
            _ => (Done::Good, quick()),
        });
        assert_eq!(kinds(&effects)[..3], ["arm", "step", "verify"]);
        let Outcome::RolledBack(fault) = outcome else { panic!("{outcome:?}") };
        assert!(fault.reason.contains("in time: silent"), "{fault:?}");
        let asked: Duration =
            effects.iter().map(|e| if let Effect::Probe { limit } = e { *limit } else { quick() }).sum();
        assert!(asked <= Duration::from_secs(30), "no probe outlives the deadline: {asked:?}");
    }

    #[test]
    fn one_answer_between_silences_is_no_confirmation() {
        let mut n = 0;
        let (_, outcome) = drive(Policy { force: true, ..policy(1) }, |effect, _| {
            let Effect::Probe { .. } = effect else { return (Done::Good, quick()) };
            n += 1;
            (if n % 2 == 0 { Done::Good } else { Done::Bad("lost".into()) }, quick())
        });
        assert!(matches!(outcome, Outcome::RolledBack(_)), "{outcome:?}");
    }

    #[test]
    fn a_step_that_the_kernel_refuses_is_named_and_all_is_taken_back() {
        let (effects, outcome) = drive(policy(3), |effect, _| match effect {
            Effect::Step(1) => (Done::Bad("Device or resource busy".into()), quick()),
            _ => (Done::Good, quick()),
        });
        assert_eq!(kinds(&effects), ["probe", "arm", "step", "step", "roll back"]);
        let Outcome::RolledBack(fault) = outcome else { panic!("{outcome:?}") };
        assert_eq!((fault.step, fault.error.as_deref()), (Some(1), Some("Device or resource busy")));
    }

    #[test]
    fn nothing_is_asked_when_nothing_confirms() {
        let (effects, outcome) = drive(Policy { confirm: false, ..policy(1) }, |_, _| (Done::Good, quick()));
        assert_eq!(outcome, Outcome::Committed);
        assert!(!kinds(&effects).contains(&"probe"), "{effects:?}");
    }

    proptest! {
        /// Whatever fails and whenever: it ends, it ends once, and a change that was armed is either committed after its
        /// last confirmation or taken back.
        #[test]
        fn every_armed_change_is_committed_or_taken_back(answers in proptest::collection::vec(any::<bool>(), 0..40), steps in 0usize..4) {
            let mut answers = answers.into_iter();
            let (effects, outcome) = drive(policy(steps), |effect, _| {
                let good = answers.next().unwrap_or(true) || matches!(effect, Effect::RollBack(_));
                (if good { Done::Good } else { Done::Bad("no".into()) }, Duration::from_millis(700))
            });
            let kinds = kinds(&effects);
            match outcome {
                Outcome::Committed => {
                    prop_assert_eq!(kinds.last(), Some(&"commit"));
                    prop_assert!(!kinds.contains(&"roll back"));
                }
                Outcome::Refused(_) => prop_assert!(!kinds.contains(&"step")),
                Outcome::RolledBack(_) => prop_assert_eq!(kinds.last(), Some(&"roll back")),
                Outcome::TakenBack => prop_assert!(false, "nobody did"),
            }
        }
    }
}
