//! `cargo xtask advisories`: known vulnerabilities in dependencies. Not a gate, because the database may not be reachable.

use crate::prerequisites::{self, Need};
use crate::shell::{self, Result};

pub(crate) fn run() -> Result {
    prerequisites::ensure(&[Need::CargoTool { name: "deny", krate: "cargo-deny", version: "0.19" }], false)?;
    if !shell::works("cargo", &["deny", "fetch", "db"]) {
        println!("advisories: not checked (the advisory database cannot be reached from here)");
        return Ok(());
    }
    shell::run(shell::cargo().args(["deny", "--locked", "check", "advisories"]))
}
