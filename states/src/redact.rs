//! Keeps secret values out of everything that leaves the minion: returns, events, progress, logs.
//!
//! Whoever resolves a secret (a `!secret` of the pillar, a decrypted value) registers it in [`Secrets`]; the
//! agent's only exit passes all it says through [`Secrets::text`] or [`Secrets::value`]. Templates concatenate
//! and encode, so a marker type alone would leak: the value itself, its base64 (at each of the three alignments
//! in a longer encoded text) and its JSON-escaped form are replaced wherever they occur.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use lab_proto::{Map, StateReturn, Value};

/// What stands in the place of a secret.
pub const MASK: &str = "**redacted**";

/// What stands in the place of a text of before or after.
pub const WITHHELD: &str = "**withheld: the state used a secret**";

/// Shorter values would blank ordinary words; they are masked only where they are a whole value.
const SHORTEST: usize = 4;

/// The secret values of one run.
#[derive(Debug, Default)]
pub struct Secrets {
    forms: RwLock<Forms>,
}

#[derive(Debug, Default)]
struct Forms {
    whole: BTreeSet<String>,
    /// Longest first, so that a secret within another leaves no remains.
    parts: Vec<String>,
}

impl Secrets {
    /// Makes an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret text, and each line of it that is long enough: keys are printed line by line.
    pub fn register(&self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let mut forms = self.forms.write().unwrap_or_else(PoisonError::into_inner);
        if !forms.whole.insert(secret.to_owned()) {
            return;
        }
        let lines = secret.lines().map(str::trim).filter(|l| l.len() >= 16);
        for part in std::iter::once(secret).chain(lines).filter(|p| p.len() >= SHORTEST) {
            forms.parts.extend(derived(part));
        }
        forms.parts.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.parts.dedup();
    }

    /// Adds every text within a value.
    pub fn register_value(&self, value: &Value) {
        match value {
            Value::Str(s) => self.register(s),
            Value::Int(i) => self.register(&i.to_string()),
            Value::Bytes(b) => self.register(&String::from_utf8_lossy(b)),
            Value::List(l) | Value::Tuple(l) => l.iter().for_each(|v| self.register_value(v)),
            Value::Map(m) => m.values().for_each(|v| self.register_value(v)),
            Value::Null | Value::Bool(_) | Value::Float(_) => {}
        }
    }

    /// Tells whether a value holds a secret in any form.
    pub fn touches(&self, value: &Value) -> bool {
        !self.is_empty() && self.value(value) != *value
    }

    /// Returns the result of a state without secrets; a state that used one says that something changed, not what.
    pub fn state_return(&self, mut result: StateReturn) -> StateReturn {
        if self.is_empty() {
            return result;
        }
        result.changes = self.changes(&Map::new(), &result.changes);
        result.comment = self.text(&result.comment);
        result.id = self.text(&result.id);
        result.name = self.text(&result.name);
        result
    }

    /// Returns the changes of a state without secrets. When its arguments or the changes themselves hold one, texts of
    /// before and after are withheld as a whole: what a secret takes the place of was one, too.
    pub fn changes(&self, args: &Map, changes: &Map) -> Map {
        if self.is_empty() {
            return changes.clone();
        }
        let args = Value::Map(args.clone());
        let whole = Value::Map(changes.clone());
        if !self.touches(&args) && !self.touches(&whole) {
            return changes.clone();
        }
        match withheld(&self.value(&whole), false) {
            Value::Map(map) => map,
            _ => Map::new(),
        }
    }

    /// Tells whether nothing is secret.
    pub fn is_empty(&self) -> bool {
        self.forms.read().unwrap_or_else(PoisonError::into_inner).whole.is_empty()
    }

    /// Returns the text without secrets.
    pub fn text(&self, text: &str) -> String {
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        if forms.whole.contains(text) {
            return MASK.to_owned();
        }
        forms.parts.iter().fold(text.to_owned(), |clean, part| {
            if clean.contains(part.as_str()) { clean.replace(part.as_str(), MASK) } else { clean }
        })
    }

    /// Returns the value without secrets, keys included.
    pub fn value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Str(s) => Value::Str(self.text(s)),
            Value::Bytes(b) => match self.text(&String::from_utf8_lossy(b)) {
                clean if clean.contains(MASK) => Value::Str(clean),
                _ => value.clone(),
            },
            Value::Int(i) if self.text(&i.to_string()) == MASK => Value::from(MASK),
            Value::List(l) => Value::List(l.iter().map(|v| self.value(v)).collect()),
            Value::Tuple(l) => Value::Tuple(l.iter().map(|v| self.value(v)).collect()),
            Value::Map(m) => Value::Map(self.map(m)),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => value.clone(),
        }
    }

    /// Returns the mapping without secrets.
    pub fn map(&self, map: &Map) -> Map {
        map.iter().map(|(k, v)| (self.value(k), self.value(v))).collect()
    }
}

/// Withholds what a state tells of before and after.
fn withheld(value: &Value, inside: bool) -> Value {
    match value {
        Value::Map(map) => {
            let told = |key: &Value| matches!(key.as_str(), Some("diff" | "old" | "new" | "contents"));
            Value::Map(map.iter().map(|(k, v)| (k.clone(), withheld(v, inside || told(k)))).collect())
        }
        Value::List(list) => Value::List(list.iter().map(|v| withheld(v, inside)).collect()),
        Value::Str(_) if inside => Value::from(WITHHELD),
        other => other.clone(),
    }
}

/// Lists the forms in which a secret shows up in texts: plain, JSON-escaped, base64.
fn derived(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    if let Ok(json) = serde_json::to_string(secret) {
        forms.push(json[1..json.len() - 1].to_owned());
    }
    forms.push(secret.bytes().map(|b| format!("{b:02x}")).collect());
    forms.push(percent(secret));
    forms.push(secret.replace('\'', "''"));
    forms.push(secret.replace('\'', "'\\''"));
    for skip in 0..3 {
        // With `skip` unknown bytes before it, only the groups of four letters that hold nothing else are known.
        let mut padded = vec![0; skip];
        padded.extend_from_slice(secret.as_bytes());
        let whole = padded.len() / 3 * 3;
        let from = if skip == 0 { 0 } else { 4 };
        let code = base64(&padded[..whole]);
        if let Some(core) = code.get(from..).filter(|c| c.len() >= 8) {
            forms.push(core.to_owned());
            forms.push(core.replace('+', "-").replace('/', "_"));
        }
    }
    forms.push(base64(secret.as_bytes()));
    forms
}

/// Encodes a text as an address has it.
fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let n = group.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let letter = ALPHABET[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_agrees_with_the_standard() {
        for (plain, code) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), code);
        }
    }

    #[test]
    fn a_secret_is_masked_alone_within_texts_and_as_a_key() {
        let secrets = Secrets::new();
        secrets.register("s3cr\"et");
        assert_eq!(secrets.text("token=s3cr\"et!"), "token=**redacted**!");
        assert_eq!(secrets.text(r#"{"t":"s3cr\"et"}"#), r#"{"t":"**redacted**"}"#);
        let value = Value::from([("s3cr\"et", Value::from(vec!["xs3cr\"et"]))]);
        assert_eq!(
            secrets.value(&value),
            Value::from([("**redacted**", Value::from(vec!["x**redacted**"]))])
        );
    }

    #[test]
    fn a_short_secret_is_masked_only_where_it_is_the_whole_value() {
        let secrets = Secrets::new();
        secrets.register("no");
        assert_eq!(secrets.text("no"), MASK);
        assert_eq!(secrets.text("nothing"), "nothing");
    }

    proptest! {
        #[test]
        fn no_encoding_at_any_alignment_gives_the_secret_away(
            secret in "[ -~]{12,40}", before in "[a-z]{0,7}", after in "[a-z]{0,7}"
        ) {
            let secrets = Secrets::new();
            secrets.register(&secret);
            let text = format!("{before}{secret}{after}");
            prop_assert!(!secrets.text(&text).contains(&secret));
            let code = secrets.text(&base64(text.as_bytes()));
            prop_assert!(code.contains(MASK), "{code}");
        }
    }
}
