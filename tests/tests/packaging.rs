//! The systemd units are what systemd takes: verified against an installed tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// What the units name beside the binaries, as a machine with systemd has it.
const SYSTEM_UNITS: &str = "/lib/systemd/system";

#[test]
fn systemd_takes_all_units_without_a_word() {
    let tree = tempfile::tempdir().expect("tempdir");
    let bin = tree.path().join("usr/bin");
    let units = tree.path().join("etc/systemd/system");
    fs::create_dir_all(&bin).expect("made");
    fs::create_dir_all(&units).expect("made");
    // systemd's own units come from the machine, so that targets and dependencies can be resolved.
    fs::create_dir_all(tree.path().join("usr/lib/systemd")).expect("made");
    symlink(SYSTEM_UNITS, tree.path().join("usr/lib/systemd/system")).expect("linked");
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging");
    for name in ["lab-master", "lab-minion"] {
        // Only its presence and mode are looked at; the units are never started here.
        let program = bin.join(name);
        fs::write(&program, "#!/bin/sh\n").expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    }
    const UNITS: [&str; 3] = ["lab-master.service", "lab-minion.service", "lab-net-restore.service"];
    for name in UNITS {
        fs::copy(packaging.join(name), units.join(name)).expect("copied");
    }
    for name in UNITS {
        let output = Command::new("systemd-analyze")
            .arg(format!("--root={}", tree.path().display()))
            .args(["verify", "--man=no", "--recursive-errors=one", name])
            .output()
            .expect("systemd-analyze (Debian package systemd) is installed");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        let about_us: Vec<&str> = said.lines().filter(|l| l.contains("lab-")).collect();
        assert!(about_us.is_empty(), "{name}: {about_us:?}");
    }
}

#[test]
fn the_agent_may_run_a_thread_before_all_others() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/lab-minion.service");
    let text = fs::read_to_string(unit).expect("read");
    let set: Vec<&str> = text.lines().filter(|l| l.starts_with("RestrictRealtime=")).collect();
    assert!(set.is_empty(), "a network step would lose packets: {set:?}");
}
