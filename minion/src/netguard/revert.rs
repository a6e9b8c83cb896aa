//! `net.rollback`: takes the last committed change back, as a change of its own that is confirmed like any other.

use lab_states::function::JobCtx;
use lab_states::host::{NetSnapshot, NetStep};
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
    let remaining = || -> Result<Vec<NetStep>, String> {
        let now = ctx.host.net_snapshot().map_err(|e| e.to_string())?;
        Ok(left(&change.steps, &last.before, &now))
    };
    let done = guard.make(&change, Some(last.change.clone()), &remaining, ctx)?;
    Ok(format!("{} was taken back: {done}", last.change))
}

/// Names the steps of the way back that the machine does not show. What is done to a link on the way to its removal is not to
/// be found afterwards; a link that was not there before the change goes, be it with the other end of its cable.
fn left(steps: &[ChangeStep], then: &NetSnapshot, now: &NetSnapshot) -> Vec<NetStep> {
    let removes = |step: &NetStep| matches!(step, NetStep::DeleteLink { .. });
    let goes = |step: &NetStep| {
        let removed = |s: &ChangeStep| removes(&s.step) && s.step.link() == step.link();
        step.link().is_some_and(|link| then.link(link).is_none()) || steps.iter().any(removed)
    };
    let steps = steps.iter().map(|s| &s.step);
    steps.filter(|s| holds(s, now) == Some(false) && (removes(s) || !goes(s))).cloned().collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use lab_states::host::sim::SimHost;
    use lab_states::host::{LinkKind, Network, NewLink};

    #[test]
    fn a_cable_that_was_made_goes_with_both_ends() {
        let host = SimHost::new();
        let then = host.net_snapshot().expect("simulated");
        let kind = LinkKind::Veth { peer: Some("end-a".to_owned()) };
        let new = NewLink { name: "port-a".to_owned(), kind, mac: None, mtu: None, alias: None, up: true };
        host.net_step(&NetStep::CreateLink(new)).expect("the kernel takes it");
        host.net_step(&NetStep::SetUp { link: "end-a".to_owned(), up: true }).expect("the kernel takes it");
        let steps = [
            NetStep::SetUp { link: "end-a".to_owned(), up: false },
            NetStep::DeleteLink { name: "port-a".to_owned() },
        ];
        let steps = steps.map(|step| ChangeStep { owner: 0, step, undo: Vec::new() });
        let left = |host: &SimHost| left(&steps, &then, &host.net_snapshot().expect("simulated"));
        assert_eq!(left(&host), [steps[1].step.clone()]);
        steps.iter().for_each(|s| host.net_step(&s.step).expect("the kernel takes it"));
        assert_eq!(left(&host), []);
    }
}
