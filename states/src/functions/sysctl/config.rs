//! The file that sets values at boot, as lines: comments, order and settings of others survive an edit.

use super::super::support::{join_lines, lines};
use super::live::Key;

/// Our own file. The name sorts after `99-sysctl.conf`, which is often a link to `/etc/sysctl.conf`: the last file that
/// sets a value wins at boot.
pub(in crate::functions) const DEFAULT: &str = "/etc/sysctl.d/99-zz-lab.conf";

/// Returns the settings of a file in order.
pub(in crate::functions) fn entries(text: &str) -> Vec<(Key, String)> {
    lines(text).into_iter().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<(Key, String)> {
    let line = line.trim_start();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    // A dash says that a failure does not matter.
    let name = name.trim();
    let key = Key::parse(name.strip_prefix('-').unwrap_or(name)).ok()?;
    Some((key, value.trim().to_owned()))
}

/// Returns what a file says about a setting last.
pub(super) fn value(text: &str, key: &Key) -> Option<String> {
    entries(text).into_iter().rev().find(|(k, _)| k == key).map(|(_, v)| v)
}

/// Returns the text with exactly one line for a setting: in the place of its first one, or at the end.
pub(super) fn with(text: &str, key: &Key, value: &str) -> String {
    let new = format!("{key} = {value}");
    let mut out: Vec<String> = Vec::new();
    let mut done = false;
    for line in lines(text) {
        match entry(line) {
            Some((k, _)) if k == *key => {
                if !done {
                    out.push(new.clone());
                    done = true;
                }
            }
            _ => out.push(line.to_owned()),
        }
    }
    if !done {
        out.push(new);
    }
    join_lines(&out)
}

/// Returns the text without a setting.
pub(super) fn without(text: &str, key: &Key) -> String {
    let kept: Vec<&str> =
        lines(text).into_iter().filter(|l| entry(l).is_none_or(|(k, _)| k != *key)).collect();
    join_lines(&kept)
}

/// Counts the lines about a setting.
pub(super) fn count(text: &str, key: &Key) -> usize {
    entries(text).iter().filter(|(k, _)| k == key).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_setting_has_one_line_whoever_wrote_it_before() {
        let key = Key::parse("net.ipv4.ip_forward").unwrap();
        let text = "# mine\nvm.swappiness=10\n-net/ipv4/ip_forward = 0\n;x = 1\nnet.ipv4.ip_forward=0\n";
        let new = with(text, &key, "1");
        assert_eq!(new, "# mine\nvm.swappiness=10\nnet.ipv4.ip_forward = 1\n;x = 1\n");
        assert_eq!(with(&new, &key, "1"), new);
        assert_eq!(value(&new, &key).as_deref(), Some("1"));
        assert_eq!(without(&new, &key), "# mine\nvm.swappiness=10\n;x = 1\n");
    }

    proptest! {
        #[test]
        fn an_edit_touches_nothing_else(text in "([#;a-c.=/ 0-9-]{0,12}\n){0,8}") {
            let key = Key::parse("net.zzz").unwrap();
            prop_assert_eq!(without(&with(&text, &key, "1"), &key), text);
        }
    }
}
