//! Weighs what a node asks for against what is known of others.

use super::{Node, Outcome, Verdict};
use crate::low::Requisite;

/// What the requisites of a node come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It may run.
    Met,
    /// It may run, and something that it watches has changed.
    Fire,
    /// Something that it requires failed.
    Failed,
    /// Nothing that its prereq names is about to change.
    Unforeseen,
    /// Nothing that its onfail names has failed.
    NothingFailed,
    /// Nothing that its onchanges name has changed.
    NothingChanged,
}

/// What was seen among the targets of one kind, or of all.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    failed: bool,
    /// A target that ran and holds (for onfail: one that failed).
    met: bool,
    changed_watched: bool,
    about_to_change: bool,
    not_about_to_change: bool,
    /// A target of an onfail that holds.
    held: bool,
    changed: bool,
    unchanged: bool,
}

/// Weighs all requisites of a node; `None` while a target is unknown.
///
/// Kinds are weighed one by one (an `any` forgives failures within its own list only), then together in Salt's
/// order of precedence: a failure beats everything, a prereq beats onfail, onfail beats onchanges, and a change
/// that is watched comes last.
pub(super) fn evaluate(
    node: &Node,
    rehearsal: bool,
    known: impl Fn(Requisite, usize) -> Option<Outcome>,
) -> Option<Status> {
    let mut all = Seen::default();
    for (requisite, targets) in &node.needs {
        if rehearsal && *requisite == Requisite::Prerequired {
            continue;
        }
        let mut seen = Seen::default();
        for &target in targets {
            look(&mut seen, *requisite, known(*requisite, target)?);
        }
        forgive(&mut seen, *requisite);
        all.failed |= seen.failed;
        all.changed_watched |= seen.changed_watched;
        all.about_to_change |= seen.about_to_change;
        all.not_about_to_change |= seen.not_about_to_change;
        all.held |= seen.held;
        all.changed |= seen.changed;
        all.unchanged |= seen.unchanged;
    }
    Some(if all.failed {
        Status::Failed
    } else if all.not_about_to_change {
        if all.about_to_change { Status::Met } else { Status::Unforeseen }
    } else if all.held && !all.changed {
        Status::NothingFailed
    } else if all.unchanged && !all.changed {
        Status::NothingChanged
    } else if all.changed_watched {
        Status::Fire
    } else if all.held {
        Status::NothingFailed
    } else {
        Status::Met
    })
}

fn look(seen: &mut Seen, requisite: Requisite, target: Outcome) {
    use Requisite::{
        Onchanges, OnchangesAny, Onfail, OnfailAll, OnfailAny, Prereq, Prerequired, Require, RequireAny,
        Watch, WatchAny,
    };
    match requisite {
        Onfail | OnfailAny | OnfailAll => {
            if target.verdict == Verdict::Holds {
                seen.held = true;
            } else {
                seen.met |= target.ran;
            }
        }
        _ if target.verdict == Verdict::Failed => seen.failed = true,
        Onchanges | OnchangesAny if target.changed => seen.changed = true,
        Onchanges | OnchangesAny => seen.unchanged = true,
        Watch | WatchAny if target.changed => seen.changed_watched = true,
        Prereq if target.verdict == Verdict::WouldChange => seen.about_to_change = true,
        Prereq => seen.not_about_to_change = true,
        Watch | WatchAny | Require | RequireAny | Prerequired => seen.met |= target.ran,
    }
}

/// Lets one good target make up for bad ones where the kind says so.
fn forgive(seen: &mut Seen, requisite: Requisite) {
    use Requisite::{OnchangesAny, Onfail, OnfailAll, OnfailAny, RequireAny, WatchAny};
    match requisite {
        RequireAny | WatchAny | OnchangesAny | OnfailAny | Onfail => {
            if seen.met || seen.changed_watched || seen.changed {
                seen.failed = false;
            }
            if seen.changed {
                seen.unchanged = false;
            }
            if seen.met {
                seen.held = false;
            }
        }
        OnfailAll if seen.held => seen.met = false,
        _ => {}
    }
}
