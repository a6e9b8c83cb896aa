//! `source_hash`: the sum that a source must have, told as it is or looked up in a file of sums, by Salt's rules.

use std::path::Path;

use lab_proto::Digest;

use super::in_tree;
use crate::function::{JobCtx, StateError};
use crate::functions::exec::sum;
use crate::host::HttpRequest;

/// The algorithms, and how many hex digits their sums have.
const SUMS: [(&str, usize); 6] =
    [("md5", 32), ("sha1", 40), ("sha224", 56), ("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// A sum that a content must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::functions) struct SourceSum {
    kind: &'static str,
    digits: String,
}

/// What a line of a file of sums may name; the first that some line names counts.
#[derive(Clone, Copy, Debug)]
pub(in crate::functions) struct SumNames<'a> {
    /// The argument `source_hash_name`.
    pub(in crate::functions) given: Option<&'a str>,
    /// The file that is managed; empty where there is none.
    pub(in crate::functions) file: &'a str,
    /// The source.
    pub(in crate::functions) source: &'a str,
}

impl SourceSum {
    /// Reads an argument `source_hash`; where it names a file of sums, that file is read.
    pub(in crate::functions) fn find(
        hash: &str,
        names: &SumNames<'_>,
        saltenv: &str,
        ctx: &JobCtx<'_>,
    ) -> Result<Self, StateError> {
        match file_of_sums(hash, saltenv, ctx)? {
            Some(text) => listed(&text, names).ok_or_else(|| {
                StateError::failed(format!(
                    "argument source_hash: there is no sum in {hash} (a line is SUM  NAME)"
                ))
            }),
            None => told(hash),
        }
    }

    /// Refuses a content that has another sum.
    pub(in crate::functions) fn verify(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        self.compare(name, &sum(content, self.kind).map_err(StateError::from)?)
    }

    /// Refuses a file of the machine that has another sum; returns the SHA-256 of what was looked at.
    pub(in crate::functions) fn verify_file(
        &self,
        path: &Path,
        ctx: &JobCtx<'_>,
    ) -> Result<Digest, StateError> {
        let named = path.display().to_string();
        if self.kind == "sha256" {
            let digest = ctx.host.digest(path)?;
            self.compare(&named, &digest.to_string())?;
            return Ok(digest);
        }
        // The others are rare, and not worth a way of their own.
        let content = ctx.host.read(path)?;
        self.verify(&named, &content)?;
        Ok(Digest::of(&content))
    }

    fn compare(&self, name: &str, have: &str) -> Result<(), StateError> {
        let Self { kind, digits } = self;
        if have == digits {
            return Ok(());
        }
        Err(StateError::failed(format!("{name} has the {kind} sum {have}, not {digits} (source_hash)")))
    }
}

/// Returns the text of the file of sums that `source_hash` names; `None` where it is a sum itself.
fn file_of_sums(hash: &str, saltenv: &str, ctx: &JobCtx<'_>) -> Result<Option<String>, StateError> {
    let text = |bytes: Vec<u8>| Some(String::from_utf8_lossy(&bytes).into_owned());
    if hash.starts_with('/') {
        return Ok(text(ctx.host.read(Path::new(hash))?));
    }
    if let Some((path, saltenv)) = in_tree(hash, saltenv) {
        return Ok(text(ctx.services.file(&path, &saltenv)?));
    }
    match scheme(hash) {
        None => Ok(None),
        Some("file") => Ok(text(ctx.host.read(Path::new(hash.strip_prefix("file://").unwrap_or(hash)))?)),
        Some("http" | "https") => {
            let reply = ctx.host.http(&HttpRequest::get(hash), ctx)?;
            if reply.status >= 400 {
                return Err(StateError::failed(format!("{hash} answered with status {}", reply.status)));
            }
            Ok(text(reply.body))
        }
        Some(_) => Err(malformed(hash)),
    }
}

/// Returns what stands before the first colon, where that can be the scheme of a URL.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    fits.then_some(scheme)
}

/// Reads a sum that is given itself: alone, told by its length, or as `sha256=…`.
fn told(hash: &str) -> Result<SourceSum, StateError> {
    let (kind, digits) = match hash.split_once('=') {
        Some((kind, digits)) => (Some(kind.trim()), digits.trim()),
        None => (None, hash),
    };
    let fits = |(name, length): &&(&str, usize)| kind.is_none_or(|k| k == *name) && digits.len() == *length;
    match SUMS.iter().find(fits) {
        Some((name, _)) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(SourceSum { kind: name, digits: digits.to_ascii_lowercase() })
        }
        _ => Err(malformed(hash)),
    }
}

fn malformed(hash: &str) -> StateError {
    StateError::failed(format!(
        "argument source_hash: {hash:?} is no sum in hex digits (64 of them for SHA-256), alone or as sha256=…, and no \
         file of sums (a path, salt:// or https://)"
    ))
}

/// Finds the sum in a file of sums: on the line with the right name, else the first there is.
fn listed(text: &str, names: &SumNames<'_>) -> Option<SourceSum> {
    let source = names.source.split(['?', '#']).next().unwrap_or_default();
    let mut found: [Option<SourceSum>; 4] = Default::default();
    for line in text.lines().map(str::trim) {
        let Some(sum) = sum_in(line) else { continue };
        let named = [
            names.given.is_some_and(|name| names_it(line, name, name, "")),
            names_it(line, names.file, base(names.file), "\\/*"),
            names_it(line, names.source, base(source), "\\/*"),
            true,
        ];
        for (place, _) in found.iter_mut().zip(named).filter(|(place, named)| *named && place.is_none()) {
            *place = Some(sum.clone());
        }
    }
    found.into_iter().flatten().next()
}

/// Tells whether a line ends with a name, after white space or one of some other characters, or begins with all of it.
fn names_it(line: &str, whole: &str, name: &str, before: &str) -> bool {
    if name.is_empty() {
        return false;
    }
    match line.strip_suffix(name) {
        Some(rest) => rest.ends_with(|c: char| c.is_whitespace() || before.contains(c)),
        None => line.strip_prefix(whole).is_some_and(|rest| rest.starts_with(char::is_whitespace)),
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Takes the first word of a line that could be a sum.
fn sum_in(line: &str) -> Option<SourceSum> {
    let (shortest, longest) = (SUMS[0].1, SUMS[SUMS.len() - 1].1);
    let digits = line.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| {
        (shortest..=longest).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
    })?;
    let (kind, _) = SUMS.iter().find(|(_, length)| *length == digits.len())?;
    Some(SourceSum { kind, digits: digits.to_ascii_lowercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "b1946ac92492d2347c6235b4d2611184";

    #[test]
    fn a_sum_is_told_alone_or_with_its_algorithm() {
        let sum = |kind, digits: &str| Some(SourceSum { kind, digits: digits.to_owned() });
        assert_eq!(told(MD5).ok(), sum("md5", MD5));
        assert_eq!(told(&format!("md5 = {}", MD5.to_uppercase())).ok(), sum("md5", MD5));
        for wrong in ["", "zzz", "md5=00", " 0", &format!("sha1={MD5}"), &format!("MD5={MD5}")] {
            assert!(told(wrong).is_err(), "{wrong}");
        }
        assert_eq!(scheme("md5:00"), Some("md5"));
        assert_eq!(scheme(&format!("md5={MD5}")), None);
    }

    #[test]
    fn a_file_of_sums_is_searched_by_name_and_else_gives_its_first_sum() {
        let other = "d41d8cd98f00b204e9800998ecf8427e";
        let text = format!("# sums\n{MD5}  other\n{other} *dir/app.tgz\nMD5 (x) = {MD5}\nabc  app.tgz\n");
        let find =
            |given, file, source| listed(&text, &SumNames { given, file, source }).expect("a sum").digits;
        assert_eq!(find(None, "/srv/none", "/srv/app.tgz"), other);
        assert_eq!(find(None, "/srv/other", "/srv/app.tgz"), MD5);
        assert_eq!(find(Some("dir/app.tgz"), "/srv/other", "/x"), MD5, "after a star, a given name is none");
        assert_eq!(find(None, "", "https://h/y/app.tgz?v=1"), other);
        assert_eq!(find(None, "/a", "/b"), MD5);
        assert_eq!(listed("no sums\n", &SumNames { given: None, file: "/a", source: "/b" }), None);
    }
}
