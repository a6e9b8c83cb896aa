//! What the other side has: the revision that a state asks for.

use super::repo::Repo;
use crate::function::StateError;
use crate::nearest::nearest;

/// A revision of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) id: String,
    /// The branch, where it is one.
    pub(super) branch: Option<String>,
    /// The tag, where it is one.
    pub(super) tag: Option<String>,
}

/// Finds a revision: `HEAD`, a branch, a tag, or a commit's id in full.
pub(super) fn find(repo: &Repo<'_>, url: &str, rev: &str) -> Result<Revision, StateError> {
    let listed = repo.ask_anywhere(&["ls-remote", "--symref", "--", url])?.unwrap_or_default();
    let refs = refs(&listed);
    let id = |name: &str| refs.iter().find(|(_, n)| n == name).map(|(id, _)| id.clone());
    if rev == "HEAD" {
        let head = listed.lines().find_map(|l| l.strip_prefix("ref: refs/heads/")?.strip_suffix("\tHEAD"));
        let id = id("HEAD").ok_or_else(|| StateError::failed(format!("the repository {url} is empty")))?;
        return Ok(Revision { id, branch: head.map(str::to_owned), tag: None });
    }
    if let Some(id) = id(&format!("refs/heads/{rev}")) {
        return Ok(Revision { id, branch: Some(rev.to_owned()), tag: None });
    }
    // An annotated tag is followed to its commit.
    if let Some(id) = id(&format!("refs/tags/{rev}^{{}}")).or_else(|| id(&format!("refs/tags/{rev}"))) {
        return Ok(Revision { id, branch: None, tag: Some(rev.to_owned()) });
    }
    if [40, 64].contains(&rev.len()) && rev.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(Revision { id: rev.to_lowercase(), branch: None, tag: None });
    }
    let short = |name: &str| {
        name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).map(str::to_owned)
    };
    let known: Vec<String> = refs.iter().filter_map(|(_, n)| short(n)).collect();
    let near = nearest(rev, known.iter().map(String::as_str)).map(|n| format!("; did you mean {n}?"));
    Err(StateError::failed(format!(
        "no revision matching {rev:?} exists in {url} (a branch, a tag, or a commit's id in full{})",
        near.unwrap_or_default()
    )))
}

fn refs(listed: &str) -> Vec<(String, String)> {
    let entry = |line: &str| line.split_once('\t').map(|(id, name)| (id.to_owned(), name.to_owned()));
    listed.lines().filter(|l| !l.starts_with("ref: ")).filter_map(entry).collect()
}
