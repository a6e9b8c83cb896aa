//! What a package manager's back end knows: which commands to run, and what their output means.

use std::collections::BTreeMap;

use super::super::{Command, Output};
use super::{Package, PackageChange, PackageJob};

/// Why a manager refused a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Names of the job that no repository offers.
    pub missing: Vec<String>,
    /// The manager's own words.
    pub text: String,
}

/// One package manager. Pure: makes commands and reads outputs, runs nothing.
pub trait BackEnd: Sync {
    /// Makes the command that lists what is installed.
    fn list(&self) -> Command;

    /// Reads the list.
    ///
    /// # Errors
    /// When it is no such list; says what is wrong.
    fn read_list(&self, output: &Output) -> Result<Vec<Package>, String>;

    /// Makes the command that lists what is held, where the list of packages does not say.
    fn holds(&self) -> Option<Command> {
        None
    }

    /// Reads the names that are held.
    fn read_holds(&self, _output: &Output) -> Vec<String> {
        Vec::new()
    }

    /// Makes the command that names the installed providers of a capability, where the list does not say.
    fn providers(&self, _capability: &str) -> Option<Command> {
        None
    }

    /// Reads the names of providers.
    fn read_providers(&self, _output: &Output) -> Vec<String> {
        Vec::new()
    }

    /// Makes the command that lists the versions on offer.
    fn versions(&self, names: &[String]) -> Command;

    /// Reads them, newest first.
    ///
    /// # Errors
    /// When it is no such list; says what is wrong.
    fn read_versions(&self, output: &Output) -> Result<BTreeMap<String, Vec<String>>, String>;

    /// Makes the command that says what a job would change.
    fn plan(&self, job: &PackageJob) -> Command;

    /// Reads what would change; `installed` is the present list.
    ///
    /// # Errors
    /// When the manager refused the job.
    fn read_plan(
        &self,
        job: &PackageJob,
        output: &Output,
        installed: &[Package],
    ) -> Result<Vec<PackageChange>, Refusal>;

    /// Makes the command that does a job.
    fn act(&self, job: &PackageJob) -> Command;

    /// Tells whether a job's or a refresh's output means that it succeeded.
    fn succeeded(&self, output: &Output) -> bool {
        output.exit.success()
    }

    /// Makes the command that holds packages or lets them go.
    fn hold(&self, names: &[String], held: bool) -> Command;

    /// Makes the command that reads the repositories again.
    fn refresh(&self) -> Command;

    /// Tells whether a command failed only because another process holds a lock.
    fn is_locked(&self, output: &Output) -> bool;

    /// Says why a command failed, in the manager's own words.
    fn complaint(&self, output: &Output) -> String {
        complaint(output)
    }
}

/// Returns the lines that tools mark as errors, or what they wrote last.
pub(super) fn complaint(output: &Output) -> String {
    let (err, out) = (output.stderr_text(), output.stdout_text());
    let marked: Vec<&str> = err
        .lines()
        .chain(out.lines())
        .map(str::trim)
        .filter(|l| l.starts_with("E: ") || l.starts_with("Error: ") || l.starts_with("dpkg: error"))
        .collect();
    if !marked.is_empty() {
        return marked.join("; ");
    }
    let last = |text: &str| {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        lines[lines.len().saturating_sub(3)..].join("; ")
    };
    let said = if err.trim().is_empty() { last(&out) } else { last(&err) };
    if said.is_empty() { format!("status {}", output.exit.code()) } else { said }
}

#[cfg(test)]
pub(super) mod testing {
    use super::super::super::{Exit, Output};

    /// An output as a tool left it.
    pub(in super::super) fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        Output { exit: Exit::Code(code), stdout: stdout.into(), stderr: stderr.into(), pid: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::output;
    use super::*;

    #[test]
    fn a_complaint_is_what_is_marked_as_an_error_or_the_last_words() {
        let apt = output(100, "Reading package lists...\n", "W: old\nE: Unable to locate package x\n");
        assert_eq!(complaint(&apt), "E: Unable to locate package x");
        assert_eq!(complaint(&output(4, "a\nb\nc\nd\n", "")), "b; c; d");
        assert_eq!(complaint(&output(4, "", "")), "status 4");
    }
}
