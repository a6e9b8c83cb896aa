//! What the scheduler is told and what it answers.

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
    pub(super) fn targets(&self, requisite: Requisite) -> &[usize] {
        self.needs.iter().find(|(r, _)| *r == requisite).map_or(&[], |(_, t)| t)
    }

    /// Tells whether other nodes have it as their prereq.
    pub(super) fn is_prerequired(&self) -> bool {
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

    pub(super) fn skipped() -> Self {
        Self { verdict: Verdict::Holds, changed: false, ran: false }
    }

    pub(super) fn blocked() -> Self {
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
    /// One of those that have it as their prereq failed: what the rehearsal (of the node named) found stands as its
    /// result.
    RehearsalStands(usize),
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
    /// Run the node; answer with [`Scheduler::finish`](super::Scheduler::finish).
    Run {
        /// The node.
        node: usize,
        /// Whether something that it watches has changed.
        fire: bool,
    },
    /// Run the node dry; answer with [`Scheduler::rehearsed`](super::Scheduler::rehearsed).
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

/// What [`Scheduler::poll`](super::Scheduler::poll) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Something is to be done.
    Next(Step),
    /// Nothing, before a node that is being run is finished.
    Waiting,
    /// All is settled, or a failure has ended the run.
    Done,
}
