//! The one door for developer commands: `cargo xtask help`.

#![expect(clippy::print_stdout, reason = "a developer command talks on stdout")]

mod advisories;
mod demo;
mod fuzz;
mod prerequisites;
mod purity;
mod shell;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask COMMAND

  demo [--keep] [--no-install]     run `lab-master orchestrate kubic` on two namespaced hosts
  test [--no-install] [STAGE…]     run every check; with stages, only those (see `test --list`)
  bench [ARG…]                     measure: JSON and a table (see docs/benchmarks.md)
  reference                        write docs/reference anew from the functions' own documentation
  fuzz [TARGET] [--seconds N]      fuzz one or all parsers; needs a nightly toolchain and cargo-fuzz
  advisories                       check dependencies against the advisory database, where it can be reached
  replay SEED CLASS [--as-salt]    step through one seeded world of the simulator (a failing test prints both)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let result = match args.first().map(String::as_str) {
        Some("demo") => demo::run(rest),
        Some("test") => test::run(rest),
        Some("bench") => demo::bench(rest),
        Some("replay") => demo::replay(rest),
        Some("reference") => demo::reference(),
        Some("fuzz") => fuzz::run(rest),
        Some("advisories") => advisories::run(),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprint!("{}{HELP}", other.map(|o| format!("unknown command {o:?}\n\n")).unwrap_or_default());
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
