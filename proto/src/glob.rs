//! Shell wildcards as Python's `fnmatch` has them, which is what Salt targets and event tags use:
//! `*` (also across `/`), `?`, `[seq]`, `[!seq]`; case matters.

/// Tells whether `text` as a whole matches `pattern`.
///
/// Runs in time proportional to the product of both lengths, whatever the pattern.
pub fn matches(pattern: &str, text: &str) -> bool {
    // Most patterns begin with plain text, which most texts do not.
    let plain = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    let (Some(text), pattern) = (text.strip_prefix(&pattern[..plain]), &pattern[plain..]) else {
        return false;
    };
    match pattern {
        "" => return text.is_empty(),
        "*" => return true,
        _ => {}
    }
    let p: Vec<char> = pattern.chars().collect();
    let t: Vec<char> = text.chars().collect();
    let (mut pi, mut ti) = (0, 0);
    // Where to go on after the last `*` when what follows it does not fit: one character further.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pi < p.len() && p[pi] == '*' {
            retry = Some((pi + 1, ti));
            pi += 1;
            continue;
        }
        if ti == t.len() {
            return p[pi..].iter().all(|&c| c == '*');
        }
        match one(&p, pi, t[ti]) {
            Some(next) => {
                pi = next;
                ti += 1;
            }
            None => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    pi = after_star;
                    ti = from + 1;
                }
                None => return false,
            },
        }
    }
}

/// Tells whether `pattern` has any wildcard.
pub fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// Matches one character at `pi`; returns where the pattern goes on.
fn one(p: &[char], pi: usize, c: char) -> Option<usize> {
    match *p.get(pi)? {
        '?' => Some(pi + 1),
        '[' => match class(p, pi, c) {
            Some((hit, next)) => hit.then_some(next),
            None => (c == '[').then_some(pi + 1), // an unclosed bracket is a plain character
        },
        plain => (plain == c).then_some(pi + 1),
    }
}

fn class(p: &[char], start: usize, c: char) -> Option<(bool, usize)> {
    let negated = p.get(start + 1) == Some(&'!');
    let first = start + 1 + usize::from(negated);
    // A `]` that comes first is a member of the class.
    let close = (first + 1..p.len()).find(|&i| p[i] == ']')?;
    let mut i = first;
    let mut hit = false;
    while i < close {
        if i + 2 < close && p[i + 1] == '-' {
            hit |= p[i] <= c && c <= p[i + 2];
            i += 3;
        } else {
            hit |= p[i] == c;
            i += 1;
        }
    }
    Some((hit != negated, close + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    #[test]
    fn agrees_with_fnmatch() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("salt/minion/*/start", "salt/minion/00:00:00:11:11:11/start", true),
            ("salt/*", "salt/job/1/ret/web1", true),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[", "[", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "aXXbYY", false),
            ("Web", "web", false),
            ("web", "web1", false),
            ("web1", "web", false),
            ("", "", true),
            ("", "a", false),
            ("ü*", "über", true),
            ("ü*", "ü", true),
            ("üb[a-e]r", "über", true),
            ("a*", "ba", false),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} on {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_without_wildcards_matches_itself(text in "[a-z/:.0-9]{0,40}") {
            prop_assert!(matches(&text, &text));
            prop_assert!(matches("*", &text));
        }

        #[test]
        fn never_panics(pattern in ".{0,40}", text in ".{0,40}") {
            let _ = matches(&pattern, &text);
        }
    }
}
