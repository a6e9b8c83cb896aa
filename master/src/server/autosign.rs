//! Autosign by grains, as Salt's `autosign_grains_dir`: a file per grain, an accepted value per line.

use std::fs;
use std::path::Path;

use lab_proto::{Map, Value};
use tracing::warn;

/// A list that is longer is not read to its end.
const MAX_LINES: usize = 100_000;

/// Returns the grain whose value is listed, if there is one. Blocking.
pub(crate) fn matching_grain(dir: &Path, grains: &Map) -> Option<String> {
    if dir.as_os_str().is_empty() {
        return None;
    }
    let mut files: Vec<_> = fs::read_dir(dir)
        .map_err(|e| warn!(dir = %dir.display(), error = %e, "cannot read the autosign directory"))
        .ok()?
        .filter_map(Result::ok)
        .collect();
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files {
        let name = file.file_name();
        let Some(grain) = name.to_str() else { continue };
        let Some(value) = grains.get(grain).and_then(plain) else { continue };
        let Ok(text) = fs::read_to_string(file.path()) else { continue };
        let listed =
            text.lines().take(MAX_LINES).map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        // A UUID is the same in both cases of its letters; other values are not.
        let same = |l: &str| if grain == "uuid" { l.eq_ignore_ascii_case(&value) } else { l == value };
        if { listed }.any(same) {
            if is_guessable(&value) {
                warn!(grain, "autosign accepted a key by a value that can be guessed; join tokens are safer");
            }
            return Some(grain.to_owned());
        }
    }
    None
}

/// Tells whether somebody who never saw the value could find it: short, or without randomness.
pub(crate) fn is_guessable(value: &str) -> bool {
    let digits: Vec<char> = value.chars().filter(char::is_ascii_hexdigit).collect();
    let mut kinds = digits.clone();
    kinds.sort_unstable();
    kinds.dedup();
    digits.len() < 24 || kinds.len() < 6
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Str(s) => Some(s.to_string()),
        Value::Int(n) => Some(n.to_string()),
        Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_uuid_signs_and_another_does_not() {
        let dir = tempfile::tempdir().expect("tempdir");
        fs::write(dir.path().join("uuid"), "# lab\n4C4C4544-0034-4D10-8052-B5C04F4A3032\n").expect("written");
        let grains = |uuid: &str| Map::from_iter([(Value::from("uuid"), Value::from(uuid))]);
        let found = |uuid: &str| matching_grain(dir.path(), &grains(uuid));
        assert_eq!(found("4c4c4544-0034-4d10-8052-b5c04f4a3032").as_deref(), Some("uuid"));
        assert_eq!(found("4c4c4544-0034-4d10-8052-b5c04f4a3033"), None);
        assert_eq!(matching_grain(Path::new(""), &grains("x")), None);
    }

    #[test]
    fn the_guides_own_uuids_are_called_guessable() {
        assert!(is_guessable("11111111-1111-1111-1111-111111111111"));
        assert!(is_guessable("web1"));
        assert!(!is_guessable("4c4c4544-0034-4d10-8052-b5c04f4a3032"));
    }
}
