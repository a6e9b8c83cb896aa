//! Which packages a state is about, and which of their versions will do.

use std::cmp::Ordering;

use lab_proto::Value;
use serde::Deserialize;

use super::super::support::text_of;
use crate::function::{ArgDoc, JobCtx, Kind, StateCall, StateError};
use crate::host::{Package, PackageSpec, VersionRules};

pub(super) const PKGS: ArgDoc = ArgDoc::optional(
    "pkgs",
    Kind::List,
    "Several packages instead of the name: names, or mappings of a name to its version.",
);
pub(super) const VERSION: ArgDoc = ArgDoc::optional(
    "version",
    Kind::Text,
    "Which version: exactly one (`*` and `?` stand for anything), `latest`, or conditions such as `>=1.2,<2`.",
);
pub(super) const REFRESH: ArgDoc = ArgDoc::optional(
    "refresh",
    Kind::Bool,
    "Whether the repositories are read again first; by default when they were not read in the last five minutes.",
);
pub(super) const CACHE_VALID_TIME: ArgDoc = ArgDoc::optional(
    "cache_valid_time",
    Kind::Int,
    "For how many seconds what was read from the repositories is good enough.",
);

/// The arguments that name packages.
#[derive(Debug, Deserialize)]
pub(super) struct Names {
    pkgs: Option<Vec<Value>>,
    version: Option<String>,
}

/// A package with the versions of it that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) version: Option<Version>,
}

/// Which versions will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// The newest on offer.
    Latest,
    /// All of these must hold.
    Conditions(Vec<(Operator, String)>),
}

/// How a version compares with a condition's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Is,
    IsNot,
    Older,
    OlderOrIs,
    Newer,
    NewerOrIs,
}

/// Reads the packages that a state names.
pub(super) fn wanted(call: &StateCall) -> Result<Vec<Wanted>, StateError> {
    let Names { pkgs, version } = call.typed()?;
    if call.arg("sources").is_some_and(Value::truthy) {
        return Err(StateError::failed(
            "argument sources is not supported: put the packages into a repository and add that with pkgrepo.managed",
        ));
    }
    let one = |name: &str, version: Option<&str>| -> Result<Wanted, StateError> {
        if name.trim().is_empty() || name.trim().starts_with('-') || name.trim().contains(char::is_whitespace)
        {
            return Err(StateError::failed(format!(
                "{name:?} is no name of a package (several go into pkgs)"
            )));
        }
        let version = version.map(str::trim).filter(|v| !v.is_empty()).map(Version::parse).transpose()?;
        Ok(Wanted { name: name.trim().to_owned(), version })
    };
    let Some(pkgs) = pkgs else { return Ok(vec![one(&call.name, version.as_deref())?]) };
    let mut all = Vec::new();
    for item in &pkgs {
        match item {
            Value::Map(entries) => {
                for (name, version) in entries {
                    let text = (!matches!(version, Value::Null)).then(|| text_of(version));
                    all.push(one(&text_of(name), text.as_deref())?);
                }
            }
            name => all.push(one(&text_of(name), None)?),
        }
    }
    all.dedup();
    Ok(all)
}

impl Version {
    fn parse(text: &str) -> Result<Self, StateError> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        text.split(',').map(condition).collect::<Result<_, _>>().map(Self::Conditions)
    }

    /// Returns the only version that will do, if that is how it is written.
    fn exact(&self) -> Option<&str> {
        match self {
            Self::Conditions(all) => match &all[..] {
                [(Operator::Is, version)] if !version.contains(['*', '?']) => Some(version),
                _ => None,
            },
            Self::Latest => None,
        }
    }

    fn fits(&self, version: &str, rules: VersionRules) -> bool {
        let Self::Conditions(all) = self else { return true };
        all.iter().all(|(operator, wanted)| operator.holds(version, wanted, rules))
    }
}

fn condition(text: &str) -> Result<(Operator, String), StateError> {
    const WORDS: [(&str, Operator); 9] = [
        ("<=", Operator::OlderOrIs),
        (">=", Operator::NewerOrIs),
        ("==", Operator::Is),
        ("!=", Operator::IsNot),
        ("<<", Operator::Older),
        (">>", Operator::Newer),
        ("<", Operator::Older),
        (">", Operator::Newer),
        ("=", Operator::Is),
    ];
    let text = text.trim();
    let found = WORDS.iter().find_map(|(word, operator)| Some((*operator, text.strip_prefix(word)?)));
    let (operator, version) = found.unwrap_or((Operator::Is, text));
    let version = version.trim();
    if version.is_empty() || version.contains(['<', '>', '=', ' ']) {
        return Err(StateError::failed(format!(
            "argument version: {text:?} is no version or condition such as '>=1.2'"
        )));
    }
    Ok((operator, version.to_owned()))
}

impl Operator {
    fn holds(self, have: &str, wanted: &str, rules: VersionRules) -> bool {
        match self {
            Self::Is => rules.is(have, wanted),
            Self::IsNot => !rules.is(have, wanted),
            Self::Older => rules.compare(have, wanted) == Ordering::Less,
            Self::OlderOrIs => rules.compare(have, wanted) != Ordering::Greater,
            Self::Newer => rules.compare(have, wanted) == Ordering::Greater,
            Self::NewerOrIs => rules.compare(have, wanted) != Ordering::Less,
        }
    }
}

impl Wanted {
    /// Tells whether an installed package will do.
    pub(super) fn is_met_by(&self, package: &Package, rules: VersionRules) -> bool {
        self.version.as_ref().is_none_or(|v| v.fits(&package.version, rules))
    }

    /// Tells whether the newest version is asked for.
    pub(super) fn latest(&self) -> bool {
        self.version == Some(Version::Latest)
    }

    /// Says what the manager is to be asked for: with conditions, the newest version that fits.
    pub(super) fn resolve(&self, ctx: &JobCtx<'_>) -> Result<PackageSpec, StateError> {
        let name = self.name.clone();
        let version = match &self.version {
            None | Some(Version::Latest) => return Ok(PackageSpec { name, version: None }),
            Some(version) => version,
        };
        if let Some(exact) = version.exact() {
            return Ok(PackageSpec { name, version: Some(exact.to_owned()) });
        }
        let rules = ctx.host.package_manager()?.versions();
        let offered = ctx.host.package_versions(std::slice::from_ref(&name))?;
        let offered = offered.get(&name).map(Vec::as_slice).unwrap_or_default();
        if offered.is_empty() {
            return Ok(PackageSpec { name, version: None });
        }
        match offered.iter().find(|v| version.fits(v, rules)) {
            Some(fitting) => Ok(PackageSpec { name, version: Some(fitting.clone()) }),
            None => Err(StateError::failed(format!(
                "no version of {name} that is on offer is {version} (there is {})",
                offered.join(", ")
            ))),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Conditions(all) = self else { return f.write_str("latest") };
        for (i, (operator, version)) in all.iter().enumerate() {
            let word = match operator {
                Operator::Is => "",
                Operator::IsNot => "!=",
                Operator::Older => "<",
                Operator::OlderOrIs => "<=",
                Operator::Newer => ">",
                Operator::NewerOrIs => ">=",
            };
            write!(f, "{}{word}{version}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_proto::Map;

    fn call(args: Map) -> StateCall {
        StateCall::new("pkg.installed", "foo", args)
    }

    #[test]
    fn packages_are_names_or_mappings_to_versions() {
        let pkgs = Value::List(vec![
            "bar".into(),
            Value::from([("baz", Value::from(1.5))]),
            Value::from([("qux", Value::from(">=1.2, <2"))]),
        ]);
        let all = wanted(&call([("pkgs".into(), pkgs)].into_iter().collect())).unwrap();
        let shown: Vec<String> = all
            .iter()
            .map(|w| {
                format!("{} {}", w.name, w.version.as_ref().map(ToString::to_string).unwrap_or_default())
            })
            .collect();
        assert_eq!(shown, ["bar ", "baz 1.5", "qux >=1.2,<2"]);
        assert_eq!(wanted(&call(Map::new())).unwrap()[0].name, "foo");
    }

    #[test]
    fn what_is_no_name_is_refused_before_a_manager_takes_it_for_an_option() {
        for bad in ["", "-y", "a b"] {
            assert!(wanted(&StateCall::new("pkg.installed", bad, Map::new())).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn packages_from_files_are_refused_instead_of_another_one_installed() {
        let sources = Value::List(vec![Value::from([("foo", "salt://foo.deb")])]);
        let refused = wanted(&call([("sources".into(), sources)].into_iter().collect())).unwrap_err();
        assert!(refused.to_string().contains("pkgrepo.managed"), "{refused}");
    }

    #[test]
    fn conditions_hold_or_do_not() {
        let fits = |condition: &str, version: &str| {
            Version::parse(condition).unwrap().fits(version, VersionRules::Debian)
        };
        assert!(fits(">=1.2,<2", "1.10") && !fits(">=1.2,<2", "2.0") && !fits(">1.2", "1.2"));
        assert!(
            fits("1.2*", "1.2-3") && !fits("1.2", "1.2-3") && fits("!=1.2", "1.3") && fits("==1.2", "1.2")
        );
        assert!(Version::parse(">=").is_err() && Version::parse("1 2").is_err());
    }
}
