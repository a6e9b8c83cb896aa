//! What is loaded, what could be, and what is loaded at boot.

use std::path::{Path, PathBuf};

use super::super::support::{Owner, join_lines, lines, make_parents};
use crate::function::StateError;
use crate::functions::file::read_if_present;
use crate::host::{Host, WriteOptions};

/// Our own list of modules to load at boot.
pub(super) const LOAD: &str = "/etc/modules-load.d/lab.conf";
/// Our own options of modules.
pub(super) const OPTIONS: &str = "/etc/modprobe.d/lab.conf";

/// Returns a module's name as the kernel writes it.
pub(in crate::functions) fn plain(name: &str) -> String {
    name.trim().replace('-', "_")
}

/// Lists the loaded modules with size and users, in the kernel's order.
pub(in crate::functions) fn loaded(host: &dyn Host) -> Result<Vec<(String, u64, Vec<String>)>, StateError> {
    let text = read_if_present(host, Path::new("/proc/modules"))?.unwrap_or_default();
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let size = words.next()?.parse().ok()?;
        let users = words.nth(1).unwrap_or("-");
        let users = users.split(',').filter(|u| !u.is_empty() && *u != "-").map(str::to_owned).collect();
        Some((name, size, users))
    };
    Ok(text.lines().filter_map(entry).collect())
}

/// Tells whether a module does its work: it is loaded, or part of the kernel itself.
pub(in crate::functions) fn is_there(host: &dyn Host, name: &str) -> Result<bool, StateError> {
    let name = plain(name);
    if loaded(host)?.iter().any(|(n, ..)| *n == name) {
        return Ok(true);
    }
    // One that is built in has a directory only when it has parameters, so the list of them is asked, too.
    Ok(host.stat(&Path::new("/sys/module").join(&name))?.is_some() || built_in(host)?.contains(&name))
}

fn release(host: &dyn Host) -> Result<Option<PathBuf>, StateError> {
    let release = read_if_present(host, Path::new("/proc/sys/kernel/osrelease"))?;
    Ok(release.map(|r| Path::new("/lib/modules").join(r.trim())))
}

fn names_of(host: &dyn Host, list: &str) -> Result<Vec<String>, StateError> {
    let Some(dir) = release(host)? else { return Ok(Vec::new()) };
    let text = read_if_present(host, &dir.join(list))?.unwrap_or_default();
    let name = |line: &str| {
        let path = line.split(':').next()?;
        let file = path.rsplit('/').next()?;
        let end = file.find(".ko")?;
        Some(plain(&file[..end]))
    };
    Ok(text.lines().filter_map(name).collect())
}

fn built_in(host: &dyn Host) -> Result<Vec<String>, StateError> {
    names_of(host, "modules.builtin")
}

/// Lists the modules that this kernel has, loaded or not, sorted.
pub(in crate::functions) fn available(host: &dyn Host) -> Result<Vec<String>, StateError> {
    let mut all = names_of(host, "modules.dep")?;
    all.extend(built_in(host)?);
    all.sort();
    all.dedup();
    Ok(all)
}

/// Lists the files that name modules to load at boot.
fn load_files(host: &dyn Host) -> Result<Vec<PathBuf>, StateError> {
    let dir = Path::new("/etc/modules-load.d");
    let mut files = vec![PathBuf::from("/etc/modules")];
    if host.stat(dir)?.is_some_and(|m| m.is_dir()) {
        let conf = |name: &PathBuf| name.extension().is_some_and(|e| e == "conf");
        files.extend(host.list(dir)?.into_iter().filter(conf).map(|name| dir.join(name)));
    }
    Ok(files)
}

fn names_module(line: &str, name: &str) -> bool {
    let line = line.trim();
    // /etc/modules may give parameters behind the name.
    !line.starts_with(['#', ';']) && line.split_whitespace().next().is_some_and(|w| plain(w) == name)
}

/// Returns the files that load a module at boot.
pub(in crate::functions) fn loaded_at_boot_by(
    host: &dyn Host,
    name: &str,
) -> Result<Vec<PathBuf>, StateError> {
    let name = plain(name);
    let mut found = Vec::new();
    for file in load_files(host)? {
        let text = read_if_present(host, &file)?.unwrap_or_default();
        if lines(&text).iter().any(|l| names_module(l, &name)) {
            found.push(file);
        }
    }
    Ok(found)
}

/// Has a module loaded at boot.
pub(in crate::functions) fn load_at_boot(host: &dyn Host, name: &str) -> Result<(), StateError> {
    let text = read_if_present(host, Path::new(LOAD))?.unwrap_or_default();
    let mut all: Vec<String> = lines(&text).into_iter().map(str::to_owned).collect();
    all.push(plain(name));
    put(host, LOAD, &join_lines(&all))
}

/// Takes a module out of the files that load it at boot; as a comment it can be brought back by hand.
pub(in crate::functions) fn forget_at_boot(
    host: &dyn Host,
    name: &str,
    as_comment: bool,
) -> Result<(), StateError> {
    let name = plain(name);
    for file in loaded_at_boot_by(host, &name)? {
        let text = read_if_present(host, &file)?.unwrap_or_default();
        let mut left = Vec::new();
        for line in lines(&text) {
            match names_module(line, &name) {
                true if as_comment => left.push(format!("#{line}")),
                true => {}
                false => left.push(line.to_owned()),
            }
        }
        host.write(&file, join_lines(&left).as_bytes(), WriteOptions::default())?;
    }
    Ok(())
}

/// Returns the options that our own file gives a module.
pub(in crate::functions) fn options_of(host: &dyn Host, name: &str) -> Result<Option<String>, StateError> {
    let text = read_if_present(host, Path::new(OPTIONS))?.unwrap_or_default();
    Ok(lines(&text).into_iter().rev().find_map(|l| options_in(l, &plain(name))))
}

fn options_in(line: &str, name: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    (words.next() == Some("options") && words.next().is_some_and(|w| plain(w) == name))
        .then(|| words.collect::<Vec<_>>().join(" "))
}

/// Gives a module options for the next time that it is loaded.
pub(in crate::functions) fn set_options(
    host: &dyn Host,
    name: &str,
    options: &[String],
) -> Result<(), StateError> {
    let name = plain(name);
    let text = read_if_present(host, Path::new(OPTIONS))?.unwrap_or_default();
    let others = lines(&text).into_iter().filter(|l| options_in(l, &name).is_none());
    let mut all: Vec<String> = others.map(str::to_owned).collect();
    all.push(format!("options {name} {}", options.join(" ")));
    put(host, OPTIONS, &join_lines(&all))
}

fn put(host: &dyn Host, file: &str, text: &str) -> Result<(), StateError> {
    let file = Path::new(file);
    make_parents(host, file, None, Owner::default())?;
    let options = WriteOptions { umask: Some(0o022), ..WriteOptions::default() };
    Ok(host.write(file, text.as_bytes(), options)?)
}
