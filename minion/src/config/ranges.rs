//! What values make sense: a configuration that would keep the agent from its work is refused before anything starts.

use std::time::Duration;

use lab_proto::address::with_port;

use super::{Config, units};

/// A value that makes no sense: which, and what would.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense {
    /// Its path, `jobs.parallel`.
    pub(super) key: &'static str,
    /// What is expected.
    pub(super) expected: String,
}

/// A value with the least and the most that it may be, written as in the file.
type Row<T> = (&'static str, T, &'static str, &'static str);

/// Finds the first value that makes no sense.
pub(super) fn check(c: &Config) -> Result<(), Nonsense> {
    let times: [Row<Duration>; 7] = [
        ("link.backoff_min", c.link.backoff_min, "1ms", "1h"),
        ("link.backoff_max", c.link.backoff_max, "1ms", "1d"),
        ("jobs.kill_patience", c.jobs.kill_patience, "0s", "1d"),
        ("reboot.ack_wait", c.reboot.ack_wait, "0s", "1d"),
        ("grains.refresh", c.grains.refresh, "1s", "365d"),
        ("net.within", c.net.within, "1s", "1d"),
        ("net.settle", c.net.settle, "0ms", "1h"),
    ];
    first(times, |text| units::parse_duration(text).expect("the bounds have units: a test reads them all"))?;
    let sizes: [Row<u64>; 2] = [
        // One event has up to 64 KiB, and some must fit.
        ("outbox.limit", c.outbox.limit, "1MiB", "1024GiB"),
        ("content.cache", c.content.cache, "1MiB", "1024GiB"),
    ];
    first(sizes, |text| units::parse_size(text).expect("the bounds have units: a test reads them all"))?;
    let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let counts: [Row<u64>; 3] = [
        ("jobs.parallel", wide(c.jobs.parallel), "1", "10000"),
        ("jobs.limit", wide(c.jobs.limit), "1", "100000"),
        ("content.parallel", wide(c.content.parallel), "1", "1000"),
    ];
    first(counts, |text| text.parse().expect("the bounds are numbers: a test reads them all"))?;
    others(c)
}

fn others(c: &Config) -> Result<(), Nonsense> {
    let nonsense = |key, expected: &str| Err(Nonsense { key, expected: expected.to_owned() });
    if c.link.backoff_min > c.link.backoff_max {
        return nonsense("link.backoff_min", "at most link.backoff_max makes sense");
    }
    if let Some(e) = c.master.iter().find_map(|master| with_port(master).err()) {
        return nonsense("master", &format!("{e}, and [] for none"));
    }
    if c.data_dir.as_os_str().is_empty() {
        return nonsense("data_dir", "name a directory");
    }
    if c.run_dir.as_os_str().is_empty() {
        return nonsense("run_dir", "name a directory");
    }
    if c.net.confirm.trim().is_empty() {
        return nonsense("net.confirm", "say \"master\", \"none\", or a shell command");
    }
    Ok(())
}

fn first<T: Copy + PartialOrd, const N: usize>(
    rows: [Row<T>; N],
    read: impl Fn(&str) -> T,
) -> Result<(), Nonsense> {
    for (key, value, least, most) in rows {
        if value < read(least) || value > read(most) {
            return Err(Nonsense { key, expected: format!("between {least} and {most} makes sense") });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn nonsense_is_refused_with_its_place_the_value_and_what_would_make_sense() {
        let rows = [
            ("link", "backoff_min = '0ms'", "between 1ms and 1h"),
            ("link", "backoff_min = '20s'", "at most link.backoff_max"),
            ("link", "backoff_max = '0s'", "between 1ms and 1d"),
            ("link", "backoff_max = '400d'", "between 1ms and 1d"),
            ("outbox", "limit = '1B'", "between 1MiB"),
            ("jobs", "parallel = 0", "between 1 and 10000"),
            ("jobs", "parallel = 9000000000000000000", "between 1 and 10000"),
            ("jobs", "limit = 0", "between 1 and 100000"),
            ("jobs", "kill_patience = '300d'", "between 0s and 1d"),
            ("reboot", "ack_wait = '300d'", "between 0s and 1d"),
            ("content", "cache = '0B'", "between 1MiB"),
            ("content", "parallel = 0", "between 1 and 1000"),
            ("grains", "refresh = '0s'", "between 1s"),
            ("net", "within = '0s'", "between 1s and 1d"),
            ("net", "settle = '2d'", "between 0ms and 1h"),
            ("net", "confirm = ''", "a shell command"),
            ("", "master = ['']", "HOST or HOST:PORT"),
            ("", "master = ['a', ' ']", "HOST or HOST:PORT"),
            ("", "data_dir = ''", "name a directory"),
            ("", "run_dir = ''", "name a directory"),
        ];
        for (section, setting, expected) in rows {
            let text =
                if section.is_empty() { setting.to_owned() } else { format!("[{section}]\n{setting}") };
            let error = Config::parse(&[(text, "minion.toml".into())]).expect_err(setting).to_string();
            let (key, value) = setting.split_once(" = ").expect("has a value");
            let path = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            assert!(error.starts_with(&format!("minion.toml: {path} = ")), "{setting}: {error}");
            let shown = error.replace('"', "'");
            assert!(shown.contains(value.trim_matches(['[', ']', '\''])), "{setting}: {error}");
            assert!(error.contains(expected), "{setting}: {error}");
        }
    }
}
