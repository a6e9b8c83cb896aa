//! Keeps secret values out of everything that leaves the minion: returns, events, progress, logs.
//!
//! Whoever resolves a secret (a `!secret` of the pillar, a decrypted value) registers it in [`Secrets`]; the
//! agent's only exit passes all it says through [`Secrets::text`], [`Secrets::value`] or, for what comes in pieces,
//! [`Secrets::piece`]. Templates concatenate and encode, so a marker type alone would leak: the value, its hexadecimal
//! code and its base64 (at each of the three alignments in a longer encoded text) are replaced wherever they occur,
//! in whatever escapes their letters stand (`form`).

mod form;

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use lab_proto::{Map, StateReturn, Value};

use crate::render::base64::encode as base64;
use form::Form;

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
    parts: Vec<Form>,
    /// By byte, which parts may begin with it.
    beginning_with: Vec<Vec<usize>>,
}

/// The end of a text that comes in pieces, which may be the beginning of a secret.
#[derive(Debug, Default)]
pub struct Held(Vec<u8>);

/// Where secrets are in a text.
struct Scan {
    /// From and to, in order, without overlaps.
    spans: Vec<(usize, usize)>,
    /// From where on more text could make a secret.
    open: usize,
}

impl Forms {
    fn index(&mut self) {
        self.parts.sort_unstable();
        self.parts.dedup();
        let parts = &self.parts;
        let of = |byte| (0..parts.len()).filter(|i| parts[*i].begins_with(byte)).collect();
        self.beginning_with = (0..=u8::MAX).map(of).collect();
    }

    /// Finds every secret, also those that overlap.
    fn scan(&self, text: &[u8]) -> Scan {
        let mut scan = Scan { spans: Vec::new(), open: text.len() };
        let mut scratch = [Vec::new(), Vec::new()];
        let mut at = 0;
        while let (Some(byte), false) = (text.get(at), self.beginning_with.is_empty()) {
            if text[at..].starts_with(MASK.as_bytes()) {
                at += MASK.len();
                continue;
            }
            for form in &self.beginning_with[usize::from(*byte)] {
                let found = self.parts[*form].at(text, at, &mut scratch);
                if found.open {
                    scan.open = scan.open.min(at);
                }
                match (found.end, scan.spans.last_mut()) {
                    (Some(end), Some((_, last))) if at < *last => *last = end.max(*last),
                    (Some(end), _) => scan.spans.push((at, end)),
                    (None, _) => {}
                }
            }
            at += 1;
        }
        scan
    }
}

/// Puts the mask in the places of the spans.
fn masked(text: &[u8], spans: &[(usize, usize)]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for &(from, to) in spans {
        out.extend_from_slice(&text[at..from]);
        out.extend_from_slice(MASK.as_bytes());
        at = to;
    }
    out.extend_from_slice(&text[at..]);
    String::from_utf8_lossy(&out).into_owned()
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
        // A block ends with a line break, which templates and shells take off.
        let parts = [secret, secret.trim()].into_iter().chain(lines).filter(|p| p.len() >= SHORTEST);
        forms.parts.extend(parts.flat_map(Form::all));
        forms.index();
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

    /// Returns the changes of a state without secrets. When its arguments or the changes themselves hold one, both
    /// sides of each change are withheld as a whole: what a secret takes the place of was one, too.
    pub fn changes(&self, args: &Map, changes: &Map) -> Map {
        if self.is_empty() {
            return changes.clone();
        }
        let args = Value::Map(args.clone());
        let whole = Value::Map(changes.clone());
        if !self.touches(&args) && !self.touches(&whole) {
            return changes.clone();
        }
        match withheld(&self.value(&whole)) {
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
        match forms.scan(text.as_bytes()).spans.as_slice() {
            [] => text.to_owned(),
            spans => masked(text.as_bytes(), spans),
        }
    }

    /// Returns the next piece of a text without secrets. What may be the beginning of one is held until the next piece
    /// tells; it is never longer than the longest secret in its longest escape.
    pub fn piece(&self, held: &mut Held, bytes: &[u8]) -> String {
        held.0.extend_from_slice(bytes);
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        let Scan { mut spans, mut open } = forms.scan(&held.0);
        open = open.min(held.0.len() - cut_letter(&held.0));
        // A secret that is whole up to here may be the beginning of a longer one: it is held as a whole.
        if let Some((from, _)) = spans.iter().find(|(_, to)| *to > open) {
            open = open.min(*from);
        }
        spans.retain(|(_, to)| *to <= open);
        let rest = held.0.split_off(open);
        masked(&std::mem::replace(&mut held.0, rest), &spans)
    }

    /// Returns what is still held of a text that has ended.
    pub fn rest(&self, held: &mut Held) -> String {
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        let text = std::mem::take(&mut held.0);
        masked(&text, &forms.scan(&text).spans)
    }

    /// Returns the value without secrets, keys included.
    pub fn value(&self, value: &Value) -> Value {
        if self.is_empty() {
            return value.clone();
        }
        match value {
            Value::Str(s) => Value::from(self.text(s)),
            Value::Bytes(b) => match self.text(&String::from_utf8_lossy(b)) {
                clean if clean.contains(MASK) => Value::from(clean),
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

/// What a state that used a secret may still tell: what a command printed is masked and has no other side, and these
/// facts are no values of the user's.
const TOLD: [&str; 12] =
    ["stdout", "stderr", "pid", "retcode", "mode", "user", "group", "uid", "gid", "home", "shell", "groups"];

/// Withholds what a state tells of before and after, whatever it calls the two.
fn withheld(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let told = |key: &Value| key.as_str().is_some_and(|k| TOLD.contains(&k));
            let side = |v: &Value| match v {
                Value::Map(_) | Value::List(_) | Value::Tuple(_) => withheld(v),
                leaf => leaf.clone(),
            };
            let entry = |(k, v): (&Value, &Value)| (k.clone(), if told(k) { side(v) } else { withheld(v) });
            Value::Map(map.iter().map(entry).collect())
        }
        Value::List(list) => Value::List(list.iter().map(withheld).collect()),
        Value::Tuple(list) => Value::Tuple(list.iter().map(withheld).collect()),
        Value::Str(text) if text == MASK => value.clone(),
        Value::Str(_) | Value::Bytes(_) | Value::Int(_) | Value::Float(_) => Value::from(WITHHELD),
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// Counts the bytes at the end that are the beginning of a letter.
fn cut_letter(text: &[u8]) -> usize {
    let tail = &text[text.len().saturating_sub(3)..];
    let begins = tail.iter().rposition(|b| *b >= 0xc0);
    begins.map_or(0, |i| match std::str::from_utf8(&tail[i..]) {
        Err(e) if e.error_len().is_none() => tail.len() - i,
        _ => 0,
    })
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

    /// The forms of a secret with every kind of letter, as filters of templates and Python write them.
    #[test]
    fn no_filter_gives_the_secret_away() {
        let secret = "a/B&<'>\"\\ö€😀.+ x";
        let secrets = Secrets::new();
        secrets.register(secret);
        for (what, text) in [
            ("urlencode", "a/B%26%3C%27%3E%22%5C%C3%B6%E2%82%AC%F0%9F%98%80.%2B%20x"),
            (
                "urllib.parse.quote_plus, lower case",
                "a%2fB%26%3c%27%3e%22%5c%c3%b6%e2%82%ac%f0%9f%98%80.%2b+x",
            ),
            ("tojson", "a/B\\u0026\\u003c\\u0027\\u003e\\\"\\\\ö€😀.+ x"),
            ("json.dumps", "a/B&<'>\\\"\\\\\\u00f6\\u20ac\\ud83d\\ude00.+ x"),
            ("JSON in JSON", "a/B&<'>\\\\\\\"\\\\\\\\\\\\u00f6\\\\u20ac\\\\ud83d\\\\ude00.+ x"),
            ("yaml_dquote", "a/B&<'>\\\"\\\\\\xF6\\u20AC\\U0001F600.+ x"),
            ("yaml_squote", "a/B&<''>\"\\ö€😀.+ x"),
            ("e", "a/B&amp;&lt;&#39;&gt;&#34;\\ö€😀.+ x"),
            ("html.escape", "a/B&amp;&lt;&#x27;&gt;&quot;\\ö€😀.+ x"),
            ("regex_escape", "a/B\\&<'>\"\\\\ö€😀\\.\\+\\ x"),
            ("shlex.quote", "a/B&<'\"'\"'>\"\\ö€😀.+ x"),
            ("bytes of Python", "a/B&<\\'>\"\\\\\\xc3\\xb6\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80.+ x"),
            ("git and printf", "a/B&<'>\"\\\\\\303\\266\\342\\202\\254\\360\\237\\230\\200.+ x"),
            ("hex, upper case", "612F42263C273E225CC3B6E282ACF09F98802E2B2078"),
        ] {
            assert_eq!(secrets.text(&format!("<{text}>")), format!("<{MASK}>"), "{what}");
        }
        let code = base64(format!("{secret}{secret}").as_bytes());
        let wrapped: Vec<&str> = code.as_bytes().chunks(9).map(|c| std::str::from_utf8(c).unwrap()).collect();
        assert!(secrets.text(&wrapped.join("\n")).starts_with(MASK));
    }

    #[test]
    fn both_sides_of_a_change_are_withheld_whatever_they_are_called() {
        let secrets = Secrets::new();
        secrets.register("NewSecretPw");
        let side = |v: &str| Value::from([("before", Value::from("OldSecretPw")), ("after", Value::from(v))]);
        let changes = |v: &str| Map::from_iter([(Value::from("s"), Value::from([("pw", side(v))]))]);
        let shown = Value::Map(secrets.changes(&Map::new(), &changes("NewSecretPw"))).to_string();
        assert!(!shown.contains("OldSecretPw") && shown.contains("before"), "{shown}");
        let plain = changes("other");
        assert_eq!(secrets.changes(&Map::new(), &plain), plain, "no secret has to do with it");
        let output = Map::from_iter([(Value::from("stdout"), Value::from("pw=NewSecretPw ok"))]);
        let shown = secrets.changes(&Map::new(), &output);
        assert_eq!(shown.get("stdout"), Some(&Value::from("pw=**redacted** ok")));
    }

    #[test]
    fn a_secret_that_comes_in_pieces_is_masked_and_the_rest_is_not_held_for_long() {
        let secrets = Secrets::new();
        secrets.register("Sup3rSecretPw");
        secrets.register("Sup3rSecretPw-longer");
        let text = "line ö 1 pw=Sup3rSecretPw\nU3VwM3JTZWNyZXRQdw== Sup3\npw=Sup3rSecretPw-longerSup";
        let whole = secrets.text(text);
        assert!(!whole.contains("SecretPw") && !whole.contains("3JTZW"), "{whole}");
        for size in 1..text.len() {
            let (mut held, mut shown) = (Held::default(), String::new());
            for piece in text.as_bytes().chunks(size) {
                shown.push_str(&secrets.piece(&mut held, piece));
                assert!(held.0.len() < 64, "{} bytes held", held.0.len());
            }
            shown.push_str(&secrets.rest(&mut held));
            assert_eq!(shown, whole, "pieces of {size}");
        }
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
