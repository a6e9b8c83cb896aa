//! What the managers above rpm have in common: rpm's own questions.

use super::super::{Command, Output};
use super::Package;

pub(super) const LIST: &str = "%{NAME}\\t%{ARCH}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\n";

/// Makes a command whose output is in English.
pub(super) fn command<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::argv(argv);
    command.env.insert("LC_ALL".to_owned(), Some("C".to_owned()));
    command
}

pub(super) fn list() -> Command {
    command(["rpm", "-qa", "--qf", LIST])
}

pub(super) fn read_list(output: &Output) -> Result<Vec<Package>, String> {
    let text = output.stdout_text();
    let package = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, arch, epoch, version] = fields[..] else { return Err(format!("rpm printed {line:?}")) };
        Ok(Package {
            name: name.to_owned(),
            arch: arch.to_owned(),
            version: with_epoch(epoch, version),
            ..Package::default()
        })
    };
    let mut list: Vec<Package> = text.lines().map(package).collect::<Result<_, String>>()?;
    // Keys that were imported look like packages.
    list.retain(|p| p.name != "gpg-pubkey");
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(list)
}

pub(super) fn with_epoch(epoch: &str, version: &str) -> String {
    if epoch.is_empty() || epoch == "0" || epoch == "(none)" {
        version.to_owned()
    } else {
        format!("{epoch}:{version}")
    }
}

pub(super) fn providers(capability: &str) -> Command {
    command(["rpm", "-q", "--whatprovides", "--qf", "%{NAME}\\n", capability])
}

pub(super) fn read_providers(output: &Output) -> Vec<String> {
    if output.exit.success() { output.stdout_text().lines().map(str::to_owned).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::back_end::testing::output;
    use super::*;

    /// What rpm 4.18 printed.
    #[test]
    fn packages_have_an_epoch_only_where_it_is_not_zero() {
        let list = read_list(&output(0, "foo\tnoarch\t0\t1.2-1\nbar\tnoarch\t2\t3.0-1\n", "")).unwrap();
        let shown: Vec<_> = list.iter().map(|p| (p.name.as_str(), p.version.as_str())).collect();
        assert_eq!(shown, [("bar", "2:3.0-1"), ("foo", "1.2-1")]);
        assert!(read_list(&output(0, "error: rpmdb\n", "")).is_err());
    }

    #[test]
    fn nobody_provides_what_rpm_does_not_find() {
        assert_eq!(read_providers(&output(0, "foo\n", "")), ["foo"]);
        assert!(read_providers(&output(1, "no package provides nosuch\n", "")).is_empty());
    }
}
