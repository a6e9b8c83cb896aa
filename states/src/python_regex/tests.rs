use super::*;

fn sub(pattern: &str, with: &str, text: &str) -> Result<String, String> {
    let pattern = Pattern::new(pattern, Flags::default(), Anchor::None).map_err(|e| e.to_string())?;
    let template = Template::new(with, &pattern)?;
    let mut meter = Meter::new(TEMPLATES, u64::MAX);
    let replaced = pattern.replace(text, 0, &mut meter, |found, out| template.expand(found, out));
    replaced.map(|(text, _)| text).map_err(|e| e.to_string())
}

fn found(pattern: &str, text: &str) -> Result<bool, Failure> {
    let pattern = Pattern::new(pattern, Flags::default(), Anchor::None)?;
    Ok(pattern.find(text, &mut Meter::new(TEMPLATES, u64::MAX))?.is_some())
}

/// The answers are those of Python 3.11.
#[test]
fn matches_are_replaced_as_python_replaces_them() {
    for (pattern, with, text, want) in [
        ("o*", "x", "foo", "xfxx"),
        ("", "-", "äb", "-ä-b-"),
        ("a(?=a)", "b", "aaa", "bba"),
        (r"(a)\1", r"<\g<1>>", "aaa", "<a>a"),
        ("(?P<n>a)(?P=n)", r"<\g<n>>", "aaa", "<a>a"),
        ("b$", "x", "ab\n", "ax\n"),
        ("b$", "x", "b\nb\n", "b\nx\n"),
        ("(?im)B$", "x", "b\nb\n", "x\nx\n"),
        ("(?sm)b$", "x", "b\nb\n", "x\nx\n"),
        ("(?x) b $ # end", "x", "b\nb\n", "b\nx\n"),
        (r"[$]b\$", "x", "$b$\n", "x\n"),
        ("[]$]", "x", "a]$\n", "axx\n"),
        ("[^]$]", "x", "a]$", "x]$"),
        (r"b\Z", "x", "ab\n", "ab\n"),
        (r"a\\Z", "x", r"a\Z", "x"),
        (r"\<a\>", "x", "a <a>", "a x"),
        ("[[&&~~a-]", "x", "[b&~-a", "xbxxxx"),
        ("a{,2}b{x}", "y", "aab{x}", "y"),
        (r"[\b\x41\012\]]", "x", "\u{8}A\n]b", "xxxxb"),
        ("a|b", r"\0", "ab", "\0\0"),
        ("a", r"\012\101\b", "a", "\nA\u{8}"),
        ("(a)?b", r"[\1]", "b", "[]"),
    ] {
        assert_eq!(sub(pattern, with, text).as_deref(), Ok(want), "{pattern} in {text:?}");
    }
}

#[test]
fn what_python_refuses_is_refused() {
    for pattern in [
        "(", "a)b(c", r"\h", r"\R", r"\K", r"\G", r"\z", r"\e", r"\pL", "(?<n>a)", "(?~a)", "a**", "*a",
        "[a", r"a\", r"[\Z]", "a(?i)b", "(?P<n", r"\400", r"\x4", r"(a)\2",
    ] {
        let failure = Pattern::new(pattern, Flags::default(), Anchor::None).expect_err(pattern);
        assert!(!failure.is_bound(), "{pattern}: {failure}");
    }
    let failure = Pattern::new("web(", Flags::default(), Anchor::Start).expect_err("unclosed");
    assert_eq!(failure.to_string(), "missing ), unterminated subpattern at position 3");
    // As Python 3.10 says it.
    for (pattern, said) in [
        (r"(a)\2", "invalid group reference 2 at position 4"),
        (r"(?:a)\1", "invalid group reference 1 at position 6"),
        (r"(a\1)", "cannot refer to an open group at position 2"),
        ("(?P=x)", "unknown group name 'x' at position 4"),
        ("(?P<x>a(?P=x))", "cannot refer to an open group at position 11"),
        ("(?P<n>a)(?P<n>b)", "redefinition of group name 'n' as group 2; was group 1 at position 12"),
        ("(?(5)a|b)", "invalid group reference 5 at position 3"),
        ("(?(0)a|b)", "bad group number at position 3"),
        ("(?(x)a|b)", "unknown group name 'x' at position 3"),
        ("(?P<1a>x)", "bad character in group name '1a' at position 4"),
        ("(?(1a)x)", "bad character in group name '1a' at position 3"),
        ("(?P<5>x)", "bad character in group name '5' at position 4"),
        ("a{2,1}", "min repeat greater than max repeat at position 2"),
        ("(", "missing ), unterminated subpattern at position 0"),
        ("a**", "multiple repeat at position 2"),
    ] {
        let failure = Pattern::new(pattern, Flags::default(), Anchor::None).expect_err(pattern);
        assert_eq!(failure.to_string(), said, "{pattern}");
    }
    for pattern in ["(?(1)a|b)(c)", r"(?=(a))\1", "(?P<n>a)(?(n)b)"] {
        let read = Pattern::new(pattern, Flags::default(), Anchor::None).expect(pattern);
        read.find("abc", &mut Meter::new(TEMPLATES, u64::MAX)).expect(pattern);
    }
    for with in [r"\1", r"\g<9>", r"\g<nope>", r"\g<1", r"\q", r"\400", "\\"] {
        assert!(sub("a", with, "b").is_err(), "{with}");
    }
}

#[test]
fn what_turns_back_is_bounded() {
    // Every place looks at all of the text, and no turn is counted where all goes well.
    for pattern in ["(?=.*z)a", "(?:(?=.*z)a)*", "(?:(?=(?:(?=.*z)a)*)a)*"] {
        let failure = found(pattern, &"a".repeat(1 << 20)).expect_err(pattern);
        assert!(matches!(failure, Failure::TooLong { .. }), "{pattern}: {failure}");
    }
    assert_eq!(found(r"^(?:a|aa)+(?!x)b", &("a".repeat(5000) + "!b")), Err(Failure::TooHard));
    let many = ("a".repeat(20) + "b").repeat(300);
    assert_eq!(sub("(?:(?:a|aa)+(?!x)c|a+b)", "", &many), Err(Failure::TooHard.to_string()));
    // A repetition with a count repeats what looks around.
    let failure = found("(?:(?:a?(?=.*z)){1000}){1000}", "aaa").expect_err("much");
    assert!(failure.is_bound(), "{failure}");
    assert_eq!(found("(a{1000}){1000}", ""), Err(Failure::TooBig));
    // What is usual fits.
    assert_eq!(found("(?=.*z)a", &("a".repeat(4000) + "z")), Ok(true));
    assert_eq!(sub("(?<=a)b", "c", &"ab".repeat(1000)), Ok("ac".repeat(1000)));
}

#[test]
fn what_runs_in_linear_time_is_charged_for() {
    let pattern = Pattern::new(".*z|a", Flags::default(), Anchor::None).expect("a pattern");
    let mut meter = Meter::new(TEMPLATES, 1 << 24);
    let text = "a".repeat(1 << 16);
    let refused = pattern.replace(&text, 0, &mut meter, |_, out| out.push('b'));
    assert_eq!(refused, Err(Failure::Exhausted));
    assert!(meter.spent() > 1 << 23);
}

proptest::proptest! {
    #[test]
    fn the_place_of_an_error_is_in_the_pattern(
        pattern in r"[a-z0-9(){}\[\]*+?|.^$\\P<>=:!,#é -]{0,14}", flags in 0_u8..16, anchor in 0..3_usize,
    ) {
        let flag = |bit: u8| flags & bit != 0;
        let flags = Flags { ignore_case: flag(1), multiline: flag(2), dot_all: flag(4), verbose: flag(8) };
        let anchor = [Anchor::None, Anchor::Start, Anchor::Whole][anchor];
        let read = Pattern::new(&pattern, flags, anchor);
        if let Ok(pattern) = &read {
            // Whatever is read can be looked for.
            let _ = pattern.find("a1 b", &mut Meter::new(TEMPLATES, u64::MAX));
        }
        if let Err(failure) = read {
            let said = failure.to_string();
            let at = said.rsplit_once("position ").and_then(|(_, at)| at.parse::<usize>().ok());
            // The end is a place, too: Python's, for what is missing there.
            proptest::prop_assert!(at.is_none_or(|at| at <= pattern.chars().count()), "{pattern:?}: {said}");
        }
    }
}
