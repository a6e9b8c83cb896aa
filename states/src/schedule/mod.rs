//! The one requisite scheduler: decides what runs next, what is skipped, and what is blocked.
//!
//! It knows nodes, what they ask of each other, and outcomes; not functions, machines or time. The in-memory run
//! ([`crate::run`]) and the durable orchestration drive the same type: [`Scheduler::poll`] gives the next step,
//! [`Scheduler::finish`] takes a node's outcome. The order is Salt's: nodes in their given order, what a node
//! requires pulled forward, in the order listed, just before it.
//!
//! A node under a `prereq` is first *rehearsed* (run dry); the rehearsal decides whether those who have it as
//! their prereq run.

mod needs;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use needs::Status;
use needs::evaluate;

use crate::low::Requisite;

/// What a node asks of other nodes, and how its failure counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// By kind, in [`Requisite`] order; indexes of nodes, in the order in which they are pulled forward.
    pub needs: Vec<(Requisite, Vec<usize>)>,
    /// Whether something that it asks for does not exist: it fails without being tried.
    pub missing: bool,
    /// Whether its failure ends the run.
    pub failhard: bool,
    /// Whether others may start while it runs.
    pub parallel: bool,
}

impl Node {
    fn targets(&self, requisite: Requisite) -> &[usize] {
        self.needs.iter().find(|(r, _)| *r == requisite).map_or(&[], |(_, t)| t)
    }

    /// Tells whether other nodes have it as their prereq.
    fn is_prerequired(&self) -> bool {
        !self.targets(Requisite::Prerequired).is_empty()
    }
}

/// Salt's result of a state: `True`, `None` or `False`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// A dry run found that it would change something.
    WouldChange,
    /// It does not hold.
    Failed,
}

/// What came of a node, as far as others care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The result.
    pub verdict: Verdict,
    /// Whether something was changed (or would be).
    pub changed: bool,
    /// Whether it was tried at all; a skipped node satisfies `require` but is no success for `require_any`.
    pub ran: bool,
}

impl Outcome {
    /// The outcome of a node that ran.
    pub fn ran(verdict: Verdict, changed: bool) -> Self {
        Self { verdict, changed, ran: true }
    }

    fn skipped() -> Self {
        Self { verdict: Verdict::Holds, changed: false, ran: false }
    }

    fn blocked() -> Self {
        Self { verdict: Verdict::Failed, changed: false, ran: true }
    }
}

/// Why a node was not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Something that it asks for does not exist.
    Missing,
    /// These nodes that it asks for failed.
    RequisiteFailed(Vec<usize>),
    /// It waits for itself, by way of these nodes (the first is also what the last waits for).
    Recursive(Vec<usize>),
    /// Nothing that its onchanges name has changed.
    Onchanges,
    /// Nothing that its onfail names has failed.
    Onfail,
    /// Nothing that its prereq names is about to change.
    Prereq,
    /// One of those that have it as their prereq failed: what its rehearsal found stands as its result.
    RehearsalStands,
    /// Something that it waits for was dropped when a failure ended the run.
    Halted,
}

impl Reason {
    /// Tells whether the node counts as failed.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Missing | Self::RequisiteFailed(_) | Self::Recursive(_) | Self::Halted)
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Run the node; answer with [`Scheduler::finish`].
    Run {
        /// The node.
        node: usize,
        /// Whether something that it watches has changed.
        fire: bool,
    },
    /// Run the node dry; answer with [`Scheduler::rehearsed`].
    Rehearse {
        /// The node.
        node: usize,
    },
    /// Nothing to do: the node is settled without being run. No answer.
    Settle {
        /// The node.
        node: usize,
        /// Why.
        reason: Reason,
    },
}

/// What [`Scheduler::poll`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Something is to be done.
    Next(Step),
    /// Nothing, before a node that is being run is finished.
    Waiting,
    /// All is settled, or a failure has ended the run.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Enter,
    Pull,
    Judge,
    Running,
}

/// A node that is being worked on.
#[derive(Clone, Debug)]
struct Frame {
    node: usize,
    rehearsal: bool,
    phase: Phase,
    /// Those that it still pulls forward, and whether each is to be rehearsed.
    pulls: VecDeque<(usize, bool)>,
    /// Whether it had to pull anything.
    pulled: bool,
    /// Whether a watch is certain to fire after this rehearsal.
    fires: bool,
}

/// The state of a run. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Scheduler {
    nodes: Vec<Node>,
    dry: bool,
    settled: Vec<Option<Outcome>>,
    running: Vec<bool>,
    rehearsals: Vec<Option<Outcome>>,
    /// Nodes whose rehearsal is only known to be blocked.
    never_rehearsed: Vec<bool>,
    /// Nodes that were begun since the last node that nobody pulled.
    active: Vec<bool>,
    begun: Vec<usize>,
    /// Nodes that a prerequired node waits for.
    awaited: Vec<bool>,
    stack: Vec<Frame>,
    next: usize,
    busy: usize,
    halted: bool,
}

impl Scheduler {
    /// Begins a run. In a dry run no failure ends it.
    ///
    /// # Panics
    /// When a node asks for an index that is no node.
    pub fn new(nodes: Vec<Node>, dry: bool) -> Self {
        let n = nodes.len();
        assert!(
            nodes.iter().flat_map(|x| &x.needs).flat_map(|(_, t)| t).all(|t| *t < n),
            "targets are nodes"
        );
        Self {
            nodes,
            dry,
            settled: vec![None; n],
            running: vec![false; n],
            rehearsals: vec![None; n],
            never_rehearsed: vec![false; n],
            active: vec![false; n],
            begun: Vec::new(),
            awaited: vec![false; n],
            stack: Vec::new(),
            next: 0,
            busy: 0,
            halted: false,
        }
    }

    /// Returns a settled node's outcome.
    pub fn outcome(&self, node: usize) -> Option<Outcome> {
        self.settled[node]
    }

    /// Tells whether a failure has ended the run before its time.
    pub fn halted(&self) -> bool {
        self.halted
    }

    /// Ends the run: nothing more is begun.
    pub fn halt(&mut self) {
        self.halted = true;
        self.stack.clear();
    }

    /// Tells whether the node could run now, were the `assumed` nodes settled and holding. Used to collect states
    /// that are applied together.
    pub fn could_run(&self, node: usize, assumed: &dyn Fn(usize) -> bool) -> bool {
        if self.settled[node].is_some() || self.running[node] || self.nodes[node].missing {
            return false;
        }
        self.nodes[node].needs.iter().all(|(requisite, targets)| match requisite {
            Requisite::Require | Requisite::Watch => targets
                .iter()
                .all(|t| assumed(*t) || self.settled[*t].is_some_and(|o| o.verdict != Verdict::Failed)),
            Requisite::Onchanges => {
                let known = targets.iter().all(|t| self.settled[*t].is_some());
                known && evaluate(&self.nodes[node], false, |_, t| self.settled[t]) == Some(Status::Met)
            }
            _ => targets.is_empty(),
        })
    }

    /// Decides what comes next.
    pub fn poll(&mut self) -> Poll {
        loop {
            if self.stack.is_empty() && !self.halted {
                self.begin();
            }
            let Some(frame) = self.stack.last() else {
                return if self.busy > 0 { Poll::Waiting } else { Poll::Done };
            };
            let (node, rehearsal) = (frame.node, frame.rehearsal);
            if self.halted && frame.phase != Phase::Running {
                return match self.give_up(node, rehearsal) {
                    Some(step) => Poll::Next(step),
                    None => continue,
                };
            }
            if frame.phase != Phase::Running && self.settled[node].is_some() {
                // Settled further up, by way of a circle that led back here.
                self.stack.pop();
                continue;
            }
            let step = match frame.phase {
                Phase::Enter => self.enter(node, rehearsal),
                Phase::Pull => self.pull(node),
                Phase::Judge if self.awaits_running(node, rehearsal) => return Poll::Waiting,
                Phase::Judge => self.judge(node, rehearsal),
                Phase::Running => return Poll::Waiting,
            };
            if let Some(step) = step {
                return Poll::Next(step);
            }
        }
    }

    /// Takes the outcome of a node that was to be run.
    pub fn finish(&mut self, node: usize, outcome: Outcome) {
        self.running[node] = false;
        self.busy -= 1;
        if self.stack.last().is_some_and(|f| f.node == node && f.phase == Phase::Running) {
            self.stack.pop();
        }
        self.record(node, outcome);
    }

    /// Takes the outcome of a node that was to be rehearsed.
    pub fn rehearsed(&mut self, node: usize, outcome: Outcome) {
        self.busy -= 1;
        let frame = self.stack.pop();
        let fires = frame.is_some_and(|f| f.fires);
        let will_change = Outcome::ran(Verdict::WouldChange, true);
        self.rehearsals[node] = Some(if fires && !outcome.changed { will_change } else { outcome });
    }

    /// Drops a node that was begun before the run was ended. Those that wait for what was dropped, or has failed,
    /// are reported; the one right behind the failure is not, as in Salt.
    fn give_up(&mut self, node: usize, rehearsal: bool) -> Option<Step> {
        if self.settled[node].is_some() || rehearsal {
            self.stack.pop();
            return None;
        }
        if self.has_unmet(node, false) {
            return self.settle(node, Reason::Halted);
        }
        if self.status(node, false) == Some(Status::Failed) {
            let failed = self.failed_targets(node);
            return self.settle(node, Reason::RequisiteFailed(failed));
        }
        self.stack.pop();
        None
    }

    /// Puts the next node in order on the stack.
    fn begin(&mut self) {
        while self.next < self.nodes.len() && (self.settled[self.next].is_some() || self.running[self.next]) {
            self.next += 1;
        }
        if self.next == self.nodes.len() {
            return;
        }
        for node in self.begun.drain(..) {
            self.active[node] = false;
        }
        self.push(self.next, false);
    }

    fn push(&mut self, node: usize, rehearsal: bool) {
        if !self.nodes[node].is_prerequired() {
            self.active[node] = true;
            self.begun.push(node);
        }
        let frame = Frame {
            node,
            rehearsal,
            phase: Phase::Enter,
            pulls: VecDeque::new(),
            pulled: false,
            fires: false,
        };
        self.stack.push(frame);
    }

    /// Looks at what the node asks for, and lists what must be pulled forward.
    fn enter(&mut self, node: usize, rehearsal: bool) -> Option<Step> {
        if self.nodes[node].missing {
            if rehearsal {
                self.rehearsals[node] = Some(Outcome::blocked());
                self.stack.pop();
                return None;
            }
            return self.settle(node, Reason::Missing);
        }
        let unmet = self.has_unmet(node, rehearsal);
        let mut pulls = VecDeque::new();
        if unmet {
            let foreseen = self.nodes[node].targets(Requisite::Prereq);
            for (requisite, targets) in relevant(&self.nodes[node], rehearsal) {
                for &target in targets {
                    self.awaited[target] |= requisite == Requisite::Prerequired;
                    // What is named by another requisite as well is rehearsed at its first place.
                    let rehearse =
                        foreseen.contains(&target) && !pulls.iter().any(|(t, dry)| *dry && *t == target);
                    pulls.push_back((target, rehearse));
                }
            }
        }
        let frame = self.stack.last_mut()?;
        frame.phase = if unmet { Phase::Pull } else { Phase::Judge };
        frame.pulled = unmet;
        frame.pulls = pulls;
        None
    }

    /// Begins the next node that is pulled forward.
    fn pull(&mut self, node: usize) -> Option<Step> {
        while let Some((target, dry)) = self.stack.last_mut().and_then(|f| f.pulls.pop_front()) {
            if self.settled[target].is_some() || self.running[target] {
                continue;
            }
            // A prerequired node is never marked active, since it is begun twice: dry and for real.
            let on_stack = self.nodes[target].is_prerequired()
                && self.stack.iter().any(|f| f.node == target && f.rehearsal == dry);
            if !self.active[target] && !on_stack {
                self.push(target, dry);
                return None;
            }
            if self.awaited[target] && self.stack.len() > 1 {
                // What is pulled waits for the one that pulls it, by way of a prereq: that one finds it undecided.
                self.stack.pop();
                return None;
            }
            let from = self.stack.iter().position(|f| f.node == target);
            let cycle = match from {
                Some(from) => self.stack[from..].iter().map(|f| f.node).collect(),
                None => vec![target, node],
            };
            return self.settle(node, Reason::Recursive(cycle));
        }
        self.stack.last_mut()?.phase = Phase::Judge;
        None
    }

    /// Decides about a node whose requisites are all known.
    fn judge(&mut self, node: usize, rehearsal: bool) -> Option<Step> {
        let pulled = self.stack.last().is_some_and(|f| f.pulled);
        let status = self.status(node, rehearsal);
        if rehearsal && pulled {
            return Some(self.rehearse(node, status == Some(Status::Fire)));
        }
        let reason = match status {
            Some(Status::Met | Status::Fire) if rehearsal => return Some(self.rehearse(node, false)),
            Some(Status::Met) => return Some(self.run(node, false)),
            Some(Status::Fire) => return Some(self.run(node, true)),
            Some(Status::Failed) => match self.rehearsals[node] {
                Some(found) if !self.never_rehearsed[node] => {
                    self.stack.pop();
                    self.record(node, Outcome { changed: false, ..found });
                    return Some(Step::Settle { node, reason: Reason::RehearsalStands });
                }
                _ => {
                    self.rehearsals[node] = Some(Outcome::blocked());
                    self.never_rehearsed[node] = true;
                    Reason::RequisiteFailed(self.failed_targets(node))
                }
            },
            Some(Status::Unforeseen) => {
                self.rehearsals[node] = Some(Outcome::ran(Verdict::Holds, false));
                Reason::Prereq
            }
            Some(Status::NothingFailed) => Reason::Onfail,
            Some(Status::NothingChanged) => Reason::Onchanges,
            // What it waits for came to no result while it was pulled: it depends on itself.
            None => Reason::Recursive(vec![node]),
        };
        self.settle(node, reason)
    }

    fn run(&mut self, node: usize, fire: bool) -> Step {
        self.busy += 1;
        self.running[node] = true;
        if self.nodes[node].parallel {
            self.stack.pop();
        } else if let Some(frame) = self.stack.last_mut() {
            frame.phase = Phase::Running;
        }
        Step::Run { node, fire }
    }

    fn rehearse(&mut self, node: usize, fires: bool) -> Step {
        self.busy += 1;
        if let Some(frame) = self.stack.last_mut() {
            frame.phase = Phase::Running;
            frame.fires = fires;
        }
        Step::Rehearse { node }
    }

    /// Settles the node on top of the stack without running it.
    fn settle(&mut self, node: usize, reason: Reason) -> Option<Step> {
        self.stack.pop();
        let outcome = match &reason {
            blocked if blocked.is_blocked() => Outcome::blocked(),
            Reason::Onchanges | Reason::Onfail => Outcome::skipped(),
            _ => Outcome::ran(Verdict::Holds, false),
        };
        self.record(node, outcome);
        Some(Step::Settle { node, reason })
    }

    fn record(&mut self, node: usize, outcome: Outcome) {
        self.settled[node] = Some(outcome);
        if outcome.verdict == Verdict::Failed && self.nodes[node].failhard && !self.dry {
            self.halted = true;
            if self.stack.last().is_some_and(|f| f.phase != Phase::Running) {
                self.stack.pop();
            }
        }
    }

    fn known(&self, requisite: Requisite, target: usize) -> Option<Outcome> {
        if requisite == Requisite::Prereq { self.rehearsals[target] } else { self.settled[target] }
    }

    fn status(&self, node: usize, rehearsal: bool) -> Option<Status> {
        evaluate(&self.nodes[node], rehearsal, |requisite, target| self.known(requisite, target))
    }

    fn has_unmet(&self, node: usize, rehearsal: bool) -> bool {
        relevant(&self.nodes[node], rehearsal).any(|(requisite, targets)| {
            targets.iter().any(|&t| {
                let begun = requisite != Requisite::Prereq && self.running[t];
                self.known(requisite, t).is_none() && !begun
            })
        })
    }

    fn awaits_running(&self, node: usize, rehearsal: bool) -> bool {
        relevant(&self.nodes[node], rehearsal).any(|(_, targets)| targets.iter().any(|&t| self.running[t]))
    }

    fn failed_targets(&self, node: usize) -> Vec<usize> {
        let mut failed = Vec::new();
        for &target in self.nodes[node].needs.iter().flat_map(|(_, targets)| targets) {
            let outcome = self.rehearsals[target].or(self.settled[target]);
            if outcome.is_some_and(|o| o.verdict == Verdict::Failed) && !failed.contains(&target) {
                failed.push(target);
            }
        }
        failed
    }
}

/// Lists what counts for a node; those that have it as their prereq do not count for its rehearsal.
fn relevant(node: &Node, rehearsal: bool) -> impl Iterator<Item = (Requisite, &[usize])> {
    node.needs
        .iter()
        .filter(move |(r, _)| !(rehearsal && *r == Requisite::Prerequired))
        .map(|(r, targets)| (*r, targets.as_slice()))
}
