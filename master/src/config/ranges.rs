//! What values make sense: a configuration that would hang the master, or do nothing that it is for, is refused before
//! anything starts.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_states::target;

use super::{Config, units};

/// A value that makes no sense: which, and what would.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense {
    /// Its path, `link.heartbeat`.
    pub(super) key: String,
    /// What is expected.
    pub(super) expected: String,
}

/// A value with the least and the most that it may be, written as in the file.
type Row<T> = (&'static str, T, &'static str, &'static str);

/// Finds the first value that makes no sense.
pub(super) fn check(config: &Config) -> Result<(), Nonsense> {
    times(config)?;
    sizes(config)?;
    counts(config)?;
    silence(config)?;
    places(config)?;
    node_groups(&config.node_groups)
}

fn times(c: &Config) -> Result<(), Nonsense> {
    let rows: [Row<Duration>; 8] = [
        ("enrol.patience", c.enrol.patience, "10ms", "1h"),
        ("certificates.life", c.certificates.life, "1s", "3650d"),
        ("link.heartbeat", c.link.heartbeat, "10ms", "1h"),
        ("link.reboot_patience", c.link.reboot_patience, "1s", "30d"),
        ("jobs.timeout", c.jobs.timeout, "1ms", "365d"),
        ("jobs.reconnect_grace", c.jobs.reconnect_grace, "0s", "1d"),
        ("events.keep_age", c.events.keep_age, "1s", "36500d"),
        ("events.retention_every", c.events.retention_every, "10ms", "30d"),
    ];
    first(rows, |text| units::duration(text).expect("the bounds have units: a test reads them all"))
}

fn sizes(c: &Config) -> Result<(), Nonsense> {
    let rows: [Row<u64>; 4] = [
        // One event has up to 64 KiB.
        ("events.segment_size", c.events.segment_size, "128KiB", "1GiB"),
        ("events.keep_size", c.events.keep_size, "128KiB", "1024TiB"),
        ("events.keep_blobs", c.events.keep_blobs, "1MiB", "1024TiB"),
        ("store.cache", c.store.cache, "1MiB", "1TiB"),
    ];
    first(rows, |text| units::size(text).expect("the bounds have units: a test reads them all"))
}

fn counts(c: &Config) -> Result<(), Nonsense> {
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let rows: [Row<u64>; 9] = [
        ("enrol.max_concurrent", wide(c.enrol.max_concurrent), "1", "1000000"),
        ("enrol.rate", c.enrol.rate.into(), "1", "1000000"),
        ("enrol.rate_per_address", c.enrol.rate_per_address.into(), "1", "1000000"),
        // None: whoever comes needs a token.
        ("enrol.max_pending", wide(c.enrol.max_pending), "0", "1000000"),
        ("enrol.max_connections", wide(c.enrol.max_connections), "1", "1000000"),
        ("enrol.max_connections_per_address", wide(c.enrol.max_connections_per_address), "1", "1000000"),
        ("link.missed", c.link.missed.into(), "1", "1000"),
        ("link.max_connections", wide(c.link.max_connections), "1", "1000000"),
        ("jobs.keep", wide(c.jobs.keep), "1", "10000000"),
    ];
    first(rows, |text| text.parse().expect("the bounds are numbers: a test reads them all"))
}

/// How long a silent minion is believed: until then it is not told to be lost.
fn silence(c: &Config) -> Result<(), Nonsense> {
    if c.link.heartbeat.saturating_mul(c.link.missed) > Duration::from_secs(24 * 3600) {
        let expected =
            "link.heartbeat times link.missed, after which a silent minion is lost, makes sense up to 1d";
        return Err(Nonsense { key: "link.missed".to_owned(), expected: expected.to_owned() });
    }
    Ok(())
}

fn places(c: &Config) -> Result<(), Nonsense> {
    let nonsense =
        |key: &str, expected: &str| Nonsense { key: key.to_owned(), expected: expected.to_owned() };
    if c.data_dir.as_os_str().is_empty() {
        return Err(nonsense("data_dir", "name a directory"));
    }
    for (key, roots) in [("file_roots", &c.file_roots), ("pillar_roots", &c.pillar_roots)] {
        if roots.iter().any(|root| root.as_os_str().is_empty()) {
            return Err(nonsense(key, "name directories; a list without any, [], is none"));
        }
    }
    Ok(())
}

/// Every group must be one that can be asked: what it says is read, and a group that is not there or contains itself is named.
fn node_groups(groups: &BTreeMap<String, String>) -> Result<(), Nonsense> {
    for (name, expression) in groups {
        let wrong = match target::beyond_ids(target::Matcher::Nodegroup, name, groups) {
            Err(e) => e.to_string(),
            Ok(_) => match expression.split_whitespace().find(|word| names_no_value(word)) {
                Some(word) => {
                    format!("{word:?} names no value, and so means nobody: it is KEY:VALUE, like G@os:Debian")
                }
                None => continue,
            },
        };
        return Err(Nonsense {
            key: format!("node_groups.{name}"),
            expected: format!("{expression:?} cannot be read as a target: {wrong}"),
        });
    }
    Ok(())
}

/// Tells whether a word of a compound target looks at grains or pillar (`G@`, `P@`, `I@`, `J@`, or `G|@` with another delimiter)
/// and has no value to hold them against.
fn names_no_value(word: &str) -> bool {
    let Some((engine, pattern)) = word.trim_start_matches('(').split_once('@') else { return false };
    let mut letters = engine.chars();
    if !letters.next().is_some_and(|letter| "GPIJ".contains(letter)) {
        return false;
    }
    let delimiter = if letters.as_str().is_empty() { ":" } else { letters.as_str() };
    !pattern.contains(delimiter)
}

fn first<T: Copy + PartialOrd, const N: usize>(
    rows: [Row<T>; N],
    read: impl Fn(&str) -> T,
) -> Result<(), Nonsense> {
    for (key, value, least, most) in rows {
        if value < read(least) || value > read(most) {
            let expected = format!("between {least} and {most} makes sense");
            return Err(Nonsense { key: key.to_owned(), expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Merged;

    /// Says why a setting is refused.
    fn refused(settings: &[&str]) -> String {
        let mut merged = Merged::defaults();
        for setting in settings {
            merged.overlay("command line", &crate::config::as_toml(setting)).expect("known");
        }
        merged.finish().expect_err("makes no sense").to_string()
    }

    #[test]
    fn nonsense_is_refused_with_its_place_the_value_and_what_would_make_sense() {
        let rows = [
            ("link.heartbeat=0s", "between 10ms and 1h"),
            ("link.heartbeat=2d", "between 10ms and 1h"),
            ("link.missed=0", "between 1 and 1000"),
            ("link.missed=4000000000", "between 1 and 1000"),
            ("link.reboot_patience=0s", "between 1s"),
            ("link.max_connections=0", "between 1 and"),
            ("certificates.life=1us", "between 1s and 3650d"),
            ("certificates.life=90000d", "between 1s and 3650d"),
            ("events.segment_size=1B", "between 128KiB and 1GiB"),
            ("events.segment_size=8TiB", "between 128KiB and 1GiB"),
            ("events.keep_size=0B", "between 128KiB"),
            ("events.keep_blobs=1B", "between 1MiB"),
            ("events.keep_age=0s", "between 1s"),
            ("events.retention_every=0s", "between 10ms"),
            ("jobs.keep=0", "between 1 and"),
            ("jobs.timeout=0s", "between 1ms"),
            ("jobs.reconnect_grace=400d", "between 0s and 1d"),
            ("enrol.patience=0s", "between 10ms"),
            ("enrol.max_concurrent=0", "between 1 and"),
            ("enrol.max_concurrent=9000000000000000000", "between 1 and"),
            ("enrol.rate=0", "between 1 and"),
            ("enrol.max_connections_per_address=0", "between 1 and"),
            ("store.cache=1B", "between 1MiB"),
            ("data_dir=", "name a directory"),
            ("file_roots=['']", "name directories"),
        ];
        for (setting, expected) in rows {
            let said = refused(&[setting]);
            let (key, value) = setting.split_once('=').expect("has a value");
            let start = format!("command line: {key} = ");
            let shown = value.trim_matches(['[', ']', '\'']);
            assert!(said.starts_with(&start), "{setting}: {said}");
            assert!(said.contains(shown) && said.contains(expected), "{setting}: {said}");
            assert!(said.contains("lab-master config show"), "{setting}: {said}");
        }
    }

    #[test]
    fn a_silence_of_weeks_is_refused() {
        let said = refused(&["link.heartbeat=50m", "link.missed=900"]);
        assert!(said.starts_with("command line: link.missed = 900 makes no sense"), "{said}");
    }

    #[test]
    fn node_groups_that_contain_each_other_or_what_is_not_there_are_refused() {
        let each_other = refused(&["node_groups.a='N@b or web*'", "node_groups.b='N@a'"]);
        assert!(each_other.starts_with("command line: node_groups.a = "), "{each_other}");
        assert!(each_other.contains("contains itself"), "{each_other}");
        let unknown = refused(&["node_groups.a='N@nobody'"]);
        assert!(unknown.contains("'nobody' is not defined"), "{unknown}");
    }

    #[test]
    fn a_node_group_that_could_mean_nobody_is_refused() {
        for (group, why) in [
            ("G@(", "names no value"),
            ("web* or (P@os and x)", "names no value"),
            ("P@os:(", "does not compile"),
        ] {
            let said = refused(&[&format!("node_groups.bad='{group}'")]);
            assert!(said.starts_with("command line: node_groups.bad = ") && said.contains(why), "{said}");
        }
    }

    #[test]
    fn node_groups_of_node_groups_make_sense() {
        let mut merged = Merged::defaults();
        let groups = "[node_groups]\nweb = 'web*'\nall = 'N@web or (G@role:db and not G|@role|x)'";
        merged.overlay("m.toml", groups).expect("known");
        merged.finish().expect("makes sense");
    }
}
