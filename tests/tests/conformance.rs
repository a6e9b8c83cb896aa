//! Our program on every conformance case, against what real Salt did.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lab_tests::conformance::{self, Case, Sandbox};

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
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "lab-minion does not build");
    target.join("debug/lab-minion")
}

fn check(minion: &Path, root: &Path, case: &Case) -> Vec<String> {
    let sandbox = Sandbox::new(case).expect("the sandbox can be filled");
    match conformance::apply(minion, case, &sandbox) {
        Ok(ours) => {
            let files = sandbox.snapshot().expect("the sandbox can be read");
            conformance::differences(&conformance::golden(root, &case.name), &ours, &files, &sandbox)
        }
        Err(text) => vec![sandbox.neutral(&text)],
    }
}

fn check_all(minion: &Path, root: &Path, cases: &[Case]) -> Vec<Vec<String>> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![Vec::new(); cases.len()]));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((i, case)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, cases.get(i)?)))
                {
                    let bad = check(minion, root, case);
                    found.lock().expect("no worker panicked")[i] = bad;
                }
            });
        }
    });
    found.into_inner().expect("no worker panicked")
}

#[test]
fn every_case_that_agreed_with_salt_still_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let (minion, cases) = (minion(), conformance::load(&root));
    let found = check_all(&minion, &root, &cases);
    let ledger = root.join("agreed.txt");
    let recorded = fs::read_to_string(&ledger).expect("agreed.txt stands beside the cases");
    let recorded: BTreeSet<&str> = recorded.lines().collect();
    let mut agreed = BTreeSet::new();
    for (case, bad) in cases.iter().zip(&found) {
        match bad.as_slice() {
            [] => {
                agreed.insert(case.name.as_str());
            }
            [first, ..] => println!("DIFFERS {} ({}): {first}", case.name, case.what),
        }
    }
    println!("{} of {} agree, {} are recorded", agreed.len(), cases.len(), recorded.len());
    let lost: Vec<&&str> = recorded.difference(&agreed).collect();
    assert!(lost.is_empty(), "agreed with Salt before and no longer do: {lost:?}");
    if std::env::var_os("LAB_RECORD").is_some() {
        let lines: String = agreed.iter().map(|name| format!("{name}\n")).collect();
        fs::write(&ledger, lines).expect("agreed.txt can be written");
    }
}
