//! The configuration: defaults that are the manual, a file over them, settings of the command line over both.
//!
//! Read once by `serve` and by `config show`; everything after that sees typed values only.

mod error;
mod ranges;
pub mod units;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;
use lab_states::nearest;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::{Table, Value};

pub use self::error::ConfigError;

/// Where the configuration is looked for.
pub const DEFAULT_PATH: &str = "/etc/lab/master.toml";
/// The defaults, commented: the manual.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The values that apply.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// Where the master listens.
    pub listen: SocketAddr,
    /// Where everything lives.
    pub data_dir: PathBuf,
    /// Where state files come from.
    pub file_roots: Vec<PathBuf>,
    /// Where pillar comes from.
    pub pillar_roots: Vec<PathBuf>,
    /// The enrolment door.
    pub enrol: Enrol,
    /// Certificates.
    pub certificates: Certificates,
    /// The minions' door.
    pub link: Link,
    /// Jobs.
    pub jobs: Jobs,
    /// The event log.
    pub events: Events,
    /// Keys of pillar secrets.
    pub secrets: Secrets,
    /// The store.
    pub store: Store,
    /// Names for targets, in compound syntax.
    pub node_groups: BTreeMap<String, String>,
}

/// The enrolment door.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Enrol {
    /// Directory of accepted grain values; empty is off.
    pub autosign_grains_dir: PathBuf,
    /// Enrolments at the same time.
    pub max_concurrent: usize,
    /// Enrolments begun per second.
    pub rate: u32,
    /// The same from one address.
    pub rate_per_address: u32,
    /// Ids with a pending key.
    pub max_pending: usize,
    /// How long a handshake may take, and a stranger's first words.
    #[serde(deserialize_with = "duration")]
    pub patience: Duration,
    /// Connections of strangers at once.
    pub max_connections: usize,
    /// The same from one address.
    pub max_connections_per_address: usize,
}

/// Certificates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Certificates {
    /// How long a minion's is valid.
    #[serde(deserialize_with = "duration")]
    pub life: Duration,
}

/// The minions' door.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// How often minions send heartbeats.
    #[serde(deserialize_with = "duration")]
    pub heartbeat: Duration,
    /// After how many missed ones a minion is lost.
    pub missed: u32,
    /// After how long a minion that said that it reboots is lost.
    #[serde(deserialize_with = "duration")]
    pub reboot_patience: Duration,
    /// Minions connected at once.
    pub max_connections: usize,
}

/// Jobs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Jobs {
    /// How long a minion may take unless the job says.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// How long a minion that was here a moment ago is waited for.
    #[serde(deserialize_with = "duration")]
    pub reconnect_grace: Duration,
    /// Jobs remembered.
    pub keep: usize,
}

/// The event log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Events {
    /// Older events are removed.
    #[serde(deserialize_with = "duration")]
    pub keep_age: Duration,
    /// More than this is removed.
    #[serde(deserialize_with = "size")]
    pub keep_size: u64,
    /// More blobs than this are removed, unless they are in use.
    #[serde(deserialize_with = "size")]
    pub keep_blobs: u64,
    /// The size of a segment.
    #[serde(deserialize_with = "size")]
    pub segment_size: u64,
    /// How often retention runs.
    #[serde(deserialize_with = "duration")]
    pub retention_every: Duration,
}

/// Keys of pillar secrets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Secrets {
    /// The age identity file; empty is none.
    pub age_identity: PathBuf,
    /// The GnuPG home; empty is none.
    pub gpg_home: PathBuf,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Store {
    /// The cache's size.
    #[serde(deserialize_with = "size")]
    pub cache: u64,
}

/// Where each value comes from, by its path (`link.heartbeat`), with the value as TOML.
pub type Origins = IndexMap<String, (String, Value)>;

/// Loads the configuration: defaults, then `file` (absent is fine unless it was asked for), then `settings` of the
/// form `key=value` with the value in TOML.
///
/// # Errors
/// When something cannot be read, is not TOML, is not known, or does not fit.
pub fn load(file: Option<&Path>, settings: &[String]) -> Result<(Config, Origins), ConfigError> {
    merge(file, settings)?.finish()
}

/// Tells every value and where it comes from, with what is wrong with them if they cannot be used.
///
/// # Errors
/// When something cannot be read, is not TOML, or is not known.
pub fn explain(file: Option<&Path>) -> Result<(Origins, Option<ConfigError>), ConfigError> {
    let merged = merge(file, &[])?;
    Ok((merged.origins(), merged.finish().err()))
}

fn merge(file: Option<&Path>, settings: &[String]) -> Result<Merged, ConfigError> {
    let mut merged = Merged::defaults();
    let path = file.unwrap_or_else(|| Path::new(DEFAULT_PATH));
    match fs::read_to_string(path) {
        Ok(text) => merged.overlay(&path.display().to_string(), &text)?,
        Err(e) if file.is_none() && e.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
    }
    for setting in settings {
        if !setting.contains('=') {
            return Err(ConfigError::Setting(setting.clone()));
        }
        merged.overlay("command line", &as_toml(setting))?;
    }
    Ok(merged)
}

struct Merged {
    table: Table,
    origins: IndexMap<String, String>,
}

impl Merged {
    fn defaults() -> Self {
        let table: Table = DEFAULTS.parse().expect("the embedded defaults are TOML: a test reads them");
        let mut origins = IndexMap::new();
        leaves(&table, "", &mut |key, _| {
            origins.insert(key.to_owned(), "default".to_owned());
        });
        Self { table, origins }
    }

    fn overlay(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        let over: Table = text.parse().map_err(|e: toml::de::Error| ConfigError::Syntax {
            origin: origin.to_owned(),
            text: e.to_string().trim_end().to_owned(),
        })?;
        let mut found = Vec::new();
        leaves(&over, "", &mut |key, value| found.push((key.to_owned(), value.clone())));
        for (key, value) in found {
            if !self.origins.contains_key(&key) && !key.starts_with("node_groups.") {
                let known: Vec<&str> = self.origins.keys().map(String::as_str).collect();
                let hint = nearest::nearest(&key, known).map(str::to_owned);
                return Err(ConfigError::UnknownKey { origin: origin.to_owned(), key, hint });
            }
            set(&mut self.table, &key, value);
            self.origins.insert(key, origin.to_owned());
        }
        Ok(())
    }

    fn origins(&self) -> Origins {
        let mut out = Origins::new();
        leaves(&self.table, "", &mut |key, value| {
            let origin = self.origins.get(key).cloned().unwrap_or_default();
            out.insert(key.to_owned(), (origin, value.clone()));
        });
        out
    }

    fn finish(self) -> Result<(Config, Origins), ConfigError> {
        let out = self.origins();
        let config: Config =
            self.table.try_into().map_err(|e: toml::de::Error| misfit(&out, e.message().to_owned()))?;
        ranges::check(&config).map_err(|ranges::Nonsense { key, expected }| {
            let (origin, value) = out.get(&key).cloned().unwrap_or_else(|| (String::new(), Value::from("")));
            ConfigError::Nonsense { origin, key, value: value.to_string(), expected }
        })?;
        Ok((config, out))
    }
}

/// Finds the value that does not fit: the one that does not even over the defaults alone. `reason` is for when none is found.
fn misfit(values: &Origins, reason: String) -> ConfigError {
    for (key, (origin, value)) in values {
        let mut table = Merged::defaults().table;
        set(&mut table, key, value.clone());
        if let Err(e) = table.try_into::<Config>() {
            let reason = e.message().replace('\n', " ");
            return ConfigError::Value {
                origin: origin.clone(),
                key: key.clone(),
                value: value.to_string(),
                reason,
            };
        }
    }
    let unknown = || "?".to_owned();
    ConfigError::Value { origin: "configuration".to_owned(), key: unknown(), value: unknown(), reason }
}

fn leaves(table: &Table, prefix: &str, found: &mut dyn FnMut(&str, &Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => leaves(inner, &key, found),
            leaf => found(&key, leaf),
        }
    }
}

fn set(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// A value that is not TOML by itself is taken as text: `--set listen=[::]:4511` need not be quoted twice.
fn as_toml(setting: &str) -> String {
    let (key, value) = setting.split_once('=').unwrap_or((setting, "\"\""));
    if format!("x = {value}").parse::<Table>().is_ok() {
        format!("{key} = {value}")
    } else {
        format!("{key} = {}", Value::String(value.to_owned()))
    }
}

fn duration<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    units::duration(&String::deserialize(d)?).map_err(de::Error::custom)
}

fn size<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    units::size(&String::deserialize(d)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_whole_configuration() {
        let (config, origins) = Merged::defaults().finish().expect("fits");
        assert_eq!(config.link.heartbeat, Duration::from_secs(5));
        assert!(origins.values().all(|(origin, _)| origin == "default"));
    }

    #[test]
    fn a_file_and_the_command_line_go_over_the_defaults_and_are_named() {
        let mut merged = Merged::defaults();
        merged.overlay("m.toml", "[link]\nheartbeat = '1s'\n[node_groups]\nweb = 'web*'").expect("known");
        merged.overlay("command line", &as_toml("listen=127.0.0.1:0")).expect("known");
        let (config, origins) = merged.finish().expect("fits");
        assert_eq!(config.link.heartbeat, Duration::from_secs(1));
        assert_eq!(config.node_groups["web"], "web*");
        assert_eq!(origins["link.heartbeat"].0, "m.toml");
        assert_eq!(origins["listen"].0, "command line");
        assert_eq!(origins["link.missed"].0, "default");
    }

    #[test]
    fn a_wrong_key_or_value_is_named_with_the_way_out() {
        let mut merged = Merged::defaults();
        let error = merged.overlay("m.toml", "[link]\nheartbeet = '1s'").expect_err("unknown").to_string();
        assert_eq!(error, "m.toml: unknown key link.heartbeet; did you mean link.heartbeat?");
        merged.overlay("m.toml", "[link]\nheartbeat = '5'").expect("known");
        let error = merged.finish().expect_err("no unit").to_string();
        assert!(
            error.starts_with("m.toml: link.heartbeat = \"5\" does not fit: \"5\" is not a duration"),
            "{error}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_with_where_it_comes_from() {
        for (setting, reason) in [
            ("file_roots=/x", "expected a sequence"),
            ("listen=nowhere", "invalid socket address"),
            ("link.missed=-1", "integer"),
            ("node_groups.a=5", "expected a string"),
        ] {
            let key = setting.split('=').next().expect("a key");
            let mut merged = Merged::defaults();
            merged.overlay("command line", &as_toml(setting)).expect("known");
            let said = merged.finish().expect_err(setting).to_string();
            assert!(said.starts_with(&format!("command line: {key} = ")) && said.contains(reason), "{said}");
        }
    }

    #[test]
    fn a_setting_without_a_value_is_told_what_one_is() {
        let none = tempfile::NamedTempFile::new().expect("a file");
        for setting in ["nokey", "listen"] {
            let said = load(Some(none.path()), &[setting.to_owned()]).expect_err(setting).to_string();
            assert!(said.starts_with(&format!("--set {setting}: a setting is KEY=VALUE")), "{said}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_shown_with_where_it_comes_from() {
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("master.toml");
        let (path, shown) = (file.display().to_string(), |text: &str| {
            std::fs::write(&file, text).expect("is written");
            load(Some(&file), &[]).expect_err("cannot be used");
            explain(Some(&file)).expect("can be shown")
        });
        for (text, key, value, said) in [
            ("link.heartbeat = '0s'", "link.heartbeat", "\"0s\"", "makes no sense"),
            ("listen = 5", "listen", "5", "invalid type"),
        ] {
            let (origins, wrong) = shown(text);
            let (origin, found) = &origins[key];
            assert_eq!((origin, found.to_string().as_str()), (&path, value));
            let wrong = wrong.expect("says what is wrong").to_string();
            assert!(wrong.contains(said), "{wrong}");
        }
        std::fs::write(&file, "listen = '[::]:4510'").expect("is written");
        assert!(explain(Some(&file)).expect("can be shown").1.is_none());
    }
}
