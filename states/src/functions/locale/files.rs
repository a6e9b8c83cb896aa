//! Where the machine keeps its language.

use std::path::{Path, PathBuf};

use super::super::support::{join_lines, lines};
use crate::function::{JobCtx, StateError};
use crate::functions::file::read_if_present;
use crate::host::{Command, Commands, Host, WriteOptions};

/// Returns the file that says the language: systemd's, or Debian's own where systemd's is not there.
fn file(host: &dyn Host) -> Result<PathBuf, StateError> {
    let debian = Path::new("/etc/default/locale");
    let systemd = Path::new("/etc/locale.conf");
    let is_debian = host.stat(systemd)?.is_none() && host.stat(Path::new("/etc/debian_version"))?.is_some();
    Ok(if is_debian || host.stat(debian)?.is_some() { debian } else { systemd }.to_owned())
}

/// Returns the language of the machine.
pub(in crate::functions) fn system_locale(host: &dyn Host) -> Result<Option<String>, StateError> {
    let text = read_if_present(host, &file(host)?)?.unwrap_or_default();
    let value = |line: &str| {
        let value =
            line.trim().strip_prefix("export ").unwrap_or(line.trim()).strip_prefix("LANG=")?.to_owned();
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    Ok(lines(&text).into_iter().rev().find_map(value))
}

/// Sets the language of the machine; other settings of the file stay.
pub(super) fn set(host: &dyn Host, locale: &str) -> Result<(), StateError> {
    let file = file(host)?;
    let text = read_if_present(host, &file)?.unwrap_or_default();
    let is_lang = |l: &&str| l.trim().strip_prefix("export ").unwrap_or(l.trim()).starts_with("LANG=");
    let mut new: Vec<String> = lines(&text).into_iter().filter(|l| !is_lang(l)).map(str::to_owned).collect();
    new.insert(0, format!("LANG={locale}"));
    let options = WriteOptions { umask: Some(0o022), ..WriteOptions::default() };
    Ok(host.write(&file, join_lines(&new).as_bytes(), options)?)
}

/// Lists the languages that programs can use.
pub(in crate::functions) fn available(ctx: &JobCtx<'_>) -> Result<Vec<String>, StateError> {
    let output = Commands::run(ctx.host, &Command::look(["locale", "-a"]), ctx)?;
    if !output.exit.success() {
        return Err(StateError::failed(format!("locale -a failed: {}", output.stderr_text())));
    }
    Ok(output.stdout_text().lines().map(str::to_owned).collect())
}

/// Tells whether two names are one language: `de_DE.UTF-8` is listed as `de_DE.utf8`.
pub(in crate::functions) fn same(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

fn normal(name: &str) -> String {
    // What Debian's list adds behind a blank is the character set once more.
    let name = name.split_whitespace().next().unwrap_or_default();
    let (language, rest) = name.split_once('.').unwrap_or((name, ""));
    let (charset, modifier) = rest.split_once('@').unwrap_or((rest, ""));
    let charset: String = charset.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{language}.{}@{modifier}", charset.to_lowercase())
}
