//! What lab writes for netplan is what netplan takes, and makes into what was meant: the golden files of the renderers are read
//! by netplan itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../states/tests/render")
}

/// Lays a folder over another; returns how many files it had.
fn lay_over(from: &Path, to: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir_all(&target).expect("makes the folder");
            count += lay_over(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copies");
            count += 1;
        }
    }
    count
}

/// Runs netplan on a case after the change; returns the files that it makes for networkd.
fn generated(case: &str) -> BTreeMap<String, String> {
    let root = tempfile::tempdir().expect("a temporary directory");
    let etc = root.path().join("etc");
    fs::create_dir_all(&etc).expect("makes the folder");
    let case = cases().join(case);
    assert!(lay_over(&case.join("etc"), &etc) > 0, "{}: no files before", case.display());
    assert!(lay_over(&case.join("expected/etc"), &etc) > 0, "{}: no files after", case.display());
    let output = Command::new("netplan")
        .args(["generate", "--root-dir"])
        .arg(root.path())
        .output()
        .expect("netplan (Debian package netplan.io) is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", case.display());
    let made = fs::read_dir(root.path().join("run/systemd/network")).expect("netplan makes files");
    made.flatten()
        .map(|e| {
            (e.file_name().to_string_lossy().into_owned(), fs::read_to_string(e.path()).expect("is text"))
        })
        .collect()
}

fn lines<'a>(files: &'a BTreeMap<String, String>, name: &str) -> Vec<&'a str> {
    files.get(name).unwrap_or_else(|| panic!("{name} is not among {:?}", files.keys())).lines().collect()
}

#[test]
fn netplan_makes_the_first_guides_bridge_as_the_kernel_had_it() {
    let files = generated("netplan-seed-000");
    let device = lines(&files, "10-netplan-br0.netdev");
    for wanted in ["Kind=bridge", "STP=true", "ForwardDelaySec=4"] {
        assert!(device.contains(&wanted), "{wanted}: {device:?}");
    }
    let network = lines(&files, "10-netplan-br0.network");
    for wanted in ["Address=192.168.1.11/24", "Gateway=192.168.1.1", "DNS=1.1.1.1", "DNS=8.8.4.4"] {
        assert!(network.contains(&wanted), "{wanted}: {network:?}");
    }
    let card = lines(&files, "10-netplan-eno1.network");
    assert!(card.contains(&"Bridge=br0"), "{card:?}");
    assert!(!card.iter().any(|l| l.starts_with("Address=") || l.starts_with("Gateway=")), "{card:?}");
}

#[test]
fn netplan_takes_every_case_that_has_files_of_its() {
    let mut seen = 0;
    for case in fs::read_dir(cases()).expect("the cases are there").flatten() {
        if case.path().join("expected/etc/netplan").is_dir() {
            assert!(!generated(&case.file_name().to_string_lossy()).is_empty());
            seen += 1;
        }
    }
    assert!(seen >= 2, "only {seen} cases have files of netplan's");
}
