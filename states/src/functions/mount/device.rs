//! Names of devices: one device has many.

use std::path::{Component, Path, PathBuf};

use crate::function::{JobCtx, StateError};
use crate::host::{Command, Commands, Host};

use super::active::{Mounted, active};

/// Follows all symbolic links of a path; what is not there ends it.
pub(super) fn canonical(host: &dyn Host, path: &Path) -> Result<PathBuf, StateError> {
    let mut budget = 40;
    let mut todo: Vec<PathBuf> = reversed(path);
    let mut done = PathBuf::from("/");
    while let Some(part) = todo.pop() {
        if part == Path::new("..") {
            done.pop();
            continue;
        }
        let next = done.join(&part);
        let link = host.lstat(&next)?.is_some_and(|m| m.kind == crate::host::FileKind::Symlink);
        if !link {
            done = next;
            continue;
        }
        budget -= 1;
        if budget == 0 {
            return Err(StateError::failed(format!("{} has too many symbolic links", path.display())));
        }
        let target = host.read_link(&next)?;
        if target.is_absolute() {
            done = PathBuf::from("/");
        }
        todo.extend(reversed(&target));
    }
    Ok(done)
}

fn reversed(path: &Path) -> Vec<PathBuf> {
    let part = |c: Component<'_>| match c {
        Component::Normal(part) => Some(PathBuf::from(part)),
        Component::ParentDir => Some(PathBuf::from("..")),
        _ => None,
    };
    path.components().rev().filter_map(part).collect()
}

/// The tags that fstab knows, and where udev keeps their links.
const TAGS: [(&str, &str); 4] = [
    ("UUID", "/dev/disk/by-uuid"),
    ("LABEL", "/dev/disk/by-label"),
    ("PARTUUID", "/dev/disk/by-partuuid"),
    ("PARTLABEL", "/dev/disk/by-partlabel"),
];

/// Splits `UUID=…` into the tag and its value.
fn tagged(spec: &str) -> Option<(&'static str, &'static str, String)> {
    let (tag, value) = spec.split_once('=')?;
    let (tag, dir) = TAGS.into_iter().find(|(t, _)| t.eq_ignore_ascii_case(tag))?;
    let value = value.trim_matches('"');
    let value = if tag.ends_with("UUID") { value.to_lowercase() } else { value.to_owned() };
    Some((tag, dir, value))
}

/// Returns the device that a tag names, if it is on this machine.
fn device_of(spec: &str, ctx: &JobCtx<'_>) -> Result<Option<PathBuf>, StateError> {
    let Some((tag, dir, value)) = tagged(spec) else { return Ok(None) };
    let link = Path::new(dir).join(&value);
    if ctx.host.lstat(&link)?.is_some() {
        return canonical(ctx.host, &link).map(Some);
    }
    // Without udev there are no links, and blkid reads the devices themselves.
    let output = Commands::run(
        ctx.host,
        &Command::look(["blkid", "-o", "device", "-t", &format!("{tag}={value}")]),
        ctx,
    );
    Ok(output
        .ok()
        .filter(|o| o.exit.success())
        .and_then(|o| o.stdout_text().lines().next().map(PathBuf::from)))
}

/// Tells whether what is mounted is what was asked for.
pub(super) fn is_same(
    have: &Mounted,
    device: &str,
    bind: bool,
    ctx: &JobCtx<'_>,
) -> Result<bool, StateError> {
    let host = ctx.host;
    // In /etc/fstab a FUSE device carries the program's name in front.
    let bare =
        device.split_once('#').filter(|(program, _)| !program.contains('/')).map_or(device, |(_, d)| d);
    if [device, bare].contains(&have.device.as_str()) && !bind {
        return Ok(true);
    }
    if device.starts_with('/') {
        let real = canonical(host, Path::new(device))?;
        if bind {
            return is_bound(have, &real, host);
        }
        if have.device.starts_with('/') && canonical(host, Path::new(&have.device))? == real {
            return Ok(true);
        }
        return Ok(backing_file(have, host)?.is_some_and(|file| file == real));
    }
    if let Some(real) = device_of(device, ctx)? {
        return Ok(canonical(host, Path::new(&have.device))? == real);
    }
    // Servers say where they export from with or without the last slash.
    Ok(have.device.trim_end_matches('/') == bare.trim_end_matches('/'))
}

/// A bind mount shows a directory of another mount: same file system, and the directory as its root.
fn is_bound(have: &Mounted, source: &Path, host: &dyn Host) -> Result<bool, StateError> {
    let all = active(host)?;
    let covering = all.iter().filter(|m| m.target != have.target && source.starts_with(&m.target));
    let Some(below) = covering.max_by_key(|m| m.target.components().count()) else { return Ok(false) };
    let rest = source.strip_prefix(&below.target).unwrap_or(source);
    let root = Path::new(&below.root).join(rest);
    Ok(have.device == below.device && Path::new(&have.root).components().eq(root.components()))
}

/// Returns the file behind a loop device.
fn backing_file(have: &Mounted, host: &dyn Host) -> Result<Option<PathBuf>, StateError> {
    let Some(name) = have.device.strip_prefix("/dev/").filter(|n| n.starts_with("loop")) else {
        return Ok(None);
    };
    let file = Path::new("/sys/block").join(name).join("loop/backing_file");
    let text = crate::functions::file::read_if_present(host, &file)?;
    Ok(text.map(|t| PathBuf::from(t.trim_end_matches('\n'))))
}

/// Names a device by what `mount_by` says: `UUID=…` of `/dev/sda1`.
pub(super) fn named_by(device: &str, by: Option<&str>, ctx: &JobCtx<'_>) -> Result<String, StateError> {
    let Some(by) = by else { return Ok(device.to_owned()) };
    let unable = |why: String| StateError::failed(format!("device {device} cannot be named by {by}: {why}"));
    if by == "device" {
        if device.starts_with('/') {
            return Ok(device.to_owned());
        }
        let real = device_of(device, ctx)?.ok_or_else(|| unable("there is no such device".to_owned()))?;
        return Ok(real.display().to_string());
    }
    let tag = TAGS.iter().map(|(t, _)| *t).find(|t| t.eq_ignore_ascii_case(by)).ok_or_else(|| {
        StateError::failed(format!(
            "argument mount_by: {by:?} is not one of device, label, uuid, partlabel, partuuid"
        ))
    })?;
    if tagged(device).is_some_and(|(t, ..)| t == tag) {
        return Ok(device.to_owned());
    }
    let path = match device_of(device, ctx)? {
        Some(path) => path.display().to_string(),
        None => device.to_owned(),
    };
    let output = Commands::run(ctx.host, &Command::look(["blkid", "-o", "value", "-s", tag, &path]), ctx)?;
    let value = output.stdout_text();
    if !output.exit.success() || value.is_empty() {
        return Err(unable("it has none, or is not there".to_owned()));
    }
    Ok(format!("{tag}={value}"))
}
