//! A small tree that uses what the public Kubic tree uses (several roots, conditional includes, macros imported without
//! context that see the pillar, a function as a value, printed Python lists, MAC-like ids, pillar includes by name over a
//! symbolic link, …) compiles to the low chunks that Salt 3007.13 gave, key by key and in order. What it asks of functions
//! that are not here is answered by stubs. `tests/kubic-tree/compare` does the same with the public tree itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Builds the program under test beside this test, unless `LAB_MINION` names one.
fn minion() -> PathBuf {
    if let Some(path) = std::env::var_os("LAB_MINION") {
        return PathBuf::from(path);
    }
    let own = std::env::current_exe().expect("a test knows where it is");
    let profile = own.parent().and_then(Path::parent).expect("tests stand in PROFILE/deps");
    let target = profile.parent().expect("the profile stands in the target directory");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "lab-minion", "--bin", "lab-minion", "--target-dir"])
        .arg(target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "lab-minion does not build");
    target.join("debug/lab-minion")
}

#[test]
fn it_compiles_to_the_chunks_that_salt_gave() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("kubic-tree");
    let minion = minion();
    let golden = std::fs::read(tree.join("golden.json")).expect("golden.json stands beside the tree");
    let golden: Value = serde_json::from_slice(&golden).expect("golden.json is JSON");
    for (sls, theirs) in golden.as_object().expect("a mapping of SLS") {
        let done = Command::new(&minion)
            .args(["call", "--local", "--json", "--states", "app", "--states", "base", "--pillar", "pillar"])
            .args(["--grains", "grains.yaml", "--stubs", "stubs.yaml", "state.show_low_sls", sls])
            .current_dir(&tree)
            .output()
            .expect("lab-minion runs");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("stubs from stubs.yaml answer for"), "doubles say that they are: {said}");
        let ours: Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{sls}: {e}: {said}"));
        assert_eq!(ours, *theirs, "{sls}");
    }
}
