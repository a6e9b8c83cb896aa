//! Every directory of `tests/vm/` is one test, run in a virtual machine of its own (see `lab_tests::vm`).
//!
//! Cases with systemd are named `systemd::NAME` and run by `cargo xtask test --vm` only: their disk takes a minute to make.
//! With `LAB_VM_CONSOLE=1` the consoles are shown also where a case passes.

use std::path::Path;
use std::process::ExitCode;

use lab_tests::vm::{Case, Image, cases};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let all = match Case::all() {
        Ok(all) => all,
        Err(e) => {
            eprintln!("{}", chain(&e));
            return ExitCode::FAILURE;
        }
    };
    let trials = all.into_iter().map(|case| Trial::test(name(&case), move || run(&case))).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn name(case: &Case) -> String {
    if case.systemd { format!("systemd::{}", case.name) } else { case.name.clone() }
}

fn run(case: &Case) -> Result<(), Failed> {
    let binaries = Path::new(env!("CARGO_BIN_EXE_lab-nshost")).parent().expect("a binary is in a directory");
    let image = Image::build(binaries, &cases(), case.systemd).map_err(|e| chain(&e))?;
    let outcome = case.run(&image).map_err(|e| chain(&e))?;
    if std::env::var_os("LAB_VM_CONSOLE").is_some() {
        eprintln!("{}", outcome.console);
    }
    eprintln!("{}: {:.1} s", case.name, outcome.took.as_secs_f64());
    match outcome.failure {
        None => Ok(()),
        Some(why) => Err(format!("{}: {why}\n{}", case.name, outcome.console).into()),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
