//! `cargo xtask fuzz`: coverage-guided fuzzing of every parser that faces the network or a file. The targets are in
//! `tests/fuzz`; what they found is kept in `tests/fuzz/corpus` and replayed by every `cargo xtask test`.

use crate::prerequisites::{self, Need};
use crate::shell::{self, Result};

const TARGETS: &[&str] = &["frames", "value", "records", "yaml", "jinja", "sls"];

pub(crate) fn run(args: &[String]) -> Result {
    let mut seconds = "600".to_owned();
    let mut chosen = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--seconds" {
            seconds = rest.next().ok_or("--seconds needs a number")?.clone();
        } else if TARGETS.contains(&arg.as_str()) {
            chosen.push(arg.as_str());
        } else {
            return Err(format!("unknown target {arg:?}; known are {}", TARGETS.join(", ")));
        }
    }
    prerequisites::ensure(&[Need::CargoTool { name: "fuzz", krate: "cargo-fuzz", version: "^0.13" }], false)?;
    for target in if chosen.is_empty() { TARGETS.to_vec() } else { chosen } {
        let limit = format!("-max_total_time={seconds}");
        let mut fuzz =
            shell::program("cargo", &["+nightly", "fuzz", "run", target, "--", &limit, "-max_len=65536"]);
        shell::run(fuzz.current_dir(shell::root().join("tests")))?;
    }
    Ok(())
}

pub(crate) fn replay_corpora() -> Result {
    shell::run(shell::cargo().args([
        "nextest",
        "run",
        "--locked",
        "--package",
        "lab-tests",
        "--test",
        "corpora",
    ]))
}
