//! Which minions an expression means: pure functions over one minion's id, grains and pillar.
//!
//! Top files, pillar top files, jobs and nodegroups all ask here. Never looks at the network or at other minions.

mod compound;
mod data;

use std::collections::BTreeMap;

use lab_proto::Value;

use self::compound::{compound, parts};
use self::data::{Prefix, Style, ip_cidr, subdict};
use crate::python_regex::Flags;

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
    let within = |expression| {
        let beyond = parts(expression, nodegroups).into_iter().find(|p| !matches!(p.engine, "L" | "E"));
        beyond.map(|part| part.word.to_owned())
    };
    Ok(match kind {
        Matcher::Glob | Matcher::List | Matcher::Pcre => None,
        Matcher::Compound => within(expression),
        Matcher::Nodegroup => nodegroups.get(expression).and_then(|e| within(e)),
        Matcher::Grain
        | Matcher::GrainPcre
        | Matcher::Pillar
        | Matcher::PillarPcre
        | Matcher::PillarExact
        | Matcher::IpCidr => Some(expression.to_owned()),
    })
}

/// Returns the ids that lists in a compound expression name, also in its nodegroups.
pub fn named<'e>(expression: &'e str, nodegroups: &'e BTreeMap<String, String>) -> Vec<&'e str> {
    let lists = parts(expression, nodegroups).into_iter().filter(|part| part.engine == "L");
    lists.flat_map(|list| list.pattern.split(',')).filter(|id| !id.is_empty()).collect()
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
    fn the_ids_that_lists_name_are_found_in_nodegroups_too() {
        let groups = BTreeMap::from([
            ("workers".to_owned(), "worker* or L@kvm1,kvm2 or N@more".to_owned()),
            ("more".to_owned(), "L@kvm3 or N@workers or N@nobody".to_owned()),
        ]);
        let ids = named("L@a,,b and (N@workers or not L|@c) or E@d or N@more", &groups);
        assert_eq!(ids, ["a", "b", "kvm1", "kvm2", "kvm3", "c"]);
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
