//! How versions are ordered: by Debian's rules, or by rpm's.

use std::cmp::Ordering;

/// Rules by which versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRules {
    /// `[epoch:]upstream[-revision]`, `~` before everything.
    Debian,
    /// `[epoch:]version[-release]`, `~` before everything, `^` after what it follows.
    Rpm,
}

impl VersionRules {
    /// Compares two versions.
    pub fn compare(self, a: &str, b: &str) -> Ordering {
        let ((a_epoch, a), (b_epoch, b)) = (epoch(a), epoch(b));
        let ((a, a_rev), (b, b_rev)) = (revision(a), revision(b));
        let by_epoch = a_epoch.cmp(&b_epoch);
        match self {
            Self::Debian => {
                // A missing revision is the revision 0.
                let rev = |r: Option<&str>| r.unwrap_or("0").to_owned();
                by_epoch.then_with(|| debian(a, b)).then_with(|| debian(&rev(a_rev), &rev(b_rev)))
            }
            Self::Rpm => by_epoch.then_with(|| rpm(a, b)).then_with(|| match (a_rev, b_rev) {
                (Some(a), Some(b)) => rpm(a, b),
                // Who names no release means any.
                _ => Ordering::Equal,
            }),
        }
    }

    /// Tells whether an installed version is the one that is asked for: with wildcards, and for rpm without a release.
    pub fn is(self, have: &str, wanted: &str) -> bool {
        if wanted.contains(['*', '?']) {
            return lab_proto::glob::matches(wanted, have);
        }
        have == wanted || (self == Self::Rpm && self.compare(have, wanted) == Ordering::Equal)
    }
}

fn epoch(version: &str) -> (u64, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => {
            (epoch.parse().unwrap_or(u64::MAX), rest)
        }
        _ => (0, version),
    }
}

fn revision(version: &str) -> (&str, Option<&str>) {
    version.rsplit_once('-').map_or((version, None), |(upstream, revision)| (upstream, Some(revision)))
}

/// Compares one part by Debian's rules: texts and numbers alternate.
fn debian(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (a_text, a_rest) = a.split_at(a.find(|c: char| c.is_ascii_digit()).unwrap_or(a.len()));
        let (b_text, b_rest) = b.split_at(b.find(|c: char| c.is_ascii_digit()).unwrap_or(b.len()));
        let texts = debian_text(a_text, b_text);
        if texts != Ordering::Equal {
            return texts;
        }
        let (a_number, a_next) = digits(a_rest);
        let (b_number, b_next) = digits(b_rest);
        let numbers = number(a_number, b_number);
        if numbers != Ordering::Equal || (a_next.is_empty() && b_next.is_empty()) {
            return numbers;
        }
        (a, b) = (a_next, b_next);
    }
}

fn debian_text(a: &str, b: &str) -> Ordering {
    // ~ before the end, the end before letters, letters before the rest.
    let weight = |c: Option<u8>| match c {
        Some(b'~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(c),
        Some(c) => i32::from(c) + 256,
    };
    let at = |text: &str, i: usize| text.as_bytes().get(i).copied();
    (0..=a.len().max(b.len()))
        .map(|i| weight(at(a, i)).cmp(&weight(at(b, i))))
        .find(|o| o.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Compares one part by rpm's rules: what is neither letter nor digit only separates.
fn rpm(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let skip = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
        (a, b) = (a.trim_start_matches(skip), b.trim_start_matches(skip));
        for (mark, with, without) in
            [('~', Ordering::Less, Ordering::Greater), ('^', Ordering::Greater, Ordering::Less)]
        {
            match (a.starts_with(mark), b.starts_with(mark)) {
                (true, true) => return rpm(&a[1..], &b[1..]),
                // What goes on after the end without ^ is newer than one with it.
                (true, false) if mark == '^' => return if b.is_empty() { with } else { without },
                (false, true) if mark == '^' => return if a.is_empty() { without } else { with },
                (true, false) => return with,
                (false, true) => return without,
                (false, false) => {}
            }
        }
        if a.is_empty() || b.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        let numeric = a.starts_with(|c: char| c.is_ascii_digit());
        if numeric != b.starts_with(|c: char| c.is_ascii_digit()) {
            return if numeric { Ordering::Greater } else { Ordering::Less };
        }
        let (a_part, a_rest, b_part, b_rest) = if numeric {
            let ((a_part, a_rest), (b_part, b_rest)) = (digits(a), digits(b));
            (a_part, a_rest, b_part, b_rest)
        } else {
            let ((a_part, a_rest), (b_part, b_rest)) = (letters(a), letters(b));
            (a_part, a_rest, b_part, b_rest)
        };
        let order = if numeric { number(a_part, b_part) } else { a_part.cmp(b_part) };
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn letters(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()))
}

/// Compares digits of any length.
fn number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each older than the next, as `dpkg --compare-versions` says.
    const DEBIAN: [&str; 14] = [
        "0~~",
        "0~~a",
        "0~",
        "0",
        "0a",
        "0+b1",
        "1.0~rc1-1",
        "1.0-1~deb12u1",
        "1.0-1",
        "1.0-1+b1",
        "1.0-10",
        "1.0.1-1",
        "1.10",
        "1:0.1",
    ];

    /// Each older than the next, as rpm's own tests say.
    const RPM: [&str; 12] = [
        "1.0~rc1",
        "1.0~rc2",
        "1.0",
        "1.0^20160101",
        "1.0^20160102",
        "1.0.1",
        "1.1a",
        "1.1.1",
        "2.0-1",
        "2.0-2",
        "2.0-10",
        "1:0.1",
    ];

    #[test]
    fn versions_are_ordered_as_the_managers_order_them() {
        for (rules, list) in [(VersionRules::Debian, &DEBIAN[..]), (VersionRules::Rpm, &RPM[..])] {
            for (i, a) in list.iter().enumerate() {
                for (j, b) in list.iter().enumerate() {
                    assert_eq!(rules.compare(a, b), i.cmp(&j), "{rules:?}: {a} and {b}");
                }
            }
        }
    }

    #[test]
    fn a_wanted_version_may_have_wildcards_and_for_rpm_no_release() {
        assert!(VersionRules::Debian.is("1.2-3", "1.2*") && !VersionRules::Debian.is("1.2-3", "1.2"));
        assert!(VersionRules::Rpm.is("1.2-3", "1.2") && !VersionRules::Rpm.is("1.2-3", "1.2-4"));
        assert!(VersionRules::Rpm.is("2:1.2-3", "2:1.2") && !VersionRules::Rpm.is("2:1.2-3", "1.2"));
    }

    proptest! {
        #[test]
        fn comparing_is_an_order(a in "[0-9a.~+:-]{0,8}", b in "[0-9a.~+:-]{0,8}", c in "[0-9a.~+:-]{0,8}") {
            let cmp = |x: &str, y: &str| VersionRules::Debian.compare(x, y);
            prop_assert_eq!(cmp(&a, &a), Ordering::Equal);
            prop_assert_eq!(cmp(&a, &b), cmp(&b, &a).reverse());
            if cmp(&a, &b).is_le() && cmp(&b, &c).is_le() {
                prop_assert!(cmp(&a, &c).is_le());
            }
        }

        #[test]
        fn rpm_compares_both_ways_alike(a in "[0-9a.~^-]{0,8}", b in "[0-9a.~^-]{0,8}") {
            let cmp = |x: &str, y: &str| VersionRules::Rpm.compare(x, y);
            prop_assert_eq!(cmp(&a, &b), cmp(&b, &a).reverse());
        }
    }
}
