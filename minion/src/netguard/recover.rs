//! What comes after a crash: the agent's next start in the same boot, and the next boot.

use lab_proto::MinionId;
use lab_proto::facts::{NetCommitted, NetRolledBack, RolledBackBy, lines};
use lab_states::host::Network;
use lab_states::net::render::Renderer;
use lab_states::net::{Restored, restore};

use std::time::Duration;

use super::Voice;
use super::journal::{Journal, JournalError, Phase, Places, Report};
use super::machine::Fault;
use super::persist::{self, run_all};
use super::probe::Prober;
use crate::files::FileError;
use crate::host::LinuxHost;

/// How long whoever works on the network may take to finish.
const TURN: Duration = Duration::from_secs(20);
/// How often the master is asked after something was taken back.
const ASK: usize = 3;
/// How long each time.
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// What was found and decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A change had been made final, and nobody said so yet.
    Committed(Box<Journal>),
    /// A change was taken back, now or earlier.
    RolledBack(Box<Journal>),
}

/// Takes a change back, files first, and writes down how; the caller has the turn.
pub(super) fn take_back(
    network: &dyn Network,
    places: &Places,
    journal: &mut Journal,
    by: RolledBackBy,
    fault: &Fault,
) -> Result<(), FileError> {
    let mut left = put_files_back(journal);
    // Files are back already, from their bytes as they were.
    let steps: Vec<_> = journal.steps.iter().filter(|s| !s.step.is_of_files()).cloned().collect();
    let Restored { undone, left: of_kernel } = match network.net_session() {
        Ok(mut session) => restore(session.as_mut(), &journal.before, &steps),
        Err(e) => Restored { undone: Vec::new(), left: vec![e.to_string()] },
    };
    left.extend(of_kernel);
    if journal.phase == Phase::Persisting {
        left.extend(run_all(&journal.hand_over).err());
        places.forget_pending()?;
    }
    let step = fault.step.and_then(|n| journal.steps.get(n)).map(|s| s.step.to_string());
    journal.phase = Phase::RolledBack;
    journal.report = Some(Report {
        by,
        reason: fault.reason.clone(),
        step,
        error: fault.error.clone(),
        undone: lines(undone),
        left: lines(left),
    });
    places.write_change(journal)
}

fn put_files_back(journal: &Journal) -> Vec<String> {
    if journal.phase != Phase::Persisting {
        return Vec::new();
    }
    journal.files.iter().filter_map(|f| f.put_back().err()).map(|e| crate::chain(&e)).collect()
}

/// Finishes what an earlier agent left, in this boot or another.
///
/// # Errors
/// When a journal cannot be used.
pub fn at_start(network: &dyn Network, places: &Places, boot_id: &str) -> Result<Vec<Verdict>, JournalError> {
    let _turn = places.turn(TURN)?;
    let mut verdicts: Vec<Verdict> = at_boot(places, boot_id)?.map(Verdict::RolledBack).into_iter().collect();
    let found = match places.read_change()? {
        Some(stale) if stale.boot_id != boot_id => {
            places.forget_change()?;
            None
        }
        Some(journal) => Some(journal),
        None => places.read_pending()?.filter(|j| j.boot_id == boot_id && j.phase == Phase::Persisting),
    };
    let Some(mut journal) = found else { return Ok(verdicts) };
    if journal.phase == Phase::RolledBack {
        verdicts.push(Verdict::RolledBack(Box::new(journal)));
    } else if places.read_archived(&journal.change)?.is_some() {
        verdicts.push(Verdict::Committed(Box::new(journal)));
    } else {
        let fault = Fault::of("the agent ended before the change was confirmed");
        take_back(network, places, &mut journal, RolledBackBy::Recovery, &fault)?;
        verdicts.push(Verdict::RolledBack(Box::new(journal)));
    }
    Ok(verdicts)
}

/// Puts back files of a change that the machine went down in; before anything configures the network. What the kernel had
/// is gone by itself. Returns what is still to be told of it.
///
/// # Errors
/// When the journal cannot be used.
pub fn at_boot(places: &Places, boot_id: &str) -> Result<Option<Box<Journal>>, JournalError> {
    let Some(mut journal) = places.read_pending()?.filter(|j| j.boot_id != boot_id) else { return Ok(None) };
    if journal.phase == Phase::Persisting {
        let left = put_files_back(&journal);
        let undone = journal.files.iter().map(|f| format!("{}: as it was", f.path.display()));
        journal.phase = Phase::RolledBack;
        journal.report = Some(Report {
            by: RolledBackBy::Boot,
            reason: "the machine went down before the change was confirmed".to_owned(),
            step: None,
            error: None,
            undone: lines(undone),
            left,
        });
        places.write_pending(&journal)?;
    }
    Ok(Some(Box::new(journal)))
}

/// Makes the links that nobody else makes at boot: on a machine without a network manager the agent is its own.
///
/// # Errors
/// When a step is refused; those before it stand.
pub fn make_own_links(places: &Places, host: &LinuxHost) -> Result<(), String> {
    let ours = persist::owned(places)?.links.into_values().any(|l| l.renderer == Some(Renderer::Own));
    if !ours {
        return Ok(());
    }
    let steps = lab_states::net::healing(&persist::committed(places)?, host)?;
    let mut session = host.net_session().map_err(|e| e.to_string())?;
    for step in steps {
        tracing::info!(%step, "made at boot");
        session.step(&step).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// Tells what was found, and forgets it once that is durable.
///
/// # Errors
/// When a journal cannot be removed; it is then told again.
pub fn report(
    verdicts: Vec<Verdict>,
    places: &Places,
    id: &MinionId,
    prober: Option<&Prober>,
    voice: &dyn Voice,
) -> Result<(), FileError> {
    for verdict in verdicts {
        match verdict {
            Verdict::Committed(journal) => committed(&journal, id, voice),
            Verdict::RolledBack(journal) => {
                let reachable = prober.map(can_be_heard);
                rolled_back(&journal, id, reachable, voice);
                if journal.report.as_ref().is_some_and(|r| r.by == RolledBackBy::Boot) {
                    places.forget_pending()?;
                    continue;
                }
            }
        }
        places.forget_change()?;
    }
    Ok(())
}

/// Asks the master a few times: just after a change was taken back, the first answer may be lost.
pub(super) fn can_be_heard(prober: &Prober) -> bool {
    (0..ASK).any(|_| prober.probe(ASK_LIMIT).is_ok())
}

pub(super) fn committed(journal: &Journal, id: &MinionId, voice: &dyn Voice) {
    let took = crate::clock::wall_clock().since(journal.began);
    let fact = NetCommitted {
        id: id.clone(),
        change: journal.change.clone(),
        steps: journal.lines(),
        files: journal.files.iter().map(|f| f.path.display().to_string()).collect(),
        reverts: journal.reverts.clone(),
        duration_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    };
    voice.event(fact.tag(), fact.data());
}

pub(super) fn rolled_back(journal: &Journal, id: &MinionId, reachable: Option<bool>, voice: &dyn Voice) {
    let Some(report) = journal.report.clone() else { return };
    let Report { by, reason, step, error, undone, left } = report;
    let change = journal.change.clone();
    let fact = NetRolledBack { id: id.clone(), change, by, reason, step, error, undone, left, reachable };
    voice.event(fact.tag(), fact.data());
}

#[cfg(test)]
mod tests {
    use super::super::journal::OldFile;
    use super::super::journal::tests::journal;
    use super::*;
    use lab_states::host::sim::SimHost;

    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(&dir.path().join("run"), &dir.path().join("data"));
        (dir, places)
    }

    #[test]
    fn a_start_in_the_same_boot_takes_back_and_tells_until_it_was_told() {
        let (_dir, places) = places();
        places.write_change(&journal("a")).expect("writes");
        for round in 0..2 {
            let verdicts = at_start(&SimHost::new(), &places, "b").expect("recovers");
            let [Verdict::RolledBack(j)] = verdicts.as_slice() else { panic!("{round}: {verdicts:?}") };
            assert_eq!(j.report.as_ref().map(|r| r.by), Some(RolledBackBy::Recovery));
        }
        let id = MinionId::new("web1").expect("valid");
        let verdicts = at_start(&SimHost::new(), &places, "b").expect("recovers");
        report(verdicts, &places, &id, None, &super::super::Mute).expect("tells");
        assert_eq!(at_start(&SimHost::new(), &places, "b").expect("recovers"), []);
    }

    #[test]
    fn a_trial_of_another_boot_is_forgotten_and_files_of_one_are_put_back() {
        let (dir, places) = places();
        places.write_change(&journal("a")).expect("writes");
        assert_eq!(at_start(&SimHost::new(), &places, "another").expect("recovers"), []);
        assert_eq!(places.read_change().expect("reads"), None);

        let file = dir.path().join("90-lab.yaml");
        std::fs::write(&file, "old").expect("writes");
        let files = vec![OldFile::of(&file).expect("reads")];
        std::fs::write(&file, "new").expect("writes");
        places.write_pending(&Journal { phase: Phase::Persisting, files, ..journal("c") }).expect("writes");
        at_boot(&places, "another").expect("restores");
        assert_eq!(std::fs::read_to_string(&file).expect("reads"), "old");
        let verdicts = at_start(&SimHost::new(), &places, "another").expect("recovers");
        let [Verdict::RolledBack(j)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert_eq!(j.report.as_ref().map(|r| r.by), Some(RolledBackBy::Boot));
    }

    #[test]
    fn a_change_in_the_archive_stays() {
        let (_dir, places) = places();
        places.write_pending(&Journal { phase: Phase::Persisting, ..journal("a") }).expect("writes");
        places.write_change(&Journal { phase: Phase::Persisting, ..journal("a") }).expect("writes");
        places.archive("a").expect("archives");
        let verdicts = at_start(&SimHost::new(), &places, "b").expect("recovers");
        assert!(matches!(verdicts.as_slice(), [Verdict::Committed(_)]), "{verdicts:?}");
    }
}
