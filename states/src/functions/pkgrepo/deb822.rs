//! `.sources` files of apt: stanzas of `Field: value` lines.

use super::apt::Source;

/// A file of stanzas. What belongs to none (comments before the first) is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sources(Vec<Stanza>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stanza {
    lines: Vec<String>,
}

impl Sources {
    pub(super) fn parse(text: &str) -> Self {
        let mut stanzas = Vec::new();
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines() {
            if line.trim().is_empty() {
                if !lines.is_empty() {
                    stanzas.push(Stanza { lines: std::mem::take(&mut lines) });
                }
            } else {
                lines.push(line.to_owned());
            }
        }
        if !lines.is_empty() {
            stanzas.push(Stanza { lines });
        }
        Self(stanzas)
    }

    pub(super) fn print(&self) -> String {
        let text: Vec<String> = self.0.iter().map(|s| format!("{}\n", s.lines.join("\n"))).collect();
        text.join("\n")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|s| s.lines.iter().all(|l| l.starts_with('#')))
    }

    /// Returns the entry of the same place, if there is one.
    pub(super) fn find(&self, wanted: &Source) -> Option<Source> {
        self.0.iter().filter_map(Stanza::source).find(|s| s.is_same_place(wanted))
    }

    /// Writes an entry in place of the one of the same place, or at the end.
    pub(super) fn set(&mut self, wanted: &Source) {
        let place = self.0.iter_mut().find(|s| s.source().is_some_and(|s| s.is_same_place(wanted)));
        match place {
            Some(stanza) => stanza.set(wanted),
            None => {
                let mut stanza = Stanza { lines: Vec::new() };
                stanza.set(wanted);
                self.0.push(stanza);
            }
        }
    }

    /// Removes the entry of the same place.
    pub(super) fn remove(&mut self, wanted: &Source) {
        self.0.retain(|s| !s.source().is_some_and(|s| s.is_same_place(wanted)));
    }
}

/// Fields of a stanza, and the options of a line that they are.
const OPTIONS: [(&str, &str); 5] = [
    ("Architectures", "arch"),
    ("Signed-By", "signed-by"),
    ("Trusted", "trusted"),
    ("Languages", "lang"),
    ("Check-Valid-Until", "check-valid-until"),
];

impl Stanza {
    fn field(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|l| {
            let (key, value) = l.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Reads a stanza of one kind, one place and one suite.
    fn source(&self) -> Option<Source> {
        let one =
            |name: &str| self.field(name).filter(|v| !v.contains(' ') && !v.is_empty()).map(str::to_owned);
        let option = |(field, option): &(&str, &str)| {
            let value = self.field(field)?.split_whitespace().collect::<Vec<_>>().join(",");
            Some(((*option).to_owned(), value))
        };
        Some(Source {
            kind: one("Types")?,
            uri: one("URIs")?,
            suite: one("Suites")?,
            components: self
                .field("Components")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            options: OPTIONS.iter().filter_map(option).collect(),
            disabled: self
                .field("Enabled")
                .is_some_and(|v| v.eq_ignore_ascii_case("no") || v.eq_ignore_ascii_case("false")),
        })
    }

    fn set(&mut self, source: &Source) {
        let Source { kind, options: _, uri, suite, components, disabled } = source;
        let components = components.join(" ");
        let enabled = if *disabled { "no" } else { "yes" };
        let mut fields = vec![
            ("Types", Some(kind.clone())),
            ("URIs", Some(uri.clone())),
            ("Suites", Some(suite.clone())),
            ("Components", Some(components).filter(|c| !c.is_empty())),
            ("Enabled", (*disabled || self.field("Enabled").is_some()).then(|| enabled.to_owned())),
        ];
        fields.extend(
            OPTIONS.map(|(field, option)| (field, source.option(option).map(|v| v.replace(',', " ")))),
        );
        for (field, value) in fields {
            let at = self
                .lines
                .iter()
                .position(|l| l.split_once(':').is_some_and(|(k, _)| k.eq_ignore_ascii_case(field)));
            match (at, value) {
                (Some(at), Some(value)) => self.lines[at] = format!("{field}: {value}"),
                (Some(at), None) => drop(self.lines.remove(at)),
                (None, Some(value)) => self.lines.push(format!("{field}: {value}")),
                (None, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Debian\n\nTypes: deb\nURIs: http://h/debian\nSuites: bookworm\nComponents: main\n\
                        Signed-By: /usr/share/keyrings/d.gpg\nX-Mine: kept\n\nTypes: deb deb-src\nURIs: http://o\nSuites: x\n";

    #[test]
    fn an_entry_is_changed_where_it_stands() {
        let mut sources = Sources::parse(TEXT);
        assert_eq!(sources.print(), TEXT);
        let mut wanted = Source::parse("deb http://h/debian bookworm main contrib").unwrap();
        assert!(!sources.find(&wanted).unwrap().says(&wanted));
        wanted.set_option("signed-by", "/k.asc");
        wanted.disabled = true;
        sources.set(&wanted);
        assert!(sources.find(&wanted).unwrap().says(&wanted));
        let text = sources.print();
        assert!(
            text.contains("Components: main contrib\nSigned-By: /k.asc\nX-Mine: kept\nEnabled: no\n"),
            "{text}"
        );
        sources.remove(&wanted);
        assert_eq!(sources.print(), "# Debian\n\nTypes: deb deb-src\nURIs: http://o\nSuites: x\n");
        assert!(!sources.is_empty() && Sources::parse("# only\n").is_empty());
    }
}
