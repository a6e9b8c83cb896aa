//! Writes a pattern of Python's in the words of the engines that match it, and counts what it may cost.

mod escapes;
mod groups;

use std::collections::BTreeMap;

use super::{Anchor, End, Failure, Flags};

/// A pattern in the engines' words.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) source: String,
    pub(super) flags: Flags,
    /// About how many places it has, repetitions with counts written out.
    pub(super) size: u64,
    /// How many of them need an engine that turns back.
    pub(super) looks: u64,
    /// How deep such places stand in each other.
    pub(super) height: u32,
}

pub(super) fn translate(
    pattern: &str,
    flags: Flags,
    anchor: Anchor,
    end: End,
) -> Result<Translated, Failure> {
    let mut reader = Reader {
        chars: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len() + 16),
        flags,
        end,
        captures: Vec::new(),
        names: BTreeMap::new(),
        conditions: Vec::new(),
        groups: vec![Group { verbose: flags.verbose, multiline: flags.multiline, ..Group::default() }],
    };
    let (before, behind) = match anchor {
        Anchor::None => ("", ""),
        Anchor::Start => ("\\A(?:", ")"),
        Anchor::Whole => ("\\A(?:", ")\\z"),
    };
    reader.out.push_str(before);
    while reader.at < reader.chars.len() {
        reader.item()?;
    }
    if reader.groups.len() > 1 {
        let opened = reader.groups[reader.groups.len() - 1].opened;
        return Err(wrong("missing ), unterminated subpattern", opened));
    }
    // A condition may look at a group behind it.
    if let Some((number, at)) = reader.conditions.iter().find(|(n, _)| *n > reader.captures.len()) {
        return Err(wrong(format!("invalid group reference {number}"), *at));
    }
    reader.out.push_str(behind);
    let all = reader.groups.remove(0);
    Ok(Translated {
        source: reader.out,
        flags: reader.flags,
        size: all.size,
        looks: all.looks,
        height: all.height,
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Says what is wrong, in Python's words, and where: in characters from 0.
fn wrong(what: impl std::fmt::Display, at: usize) -> Failure {
    Failure::Pattern(format!("{what} at position {at}"))
}

#[derive(Debug, Default)]
struct Group {
    opened: usize,
    /// Which of those that keep what they met, from 0.
    capture: Option<usize>,
    /// Whether what is inside is forgotten or kept as a whole.
    looks_around: bool,
    verbose: bool,
    multiline: bool,
    size: u64,
    looks: u64,
    height: u32,
    /// Size and looks of what a quantifier here would repeat; none where it would repeat nothing.
    last: Option<(u64, u64)>,
}

impl Group {
    fn add(&mut self, size: u64, looks: u64, height: u32) {
        self.size = self.size.saturating_add(size);
        self.looks = self.looks.saturating_add(looks);
        self.height = self.height.max(height);
        self.last = Some((size, looks));
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    end: End,
    /// Of the groups that keep what they met, whether they are closed.
    captures: Vec<bool>,
    /// Which of them have which names.
    names: BTreeMap<String, usize>,
    /// The numbers of groups that conditions look at, and where they stand.
    conditions: Vec<(usize, usize)>,
    groups: Vec<Group>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c));
        self.at += if found { text.chars().count() } else { 0 };
        found
    }

    fn group(&mut self) -> &mut Group {
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn item(&mut self) -> Result<(), Failure> {
        let c = self.chars[self.at];
        let verbose = self.group().verbose;
        match c {
            '\\' => self.escape(),
            '[' => self.class(),
            '(' => self.open(),
            ')' => self.close(),
            '*' | '+' | '?' | '{' => self.quantifier(),
            '#' if verbose => {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                Ok(())
            }
            c if verbose && c.is_whitespace() => {
                self.at += 1;
                Ok(())
            }
            '|' => {
                self.out.push('|');
                self.group().last = None;
                self.at += 1;
                Ok(())
            }
            '$' => {
                self.dollar();
                Ok(())
            }
            '^' => {
                self.out.push('^');
                self.group().last = None;
                self.at += 1;
                Ok(())
            }
            c => {
                if c == '.' {
                    self.out.push('.')
                } else {
                    self.literal(c)
                }
                self.group().add(1, 0, 0);
                self.at += 1;
                Ok(())
            }
        }
    }

    fn dollar(&mut self) {
        self.at += 1;
        let loose = !self.group().multiline;
        let (word, looks) = match self.end {
            End::OneNewline if loose => ("(?m:$)", 0),
            End::Newlines if loose => ("(?=\\n?\\z)", 1),
            _ if loose => ("\\z", 0),
            _ => ("$", 0),
        };
        self.out.push_str(word);
        self.group().add(1, looks, u32::from(looks > 0));
    }

    fn literal(&mut self, c: char) {
        if "\\.+*?()|[]{}^$#&-~".contains(c) {
            self.out.push('\\');
            self.out.push(c);
        } else if c.is_ascii_whitespace() {
            self.code(u32::from(c));
        } else {
            self.out.push(c);
        }
    }

    fn code(&mut self, code: u32) {
        self.out.push_str(&format!("\\x{{{code:x}}}"));
    }

    fn quantifier(&mut self) -> Result<(), Failure> {
        let start = self.at;
        let Some((word, times)) = self.times()? else {
            let c = self.chars[self.at];
            self.literal(c);
            self.group().add(1, 0, 0);
            self.at += 1;
            return Ok(());
        };
        let Some((size, looks)) = self.group().last.take() else {
            let before = self.chars[..start].last();
            let again = matches!(before, Some('*' | '+' | '?' | '}'));
            return Err(wrong(if again { "multiple repeat" } else { "nothing to repeat" }, start));
        };
        self.out.push_str(&word);
        let group = self.group();
        group.size = group.size.saturating_add(size.saturating_mul(times.saturating_sub(1)));
        group.looks = group.looks.saturating_add(looks.saturating_mul(times.saturating_sub(1)));
        if self.skip("?") {
            self.out.push('?');
        } else if self.skip("+") {
            // Kept as a whole, as an atomic group is.
            self.out.push('+');
            let group = self.group();
            group.looks = group.looks.saturating_add(1);
            group.height = group.height.saturating_add(1);
        }
        Ok(())
    }

    /// Reads `*`, `+`, `?` or counts in braces; returns how to write them, and how often they write out what they repeat.
    fn times(&mut self) -> Result<Option<(String, u64)>, Failure> {
        let Some(c) = self.peek(0) else { return Ok(None) };
        if c != '{' {
            self.at += 1;
            return Ok(Some((c.to_string(), 1)));
        }
        let Some(length) = self.chars[self.at..].iter().position(|c| *c == '}') else { return Ok(None) };
        let counts: String = self.chars[self.at + 1..self.at + length].iter().collect();
        let (low, high) = counts.split_once(',').unwrap_or((&counts, &counts));
        let number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if !number(low) || !number(high) || counts.is_empty() {
            return Ok(None);
        }
        let count = |text: &str| text.parse().unwrap_or(u64::MAX);
        if !high.is_empty() && count(high) < if low.is_empty() { 0 } else { count(low) } {
            return Err(wrong("min repeat greater than max repeat", self.at + 1));
        }
        self.at += length + 1;
        let most = if high.is_empty() { low } else { high };
        let times = if most.is_empty() { 1 } else { most.parse().unwrap_or(u64::MAX) };
        let low = if low.is_empty() { "0" } else { low };
        let word = if counts.contains(',') { format!("{{{low},{high}}}") } else { format!("{{{low}}}") };
        Ok(Some((word, times)))
    }
}
