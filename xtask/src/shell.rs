//! Running other programs, in sight of the user.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What went wrong, in one sentence.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// Returns the workspace's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// Returns cargo as the user calls it, so that rust-toolchain.toml decides the version.
pub(crate) fn cargo() -> Command {
    let mut c = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    c.current_dir(root());
    c
}

/// Returns a program to be run in the workspace's root.
pub(crate) fn program(name: &str, args: &[&str]) -> Command {
    let mut c = Command::new(name);
    c.args(args).current_dir(root());
    c
}

/// Prints the command, runs it with our own output, and fails when it does.
pub(crate) fn run(command: &mut Command) -> Result {
    let shown = show(command);
    println!("$ {shown}");
    let status = command.status().map_err(|e| format!("cannot run `{shown}`: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed: {status}")) }
}

/// Runs a command and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let out = command.stderr(Stdio::inherit()).output().map_err(|e| format!("cannot run `{shown}`: {e}"))?;
    if !out.status.success() {
        return Err(format!("`{shown}` failed: {}", out.status));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Tells whether a program answers `args` with success.
pub(crate) fn works(name: &str, args: &[&str]) -> bool {
    Command::new(name)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Tells whether this process may install packages.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u").stdin(Stdio::null())).is_ok_and(|o| o.trim() == "0")
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
