//! Which minions an expression means: pure functions over one minion's id, grains and pillar.
//!
//! Top files, pillar top files, jobs and nodegroups all ask here. Never looks at the network or at other minions.

use std::collections::BTreeMap;

use lab_proto::Value;

use crate::python_regex::{Anchor, Failure, Flags, Meter, Pattern, TEMPLATES};

/// What is known of the minion that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Minion<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its grains.
    pub grains: &'a Value,
    /// Its pillar; null while the pillar itself is being made.
    pub pillar: &'a Value,
    /// The named groups, each a compound expression.
    pub nodegroups: &'a BTreeMap<String, String>,
}

/// How an expression is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Shell wildcards over the id.
    Glob,
    /// Ids with commas between.
    List,
    /// A regular expression that the id must start with.
    Pcre,
    /// `key:glob` over grains.
    Grain,
    /// `key:regex` over grains.
    GrainPcre,
    /// `key:glob` over pillar.
    Pillar,
    /// `key:regex` over pillar.
    PillarPcre,
    /// `key:value`, exactly, over pillar.
    PillarExact,
    /// A network or an address of the minion.
    IpCidr,
    /// Expressions with `and`, `or`, `not` and parentheses.
    Compound,
    /// The name of a nodegroup.
    Nodegroup,
}

/// Why an expression is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A word after `match:` that is no kind of expression.
    #[error("there is no matcher '{name}'{hint}")]
    UnknownMatcher {
        /// The word.
        name: String,
        /// The nearest known one.
        hint: String,
    },
    /// A pattern that does not compile.
    #[error("the pattern '{pattern}' does not compile: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A pattern that costs too much on what it is held against.
    #[error("the pattern '{pattern}' costs too much: {reason}")]
    Cost {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A compound expression that cannot be read.
    #[error("cannot read the compound expression '{expression}': {reason}")]
    Compound {
        /// The expression.
        expression: String,
        /// Why.
        reason: String,
    },
    /// A nodegroup that nobody defined, or that contains itself.
    #[error("nodegroup '{0}' is not defined, or contains itself")]
    Nodegroup(String),
}

const MATCHERS: [(&str, Matcher); 14] = [
    ("glob", Matcher::Glob),
    ("list", Matcher::List),
    ("pcre", Matcher::Pcre),
    ("grain", Matcher::Grain),
    ("grains", Matcher::Grain),
    ("grain_pcre", Matcher::GrainPcre),
    ("grains_pcre", Matcher::GrainPcre),
    ("pillar", Matcher::Pillar),
    ("pillar_pcre", Matcher::PillarPcre),
    ("pillar_exact", Matcher::PillarExact),
    ("ipcidr", Matcher::IpCidr),
    ("compound", Matcher::Compound),
    ("confirm_top", Matcher::Compound),
    ("nodegroup", Matcher::Nodegroup),
];

impl Matcher {
    /// Parses the word after `match:` in a top file.
    ///
    /// # Errors
    /// When there is no such matcher.
    pub fn parse(name: &str) -> Result<Self, TargetError> {
        MATCHERS.iter().find(|(n, _)| *n == name).map(|(_, m)| *m).ok_or_else(|| {
            let near = crate::nearest::nearest(name, MATCHERS.iter().map(|(n, _)| *n));
            let hint = near.map_or_else(String::new, |n| format!(", did you mean '{n}'?"));
            TargetError::UnknownMatcher { name: name.to_owned(), hint }
        })
    }
}

/// Tells whether an expression means the minion.
///
/// # Errors
/// When the expression cannot be read.
pub fn matches(kind: Matcher, expression: &str, minion: &Minion<'_>) -> Result<bool, TargetError> {
    matches_at(kind, expression, minion, &mut Vec::new())
}

fn matches_at(
    kind: Matcher,
    expression: &str,
    minion: &Minion<'_>,
    groups: &mut Vec<String>,
) -> Result<bool, TargetError> {
    match kind {
        Matcher::Glob => Ok(lab_proto::glob::matches(expression, minion.id)),
        Matcher::List => Ok(expression.split(',').any(|id| id == minion.id)),
        Matcher::Pcre => Prefix::new(expression, Flags::default())?.begins(minion.id),
        Matcher::Grain => subdict(minion.grains, expression, ":", Style::Glob),
        Matcher::GrainPcre => subdict(minion.grains, expression, ":", Style::Regex),
        Matcher::Pillar => subdict(minion.pillar, expression, ":", Style::Glob),
        Matcher::PillarPcre => subdict(minion.pillar, expression, ":", Style::Regex),
        Matcher::PillarExact => subdict(minion.pillar, expression, ":", Style::Exact),
        Matcher::IpCidr => Ok(ip_cidr(minion.grains, expression)),
        Matcher::Compound => compound(expression, minion, groups),
        Matcher::Nodegroup => nodegroup(expression, minion, groups),
    }
}

fn nodegroup(name: &str, minion: &Minion<'_>, groups: &mut Vec<String>) -> Result<bool, TargetError> {
    let expression = minion.nodegroups.get(name).filter(|_| !groups.iter().any(|g| g == name));
    let Some(expression) = expression else { return Err(TargetError::Nodegroup(name.to_owned())) };
    groups.push(name.to_owned());
    let result = compound(expression, minion, groups);
    groups.pop();
    result
}

/// Finds the first part of an expression that looks beyond a minion's id, which is all that its certificate proves:
/// grains and addresses are what it reports of itself.
///
/// # Errors
/// When the expression cannot be read.
pub fn beyond_ids(
    kind: Matcher,
    expression: &str,
    nodegroups: &BTreeMap<String, String>,
) -> Result<Option<String>, TargetError> {
    let nothing = Value::Null;
    let anybody = Minion { id: "", grains: &nothing, pillar: &nothing, nodegroups };
    // Reads all of it, whoever it means.
    matches(kind, expression, &anybody)?;
    Ok(match kind {
        Matcher::Glob | Matcher::List | Matcher::Pcre => None,
        Matcher::Compound => beyond_ids_in(expression, nodegroups),
        Matcher::Nodegroup => nodegroups.get(expression).and_then(|e| beyond_ids_in(e, nodegroups)),
        Matcher::Grain
        | Matcher::GrainPcre
        | Matcher::Pillar
        | Matcher::PillarPcre
        | Matcher::PillarExact
        | Matcher::IpCidr => Some(expression.to_owned()),
    })
}

/// As [`beyond_ids`], for a compound expression that was read before: its nodegroups do not contain themselves.
fn beyond_ids_in(expression: &str, nodegroups: &BTreeMap<String, String>) -> Option<String> {
    expression.split_whitespace().flat_map(parentheses).find_map(|word| {
        let (engine, pattern) = engine_of(word)?;
        match &engine[..1] {
            "L" | "E" => None,
            "N" => beyond_ids_in(nodegroups.get(pattern)?, nodegroups),
            _ => Some(word.to_owned()),
        }
    })
}

/// Returns the ids that lists in a compound expression name, also in its nodegroups.
pub fn named<'e>(expression: &'e str, nodegroups: &'e BTreeMap<String, String>) -> Vec<&'e str> {
    let mut named = Vec::new();
    name_in(expression, nodegroups, &mut Vec::new(), &mut named);
    named
}

fn name_in<'e>(
    expression: &'e str,
    nodegroups: &'e BTreeMap<String, String>,
    groups: &mut Vec<&'e str>,
    named: &mut Vec<&'e str>,
) {
    for word in expression.split_whitespace().flat_map(parentheses) {
        match engine_of(word) {
            Some(("L", list)) => named.extend(list.split(',').filter(|id| !id.is_empty())),
            Some(("N", group)) if !groups.contains(&group) => {
                groups.push(group);
                name_in(nodegroups.get(group).map_or("", String::as_str), nodegroups, groups, named);
            }
            _ => {}
        }
    }
}

/// Cuts `G@pattern`, `G|@pattern`.
fn engine_of(word: &str) -> Option<(&str, &str)> {
    word.split_once('@').filter(|(e, _)| e.chars().next().is_some_and(|c| c.is_ascii_uppercase()))
}

/// A pattern that is anchored at the start only, as Python's `re.match` is.
struct Prefix {
    source: String,
    compiled: Pattern,
}

impl Prefix {
    fn new(source: &str, flags: Flags) -> Result<Self, TargetError> {
        let compiled = Pattern::new(source, flags, Anchor::Start).map_err(|e| unusable(source, &e))?;
        Ok(Self { source: source.to_owned(), compiled })
    }

    fn begins(&self, text: &str) -> Result<bool, TargetError> {
        let mut meter = Meter::new(TEMPLATES, u64::MAX);
        let found = self.compiled.find(text, &mut meter).map_err(|e| unusable(&self.source, &e))?;
        Ok(found.is_some())
    }
}

fn unusable(pattern: &str, failure: &Failure) -> TargetError {
    let (pattern, reason, remedy) = (pattern.to_owned(), failure.to_string(), failure.remedy());
    if failure.is_bound() {
        TargetError::Cost { pattern, reason, remedy }
    } else {
        TargetError::Pattern { pattern, reason, remedy }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Glob,
    Regex,
    Exact,
}

/// Matches `a:b:value` against nested data. Keys may hold the delimiter, so every split is tried, the longest key
/// path first.
fn subdict(data: &Value, expression: &str, delimiter: &str, style: Style) -> Result<bool, TargetError> {
    let parts: Vec<&str> = expression.split(delimiter).collect();
    for split in (1..parts.len()).rev() {
        let pattern = parts[split..].join(delimiter);
        let test = Test::new(&pattern, style)?;
        for value in lookups(data, &parts[..split]) {
            if test.holds(value)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Returns what a path of keys leads to; a list on the way is searched for mappings that have the key.
fn lookups<'a>(data: &'a Value, keys: &[&str]) -> Vec<&'a Value> {
    let Some((key, rest)) = keys.split_first() else { return vec![data] };
    let mut found = Vec::new();
    match data {
        Value::Map(map) => {
            let value = map.iter().find(|(k, _)| text_of(k).as_deref() == Some(*key)).map(|(_, v)| v);
            if let Some(value) = value {
                found.extend(lookups(value, rest));
            } else if *key == "*" {
                found.extend(map.values().flat_map(|v| lookups(v, rest)));
            }
        }
        Value::List(items) | Value::Tuple(items) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|i| items.get(i)) {
                found.extend(lookups(item, rest));
            }
            found.extend(items.iter().filter(|i| matches!(i, Value::Map(_))).flat_map(|i| lookups(i, keys)));
        }
        _ => {}
    }
    found
}

/// What a value is held against.
enum Test {
    Glob(String),
    Regex(Box<Prefix>),
    Exact(String),
}

impl Test {
    fn new(pattern: &str, style: Style) -> Result<Self, TargetError> {
        Ok(match style {
            Style::Glob => Self::Glob(pattern.to_lowercase()),
            Style::Regex => {
                let flags = Flags { ignore_case: true, ..Flags::default() };
                Self::Regex(Box::new(Prefix::new(pattern, flags)?))
            }
            Style::Exact => Self::Exact(pattern.to_lowercase()),
        })
    }

    fn holds(&self, value: &Value) -> Result<bool, TargetError> {
        Ok(match value {
            Value::List(items) | Value::Tuple(items) => {
                for item in items {
                    if self.holds(item)? {
                        return Ok(true);
                    }
                }
                false
            }
            Value::Map(map) => {
                // A mapping matches by a key spelt out, and by `*`.
                let any = matches!(self, Self::Glob(p) if p == "*");
                any || matches!(self, Self::Glob(p) | Self::Exact(p) if map.contains_key(p.as_str()))
            }
            scalar => match (text_of(scalar), self) {
                (None, _) => false,
                (Some(text), Self::Glob(pattern)) => lab_proto::glob::matches(pattern, &text.to_lowercase()),
                (Some(text), Self::Regex(regex)) => regex.begins(&text)?,
                (Some(text), Self::Exact(wanted)) => *wanted == text.to_lowercase(),
            },
        })
    }
}

/// Writes a scalar as Python's `str` does.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Str(s) => Some(s.to_string()),
        Value::Null => Some("None".to_owned()),
        Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
        Value::Int(i) => Some(i.to_string()),
        Value::Float(f) => Some(crate::render::python_float(*f)),
        Value::Bytes(_) | Value::List(_) | Value::Tuple(_) | Value::Map(_) => None,
    }
}

/// Tells whether an address of the minion is the given one, or lies in the given network.
fn ip_cidr(grains: &Value, expression: &str) -> bool {
    use std::net::IpAddr;
    let (address, prefix) = match expression.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse::<u32>().ok()),
        None => (expression, Some(128)),
    };
    let (Ok(network), Some(prefix)) = (address.parse::<IpAddr>(), prefix) else { return false };
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    };
    let (network_bits, width) = bits(network);
    let shift = 128 - prefix.min(width);
    let cut = |n: u128| n.checked_shr(shift).unwrap_or(0);
    ["ipv4", "ipv6"].iter().filter_map(|key| grains.get(key)?.as_list()).flatten().any(|value| {
        let parsed = value.as_str().and_then(|s| s.parse::<IpAddr>().ok());
        parsed.is_some_and(|ip| ip.is_ipv4() == network.is_ipv4() && cut(bits(ip).0) == cut(network_bits))
    })
}

fn compound(expression: &str, minion: &Minion<'_>, groups: &mut Vec<String>) -> Result<bool, TargetError> {
    let fail =
        |reason: &str| TargetError::Compound { expression: expression.to_owned(), reason: reason.to_owned() };
    let words = expression.split_whitespace().flat_map(parentheses).collect::<Vec<_>>();
    if words.is_empty() {
        return Err(fail("it is empty"));
    }
    if words.len() > 1000 {
        return Err(fail("it has more than 1000 words"));
    }
    let mut parser = Compound { words: &words, at: 0, minion, groups, fail: &fail };
    let result = parser.or(0)?;
    if parser.at < words.len() {
        return Err(fail(&format!("unexpected '{}'", words[parser.at])));
    }
    Ok(result)
}

/// Cuts parentheses that stick to a word, but leaves those of a pattern alone.
fn parentheses(word: &str) -> Vec<&str> {
    let mut head = Vec::new();
    let mut rest = word;
    while rest.starts_with('(') {
        head.push(&rest[..1]);
        rest = &rest[1..];
    }
    let mut tail = Vec::new();
    while rest.ends_with(')') && rest.matches(')').count() > rest.matches('(').count() {
        tail.push(&rest[rest.len() - 1..]);
        rest = &rest[..rest.len() - 1];
    }
    if !rest.is_empty() {
        head.push(rest);
    }
    head.extend(tail);
    head
}

struct Compound<'c, 'm> {
    words: &'c [&'c str],
    at: usize,
    minion: &'c Minion<'m>,
    groups: &'c mut Vec<String>,
    fail: &'c dyn Fn(&str) -> TargetError,
}

impl Compound<'_, '_> {
    fn skip(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at) == Some(&word);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self, depth: usize) -> Result<bool, TargetError> {
        let mut result = self.and(depth)?;
        while self.skip("or") {
            let right = self.and(depth)?;
            result |= right;
        }
        Ok(result)
    }

    fn and(&mut self, depth: usize) -> Result<bool, TargetError> {
        let mut result = self.not(depth)?;
        // Salt takes two expressions without a word between as `and`; `a not b` is `a and not b`.
        while self.skip("and") || self.words.get(self.at) == Some(&"not") {
            let right = self.not(depth)?;
            result &= right;
        }
        Ok(result)
    }

    fn not(&mut self, depth: usize) -> Result<bool, TargetError> {
        let mut negate = false;
        while self.skip("not") {
            negate = !negate;
        }
        Ok(self.term(depth)? != negate)
    }

    fn term(&mut self, depth: usize) -> Result<bool, TargetError> {
        if depth > 50 {
            return Err((self.fail)("it is nested deeper than 50 levels"));
        }
        if self.skip("(") {
            let result = self.or(depth + 1)?;
            return if self.skip(")") { Ok(result) } else { Err((self.fail)("a ')' is missing")) };
        }
        let Some(word) = self.words.get(self.at).copied() else {
            return Err((self.fail)("an expression is missing at the end"));
        };
        if matches!(word, "and" | "or" | ")") {
            return Err((self.fail)(&format!("unexpected '{word}'")));
        }
        self.at += 1;
        self.single(word)
    }

    fn single(&mut self, word: &str) -> Result<bool, TargetError> {
        let Some((engine, pattern)) = engine_of(word) else {
            return Ok(lab_proto::glob::matches(word, self.minion.id));
        };
        // `G|@` names another delimiter than the colon.
        let delimiter = if engine.len() > 1 { &engine[1..] } else { ":" };
        let minion = self.minion;
        match &engine[..1] {
            "G" => subdict(minion.grains, pattern, delimiter, Style::Glob),
            "P" => subdict(minion.grains, pattern, delimiter, Style::Regex),
            "I" => subdict(minion.pillar, pattern, delimiter, Style::Glob),
            "J" => subdict(minion.pillar, pattern, delimiter, Style::Regex),
            "L" => matches_at(Matcher::List, pattern, minion, self.groups),
            "E" => matches_at(Matcher::Pcre, pattern, minion, self.groups),
            "S" => Ok(ip_cidr(minion.grains, pattern)),
            "N" => nodegroup(pattern, minion, self.groups),
            other => Err((self.fail)(&format!("unknown engine '{other}@'; known: G P I J L E S N"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(kind: Matcher, expression: &str) -> bool {
        let json = r#"{"os": "Debian", "roles": ["kvm", "web"], "ip4": {"ens3": ["10.0.0.5"]}, "n": 4,
            "ipv4": ["10.1.2.3"]}"#;
        let grains: Value = serde_json::from_str(json).expect("json");
        let pillar: Value = serde_json::from_str(r#"{"role": {"kind": "storage"}}"#).expect("json");
        let nodegroups = BTreeMap::from([
            ("hosts".to_owned(), "G@roles:kvm and not N@hosts2".to_owned()),
            ("hosts2".to_owned(), "other*".to_owned()),
            ("loop".to_owned(), "N@loop".to_owned()),
        ]);
        let minion = Minion { id: "lab-minion", grains: &grains, pillar: &pillar, nodegroups: &nodegroups };
        matches(kind, expression, &minion).unwrap_or(false)
    }

    #[test]
    fn every_matcher_has_salts_meaning() {
        for (kind, expression, expected) in [
            (Matcher::Glob, "lab-*", true),
            (Matcher::Glob, "web*", false),
            (Matcher::List, "lab-minion,other", true),
            (Matcher::Pcre, "lab", true),
            (Matcher::Pcre, "minion", false),
            (Matcher::Pcre, "lab-(minion|master)", true),
            (Matcher::Grain, "os:debian", true),
            (Matcher::Grain, "roles:kvm", true),
            (Matcher::Grain, "roles:k*", true),
            (Matcher::Grain, "n:4", true),
            (Matcher::Grain, "ip4:ens3:10.0.0.*", true),
            (Matcher::GrainPcre, "os:deb(ian|oid)", true),
            (Matcher::Pillar, "role:kind:stor*", true),
            (Matcher::Pillar, "role:kind:compute", false),
            (Matcher::PillarExact, "role:kind:storage", true),
            (Matcher::PillarExact, "role:kind:stor*", false),
            (Matcher::IpCidr, "10.1.0.0/16", true),
            (Matcher::IpCidr, "10.2.0.0/16", false),
            (Matcher::Compound, "G@os:Debian and lab-*", true),
            (Matcher::Compound, "G@os:Debian and not lab-*", false),
            (Matcher::Compound, "( web* or E@lab-(minion|x) ) and S@10.1.2.3", true),
            (Matcher::Compound, "(web* or lab*) and (G@n:5 or I@role:kind:storage)", true),
            (Matcher::Compound, "N@hosts", true),
            (Matcher::Compound, "N@loop", false),
            (Matcher::Compound, "not web*", true),
            (Matcher::Compound, "L@a,lab-minion", true),
            (Matcher::Compound, "G@os:Debian and", false),
            (Matcher::Nodegroup, "hosts", true),
        ] {
            assert_eq!(holds(kind, expression), expected, "{kind:?} {expression}");
        }
    }

    #[test]
    fn what_looks_beyond_ids_is_found_wherever_it_hides() {
        let groups = BTreeMap::from([
            ("workers".to_owned(), "worker* or L@kvm1,kvm2 or N@more".to_owned()),
            ("more".to_owned(), "E@kvm[34]".to_owned()),
            ("kvm".to_owned(), "G@roles:kvm or web1".to_owned()),
            ("deep".to_owned(), "web* and N@kvm".to_owned()),
            ("loop".to_owned(), "N@loop".to_owned()),
        ]);
        for (kind, expression, beyond) in [
            (Matcher::Glob, "worker*", None),
            (Matcher::List, "a,b", None),
            (Matcher::Pcre, "web[0-9]", None),
            (Matcher::Compound, "(worker* or L@a,b) and not E@b.*", None),
            (Matcher::Nodegroup, "workers", None),
            (Matcher::Compound, "N@workers", None),
            (Matcher::Grain, "os:Debian", Some("os:Debian")),
            (Matcher::Pillar, "a:b", Some("a:b")),
            (Matcher::Compound, "web* or (not G@os:Debian)", Some("G@os:Debian")),
            (Matcher::Compound, "web* and S@10.0.0.0/8", Some("S@10.0.0.0/8")),
            (Matcher::Compound, "N@deep", Some("G@roles:kvm")),
            (Matcher::Nodegroup, "deep", Some("G@roles:kvm")),
        ] {
            let found = beyond_ids(kind, expression, &groups).expect("reads");
            assert_eq!(found.as_deref(), beyond, "{kind:?} {expression}");
        }
        for (kind, expression) in [
            (Matcher::Pcre, "web["),
            (Matcher::Compound, "web* and"),
            (Matcher::Nodegroup, "nobody"),
            (Matcher::Nodegroup, "loop"),
        ] {
            beyond_ids(kind, expression, &groups).expect_err(expression);
        }
    }

    #[test]
    fn a_mistyped_matcher_is_answered_with_the_nearest() {
        assert!(Matcher::parse("garin").expect_err("unknown").to_string().contains("grain"));
    }

    proptest! {
        #[test]
        fn random_expressions_never_panic(text in "[a-zGEPLIJNS@|:*?()\\[\\] !-]{0,60}") {
            holds(Matcher::Compound, &text);
            holds(Matcher::GrainPcre, &text);
        }
    }
}
