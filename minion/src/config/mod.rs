//! The configuration: `default.toml` is the manual and the default, `minion.toml` changes it, options change both.

mod ranges;
mod units;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::{Fingerprint, InvalidId, MinionId};
use lab_states::nearest::nearest;
use serde::Deserialize;

use crate::files::{self, FileError};

/// The defaults, with comments: the manual of minion.toml.
pub const DEFAULT: &str = include_str!("default.toml");
/// Where the configuration lies unless an option says otherwise.
pub const CONFIG_DIR: &str = "/etc/lab";

/// What an enrolment leaves beside it.
const ENROLLED: &str = "enrolled.toml";

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no TOML.
    #[error("{} is not valid TOML", path.display())]
    Toml {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value does not fit.
    #[error("a setting in {} does not fit", path.display())]
    Value {
        /// Which file.
        path: PathBuf,
        /// Which value and why.
        source: Box<toml::de::Error>,
    },
    /// A value fits and makes no sense.
    #[error("{}: {key} = {value} makes no sense: {expected}", path.display())]
    Nonsense {
        /// Which file.
        path: PathBuf,
        /// The setting.
        key: &'static str,
        /// Its value, as TOML.
        value: String,
        /// What would make sense.
        expected: String,
    },
    /// There is no such setting.
    #[error(
        "{} has an unknown setting {key}{}",
        path.display(),
        suggestion.as_deref().map(|s| format!("; did you mean {s}?")).unwrap_or_default()
    )]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// The setting.
        key: String,
        /// The nearest known one.
        suggestion: Option<String>,
    },
    /// The minion's id is not one.
    #[error(transparent)]
    Id(#[from] InvalidId),
    /// No name can be made for this machine.
    #[error("this machine has neither a host name nor a MAC address; set `id` in minion.toml")]
    NoId,
}

/// All settings.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Masters, tried in turn.
    pub master: Vec<String>,
    /// The minion's name; empty for the host's.
    pub id: String,
    /// Outbox, journal, cache.
    pub data_dir: PathBuf,
    /// The socket.
    pub run_dir: PathBuf,
    /// Whom to trust.
    pub trust: Trust,
    /// The link.
    pub link: LinkSettings,
    /// The outbox.
    pub outbox: OutboxSettings,
    /// Jobs.
    pub jobs: JobSettings,
    /// Reboots.
    pub reboot: RebootSettings,
    /// Files from the master.
    pub content: ContentSettings,
    /// Grains.
    pub grains: GrainSettings,
    /// Network changes.
    pub net: NetSettings,
}

/// Whom to trust.
#[derive(Clone, Debug, Deserialize)]
pub struct Trust {
    /// The CA's fingerprint, or empty.
    pub ca: String,
}

/// The link.
#[derive(Clone, Debug, Deserialize)]
pub struct LinkSettings {
    /// The first pause between dials.
    #[serde(deserialize_with = "units::duration")]
    pub backoff_min: Duration,
    /// The longest.
    #[serde(deserialize_with = "units::duration")]
    pub backoff_max: Duration,
}

/// The outbox.
#[derive(Clone, Debug, Deserialize)]
pub struct OutboxSettings {
    /// Its most bytes.
    #[serde(deserialize_with = "units::size")]
    pub limit: u64,
}

/// Jobs.
#[derive(Clone, Debug, Deserialize)]
pub struct JobSettings {
    /// Functions side by side.
    pub parallel: usize,
    /// Jobs altogether.
    pub limit: usize,
    /// Patience with a killed one.
    #[serde(deserialize_with = "units::duration")]
    pub kill_patience: Duration,
}

/// Reboots.
#[derive(Clone, Debug, Deserialize)]
pub struct RebootSettings {
    /// Patience with the master.
    #[serde(deserialize_with = "units::duration")]
    pub ack_wait: Duration,
    /// What takes the machine down; empty is what the system has.
    pub command: Vec<String>,
}

/// Files from the master.
#[derive(Clone, Debug, Deserialize)]
pub struct ContentSettings {
    /// The cache's most bytes.
    #[serde(deserialize_with = "units::size")]
    pub cache: u64,
    /// Fetches side by side.
    pub parallel: usize,
}

/// Grains.
#[derive(Clone, Debug, Deserialize)]
pub struct GrainSettings {
    /// How often they are read.
    #[serde(deserialize_with = "units::duration")]
    pub refresh: Duration,
}

/// Network changes.
#[derive(Clone, Debug, Deserialize)]
pub struct NetSettings {
    /// What confirms a change: `master`, `none`, or a command.
    pub confirm: String,
    /// Within which time.
    #[serde(deserialize_with = "units::duration")]
    pub within: Duration,
    /// What is done about a network that is not any more what was committed.
    pub heal: Heal,
    /// How long the network must be quiet before it is compared.
    #[serde(deserialize_with = "units::duration")]
    pub settle: Duration,
}

/// What is done about drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heal {
    /// It is told.
    Never,
    /// It is told, and healed as a change that must be confirmed like any other.
    Guarded,
}

impl Config {
    /// Reads the files of a directory over the defaults: what an enrolment left, then `minion.toml`.
    ///
    /// # Errors
    /// When a file is malformed, has an unknown setting, or a value does not fit.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let mut layers = Vec::new();
        for name in [ENROLLED, "minion.toml"] {
            let path = dir.join(name);
            let text = files::read_if_any(&path)?.unwrap_or_default();
            layers.push((String::from_utf8_lossy(&text).into_owned(), path));
        }
        Self::parse(&layers)
    }

    /// Writes down with which master and under which name this machine is enrolled, so that the agent needs to be
    /// told neither again. What `minion.toml` says goes over it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn remember_enrolment(dir: &Path, id: &MinionId, master: &[String]) -> Result<(), FileError> {
        let table = toml::Table::from_iter([
            ("id".to_owned(), toml::Value::from(id.as_str())),
            ("master".to_owned(), toml::Value::from(master.to_vec())),
        ]);
        let text = format!("# Written by the enrolment; change minion.toml instead.\n{table}");
        files::write_atomically(&dir.join(ENROLLED), text.as_bytes(), 0o644)
    }

    fn parse(layers: &[(String, PathBuf)]) -> Result<Self, ConfigError> {
        let mut all: toml::Table =
            toml::from_str(DEFAULT).expect("the defaults are valid: a test reads them");
        let mut last = PathBuf::new();
        let mut tables = Vec::new();
        for (text, path) in layers {
            let own = toml::from_str::<toml::Table>(text)
                .map_err(|e| ConfigError::Toml { path: path.clone(), source: Box::new(e) })?;
            overlay(&mut all, own.clone(), "", path)?;
            last.clone_from(path);
            tables.push((own, path));
        }
        let config =
            Self::deserialize(all).map_err(|e| ConfigError::Value { path: last, source: Box::new(e) })?;
        ranges::check(&config).map_err(|ranges::Nonsense { key, expected }| {
            let said = tables.iter().rev().find_map(|(table, path)| Some((lookup(table, key)?, *path)));
            let (value, path) = said.map_or_else(
                || ("its default".to_owned(), PathBuf::from("minion.toml")),
                |(value, path)| (value.to_string(), path.clone()),
            );
            ConfigError::Nonsense { path, key, value, expected }
        })?;
        Ok(config)
    }

    /// Returns the pinned CA, if one is configured.
    ///
    /// # Errors
    /// When the setting is no fingerprint.
    pub fn pinned_ca(&self) -> Result<Option<Fingerprint>, ConfigError> {
        if self.trust.ca.is_empty() { Ok(None) } else { Ok(Some(self.trust.ca.parse()?)) }
    }

    /// Returns the minion's name: the configured one, else the host's, else the first MAC address.
    ///
    /// # Errors
    /// When the configured one is not valid, or the machine has no name at all.
    pub fn minion_id(&self) -> Result<MinionId, ConfigError> {
        if !self.id.is_empty() {
            return Ok(MinionId::new(self.id.as_str())?);
        }
        let host = nix::unistd::gethostname().ok().and_then(|h| h.into_string().ok());
        let named = host.filter(|h| !h.is_empty() && !h.starts_with("localhost") && h != "(none)");
        named.and_then(|h| MinionId::new(h).ok()).or_else(first_mac).ok_or(ConfigError::NoId)
    }
}

fn overlay(base: &mut toml::Table, own: toml::Table, prefix: &str, path: &Path) -> Result<(), ConfigError> {
    for (key, value) in own {
        let full = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let suggestion = nearest(&key, base.keys().map(String::as_str)).map(str::to_owned);
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(table)), toml::Value::Table(own)) => overlay(table, own, &full, path)?,
            (Some(slot), value) => *slot = value,
            (None, _) => return Err(ConfigError::Unknown { path: path.to_owned(), key: full, suggestion }),
        }
    }
    Ok(())
}

/// Returns what a file says of a setting, `jobs.parallel`.
fn lookup<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((first, rest)) => lookup(table.get(first)?.as_table()?, rest),
    }
}

/// Returns the MAC address of the first interface that has one.
fn first_mac() -> Option<MinionId> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir("/sys/class/net").ok()?.flatten().map(|e| e.path()).collect();
    names.sort();
    names.iter().find_map(|interface| {
        let mac = std::fs::read_to_string(interface.join("address")).ok()?;
        let mac = mac.trim().to_lowercase();
        (mac.len() == 17 && mac != "00:00:00:00:00:00").then(|| MinionId::new(mac).ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(&[(text.to_owned(), PathBuf::from("minion.toml"))])
    }

    #[test]
    fn the_defaults_are_complete_and_a_file_changes_only_what_it_names() {
        let config = parse("master = ['m']\n[reboot]\nack_wait = '5s'").expect("is valid");
        assert_eq!(config.reboot.ack_wait, Duration::from_secs(5));
        assert_eq!((config.master.as_slice(), config.jobs.parallel), (["m".to_owned()].as_slice(), 16));
    }

    #[test]
    fn an_enrolment_is_remembered_and_minion_toml_goes_over_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let id = MinionId::new("00:00:00:11:11:11").expect("valid");
        Config::remember_enrolment(dir.path(), &id, &["one:9".to_owned()]).expect("writes");
        let config = Config::load(dir.path()).expect("is valid");
        assert_eq!(
            (config.id.as_str(), config.master.as_slice()),
            (id.as_str(), ["one:9".to_owned()].as_slice())
        );
        std::fs::write(dir.path().join("minion.toml"), "master = ['two']").expect("writes");
        let config = Config::load(dir.path()).expect("is valid");
        assert_eq!(
            (config.id.as_str(), config.master.as_slice()),
            (id.as_str(), ["two".to_owned()].as_slice())
        );
    }

    #[test]
    fn an_unknown_setting_is_named_with_the_nearest_one() {
        let error = parse("[reboot]\nack_wiat = '5s'").expect_err("is unknown").to_string();
        assert!(error.contains("reboot.ack_wiat") && error.contains("ack_wait"), "{error}");
    }

    #[test]
    fn a_value_without_its_unit_is_refused_with_examples() {
        let error = parse("[reboot]\nack_wait = '5'").expect_err("has no unit");
        assert!(crate::chain(&error).contains("30s"), "{}", crate::chain(&error));
    }
}
