//! Cuts a template into tokens, with Jinja's white space control.

use super::ast::Pos;
use super::error::Fault;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tok {
    Data(String),
    BlockBegin,
    BlockEnd,
    PrintBegin,
    PrintEnd,
    Name(String),
    Str(String),
    Int(i128),
    Float(f64),
    Op(&'static str),
    End,
}

impl Tok {
    /// Describes the token as Jinja does in its errors.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Data(_) => "template data".to_owned(),
            Self::BlockBegin => "begin of statement block".to_owned(),
            Self::BlockEnd => "end of statement block".to_owned(),
            Self::PrintBegin => "begin of print statement".to_owned(),
            Self::PrintEnd => "end of print statement".to_owned(),
            Self::Name(n) => n.clone(),
            Self::Str(s) => s.clone(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => crate::render::python::float(*f),
            Self::Op(op) => (*op).to_owned(),
            Self::End => "end of template".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub tok: Tok,
    pub pos: Pos,
}

/// Longest first, so that `//` is not read as two `/`.
const OPERATORS: [&str; 25] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
    "=", ".", ":", "|", ",",
];

/// Cuts a template; its last newline is dropped, as Jinja does.
pub(super) fn tokenize(source: &str) -> Result<Vec<Token>, Fault> {
    let mut text = source.replace("\r\n", "\n").replace('\r', "\n");
    if text.ends_with('\n') {
        text.pop();
    }
    let mut lexer = Lexer { text: &text, at: 0, pos: Pos { line: 1, column: 1 }, tokens: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    pos: Pos,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn advance(&mut self, bytes: usize) -> &'t str {
        let taken = &self.text[self.at..self.at + bytes];
        for c in taken.chars() {
            if c == '\n' {
                self.pos.line += 1;
                self.pos.column = 1;
            } else {
                self.pos.column += 1;
            }
        }
        self.at += bytes;
        taken
    }

    fn push(&mut self, tok: Tok, pos: Pos) {
        self.tokens.push(Token { tok, pos });
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let space = rest.len() - rest.trim_start().len();
        self.advance(space);
    }

    fn run(&mut self) -> Result<(), Fault> {
        while !self.rest().is_empty() {
            let rest = self.rest();
            let Some(open) = first_tag(rest) else {
                self.data(rest.len(), false);
                break;
            };
            let strips = rest[open + 2..].starts_with('-');
            self.data(open, strips);
            let kind = &self.rest()[1..2];
            match kind {
                "#" => self.comment()?,
                "%" => self.block()?,
                _ => self.print()?,
            }
        }
        let pos = self.pos;
        self.push(Tok::End, pos);
        Ok(())
    }

    fn data(&mut self, len: usize, strip_end: bool) {
        let pos = self.pos;
        let text = self.advance(len);
        let text = if strip_end { text.trim_end() } else { text };
        if !text.is_empty() {
            self.push(Tok::Data(text.to_owned()), pos);
        }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let pos = self.pos;
        let Some(end) = self.rest()[2..].find("#}") else {
            return Err(Fault::syntax("missing end of comment tag").at(pos).suggest("close it with #}"));
        };
        let body = self.advance(2 + end + 2);
        if body.len() > 4 && body.ends_with("-#}") {
            self.skip_space();
        }
        Ok(())
    }

    fn print(&mut self) -> Result<(), Fault> {
        let pos = self.pos;
        self.advance(2);
        self.marker();
        self.push(Tok::PrintBegin, pos);
        self.code("}}", Tok::PrintEnd, pos)
    }

    fn block(&mut self) -> Result<(), Fault> {
        if let Some(length) = raw_open(self.rest()) {
            return self.raw(length);
        }
        let pos = self.pos;
        self.advance(2);
        self.marker();
        self.push(Tok::BlockBegin, pos);
        self.code("%}", Tok::BlockEnd, pos)
    }

    /// Skips the sign of white space control after an opening delimiter.
    fn marker(&mut self) {
        if self.rest().starts_with(['-', '+']) {
            self.advance(1);
        }
    }

    fn raw(&mut self, opening: usize) -> Result<(), Fault> {
        let pos = self.pos;
        let opened = self.advance(opening);
        if opened.ends_with("-%}") {
            self.skip_space();
        }
        let rest = self.rest();
        let end = rest.match_indices("{%").find_map(|(at, _)| raw_close(&rest[at..]).map(|len| (at, len)));
        let Some((at, len)) = end else {
            return Err(Fault::syntax("missing end of raw directive")
                .at(pos)
                .suggest("close it with {% endraw %}"));
        };
        let strips = rest[at + 2..].starts_with('-');
        self.data(at, strips);
        if self.advance(len).ends_with("-%}") {
            self.skip_space();
        }
        Ok(())
    }

    fn code(&mut self, close: &str, end: Tok, opened: Pos) -> Result<(), Fault> {
        let mut brackets: Vec<(char, Pos)> = Vec::new();
        loop {
            self.skip_space();
            let rest = self.rest();
            let pos = self.pos;
            if rest.is_empty() {
                return Err(Fault::syntax(format!("unexpected end of template, expected '{close}'"))
                    .at(opened)
                    .suggest(format!("close the tag with {close}")));
            }
            if brackets.is_empty() {
                let stripping = format!("-{close}");
                if rest.starts_with(&stripping) {
                    self.advance(3);
                    self.push(end, pos);
                    self.skip_space();
                    return Ok(());
                }
                let marked = usize::from(close == "%}" && rest.starts_with("+%}"));
                if rest[marked..].starts_with(close) {
                    self.advance(marked + 2);
                    self.push(end, pos);
                    return Ok(());
                }
            }
            self.token(&mut brackets)?;
        }
    }

    fn token(&mut self, brackets: &mut Vec<(char, Pos)>) -> Result<(), Fault> {
        let pos = self.pos;
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_ascii_digit() {
            return self.number(pos);
        }
        if first.is_alphanumeric() || first == '_' {
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let name = self.advance(len).to_owned();
            self.push(Tok::Name(name), pos);
            return Ok(());
        }
        if first == '"' || first == '\'' {
            return self.string(first, pos);
        }
        let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(**op)) else {
            return Err(Fault::syntax(format!(
                "unexpected char {}",
                crate::render::python::quoted(&first.to_string())
            ))
            .at(pos));
        };
        match first {
            '(' | '[' | '{' => brackets.push((first, pos)),
            ')' | ']' | '}' => {
                let expected = match brackets.pop() {
                    Some(('(', _)) => ')',
                    Some(('[', _)) => ']',
                    Some(_) => '}',
                    None => return Err(Fault::syntax(format!("unexpected '{first}'")).at(pos)),
                };
                if expected != first {
                    return Err(Fault::syntax(format!("unexpected '{first}', expected '{expected}'")).at(pos));
                }
            }
            _ => {}
        }
        self.advance(op.len());
        self.push(Tok::Op(op), pos);
        Ok(())
    }

    fn number(&mut self, pos: Pos) -> Result<(), Fault> {
        let rest = self.rest();
        let bad = |text: &str| Fault::syntax(format!("'{text}' is no number that fits")).at(pos);
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if rest.get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix)) {
                let len =
                    rest[2..].find(|c: char| !c.is_digit(radix) && c != '_').map_or(rest.len(), |n| n + 2);
                let text = self.advance(len);
                let value =
                    i128::from_str_radix(&text[2..].replace('_', ""), radix).map_err(|_| bad(text))?;
                self.push(Tok::Int(value), pos);
                return Ok(());
            }
        }
        let digits = |s: &str| s.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(s.len());
        let mut len = digits(rest);
        let mut float = false;
        // Behind a dot a number is an index: `a.0.1`.
        let index = self.text[..self.at].ends_with('.');
        let dotted = !index
            && rest[len..].strip_prefix('.').is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
        if dotted {
            float = true;
            len += 1 + digits(&rest[len + 1..]);
        }
        if !index && rest[len..].starts_with(['e', 'E']) {
            let after = &rest[len + 1..];
            let sign = usize::from(after.starts_with(['+', '-']));
            let exponent = digits(&after[sign..]);
            if exponent > 0 {
                float = true;
                len += 1 + sign + exponent;
            }
        }
        if !float && rest.starts_with('0') {
            // No integer but zero begins with one: what follows is the next token.
            len = rest.find(|c| c != '0' && c != '_').unwrap_or(rest.len());
        }
        let text = self.advance(len);
        let plain = text.replace('_', "");
        let tok = if float {
            Tok::Float(plain.parse().map_err(|_| bad(text))?)
        } else {
            Tok::Int(plain.parse().map_err(|_| bad(text))?)
        };
        self.push(tok, pos);
        Ok(())
    }

    fn string(&mut self, quote: char, pos: Pos) -> Result<(), Fault> {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let Some((end, _)) = end else {
            return Err(Fault::syntax(format!("unexpected char {quote:?}, the string is not closed")).at(pos));
        };
        let raw = self.advance(end + 1);
        let text = unescape(&raw[1..raw.len() - 1]).map_err(|m| Fault::syntax(m).at(pos))?;
        self.push(Tok::Str(text), pos);
        Ok(())
    }
}

/// Finds where the next tag opens.
pub(super) fn first_tag(text: &str) -> Option<usize> {
    let opens = |at: &usize| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#'));
    text.match_indices('{').map(|(at, _)| at).find(opens)
}

/// Returns the length of `{% raw %}` when the text starts with it.
fn raw_open(text: &str) -> Option<usize> {
    raw_tag(text, "raw")
}

fn raw_close(text: &str) -> Option<usize> {
    raw_tag(text, "endraw")
}

fn raw_tag(text: &str, word: &str) -> Option<usize> {
    let inner = text.strip_prefix("{%")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).trim_start();
    let inner = inner.strip_prefix(word)?.trim_start();
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner).strip_prefix("%}")?;
    Some(text.len() - inner.len())
}

/// Resolves the escapes of a Python string literal; an unknown one stays as it is.
fn unescape(raw: &str) -> Result<String, String> {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let simple = match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('v') => '\u{b}',
            Some('\n') => continue,
            Some(q @ ('\\' | '\'' | '"')) => q,
            Some(kind @ ('x' | 'u' | 'U')) => {
                let width = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let digits: String = chars.by_ref().take(width).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == width);
                code.and_then(char::from_u32)
                    .ok_or_else(|| format!("bad escape \\{kind}{digits} in a string"))?
            }
            Some(first @ '0'..='7') => {
                let mut code = first as u32 - '0' as u32;
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    chars.next();
                }
                char::from_u32(code).unwrap_or('?')
            }
            Some(other) => {
                out.push('\\');
                other
            }
            None => '\\',
        };
        out.push(simple);
    }
    Ok(out)
}
