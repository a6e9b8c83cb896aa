//! Words of the command line that several commands share: targets, `k=v` values, durations, places in the log.

use std::time::Duration;

use clap::Args;
use lab_proto::v1::op::{Since, Until};
use lab_proto::{Map, Position, Target, TargetKind, Timestamp, Value};
use lab_states::function::typed;

use super::Failure;
use crate::server::chain;

// A target and how to read it; the letters are Salt's.
#[derive(Args, Debug)]
pub(super) struct TargetArgs {
    /// Whom: a glob on ids unless one of -L -E -G -P -I -J -C -N says otherwise
    target: String,
    /// The target is a list: web1,web2
    #[arg(short = 'L', long, group = "kind")]
    list: bool,
    /// The target is a regular expression on ids, anchored at the start
    #[arg(short = 'E', long, group = "kind")]
    pcre: bool,
    /// The target is a grain: os:Debian
    #[arg(short = 'G', long, group = "kind")]
    grain: bool,
    /// The target is a grain with a regular expression: os:(Debian|Ubuntu)
    #[arg(short = 'P', long, group = "kind")]
    grain_pcre: bool,
    /// The target is a pillar value: role:web
    #[arg(short = 'I', group = "kind")]
    of_pillar: bool,
    /// The target is a pillar value with a regular expression
    #[arg(short = 'J', group = "kind")]
    of_pillar_pcre: bool,
    /// The target is compound: 'G@os:Debian and not web*'
    #[arg(short = 'C', long, group = "kind")]
    compound: bool,
    /// The target is the name of a node group
    #[arg(short = 'N', long, group = "kind")]
    nodegroup: bool,
}

impl TargetArgs {
    /// Means one minion, whatever its name looks like.
    pub(super) fn one(id: &lab_proto::MinionId) -> Self {
        Self {
            target: id.to_string(),
            list: true,
            pcre: false,
            grain: false,
            grain_pcre: false,
            of_pillar: false,
            of_pillar_pcre: false,
            compound: false,
            nodegroup: false,
        }
    }

    /// Returns the target.
    ///
    /// # Errors
    /// When it is of a kind that names a key and a value, and has no value.
    pub(super) fn target(self) -> Result<Target, Failure> {
        let kinds = [
            (self.list, TargetKind::List),
            (self.pcre, TargetKind::Pcre),
            (self.grain, TargetKind::Grain),
            (self.grain_pcre, TargetKind::GrainPcre),
            (self.of_pillar, TargetKind::Pillar),
            (self.of_pillar_pcre, TargetKind::PillarPcre),
            (self.compound, TargetKind::Compound),
            (self.nodegroup, TargetKind::Nodegroup),
        ];
        let kind = kinds.into_iter().find(|(given, _)| *given).map_or(TargetKind::Glob, |(_, k)| k);
        let pair = matches!(
            kind,
            TargetKind::Grain | TargetKind::GrainPcre | TargetKind::Pillar | TargetKind::PillarPcre
        );
        if pair && !self.target.contains(':') {
            return Err(Failure::Usage(format!(
                "{:?} names no value: a target of this kind is KEY:VALUE, like os:Debian (`{0}:*` is any value)",
                self.target
            )));
        }
        let target = match kind {
            // As Salt's CLI reads a list: blanks between commas mean nothing, and without commas they are what separates.
            TargetKind::List if self.target.contains(',') => self.target.replace(' ', ""),
            TargetKind::List => self.target.split_whitespace().collect::<Vec<_>>().join(","),
            _ => self.target,
        };
        Ok(Target::new(kind, target))
    }
}

/// Splits words into positional arguments and `k=v` pairs.
///
/// # Errors
/// When a value is not YAML, or a name is given twice.
pub(super) fn function_arguments(function: &str, words: &[String]) -> Result<(Vec<Value>, Map), String> {
    typed::arguments(function, words).map_err(|e| chain(&e))
}

/// Reads `k=v` words as a mapping.
///
/// # Errors
/// When a word has no `=` or a value is not YAML.
pub(super) fn mapping(words: &[String]) -> Result<Map, String> {
    let (args, kwargs) = function_arguments("", words)?;
    match args.first() {
        None => Ok(kwargs),
        Some(stray) => {
            Err(format!("{stray:#} is not of the form key=value, where the key begins with a letter"))
        }
    }
}

/// Reads a duration with a unit.
///
/// # Errors
/// When it is not one.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::config::units::duration(text).map_err(|e| e.to_string())
}

/// Reads a duration that is not nothing.
///
/// # Errors
/// When it is none, or zero.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    if time.is_zero() {
        Err("it is no time at all; leave it away for the usual time".to_owned())
    } else {
        Ok(time)
    }
}

/// Reads where to begin: `start`, `head`, a number, a position, a time, or how long ago.
///
/// # Errors
/// When it is none of these.
pub(super) fn since(text: &str, now: Timestamp) -> Result<Since, String> {
    Ok(match text {
        "start" => Since::Start,
        "head" | "now" => Since::Head,
        other => match place(other, now)? {
            Place::Seq(n) => Since::AfterSeq(n),
            Place::Position(p) => Since::After(p),
            Place::Time(t) => Since::Time(t),
        },
    })
}

/// Reads where to end: a number, a position, a time, or how long ago; `None` is `head`, whose place only the master knows.
///
/// # Errors
/// When it is none of these.
pub(super) fn until(text: &str, now: Timestamp) -> Result<Option<Until>, String> {
    if matches!(text, "head" | "now") {
        return Ok(None);
    }
    Ok(Some(match place(text, now)? {
        Place::Seq(n) => Until::Seq(n),
        Place::Position(p) => Until::Seq(p.seq),
        Place::Time(t) => Until::Time(t),
    }))
}

enum Place {
    Seq(u64),
    Position(Position),
    Time(Timestamp),
}

fn place(text: &str, now: Timestamp) -> Result<Place, String> {
    if let Ok(n) = text.parse::<u64>() {
        return Ok(Place::Seq(n));
    }
    if let Ok(p) = text.parse::<Position>() {
        return Ok(Place::Position(p));
    }
    // A day begins at midnight, and what has no zone is meant in UTC, as all times that lab prints are.
    for zone in ["", "Z", "T00:00:00Z"] {
        if let Ok(t) = format!("{text}{zone}").parse::<Timestamp>() {
            return Ok(Place::Time(t));
        }
    }
    duration(text).map(|ago| Place::Time(now - ago)).map_err(|_| {
        format!(
            "{text:?} is neither a number, a position, a time like 2026-11-21T05:13:00Z nor an age like 10m"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_commas_or_blanks_between_its_ids() {
        let list = |text: &str| {
            let one = TargetArgs::one(&lab_proto::MinionId::new("x").expect("valid"));
            TargetArgs { target: text.to_owned(), ..one }.target().expect("a list").expr
        };
        assert_eq!(list("kvm1, kvm2 ,kvm3"), "kvm1,kvm2,kvm3");
        assert_eq!(list("kvm1  kvm2"), "kvm1,kvm2");
    }

    #[test]
    fn the_command_line_is_consistent() {
        <crate::cli::Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_mapping_has_names_only_and_says_what_is_wrong_with_a_value() {
        let read = |word: &str| mapping(&[word.to_owned()]);
        assert_eq!(read("color=#fff").expect("reads").get("color"), Some(&Value::from("#fff")));
        for stray in ["web", "8=9"] {
            let why = read(stray).expect_err("is no pair");
            assert!(why.starts_with(&format!("{stray} is not of the form key=value")), "{why}");
        }
        let why = read("x={broken").expect_err("is refused");
        assert!(why.starts_with("\"{broken\" is not YAML: 1:"), "{why}");
    }

    #[test]
    fn places_are_numbers_positions_times_or_ages() {
        let now = Timestamp::from_micros(1_795_238_380_000_000);
        assert_eq!(since("42", now), Ok(Since::AfterSeq(42)));
        assert_eq!(since("10m", now), Ok(Since::Time(now - Duration::from_secs(600))));
        assert!(matches!(since("2026-11-21T05:13:00Z", now), Ok(Since::Time(_))));
        assert!(matches!(since("00000000-0000-0000-0000-000000000007:42", now), Ok(Since::After(_))));
        assert!(since("yesterday", now).is_err());
        let at = |text: &str| text.parse::<Timestamp>().map(Since::Time).map_err(|e| e.to_string());
        assert_eq!(since("2026-11-29", now), at("2026-11-29T00:00:00Z"));
        assert_eq!(since("2026-11-29T05:13:00", now), at("2026-11-29T05:13:00Z"));
        assert_eq!(until("head", now), Ok(None), "the operator's clock has no say in it");
    }

    #[test]
    fn a_grain_is_looked_at_for_a_value() {
        let grain = |target: &str| {
            let all =
                TargetArgs { grain: true, list: false, target: target.to_owned(), ..TargetArgs::one(&id()) };
            all.target()
        };
        assert_eq!(grain("os").expect_err("names no value").exit_code(), 2);
        assert!(grain("os:Debian").is_ok());
    }

    fn id() -> lab_proto::MinionId {
        lab_proto::MinionId::new("web1").expect("valid")
    }

    #[test]
    fn no_time_at_all_is_refused() {
        assert!(some_time("0s").is_err());
        assert_eq!(some_time("2s"), Ok(Duration::from_secs(2)));
    }
}
