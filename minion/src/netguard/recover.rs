//! What comes after a crash: the agent's next start in the same boot, and the next boot.

use lab_proto::MinionId;
use lab_proto::facts::{NetCommitted, NetRolledBack, RolledBackBy, lines};
use lab_states::host::{Host, NetStep, Network};
use lab_states::net::render::{Owned, Renderer};
use lab_states::net::{Restored, record, restore};

use std::collections::BTreeSet;
use std::time::Duration;

use super::Voice;
use super::journal::{Journal, JournalError, OldFile, Phase, Places, Report};
use super::machine::Fault;
use super::persist::{self, run_all};
use super::probe::Prober;
use super::{since_boot, untold};
use crate::files::FileError;

/// How long whoever works on the network may take to finish.
const TURN: Duration = Duration::from_secs(20);
/// How often it is looked whether a card has come.
const LOOK: Duration = Duration::from_millis(50);
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
    let (failed, mut left) = put_files_back(journal);
    // Files are back already, from their bytes as they were.
    let steps: Vec<_> = journal.steps.iter().filter(|s| !s.step.is_of_files()).cloned().collect();
    let Restored { undone, left: of_kernel } = match network.net_session() {
        Ok(mut session) => restore(session.as_mut(), &journal.before, &steps),
        Err(e) => Restored { undone: Vec::new(), left: vec![e.to_string()] },
    };
    left.extend(of_kernel);
    if journal.phase == Phase::Persisting {
        left.extend(run_all(&journal.hand_over).err());
        keep_or_forget(places, &Journal { files: failed, report: None, ..journal.clone() })?;
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

/// Puts the old files back; returns those that could not be, and why.
fn put_files_back(journal: &Journal) -> (Vec<OldFile>, Vec<String>) {
    if journal.phase != Phase::Persisting {
        return (Vec::new(), Vec::new());
    }
    let failed = journal.files.iter().filter_map(|f| Some((f.clone(), crate::chain(&f.put_back().err()?))));
    failed.unzip()
}

/// Keeps what is still to be done or told about a change that was taken back: the old bytes of a file that could not be put
/// back are nowhere else.
fn keep_or_forget(places: &Places, journal: &Journal) -> Result<(), FileError> {
    if journal.files.is_empty() && journal.report.is_none() {
        return places.forget_pending();
    }
    places.write_pending(&Journal { phase: Phase::RolledBack, ..journal.clone() })
}

/// Tries again to put back the files that an earlier change left as it wrote them, and says which still resist. One that
/// somebody wrote since is theirs.
///
/// # Errors
/// When the journal cannot be used.
pub(super) fn put_back_again(places: &Places) -> Result<Vec<String>, JournalError> {
    let Some(journal) = places.read_pending()?.filter(|j| j.phase == Phase::RolledBack) else {
        return Ok(Vec::new());
    };
    if journal.files.is_empty() {
        return Ok(Vec::new());
    }
    let (mut failed, mut left) = (Vec::new(), Vec::new());
    for file in &journal.files {
        if file.is_anothers() {
            tracing::warn!(path = %file.path.display(), "left as somebody wrote it since");
        } else if let Err(e) = file.put_back() {
            left.push(crate::chain(&e));
            failed.push(file.clone());
        }
    }
    keep_or_forget(places, &Journal { files: failed, ..journal })?;
    Ok(left)
}

/// Finishes what an earlier agent left, in this boot or another.
///
/// # Errors
/// When a journal cannot be used.
pub fn at_start(network: &dyn Network, places: &Places, boot_id: &str) -> Result<Vec<Verdict>, JournalError> {
    let _turn = places.turn(TURN)?;
    let mut verdicts = unfinished(network, places, boot_id)?;
    verdicts.extend(untold::verdict(places, boot_id, &verdicts)?);
    Ok(verdicts)
}

fn unfinished(network: &dyn Network, places: &Places, boot_id: &str) -> Result<Vec<Verdict>, JournalError> {
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
    for still in put_back_again(places)? {
        tracing::error!(
            error = still,
            "a file of before a network change that was taken back cannot be put back"
        );
    }
    let Some(mut journal) = places.read_pending()? else { return Ok(None) };
    if journal.phase == Phase::Persisting && journal.boot_id != boot_id {
        let (failed, mut left) = put_files_back(&journal);
        left.extend(run_all(&generated_before_us(&journal)).err());
        let back = journal.files.iter().filter(|f| !failed.contains(f));
        let undone = back.map(|f| format!("{}: as it was", f.path.display()));
        journal.report = Some(Report {
            by: RolledBackBy::Boot,
            reason: "the machine went down before the change was confirmed".to_owned(),
            step: None,
            error: None,
            undone: lines(undone),
            left: lines(left),
        });
        (journal.phase, journal.files) = (Phase::RolledBack, failed);
        places.write_pending(&journal)?;
    }
    Ok((journal.phase == Phase::RolledBack && journal.report.is_some()).then(|| Box::new(journal)))
}

/// Names the commands of a hand-over that put right what was made of the new files when this boot began: netplan's are read
/// by a generator, before any unit. All others read theirs after us.
fn generated_before_us(journal: &Journal) -> Vec<Vec<String>> {
    let by_generator = |c: &&Vec<String>| c.first().is_some_and(|program| program == "netplan");
    journal.hand_over.iter().filter(by_generator).cloned().collect()
}

/// Makes the links that nobody else makes at boot: on a machine without a network manager the agent is its own. What a
/// manager has is the manager's. First as they are recorded, once their cards are there or `patience` has ended; then whatever
/// else the committed states ask for that no record of links has (parameters, modules).
///
/// # Errors
/// When steps are refused; all others are taken.
pub fn make_own_links(places: &Places, host: &dyn Host, patience: Duration) -> Result<(), String> {
    let owned = persist::owned(places)?;
    if !owned.links.values().any(|l| l.renderer == Some(Renderer::Own)) {
        return Ok(());
    }
    await_cards(&record::cards(&owned), host, patience)?;
    let now = Network::net_snapshot(host).map_err(|e| e.to_string())?;
    let missing = record::missing(&owned, &now);
    let mut refused: Vec<String> =
        missing.refused.iter().map(|e| format!("the links as they are recorded: {e}")).collect();
    refused.extend(take_all(host, &missing.steps)?);
    match lab_states::net::healing(&persist::committed(places)?, host) {
        Ok(steps) => {
            let own: Vec<NetStep> = steps.into_iter().filter(|s| is_own(s, &owned)).collect();
            refused.extend(take_all(host, &own)?);
        }
        // They may mean a link by what it gets later: the default route of a lease.
        Err(e) if refused.is_empty() => tracing::warn!(error = e, "the committed states cannot be asked yet"),
        Err(e) => refused.push(e),
    }
    refused.dedup();
    if refused.is_empty() { Ok(()) } else { Err(refused.join("; ")) }
}

/// Takes steps; one that is refused must not keep the machine from the others, by one of which it may be reached. Returns
/// what was said.
fn take_all(host: &dyn Host, steps: &[NetStep]) -> Result<Vec<String>, String> {
    let mut session = Network::net_session(host).map_err(|e| e.to_string())?;
    let mut take = |step: &NetStep| {
        tracing::info!(%step, "made at boot");
        session.step(step).err().map(|e| e.to_string())
    };
    Ok(steps.iter().filter_map(&mut take).collect())
}

/// Waits for cards, which the kernel finds and udev names one by one while the machine boots.
fn await_cards(cards: &BTreeSet<String>, host: &dyn Host, patience: Duration) -> Result<(), String> {
    let until = since_boot() + patience;
    loop {
        let now = Network::net_snapshot(host).map_err(|e| e.to_string())?;
        let away: Vec<&str> = cards.iter().map(String::as_str).filter(|c| now.link(c).is_none()).collect();
        if away.is_empty() {
            return Ok(());
        }
        if since_boot() >= until {
            tracing::warn!(cards = away.join(", "), "not there; made without them");
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Tells whether a step is the agent's at boot: about a link that no manager has, or about none.
fn is_own(step: &NetStep, owned: &Owned) -> bool {
    let managed = |link: &str| owned.links.get(link).is_some_and(|l| l.renderer != Some(Renderer::Own));
    // Files are written when a change is kept, and who reads them starts after us.
    !step.is_of_files() && !step.link().is_some_and(managed)
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
                    keep_or_forget(places, &Journal { report: None, ..*journal })?;
                    continue;
                }
            }
        }
        places.forget_change()?;
    }
    places.forget_untold()
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
        files: lines(journal.files.iter().map(|f| f.path.display().to_string())),
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

    /// A change that wrote a file, and the place of that file blocked.
    fn blocked(dir: &std::path::Path, places: &Places) -> std::path::PathBuf {
        let place = dir.join("netplan");
        std::fs::create_dir(&place).expect("makes");
        let file = place.join("90-lab.yaml");
        std::fs::write(&file, "old").expect("writes");
        let written = Some(lab_proto::Digest::of(b"new").to_string());
        let files = vec![OldFile { written, ..OldFile::of(&file).expect("reads") }];
        let journal = Journal { phase: Phase::Persisting, files, ..journal("a") };
        places.write_pending(&journal).expect("writes");
        places.write_change(&journal).expect("writes");
        std::fs::remove_dir_all(&place).expect("removes");
        std::fs::write(&place, "in the way").expect("writes");
        file
    }

    fn tell(places: &Places, boot: &str) {
        let id = MinionId::new("web1").expect("valid");
        let verdicts = at_start(&SimHost::new(), places, boot).expect("recovers");
        let [Verdict::RolledBack(j)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        let left = j.report.as_ref().map(|r| r.left.clone()).unwrap_or_default();
        assert!(left.iter().any(|l| l.contains("90-lab.yaml")), "{left:?}");
        report(verdicts, places, &id, None, &super::super::Mute).expect("tells");
        assert_eq!(at_start(&SimHost::new(), places, boot).expect("recovers"), [], "it was told");
    }

    #[test]
    fn the_old_bytes_of_a_file_are_kept_until_it_could_be_put_back() {
        for (start, boot) in [("in the same boot", "b"), ("at the next boot", "another")] {
            let (dir, places) = places();
            let file = blocked(dir.path(), &places);
            tell(&places, boot);
            assert_eq!(put_back_again(&places).expect("tries").len(), 1, "{start}");
            assert_eq!(at_boot(&places, "third").expect("tries"), None, "{start}: nothing new to tell");
            assert!(places.pending().exists(), "{start}");
            let place = file.parent().expect("has one");
            std::fs::remove_file(place).expect("removes");
            std::fs::create_dir(place).expect("makes");
            std::fs::write(&file, "new").expect("writes");
            assert_eq!(at_boot(&places, "fourth").expect("puts it back"), None);
            assert_eq!(std::fs::read_to_string(&file).expect("reads"), "old", "{start}");
            assert!(!places.pending().exists(), "{start}: there is nothing left to do");
        }
    }

    #[test]
    fn a_file_that_somebody_wrote_since_is_theirs() {
        let (dir, places) = places();
        let file = blocked(dir.path(), &places);
        tell(&places, "b");
        let place = file.parent().expect("has one");
        std::fs::remove_file(place).expect("removes");
        std::fs::create_dir(place).expect("makes");
        std::fs::write(&file, "by hand").expect("writes");
        assert_eq!(put_back_again(&places).expect("tries"), Vec::<String>::new());
        assert_eq!(std::fs::read_to_string(&file).expect("reads"), "by hand");
        assert!(!places.pending().exists());
    }

    #[test]
    fn at_boot_the_agent_makes_what_no_manager_has_and_goes_on_behind_what_is_refused() {
        let (dir, places) = places();
        let call = |name: &str| {
            format!(
                r#"{{"function":"bridge.present","name":"{name}","args":{{"addresses":["10.9.{}.1/24"]}}}}"#,
                &name[2..]
            )
        };
        std::fs::create_dir_all(dir.path().join("data/net")).expect("makes");
        let calls: Vec<String> = ["br1", "br2", "br3"].map(call).to_vec();
        std::fs::write(places.committed(), format!("[{}]", calls.join(","))).expect("writes");
        let link = |name: &str, of: &str| {
            format!(r#""{name}":{{"renderer":"{of}","made":true,"kind":{{"bridge":{{}}}}}}"#)
        };
        let links = [link("br1", "own"), link("br2", "netplan"), link("br3", "own")].join(",");
        std::fs::write(places.owned(), format!(r#"{{"links":{{{links}}}}}"#)).expect("writes");
        let host = SimHost::new();
        host.fail(
            "take step",
            "br1: add address 10.9.1.1/24",
            lab_states::host::Cause::Other("no".to_owned()),
            0,
        );
        let refused = make_own_links(&places, &host, Duration::ZERO).expect_err("one step was refused");
        assert!(refused.contains("br1: add address"), "{refused}");
        let now = host.net_snapshot().expect("simulated");
        let names: Vec<&str> = now.links.iter().map(|l| l.name.as_str()).filter(|n| *n != "lo").collect();
        assert_eq!(names, ["br1", "br3"], "the second is netplan's");
        assert_eq!(now.link("br3").map(|l| l.addresses.len()), Some(1));
    }

    #[test]
    fn at_boot_netplan_is_asked_again_and_who_reads_later_is_not() {
        let command = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let (generate, reload) = (command(&["netplan", "generate"]), command(&["networkctl", "reload"]));
        let journal = Journal { hand_over: vec![generate.clone(), reload], ..journal("a") };
        assert_eq!(generated_before_us(&journal), [generate]);
    }

    #[test]
    fn at_boot_the_record_knows_what_the_states_meant_by_a_route_that_nobody_brings() {
        let (dir, places) = places();
        std::fs::create_dir_all(dir.path().join("data/net")).expect("makes");
        let calls = r#"[{"function":"net.config","name":"n","args":{"uplink":{"capture":"default-route"},"interfaces":{"br0":{
            "type":"bridge","ports":["{uplink}"],"take-over":"{uplink}"}},"sysctl":{"net.ipv4.ip_forward":1}}}]"#;
        std::fs::write(places.committed(), calls).expect("writes");
        let owned = r#"{"links":{
            "br0":{"renderer":"own","made":true,"kind":{"bridge":{}},"ports":["eth0"],"addresses":["10.0.0.5/24"],
                "routes":[{"gateway":"10.0.0.1","link":"br0","origin":3}]},
            "eth0":{"renderer":"own","made":false,"released":true,"kind":"device","master":"br0"}}}"#;
        std::fs::write(places.owned(), owned).expect("writes");
        let host = SimHost::new().with_nic("eth0", "", None);
        host.put_file("/proc/sys/net/ipv4/ip_forward", "0\n", 0o644);
        assert_eq!(make_own_links(&places, &host, Duration::ZERO), Ok(()));
        let now = host.net_snapshot().expect("simulated");
        assert_eq!(now.master_of("eth0"), Some("br0"));
        assert_eq!(now.link("br0").map(|l| l.addresses.len()), Some(1));
        assert!(now.default_routes().iter().any(|r| r.link.as_deref() == Some("br0")), "{:?}", now.routes);
        // What the record of links does not have comes from the states, which know their uplink again.
        let forward =
            lab_states::host::Files::read(&host, std::path::Path::new("/proc/sys/net/ipv4/ip_forward"))
                .expect("is there");
        assert_eq!(String::from_utf8_lossy(&forward).trim(), "1");
    }

    #[test]
    fn at_boot_a_card_that_never_comes_does_not_keep_the_others_from_being_made() {
        let (dir, places) = places();
        std::fs::create_dir_all(dir.path().join("data/net")).expect("makes");
        let owned = r#"{"links":{
            "br0":{"renderer":"own","made":true,"kind":{"bridge":{}},"ports":["eth0"],"addresses":["10.0.0.5/24"]},
            "eth0":{"renderer":"own","made":false,"released":true,"kind":"device","master":"br0"}}}"#;
        std::fs::write(places.owned(), owned).expect("writes");
        let host = SimHost::new();
        assert_eq!(make_own_links(&places, &host, Duration::ZERO), Ok(()));
        let now = host.net_snapshot().expect("simulated");
        assert_eq!(now.link("br0").map(|l| l.addresses.len()), Some(1));
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
