//! What is mounted and swapped to, as the kernel says it.

use std::path::{Path, PathBuf};

use super::fstab::unescaped;
use crate::function::StateError;
use crate::functions::file::read_if_present;
use crate::host::Host;

/// One mounted file system, as a line of mountinfo has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Mounted {
    /// Which part of the file system is seen.
    pub(in crate::functions) root: String,
    pub(in crate::functions) target: PathBuf,
    /// The options of this place.
    pub(in crate::functions) options: Vec<String>,
    pub(in crate::functions) fstype: String,
    pub(in crate::functions) device: String,
    /// The options of the file system.
    pub(in crate::functions) super_options: Vec<String>,
}

/// One swap space in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct SwapSpace {
    pub(in crate::functions) device: String,
    pub(in crate::functions) kind: String,
    pub(in crate::functions) size: u64,
    pub(in crate::functions) used: u64,
    pub(in crate::functions) priority: i64,
}

/// Lists what is mounted, in order: of several at one place the last one is seen.
pub(in crate::functions) fn active(host: &dyn Host) -> Result<Vec<Mounted>, StateError> {
    let text = read_if_present(host, Path::new("/proc/self/mountinfo"))?.unwrap_or_default();
    Ok(text.lines().filter_map(mounted).collect())
}

/// Returns what is seen at a place.
pub(super) fn active_at(host: &dyn Host, target: &Path) -> Result<Option<Mounted>, StateError> {
    Ok(active(host)?.into_iter().rev().find(|m| m.target == target))
}

fn mounted(line: &str) -> Option<Mounted> {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    let (place, rest) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let mut rest = rest.split(' ');
    let list = |text: &str| text.split(',').map(unescaped).collect::<Vec<_>>();
    Some(Mounted {
        root: unescaped(place.next()?),
        target: PathBuf::from(unescaped(place.next()?)),
        options: list(place.next()?),
        fstype: rest.next()?.to_owned(),
        device: unescaped(rest.next()?),
        super_options: list(rest.next().unwrap_or_default()),
    })
}

/// Lists the swap spaces in use.
pub(in crate::functions) fn swaps(host: &dyn Host) -> Result<Vec<SwapSpace>, StateError> {
    let text = read_if_present(host, Path::new("/proc/swaps"))?.unwrap_or_default();
    let space = |line: &str| {
        let mut words = line.split_whitespace();
        Some(SwapSpace {
            device: unescaped(words.next()?),
            kind: words.next()?.to_owned(),
            size: words.next()?.parse().ok()?,
            used: words.next()?.parse().ok()?,
            priority: words.next()?.parse().ok()?,
        })
    };
    Ok(text.lines().skip(1).filter_map(space).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sim::SimHost;

    #[test]
    fn mountinfo_is_read_with_its_escapes_and_optional_fields() {
        let host = SimHost::new().with_file(
            "/proc/self/mountinfo",
            "36 35 98:0 /sub /mnt/a\\040b rw,noatime master:1 shared:2 - ext4 /dev/sda1 rw,errors=continue\nnonsense\n",
        );
        let found = active_at(&host, Path::new("/mnt/a b")).unwrap().unwrap();
        assert_eq!(
            (found.root.as_str(), found.device.as_str(), found.fstype.as_str()),
            ("/sub", "/dev/sda1", "ext4")
        );
        assert_eq!(found.super_options, ["rw", "errors=continue"]);
    }
}
