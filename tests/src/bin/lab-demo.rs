//! `cargo xtask demo`: the whole of it in a minute, on this machine, with nothing left behind.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    lab_tests::demo::run(&lab_tests::demo::Args::parse())
}
