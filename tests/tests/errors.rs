//! A hundred wrong inputs and what our commands say about them: see tests/errors/README.md.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_states::render::yaml_document;
use lab_tests::kubic::binaries;
use regex::Regex;
use serde::Deserialize;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/errors");

/// `case.yaml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default)]
    run: Run,
    #[serde(default)]
    sls: Vec<String>,
    #[serde(default)]
    minions: Vec<String>,
    /// Why the answer names no line.
    without: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Run {
    #[default]
    Check,
    Apply,
}

fn cases() -> Vec<(PathBuf, Case)> {
    let entries = fs::read_dir(DIR).expect("the cases are there");
    let mut dirs: Vec<PathBuf> = entries.map(|e| e.expect("listed").path()).filter(|p| p.is_dir()).collect();
    dirs.sort();
    let read = |dir: PathBuf| {
        let file = dir.join("case.yaml");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let value =
            yaml_document("case.yaml", &text).unwrap_or_else(|e| panic!("{}: {e}", dir.display())).to_value();
        let json = serde_json::to_value(value).expect("YAML has a JSON form");
        let case = serde_json::from_value(json).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        (dir, case)
    };
    dirs.into_iter().map(read).collect()
}

/// Runs the command of a case in its directory; returns the transcript.
fn transcript(dir: &Path, case: &Case) -> String {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let has = |name: &str| dir.join(name).exists();
    let (program, mut args) = match case.run {
        Run::Check => ("lab-master", words(&["check", ".", "--offline"])),
        Run::Apply => {
            ("lab-minion", words(&["apply", "--local", "--test", "--states", "states", "--id", "web1"]))
        }
    };
    if case.run == Run::Check {
        let ids = if case.minions.is_empty() { words(&["web1"]) } else { case.minions.clone() };
        args.extend(ids.into_iter().flat_map(|id| ["--minion".to_owned(), id]));
    } else if has("pillar") {
        args.extend(words(&["--pillar", "pillar"]));
    }
    if has("grains.yaml") {
        args.extend(words(&["--grains", "grains.yaml"]));
    }
    args.extend(case.sls.iter().cloned());
    let binary = binaries().expect("the binaries are built").join(program);
    let output = Command::new(binary)
        .args(&args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .output()
        .expect("the program starts");
    let time = Regex::new(r"in \d+\.\d+ s").expect("a valid pattern");
    let mut out = format!("# {}\n$ {program} {}\n", case.what, args.join(" "));
    for (mark, bytes) in [("", &output.stdout), ("! ", &output.stderr)] {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            let line = format!("{mark}{}", time.replace_all(line, "in <time>"));
            writeln!(out, "{}", line.trim_end()).expect("a string takes all");
        }
    }
    writeln!(out, "= {}", output.status.code().map_or("killed".to_owned(), |c| c.to_string()))
        .expect("a string takes all");
    out
}

/// Says what an answer lacks: place, line, caret, remedy.
fn lacks(answer: &str, case: &Case) -> Option<&'static str> {
    let has = |pattern: &str| Regex::new(pattern).expect("a valid pattern").is_match(answer);
    if answer.contains("panicked") || answer.contains("RUST_BACKTRACE") || has(r"(?m)^= (1|killed)$") {
        return Some("it is a crash");
    }
    if has(r"(?m)^= 0$") && !has(r" (lint|note): ") && !answer.contains("warning:") {
        return Some("nothing was found");
    }
    if case.without.is_some() {
        return None;
    }
    if !has(r"[\w./-]+\.(sls|j2|jinja|yaml):\d+:\d+: ") {
        return Some("it names no file, line and column");
    }
    let caret = r"(?m)^(! )?\s+\d+ \| .*\n(! )?\s+\| \s*\^\n";
    if !has(caret) {
        return Some("it does not show the line with a caret");
    }
    let remedy = r"(?m)\^\n((! )?\s+from .*\n)*(! )?\s+[^\s|!].*$";
    if !has(remedy) {
        return Some("it does not say what to do");
    }
    None
}

#[test]
fn every_mistake_is_answered_with_its_place_and_the_way_out() {
    let cases = cases();
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    let bless = std::env::var_os("LAB_BLESS").is_some();
    let mut wrong = String::new();
    for (dir, case) in &cases {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let got = transcript(dir, case);
        let file = dir.join("expected.txt");
        if bless {
            fs::write(&file, &got).expect("the case's directory can be written");
        } else {
            let wanted = fs::read_to_string(&file).unwrap_or_default();
            if wanted != got {
                writeln!(wrong, "== {name} says\n{got}-- and should say\n{wanted}")
                    .expect("a string takes all");
            }
        }
        if let Some(lack) = lacks(&got, case) {
            writeln!(wrong, "== {name}: {lack}\n{got}").expect("a string takes all");
        }
    }
    assert!(wrong.is_empty(), "LAB_BLESS=1 writes the answers anew:\n{wrong}");
}
