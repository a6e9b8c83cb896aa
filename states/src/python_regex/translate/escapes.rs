//! Escapes, back references and character sets.

use super::{Failure, Reader, wrong};

impl Reader {
    pub(super) fn escape(&mut self) -> Result<(), Failure> {
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

    pub(super) fn class(&mut self) -> Result<(), Failure> {
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
}
