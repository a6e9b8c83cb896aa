//! `cargo xtask bench`: measures what docs/benchmarks.md promises, on this machine. The table goes to standard output, each
//! figure to standard error as it is found, and all of it as JSON to a file.

#![expect(clippy::print_stdout, reason = "the table is this program's data")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use lab_tests::bench::{Bench, Programs, Report, Section};

/// Measures lab on this machine.
#[derive(Parser)]
#[command(after_help = "Example: cargo xtask bench ping events --json bench.json")]
struct Args {
    /// What to measure; everything if nothing is named.
    sections: Vec<Section>,
    /// Cuts sizes and times down: a smoke test, no measurement.
    #[arg(long)]
    quick: bool,
    /// How long rates are measured, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Args { sections, quick, seconds, json } = Args::parse();
    if let Err(e) = lab_tests::bench::programs::raise_limits() {
        eprintln!("lab-bench: the limit of open files stays as it is: {e}");
    }
    let programs = match Programs::beside_this() {
        Ok(programs) => programs,
        Err(e) => {
            eprintln!("lab-bench: {e}");
            return ExitCode::from(2);
        }
    };
    let sections = if sections.is_empty() { Section::value_variants().to_vec() } else { sections };
    let mut bench = Bench { programs, quick, seconds, report: Report::new(quick) };
    let mut failed = false;
    for section in sections {
        if let Err(e) = bench.run(section) {
            eprintln!("lab-bench: {section:?}: {e}");
            failed = true;
        }
    }
    print!("{}", bench.report.table());
    if let Some(path) = json
        && let Err(e) = write_json(&path, &bench.report)
    {
        eprintln!("lab-bench: cannot write {}: {e}", path.display());
        failed = true;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn write_json(path: &std::path::Path, report: &Report) -> std::io::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    std::fs::write(path, text)
}
