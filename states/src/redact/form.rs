//! One text in which a secret shows up, found whatever escapes a language puts around its letters.
//!
//! Which letters are escaped differs from language to language, and from version to version. So no escaped text is
//! built and looked for: each letter may stand for itself or in any of its escapes, whatever the others do.

use super::base64;

/// The longest run of backslashes (JSON within JSON doubles them) and of blanks after a line's end that is followed.
const LONGEST_RUN: usize = 64;

/// The letters of a secret, or of a code of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    letters: Vec<char>,
    /// Whether the letters are hexadecimal digits, of either case.
    any_case: bool,
    /// Whether the text may be broken into lines anywhere, as codes are.
    wrapped: bool,
}

/// What was found from one place on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Where the form ends.
    pub(super) end: Option<usize>,
    /// Whether the text ended before it was certain: more of it could make a form, or a longer one.
    pub(super) open: bool,
}

impl Form {
    /// Lists the forms of a secret: itself, hexadecimal, base64 at each alignment.
    pub(super) fn all(secret: &str) -> Vec<Self> {
        let code = |text: &str, any_case| Self { letters: text.chars().collect(), any_case, wrapped: true };
        let mut forms = vec![Self { letters: secret.chars().collect(), any_case: false, wrapped: false }];
        forms.push(code(&secret.bytes().map(|b| format!("{b:02x}")).collect::<String>(), true));
        let mut codes = vec![base64(secret.as_bytes())];
        for skip in 0..3 {
            // With `skip` unknown bytes before it, only the groups of four letters that hold nothing else are known.
            let mut padded = vec![0; skip];
            padded.extend_from_slice(secret.as_bytes());
            let whole = padded.len() / 3 * 3;
            let from = if skip == 0 { 0 } else { 4 };
            codes.extend(base64(&padded[..whole]).get(from..).filter(|c| c.len() >= 8).map(str::to_owned));
        }
        for text in codes {
            forms.push(code(&text.replace('+', "-").replace('/', "_"), false));
            forms.push(code(&text, false));
        }
        forms
    }

    /// Tells whether the form may begin with a byte.
    pub(super) fn begins_with(&self, byte: u8) -> bool {
        let Some(&first) = self.letters.first() else { return false };
        let mut buffer = [0; 4];
        let own = first.encode_utf8(&mut buffer).as_bytes()[0];
        byte == own
            || self.any_case && byte.eq_ignore_ascii_case(&own)
            || matches!(byte, b'%' | b'\\' | b'&')
            || byte == b'+' && first == ' '
            || byte == b'\r' && first == '\n'
    }

    /// Looks for the form from a place on; the two lists are scratch space.
    pub(super) fn at(&self, text: &[u8], from: usize, scratch: &mut [Vec<usize>; 2]) -> Found {
        let [places, next] = scratch;
        places.clear();
        places.push(from);
        let mut open = false;
        for (n, &letter) in self.letters.iter().enumerate() {
            next.clear();
            for &place in places.iter() {
                let place = if self.wrapped && n > 0 { after_break(text, place) } else { place };
                let mut step = Step { rest: &text[place..], place, next: &mut *next, open: &mut open };
                step.literal(letter, self.any_case);
                step.escapes(letter);
            }
            if next.is_empty() {
                return Found { end: None, open };
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(places, next);
        }
        Found { end: places.last().copied(), open }
    }
}

/// Skips a line break and the indentation after it, also one that is written as an escape.
fn after_break(text: &[u8], place: usize) -> usize {
    let rest = &text[place..];
    match rest.first() {
        Some(b'\n' | b'\r') => place + blanks(rest),
        Some(b'\\') if rest.starts_with(b"\\n") => place + 2,
        _ => place,
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take(LONGEST_RUN).take_while(|b| b.is_ascii_whitespace()).count()
}

/// One letter at one place.
struct Step<'a> {
    rest: &'a [u8],
    place: usize,
    next: &'a mut Vec<usize>,
    open: &'a mut bool,
}

impl Step<'_> {
    /// Notes where the letter ends if it stands here as `text`, `skip` bytes further on.
    fn expect(&mut self, skip: usize, text: &[u8], any_case: bool) {
        let rest = &self.rest[skip..];
        let shared = rest.len().min(text.len());
        let same = if any_case {
            rest[..shared].eq_ignore_ascii_case(&text[..shared])
        } else {
            rest[..shared] == text[..shared]
        };
        if same && shared == text.len() {
            self.next.push(self.place + skip + shared);
        } else if same {
            *self.open = true;
        }
    }

    fn literal(&mut self, letter: char, any_case: bool) {
        let mut buffer = [0; 4];
        self.expect(0, letter.encode_utf8(&mut buffer).as_bytes(), any_case);
    }

    fn escapes(&mut self, letter: char) {
        match self.rest.first() {
            Some(b'%') => self.expect(0, coded(letter, |b| format!("%{b:02x}")).as_bytes(), true),
            Some(b'+') if letter == ' ' => self.expect(0, b"+", false),
            Some(b'\\') => self.backslash(letter),
            Some(b'&') => self.html(letter),
            Some(b'\'') if letter == '\'' => {
                for text in ["''", "'\\''", "'\"'\"'"] {
                    self.expect(0, text.as_bytes(), false);
                }
            }
            Some(b'"') if letter == '"' => self.expect(0, b"\"\"", false),
            Some(b'\n' | b'\r') if letter == '\n' => {
                let run = blanks(self.rest);
                self.next.push(self.place + run);
                *self.open |= run == self.rest.len();
            }
            _ => {}
        }
    }

    /// JSON, YAML, Python, regular expressions, shells.
    fn backslash(&mut self, letter: char) {
        let run = self.rest.iter().take(LONGEST_RUN).take_while(|b| **b == b'\\').count();
        if run == self.rest.len() {
            *self.open = true;
        }
        if letter == '\\' {
            self.next.extend((1..=run).map(|n| self.place + n));
        } else if !letter.is_alphanumeric() {
            let mut buffer = [0; 4];
            self.expect(run, letter.encode_utf8(&mut buffer).as_bytes(), false);
        }
        if let Some(name) = named(letter) {
            self.expect(run, name.as_bytes(), false);
        }
        if !self.rest.get(run).is_some_and(|b| matches!(b, b'u' | b'U' | b'x' | b'X' | b'0'..=b'3')) {
            return;
        }
        let (point, slashes) = (u32::from(letter), "\\".repeat(run));
        let mut units = [0; 2];
        let units: Vec<String> =
            letter.encode_utf16(&mut units).iter().map(|u| format!("{slashes}u{u:04x}")).collect();
        let mut texts = vec![
            units.concat(),
            format!("{slashes}U{point:08x}"),
            format!("{slashes}u{{{point:x}}}"),
            coded(letter, |b| format!("{slashes}x{b:02x}")),
            coded(letter, |b| format!("{slashes}{b:03o}")),
        ];
        if point <= 0xff {
            texts.push(format!("{slashes}x{point:02x}"));
        }
        texts.iter().for_each(|text| self.expect(0, text.as_bytes(), true));
    }

    fn html(&mut self, letter: char) {
        let name = match letter {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            '"' => Some("&quot;"),
            '\'' => Some("&apos;"),
            _ => None,
        };
        if let Some(name) = name {
            self.expect(0, name.as_bytes(), true);
        }
        let point = u32::from(letter);
        for text in [format!("&#{point};"), format!("&#x{point:x};"), format!("&#x{point:02x};")] {
            self.expect(0, text.as_bytes(), true);
        }
    }
}

/// Writes each byte of a letter.
fn coded(letter: char, byte: impl Fn(u8) -> String) -> String {
    letter.encode_utf8(&mut [0; 4]).bytes().map(byte).collect()
}

/// Names a letter as it stands after a backslash.
fn named(letter: char) -> Option<&'static str> {
    Some(match letter {
        '\0' => "0",
        '\u{7}' => "a",
        '\u{8}' => "b",
        '\t' => "t",
        '\n' => "n",
        '\u{b}' => "v",
        '\u{c}' => "f",
        '\r' => "r",
        '\u{1b}' => "e",
        '\u{85}' => "N",
        '\u{a0}' => "_",
        '\u{2028}' => "L",
        '\u{2029}' => "P",
        _ => return None,
    })
}
