//! Certificates that end, keys that a policy lets in, outboxes that begin anew, returns that are large: real binaries
//! on the loopback.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests")]

mod e2e;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::minion::{Minion, copy};
use e2e::{answers, eventually};
use lab_proto::{Digest, Timestamp, Value};
use lab_tests::alone::Alone;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("not for long"))
}

fn links_of(master: &Alone, id: &str) -> usize {
    master.events(&format!("lab/minion/{id}/connected")).unwrap().len()
}

#[test]
fn a_certificate_is_renewed_over_the_link_in_time_and_no_more_often_than_that() {
    let master = Alone::start("[certificates]\nlife = \"9s\"\n", &[]).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    let until = || minion.credentials().validity().expect("a certificate").1;
    let mut ends = BTreeSet::from([until()]);
    eventually("two fresh certificates", || {
        ends.insert(until());
        ends.len() == 3
    });
    assert!(answers(&master, "web1"));
    assert_eq!(links_of(&master, "web1"), 1, "the link stayed up");
    // Each was made when a third of the one before was left; certificates count whole seconds.
    let ends: Vec<Timestamp> = ends.into_iter().collect();
    assert!(ends.windows(2).all(|w| w[1].since(w[0]) >= Duration::from_secs(5)), "{ends:?}");
}

#[test]
fn a_minion_whose_certificate_ended_while_it_was_off_comes_back_by_itself() {
    let master = Alone::start("[certificates]\nlife = \"2s\"\n", &[]).unwrap();
    let mut minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    minion.stop();
    let old = minion.credentials();
    eventually("the certificate ends", || old.is_expired(now()));

    minion.serve();

    eventually("the minion is back", || answers(&master, "web1"));
    assert_ne!(minion.credentials().certificate, old.certificate);
}

#[test]
fn an_agent_whose_certificate_ended_while_the_master_was_away_comes_back_by_itself() {
    let mut master = Alone::start("[certificates]\nlife = \"4s\"\n", &[]).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    master.kill();
    let old = minion.credentials();
    eventually("the certificate ends", || old.is_expired(now()));

    master.start_again(&[]).unwrap();

    eventually("the minion is back", || answers(&master, "web1"));
    assert!(minion.log().contains("renewed at the enrolment door"), "{}", minion.log());
    eventually("it keeps the certificate", || minion.credentials().certificate != old.certificate);
}

#[test]
fn an_agent_whose_key_was_deleted_or_rejected_asks_again_and_goes_on_once_it_is_accepted() {
    let master = Alone::start("", &[]).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));

    let deleted = master.run(&["key", "delete", "web1"]).unwrap();
    assert!(deleted.contains("  deleted  ") && !deleted.contains("accepted"), "{deleted}");

    let list = || master.run(&["key", "list"]).unwrap();
    eventually("the key waits again", || list().contains("pending"));
    assert!(list().contains("web1"), "{}", list());
    assert_eq!(minion.log().matches("lab-master key accept web1").count(), 1, "{}", minion.log());
    master.run(&["key", "accept", "web1"]).unwrap();
    eventually("the minion answers again", || answers(&master, "web1"));

    master.run(&["key", "reject", "web1"]).unwrap();
    eventually("the agent says what can be done", || minion.log().contains("was rejected"));
    assert!(!list().contains("pending"), "a rejected key does not wait: {}", list());
    master.run(&["key", "accept", "web1"]).unwrap();
    eventually("the minion is back", || answers(&master, "web1"));
}

#[test]
fn a_listed_grain_lets_a_real_minion_in_and_another_one_waits() {
    let grains = tempfile::tempdir().unwrap();
    std::fs::write(grains.path().join("asset"), "# the rack\n4711\n").unwrap();
    let settings = format!("[enrol]\nautosign_grains_dir = \"{}\"\n", grains.path().display());
    let master = Alone::start(&settings, &[]).unwrap();
    let mut minions = Vec::new();
    for (id, asset) in [("web1", "4711"), ("web2", "4712")] {
        let mut minion = Minion::new(&master, id);
        std::fs::create_dir_all(minion.path("")).unwrap();
        std::fs::write(minion.path("grains"), format!("asset: '{asset}'\n")).unwrap();
        minion.serve();
        minions.push(minion);
    }
    eventually("the listed one is in", || answers(&master, "web1"));
    let keys = || master.run(&["--json", "key", "list"]).unwrap();
    eventually("the other one waits", || keys().contains("pending"));
    let auth = master.events("salt/auth").unwrap();
    let by = |id: &str| {
        let of = auth.iter().filter(|e| e.data.get("id").and_then(Value::as_str) == Some(id));
        of.filter_map(|e| e.data.get("by").and_then(Value::as_str).map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!((by("web1"), by("web2")), (vec!["autosign asset".to_owned()], vec!["enrolment".to_owned()]));
    master.run(&["key", "accept", "web2"]).unwrap();
    eventually("it is let in in the same moment", || answers(&master, "web2"));
}

#[test]
fn a_cloned_disk_that_keeps_its_id_is_named_in_the_log_and_by_the_agents() {
    let master = Alone::start("", &[]).unwrap();
    let mut minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    minion.stop();
    let mut clone = minion.cloned();

    minion.serve();
    clone.serve();

    eventually("the two are named", || !master.events("lab/minion/web1/duplicate").unwrap().is_empty());
    let remedy = "enrol it under an id of its own";
    eventually("an agent says what to do", || (minion.log() + &clone.log()).contains(remedy));
    clone.stop();
    eventually("the one that is left answers", || answers(&master, "web1"));
    assert_eq!(master.events("lab/minion/web1/duplicate").unwrap().len(), 1, "told once in ten minutes");
}

/// Lets a minion say one event more, `my/between`, and puts its disk back to before that. It does not run afterwards.
fn put_back(master: &Alone, minion: &mut Minion) {
    minion.stop();
    copy(&minion.path("data"), &minion.path("data.old"));
    minion.serve();
    minion_says(minion, "my/between");
    eventually("it is in the log", || counts(master, "my/between").len() == 1);
    minion.stop();
    std::fs::remove_dir_all(minion.path("data")).unwrap();
    std::fs::rename(minion.path("data.old"), minion.path("data")).unwrap();
}

fn counts_of(master: &Alone, tag: &str) -> usize {
    master.events(tag).unwrap().len()
}

fn counts(master: &Alone, tag: &str) -> Vec<(u128, u64)> {
    let events = master.events(tag).unwrap();
    let origins = events.iter().filter_map(|e| e.origin.minion());
    origins.map(|m| (m.outbox_id.as_u128(), m.counter)).collect()
}

#[test]
fn a_minion_whose_disk_was_put_back_begins_another_outbox_and_loses_nothing_that_it_says_then() {
    let master = Alone::start("", &[]).unwrap();
    let mut minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    minion.say("my/before");
    eventually("it is in the log", || counts(&master, "my/before").len() == 1);
    put_back(&master, &mut minion);

    minion.serve();

    minion_says(&minion, "my/after");
    eventually("it is in the log", || counts(&master, "my/after").len() == 1);
    let told = ["outbox-rewound", "event/outbox-rewound"]
        .map(|e| counts_of(&master, &format!("lab/minion/web1/{e}")));
    assert_eq!(told.iter().sum::<usize>(), 1, "by the master or by the minion, whoever saw it");
    let (before, after) = (counts(&master, "my/before")[0], counts(&master, "my/after")[0]);
    assert_ne!(before.0, after.0, "another outbox");
    assert!(answers(&master, "web1"), "and jobs go on");
}

#[test]
fn a_disk_that_was_put_back_is_noticed_also_when_more_events_were_made_since_than_before() {
    let mut master = Alone::start("", &[]).unwrap();
    let mut minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    put_back(&master, &mut minion);
    master.kill();
    minion.serve();
    // By number, the first of these look like those that the log has.
    (0..9).for_each(|n| minion_says(&minion, &format!("my/after/{n}")));
    minion.stop();
    minion.serve();
    minion_says(&minion, "my/after/9");

    master.start_again(&[]).unwrap();

    eventually("none of them is lost", || counts(&master, "my/after/*").len() == 10);
    eventually("the log says so", || counts_of(&master, "lab/minion/web1/event/outbox-rewound") == 1);
    assert!(answers(&master, "web1"), "and jobs go on");
}

/// Says an event as soon as the agent listens.
fn minion_says(minion: &Minion, tag: &str) {
    eventually("the agent listens", || minion.path("run/agent.sock").exists() && minion.try_say(tag));
}

#[test]
fn a_master_that_lost_its_log_gets_what_was_not_acknowledged_in_another_outbox() {
    let mut master = Alone::start("", &[]).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    minion.say("my/lost");
    eventually("it is in the log", || counts(&master, "my/lost").len() == 1);
    let old = counts(&master, "my/lost")[0];
    master.kill();
    // What is in the outbox when the log is lost is said to the new log.
    minion.say("my/kept");
    std::fs::remove_file(master.path("data/store/head")).unwrap();

    master.start_again(&["--accept-loss"]).unwrap();

    eventually("it is in the new log", || counts(&master, "my/kept").len() == 1);
    let kept = counts(&master, "my/kept")[0];
    let told_again = !counts(&master, "my/lost").is_empty();
    assert!(kept.0 != old.0 || told_again, "another outbox, unless all of the first is still there");
    assert!(answers(&master, "web1"), "and jobs go on");
}

#[test]
fn a_return_too_large_for_an_event_is_a_blob_that_the_master_has_and_others_may_fetch() {
    let master = Alone::start("", &[]).unwrap();
    let _minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    let text = "x".repeat(300_000);
    master.run(&["run", "web1", "cmd.run", "head -c 300000 /dev/zero | tr '\\0' x"]).unwrap();
    let returns = master.events("salt/job/*/ret/web1").unwrap();
    let value = returns.iter().filter_map(|e| e.data.get("return")).find(|v| v.get("blob").is_some());
    let value = value.expect("a return by its digest");
    let size = value.get("size").and_then(Value::as_int).unwrap();
    assert!(size > 300_000, "{value:?}");
    let digest = value.get("blob").and_then(Value::as_str).unwrap().to_owned();
    let path = master.path("data/blobs").join(&digest[..2]).join(&digest[2..]);
    eventually("the master has it", || path.exists());
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(Digest::of(&bytes).to_string(), digest);
    assert_eq!(i128::try_from(bytes.len()).unwrap(), size);
    assert!(bytes.windows(text.len()).any(|w| w == text.as_bytes()), "it is the whole output");
}

#[test]
fn a_file_of_many_megabytes_reaches_a_real_minion_whole() {
    let master = Alone::start("", &[]).unwrap();
    let minion = Minion::start(&master, "web1");
    eventually("the minion answers", || answers(&master, "web1"));
    let bytes: Vec<u8> = (0..12_000_000_u32).flat_map(|n| n.to_le_bytes()[..1].to_vec()).collect();
    std::fs::write(master.path("states/large.bin"), &bytes).unwrap();
    let target = minion.path("large.bin");
    let sls = format!("{}:\n  file.managed:\n    - source: salt://large.bin\n", target.display());
    std::fs::write(master.path("states/large.sls"), sls).unwrap();
    let first = master.run(&["apply", "web1", "large"]).unwrap();
    assert!(std::fs::read(&target).unwrap() == bytes, "{first}");
    let second = master.run(&["apply", "web1", "large"]).unwrap();
    assert!(second.contains("0 changed"), "{second}");
}

#[test]
fn a_batch_and_a_subset_are_what_the_command_line_asks_for() {
    let master = Alone::start("", &[]).unwrap();
    let ids = ["web1", "web2", "web3"];
    let _minions = ids.map(|id| Minion::start(&master, id));
    eventually("all answer", || ids.iter().all(|id| answers(&master, id)));
    let before = master.events("salt/job/*/ret/*").unwrap().len();
    let said = master.run(&["run", "web*", "test.sleep", "0.2", "--batch", "1"]).unwrap();
    assert_eq!(said.lines().count(), 3, "{said}");
    // Each began after the one before had returned: no two overlap.
    let returns = master.events("salt/job/*/ret/*").unwrap().split_off(before);
    let times = returns.iter().map(|e| {
        let took = e.data.get("duration_micros").and_then(Value::as_int).unwrap();
        let ended = e.origin.minion().unwrap().at;
        (ended - Duration::from_micros(u64::try_from(took).unwrap()), ended)
    });
    let times: Vec<(Timestamp, Timestamp)> = times.collect();
    assert!(times.windows(2).all(|w| w[0].1 <= w[1].0), "{times:?}");
    let said = master.run(&["run", "web*", "test.ping", "--subset", "2"]).unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
}
