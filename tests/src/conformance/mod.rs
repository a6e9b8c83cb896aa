//! The conformance cases: small state trees with Salt's own answers to them.
//!
//! Used by `tests/conformance.rs`. Applies each case with the `lab-minion` binary in a throw-away directory, and
//! compares rows and files with the golden answer.

mod compare;
mod sandbox;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lab_proto::Value;
use lab_states::render;
use serde::Deserialize;

pub use compare::differences;
pub use sandbox::{Entry, Sandbox};

/// What stands for the sandbox in cases and golden files.
pub const TOKEN: &str = "@ROOT@";

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its directory.
    pub dir: PathBuf,
    /// What it is about.
    pub what: String,
    /// The SLS that are applied; none at all means the highstate.
    pub sls: Vec<String>,
    /// Whether the run is dry.
    pub test: bool,
    /// Whether the minion's failhard is on.
    pub failhard: bool,
    /// The minion's id.
    pub id: Option<String>,
    /// Whether the answer looks like an accident of Salt's implementation.
    pub quirk: bool,
}

/// Salt's answer to a case.
#[derive(Clone, Debug, Deserialize)]
pub struct Golden {
    /// The executed states in order.
    pub results: Vec<GoldenRow>,
    /// The refusal of the whole run.
    #[serde(default)]
    pub error: Option<GoldenError>,
    /// What is left below the sandbox, by path.
    pub files: indexmap::IndexMap<String, Entry>,
}

/// One executed state in Salt's answer.
#[derive(Clone, Debug, Deserialize)]
pub struct GoldenRow {
    /// The ID.
    pub id: String,
    /// `module.function`.
    pub state: String,
    /// The name, which need not be text.
    pub name: Value,
    /// `None` is the dry run's would-change.
    pub result: Option<bool>,
    /// Whether something changed.
    pub changed: bool,
    /// Why it was skipped.
    pub skipped_because: Option<String>,
}

/// The refusal in Salt's answer.
#[derive(Clone, Debug, Deserialize)]
pub struct GoldenError {
    /// Its kind.
    pub kind: String,
}

/// What our program printed.
#[derive(Clone, Debug, Deserialize)]
pub struct Ours {
    /// The executed states in order.
    #[serde(default)]
    pub results: Vec<OurRow>,
    /// The refusal.
    pub error: Option<OurError>,
}

/// One executed state as our program prints it.
#[derive(Clone, Debug, Deserialize)]
pub struct OurRow {
    /// The ID.
    pub id: String,
    /// `module.function`.
    pub state: String,
    /// The name.
    pub name: String,
    /// The verdict.
    pub result: String,
    /// Whether something changed.
    pub changed: bool,
    /// Why it was skipped.
    pub reason: Option<String>,
}

/// A refusal as our program prints it.
#[derive(Clone, Debug, Deserialize)]
pub struct OurError {
    /// For people.
    pub text: String,
    /// Its kind.
    pub kind: Option<String>,
}

/// Reads all cases below a directory, by name.
///
/// # Panics
/// When the directory or a `case.yaml` cannot be read: the tree is damaged.
pub fn load(root: &Path) -> Vec<Case> {
    let cases = root.join("cases");
    let entries = fs::read_dir(&cases).unwrap_or_else(|e| panic!("cannot list {}: {e}", cases.display()));
    let mut names: Vec<String> =
        entries.filter_map(Result::ok).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names.into_iter().map(|name| case(&cases, name)).collect()
}

fn case(cases: &Path, name: String) -> Case {
    let dir = cases.join(&name);
    let path = dir.join("case.yaml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    let meta = render::yaml_document("case.yaml", &text)
        .unwrap_or_else(|e| panic!("{} is no YAML: {e}", path.display()))
        .to_value();
    let flag = |key: &str| meta.get(key).is_some_and(Value::truthy);
    let text = |key: &str| meta.get(key).map(Value::to_string);
    let sls = meta.get("apply").and_then(Value::as_list).unwrap_or_default();
    Case {
        what: text("what").unwrap_or_default(),
        sls: sls.iter().map(Value::to_string).collect(),
        test: flag("test"),
        failhard: flag("failhard"),
        id: text("id"),
        quirk: flag("quirk"),
        name,
        dir,
    }
}

/// Reads Salt's answer to a case.
///
/// # Panics
/// When there is none or it cannot be read.
pub fn golden(root: &Path, name: &str) -> Golden {
    let path = root.join("golden").join(format!("{name}.json"));
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{} is no answer: {e}", path.display()))
}

/// Applies a case with our program, in a sandbox.
///
/// # Errors
/// When it prints no JSON; the text holds what it printed instead.
pub fn apply(minion: &Path, case: &Case, sandbox: &Sandbox) -> Result<Ours, String> {
    // The shell sets the umask that the golden answers were made with; nothing else of the caller's gets through.
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg("umask 022; exec \"$@\"").arg("sh").arg(minion);
    command.args(["apply", "--local", "--states"]).arg(sandbox.states());
    if let Some(pillar) = sandbox.pillar() {
        command.arg("--pillar").arg(pillar);
    }
    if let Some(grains) = sandbox.grains() {
        command.arg("--grains").arg(grains);
    }
    if let Some(id) = &case.id {
        command.args(["--id", id]);
    }
    if case.failhard {
        command.arg("--failhard");
    }
    if case.test {
        command.arg("--test");
    }
    command.args(&case.sls).args(["--output", "json"]);
    command.env_clear().current_dir("/").stdin(Stdio::null());
    for key in ["PATH", "HOME", "TMPDIR", "USER"] {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    command.envs([("LANG", "C.UTF-8"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")]);
    let output = command.output().map_err(|e| format!("cannot start {}: {e}", minion.display()))?;
    serde_json::from_slice(&output.stdout).map_err(|e| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("no JSON ({e}), {}: {}", output.status, said.trim())
    })
}
