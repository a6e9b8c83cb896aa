//! `lab-minion`: the agent of a lab.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    lab_minion::cli::Cli::parse().run()
}
