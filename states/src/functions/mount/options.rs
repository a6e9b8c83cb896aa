//! Options of mounts: which of those asked for are not in force.

use std::collections::BTreeMap;

use lab_proto::{Map, Value};

use super::super::support::{text_list, text_of};
use super::active::Mounted;
use crate::function::StateError;
use crate::host::Host;

/// Options that mount(8) or a helper takes for itself, so that the kernel does not show them.
const INVISIBLE: [&str; 23] = [
    "_netdev",
    "actimeo",
    "auto",
    "backup-volfile-servers",
    "bg",
    "bind",
    "comment",
    "defaults",
    "delay_connect",
    "direct-io-mode",
    "intr",
    "loop",
    "nobootwait",
    "nofail",
    "nointr",
    "nonempty",
    "password",
    "port",
    "reconnect",
    "retry",
    "soft",
    "transform_symlinks",
    "users",
];
/// More of them, which Salt does not list: fstab(5) and systemd.mount(5).
const INVISIBLE_TOO: [&str; 8] = ["rbind", "noauto", "user", "nouser", "owner", "group", "rw", "remount"];
/// Invisible options with a value.
const INVISIBLE_KEYS: [&str; 9] = [
    "actimeo",
    "comment",
    "credentials",
    "direct-io-mode",
    "offset",
    "password",
    "port",
    "retry",
    "secretfile",
];

/// What a state adds to the lists.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) invisible: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) ignored_by_fstype: Option<Map>,
    pub(super) translated: Option<Map>,
}

/// Reads `opts`: a list, or a text with commas.
pub(in crate::functions) fn list(argument: Option<&Value>) -> Vec<String> {
    let given = argument.map_or_else(|| vec!["defaults".to_owned()], text_list);
    let all = given.iter().flat_map(|o| o.split(',')).map(str::trim).filter(|o| !o.is_empty());
    all.map(str::to_owned).collect()
}

/// Lists the options that are asked for and not in force, sorted.
pub(super) fn missing(
    wanted: &[String],
    have: &Mounted,
    fstype: &str,
    extra: &Extra,
    host: &dyn Host,
) -> Result<Vec<String>, StateError> {
    let shown: Vec<String> = have.options.iter().chain(&have.super_options).map(|o| sized(o)).collect();
    let translate: BTreeMap<String, String> = [("tcp", "proto=tcp"), ("udp", "proto=udp")]
        .into_iter()
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .chain(extra.translated.iter().flatten().map(|(a, b)| (text_of(a), text_of(b))))
        .collect();
    let ignored = extra.ignored_by_fstype.as_ref().and_then(|m| m.get(fstype)).map(text_list);
    let ignored =
        ignored.unwrap_or_else(|| if fstype == "ramfs" { vec!["size".to_owned()] } else { Vec::new() });
    let mut missing = Vec::new();
    for option in wanted {
        let option = translate.get(option).unwrap_or(option);
        let (key, value) = option.split_once('=').map_or((option.as_str(), None), |(k, v)| (k, Some(v)));
        let hidden = INVISIBLE.contains(&key)
            || INVISIBLE_TOO.contains(&key)
                && value.is_none()
                && !(key == "rw" && shown.iter().any(|o| o == "ro"))
            || value.is_some() && (INVISIBLE_KEYS.contains(&key) || extra.keys.iter().any(|k| k == key))
            || extra.invisible.iter().any(|o| o == option)
            || key.starts_with("x-")
            || key.starts_with("X-")
            || key.starts_with("comment=")
            || ignored.iter().any(|o| o == key);
        if !hidden && !shown.contains(&sized(&with_number(fstype, key, value, host)?)) {
            missing.push(option.clone());
        }
    }
    missing.sort();
    Ok(missing)
}

/// Writes an option as the kernel shows it: accounts as numbers, and CIFS's user by its full name.
fn with_number(fstype: &str, key: &str, value: Option<&str>, host: &dyn Host) -> Result<String, StateError> {
    let Some(value) = value else { return Ok(key.to_owned()) };
    let number = match key {
        "uid" => host.user(value)?.map(|u| u.uid),
        "gid" => host.group(value)?.map(|g| g.gid),
        _ => None,
    };
    let key = if fstype == "cifs" && key == "user" { "username" } else { key };
    Ok(number.map_or_else(|| format!("{key}={value}"), |n| format!("{key}={n}")))
}

/// Writes sizes in kibibytes: the kernel shows `size=1g` as `size=1048576k`.
fn sized(option: &str) -> String {
    let kib = || {
        let text = option.strip_prefix("size=")?.to_ascii_lowercase();
        let digits = text.trim_end_matches(['k', 'm', 'g']);
        let number: u64 = digits.parse().ok()?;
        match &text[digits.len()..] {
            "" => Some(number / 1024),
            "k" => Some(number),
            "m" => number.checked_mul(1 << 10),
            "g" => number.checked_mul(1 << 20),
            _ => None,
        }
    };
    kib().map_or_else(|| option.to_owned(), |n| format!("size={n}k"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sim::SimHost;
    use std::path::PathBuf;

    #[test]
    fn options_are_compared_as_the_kernel_shows_them() {
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let have = Mounted {
            root: "/".into(),
            target: PathBuf::from("/x"),
            options: list("rw,noatime"),
            fstype: "tmpfs".into(),
            device: "tmpfs".into(),
            super_options: list("rw,size=1048576k,uid=7,mode=755"),
        };
        let host = SimHost::new().with_user("app", 7);
        let missing =
            |wanted: &str, extra: &Extra| missing(&list(wanted), &have, "tmpfs", extra, &host).unwrap();
        let none = Extra::default();
        assert!(
            missing("defaults,noatime,size=1g,uid=app,mode=755,nofail,x-systemd.automount,rw", &none)
                .is_empty()
        );
        assert_eq!(missing("ro,nosuid,size=2G,uid=8", &none), ["nosuid", "ro", "size=2G", "uid=8"]);
        let extra = Extra { invisible: list("strange"), keys: list("secret"), ..Extra::default() };
        assert_eq!(missing("strange,secret=x,other", &extra), ["other"]);
    }
}
