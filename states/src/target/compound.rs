//! Expressions with `and`, `or`, `not` and parentheses: whom they mean, and what they name.

use std::collections::{BTreeMap, BTreeSet};

use super::data::{Style, ip_cidr, subdict};
use super::{Matcher, Minion, TargetError, matches_at, nodegroup};

pub(super) fn compound(
    expression: &str,
    minion: &Minion<'_>,
    groups: &mut Vec<String>,
) -> Result<bool, TargetError> {
    let fail =
        |reason: &str| TargetError::Compound { expression: expression.to_owned(), reason: reason.to_owned() };
    let words = words(expression).collect::<Vec<_>>();
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

/// A word of an expression that says how it is to be read: `G@os:Debian`.
#[derive(Clone, Copy)]
pub(super) struct Part<'e> {
    pub(super) word: &'e str,
    /// Its letter.
    pub(super) engine: &'e str,
    pub(super) pattern: &'e str,
}

/// Lists the parts of an expression, with those of a nodegroup in the place of its name; each nodegroup once.
pub(super) fn parts<'e>(expression: &'e str, nodegroups: &'e BTreeMap<String, String>) -> Vec<Part<'e>> {
    let (mut found, mut entered) = (Vec::new(), BTreeSet::new());
    let mut ahead = vec![words(expression)];
    while let Some(inner) = ahead.last_mut() {
        let Some(word) = inner.next() else {
            ahead.pop();
            continue;
        };
        let Some((engine, pattern)) = engine_of(word) else { continue };
        match nodegroups.get(pattern) {
            _ if &engine[..1] != "N" => found.push(Part { word, engine: &engine[..1], pattern }),
            Some(group) if entered.insert(pattern) => ahead.push(words(group)),
            _ => {}
        }
    }
    found
}

fn words(expression: &str) -> impl Iterator<Item = &str> {
    expression.split_whitespace().flat_map(parentheses)
}

/// Cuts `G@pattern`, `G|@pattern`.
fn engine_of(word: &str) -> Option<(&str, &str)> {
    word.split_once('@').filter(|(e, _)| e.chars().next().is_some_and(|c| c.is_ascii_uppercase()))
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
