//! The command line's transcripts: see tests/transcripts/README.md.

mod e2e;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use e2e::{kubic, lab_ends_without_a_trace};
use lab_tests::kubic::KubicLab;
use regex::Regex;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");

/// The states that the transcripts speak of, beside those of the example.
const STATES: [(&str, &str); 3] = [
    ("hello.sls", "/etc/hello:\n  file.managed:\n    - contents: hello from {{ grains['id'] }}\n"),
    ("broken.sls", "/etc/motd:\n  file.managed:\n    - contents: {{ nothing.at.all }}\n"),
    ("orch/broken.sls", "step:\n  salt.function:\n    - name: test.ping\n   - tgt: '*'\n"),
];

/// What differs from one run to the next, and the word that stands for it.
const VARYING: [(&str, &str); 11] = [
    (r"\d{20}_[0-9a-f]{16}", "<jid>"),
    (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", "<time>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"sha256:[0-9a-f]{64}", "<fingerprint>"),
    (r"\b[0-9a-f]{8}\.[0-9a-f]{32}\.[0-9a-f]{64}", "<token>"),
    (r"(?m)^[0-9a-f]{8} ", "<name> "),
    (r"<uuid>:\d+", "<position>"),
    (r"10\.77\.0\.(\d+):\d{2,5}", "10.77.0.$1:<port>"),
    (r#""(counter|duration_micros|outbox_head)":\d+"#, "\"$1\":<n>"),
    (r"(?m)^ *\d+  <time>", "<n>  <time>"),
    (r"/tmp/lab-nshost-[A-Za-z0-9]+/kubic", "<dir>"),
];

#[test]
fn the_command_line_says_what_its_transcripts_say() {
    let lab = kubic().start().unwrap();
    for (name, text) in STATES {
        std::fs::write(lab.dir().join("states").join(name), text).unwrap();
    }
    let bless = std::env::var_os("LAB_BLESS").is_some();
    let mut differences = String::new();
    for file in files() {
        let wanted = std::fs::read_to_string(&file).unwrap();
        let got = replay(&lab, &wanted);
        if bless {
            std::fs::write(&file, &got).unwrap();
        } else if got != wanted {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            writeln!(differences, "== {name}\n{}", difference(&wanted, &got)).unwrap();
        }
    }
    assert!(differences.is_empty(), "LAB_BLESS=1 writes them anew:\n{differences}");
    lab_ends_without_a_trace(lab);
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(DIR).expect("the transcripts are there");
    let mut files: Vec<_> = entries.map(|e| e.expect("readable").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "txt"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Runs the commands of a transcript; returns it as it is now.
fn replay(lab: &KubicLab, transcript: &str) -> String {
    let varying: Vec<_> =
        VARYING.iter().map(|(p, w)| (Regex::new(p).expect("a valid pattern"), *w)).collect();
    let mut now = String::new();
    for line in transcript.lines() {
        if line.starts_with("# ") {
            writeln!(now, "{line}").expect("a string takes all");
        }
        let Some(command) = line.strip_prefix("$ lab-master ") else { continue };
        let words = words(command);
        let args: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = lab.cli(&args).expect("the place can be entered");
        let normal = |text: &str| {
            let text =
                varying.iter().fold(text.to_owned(), |text, (p, w)| p.replace_all(&text, *w).into_owned());
            text.lines().map(narrow).collect::<Vec<_>>()
        };
        writeln!(now, "\n{line}").expect("a string takes all");
        for said in normal(&output.stdout) {
            writeln!(now, "{said}").expect("a string takes all");
        }
        for said in normal(&output.stderr) {
            writeln!(now, "{}", format!("! {said}").trim_end()).expect("a string takes all");
        }
        writeln!(now, "= {}", output.status.code().unwrap_or(-1)).expect("a string takes all");
    }
    now
}

/// Brings a table's columns together: their width depends on what is in them. Tables begin at the margin.
fn narrow(line: &str) -> String {
    if line.starts_with(' ') {
        return line.to_owned();
    }
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("  ")
}

/// Splits a command line at spaces outside of single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is one").push(c),
        }
    }
    words
}

/// The lines that differ.
fn difference(wanted: &str, got: &str) -> String {
    let (wanted, got): (Vec<_>, Vec<_>) = (wanted.lines().collect(), got.lines().collect());
    let mut text = String::new();
    for i in 0..wanted.len().max(got.len()) {
        let (w, g) = (wanted.get(i), got.get(i));
        if w != g {
            let show = |l: Option<&&str>| l.map_or("(nothing)", |l| l).to_owned();
            writeln!(text, "line {}\n  - {}\n  + {}", i + 1, show(w), show(g)).expect("a string takes all");
        }
    }
    text
}

#[test]
fn each_transcript_shows_commands_and_how_they_ended() {
    for file in files() {
        let text = std::fs::read_to_string(Path::new(&file)).unwrap();
        let count = |start: &str| text.lines().filter(|l| l.starts_with(start)).count();
        assert!(count("$ ") > 0 && count("$ ") == count("= "), "{}", file.display());
    }
}
