//! The table of file systems as lines: comments, order and entries of others survive an edit.

use lab_proto::Value;

use super::super::support::{join_lines, lines, text_list};
use crate::function::StateError;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Entry {
    pub(in crate::functions) device: String,
    pub(in crate::functions) target: String,
    pub(in crate::functions) fstype: String,
    pub(in crate::functions) options: Vec<String>,
    pub(in crate::functions) dump: String,
    pub(in crate::functions) pass: String,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct Table(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Entry(Entry, String),
    Other(String),
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there.
    Present,
    /// It was added.
    New,
    /// One that differed was replaced.
    Changed,
}

/// By which fields an entry counts as the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MatchOn(Vec<&'static str>);

const FIELDS: [&str; 6] = ["device", "name", "fstype", "opts", "dump", "pass_num"];

/// File systems whose device is no name that tells entries apart.
const BY_TARGET: [&str; 17] = [
    "none",
    "tmpfs",
    "ramfs",
    "sysfs",
    "proc",
    "fusectl",
    "debugfs",
    "securityfs",
    "devtmpfs",
    "cgroup",
    "cgroup2",
    "btrfs",
    "overlay",
    "devpts",
    "nfs",
    "nfs4",
    "glusterfs",
];

impl MatchOn {
    /// Reads the argument `match_on`; `auto` goes by the kind of file system.
    pub(super) fn of(argument: Option<&Value>, fstype: &str) -> Result<Self, StateError> {
        let given = argument.map(text_list).unwrap_or_default();
        if given.is_empty() || given == ["auto"] {
            return Ok(Self(vec![if BY_TARGET.contains(&fstype) { "name" } else { "device" }]));
        }
        let known = |name: &String| {
            FIELDS.iter().find(|f| *f == name).copied().ok_or_else(|| {
                StateError::failed(format!(
                    "argument match_on: {name:?} is not one of auto, {}",
                    FIELDS.join(", ")
                ))
            })
        };
        Ok(Self(given.iter().map(known).collect::<Result<_, _>>()?))
    }
}

impl Table {
    pub(in crate::functions) fn parse(text: &str) -> Self {
        let line = |raw: &str| match Entry::parse(raw) {
            Some(entry) => Line::Entry(entry, raw.to_owned()),
            None => Line::Other(raw.to_owned()),
        };
        Self(lines(text).into_iter().map(line).collect())
    }

    pub(super) fn print(&self) -> String {
        let line = |l: &Line| match l {
            Line::Entry(_, raw) | Line::Other(raw) => raw.clone(),
        };
        join_lines(&self.0.iter().map(line).collect::<Vec<_>>())
    }

    pub(in crate::functions) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter_map(|l| match l {
            Line::Entry(entry, _) => Some(entry),
            Line::Other(_) => None,
        })
    }

    /// Puts an entry into the place of those that count as the same, or at the end.
    pub(super) fn put(&mut self, entry: &Entry, on: &MatchOn, not_change: bool) -> Put {
        let mut found = None;
        for line in &mut self.0 {
            let Line::Entry(have, _) = line else { continue };
            if !have.matches(entry, &on.0) {
                continue;
            }
            found = found.or(Some(Put::Present));
            if !not_change && !have.matches(entry, &FIELDS) {
                found = Some(Put::Changed);
                *line = Line::Entry(entry.clone(), entry.print());
            }
        }
        found.unwrap_or_else(|| {
            self.0.push(Line::Entry(entry.clone(), entry.print()));
            Put::New
        })
    }

    /// Removes entries; tells whether there were any.
    pub(super) fn remove(&mut self, mut which: impl FnMut(&Entry) -> bool) -> bool {
        let before = self.0.len();
        self.0.retain(|l| !matches!(l, Line::Entry(entry, _) if which(entry)));
        self.0.len() < before
    }
}

impl Entry {
    fn parse(raw: &str) -> Option<Self> {
        if raw.trim_start().starts_with('#') {
            return None;
        }
        let words: Vec<&str> = raw.split_whitespace().collect();
        let [device, target, fstype, options, rest @ ..] = &words[..] else { return None };
        if rest.len() > 2 {
            return None;
        }
        Some(Self {
            device: unescaped(device),
            target: unescaped(target),
            fstype: (*fstype).to_owned(),
            options: options.split(',').map(unescaped).collect(),
            dump: (*rest.first().unwrap_or(&"0")).to_owned(),
            pass: (*rest.get(1).unwrap_or(&"0")).to_owned(),
        })
    }

    fn print(&self) -> String {
        let Self { device, target, fstype, options, dump, pass } = self;
        let options = if options.is_empty() { "defaults".to_owned() } else { escaped(&options.join(",")) };
        format!("{}\t\t{}\t{fstype}\t{options}\t{dump} {pass}", escaped(device), escaped(target))
    }

    fn matches(&self, other: &Self, fields: &[&str]) -> bool {
        let sorted = |options: &[String]| {
            let mut all = options.to_vec();
            all.sort();
            all
        };
        fields.iter().all(|field| match *field {
            "device" => self.device == other.device,
            "name" => self.target == other.target,
            "fstype" => self.fstype == other.fstype,
            "opts" => sorted(&self.options) == sorted(&other.options),
            "dump" => self.dump == other.dump,
            _ => self.pass == other.pass,
        })
    }
}

/// Writes what separates fields as fstab(5) has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}

/// Reads the escapes of the tables of the kernel and of fstab: `\040` is a blank.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).filter(|d| d.bytes().all(|b| (b'0'..=b'7').contains(&b)));
        match code.and_then(|d| u8::from_str_radix(d, 8).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(device: &str, target: &str, options: &str) -> Entry {
        Entry::parse(&format!("{} {} ext4 {options}", escaped(device), escaped(target))).unwrap()
    }

    #[test]
    fn an_entry_is_put_once_and_replaced_in_its_place() {
        let text = "# head\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1   /data ext4 noatime,nofail\nweird\n";
        let mut table = Table::parse(text);
        let on = MatchOn::of(None, "ext4").unwrap();
        assert_eq!(table.put(&entry("/dev/sdb1", "/data", "nofail,noatime"), &on, false), Put::Present);
        assert_eq!(table.print(), text);
        assert_eq!(table.put(&entry("/dev/sdb1", "/data", "ro"), &on, true), Put::Present);
        assert_eq!(table.put(&entry("/dev/sdb1", "/data", "ro"), &on, false), Put::Changed);
        assert_eq!(table.put(&entry("/dev/sdc1", "/a b", "ro"), &on, false), Put::New);
        assert_eq!(
            table.print(),
            "# head\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1\t\t/data\text4\tro\t0 0\nweird\n/dev/sdc1\t\t/a\\040b\text4\tro\t0 0\n"
        );
        assert!(table.remove(|e| e.target == "/a b"));
        assert!(MatchOn::of(Some(&"nam".into()), "ext4").is_err());
    }

    proptest! {
        #[test]
        fn what_is_not_edited_prints_as_it_was(text in "([#/a-c ,=\t]{0,20}\n){0,6}") {
            prop_assert_eq!(Table::parse(&text).print(), text);
        }

        #[test]
        fn escapes_come_back(text in "[a \\\\\t0-9]{1,12}") {
            prop_assert_eq!(unescaped(&escaped(&text)), text);
        }
    }
}
