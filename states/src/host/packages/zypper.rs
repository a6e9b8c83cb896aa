//! SUSE's zypper, in its XML mode, over rpm.

use std::collections::BTreeMap;

use super::super::{Command, Output};
use super::back_end::{BackEnd, Refusal, complaint};
use super::{Package, PackageAction, PackageChange, PackageJob, PackageOptions, PackageSpec, rpm};

/// zypper and rpm.
#[derive(Clone, Copy, Debug)]
pub struct Zypper;

/// zypper's own status for "another zypper is at work".
const LOCKED: i32 = 7;
/// "Some names were not found."
const NOT_FOUND: i32 = 104;
/// Statuses that say more than success: reboot needed, zypper itself was updated, some repositories were skipped.
const INFORMATION: [i32; 5] = [100, 101, 102, 103, 106];

impl BackEnd for Zypper {
    fn list(&self) -> Command {
        rpm::list()
    }

    fn read_list(&self, output: &Output) -> Result<Vec<Package>, String> {
        rpm::read_list(output)
    }

    fn holds(&self) -> Option<Command> {
        Some(rpm::command(["zypper", "--non-interactive", "--no-refresh", "--xmlout", "locks"]))
    }

    fn read_holds(&self, output: &Output) -> Vec<String> {
        let text = output.stdout_text();
        text.split("<lock ").skip(1).filter_map(|lock| element(lock, "name")).collect()
    }

    fn providers(&self, capability: &str) -> Option<Command> {
        Some(rpm::providers(capability))
    }

    fn read_providers(&self, output: &Output) -> Vec<String> {
        rpm::read_providers(output)
    }

    fn versions(&self, names: &[String]) -> Command {
        let start =
            "zypper --non-interactive --no-refresh --xmlout search --details --match-exact --type package";
        rpm::command(start.split(' ').map(str::to_owned).chain(names.iter().cloned()))
    }

    fn read_versions(&self, output: &Output) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for solvable in solvables(&output.stdout_text()) {
            let (Some(name), Some(edition)) = (attribute(solvable, "name"), attribute(solvable, "edition"))
            else {
                continue;
            };
            // What is installed from nowhere is not on offer.
            if attribute(solvable, "repository").is_some_and(|r| r.starts_with("(System Packages)")) {
                continue;
            }
            let versions = found.entry(name).or_default();
            if !versions.contains(&edition) {
                versions.push(edition);
            }
        }
        for versions in found.values_mut() {
            versions.sort_by(|a, b| super::VersionRules::Rpm.compare(b, a));
        }
        Ok(found)
    }

    fn plan(&self, job: &PackageJob) -> Command {
        zypper(job, true)
    }

    fn read_plan(
        &self,
        job: &PackageJob,
        output: &Output,
        _installed: &[Package],
    ) -> Result<Vec<PackageChange>, Refusal> {
        let text = output.stdout_text();
        let removing = matches!(job.action, PackageAction::Remove { .. });
        let known = removing && output.exit.code() == NOT_FOUND;
        if !known && !self.succeeded(output) {
            return Err(Refusal { missing: missing(&text), text: self.complaint(output) });
        }
        Ok(summary(&text))
    }

    fn act(&self, job: &PackageJob) -> Command {
        zypper(job, false)
    }

    fn succeeded(&self, output: &Output) -> bool {
        output.exit.success() || INFORMATION.contains(&output.exit.code())
    }

    fn hold(&self, names: &[String], held: bool) -> Command {
        let verb = if held { "addlock" } else { "removelock" };
        let start = ["zypper", "--non-interactive", "--no-refresh", verb].map(str::to_owned);
        rpm::command(start.into_iter().chain(names.iter().cloned()))
    }

    fn refresh(&self) -> Command {
        rpm::command(["zypper", "--non-interactive", "refresh"])
    }

    fn is_locked(&self, output: &Output) -> bool {
        output.exit.code() == LOCKED
    }

    fn complaint(&self, output: &Output) -> String {
        let text = output.stdout_text();
        let marked = text.split("<message type=\"error\">").skip(1);
        let errors: Vec<String> = marked.filter_map(|m| m.split("</message>").next()).map(unescape).collect();
        let problem =
            text.split("<description>Problem: ").nth(1).and_then(|p| p.split("</description>").next());
        match (errors.is_empty(), problem) {
            (false, _) => errors.join("; "),
            (true, Some(problem)) => unescape(problem.lines().next().unwrap_or_default()),
            (true, None) => complaint(output),
        }
    }
}

fn zypper(job: &PackageJob, dry: bool) -> Command {
    let mut argv = vec!["zypper".to_owned(), "--non-interactive".to_owned(), "--no-refresh".to_owned()];
    let no_gpg = job.options.skip_verify.then_some("--no-gpg-checks");
    argv.extend(dry.then_some("--xmlout").into_iter().chain(no_gpg).map(str::to_owned));
    argv.extend(arguments(job, dry));
    rpm::command(argv)
}

/// Returns zypper's sub-command with its arguments.
pub(super) fn arguments(job: &PackageJob, dry: bool) -> Vec<String> {
    let PackageOptions { recommends, from_repo, change_held: _, only_upgrade, skip_verify: _, new_conf: _ } =
        &job.options;
    let mut argv: Vec<String> = Vec::new();
    let mut add = |word: &str| argv.push(word.to_owned());
    add(match &job.action {
        PackageAction::Install(_) if *only_upgrade => "update",
        PackageAction::Install(_) => "install",
        PackageAction::Remove { .. } => "remove",
        PackageAction::Upgrade { dist: true } => "dist-upgrade",
        PackageAction::Upgrade { dist: false } => "update",
    });
    if dry {
        add("--dry-run");
    }
    if !matches!(job.action, PackageAction::Remove { .. }) {
        add("--auto-agree-with-licenses");
        match recommends {
            Some(true) => add("--recommends"),
            Some(false) => add("--no-recommends"),
            None => {}
        }
        if let Some(repo) = from_repo {
            add("--from");
            add(repo);
        }
    }
    match &job.action {
        PackageAction::Install(specs) => {
            if !only_upgrade {
                add("--oldpackage");
            }
            specs.iter().for_each(|s| add(&spec(s)));
        }
        PackageAction::Remove { names, purge: _ } => names.iter().for_each(|n| add(n)),
        PackageAction::Upgrade { .. } => {}
    }
    argv
}

fn spec(spec: &PackageSpec) -> String {
    let PackageSpec { name, version } = spec;
    version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}={version}"))
}

/// Reads the install summary: a list of solvables under each kind of change.
fn summary(text: &str) -> Vec<PackageChange> {
    let Some(summary) =
        text.split("<install-summary").nth(1).and_then(|s| s.split("</install-summary>").next())
    else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    for kind in
        ["to-upgrade", "to-downgrade", "to-install", "to-change-arch", "to-change-vendor", "to-remove"]
    {
        let start = format!("<{kind}>");
        let Some(list) = summary.split(&start).nth(1).and_then(|l| l.split(&format!("</{kind}>")).next())
        else {
            continue;
        };
        for solvable in solvables(list) {
            let (Some(name), Some(edition)) = (attribute(solvable, "name"), attribute(solvable, "edition"))
            else {
                continue;
            };
            if attribute(solvable, "type").is_some_and(|t| t != "package") {
                continue;
            }
            let old = attribute(solvable, "edition-old");
            changes.push(if kind == "to-remove" {
                PackageChange { name, old: Some(edition), new: None }
            } else {
                PackageChange { name, old, new: Some(edition) }
            });
        }
    }
    changes
}

fn solvables(text: &str) -> impl Iterator<Item = &str> {
    text.split("<solvable ").skip(1).filter_map(|s| s.split('>').next())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!(" {name}=\"");
    // The first attribute has no space before it any more.
    let tag = format!(" {tag}");
    let value = tag.split(&start).nth(1)?.split('"').next()?;
    Some(unescape(value))
}

fn element(text: &str, name: &str) -> Option<String> {
    let inside = text.split(&format!("<{name}>")).nth(1)?;
    Some(unescape(inside.split(&format!("</{name}>")).next()?))
}

fn unescape(text: &str) -> String {
    [("&apos;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .iter()
        .fold(text.trim().to_owned(), |text, (coded, plain)| text.replace(coded, plain))
}

/// Finds the names that no repository offers: `No provider of 'nosuch' found.`, `Package 'x' not found.`
fn missing(text: &str) -> Vec<String> {
    let named = |error: &str| {
        let error = unescape(error.split("</message>").next()?);
        let name = error.strip_prefix("No provider of '").or_else(|| error.strip_prefix("Package '"))?;
        let (name, rest) = name.split_once('\'')?;
        // With a version it is the version that is not there.
        (rest.contains("found") && !name.contains(' ')).then(|| name.to_owned())
    };
    text.split("<message type=\"error\">").skip(1).filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::back_end::testing::output;
    use super::*;

    // What zypper 1.14.42 printed about a repository of three packages.
    const INSTALL: &str = include_str!("golden/zypper-install.xml");
    const UPGRADE: &str = include_str!("golden/zypper-upgrade.xml");
    const REMOVE: &str = include_str!("golden/zypper-remove.xml");
    const NOTHING: &str = include_str!("golden/zypper-nothing.xml");
    const MISSING: &str = include_str!("golden/zypper-missing.xml");
    const HELD: &str = include_str!("golden/zypper-held.xml");
    const VERSIONS: &str = include_str!("golden/zypper-versions.xml");
    const LOCKS: &str = include_str!("golden/zypper-locks.xml");

    fn job(action: PackageAction) -> PackageJob {
        PackageJob { action, options: PackageOptions::default() }
    }

    fn install(name: &str, version: Option<&str>) -> PackageJob {
        let spec = PackageSpec { name: name.to_owned(), version: version.map(str::to_owned) };
        job(PackageAction::Install(vec![spec]))
    }

    fn change(name: &str, old: Option<&str>, new: Option<&str>) -> PackageChange {
        PackageChange { name: name.to_owned(), old: old.map(str::to_owned), new: new.map(str::to_owned) }
    }

    fn plan(job: &PackageJob, code: i32, text: &str) -> Result<Vec<PackageChange>, Refusal> {
        Zypper.read_plan(job, &output(code, text, ""), &[])
    }

    #[test]
    fn a_plan_names_the_editions_that_would_come_and_go() {
        let any = install("bar", None);
        assert_eq!(
            plan(&any, 0, INSTALL).unwrap(),
            [change("bar", None, Some("2:3.0-1")), change("foo", None, Some("1.2-1"))]
        );
        assert_eq!(plan(&any, 0, UPGRADE).unwrap(), [change("foo", Some("1.0-1"), Some("1.2-1"))]);
        assert_eq!(plan(&any, 0, NOTHING).unwrap(), []);
        let remove = job(PackageAction::Remove { names: vec!["foo".to_owned()], purge: false });
        assert_eq!(plan(&remove, 0, REMOVE).unwrap(), [change("foo", Some("1.0-1"), None)]);
    }

    #[test]
    fn a_refusal_names_what_is_missing_or_in_the_way() {
        let refusal = plan(&install("nosuch", None), 104, MISSING).unwrap_err();
        assert_eq!(refusal.missing, ["nosuch"]);
        assert_eq!(refusal.text, "No provider of 'nosuch' found.");
        let refusal = plan(&install("foo", None), 4, HELD).unwrap_err();
        assert_eq!((refusal.missing.len(), refusal.text.as_str()), (0, "conflicting requests"));
    }

    #[test]
    fn editions_on_offer_and_locks_are_read() {
        let found = Zypper.read_versions(&output(0, VERSIONS, "")).unwrap();
        assert_eq!(found["foo"], ["1.2-1", "1.0-1"]);
        assert_eq!(found["bar"], ["2:3.0-1"]);
        assert_eq!(Zypper.read_holds(&output(0, LOCKS, "")), ["foo"]);
    }

    #[test]
    fn command_lines_ask_nothing() {
        let mut job = install("foo", Some("1.0-1"));
        job.options.recommends = Some(false);
        assert_eq!(
            Zypper.act(&job).line(),
            "zypper --non-interactive --no-refresh install --auto-agree-with-licenses --no-recommends --oldpackage \
             foo=1.0-1"
        );
        assert!(Zypper.plan(&job).line().contains("--xmlout install --dry-run"));
        assert!(Zypper.is_locked(&output(
            7,
            "System management is locked by the application with pid 1\n",
            ""
        )));
        assert!(Zypper.succeeded(&output(102, "", "")), "a reboot is suggested");
    }
}
