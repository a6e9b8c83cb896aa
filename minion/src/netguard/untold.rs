//! A change that is begun and of which nobody was told yet how it ended, on a disk that outlives the boot.
//!
//! A trial lives in a journal that does not outlive the boot, and one that was kept is in the archive before it is told. A power
//! cut at either time would leave the master with a change that stays pending for ever; this note is what the next start tells.

use lab_proto::facts::RolledBackBy;

use super::journal::{Journal, JournalError, Phase, Places, Report};
use super::recover::Verdict;

/// Finds out how a change of an earlier boot ended, unless one of `known` says so already.
///
/// # Errors
/// When the note or the archive cannot be used.
pub(super) fn verdict(
    places: &Places,
    boot_id: &str,
    known: &[Verdict],
) -> Result<Option<Verdict>, JournalError> {
    let Some(noted) = places.read_untold()?.filter(|j| j.boot_id != boot_id) else { return Ok(None) };
    let is_it = |v: &Verdict| {
        let (Verdict::Committed(j) | Verdict::RolledBack(j)) = v;
        j.change == noted.change
    };
    if known.iter().any(is_it) {
        return Ok(None);
    }
    if let Some(kept) = places.read_archived(&noted.change)? {
        return Ok(Some(Verdict::Committed(Box::new(kept))));
    }
    let report = Report {
        by: RolledBackBy::Boot,
        reason: "the machine went down while the change was tried: it was in the kernel only".to_owned(),
        step: None,
        error: None,
        undone: Vec::new(),
        left: Vec::new(),
    };
    Ok(Some(Verdict::RolledBack(Box::new(Journal {
        phase: Phase::RolledBack,
        report: Some(report),
        ..noted
    }))))
}

#[cfg(test)]
mod tests {
    use super::super::journal::tests::journal;
    use super::*;

    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let places = Places::new(&dir.path().join("run"), &dir.path().join("data"));
        (dir, places)
    }

    #[test]
    fn a_trial_that_a_power_cut_ended_is_told_by_the_next_boot() {
        let (_dir, places) = places();
        places.write_untold(&journal("a")).expect("writes");
        let same_boot = verdict(&places, &journal("a").boot_id, &[]).expect("reads");
        assert_eq!(same_boot, None, "in the boot of the change its journal says how it ended");
        let told = verdict(&places, "another", &[]).expect("reads").expect("a verdict");
        let Verdict::RolledBack(j) = &told else { panic!("{told:?}") };
        assert_eq!(j.report.as_ref().map(|r| r.by), Some(RolledBackBy::Boot));
        assert_eq!(
            verdict(&places, "another", std::slice::from_ref(&told)).expect("reads"),
            None,
            "it is known already"
        );
        places.forget_untold().expect("forgets");
        assert_eq!(verdict(&places, "another", &[]).expect("reads"), None);
    }

    #[test]
    fn a_change_that_was_kept_before_the_power_cut_is_told_as_kept() {
        let (_dir, places) = places();
        places.write_untold(&journal("a")).expect("writes");
        places.write_pending(&Journal { phase: Phase::Persisting, ..journal("a") }).expect("writes");
        places.archive("a").expect("archives");
        let told = verdict(&places, "another", &[]).expect("reads");
        assert!(matches!(told, Some(Verdict::Committed(_))), "{told:?}");
    }
}
