//! `cargo xtask test`: every check, in the order in which they fail fastest.

use std::time::Instant;

use crate::prerequisites::{self, DEBIAN, HOSTS, MACHINES, TEST};
use crate::shell::{self, Result};
use crate::{fuzz, purity};

type Stage = (&'static str, &'static str, fn() -> Result);

const STAGES: &[Stage] = &[
    ("fmt", "rustfmt", || shell::run(shell::cargo().args(["fmt", "--all", "--check"]))),
    ("purity", "direction of dependencies", purity::check),
    ("deny", "bans, licenses and sources of dependencies", || {
        shell::run(shell::cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"]))
    }),
    ("clippy", "lints", || {
        shell::run(shell::cargo().args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("doc", "documentation", || {
        let mut doc = shell::cargo();
        doc.args(["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
        shell::run(&mut doc)
    }),
    ("build", "the binaries that end-to-end tests run", || {
        shell::run(shell::cargo().args(["build", "--locked", "--workspace", "--bins"]))
    }),
    ("tests", "unit, simulation, conformance, transcripts, namespaced end-to-end", || {
        shell::run(shell::cargo().args(["nextest", "run", "--locked", "--workspace"]))
    }),
    ("corpora", "recorded fuzz inputs", fuzz::replay_corpora),
];

/// What `--vm` adds: it needs root, and a minute to make its disk.
const WHOLE_MACHINES: Stage = ("machines", "virtual machines with systemd", || {
    let filter = ["--ignore-default-filter", "-E", "binary(vm) & test(/^systemd::/)"];
    shell::run(shell::cargo().args(["nextest", "run", "--locked", "-p", "lab-tests"]).args(filter))
});

const OPTIONS: &[&str] = &["--no-install", "--vm"];

pub(crate) fn run(args: &[String]) -> Result {
    if args.iter().any(|a| a == "--list") {
        for (name, what, _) in STAGES {
            println!("{name:8} {what}");
        }
        return Ok(());
    }
    let no_install = args.iter().any(|a| a == "--no-install");
    let whole_machines = args.iter().any(|a| a == "--vm");
    let asked: Vec<&str> = args.iter().map(String::as_str).filter(|a| !OPTIONS.contains(a)).collect();
    if let Some(unknown) = asked.iter().find(|a| !STAGES.iter().any(|(name, ..)| name == *a)) {
        return Err(format!("unknown stage {unknown:?}; `cargo xtask test --list` names them"));
    }
    prerequisites::ensure(HOSTS, no_install)?;
    prerequisites::ensure(TEST, no_install)?;
    prerequisites::ensure(MACHINES, no_install)?;
    let mut stages = STAGES.to_vec();
    if whole_machines {
        prerequisites::ensure(DEBIAN, no_install)?;
        stages.push(WHOLE_MACHINES);
    }
    let mut done = Vec::new();
    for (name, what, stage) in stages {
        if !asked.is_empty() && !asked.contains(&name) && name != WHOLE_MACHINES.0 {
            continue;
        }
        println!("\n== {name}: {what}");
        let start = Instant::now();
        stage().map_err(|e| format!("stage {name} failed: {e}"))?;
        done.push((name, start.elapsed()));
    }
    println!();
    for (name, took) in &done {
        println!("ok {name:8} {:6.1} s", took.as_secs_f64());
    }
    println!("{} passed, 0 failed", done.len());
    Ok(())
}
