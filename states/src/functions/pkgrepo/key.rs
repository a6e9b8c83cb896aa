//! The key that a repository is signed by: where it comes from, and the form in which apt reads it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lab_proto::Value;

use crate::function::{JobCtx, StateCall, StateError};
use crate::functions::support::{Owner, make_parents};
use crate::host::{HttpRequest, WriteOptions};
use crate::render::base64;

/// A key and the file that it belongs into.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) path: PathBuf,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    Text(String),
    /// `salt://…` or a file of this machine.
    File(String),
    /// `https://…`, which is fetched only when the file is missing.
    Web(String),
}

impl Key {
    pub(super) fn new(
        path: &str,
        url: Option<&str>,
        text: Option<&str>,
        insecure: bool,
    ) -> Result<Option<Self>, StateError> {
        let origin = match (url, text) {
            (Some(_), Some(_)) => {
                return Err(StateError::failed("give either key_url or key_text, not both"));
            }
            (None, None) => return Ok(None),
            (None, Some(text)) => Origin::Text(text.to_owned()),
            (Some(url), None) => {
                if url.starts_with("http://") && !insecure {
                    return Err(StateError::failed(format!(
                        "argument key_url: {url} is not protected on its way (use https, the state tree, or set \
                         allow_insecure_key to True)"
                    )));
                }
                if url.starts_with("http://") || url.starts_with("https://") {
                    Origin::Web(url.to_owned())
                } else {
                    Origin::File(url.to_owned())
                }
            }
        };
        Ok(Some(Self { path: PathBuf::from(path), origin }))
    }

    /// Tells whether the file is not what it should be. A key from the web is taken once.
    pub(super) fn differs(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<bool, StateError> {
        let have = match ctx.host.stat(&self.path)? {
            Some(_) => ctx.host.read(&self.path)?,
            None => return Ok(true),
        };
        match &self.origin {
            Origin::Web(_) => Ok(false),
            Origin::Text(_) | Origin::File(_) => Ok(self.content(call, ctx)? != have),
        }
    }

    pub(super) fn write(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<(), StateError> {
        let content = self.content(call, ctx)?;
        make_parents(ctx.host, &self.path, Some(0o755), Owner::default())?;
        // apt reads keys as a user of its own.
        let options = WriteOptions { mode: Some(0o644), ..WriteOptions::default() };
        ctx.host.write(&self.path, &content, options)?;
        Ok(())
    }

    fn content(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Vec<u8>, StateError> {
        let raw = match &self.origin {
            Origin::Text(text) => format!("{}\n", text.trim()).into_bytes(),
            Origin::File(source) => {
                crate::functions::file::fetch(&Value::from(source.as_str()), None, (None, None), call, ctx)?
            }
            Origin::Web(url) => download(url, ctx)?,
        };
        in_form_of(&self.path, raw)
    }
}

/// apt takes a text by the name `.asc` and bytes by any other.
fn in_form_of(path: &Path, raw: Vec<u8>) -> Result<Vec<u8>, StateError> {
    let armored = raw.trim_ascii_start().starts_with(b"-----BEGIN PGP");
    let text_file = path.extension().is_some_and(|e| e == "asc");
    match (armored, text_file) {
        (true, true) | (false, false) => Ok(raw),
        (true, false) => {
            let bad = || {
                StateError::failed(format!(
                    "the key for {} is damaged: no base64 in its armor",
                    path.display()
                ))
            };
            dearmor(&String::from_utf8_lossy(&raw)).ok_or_else(bad)
        }
        (false, true) => Err(StateError::failed(format!(
            "the key for {} is not in armor (-----BEGIN PGP …), and apt takes it so only from a name that ends in .gpg",
            path.display()
        ))),
    }
}

/// Takes the armor (RFC 9580 §6) off: headers up to an empty line, base64, a checksum.
fn dearmor(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while lines.by_ref().any(|l| l.starts_with("-----BEGIN PGP")) {
        let body = lines.by_ref().take_while(|l| !l.starts_with("-----END PGP"));
        let coded: String =
            body.skip_while(|l| !l.is_empty()).filter(|l| !l.starts_with('=')).collect::<Vec<_>>().concat();
        bytes.extend(base64::decode(&coded).filter(|b| !b.is_empty())?);
    }
    Some(bytes)
}

fn download(url: &str, ctx: &JobCtx<'_>) -> Result<Vec<u8>, StateError> {
    let request = HttpRequest { timeout: Some(Duration::from_secs(60)), ..HttpRequest::get(url) };
    let reply = ctx.host.http(&request, ctx)?;
    if reply.status == 200 {
        return Ok(reply.body);
    }
    Err(StateError::failed(format!(
        "cannot fetch the key {url}: the server answers with status {}",
        reply.status
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARMORED: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\naGVsbG8g\nd29ybGQ=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";

    #[test]
    fn a_key_gets_the_form_that_its_name_asks_for() {
        let form = |path: &str, raw: &[u8]| in_form_of(Path::new(path), raw.to_vec());
        assert_eq!(form("/k.gpg", ARMORED.as_bytes()).unwrap(), b"hello world");
        assert_eq!(form("/k.asc", ARMORED.as_bytes()).unwrap(), ARMORED.as_bytes());
        assert_eq!(form("/k.gpg", b"\x99bytes").unwrap(), b"\x99bytes");
        assert!(form("/k.asc", b"\x99bytes").is_err());
        assert!(form("/k.gpg", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!\n").is_err());
    }

    #[test]
    fn an_unprotected_way_is_refused_unless_asked_for() {
        assert!(Key::new("/k", Some("http://h/k"), None, false).is_err());
        assert!(Key::new("/k", Some("http://h/k"), None, true).unwrap().is_some());
        assert!(Key::new("/k", Some("https://h/k"), Some("x"), false).is_err());
        assert!(Key::new("/k", None, None, false).unwrap().is_none());
    }
}
