//! Debian's dpkg and apt.

use std::collections::BTreeMap;

use super::super::{Command, Output};
use super::back_end::{BackEnd, Refusal, complaint};
use super::{Package, PackageAction, PackageChange, PackageJob, PackageOptions, PackageSpec};

/// dpkg and apt.
#[derive(Clone, Copy, Debug)]
pub struct Apt;

const LIST: &str =
    "${Package}\\t${Architecture}\\t${Version}\\t${db:Status-Want}\\t${db:Status-Status}\\t${Provides}\\n";

/// For how many seconds apt itself waits for dpkg's locks; the lock of the lists is waited for by whoever runs it.
const LOCK_SECONDS: &str = "600";

impl BackEnd for Apt {
    fn list(&self) -> Command {
        command(&["dpkg-query", "-W", "-f", LIST])
    }

    fn read_list(&self, output: &Output) -> Result<Vec<Package>, String> {
        let text = output.stdout_text();
        let rows: Result<Vec<_>, String> = text.lines().map(Row::read).collect();
        let rows = rows?;
        let native = rows.iter().find(|r| r.name == "dpkg").map_or("", |r| r.arch);
        Ok(rows.into_iter().filter(|r| r.status != "not-installed").map(|r| r.package(native)).collect())
    }

    fn versions(&self, names: &[String]) -> Command {
        let mut argv = vec!["apt-cache", "madison"];
        argv.extend(names.iter().map(String::as_str));
        command(&argv)
    }

    fn read_versions(&self, output: &Output) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in output.stdout_text().lines() {
            let mut fields = line.split('|').map(str::trim);
            let (Some(name), Some(version), Some(source)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let versions = found.entry(name.to_owned()).or_default();
            if source.ends_with("Packages") && !versions.iter().any(|v| v == version) {
                versions.push(version.to_owned());
            }
        }
        for versions in found.values_mut() {
            versions.sort_by(|a, b| super::VersionRules::Debian.compare(b, a));
        }
        found.retain(|_, versions| !versions.is_empty());
        Ok(found)
    }

    fn plan(&self, job: &PackageJob) -> Command {
        apt_get(job, &["-s", "-o", "Debug::NoLocking=1"])
    }

    fn read_plan(
        &self,
        _job: &PackageJob,
        output: &Output,
        _installed: &[Package],
    ) -> Result<Vec<PackageChange>, Refusal> {
        let missing = missing(output);
        if !output.exit.success() || !missing.is_empty() {
            return Err(Refusal { missing, text: complaint(output) });
        }
        Ok(output.stdout_text().lines().filter_map(change).collect())
    }

    fn act(&self, job: &PackageJob) -> Command {
        let lock = format!("DPkg::Lock::Timeout={LOCK_SECONDS}");
        apt_get(job, &["-o", &lock])
    }

    fn hold(&self, names: &[String], held: bool) -> Command {
        let mut argv = vec!["apt-mark", if held { "hold" } else { "unhold" }];
        argv.extend(names.iter().map(String::as_str));
        command(&argv)
    }

    fn refresh(&self) -> Command {
        command(&["apt-get", "-q", "update"])
    }

    fn is_locked(&self, output: &Output) -> bool {
        // Lines that only say that apt waits begin with "Waiting".
        const WORDS: [&str; 3] = ["E: Could not get lock", "E: Unable to acquire", "E: Unable to lock"];
        let said = output.stderr_text();
        let locked = |line: &str| {
            WORDS.iter().any(|words| line.starts_with(words))
                || (line.starts_with("dpkg: error:") && line.contains("locked by another process"))
        };
        !output.exit.success() && said.lines().any(locked)
    }

    /// apt goes on with old lists where a repository cannot be read, and says so in a warning.
    fn succeeded(&self, output: &Output) -> bool {
        output.exit.success() && !output.stderr_text().contains("Some index files failed to download")
    }
}

/// Makes a command whose output is in English and which asks nobody anything.
fn command(argv: &[&str]) -> Command {
    let mut command = Command::argv(argv.iter().copied());
    for (key, value) in [
        // English, and yet UTF-8: what packages set up (databases, say) takes its encoding from here.
        ("LC_ALL", "C.UTF-8"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("APT_LISTBUGS_FRONTEND", "none"),
        ("UCF_FORCE_CONFFOLD", "1"),
    ] {
        command.env.insert(key.to_owned(), Some(value.to_owned()));
    }
    command
}

fn apt_get(job: &PackageJob, how: &[&str]) -> Command {
    let PackageOptions { recommends, from_repo, change_held, only_upgrade, skip_verify, new_conf } =
        &job.options;
    let conf = if *new_conf { "--force-confnew" } else { "--force-confold" };
    let (conf, def) = (format!("DPkg::Options::={conf}"), "DPkg::Options::=--force-confdef");
    let mut argv = vec!["apt-get", "-q", "-y"];
    argv.extend(how);
    argv.extend(["-o", &conf, "-o", def]);
    match recommends {
        Some(true) => argv.push("--install-recommends"),
        Some(false) => argv.push("--no-install-recommends"),
        None => {}
    }
    if let Some(release) = from_repo {
        argv.extend(["-t", release]);
    }
    for (given, word) in [
        (*change_held, "--allow-change-held-packages"),
        (*only_upgrade, "--only-upgrade"),
        (*skip_verify, "--allow-unauthenticated"),
    ] {
        if given {
            argv.push(word);
        }
    }
    let named: Vec<String>;
    match &job.action {
        PackageAction::Install(specs) => {
            argv.extend(["--allow-downgrades", "install"]);
            named = specs.iter().map(spec).collect();
            argv.extend(named.iter().map(String::as_str));
        }
        PackageAction::Remove { names, purge } => {
            argv.push(if *purge { "purge" } else { "remove" });
            argv.extend(names.iter().map(String::as_str));
        }
        PackageAction::Upgrade { dist } => argv.push(if *dist { "dist-upgrade" } else { "upgrade" }),
    }
    command(&argv)
}

fn spec(spec: &PackageSpec) -> String {
    let PackageSpec { name, version } = spec;
    version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}={version}"))
}

/// One line of the list of packages.
struct Row<'a> {
    name: &'a str,
    arch: &'a str,
    version: &'a str,
    want: &'a str,
    status: &'a str,
    provides: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Result<Self, String> {
        let mut fields = line.split('\t');
        let mut next = || fields.next().ok_or_else(|| format!("dpkg-query printed {line:?}"));
        Ok(Self {
            name: next()?,
            arch: next()?,
            version: next()?,
            want: next()?,
            status: next()?,
            provides: next()?,
        })
    }

    fn package(&self, native: &str) -> Package {
        let Self { name, arch, version, want, status, provides } = self;
        let foreign = !native.is_empty() && *arch != native && *arch != "all";
        let capability = |p: &str| p.split_whitespace().next().map(str::to_owned);
        Package {
            name: if foreign { format!("{name}:{arch}") } else { (*name).to_owned() },
            arch: (*arch).to_owned(),
            version: (*version).to_owned(),
            held: *want == "hold",
            removed: *status == "config-files",
            provides: provides.split(',').filter_map(capability).collect(),
        }
    }
}

/// Reads a line such as `Inst foo [1.0] (1.2 Lab:1/stable [amd64])`, `Remv foo [1.0]`, `Purg foo [1.0]`.
fn change(line: &str) -> Option<PackageChange> {
    let mut words = line.split_whitespace();
    let verb = words.next()?;
    let name = words.next()?.to_owned();
    let rest: Vec<&str> = words.collect();
    let old = rest.first().and_then(|w| w.strip_prefix('[')).and_then(|w| w.strip_suffix(']'));
    let old = old.filter(|v| !v.is_empty()).map(str::to_owned);
    match verb {
        "Inst" => {
            let new = rest.iter().find_map(|w| w.strip_prefix('('))?.trim_end_matches(')').to_owned();
            Some(PackageChange { name, old, new: Some(new) })
        }
        "Remv" | "Purg" => Some(PackageChange { name, old, new: None }),
        _ => None,
    }
}

/// Finds the names that apt does not know. Those with a dot it would take for a pattern, and install whatever fits.
fn missing(output: &Output) -> Vec<String> {
    let (err, out) = (output.stderr_text(), output.stdout_text());
    let name = |line: &str| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("E: Unable to locate package ") {
            return Some(name.trim().to_owned());
        }
        let pattern = line
            .strip_prefix("Note, selecting '")
            .and_then(|rest| rest.split_once("' for regex '").or_else(|| rest.split_once("' for glob '")));
        if let Some((_, pattern)) = pattern {
            return Some(pattern.trim_end_matches('\'').to_owned());
        }
        let quoted = line.strip_prefix("E: Package '")?;
        let (name, rest) = quoted.split_once('\'')?;
        rest.contains("has no installation candidate").then(|| name.to_owned())
    };
    let mut names: Vec<String> = err.lines().chain(out.lines()).filter_map(name).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::super::back_end::testing::output;
    use super::*;

    fn install(names: &[(&str, Option<&str>)]) -> PackageJob {
        let spec = |(name, version): &(&str, Option<&str>)| PackageSpec {
            name: (*name).to_owned(),
            version: version.map(str::to_owned),
        };
        PackageJob {
            action: PackageAction::Install(names.iter().map(spec).collect()),
            options: PackageOptions::default(),
        }
    }

    fn changes(stdout: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let found = Apt.read_plan(&install(&[]), &output(0, stdout, ""), &[]).unwrap();
        found.into_iter().map(|c| (c.name, c.old, c.new)).collect()
    }

    #[test]
    fn command_lines_are_quiet_keep_configuration_files_and_wait_for_the_lock() {
        let mut job = install(&[("tree", None), ("git", Some("1:2.39.5-0+deb12u3"))]);
        assert_eq!(
            Apt.act(&job).line(),
            "apt-get -q -y -o DPkg::Lock::Timeout=600 -o DPkg::Options::=--force-confold -o \
             DPkg::Options::=--force-confdef --allow-downgrades install tree git=1:2.39.5-0+deb12u3"
        );
        assert_eq!(Apt.act(&job).env["DEBIAN_FRONTEND"].as_deref(), Some("noninteractive"));
        job.options = PackageOptions {
            recommends: Some(false),
            from_repo: Some("bookworm-backports".to_owned()),
            change_held: true,
            new_conf: true,
            ..PackageOptions::default()
        };
        assert_eq!(
            Apt.plan(&job).line(),
            "apt-get -q -y -s -o Debug::NoLocking=1 -o DPkg::Options::=--force-confnew -o \
             DPkg::Options::=--force-confdef --no-install-recommends -t bookworm-backports \
             --allow-change-held-packages --allow-downgrades install tree git=1:2.39.5-0+deb12u3"
        );
        assert_eq!(Apt.hold(&["a".to_owned(), "b".to_owned()], true).line(), "apt-mark hold a b");
    }

    #[test]
    fn the_list_tells_foreign_packages_holds_remains_and_what_is_provided() {
        let listed = "dpkg\tamd64\t1.21.22\tinstall\tinstalled\t\n\
                      busybox-static\tamd64\t1:1.35.0-4+deb12u1+b1\thold\tinstalled\tbusybox\n\
                      apt\tamd64\t2.6.1\tinstall\tinstalled\tapt-transport-https (= 2.6.1), x\n\
                      libc6\ti386\t2.36-9\tinstall\tinstalled\tlibc6-i686\n\
                      tree\tamd64\t2.1.0-1\tdeinstall\tconfig-files\t\n\
                      gone\tamd64\t\tunknown\tnot-installed\t\n\
                      base-files\tall\t12.4\tinstall\tinstalled\tbase\n";
        let list = Apt.read_list(&output(0, listed, "")).unwrap();
        let names: Vec<&str> = list.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["dpkg", "busybox-static", "apt", "libc6:i386", "tree", "base-files"]);
        assert!(list[1].held && !list[0].held && list[4].removed && !list[1].removed);
        assert_eq!(list[2].provides, ["apt-transport-https", "x"]);
        assert!(Apt.read_list(&output(0, "no such thing\n", "")).is_err());
    }

    /// What apt 2.6.1 printed.
    #[test]
    fn a_plan_names_the_versions_that_would_come_and_go() {
        let new = "Reading package lists...\nBuilding dependency tree...\nReading state information...\n\
                   The following NEW packages will be installed:\n  tree\n\
                   0 upgraded, 1 newly installed, 0 to remove and 134 not upgraded.\n\
                   Inst tree (2.1.0-1 Debian:12.15/oldstable [amd64])\n\
                   Conf tree (2.1.0-1 Debian:12.15/oldstable [amd64])\n";
        assert_eq!(changes(new), [("tree".to_owned(), None, Some("2.1.0-1".to_owned()))]);
        let upgrade = "Inst unzip [6.0-28] (6.0-28+deb12u1 Debian-Security:12/oldstable-security [amd64]) []\n\
                       Remv old:i386 [1:3-2] [new:i386 ]\nPurg curl [7.88.1-10+deb12u15]\n\
                       Conf unzip (6.0-28+deb12u1 Debian-Security:12/oldstable-security [amd64])\n";
        assert_eq!(
            changes(upgrade),
            [
                ("unzip".to_owned(), Some("6.0-28".to_owned()), Some("6.0-28+deb12u1".to_owned())),
                ("old:i386".to_owned(), Some("1:3-2".to_owned()), None),
                ("curl".to_owned(), Some("7.88.1-10+deb12u15".to_owned()), None),
            ]
        );
    }

    #[test]
    fn a_refusal_names_what_is_not_on_offer() {
        let refused = |stderr: &str| {
            Apt.read_plan(&install(&[]), &output(100, "Reading package lists...\n", stderr), &[]).unwrap_err()
        };
        assert_eq!(refused("E: Unable to locate package nosuchpkg\n").missing, ["nosuchpkg"]);
        let several = refused("E: Package 'mail-transport-agent' has no installation candidate\n");
        assert_eq!(several.missing, ["mail-transport-agent"]);
        let regex = "Note, selecting 'bash-completion' for regex 'bash-complet.on'\nInst bash-completion (1 x [all])\n";
        let picked = Apt.read_plan(&install(&[]), &output(0, regex, ""), &[]).unwrap_err();
        assert_eq!(picked.missing, ["bash-complet.on"], "a name is no pattern");
        let version = refused("E: Version '99' for 'tree' was not found\n");
        assert_eq!(
            (version.missing.len(), version.text.as_str()),
            (0, "E: Version '99' for 'tree' was not found")
        );
    }

    #[test]
    fn versions_on_offer_are_listed_newest_first_and_once() {
        let madison = "      curl | 7.88.1-10+deb12u5 | http://deb.example/debian-security bookworm-security/main amd64 Packages\n      \
             curl | 7.88.1-10+deb12u15 | http://deb.example/debian bookworm/main amd64 Packages\n      \
             curl | 7.88.1-10+deb12u15 | http://deb.example/debian bookworm/main Sources\n       \
             git | 1:2.39.5-0+deb12u3 | http://deb.example/debian bookworm/main amd64 Packages\n";
        let found = Apt.read_versions(&output(0, madison, "")).unwrap();
        assert_eq!(found["curl"], ["7.88.1-10+deb12u15", "7.88.1-10+deb12u5"]);
        assert_eq!(found["git"], ["1:2.39.5-0+deb12u3"]);
    }

    #[test]
    fn a_lock_is_told_from_other_failures() {
        let locked = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)\n\
                      E: Unable to lock directory /var/lib/apt/lists/\n";
        assert!(Apt.is_locked(&output(100, "", locked)));
        assert!(Apt.is_locked(&output(
            2,
            "",
            "dpkg: error: dpkg frontend lock is locked by another process\n"
        )));
        assert!(!Apt.is_locked(&output(100, "", "E: Unable to locate package x\n")));
        let waited =
            "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend.\nE: Broken packages\n";
        assert!(!Apt.is_locked(&output(100, "", waited)));
        let stale =
            "W: Some index files failed to download. They have been ignored, or old ones used instead.\n";
        assert!(!Apt.succeeded(&output(0, "", stale)));
    }
}
