//! SLS names and where they lead: `a.b` is `a/b.sls` or `a/b/init.sls`, in the merged tree of all roots.

use std::fmt;

use crate::render::{SourceError, Sources};

/// The dotted name of an SLS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlsName(String);

/// A text that cannot name an SLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' cannot be the name of an SLS: write the path below the roots with dots, without .sls")]
pub struct BadSlsName(pub String);

impl SlsName {
    /// Parses a name; slashes are read as dots.
    ///
    /// # Errors
    /// When a part of the name is empty.
    pub fn parse(text: &str) -> Result<Self, BadSlsName> {
        let name = text.trim().replace('/', ".");
        if name.is_empty() || name.split('.').any(str::is_empty) || name.chars().any(char::is_control) {
            return Err(BadSlsName(text.to_owned()));
        }
        Ok(Self(name))
    }

    /// Returns the dotted name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the two paths that the name can stand for, the winner first.
    pub fn candidates(&self) -> [String; 2] {
        let path = self.0.replace('.', "/");
        [format!("{path}.sls"), format!("{path}/init.sls")]
    }

    /// Tells whether the name has wildcards.
    pub fn is_pattern(&self) -> bool {
        self.0.contains(['*', '?', '['])
    }
}

impl fmt::Display for SlsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An SLS found in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlsFile {
    /// Its name.
    pub name: SlsName,
    /// Its path below the roots.
    pub path: String,
    /// Its contents.
    pub content: Vec<u8>,
}

impl SlsFile {
    /// Tells whether the name stands for a directory's `init.sls`.
    pub fn is_init(&self) -> bool {
        self.path.rsplit('/').next() == Some("init.sls")
    }

    /// Returns the directory of the file, empty at the root.
    pub fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(dir, _)| dir)
    }
}

/// Finds the file of an SLS.
///
/// # Errors
/// When the file exists and cannot be read.
pub fn find(sources: &dyn Sources, name: &SlsName) -> Result<Option<SlsFile>, SourceError> {
    for path in name.candidates() {
        if let Some(content) = sources.read(&path)? {
            return Ok(Some(SlsFile { name: name.clone(), path, content }));
        }
    }
    Ok(None)
}

/// Returns the name of every SLS in the tree, sorted; a directory's `init.sls` has the directory's name.
pub fn names(sources: &dyn Sources) -> Vec<SlsName> {
    let mut names: Vec<SlsName> = sources.list().iter().filter_map(|path| name_of(path)).collect();
    names.sort();
    names.dedup();
    names
}

fn name_of(path: &str) -> Option<SlsName> {
    let stem = path.strip_suffix(".sls")?;
    // A dot in a file's own name could never be reached, since dots are read as slashes.
    if stem.contains('.') {
        return None;
    }
    SlsName::parse(stem.strip_suffix("/init").unwrap_or(stem)).ok()
}

/// Returns the names that a pattern with shell wildcards matches, sorted; a plain name is returned as it is.
pub fn expand(sources: &dyn Sources, pattern: &SlsName) -> Vec<SlsName> {
    if !pattern.is_pattern() {
        return vec![pattern.clone()];
    }
    let mut found = names(sources);
    found.retain(|name| lab_proto::glob::matches(pattern.as_str(), name.as_str()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::MemorySources;

    fn tree(paths: &[&str]) -> MemorySources {
        MemorySources::new(paths.iter().map(|p| (*p, *p)))
    }

    fn name(text: &str) -> SlsName {
        SlsName::parse(text).expect("a name")
    }

    #[test]
    fn a_file_beats_the_init_of_a_directory() {
        let tree = tree(&["a/b.sls", "a/b/init.sls"]);
        assert_eq!(find(&tree, &name("a.b")).expect("reads").expect("found").path, "a/b.sls");
    }

    #[test]
    fn wildcards_come_sorted_and_init_has_the_name_of_its_directory() {
        let tree = tree(&["net/init.sls", "net/b.sls", "net/a.sls", "other.sls", "net/motd.txt"]);
        let found = expand(&tree, &name("net.*"));
        assert_eq!(found, [name("net.a"), name("net.b")]);
        assert_eq!(names(&tree), [name("net"), name("net.a"), name("net.b"), name("other")]);
    }

    #[test]
    fn empty_parts_are_refused() {
        assert!(SlsName::parse("a..b").is_err());
        assert!(SlsName::parse("").is_err());
        assert_eq!(name("a/b"), name("a.b"));
    }
}
