//! `lab-master`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    lab_master::cli::Cli::parse().run(lab_master::server::wall_time())
}
