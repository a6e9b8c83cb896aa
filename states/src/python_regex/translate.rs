//! Writes a pattern of Python's in the words of the engines that match it, and counts what it may cost.

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

    fn escape(&mut self) -> Result<(), Failure> {
        let start = self.at;
        let Some(c) = self.peek(1) else { return Err(wrong("bad escape (end of pattern)", start)) };
        match c {
            'A' | 'b' | 'B' | 'Z' => {
                self.at += 2;
                self.out.push('\\');
                self.out.push(if c == 'Z' { 'z' } else { c });
                self.group().add(1, 0, 0);
            }
            '1'..='9' => self.reference()?,
            _ => {
                self.in_class_or_out(start)?;
                self.group().add(if "dDwWsS".contains(c) { 8 } else { 1 }, 0, 0);
            }
        }
        Ok(())
    }

    /// Reads an escape that means the same within a class; refuses what Python does not know.
    fn in_class_or_out(&mut self, start: usize) -> Result<(), Failure> {
        let Some(c) = self.peek(1) else { return Err(wrong("bad escape (end of pattern)", start)) };
        self.at += 2;
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'a' => self.code(7),
            'b' => self.code(8),
            'f' => self.code(12),
            'n' => self.code(10),
            'r' => self.code(13),
            't' => self.code(9),
            'v' => self.code(11),
            'x' => self.hexadecimal(2, start)?,
            'u' => self.hexadecimal(4, start)?,
            'U' => self.hexadecimal(8, start)?,
            '0'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek(0).and_then(|c| c.to_digit(8)) else { break };
                    (code, self.at) = (code * 8 + digit, self.at + 1);
                }
                if code > 0o377 {
                    return Err(wrong("octal escape value outside of range 0-0o377", start));
                }
                self.code(code);
            }
            c if c.is_ascii_alphanumeric() => return Err(wrong(format!("bad escape \\{c}"), start)),
            c => self.literal(c),
        }
        Ok(())
    }

    fn hexadecimal(&mut self, digits: usize, start: usize) -> Result<(), Failure> {
        let mut code = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(16)) else {
                return Err(wrong("incomplete escape", start));
            };
            (code, self.at) = (code.wrapping_mul(16) | digit, self.at + 1);
        }
        if char::from_u32(code).is_none() {
            return Err(wrong("an escape for no character", start));
        }
        self.code(code);
        Ok(())
    }

    /// Reads `\1` to `\99`, or three octal digits.
    fn reference(&mut self) -> Result<(), Failure> {
        let digit = |c: Option<char>, radix| c.is_some_and(|c| c.is_digit(radix));
        if (1..4).all(|i| digit(self.peek(i), 8)) {
            let start = self.at;
            self.in_class_or_out(start)?;
            self.group().add(1, 0, 0);
            return Ok(());
        }
        let length = if digit(self.peek(2), 10) { 2 } else { 1 };
        let number: String = self.chars[self.at + 1..=self.at + length].iter().collect();
        match self.captures.get(number.parse::<usize>().map_or(usize::MAX, |n| n.wrapping_sub(1))) {
            None => return Err(wrong(format!("invalid group reference {number}"), self.at + 1)),
            Some(closed) if !closed => return Err(wrong("cannot refer to an open group", self.at)),
            Some(_) => {}
        }
        self.at += 1 + length;
        self.out.push_str(&format!("(?:\\{number})"));
        self.group().add(1, 1, 1);
        Ok(())
    }

    fn class(&mut self) -> Result<(), Failure> {
        let start = self.at;
        self.at += 1;
        self.out.push('[');
        if self.skip("^") {
            self.out.push('^');
        }
        let (mut first, mut ranged, mut size) = (true, false, 1_u64);
        loop {
            let Some(c) = self.peek(0) else { return Err(wrong("unterminated character set", start)) };
            match c {
                ']' if !first => break,
                '\\' => {
                    let at = self.at;
                    if matches!(self.peek(1), Some('8' | '9')) {
                        return Err(wrong("bad escape in a character set", at));
                    }
                    self.in_class_or_out(at)?;
                    size += 7;
                }
                // A range, unless it is the first or the last, or the end of a range itself.
                '-' if !first && !ranged && self.peek(1).is_some_and(|c| c != ']') => {
                    self.out.push('-');
                    self.at += 1;
                    (first, ranged) = (false, true);
                    continue;
                }
                c => {
                    self.literal(c);
                    self.at += 1;
                }
            }
            (first, ranged) = (false, false);
        }
        self.at += 1;
        self.out.push(']');
        self.group().add(size, 0, 0);
        Ok(())
    }

    fn open(&mut self) -> Result<(), Failure> {
        let opened = self.at;
        self.at += 1;
        let (verbose, multiline) = (self.group().verbose, self.group().multiline);
        let mut group = Group { opened, verbose, multiline, ..Group::default() };
        if !self.skip("?") {
            self.out.push('(');
            group.capture = Some(self.capture());
        } else if self.skip("#") {
            let Some(length) = self.chars[self.at..].iter().position(|c| *c == ')') else {
                return Err(wrong("missing ), unterminated comment", opened));
            };
            self.at += length + 1;
            return Ok(());
        } else if self.skip("P=") {
            let name = self.name(')', false)?;
            match self.names.get(&name) {
                None => return Err(wrong(format!("unknown group name '{name}'"), opened + 4)),
                Some(n) if !self.captures[*n] => {
                    return Err(wrong("cannot refer to an open group", opened + 4));
                }
                Some(_) => {}
            }
            self.out.push_str(&format!("(?P={name})"));
            self.group().add(1, 1, 1);
            return Ok(());
        } else if self.skip("P<") {
            let name = self.name('>', false)?;
            if let Some(before) = self.names.get(&name) {
                let (group, before) = (self.captures.len() + 1, before + 1);
                let what =
                    format!("redefinition of group name '{name}' as group {group}; was group {before}");
                return Err(wrong(what, opened + 4));
            }
            self.out.push_str(&format!("(?P<{name}>"));
            let number = self.capture();
            self.names.insert(name, number);
            group.capture = Some(number);
        } else if self.skip("(") {
            let name = self.name(')', true)?;
            let is_number = is_number(&name);
            if is_number {
                match name.parse().unwrap_or(usize::MAX) {
                    0 => return Err(wrong("bad group number", opened + 3)),
                    number => self.conditions.push((number, opened + 3)),
                }
            } else if !self.names.contains_key(&name) {
                return Err(wrong(format!("unknown group name '{name}'"), opened + 3));
            }
            self.out.push_str(&if is_number { format!("(?({name})") } else { format!("(?(<{name}>)") });
            self.group().add(1, 1, 1);
        } else if let Some(kind) = ["=", "!", "<=", "<!", ">"].into_iter().find(|kind| self.skip(kind)) {
            self.out.push_str(&format!("(?{kind}"));
            group.looks_around = true;
        } else if !self.flag_letters(&mut group)? {
            return Ok(());
        }
        self.groups.push(group);
        Ok(())
    }

    /// Begins a group that keeps what it meets.
    fn capture(&mut self) -> usize {
        self.captures.push(false);
        self.captures.len() - 1
    }

    fn name(&mut self, end: char, numbers: bool) -> Result<String, Failure> {
        let length = self.chars[self.at..].iter().position(|c| *c == end);
        let Some(length) = length else {
            return Err(wrong(format!("missing {end}, unterminated name"), self.at));
        };
        let name: String = self.chars[self.at..self.at + length].iter().collect();
        let begins = |c: char| c.is_alphabetic() || c == '_';
        let is_name = name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_alphanumeric());
        let fits = is_name || (numbers && is_number(&name));
        if !fits {
            return Err(wrong(format!("bad character in group name '{name}'"), self.at));
        }
        self.at += length + 1;
        Ok(name)
    }

    /// Reads the flags of `(?im)` at the very beginning, or of `(?i-s:`; tells whether a group begins.
    fn flag_letters(&mut self, group: &mut Group) -> Result<bool, Failure> {
        let (opened, start) = (group.opened, self.at);
        let (mut on, mut letters) = (true, [String::new(), String::new()]);
        let mut flags = Flags { verbose: group.verbose, multiline: group.multiline, ..self.flags };
        loop {
            let Some(c) = self.peek(0) else { return Err(wrong("missing flag, : or )", self.at)) };
            self.at += 1;
            match c {
                'i' => flags.ignore_case = on,
                'm' => flags.multiline = on,
                's' => flags.dot_all = on,
                'x' => flags.verbose = on,
                // Text is Unicode anyway.
                'u' => {}
                '-' if on => on = false,
                ':' => break,
                ')' if on && self.at > start + 1 => {
                    if opened > 0 {
                        return Err(wrong("global flags not at the start of the expression", opened));
                    }
                    self.flags = flags;
                    (self.group().verbose, self.group().multiline) = (flags.verbose, flags.multiline);
                    return Ok(false);
                }
                _ => {
                    let what: String = self.chars[start..self.at].iter().collect();
                    return Err(wrong(format!("unknown extension ?{what}"), opened + 1));
                }
            }
            if matches!(c, 'i' | 'm' | 's') {
                letters[usize::from(!on)].push(c);
            }
        }
        (group.verbose, group.multiline) = (flags.verbose, flags.multiline);
        let [on, off] = letters;
        let minus = if off.is_empty() { "" } else { "-" };
        self.out.push_str(&format!("(?{on}{minus}{off}:"));
        Ok(true)
    }

    fn close(&mut self) -> Result<(), Failure> {
        if self.groups.len() == 1 {
            return Err(wrong("unbalanced parenthesis", self.at));
        }
        self.at += 1;
        self.out.push(')');
        let Some(inner) = self.groups.pop() else { return Ok(()) };
        if let Some(closed) = inner.capture.and_then(|n| self.captures.get_mut(n)) {
            *closed = true;
        }
        let around = u32::from(inner.looks_around);
        let looks = inner.looks.saturating_add(u64::from(around));
        self.group().add(inner.size.saturating_add(1), looks, inner.height.saturating_add(around));
        Ok(())
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
