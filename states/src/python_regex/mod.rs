//! Python's regular expressions where trees and files name them, with a bound on what they may cost.
//!
//! A pattern without look-around, back references and atomic groups is matched in linear time. One with them is
//! matched by turning back: there the length of the text and the number of turns are bounded, both for one whole
//! operation, however many matches that has.

mod template;
mod translate;

use std::ops::Range;
use std::sync::OnceLock;

pub(crate) use template::Template;
use translate::Translated;

/// The largest program of a pattern, in bytes.
const SIZE: usize = 1 << 20;
/// How often the attempts at one match may turn back: the first that is enough is what is charged.
const TURNS: [u64; 6] = [64, 512, 4096, 32_768, 262_144, 2_097_152];

/// Flags of a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flags {
    pub(crate) ignore_case: bool,
    pub(crate) multiline: bool,
    pub(crate) dot_all: bool,
    pub(crate) verbose: bool,
}

/// Where a pattern has to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Anchor {
    /// Anywhere, as for `re.search`.
    None,
    /// At the beginning, as for `re.match`.
    Start,
    /// From the beginning to the end.
    Whole,
}

/// What may be spent on patterns that turn back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes looked at in one operation, at worst.
    work: u64,
    /// Turns in one operation.
    turns: u64,
    /// The largest text that comes of replacing.
    output: usize,
}

/// For templates and targets: about half a second.
pub(crate) const TEMPLATES: Limits = Limits { work: 1 << 30, turns: 300_000, output: 16 << 20 };
/// For the files of a minion, which waits for its own patterns only.
pub(crate) const FILES: Limits = Limits { work: 1 << 44, turns: 4_000_000, output: 1 << 30 };

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// It is no regular expression of Python's.
    #[error("{0}")]
    Pattern(String),
    /// It takes too much memory.
    #[error("it is larger than {SIZE} bytes when compiled")]
    TooBig,
    /// The text is too long for a pattern that turns back.
    #[error(
        "the text has {length} bytes; with look-around or back references this pattern takes at most {most}"
    )]
    TooLong { length: usize, most: u64 },
    /// It turns back too often.
    #[error("it takes too long on this text")]
    TooHard,
    /// What replaces the matches is too much.
    #[error("the text is too large when its matches are replaced")]
    TooLarge,
    /// Nothing is left of what the caller allows.
    #[error("the patterns take too long together")]
    Exhausted,
}

impl Failure {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Pattern(_) => "mend the regular expression: it is read as Python's re reads it",
            Self::TooBig => "lower the counts in braces, or cut the pattern into several",
            Self::TooLong { .. } | Self::TooHard => {
                "write the pattern without (?=…), (?!…), (?<=…), (?<!…) and back references (a `$` that has to allow a \
                 last newline counts as one: trim the text, or write \\Z), or match the text line by line"
            }
            Self::TooLarge | Self::Exhausted => "match shorter texts, or fewer of them",
        }
    }

    /// Tells whether the cost is the reason, and not the pattern's form.
    pub(crate) fn is_bound(&self) -> bool {
        !matches!(self, Self::Pattern(_))
    }
}

/// What one operation may still spend.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    turns: u64,
    left: u64,
    spent: u64,
}

impl Meter {
    /// Begins an operation; `work` bounds what it looks at, also in linear time.
    pub(crate) fn new(limits: Limits, work: u64) -> Self {
        Self { limits, turns: limits.turns, left: work, spent: 0 }
    }

    /// Returns how many bytes were looked at, at worst.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    fn spend(&mut self, work: u64) -> Result<(), Failure> {
        self.spent = self.spent.saturating_add(work);
        self.left = self.left.checked_sub(work).ok_or(Failure::Exhausted)?;
        Ok(())
    }
}

/// A pattern, compiled for every way in which a text that it met ends.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: String,
    flags: Flags,
    anchor: Anchor,
    compiled: [OnceLock<Result<Regex, Failure>>; 3],
}

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn new(source: &str, flags: Flags, anchor: Anchor) -> Result<Self, Failure> {
        let pattern = Self { source: source.to_owned(), flags, anchor, compiled: Default::default() };
        pattern.ending(End::Plain)?;
        Ok(pattern)
    }

    /// Returns about how many places the pattern has.
    pub(crate) fn size(&self) -> u64 {
        self.ending(End::Plain).map_or(0, |regex| regex.size)
    }

    /// Tells where the pattern occurs first.
    pub(crate) fn find(&self, text: &str, meter: &mut Meter) -> Result<Option<Range<usize>>, Failure> {
        self.ending(End::of(text))?.find(text, meter)
    }

    /// Finds the first match and its groups.
    pub(crate) fn captures<'t>(
        &self,
        text: &'t str,
        meter: &mut Meter,
    ) -> Result<Option<Found<'t>>, Failure> {
        self.ending(End::of(text))?.captures_at(text, 0, meter)
    }

    /// Replaces the first `count` matches (all, for 0) as `re.sub` does; returns how many there were, too.
    pub(crate) fn replace(
        &self,
        text: &str,
        count: usize,
        meter: &mut Meter,
        with: impl FnMut(&Found<'_>, &mut String),
    ) -> Result<(String, usize), Failure> {
        self.ending(End::of(text))?.replace(text, count, meter, with)
    }

    fn names(&self) -> &[Option<String>] {
        self.ending(End::Plain).map_or(&[], |regex| &regex.names)
    }

    fn ending(&self, end: End) -> Result<&Regex, Failure> {
        let compile = || Regex::new(&self.source, self.flags, self.anchor, end);
        self.compiled[end as usize].get_or_init(compile).as_ref().map_err(Clone::clone)
    }
}

/// A pattern, compiled for texts that end in one way.
#[derive(Debug)]
struct Regex {
    engine: Engine,
    names: Vec<Option<String>>,
    /// About how many places the pattern has.
    size: u64,
}

#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(Box<Backtracking>),
}

/// A pattern that turns back, compiled for every number of turns that was needed.
#[derive(Debug)]
struct Backtracking {
    translated: Translated,
    attempts: [OnceLock<Result<fancy_regex::Regex, Failure>>; TURNS.len()],
}

/// Groups of a match.
#[derive(Debug)]
pub(crate) struct Found<'t> {
    text: &'t str,
    whole: Range<usize>,
    groups: Vec<Option<Range<usize>>>,
}

impl<'t> Found<'t> {
    pub(crate) fn range(&self) -> Range<usize> {
        self.whole.clone()
    }

    /// Returns the text of a group that took part.
    pub(crate) fn get(&self, group: usize) -> Option<&'t str> {
        self.groups.get(group)?.clone().map(|range| &self.text[range])
    }

    /// Returns all groups but that of the whole match.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Option<&'t str>> {
        self.groups.iter().skip(1).map(|group| group.clone().map(|range| &self.text[range]))
    }
}

/// How a text ends, as far as `$` asks: before a last newline, it means its place, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Plain,
    /// The only newline is the last character.
    OneNewline,
    Newlines,
}

impl End {
    /// Looks at a text.
    fn of(text: &str) -> Self {
        match text.strip_suffix('\n') {
            None => Self::Plain,
            Some(rest) if rest.contains('\n') => Self::Newlines,
            Some(_) => Self::OneNewline,
        }
    }
}

impl Regex {
    fn new(pattern: &str, flags: Flags, anchor: Anchor, end: End) -> Result<Self, Failure> {
        let translated = translate::translate(pattern, flags, anchor, end)?;
        let size = translated.size;
        if translated.looks == 0 {
            let regex = linear(&translated)?;
            let names = regex.capture_names().map(|n| n.map(str::to_owned)).collect();
            return Ok(Self { engine: Engine::Linear(regex), names, size });
        }
        let backtracking = Backtracking { translated, attempts: Default::default() };
        let names = backtracking.attempt(0)?.capture_names().map(|n| n.map(str::to_owned)).collect();
        Ok(Self { engine: Engine::Backtracking(Box::new(backtracking)), names, size })
    }

    /// Tells where the pattern occurs first.
    fn find(&self, text: &str, meter: &mut Meter) -> Result<Option<Range<usize>>, Failure> {
        match &self.engine {
            Engine::Linear(regex) => {
                let found = regex.find(text).map(|m| m.range());
                self.spend(text, 0, found.as_ref(), meter)?;
                Ok(found)
            }
            Engine::Backtracking(slow) => slow.search(
                text,
                meter,
                |regex| Ok(regex.find(text)?.map(|m| m.range())),
                |range| range.len(),
            ),
        }
    }

    /// Finds the first match that begins at a place or behind it.
    fn captures_at<'t>(
        &self,
        text: &'t str,
        from: usize,
        meter: &mut Meter,
    ) -> Result<Option<Found<'t>>, Failure> {
        let groups = match &self.engine {
            Engine::Linear(regex) => {
                let found = regex.captures_at(text, from);
                self.spend(
                    text,
                    from,
                    found.as_ref().and_then(|f| f.get(0)).map(|m| m.range()).as_ref(),
                    meter,
                )?;
                found.map(|f| f.iter().map(|g| g.map(|m| m.range())).collect::<Vec<_>>())
            }
            Engine::Backtracking(slow) => slow.search(
                text,
                meter,
                |regex| {
                    let found = regex.captures_from_pos(text, from)?;
                    Ok(found.map(|f| f.iter().map(|g| g.map(|m| m.range())).collect::<Vec<_>>()))
                },
                |groups| groups.first().and_then(Option::as_ref).map_or(0, Range::len),
            )?,
        };
        Ok(groups.and_then(|groups| Some(Found { text, whole: groups.first()?.clone()?, groups })))
    }

    /// Charges a search in linear time. What follows a match may have been looked at, too: a part of it is charged.
    fn spend(
        &self,
        text: &str,
        from: usize,
        found: Option<&Range<usize>>,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        let rest = (text.len() - from) as u64;
        let seen = found.map_or(rest, |range| range.end.saturating_sub(from) as u64);
        meter.spend((seen + 1).saturating_mul(1 + self.size / 16).saturating_add(rest / 8))
    }

    fn replace(
        &self,
        text: &str,
        count: usize,
        meter: &mut Meter,
        mut with: impl FnMut(&Found<'_>, &mut String),
    ) -> Result<(String, usize), Failure> {
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut from, mut last_empty, mut done) = (0, 0, None, 0);
        while from <= text.len() {
            let Some(found) = self.captures_at(text, from, meter)? else { break };
            let Range { start, end } = found.range();
            if start == end && last_empty == Some(start) {
                from = start + text[start..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
            out.push_str(&text[copied..start]);
            with(&found, &mut out);
            if out.len() > meter.limits.output {
                return Err(Failure::TooLarge);
            }
            done += 1;
            (copied, from) = (end, end);
            if done == count {
                break;
            }
            last_empty = (start == end).then_some(end);
        }
        out.push_str(&text[copied..]);
        Ok((out, done))
    }
}

impl Backtracking {
    /// Searches with more and more turns, until they are enough or used up.
    fn search<T>(
        &self,
        text: &str,
        meter: &mut Meter,
        run: impl Fn(&fancy_regex::Regex) -> fancy_regex::Result<Option<T>>,
        length: impl Fn(&T) -> usize,
    ) -> Result<Option<T>, Failure> {
        let most = self.longest(meter.limits.work);
        if text.len() as u64 > most {
            return Err(Failure::TooLong { length: text.len(), most });
        }
        let cost = self.cost_of_turn(text.len());
        for (attempt, turns) in TURNS.into_iter().enumerate() {
            if turns > meter.turns || turns.saturating_mul(cost) > meter.limits.work {
                break;
            }
            meter.turns -= turns;
            match run(self.attempt(attempt)?) {
                Ok(found) => {
                    let matched = found.as_ref().map_or(0, |f| length(f) as u64);
                    meter.spend((turns + matched).saturating_mul(cost))?;
                    return Ok(found);
                }
                Err(_) => meter.spend(turns.saturating_mul(cost))?,
            }
        }
        Err(Failure::TooHard)
    }

    /// Returns how many bytes may be looked at between two turns: all, for each place that looks around, and again
    /// for all within such a place.
    fn cost_of_turn(&self, length: usize) -> u64 {
        let length = length.max(64) as u64;
        length.saturating_pow(self.translated.height).saturating_mul(2 * self.translated.looks)
    }

    /// Returns how long a text may be, so that each place in it may be tried, and again with more turns.
    fn longest(&self, work: u64) -> u64 {
        let fits = |length: usize| self.cost_of_turn(length).saturating_mul(8 * length as u64) <= work;
        let (mut low, mut high) = (0_usize, 1 << 24);
        while low < high {
            let middle = (low + high).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        low as u64
    }

    fn attempt(&self, attempt: usize) -> Result<&fancy_regex::Regex, Failure> {
        let turns = usize::try_from(TURNS[attempt]).unwrap_or(usize::MAX);
        let compile = || backtracking(&self.translated, turns);
        self.attempts[attempt].get_or_init(compile).as_ref().map_err(Clone::clone)
    }
}

fn linear(translated: &Translated) -> Result<regex::Regex, Failure> {
    let flags = translated.flags;
    regex::RegexBuilder::new(&translated.source)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multiline)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(SIZE)
        .build()
        .map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => Failure::TooBig,
            other => Failure::Pattern(last_line(&other.to_string())),
        })
}

fn backtracking(translated: &Translated, turns: usize) -> Result<fancy_regex::Regex, Failure> {
    use fancy_regex::{CompileError, Error};
    let flags = translated.flags;
    fancy_regex::RegexBuilder::new(&translated.source)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multiline)
        .dot_matches_new_line(flags.dot_all)
        .backtrack_limit(turns)
        .delegate_size_limit(SIZE)
        .build()
        .map_err(|e| match e {
            // Its positions are those of the translated pattern.
            Error::ParseError(_, what) => Failure::Pattern(what.to_string().to_lowercase()),
            Error::CompileError(what) => match *what {
                CompileError::InnerError(e) if e.size_limit().is_some() => Failure::TooBig,
                CompileError::PatternTooComplex => Failure::TooBig,
                other => Failure::Pattern(last_line(&other.to_string())),
            },
            other => Failure::Pattern(other.to_string()),
        })
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or("").trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests;
