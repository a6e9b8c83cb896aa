//! Fedora's dnf (and yum, where that is its name), over rpm.

use std::collections::BTreeMap;

use super::super::{Command, Output};
use super::back_end::{BackEnd, Refusal, complaint};
use super::{Package, PackageAction, PackageChange, PackageJob, PackageOptions, PackageSpec, rpm};

/// dnf and rpm.
#[derive(Clone, Copy, Debug)]
pub struct Dnf;

const VERSIONS: &str = "%{name}\\t%{epoch}\\t%{version}-%{release}\\n";

impl BackEnd for Dnf {
    fn list(&self) -> Command {
        rpm::list()
    }

    fn read_list(&self, output: &Output) -> Result<Vec<Package>, String> {
        rpm::read_list(output)
    }

    /// The plugin's own file: asking the plugin costs a second, and fails where it is not installed.
    fn holds(&self) -> Option<Command> {
        let files = "/etc/dnf/plugins/versionlock.list /etc/dnf/versionlock.toml";
        Some(Command::shell(format!("cat {files} 2>/dev/null || true")))
    }

    fn read_holds(&self, output: &Output) -> Vec<String> {
        let name = |line: &str| {
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("name") {
                // dnf5: name = "foo"
                return rest.trim_start().strip_prefix('=').map(|n| n.trim().trim_matches('"').to_owned());
            }
            // dnf4: foo-0:1.2-1.* with epoch, version and release at its end.
            let entry = line.split_whitespace().next().filter(|e| !e.starts_with(['#', '!', '[']))?;
            let mut parts = entry.rsplitn(3, '-');
            let (_, version, name) = (parts.next()?, parts.next()?, parts.next()?);
            version.contains(':').then(|| name.to_owned())
        };
        output.stdout_text().lines().filter_map(name).collect()
    }

    fn providers(&self, capability: &str) -> Option<Command> {
        Some(rpm::providers(capability))
    }

    fn read_providers(&self, output: &Output) -> Vec<String> {
        rpm::read_providers(output)
    }

    fn versions(&self, names: &[String]) -> Command {
        let start = ["dnf", "-q", "-C", "repoquery", "--showduplicates", "--qf", VERSIONS].map(str::to_owned);
        rpm::command(start.into_iter().chain(names.iter().cloned()))
    }

    fn read_versions(&self, output: &Output) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in output.stdout_text().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, epoch, version] = fields[..] else { continue };
            let versions = found.entry(name.to_owned()).or_default();
            let version = rpm::with_epoch(epoch, version);
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        for versions in found.values_mut() {
            versions.sort_by(|a, b| super::VersionRules::Rpm.compare(b, a));
        }
        Ok(found)
    }

    fn plan(&self, job: &PackageJob) -> Command {
        dnf(job, "--assumeno")
    }

    fn read_plan(
        &self,
        _job: &PackageJob,
        output: &Output,
        installed: &[Package],
    ) -> Result<Vec<PackageChange>, Refusal> {
        let (out, err) = (output.stdout_text(), output.stderr_text());
        // Saying no is an abort with status 1, too.
        let planned =
            out.lines().any(|l| l.trim() == "Transaction Summary" || l.starts_with("Transaction Summary:"));
        if !output.exit.success() && !planned {
            return Err(Refusal { missing: missing(&out, &err), text: complaint(output) });
        }
        Ok(table(&out, installed))
    }

    fn act(&self, job: &PackageJob) -> Command {
        dnf(job, "-y")
    }

    fn hold(&self, names: &[String], held: bool) -> Command {
        let start = ["dnf", "-y", "versionlock", if held { "add" } else { "delete" }].map(str::to_owned);
        rpm::command(start.into_iter().chain(names.iter().cloned()))
    }

    fn refresh(&self) -> Command {
        rpm::command(["dnf", "-y", "makecache", "--refresh"])
    }

    /// dnf itself waits for its lock for as long as it takes.
    fn is_locked(&self, _output: &Output) -> bool {
        false
    }
}

fn dnf(job: &PackageJob, answer: &str) -> Command {
    let PackageOptions { recommends, from_repo, change_held, only_upgrade, skip_verify, new_conf: _ } =
        &job.options;
    let mut argv = vec!["dnf".to_owned(), answer.to_owned()];
    let mut add = |word: &str| argv.push(word.to_owned());
    if let Some(recommends) = recommends {
        add(if *recommends { "--setopt=install_weak_deps=True" } else { "--setopt=install_weak_deps=False" });
    }
    if let Some(repo) = from_repo {
        add("--disablerepo=*");
        add(&format!("--enablerepo={repo}"));
    }
    for (given, word) in [(*skip_verify, "--nogpgcheck"), (*change_held, "--disableplugin=versionlock")] {
        if given {
            add(word);
        }
    }
    match &job.action {
        PackageAction::Install(specs) => {
            add(if *only_upgrade { "upgrade" } else { "install" });
            specs.iter().for_each(|s| add(&spec(s)));
        }
        PackageAction::Remove { names, purge: _ } => {
            add("remove");
            names.iter().for_each(|n| add(n));
        }
        PackageAction::Upgrade { dist } => add(if *dist { "distro-sync" } else { "upgrade" }),
    }
    rpm::command(argv)
}

fn spec(spec: &PackageSpec) -> String {
    let PackageSpec { name, version } = spec;
    version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}-{version}"))
}

/// Reads the table of a transaction: rows of name, architecture, version, repository and size under each kind of change.
fn table(text: &str, installed: &[Package]) -> Vec<PackageChange> {
    let mut changes: Vec<PackageChange> = Vec::new();
    let mut removing = false;
    let mut row: Vec<String> = Vec::new();
    for line in text.lines().take_while(|l| !l.starts_with("Transaction Summary")) {
        if !line.starts_with(' ') {
            row.clear();
            let title = line.trim_end();
            if title.ends_with(':') {
                removing = title.starts_with("Removing");
            }
            continue;
        }
        // dnf5 says under a row what it replaces; the list of packages says that, too.
        if line.trim_start().starts_with("replacing ") {
            continue;
        }
        // A name too long for its column stands on a line of its own.
        row.extend(line.split_whitespace().map(str::to_owned));
        if row.len() < 5 || row.first().is_some_and(|w| w == "Package") {
            continue;
        }
        let (name, version) = (row[0].clone(), rpm::with_epoch("", row[2].trim_start_matches("0:")));
        row.clear();
        let old = installed.iter().find(|p| p.name == name).map(|p| p.version.clone());
        changes.push(if removing {
            PackageChange { name, old: Some(version), new: None }
        } else {
            PackageChange { name, old, new: Some(version) }
        });
    }
    changes
}

/// Finds the names that no repository offers: `No match for argument: nosuch`.
fn missing(out: &str, err: &str) -> Vec<String> {
    let name = |line: &str| line.trim().strip_prefix("No match for argument: ").map(|n| n.trim().to_owned());
    out.lines().chain(err.lines()).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::back_end::testing::output;
    use super::*;

    // What dnf 4.14 printed about a repository of four packages.
    const INSTALL: &str = include_str!("golden/dnf-install.txt");
    const UPGRADE: &str = include_str!("golden/dnf-upgrade.txt");
    const REMOVE: &str = include_str!("golden/dnf-remove.txt");
    const LONG: &str = include_str!("golden/dnf-long.txt");
    const NOTHING: &str = include_str!("golden/dnf-nothing.txt");
    const MISSING: &str = include_str!("golden/dnf-missing.txt");
    const VERSIONS: &str = include_str!("golden/dnf-versions.txt");
    const ABORTED: &str = "Operation aborted.\n";

    fn install(name: &str) -> PackageJob {
        let spec = PackageSpec { name: name.to_owned(), version: None };
        PackageJob { action: PackageAction::Install(vec![spec]), options: PackageOptions::default() }
    }

    type Row = (String, Option<String>, Option<String>);

    fn plan(code: i32, out: &str, err: &str) -> Result<Vec<Row>, Refusal> {
        let foo = Package { name: "foo".to_owned(), version: "1.0-1".to_owned(), ..Package::default() };
        let changes = Dnf.read_plan(&install("x"), &output(code, out, err), &[foo])?;
        Ok(changes.into_iter().map(|c| (c.name, c.old, c.new)).collect())
    }

    fn text(t: &str) -> Option<String> {
        Some(t.to_owned())
    }

    #[test]
    fn a_plan_is_the_table_of_the_transaction() {
        let bar = ("bar".to_owned(), None, text("2:3.0-1"));
        let foo = ("foo".to_owned(), text("1.0-1"), text("1.2-1"));
        assert_eq!(plan(1, INSTALL, ABORTED).unwrap(), [bar, foo.clone()]);
        assert_eq!(plan(1, UPGRADE, ABORTED).unwrap(), [foo]);
        let gone = [("foo".to_owned(), text("1.2-1"), None), ("bar".to_owned(), text("2:3.0-1"), None)];
        assert_eq!(plan(1, REMOVE, ABORTED).unwrap(), gone);
        assert_eq!(plan(0, NOTHING, "").unwrap(), []);
        let long = "a-package-with-quite-a-long-name-as-they-have-them-today".to_owned();
        assert_eq!(plan(1, LONG, ABORTED).unwrap(), [(long, None, text("10.20.30.20260101-150400.3.5.1"))]);
    }

    #[test]
    fn a_refusal_names_what_is_missing() {
        let refusal = plan(1, MISSING, "Error: Unable to find a match: nosuch\n").unwrap_err();
        assert_eq!(refusal.missing, ["nosuch"]);
        assert_eq!(refusal.text, "Error: Unable to find a match: nosuch");
    }

    #[test]
    fn versions_on_offer_and_version_locks_are_read() {
        let found = Dnf.read_versions(&output(0, VERSIONS, "")).unwrap();
        assert_eq!(
            (found["foo"].as_slice(), found["bar"].as_slice()),
            (&["1.2-1".to_owned(), "1.0-1".to_owned()][..], &["2:3.0-1".to_owned()][..])
        );
        let four = "# Added lock\nfoo-bar-0:1.2-1.*\n!excluded-0:1-1.*\n";
        let five = "version = \"1.0\"\n[[packages]]\nname = \"baz\"\ncomment = \"x\"\n";
        assert_eq!(Dnf.read_holds(&output(0, &format!("{four}{five}"), "")), ["foo-bar", "baz"]);
    }

    #[test]
    fn command_lines_ask_nothing() {
        let mut job = install("foo");
        job.options =
            PackageOptions { recommends: Some(false), from_repo: text("lab"), ..PackageOptions::default() };
        assert_eq!(
            Dnf.act(&job).line(),
            "dnf -y --setopt=install_weak_deps=False --disablerepo=* --enablerepo=lab install foo"
        );
        assert!(Dnf.plan(&job).line().starts_with("dnf --assumeno "));
    }
}
