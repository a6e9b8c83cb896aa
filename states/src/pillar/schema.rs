//! The lab's own schema of its pillar: `schema.yaml` at the root of the pillar tree names keys with type, default, help
//! and validators. Defaults lie below all layers; a value that breaks a rule refuses the pillar, at the line that gave it.
//!
//! ```yaml
//! keys:
//!   nets:mgmt:vlan:
//!     type: integer
//!     range: [1, 4094]
//!     default: 10
//!     help: The VLAN of the management network.
//!   nodes:*:role: {type: text, enum: [control_plane, worker], required: true}
//! ```
//!
//! A `*` stands for every key of a mapping and for every element of a list.

use lab_proto::Value;
use lab_proto::value::Map;
use regex::Regex;

use super::secret;
use crate::compile::high::article;
use crate::nearest::nearest;
use crate::render::yaml::Node;
use crate::render::{Place, RenderError, RenderErrorKind, yaml_document};

/// The file's name below the pillar's roots.
pub const FILE: &str = "schema.yaml";

/// A schema that was read.
#[derive(Clone, Debug)]
pub struct PillarSchema {
    rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Integer,
    Number,
    Boolean,
    List,
    Mapping,
    Any,
}

impl Type {
    const ALL: [(&'static str, Self); 7] = [
        ("text", Self::Text),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("list", Self::List),
        ("mapping", Self::Mapping),
        ("any", Self::Any),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, t)| *t == self).map_or("any", |(w, _)| w)
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => matches!(value, Value::Str(_)),
            Self::Integer => matches!(value, Value::Int(_)),
            Self::Number => matches!(value, Value::Int(_) | Value::Float(_)),
            Self::Boolean => matches!(value, Value::Bool(_)),
            Self::List => matches!(value, Value::List(_)),
            Self::Mapping => matches!(value, Value::Map(_)),
            Self::Any => true,
        }
    }
}

#[derive(Clone, Debug)]
struct Rule {
    path: Vec<String>,
    kind: Type,
    required: bool,
    default: Option<Value>,
    help: String,
    options: Vec<Value>,
    range: Option<(f64, f64)>,
    pattern: Option<Regex>,
    /// Where the rule is written.
    place: Place,
}

const WORDS: [&str; 7] = ["default", "enum", "help", "pattern", "range", "required", "type"];

/// A value that breaks a rule.
struct Broken<'r> {
    rule: &'r Rule,
    path: Vec<String>,
    message: String,
    /// Whether the value is the mask of a secret.
    masked: bool,
}

impl PillarSchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// When it is no YAML or no schema; with the place.
    pub fn parse(name: &str, text: &str) -> Result<Self, RenderError> {
        let doc = yaml_document(name, text)?;
        let wrong = |node: &Node, message: String, remedy: &str| {
            let place = Place { file: name.to_owned(), line: node.span.line, column: node.span.column };
            RenderError::new(RenderErrorKind::Pillar, place, message).suggest(remedy).with_line_of(text)
        };
        let remedy = "write `keys:` and below it a key of the pillar (a:b:c) with type, default, help, enum, range, pattern, required";
        let Some(keys) = doc.get("keys").and_then(Node::as_map) else {
            return Err(wrong(&doc, "a pillar schema is a mapping with `keys`".to_owned(), remedy));
        };
        let mut rules = Vec::new();
        for (key, body) in keys {
            let place = Place { file: name.to_owned(), line: key.span.line, column: key.span.column };
            let path = key.to_value().to_string();
            let Some(words) = body.as_map() else {
                return Err(wrong(body, format!("the rule of {path} is {}", article(body.kind())), remedy));
            };
            for (word, _) in words {
                let known = word.as_str().unwrap_or_default();
                if !WORDS.contains(&known) {
                    let near = nearest(known, WORDS)
                        .map_or_else(|| remedy.to_owned(), |n| format!("did you mean {n}?"));
                    return Err(wrong(word, format!("a rule has no word {}", word.to_value()), &near));
                }
            }
            rules.push(Self::rule(path.split(':').map(str::to_owned).collect(), body, place, &wrong)?);
        }
        Ok(Self { rules })
    }

    fn rule(
        path: Vec<String>,
        body: &Node,
        place: Place,
        wrong: &dyn Fn(&Node, String, &str) -> RenderError,
    ) -> Result<Rule, RenderError> {
        let words: Vec<&str> = Type::ALL.iter().map(|(w, _)| *w).collect();
        let kind = match body.get("type") {
            None => Type::Any,
            Some(node) => {
                let word = node.as_str().unwrap_or_default();
                let found = Type::ALL.iter().find(|(w, _)| *w == word).map(|(_, t)| *t);
                found.ok_or_else(|| {
                    let remedy = format!("types are {}", words.join(", "));
                    wrong(node, format!("there is no type {}", node.to_value()), &remedy)
                })?
            }
        };
        let number = |v: &Value| match v {
            #[expect(clippy::cast_precision_loss, reason = "limits are small numbers")]
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        };
        let range = match body.get("range") {
            None => None,
            Some(node) => match node
                .to_value()
                .as_list()
                .map(|l| l.iter().map(number).collect::<Vec<_>>())
                .as_deref()
            {
                Some([Some(low), Some(high)]) => Some((*low, *high)),
                _ => {
                    return Err(wrong(node, "a range is two numbers".to_owned(), "write `range: [1, 4094]`"));
                }
            },
        };
        let pattern = match body.get("pattern") {
            None => None,
            Some(node) => {
                let text = format!("^(?:{})$", node.as_str().unwrap_or_default());
                let bad = |_| {
                    wrong(
                        node,
                        "the pattern is no regular expression".to_owned(),
                        "quote it, and close every bracket",
                    )
                };
                Some(Regex::new(&text).map_err(bad)?)
            }
        };
        let options = body.get("enum").map(Node::to_value).and_then(|v| v.as_list().map(<[Value]>::to_vec));
        let rule = Rule {
            path,
            kind,
            required: body.get("required").is_some_and(|n| n.to_value().truthy()),
            default: body.get("default").map(Node::to_value),
            help: body.get("help").and_then(Node::as_str).unwrap_or_default().to_owned(),
            options: options.unwrap_or_default(),
            range,
            pattern,
            place,
        };
        if let (Some(default), Some(node)) = (&rule.default, body.get("default"))
            && let Some(message) = rule.breaks(default)
        {
            return Err(wrong(node, format!("the default {message}"), "a default keeps its own rule"));
        }
        Ok(rule)
    }

    /// Returns the defaults as a mapping; keys with a `*` have none of their own.
    pub fn defaults(&self) -> Map {
        let mut all = Map::new();
        for rule in self.rules.iter().filter(|r| !r.path.iter().any(|p| p == "*")) {
            let Some(default) = &rule.default else { continue };
            let nested =
                rule.path.iter().rev().fold(default.clone(), |v, key| Value::from([(key.as_str(), v)]));
            if let Value::Map(map) = nested {
                super::merge(&mut all, map);
            }
        }
        all
    }

    /// Lists what breaks a rule in a whole pillar; `place` finds the file that gave a key, `hidden` tells what must not be
    /// shown.
    pub(super) fn check(
        &self,
        data: &Value,
        place: &dyn Fn(&[String]) -> Option<Place>,
        hidden: &dyn Fn(&[String]) -> bool,
    ) -> Vec<RenderError> {
        self.judge(data, true, place, hidden)
    }

    fn judge(
        &self,
        data: &Value,
        whole: bool,
        place: &dyn Fn(&[String]) -> Option<Place>,
        hidden: &dyn Fn(&[String]) -> bool,
    ) -> Vec<RenderError> {
        let broken = self.rules.iter().flat_map(|rule| rule.check(data, whole));
        // Where nothing was decrypted there is nothing to judge.
        let broken = broken.filter(|b| !(hidden(&b.path) && b.masked));
        let told = |Broken { rule, path, message, .. }: Broken<'_>| {
            let at = place(&path).unwrap_or_else(|| rule.place.clone());
            let what = if hidden(&path) { "breaks its rule (it is a secret)".to_owned() } else { message };
            let error = RenderError::new(RenderErrorKind::Pillar, at, format!("{} {what}", path.join(":")));
            error.suggest(rule.remedy())
        };
        broken.map(told).collect()
    }

    /// Lists what breaks a rule in one file; what it does not have may come from another.
    pub fn check_file(&self, name: &str, text: &str, node: &Node) -> Vec<RenderError> {
        let mut data = node.to_value();
        let place = |path: &[String]| {
            let span = span_of(node, path).unwrap_or(node.span);
            Some(Place { file: name.to_owned(), line: span.line, column: span.column })
        };
        // What is encrypted is the mask here, and is not judged.
        let errors = match secret::open(&mut data, &secret::Masked) {
            Ok(secrets) => {
                let hidden = |path: &[String]| super::secret_at(&secrets, path);
                self.judge(&data, false, &place, &hidden)
            }
            Err(closed) => {
                let told = |c: secret::Closed| {
                    let path = super::words(&c.path);
                    let at = place(&path).unwrap_or_default();
                    RenderError::new(RenderErrorKind::Pillar, at, format!("{}: {}", path.join(":"), c.reason))
                };
                closed.into_iter().map(told).collect()
            }
        };
        errors.into_iter().map(|e| super::hidden_in(e.with_line_of(text), text)).collect()
    }

    /// Returns the schema as JSON Schema, draft 2020-12.
    pub fn json(&self) -> serde_json::Value {
        let mut root = serde_json::json!({"type": "object"});
        for rule in &self.rules {
            let mut at = &mut root;
            for part in &rule.path {
                let holder = if part == "*" { "additionalProperties" } else { "properties" };
                let slot = &mut at[holder];
                at = if part == "*" { slot } else { &mut slot[part.as_str()] };
            }
            let own = rule.json();
            match (at.as_object_mut(), own) {
                (Some(present), serde_json::Value::Object(own)) => present.extend(own),
                (_, own) => *at = own,
            }
        }
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        root["title"] = "Pillar of this lab".into();
        root
    }
}

/// Finds where a key is written.
pub(super) fn span_of(node: &Node, path: &[String]) -> Option<crate::render::yaml::Span> {
    let mut at = node;
    let mut span = None;
    for part in path {
        if let Some(list) = at.as_list() {
            at = list.get(part.parse::<usize>().ok()?)?;
            span = Some(at.span);
            continue;
        }
        let (_, value) = at.as_map()?.iter().find(|(k, _)| k.to_value().to_string() == *part)?;
        span = Some(value.span);
        at = value;
    }
    span
}

impl Rule {
    fn check(&self, data: &Value, whole: bool) -> Vec<Broken<'_>> {
        let mut out = Vec::new();
        self.walk(data, 0, &mut Vec::new(), whole, &mut out);
        out
    }

    fn walk<'r>(
        &'r self,
        value: &Value,
        depth: usize,
        path: &mut Vec<String>,
        whole: bool,
        out: &mut Vec<Broken<'r>>,
    ) {
        let Some(part) = self.path.get(depth) else {
            if let Some(message) = self.breaks(value) {
                let masked = value.as_str() == Some(crate::redact::MASK);
                out.push(Broken { rule: self, path: path.clone(), message, masked });
            }
            return;
        };
        let children: Vec<(String, &Value)> = match (part.as_str(), value) {
            ("*", Value::Map(map)) => map.iter().map(|(k, v)| (k.to_string(), v)).collect(),
            ("*", Value::List(list)) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
            ("*", _) => Vec::new(),
            (key, value) => match value.get(key) {
                Some(child) => vec![(key.to_owned(), child)],
                None if self.required && whole => {
                    let mut missing = path.clone();
                    missing.extend(self.path[depth..].iter().cloned());
                    out.push(Broken {
                        rule: self,
                        path: missing,
                        message: "is required and missing".to_owned(),
                        masked: false,
                    });
                    return;
                }
                None => Vec::new(),
            },
        };
        for (key, child) in children {
            path.push(key);
            self.walk(child, depth + 1, path, whole, out);
            path.pop();
        }
    }

    /// Says how a value breaks the rule.
    fn breaks(&self, value: &Value) -> Option<String> {
        if !self.kind.fits(value) {
            return Some(format!(
                "is {} ({value}), not {}",
                article(value.kind()),
                article(self.kind.word())
            ));
        }
        if !self.options.is_empty() && !self.options.contains(value) {
            let options: Vec<String> = self.options.iter().map(ToString::to_string).collect();
            let near = nearest(&value.to_string(), options.iter().map(String::as_str));
            let near = near.map(|n| format!(" (did you mean {n}?)")).unwrap_or_default();
            return Some(format!("is {value}, not one of {}{near}", options.join(", ")));
        }
        if let Some((low, high)) = self.range {
            let number = match value {
                #[expect(clippy::cast_precision_loss, reason = "limits are small numbers")]
                Value::Int(i) => *i as f64,
                Value::Float(f) => *f,
                _ => return None,
            };
            if number < low || number > high {
                return Some(format!("is {value}, not within {low} to {high}"));
            }
        }
        if let (Some(pattern), Value::Str(text)) = (&self.pattern, value)
            && !pattern.is_match(text)
        {
            let shown = pattern.as_str().trim_start_matches("^(?:").trim_end_matches(")$");
            return Some(format!("is {text:?}, which does not match {shown}"));
        }
        None
    }

    fn remedy(&self) -> String {
        if self.help.is_empty() { format!("its rule is at {}", self.place) } else { self.help.clone() }
    }

    fn json(&self) -> serde_json::Value {
        let mut out = serde_json::Map::new();
        let word = match self.kind {
            Type::Text => Some("string"),
            Type::Integer => Some("integer"),
            Type::Number => Some("number"),
            Type::Boolean => Some("boolean"),
            Type::List => Some("array"),
            Type::Mapping => Some("object"),
            Type::Any => None,
        };
        let mut put = |key: &str, value: serde_json::Value| out.insert(key.to_owned(), value);
        if let Some(word) = word {
            put("type", word.into());
        }
        if !self.help.is_empty() {
            put("description", self.help.as_str().into());
        }
        if let Some(default) = self.default.as_ref().and_then(|d| serde_json::to_value(d).ok()) {
            put("default", default);
        }
        if !self.options.is_empty() {
            put("enum", self.options.iter().filter_map(|o| serde_json::to_value(o).ok()).collect());
        }
        if let Some((low, high)) = self.range {
            put("minimum", low.into());
            put("maximum", high.into());
        }
        if let Some(pattern) = &self.pattern {
            put("pattern", pattern.as_str().into());
        }
        serde_json::Value::Object(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "\
keys:
  nets:mgmt:vlan: {type: integer, range: [1, 4094], default: 10, help: The VLAN of the management network.}
  nodes:*:role: {type: text, enum: [control_plane, worker], required: true}
  domain: {type: text, pattern: '[a-z.]+'}
";

    fn broken(text: &str) -> Vec<String> {
        let schema = PillarSchema::parse(FILE, SCHEMA).expect("a schema");
        let node = yaml_document("a.sls", text).expect("YAML");
        schema.check_file("a.sls", text, &node).iter().map(|e| format!("{} {}", e.place, e.message)).collect()
    }

    #[test]
    fn values_that_break_a_rule_are_told_with_their_place() {
        assert_eq!(
            broken("nets:\n  mgmt:\n    vlan: 5000\nnodes:\n  a: {role: woker}\ndomain: Lab\n"),
            [
                "a.sls:3:11 nets:mgmt:vlan is 5000, not within 1 to 4094",
                "a.sls:5:13 nodes:a:role is woker, not one of control_plane, worker (did you mean worker?)",
                "a.sls:6:9 domain is \"Lab\", which does not match [a-z.]+",
            ]
        );
        assert_eq!(
            broken("nets: {mgmt: {vlan: ten}}"),
            ["a.sls:1:21 nets:mgmt:vlan is a string (ten), not an integer"]
        );
        assert_eq!(broken("nodes: {a: {}}"), Vec::<String>::new(), "another file may give it");
    }

    #[test]
    fn a_secret_keeps_to_its_rule_and_is_not_told() {
        let told = |keys: &str, text: &str| {
            let schema = PillarSchema::parse(FILE, keys).expect("a schema");
            let node = yaml_document("a.sls", text).expect("YAML");
            let errors = schema.check_file("a.sls", text, &node);
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let text = "keys: {pw: {type: text, pattern: '[a-z]+'}}";
        assert_eq!(told(text, "pw: !secret hunter\n"), "");
        assert_eq!(told(text, "pw: !secret {age: XYZ}\n"), "", "only the master can judge it");
        for (keys, pillar) in [
            (text, "pw: !secret Hunter2\n"),
            ("keys: {pw: {type: integer}}", "pw: !secret Hunter2\n"),
            ("keys: {pw: {type: integer}}", "pw: {inner: !secret Hunter2}\n"),
            ("keys: {pw: {type: integer}}", "pw: !secret |\n  Hunter2\n"),
            ("keys: {'pw:a': {type: integer}}", "pw: !secret {gpg: x, b: Hunter2}\n"),
        ] {
            let said = told(keys, pillar);
            assert!(said.contains("pw") && !said.contains("Hunter2"), "{said}");
        }
    }

    #[test]
    fn defaults_nest_and_what_is_required_is_missed() {
        let schema = PillarSchema::parse(FILE, SCHEMA).expect("a schema");
        let vlan = |m: Map| {
            Value::Map(m).get("nets").and_then(|n| n.get("mgmt")).and_then(|m| m.get("vlan")).cloned()
        };
        assert_eq!(vlan(schema.defaults()), Some(Value::from(10)));
        let data = yaml_document("p", "nodes: {a: {}}").expect("YAML").to_value();
        let errors = schema.check(&data, &|_| None, &|_| false);
        assert_eq!(errors[0].message, "nodes:a:role is required and missing");
    }

    #[test]
    fn a_schema_that_is_wrong_says_where() {
        for (text, line) in [
            ("keys: [a]", 1),
            ("keys:\n  a: {tpye: text}", 2),
            ("keys:\n  a:\n    type: txt", 3),
            ("keys:\n  a: {type: integer, default: x}", 2),
            ("keys:\n  a: {pattern: '('}", 2),
        ] {
            assert_eq!(PillarSchema::parse(FILE, text).expect_err(text).place.line, line, "{text}");
        }
    }

    #[test]
    fn the_json_schema_nests_as_the_keys_do() {
        let json = PillarSchema::parse(FILE, SCHEMA).expect("a schema").json();
        assert_eq!(json["properties"]["nets"]["properties"]["mgmt"]["properties"]["vlan"]["maximum"], 4094.0);
        assert_eq!(
            json["properties"]["nodes"]["additionalProperties"]["properties"]["role"]["enum"][1],
            "worker"
        );
    }
}
