//! Proves the direction of dependencies: proto says, states decides, master and minion do.

use std::path::{Path, PathBuf};

use crate::shell::{self, Result};

/// Crates that must never be below the given package.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "lab-proto",
        &["tokio", "quinn", "rustls", "rcgen", "sled", "lab-states", "lab-master", "lab-minion", "rand"],
    ),
    ("lab-states", &["tokio", "quinn", "rustls", "rcgen", "sled", "nix", "lab-master", "lab-minion", "rand"]),
    ("lab-master", &["lab-minion", "rtnetlink"]),
    ("lab-minion", &["lab-master", "sled"]),
];

/// Words that may only stand in source files below the given places.
const CONFINED: &[(&str, &[&str])] = &[
    ("bincode::", &["proto/src/codec.rs"]),
    ("sled::", &["master/src/store/sled_log"]),
    ("rtnetlink::", &["minion/src/host"]),
];

pub(crate) fn check() -> Result {
    for (package, forbidden) in FORBIDDEN {
        let tree = shell::output(shell::cargo().args([
            "tree",
            "--locked",
            "--package",
            package,
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]))?;
        for line in tree.lines() {
            let name = line.split_whitespace().next().unwrap_or_default();
            if forbidden.contains(&name) {
                return Err(format!("{package} must not depend on {name}; see docs/architecture.md"));
            }
        }
        println!("{package}: none of {}", forbidden.join(", "));
    }
    for (word, places) in CONFINED {
        for dir in ["proto", "states", "master", "minion"] {
            confined(&shell::root().join(dir).join("src"), word, places)?;
        }
        println!("{word} stands only in {}", places.join(", "));
    }
    Ok(())
}

fn confined(dir: &Path, word: &str, places: &[&str]) -> Result {
    for file in rust_files(dir)? {
        let relative = file.strip_prefix(shell::root()).unwrap_or(&file).to_string_lossy().into_owned();
        if places.iter().any(|p| relative.starts_with(p)) {
            continue;
        }
        let text =
            std::fs::read_to_string(&file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        for (n, line) in text.lines().enumerate() {
            if line.contains(word) && !line.trim_start().starts_with("//") {
                return Err(format!(
                    "{relative}:{}: `{word}` may only stand in {}",
                    n + 1,
                    places.join(", ")
                ));
            }
        }
    }
    Ok(())
}

fn rust_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let entries = std::fs::read_dir(&dir).map_err(|e| format!("cannot list {}: {e}", dir.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
