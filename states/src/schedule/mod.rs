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
mod types;

pub use needs::Status;
use needs::evaluate;
pub use types::{Node, Outcome, Poll, Reason, Step, Verdict};

use crate::low::Requisite;

/// How often a node looks at what it asks for again, after pulling it, before it counts as waiting for itself.
const MAX_LOOKS: u8 = 20;
/// How often one node may be begun within itself. Only those under a `prereq` are at all.
const MAX_WITHIN: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Looks at what it asks for.
    Look,
    /// Pulls forward what is not there yet.
    Pull,
    /// Something that it pulled is over.
    Pulled,
    /// It has looked again, with all that it pulled.
    LookedAgain,
    /// It is being run.
    Running,
    /// It is being rehearsed; what is found is kept for the node that is named.
    Rehearsing { of: usize, fires: bool, last: bool },
}

/// A node that is being worked on.
#[derive(Clone, Debug)]
struct Frame {
    node: usize,
    phase: Phase,
    looks: u8,
    pulls: Vec<usize>,
    at: usize,
}

impl Frame {
    fn new(node: usize, looks: u8) -> Self {
        Self { node, phase: Phase::Look, looks, pulls: Vec::new(), at: 0 }
    }

    /// What it pulled last.
    fn last_pulled(&self) -> Option<usize> {
        self.at.checked_sub(1).and_then(|at| self.pulls.get(at)).copied()
    }
}

/// What a rehearsal found.
#[derive(Clone, Debug)]
struct Rehearsal {
    outcome: Outcome,
    /// Which node was rehearsed: in a circle it may be the one that asks.
    by: usize,
    /// Why nothing was rehearsed.
    reason: Option<Reason>,
}

/// The state of a run. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Scheduler {
    nodes: Vec<Node>,
    dry: bool,
    settled: Vec<Option<Outcome>>,
    running: Vec<bool>,
    rehearsals: Vec<Option<Rehearsal>>,
    /// Nodes that are to be rehearsed when they are begun next.
    rehearse: Vec<bool>,
    /// Nodes that were begun since the last node that nobody pulled.
    active: Vec<bool>,
    begun: Vec<usize>,
    /// Nodes that a prerequired node waits for.
    awaited: Vec<bool>,
    /// How often a node is on the stack.
    within: Vec<u8>,
    stack: Vec<Frame>,
    /// What is left of the steps that even the worst graph may take.
    patience: usize,
    /// The node in order that is being worked on, and the next.
    current: Option<usize>,
    next: usize,
    /// How many nodes are open, and how many were at the end of the last round.
    left: usize,
    left_before: usize,
    /// A whole round settled nothing.
    stuck: bool,
    busy: usize,
    /// A failure further down ends the run once all that was begun has come to an end.
    ending: bool,
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
        let asked: usize = nodes.iter().flat_map(|x| &x.needs).map(|(_, t)| t.len()).sum();
        Self {
            nodes,
            dry,
            settled: vec![None; n],
            running: vec![false; n],
            rehearsals: vec![None; n],
            rehearse: vec![false; n],
            active: vec![false; n],
            begun: Vec::new(),
            awaited: vec![false; n],
            within: vec![0; n],
            stack: Vec::new(),
            patience: 1000 + 50 * (n + asked),
            current: None,
            next: 0,
            left: n,
            left_before: n,
            stuck: false,
            busy: 0,
            ending: false,
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
            let node = frame.node;
            let step = match frame.phase {
                Phase::Look => match self.look(node) {
                    Ok(step) => step,
                    Err(Unfinished) => return Poll::Waiting,
                },
                Phase::Pull => self.pull(node),
                Phase::Pulled => self.pulled(),
                Phase::LookedAgain => self.leave(),
                Phase::Running | Phase::Rehearsing { .. } => return Poll::Waiting,
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
            self.pop();
        } else if self.stack.is_empty() || self.nodes[node].parallel {
            // Nobody waits where it was begun, so nobody else would see that it ends the run.
            self.ending |= self.ends_run(node, outcome);
        }
        self.record(node, outcome);
    }

    /// Takes the outcome of a node that was to be rehearsed.
    pub fn rehearsed(&mut self, node: usize, outcome: Outcome) {
        self.busy -= 1;
        self.rehearse[node] = false;
        let Some(frame) = self.stack.last() else { return };
        let Phase::Rehearsing { of, fires, last } = frame.phase else { return };
        let will_change = Outcome::ran(Verdict::WouldChange, true);
        let outcome = if fires && !outcome.changed { will_change } else { outcome };
        self.rehearsals[of] = Some(Rehearsal { outcome, by: node, reason: None });
        if last {
            self.pop();
        } else {
            self.phase(Phase::LookedAgain);
        }
    }

    /// Puts the next node in order on the stack, unless a failure has ended the run.
    fn begin(&mut self) {
        if let Some(node) = self.current.take() {
            let outcome = self.settled[node];
            self.ending |= outcome.is_some_and(|o| self.ends_run(node, o));
        }
        if self.ending {
            self.halted = true;
            return;
        }
        let Some(node) = self.next_in_order() else { return };
        for node in self.begun.drain(..) {
            self.active[node] = false;
        }
        self.current = Some(node);
        self.push(node);
    }

    /// Finds the next node that is open. One whose turn was used up by a rehearsal, as can be in a circle by way of
    /// a `prereq`, has another turn after all others (Salt forgets it).
    fn next_in_order(&mut self) -> Option<usize> {
        let open = |n: &usize| self.settled[*n].is_none() && !self.running[*n];
        let node = (self.next..self.nodes.len()).find(open).or_else(|| {
            self.stuck = self.left_before == self.left;
            self.left_before = self.left;
            (0..self.nodes.len()).find(open)
        })?;
        self.next = node + 1;
        Some(node)
    }

    fn push(&mut self, node: usize) {
        // A prerequired node is never marked active, since it is begun twice: dry and for real.
        if !self.nodes[node].is_prerequired() {
            self.active[node] = true;
            self.begun.push(node);
        }
        self.within[node] = self.within[node].saturating_add(1);
        self.patience = self.patience.saturating_sub(1);
        self.stack.push(Frame::new(node, 0));
    }

    fn pop(&mut self) {
        if let Some(frame) = self.stack.pop()
            && frame.looks == 0
        {
            self.within[frame.node] = self.within[frame.node].saturating_sub(1);
        }
    }

    fn phase(&mut self, phase: Phase) {
        if let Some(frame) = self.stack.last_mut() {
            frame.phase = phase;
        }
    }

    /// Looks at what the node asks for: decides about it, or lists what must be pulled forward.
    fn look(&mut self, node: usize) -> Result<Option<Step>, Unfinished> {
        if self.settled[node].is_some() || self.running[node] {
            // Settled, or begun beside the others, further up: by way of a circle that led back here.
            self.pop();
            return Ok(None);
        }
        if std::mem::take(&mut self.stuck) {
            return Ok(Some(self.settle(node, Reason::Recursive(vec![node]))));
        }
        if self.nodes[node].missing {
            return Ok(self.missing(node));
        }
        let dry = self.rehearse[node];
        if self.has_unmet(node, dry) {
            let foreseen = self.nodes[node].targets(Requisite::Prereq).to_vec();
            let pulls = relevant(&self.nodes[node], dry).flat_map(|(_, t)| t).copied().collect();
            for target in foreseen {
                self.rehearse[target] = true;
            }
            if !dry {
                for target in self.nodes[node].targets(Requisite::Prerequired).to_vec() {
                    self.awaited[target] = true;
                }
            }
            if let Some(frame) = self.stack.last_mut() {
                frame.pulls = pulls;
                frame.phase = Phase::Pull;
            }
            return Ok(None);
        }
        if self.awaits_running(node, dry) {
            return Err(Unfinished);
        }
        Ok(self.judge(node, dry))
    }

    /// Something that it asks for does not exist.
    fn missing(&mut self, node: usize) -> Option<Step> {
        if self.rehearse[node] {
            // Salt would rehearse it for ever and never report it; it is reported when its own turn comes.
            self.rehearse[node] = false;
            self.rehearsals[node] =
                Some(Rehearsal { outcome: Outcome::blocked(), by: node, reason: Some(Reason::Missing) });
            self.pop();
            return None;
        }
        Some(self.settle(node, Reason::Missing))
    }

    /// Begins the next node that is pulled forward.
    fn pull(&mut self, node: usize) -> Option<Step> {
        if self.settled[node].is_some() || self.running[node] {
            return self.leave();
        }
        while let Some(frame) = self.stack.last_mut() {
            let Some(&target) = frame.pulls.get(frame.at) else { break };
            frame.at += 1;
            if self.settled[target].is_some() || self.running[target] {
                continue;
            }
            if self.active[target] && self.awaited[target] {
                // What is pulled waits for the one that pulls it, by way of a prereq.
                if self.rehearsals[node].is_none() {
                    return Some(self.rehearse(node, target, false, true));
                }
                self.pop();
                return None;
            }
            let lost = self.within[target] >= MAX_WITHIN || self.patience == 0;
            if self.active[target] || lost {
                return Some(self.circle(node, target));
            }
            self.phase(Phase::Pulled);
            self.push(target);
            return None;
        }
        self.pulled_all(node)
    }

    fn pulled(&mut self) -> Option<Step> {
        if self.fatal() {
            return self.leave();
        }
        self.phase(Phase::Pull);
        None
    }

    /// All that was to be pulled is over: rehearses the node, or looks again.
    fn pulled_all(&mut self, node: usize) -> Option<Step> {
        if self.rehearse[node] {
            let fires = self.status(node, true) == Some(Status::Fire);
            return Some(self.rehearse(node, node, fires, false));
        }
        self.phase(Phase::LookedAgain);
        let looks = self.stack.last()?.looks + 1;
        if looks >= MAX_LOOKS {
            // What it waits for came to no result while it was pulled: it depends on itself.
            let step = Step::Settle { node, reason: Reason::Recursive(vec![node]) };
            self.record(node, Outcome::blocked());
            return Some(step);
        }
        if !self.nodes[node].is_prerequired() && !self.active[node] {
            self.active[node] = true;
            self.begun.push(node);
        }
        self.stack.push(Frame::new(node, looks));
        None
    }

    /// Tells whether what was pulled last ends the run.
    fn fatal(&self) -> bool {
        let last = self.stack.last().and_then(Frame::last_pulled);
        last.is_some_and(|l| self.settled[l].is_some_and(|o| self.ends_run(l, o)))
    }

    fn leave(&mut self) -> Option<Step> {
        self.ending |= self.fatal();
        self.pop();
        None
    }

    /// Settles a node that asks for one that is being worked on.
    fn circle(&mut self, node: usize, target: usize) -> Step {
        if self.ending {
            return self.settle(node, Reason::Halted);
        }
        let mut cycle = match self.stack.iter().position(|f| f.node == target) {
            Some(from) => self.stack[from..].iter().map(|f| f.node).collect(),
            None => vec![target, node],
        };
        cycle.dedup();
        self.settle(node, Reason::Recursive(cycle))
    }

    /// Decides about a node of which all requisites are known.
    fn judge(&mut self, node: usize, dry: bool) -> Option<Step> {
        let reason = match self.status(node, dry)? {
            Status::Met | Status::Fire if dry => return Some(self.rehearse(node, node, false, true)),
            Status::Met => return Some(self.run(node, false)),
            Status::Fire => return Some(self.run(node, true)),
            Status::Failed => match self.rehearsals[node].take() {
                Some(found) => return Some(self.stand(node, found)),
                None => Reason::RequisiteFailed(self.failed_targets(node)),
            },
            Status::Unforeseen => Reason::Prereq,
            Status::NothingFailed => Reason::Onfail,
            Status::NothingChanged => Reason::Onchanges,
        };
        let step = self.settle(node, reason.clone());
        if matches!(reason, Reason::RequisiteFailed(_) | Reason::Prereq) {
            let outcome = self.settled[node].unwrap_or_else(Outcome::blocked);
            self.rehearsals[node] = Some(Rehearsal { outcome, by: node, reason: Some(reason) });
        }
        Some(step)
    }

    /// Lets what a rehearsal found be the node's result.
    fn stand(&mut self, node: usize, found: Rehearsal) -> Step {
        self.pop();
        self.record(node, Outcome { changed: false, ..found.outcome });
        let reason = found.reason.clone().unwrap_or(Reason::RehearsalStands(found.by));
        self.rehearsals[node] = Some(found);
        Step::Settle { node, reason }
    }

    fn run(&mut self, node: usize, fire: bool) -> Step {
        self.busy += 1;
        self.running[node] = true;
        if self.nodes[node].parallel {
            self.pop();
        } else {
            self.phase(Phase::Running);
        }
        Step::Run { node, fire }
    }

    fn rehearse(&mut self, node: usize, of: usize, fires: bool, last: bool) -> Step {
        self.busy += 1;
        self.phase(Phase::Rehearsing { of, fires, last });
        Step::Rehearse { node }
    }

    /// Settles the node on top of the stack without running it.
    fn settle(&mut self, node: usize, reason: Reason) -> Step {
        self.pop();
        let outcome = match &reason {
            blocked if blocked.is_blocked() => Outcome::blocked(),
            Reason::Onchanges | Reason::Onfail => Outcome::skipped(),
            _ => Outcome::ran(Verdict::Holds, false),
        };
        self.record(node, outcome);
        Step::Settle { node, reason }
    }

    fn record(&mut self, node: usize, outcome: Outcome) {
        self.left -= usize::from(self.settled[node].is_none());
        self.settled[node] = Some(outcome);
    }

    fn ends_run(&self, node: usize, outcome: Outcome) -> bool {
        outcome.verdict == Verdict::Failed && self.nodes[node].failhard && !self.dry
    }

    fn known(&self, requisite: Requisite, target: usize) -> Option<Outcome> {
        if requisite == Requisite::Prereq {
            self.rehearsals[target].as_ref().map(|r| r.outcome)
        } else {
            self.settled[target]
        }
    }

    fn status(&self, node: usize, dry: bool) -> Option<Status> {
        evaluate(&self.nodes[node], dry, |requisite, target| self.known(requisite, target))
    }

    fn has_unmet(&self, node: usize, dry: bool) -> bool {
        relevant(&self.nodes[node], dry).any(|(requisite, targets)| {
            targets.iter().any(|&t| {
                let begun = requisite != Requisite::Prereq && self.running[t];
                self.known(requisite, t).is_none() && !begun
            })
        })
    }

    fn awaits_running(&self, node: usize, dry: bool) -> bool {
        relevant(&self.nodes[node], dry).any(|(_, targets)| targets.iter().any(|&t| self.running[t]))
    }

    fn failed_targets(&self, node: usize) -> Vec<usize> {
        let mut failed = Vec::new();
        for &target in self.nodes[node].needs.iter().flat_map(|(_, targets)| targets) {
            let outcome = self.known(Requisite::Prereq, target).or(self.settled[target]);
            if outcome.is_some_and(|o| o.verdict == Verdict::Failed) && !failed.contains(&target) {
                failed.push(target);
            }
        }
        failed
    }
}

/// Something that the node asks for is still being run.
struct Unfinished;

/// Lists what counts for a node; those that have it as their prereq do not count for its rehearsal.
fn relevant(node: &Node, rehearsal: bool) -> impl Iterator<Item = (Requisite, &[usize])> {
    node.needs
        .iter()
        .filter(move |(r, _)| !(rehearsal && *r == Requisite::Prerequired))
        .map(|(r, targets)| (*r, targets.as_slice()))
}
