//! `cargo xtask demo`, `bench` and `replay`: build what they need, then hand over to the programs in `tests/`.

use crate::prerequisites::{self, HOSTS};
use crate::shell::{self, Result};

pub(crate) fn run(args: &[String]) -> Result {
    let no_install = args.iter().any(|a| a == "--no-install");
    prerequisites::ensure(HOSTS, no_install)?;
    shell::run(shell::cargo().args(["build", "--locked", "--workspace", "--bins"]))?;
    hand_over(false, "lab-demo", args.iter().filter(|a| *a != "--no-install"))
}

pub(crate) fn bench(args: &[String]) -> Result {
    prerequisites::ensure(HOSTS, args.iter().any(|a| a == "--no-install"))?;
    shell::run(shell::cargo().args(["build", "--locked", "--release", "--workspace", "--bins"]))?;
    hand_over(true, "lab-bench", args.iter().filter(|a| *a != "--no-install"))
}

pub(crate) fn replay(args: &[String]) -> Result {
    shell::run(shell::cargo().args(["build", "--locked", "--package", "lab-tests", "--bins"]))?;
    hand_over(false, "lab-world", args.iter())
}

/// Writes docs/reference: the test that holds the pages to the functions does it.
pub(crate) fn reference() -> Result {
    let mut run = shell::cargo();
    run.args([
        "test",
        "--locked",
        "--package",
        "lab-tests",
        "--test",
        "reference",
        "the_reference_is_up_to_date",
    ]);
    shell::run(run.env("LAB_BLESS", "1"))
}

fn hand_over<'a>(release: bool, bin: &str, args: impl Iterator<Item = &'a String>) -> Result {
    let mut run = shell::cargo();
    run.args(["run", "--quiet", "--locked", "--package", "lab-tests", "--bin", bin]);
    if release {
        run.arg("--release");
    }
    run.arg("--").args(args);
    shell::run(&mut run)
}
