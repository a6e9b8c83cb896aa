//! One-line entries of apt: `deb [arch=amd64 signed-by=/k.asc] http://host/debian suite main contrib`.

use crate::function::StateError;

/// One repository, however it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// `deb` or `deb-src`.
    pub(super) kind: String,
    /// Options with their values, in order.
    pub(super) options: Vec<(String, String)>,
    pub(super) uri: String,
    pub(super) suite: String,
    pub(super) components: Vec<String>,
    pub(super) disabled: bool,
}

impl Source {
    /// Reads an entry; `None` for what is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let (disabled, body) = match line.strip_prefix('#') {
            Some(rest) => (true, rest.trim_start_matches('#').trim()),
            None => (false, line),
        };
        let body = body.split(" #").next().unwrap_or(body);
        let (kind, rest) = body.split_once(char::is_whitespace)?;
        if !["deb", "deb-src"].contains(&kind) {
            return None;
        }
        let rest = rest.trim();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inside) => {
                let (options, rest) = inside.split_once(']')?;
                let pairs = options.split_whitespace().map(|o| o.split_once('=').unwrap_or((o, "")));
                (pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(), rest)
            }
            None => (Vec::new(), rest),
        };
        let mut words = rest.split_whitespace().map(str::to_owned);
        let (uri, suite) = (words.next()?, words.next()?);
        // A comment in words may begin with "deb", too.
        if !uri.contains(':') {
            return None;
        }
        Some(Self { kind: kind.to_owned(), options, uri, suite, components: words.collect(), disabled })
    }

    /// Reads the name of a state.
    pub(super) fn of_name(name: &str) -> Result<Self, StateError> {
        let found = Self::parse(name).filter(|s| !s.disabled);
        found.ok_or_else(|| {
            StateError::failed(format!(
                "{name:?} is no repository of apt (it looks like 'deb http://deb.example/debian bookworm main')"
            ))
        })
    }

    pub(super) fn print(&self) -> String {
        let Self { kind, options, uri, suite, components, disabled } = self;
        let mut line = if *disabled { format!("# {kind}") } else { kind.clone() };
        if !options.is_empty() {
            let pairs: Vec<String> = options.iter().map(|(k, v)| format!("{k}={v}")).collect();
            line.push_str(&format!(" [{}]", pairs.join(" ")));
        }
        [uri, suite].into_iter().chain(components).for_each(|word| {
            line.push(' ');
            line.push_str(word);
        });
        line
    }

    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn set_option(&mut self, name: &str, value: &str) {
        match self.options.iter_mut().find(|(k, _)| k == name) {
            Some((_, have)) => value.clone_into(have),
            None => self.options.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Tells whether both are about the same place and suite for the same architectures.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        let place = |s: &Self| {
            (s.kind.clone(), s.uri.trim_end_matches('/').to_owned(), s.suite.clone(), s.architectures())
        };
        place(self) == place(other)
    }

    /// Tells whether both say the same, in whatever order.
    pub(super) fn says(&self, other: &Self) -> bool {
        let sorted = |s: &Self| {
            let (mut options, mut components) = (s.options.clone(), s.components.clone());
            options.sort();
            components.sort();
            (options, components, s.disabled)
        };
        self.is_same_place(other) && sorted(self) == sorted(other)
    }

    fn architectures(&self) -> Vec<String> {
        let mut all: Vec<String> = self
            .option("arch")
            .unwrap_or_default()
            .split(',')
            .filter(|a| !a.is_empty())
            .map(str::to_owned)
            .collect();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_are_read_and_written() {
        let line = "deb [arch=amd64 signed-by=/k.asc] http://h/debian bookworm main contrib";
        let source = Source::parse(line).unwrap();
        assert_eq!(source.option("signed-by"), Some("/k.asc"));
        assert_eq!(source.components, ["main", "contrib"]);
        assert_eq!(source.print(), line);
        let off = Source::parse("# deb-src http://h/debian bookworm main # off").unwrap();
        assert_eq!((off.disabled, off.print().as_str()), (true, "# deb-src http://h/debian bookworm main"));
        for none in
            ["", "# deb packages are here", "rpm http://h x", "deb http://h", "debian http://h x main"]
        {
            assert_eq!(Source::parse(none), None, "{none}");
        }
        assert!(Source::of_name("ppa:x/y").is_err());
    }

    #[test]
    fn order_and_slashes_make_no_difference_and_architectures_do() {
        let of = |line: &str| Source::parse(line).unwrap();
        assert!(of("deb http://h/d s b a").says(&of("deb http://h/d/ s a b")));
        assert!(!of("deb http://h/d s a").says(&of("deb http://h/d s a b")));
        assert!(!of("deb [arch=i386] http://h/d s a").is_same_place(&of("deb http://h/d s a")));
    }

    proptest! {
        #[test]
        fn any_line_is_an_entry_or_none(line in ".{0,60}") {
            if let Some(source) = Source::parse(&line) {
                prop_assert_eq!(Source::parse(&source.print()), Some(source));
            }
        }
    }
}
