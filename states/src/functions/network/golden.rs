//! Golden files: what a change is written down as, case by case, below `states/tests/render`.
//!
//! A case is a folder: `machine.yml` (cards, and which managers there are), `states.sls` (what is applied, one state per ID),
//! `etc/` (the configuration before) and `expected/etc/` (the files that differ afterwards; one that is gone is named in
//! `expected/gone`). `LAB_BLESS=1` writes the expectation anew; read the difference before you commit it.

#![expect(clippy::disallowed_methods, reason = "a test reads its cases")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::functions::testing::Bench;
use crate::host::Network;
use crate::host::sim::SimHost;
use crate::net::ChangeStep;
use crate::net::render::{Managers, Owned, Rendered, render};
use crate::netdoc::{Document, Surroundings, plan, want};

#[derive(Deserialize)]
struct Machine {
    cards: Vec<Card>,
    #[serde(default)]
    managers: Vec<String>,
    #[serde(default)]
    managed_by_nm: Vec<String>,
}

#[derive(Deserialize)]
struct Card {
    name: String,
    address: Option<String>,
    gateway: Option<String>,
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render");
    let mut found: Vec<PathBuf> =
        fs::read_dir(&root).expect("the cases are there").map(|e| e.expect("listed").path()).collect();
    found.sort();
    assert!(found.len() >= 6, "only {} cases found in {}", found.len(), root.display());
    found
}

fn tree(root: &Path, dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tree(root, &path, found);
        } else {
            let name = format!("/{}", path.strip_prefix(root).expect("below").display());
            found.insert(name, fs::read_to_string(&path).expect("is text"));
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let value =
        crate::render::yaml::parse(&text).unwrap_or_else(|e| panic!("{}: {e:?}", path.display())).to_value();
    value.to_typed().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn machine(case: &Path) -> (SimHost, Managers) {
    let machine: Machine = parse(&case.join("machine.yml"));
    let mut host = SimHost::new();
    for card in &machine.cards {
        // A card without an address still is one.
        let address = card.address.clone().unwrap_or_else(|| "192.0.2.1/32".to_owned());
        host = host.with_nic(&card.name, &address, card.gateway.as_deref());
        if card.address.is_none() {
            let step = crate::host::NetStep::DeleteAddress {
                link: card.name.clone(),
                address: address.parse().expect("valid"),
            };
            host.net_step(&step).expect("the kernel takes it");
        }
    }
    let mut files = BTreeMap::new();
    tree(case, &case.join("etc"), &mut files);
    let has = |what: &str| machine.managers.iter().any(|m| m == what);
    let managers = Managers {
        netplan: has("netplan"),
        networkd: has("networkd"),
        ifupdown: has("ifupdown"),
        network_manager: machine.managed_by_nm.into_iter().collect(),
        files,
    };
    (host, managers)
}

/// Plans and applies the case's states, and returns what they are written down as.
fn rendered(case: &Path) -> (Rendered, Managers) {
    let (host, managers) = machine(case);
    let sls = fs::read_to_string(case.join("states.sls")).expect("has states");
    let calls = Bench::new(SimHost::new()).calls(&sls, false);
    let mut wants = Vec::new();
    for (n, call) in calls.iter().enumerate() {
        let found = want(call, n, &host).unwrap_or_else(|e| panic!("{}: {e}", call.id));
        wants.extend(found.into_iter().map(|w| (n, w)));
    }
    let before = host.net_snapshot().expect("simulated");
    let steps = Document::merge(wants).and_then(|d| plan(&d, &before, &Surroundings::default()));
    let steps = steps.unwrap_or_else(|e| panic!("{}: {e}", case.display()));
    let steps: Vec<ChangeStep> =
        steps.into_iter().map(|p| ChangeStep { owner: p.owner, step: p.step, undo: p.undo }).collect();
    for s in &steps {
        host.net_step(&s.step).unwrap_or_else(|e| panic!("{}: {e}", case.display()));
    }
    let after = host.net_snapshot().expect("simulated");
    let rendered =
        render(&Owned::default(), &before, &after, &steps, &managers).unwrap_or_else(|e| panic!("{e}"));
    // Written once, it is not written again: the same links, found as they are, ask for no further edit.
    let mut written = managers.clone();
    for edit in &rendered.edits {
        match &edit.text {
            Some(text) => written.files.insert(edit.path.clone(), text.clone()),
            None => written.files.remove(&edit.path),
        };
    }
    let again = render(&rendered.owned, &after, &after, &[], &written).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again.edits, [], "{}: a second time something is written", case.display());
    (rendered, managers)
}

#[test]
fn every_case_is_written_down_as_expected_and_no_foreign_line_is_lost() {
    for case in cases() {
        let (rendered, managers) = rendered(&case);
        for edit in &rendered.edits {
            let (Some(old), Some(new)) = (managers.files.get(&edit.path), &edit.text) else { continue };
            for line in old.lines().filter(|l| !l.trim().is_empty()) {
                let kept = new.lines().any(|l| l.ends_with(line));
                assert!(kept, "{}: {} lost {line:?}", case.display(), edit.path);
            }
        }
        let expected = case.join("expected");
        let now: BTreeMap<String, String> =
            rendered.edits.iter().filter_map(|e| Some((e.path.clone(), e.text.clone()?))).collect();
        if std::env::var("LAB_BLESS").is_ok() {
            let _ = fs::remove_dir_all(&expected);
            fs::create_dir_all(&expected).expect("makes the folder");
            for (path, text) in &now {
                let to = expected.join(path.trim_start_matches('/'));
                fs::create_dir_all(to.parent().expect("has one")).expect("makes the folder");
                fs::write(to, text).expect("writes");
            }
            let commands: String = rendered.hand_over.iter().map(|c| format!("{}\n", c.join(" "))).collect();
            fs::write(expected.join("hand-over"), commands).expect("writes");
        }
        let mut then = BTreeMap::new();
        tree(&expected, &expected, &mut then);
        let commands = then.remove("/hand-over").unwrap_or_default();
        let said: Vec<String> = rendered.hand_over.iter().map(|c| c.join(" ")).collect();
        assert_eq!(commands.lines().collect::<Vec<_>>(), said, "{}", case.display());
        assert_eq!(then, now, "{}: LAB_BLESS=1 writes it anew", case.display());
    }
}
