//! Replacements as Python's `re.sub` reads them: `\1`, `\g<1>`, `\g<name>`, and escapes such as `\n`.

use super::{Found, Pattern};

/// A replacement that was read for one pattern.
#[derive(Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a replacement; what is wrong with it comes as a text.
    pub(crate) fn new(source: &str, pattern: &Pattern) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(at) = rest.find('\\') {
            parts.push(Part::Text(rest[..at].to_owned()));
            let (part, tail) = escape(&rest[at + 1..], pattern)?;
            parts.push(part);
            rest = tail;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// Writes what takes the place of a match.
    pub(crate) fn expand(&self, found: &Found<'_>, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(index) => out.push_str(found.get(*index).unwrap_or("")),
            }
        }
    }
}

/// Reads what follows a backslash.
fn escape<'s>(rest: &'s str, pattern: &Pattern) -> Result<(Part, &'s str), String> {
    if let Some(name) = rest.strip_prefix("g<") {
        let (name, tail) = name.split_once('>').ok_or("\\g< without >")?;
        let named = || pattern.names().iter().position(|n| n.as_deref() == Some(name));
        let index = name.parse::<usize>().ok().filter(|i| *i < pattern.names().len());
        let index = index.or_else(named).ok_or_else(|| no_group(&format!("\\g<{name}>")))?;
        return Ok((Part::Group(index), tail));
    }
    let Some(c) = rest.chars().next() else { return Err("a single backslash at the end".to_owned()) };
    let tail = &rest[c.len_utf8()..];
    let octals = rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    if c == '0' || octals == 3 {
        let code = u32::from_str_radix(&rest[..octals], 8).unwrap_or(0);
        let character = char::from_u32(code).filter(|_| code <= 0o377);
        let character = character.ok_or_else(|| format!("the octal escape \\{}", &rest[..octals]))?;
        return Ok((Part::Text(character.to_string()), &rest[octals..]));
    }
    if c.is_ascii_digit() {
        let length = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let index = rest[..length].parse::<usize>().ok().filter(|i| *i < pattern.names().len());
        let index = index.ok_or_else(|| no_group(&format!("\\{}", &rest[..length])))?;
        return Ok((Part::Group(index), &rest[length..]));
    }
    let text = match c {
        'n' => "\n",
        't' => "\t",
        'r' => "\r",
        'a' => "\u{7}",
        'b' => "\u{8}",
        'f' => "\u{c}",
        'v' => "\u{b}",
        '\\' => "\\",
        c if c.is_ascii_alphabetic() => return Err(format!("the escape \\{c}, which has no meaning,")),
        other => return Ok((Part::Text(format!("\\{other}")), tail)),
    };
    Ok((Part::Text(text.to_owned()), tail))
}

fn no_group(which: &str) -> String {
    format!("group {which}, which the pattern does not have,")
}
