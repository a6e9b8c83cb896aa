//! The hosts file as lines, so that comments and order survive an edit.

use std::net::IpAddr;

use super::super::support::{join_lines, lines};

/// The hosts file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Entry { ip: IpAddr, names: Vec<String>, comment: String, raw: Option<String> },
    Other(String),
}

impl Table {
    pub(super) fn parse(text: &str) -> Self {
        Self(lines(text).into_iter().map(Line::parse).collect())
    }

    pub(super) fn print(&self) -> String {
        join_lines(&self.0.iter().map(Line::print).collect::<Vec<_>>())
    }

    pub(super) fn has(&self, ip: IpAddr, name: &str) -> bool {
        self.0.iter().any(
            |l| matches!(l, Line::Entry { ip: i, names, .. } if *i == ip && names.iter().any(|n| n == name)),
        )
    }

    /// Returns the addresses that a name has.
    pub(super) fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let address = |l: &Line| match l {
            Line::Entry { ip, names, .. } if names.iter().any(|n| n == name) => Some(*ip),
            _ => None,
        };
        self.0.iter().filter_map(address).collect()
    }

    /// Gives an address one more name: on its line, if it has one.
    pub(super) fn add(&mut self, ip: IpAddr, name: &str) {
        for line in &mut self.0 {
            if let Line::Entry { ip: i, names, raw, .. } = line
                && *i == ip
            {
                names.push(name.to_owned());
                *raw = None;
                return;
            }
        }
        self.0.push(Line::Entry { ip, names: vec![name.to_owned()], comment: String::new(), raw: None });
    }

    /// Takes a name from an address; a line without names goes.
    pub(super) fn remove(&mut self, ip: IpAddr, name: &str) {
        for line in &mut self.0 {
            if let Line::Entry { ip: i, names, raw, .. } = line
                && *i == ip
                && names.iter().any(|n| n == name)
            {
                names.retain(|n| n != name);
                *raw = None;
            }
        }
        self.0.retain(|l| !matches!(l, Line::Entry { names, .. } if names.is_empty()));
    }
}

impl Line {
    fn parse(raw: &str) -> Self {
        let (body, comment) = raw.find('#').map_or((raw, ""), |at| raw.split_at(at));
        let mut words = body.split_whitespace();
        let ip = words.next().and_then(|w| w.parse().ok());
        let names: Vec<String> = words.map(str::to_owned).collect();
        match ip {
            Some(ip) if !names.is_empty() => {
                Self::Entry { ip, names, comment: comment.to_owned(), raw: Some(raw.to_owned()) }
            }
            _ => Self::Other(raw.to_owned()),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Other(raw) | Self::Entry { raw: Some(raw), .. } => raw.clone(),
            Self::Entry { ip, names, comment, raw: None } => {
                let line = format!("{ip}\t\t{}", names.join(" "));
                if comment.is_empty() { line } else { format!("{line}\t{comment}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_added_to_the_line_of_their_address() {
        let mut table = Table::parse("# hosts\n127.0.0.1 localhost # me\n\n10.0.0.1\ta\n");
        let ip: IpAddr = "10.0.0.1".parse().unwrap();
        table.add(ip, "b");
        table.remove("127.0.0.1".parse().unwrap(), "localhost");
        assert_eq!(table.print(), "# hosts\n\n10.0.0.1\t\ta b\n");
        assert_eq!(table.addresses("b"), [ip]);
    }

    proptest! {
        #[test]
        fn what_is_not_edited_prints_as_it_was(text in "([0-9a-c.:# \t]{0,16}\n){0,6}") {
            prop_assert_eq!(Table::parse(&text).print(), text);
        }
    }
}
