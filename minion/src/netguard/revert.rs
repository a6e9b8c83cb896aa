//! `net.rollback`: takes the last committed change back, as a change of its own that is confirmed like any other.

use lab_states::function::JobCtx;
use lab_states::host::NetStep;
use lab_states::net::restore::holds;
use lab_states::net::{ChangeStep, Confirm, NetChange, NetFailure, settle};

use super::carry::{Guard, failure};
use super::journal::{Journal, Places};
use crate::files;

/// Lists the archived changes that are still in effect, the oldest first: those that reverted others, and were reverted, are
/// not.
///
/// # Errors
/// When the archive cannot be read.
pub fn history(places: &Places) -> Result<Vec<Journal>, String> {
    let read = |name: &String| places.read_archived(name).map_err(|e| crate::chain(&e));
    let all: Vec<Journal> =
        places.archive_names().iter().map(read).filter_map(Result::transpose).collect::<Result<_, _>>()?;
    let reverted: Vec<String> = all.iter().filter_map(|j| j.reverts.clone()).collect();
    Ok(all.into_iter().filter(|j| j.reverts.is_none() && !reverted.contains(&j.change)).collect())
}

/// Takes the last committed change back: kernel and files are as they were before it.
///
/// # Errors
/// When there is none, when somebody changed its files since, or when the way back is not confirmed.
pub fn revert(guard: &Guard, confirm: Confirm, ctx: &JobCtx<'_>) -> Result<String, NetFailure> {
    let last = history(&guard.places).map_err(failure)?.pop();
    let last = last.ok_or_else(|| failure("no committed change is in effect on this host"))?;
    unchanged_since(&last)?;
    let before = ctx.host.net_snapshot().map_err(|e| failure(e.to_string()))?;
    let steps: Vec<ChangeStep> =
        back(&last).into_iter().filter(|s| holds(&s.step, &before) != Some(true)).collect();
    let change = NetChange {
        calls: Vec::new(),
        settle: settle(&before, steps.iter().map(|s| &s.step)),
        before,
        steps,
        risk: last.risk.clone(),
        confirm,
    };
    // What is done to a link on the way to its removal is not to be found afterwards.
    let goes = |step: &NetStep| {
        let removed =
            |s: &ChangeStep| matches!(&s.step, NetStep::DeleteLink { name } if step.link() == Some(name));
        change.steps.iter().any(removed)
    };
    let remaining = || -> Result<Vec<NetStep>, String> {
        let now = ctx.host.net_snapshot().map_err(|e| e.to_string())?;
        let steps = change.steps.iter().map(|s| &s.step);
        let left = steps.filter(|s| holds(s, &now) == Some(false) && (is_removal(s) || !goes(s)));
        Ok(left.cloned().collect())
    };
    let done = guard.make(&change, Some(last.change.clone()), &remaining, ctx)?;
    Ok(format!("{} was taken back: {done}", last.change))
}

fn is_removal(step: &NetStep) -> bool {
    matches!(step, NetStep::DeleteLink { .. })
}

/// The steps of the way back, in an order that makes before it breaks, each with its own way forth again.
fn back(journal: &Journal) -> Vec<ChangeStep> {
    let mut steps = Vec::new();
    for step in journal.steps.iter().rev() {
        for (n, undo) in step.undo.iter().enumerate() {
            let forth = if n == 0 { vec![step.step.clone()] } else { Vec::new() };
            steps.push(ChangeStep { owner: step.owner, step: undo.clone(), undo: forth });
        }
    }
    steps
}

/// Refuses to put files back over what somebody wrote since.
fn unchanged_since(journal: &Journal) -> Result<(), NetFailure> {
    for file in journal.files.iter().filter(|f| f.path.starts_with("/etc")) {
        let now = files::read_if_any(&file.path).map_err(|e| failure(crate::chain(&e)))?;
        let now = now.map(|bytes| lab_proto::Digest::of(&bytes).to_string());
        if now != file.written {
            return Err(failure(format!(
                "{} was changed since {}; putting back what was before would lose that: undo it by hand, or write a state \
                 for what you want",
                file.path.display(),
                journal.change
            )));
        }
    }
    Ok(())
}
