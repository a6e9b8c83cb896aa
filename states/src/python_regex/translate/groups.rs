//! What stands in parentheses: groups, look-around, conditions and flags.

use super::{Failure, Flags, Group, Reader, is_number, wrong};

impl Reader {
    pub(super) fn open(&mut self) -> Result<(), Failure> {
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

    pub(super) fn close(&mut self) -> Result<(), Failure> {
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
}
