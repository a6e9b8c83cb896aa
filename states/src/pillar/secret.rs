//! Secrets in pillar files: `!secret TEXT`, and values that are encrypted for the master, `!encrypted TEXT` or
//! `!secret {age: TEXT}` and `!secret {gpg: TEXT}`.
//!
//! The YAML reader turns such a value into a mark, a mapping whose only key is the tag. The layers are merged with their
//! marks; [`open`] then puts the plain values in and tells where they are. They travel to their minion beside the pillar,
//! as paths under [`PATHS`], and the minion registers them ([`take`]) before anything is done with them.

use lab_proto::Value;
use lab_proto::value::Map;

use crate::redact::MASK;

/// The tag of a plain secret, and of a mapping that says how it is encrypted.
pub const SECRET: &str = "!secret";
/// The tag of an encrypted text; its first line says how.
pub const ENCRYPTED: &str = "!encrypted";
/// The key under which the paths of secrets travel with a minion's pillar.
pub const PATHS: &str = "_secrets";
/// The key under which secrets travel that are to be masked and are not in the pillar: it does not render now, or
/// something was laid over them.
pub const KNOWN: &str = "_known_secrets";

/// How a secret is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// For an age identity.
    Age,
    /// For a key of a GnuPG keyring.
    Gpg,
}

impl Scheme {
    /// Names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Gpg => "gpg",
        }
    }
}

/// Decrypts secrets; the master has keys, nobody else.
pub trait Decrypt {
    /// Decrypts a text.
    ///
    /// # Errors
    /// Why it cannot, with the way out; without any part of the secret.
    fn decrypt(&self, scheme: Scheme, text: &str) -> Result<String, String>;
}

/// No keys: plain secrets only.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl Decrypt for NoKeys {
    fn decrypt(&self, scheme: Scheme, _: &str) -> Result<String, String> {
        Err(format!("the secret is encrypted with {}, and only the master has the key", scheme.as_str()))
    }
}

/// Stands in for keys where nothing is decrypted: every secret becomes the mask.
#[derive(Clone, Copy, Debug, Default)]
pub struct Masked;

impl Decrypt for Masked {
    fn decrypt(&self, _: Scheme, _: &str) -> Result<String, String> {
        Ok(MASK.to_owned())
    }
}

/// Where a secret is: keys of mappings and places in lists, from the top.
pub type Path = Vec<Value>;

/// A secret that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Where it is.
    pub path: Path,
    /// Why, and the way out.
    pub reason: String,
}

/// Tells whether a mapping is the mark of a secret.
pub(super) fn is_mark(map: &Map) -> bool {
    map.len() == 1 && map.keys().next().and_then(Value::as_str).is_some_and(|k| k == SECRET || k == ENCRYPTED)
}

/// Puts the plain values in the places of the marks; returns their places.
///
/// # Errors
/// Every secret that cannot be opened.
pub fn open(value: &mut Value, keys: &dyn Decrypt) -> Result<Vec<Path>, Vec<Closed>> {
    let (mut found, mut closed) = (Vec::new(), Vec::new());
    walk(value, keys, &mut Vec::new(), &mut found, &mut closed);
    if closed.is_empty() { Ok(found) } else { Err(closed) }
}

/// Puts the mask in the places of the marks, for layers that are shown.
pub fn mask(value: &mut Value) {
    let mut ignored = (Vec::new(), Vec::new());
    let paths = {
        walk(value, &Masked, &mut Vec::new(), &mut ignored.0, &mut ignored.1);
        ignored.0
    };
    for path in paths {
        if let Some(secret) = at_mut(value, &path) {
            *secret = Value::from(MASK);
        }
    }
}

fn walk(
    value: &mut Value,
    keys: &dyn Decrypt,
    path: &mut Path,
    found: &mut Vec<Path>,
    closed: &mut Vec<Closed>,
) {
    match value {
        Value::Map(map) if is_mark(map) => match plain(map, keys) {
            Ok(secret) => {
                *value = secret;
                found.push(path.clone());
            }
            Err(reason) => closed.push(Closed { path: path.clone(), reason }),
        },
        Value::Map(map) => {
            for (key, child) in map.iter_mut() {
                path.push(key.clone());
                walk(child, keys, path, found, closed);
                path.pop();
            }
        }
        Value::List(list) | Value::Tuple(list) => {
            for (i, child) in list.iter_mut().enumerate() {
                path.push(Value::Int(i as i128));
                walk(child, keys, path, found, closed);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Opens one mark.
fn plain(mark: &Map, keys: &dyn Decrypt) -> Result<Value, String> {
    let Some((tag, body)) = mark.first() else { return Ok(Value::Null) };
    let encrypted = tag.as_str() == Some(ENCRYPTED);
    match body {
        Value::Map(how) => {
            let (scheme, text) = match how.first() {
                Some((Value::Str(word), Value::Str(text))) if how.len() == 1 => (word.as_str(), text),
                _ => {
                    return Err(
                        "a secret's mapping has one key: age or gpg, and the encrypted text".to_owned()
                    );
                }
            };
            let scheme = match scheme {
                "age" => Scheme::Age,
                "gpg" => Scheme::Gpg,
                other => {
                    return Err(format!("a secret cannot be encrypted with {other}; write age or gpg"));
                }
            };
            keys.decrypt(scheme, text).map(Value::from)
        }
        Value::Str(text) if encrypted => {
            let scheme = match text.trim_start() {
                t if t.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") => Scheme::Age,
                t if t.starts_with("-----BEGIN PGP MESSAGE-----") => Scheme::Gpg,
                _ => {
                    let text = "an encrypted value begins with -----BEGIN AGE ENCRYPTED FILE----- or -----BEGIN PGP MESSAGE-----";
                    return Err(text.to_owned());
                }
            };
            keys.decrypt(scheme, text).map(Value::from)
        }
        _ if encrypted => Err("an encrypted value is a text".to_owned()),
        secret => Ok(secret.clone()),
    }
}

fn at_mut<'v>(value: &'v mut Value, path: &[Value]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Map(map) => map.get_mut(key),
        Value::List(list) | Value::Tuple(list) => list.get_mut(usize::try_from(key.as_int()?).ok()?),
        _ => None,
    })
}

/// Returns the value at a path.
pub fn at<'v>(value: &'v Value, path: &[Value]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Map(map) => map.get(key),
        Value::List(list) | Value::Tuple(list) => list.get(usize::try_from(key.as_int()?).ok()?),
        _ => None,
    })
}

/// Puts the places of the secrets beside a minion's pillar.
pub fn attach(pillar: &mut Map, paths: &[Path]) {
    if !paths.is_empty() {
        let list = paths.iter().map(|p| Value::List(p.clone())).collect();
        pillar.insert(Value::from(PATHS), Value::List(list));
    }
}

/// Puts secrets beside a minion's pillar that are not in it.
pub fn attach_known(pillar: &mut Map, values: Vec<Value>) {
    if !values.is_empty() {
        pillar.insert(Value::from(KNOWN), Value::List(values));
    }
}

/// Takes all that was attached off again and returns the secret values.
pub fn take(pillar: &mut Map) -> Vec<Value> {
    let mut values = match pillar.shift_remove(KNOWN) {
        Some(Value::List(known)) => known,
        _ => Vec::new(),
    };
    let Some(Value::List(paths)) = pillar.shift_remove(PATHS) else { return values };
    let whole = Value::Map(std::mem::take(pillar));
    values.extend(paths.iter().filter_map(Value::as_list).filter_map(|p| at(&whole, p).cloned()));
    if let Value::Map(map) = whole {
        *pillar = map;
    }
    values
}

/// Hides what a line of a pillar file says behind a tag of a secret; for lines that errors show.
pub(crate) fn hide(line: &str) -> String {
    match line.find(SECRET) {
        Some(i) if line[i + SECRET.len()..].trim().is_empty() => line.to_owned(),
        Some(i) => format!("{} {MASK}", &line[..i + SECRET.len()]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::yaml;

    /// A double of a key: it turns the text around.
    struct Reversing;

    impl Decrypt for Reversing {
        fn decrypt(&self, _: Scheme, text: &str) -> Result<String, String> {
            Ok(text.chars().rev().collect())
        }
    }

    fn value(text: &str) -> Value {
        yaml::parse(text).expect("YAML").to_value()
    }

    #[test]
    fn marks_become_their_values_and_travel_as_paths() {
        let mut data = value("a: {b: !secret hunter2}\nl: [x, !secret {age: terces}]\nn: !secret 42\n");
        let paths = open(&mut data, &Reversing).expect("opens");
        assert_eq!(data, value("a: {b: hunter2}\nl: [x, secret]\nn: '42'\n"));
        let Value::Map(mut pillar) = data else { panic!("a mapping") };
        attach(&mut pillar, &paths);
        assert_eq!(take(&mut pillar), ["hunter2", "secret", "42"].map(Value::from));
        assert!(!pillar.contains_key(PATHS));
        attach_known(&mut pillar, vec![Value::from("last")]);
        assert_eq!(take(&mut pillar), [Value::from("last")]);
        assert!(!pillar.contains_key(KNOWN));
    }

    #[test]
    fn what_cannot_be_opened_says_where_and_why() {
        let mut data = value("a: {b: !secret {age: x}}\nc: !secret {des: x}\nd: !encrypted x\n");
        let closed = open(&mut data, &NoKeys).expect_err("closed");
        let paths: Vec<String> = closed.iter().map(|c| format!("{:?}", c.path.last())).collect();
        assert_eq!(paths.len(), 3, "{closed:?}");
        assert!(closed[0].reason.contains("only the master has the key"), "{closed:?}");
        assert!(
            closed[1].reason.contains("write age or gpg") && closed[2].reason.contains("begins with"),
            "{closed:?}"
        );
    }

    #[test]
    fn shown_layers_and_lines_are_masked() {
        let mut data = value("a: {b: !secret hunter2, c: 1}");
        mask(&mut data);
        assert_eq!(data, value("a: {b: '**redacted**', c: 1}"));
        assert_eq!(hide("  pw: !secret hunter2"), "  pw: !secret **redacted**");
        assert_eq!(hide("  pw: !secret"), "  pw: !secret");
        assert_eq!(hide("  pw: x"), "  pw: x");
    }
}
