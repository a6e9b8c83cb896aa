//! Which zone the machine is in, and how its hardware clock is read: plain files.

use std::path::{Path, PathBuf};

use crate::function::StateError;
use crate::functions::file::read_if_present;
use crate::host::{FileKind, Host, WriteOptions};

const LOCALTIME: &str = "/etc/localtime";
const ZONES: &str = "/usr/share/zoneinfo";
/// Debian's second note of the zone.
const TIMEZONE: &str = "/etc/timezone";
const ADJTIME: &str = "/etc/adjtime";

/// Returns the zone that is set, if it can be told.
pub(in crate::functions) fn zone(host: &dyn Host) -> Result<Option<String>, StateError> {
    let path = Path::new(LOCALTIME);
    if host.lstat(path)?.is_some_and(|m| m.kind == FileKind::Symlink) {
        let target = host.read_link(path)?.display().to_string();
        return Ok(target.split_once("zoneinfo/").map(|(_, zone)| zone.to_owned()));
    }
    let noted = read_if_present(host, Path::new(TIMEZONE))?;
    Ok(noted.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()))
}

/// Returns the file that describes a zone.
pub(super) fn file_of(host: &dyn Host, zone: &str) -> Result<PathBuf, StateError> {
    let fits = !zone.starts_with('/') && zone.split('/').all(|p| !p.is_empty() && p != "." && p != "..");
    let path = Path::new(ZONES).join(zone);
    if fits && host.stat(&path)?.is_some_and(|m| m.is_file()) {
        return Ok(path);
    }
    let remedy = if host.stat(Path::new(ZONES))?.is_some() {
        "names are like Europe/Berlin or UTC"
    } else {
        "there are none at all here: install the package tzdata"
    };
    Err(StateError::failed(format!("there is no time zone {zone} ({remedy})")))
}

/// Tells whether the machine is in a zone: by link, or by a copy of its file.
pub(super) fn is_in(host: &dyn Host, zone_name: &str) -> Result<bool, StateError> {
    let wanted = file_of(host, zone_name)?;
    let noted = read_if_present(host, Path::new(TIMEZONE))?;
    if noted.is_some_and(|n| n.trim() != zone_name) {
        return Ok(false);
    }
    let path = Path::new(LOCALTIME);
    match host.lstat(path)? {
        Some(meta) if meta.kind == FileKind::Symlink => Ok(zone(host)?.as_deref() == Some(zone_name)),
        Some(_) => Ok(host.read(path)? == host.read(&wanted)?),
        None => Ok(false),
    }
}

/// Puts the machine into a zone, in one step: programs see the old or the new one.
pub(super) fn set(host: &dyn Host, zone: &str) -> Result<(), StateError> {
    let wanted = file_of(host, zone)?;
    let beside = Path::new("/etc/.localtime.lab");
    if host.lstat(beside)?.is_some() {
        host.remove_file(beside)?;
    }
    host.symlink(&wanted, beside)?;
    host.rename(beside, Path::new(LOCALTIME))?;
    if host.stat(Path::new(TIMEZONE))?.is_some() {
        host.write(Path::new(TIMEZONE), format!("{zone}\n").as_bytes(), WriteOptions::default())?;
    }
    Ok(())
}

/// Tells whether the hardware clock shows local time.
pub(in crate::functions) fn clock_is_local(host: &dyn Host) -> Result<bool, StateError> {
    let text = read_if_present(host, Path::new(ADJTIME))?.unwrap_or_default();
    Ok(text.lines().nth(2).is_some_and(|l| l.trim() == "LOCAL"))
}

/// Has the hardware clock read as UTC.
pub(super) fn set_clock_to_utc(host: &dyn Host) -> Result<(), StateError> {
    let text = read_if_present(host, Path::new(ADJTIME))?.unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.truncate(2);
    let new = format!("{}\nUTC\n", lines.join("\n"));
    Ok(host.write(Path::new(ADJTIME), new.as_bytes(), WriteOptions::default())?)
}
