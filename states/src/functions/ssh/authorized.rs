//! The file of keys that may log in, as lines, so that comments and order survive an edit.

use super::key::{PublicKey, is_kind};
use crate::function::StateError;
use crate::functions::support::{join_lines, lines};

/// One key with what stands around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) options: String,
    pub(super) key: PublicKey,
    pub(super) comment: String,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authorized(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Key { entry: Entry, raw: String },
    Other(String),
}

/// What setting a key did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    New,
    Updated,
    Same,
}

impl Entry {
    /// Reads `[options] [kind] base64 [comment]`.
    pub(super) fn parse(text: &str) -> Result<Self, StateError> {
        let words = words(text);
        let kind = words.iter().position(|(_, w)| is_kind(w));
        let (options, rest) = match kind {
            Some(at) => (words[..at].iter().map(|(_, w)| *w).collect::<Vec<_>>().join(" "), &words[at + 1..]),
            None => (String::new(), &words[..]),
        };
        let Some((_, blob)) = rest.first() else {
            return Err(StateError::failed(format!("{text:?} is no public key")));
        };
        let comment = rest.get(1).map(|(start, _)| text[*start..].trim_end()).unwrap_or_default();
        Ok(Self { options, key: PublicKey::parse(blob)?, comment: comment.to_owned() })
    }

    fn print(&self) -> String {
        let Self { options, key: PublicKey { kind, blob, .. }, comment } = self;
        [options.as_str(), kind, blob, comment]
            .into_iter()
            .filter(|p| !p.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Splits a line at white space outside of quotes; each word with its place.
fn words(text: &str) -> Vec<(usize, &str)> {
    let (mut words, mut start, mut quoted, mut escaped) = (Vec::new(), None, false, false);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !quoted {
            words.extend(start.take().map(|s: usize| (s, &text[s..at])));
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        start.get_or_insert(at);
    }
    words.extend(start.map(|s| (s, &text[s..])));
    words
}

impl Authorized {
    pub(super) fn parse(text: &str) -> Self {
        let line = |raw: &str| match Entry::parse(raw) {
            Ok(entry) if !raw.trim_start().starts_with('#') => Line::Key { entry, raw: raw.to_owned() },
            _ => Line::Other(raw.to_owned()),
        };
        Self(lines(text).into_iter().map(line).collect())
    }

    pub(super) fn print(&self) -> String {
        let raw: Vec<&str> = self
            .0
            .iter()
            .map(|l| match l {
                Line::Key { raw, .. } | Line::Other(raw) => raw.as_str(),
            })
            .collect();
        join_lines(&raw)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter_map(|l| match l {
            Line::Key { entry, .. } => Some(entry),
            Line::Other(_) => None,
        })
    }

    /// Lets a key in, with these options and this comment.
    pub(super) fn set(&mut self, wanted: &Entry) -> Set {
        for line in &mut self.0 {
            if let Line::Key { entry, raw } = line
                && entry.key.blob == wanted.key.blob
            {
                if entry == wanted {
                    return Set::Same;
                }
                (*entry, *raw) = (wanted.clone(), wanted.print());
                return Set::Updated;
            }
        }
        self.0.push(Line::Key { entry: wanted.clone(), raw: wanted.print() });
        Set::New
    }

    /// Takes a key out; tells whether it was there.
    pub(super) fn remove(&mut self, blob: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|l| !matches!(l, Line::Key { entry, .. } if entry.key.blob == blob));
        self.0.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::testing::{KEY, OTHER};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_may_stand_alone_or_with_all_around_it() {
        let entry = Entry::parse(&format!("no-pty,command=\"echo \\\"a b\\\"\" ssh-ed25519 {KEY} Ann Other"))
            .unwrap();
        assert_eq!(entry.options, "no-pty,command=\"echo \\\"a b\\\"\"");
        assert_eq!((entry.key.blob.as_str(), entry.comment.as_str()), (KEY, "Ann Other"));
        let bare = Entry::parse(&format!("{KEY} me")).unwrap();
        assert_eq!((bare.print(), bare.options), (format!("ssh-ed25519 {KEY} me"), String::new()));
        assert!(
            Entry::parse("").is_err() && Entry::parse("ssh-rsa").is_err() && Entry::parse("hello").is_err()
        );
    }

    #[test]
    fn keys_are_added_changed_and_removed_and_the_rest_stays() {
        let mut file =
            Authorized::parse(&format!("# mine\nssh-ed25519 {KEY} old\n\n#ssh-ed25519 {OTHER} off\n"));
        let wanted = Entry::parse(&format!("ssh-ed25519 {KEY} new")).unwrap();
        assert_eq!((file.set(&wanted), file.set(&wanted)), (Set::Updated, Set::Same));
        assert_eq!(file.set(&Entry::parse(OTHER).unwrap()), Set::New, "a comment is no key");
        assert!(file.remove(OTHER) && !file.remove(OTHER));
        assert_eq!(file.print(), format!("# mine\nssh-ed25519 {KEY} new\n\n#ssh-ed25519 {OTHER} off\n"));
    }

    proptest! {
        #[test]
        fn what_is_not_edited_prints_as_it_was(text in "([a-zA-Z0-9 \"#=,\\\\]{0,20}\n){0,5}") {
            prop_assert_eq!(Authorized::parse(&text).print(), text);
        }
    }
}
