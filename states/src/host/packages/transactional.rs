//! transactional-update: packages change in a new snapshot, which is used after the next boot.
//!
//! What is "installed" here is what will be there after the next boot: the list is read from the snapshot that boots
//! next, and changes continue it.

use std::collections::BTreeMap;

use super::super::{Command, Output};
use super::back_end::{BackEnd, Refusal};
use super::zypper::{self, Zypper};
use super::{Package, PackageAction, PackageChange, PackageJob, rpm};

/// transactional-update, zypper and rpm.
#[derive(Clone, Copy, Debug)]
pub struct TransactionalUpdate;

/// Finds the root of the snapshot that boots next; empty where it is the running one, or there are no snapshots.
const NEXT: &str = r"next=$(btrfs subvolume get-default / 2>/dev/null | sed -n 's,.*\(/\.snapshots/[0-9]*/snapshot\)$,\1,p'); ";

impl BackEnd for TransactionalUpdate {
    fn list(&self) -> Command {
        in_next(&format!("rpm ${{next:+--root \"$next\"}} -qa --qf '{}'", rpm::LIST))
    }

    fn read_list(&self, output: &Output) -> Result<Vec<Package>, String> {
        rpm::read_list(output)
    }

    fn holds(&self) -> Option<Command> {
        Zypper.holds()
    }

    fn read_holds(&self, output: &Output) -> Vec<String> {
        Zypper.read_holds(output)
    }

    fn providers(&self, capability: &str) -> Option<Command> {
        let quoted = capability.replace('\'', r"'\''");
        Some(in_next(&format!(
            "rpm ${{next:+--root \"$next\"}} -q --whatprovides --qf '%{{NAME}}\\n' '{quoted}'"
        )))
    }

    fn read_providers(&self, output: &Output) -> Vec<String> {
        rpm::read_providers(output)
    }

    fn versions(&self, names: &[String]) -> Command {
        Zypper.versions(names)
    }

    fn read_versions(&self, output: &Output) -> Result<BTreeMap<String, Vec<String>>, String> {
        Zypper.read_versions(output)
    }

    fn plan(&self, job: &PackageJob) -> Command {
        Zypper.plan(job)
    }

    fn read_plan(
        &self,
        job: &PackageJob,
        output: &Output,
        installed: &[Package],
    ) -> Result<Vec<PackageChange>, Refusal> {
        let mut changes = Zypper.read_plan(job, output, installed)?;
        // zypper plans for the running system; what the next one has already is no change.
        let version = |name: &str| installed.iter().find(|p| p.name == name).map(|p| p.version.clone());
        changes.retain_mut(|change| {
            change.old = version(&change.name);
            change.old != change.new
        });
        Ok(changes)
    }

    fn act(&self, job: &PackageJob) -> Command {
        let start = ["transactional-update", "--non-interactive", "--continue"].map(str::to_owned);
        let words = match job.action {
            PackageAction::Upgrade { dist } => vec![if dist { "dup" } else { "up" }.to_owned()],
            PackageAction::Install(_) | PackageAction::Remove { .. } => {
                ["pkg".to_owned()].into_iter().chain(zypper::arguments(job, false)).collect()
            }
        };
        rpm::command(start.into_iter().chain(words))
    }

    fn hold(&self, names: &[String], held: bool) -> Command {
        Zypper.hold(names, held)
    }

    fn refresh(&self) -> Command {
        Zypper.refresh()
    }

    fn is_locked(&self, output: &Output) -> bool {
        let said = format!("{}\n{}", output.stdout_text(), output.stderr_text());
        Zypper.is_locked(output) || (!output.exit.success() && said.contains("Couldn't get lock"))
    }

    fn complaint(&self, output: &Output) -> String {
        Zypper.complaint(output)
    }
}

fn in_next(script: &str) -> Command {
    let mut command = Command::shell(format!("{NEXT}{script}"));
    command.env.insert("LC_ALL".to_owned(), Some("C".to_owned()));
    command
}

#[cfg(test)]
mod tests {
    use super::super::back_end::testing::output;
    use super::super::{PackageOptions, PackageSpec};
    use super::*;

    fn job(action: PackageAction) -> PackageJob {
        PackageJob { action, options: PackageOptions::default() }
    }

    #[test]
    fn changes_go_on_in_the_snapshot_that_boots_next() {
        let foo = PackageSpec { name: "foo".to_owned(), version: None };
        let line = |action| TransactionalUpdate.act(&job(action)).line();
        assert_eq!(
            line(PackageAction::Install(vec![foo])),
            "transactional-update --non-interactive --continue pkg install --auto-agree-with-licenses --oldpackage foo"
        );
        assert_eq!(
            line(PackageAction::Remove { names: vec!["foo".to_owned()], purge: true }),
            "transactional-update --non-interactive --continue pkg remove foo"
        );
        assert_eq!(
            line(PackageAction::Upgrade { dist: false }),
            "transactional-update --non-interactive --continue up"
        );
        assert_eq!(
            line(PackageAction::Upgrade { dist: true }),
            "transactional-update --non-interactive --continue dup"
        );
        let list = TransactionalUpdate.list().line();
        assert!(
            list.starts_with("next=$(btrfs") && list.contains("rpm ${next:+--root \"$next\"} -qa"),
            "{list}"
        );
    }

    #[test]
    fn what_the_next_snapshot_has_already_is_no_change() {
        let summary = "<install-summary><to-install>\
                       <solvable type=\"package\" name=\"foo\" edition=\"1-1\" arch=\"noarch\"/>\
                       <solvable type=\"package\" name=\"bar\" edition=\"2-1\" arch=\"noarch\"/>\
                       </to-install></install-summary>";
        let next = Package { name: "foo".to_owned(), version: "1-1".to_owned(), ..Package::default() };
        let any = job(PackageAction::Upgrade { dist: false });
        let plan = TransactionalUpdate.read_plan(&any, &output(0, summary, ""), &[next]).unwrap();
        assert_eq!(plan.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["bar"]);
    }
}
