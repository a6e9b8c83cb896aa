//! What cannot be tried on a namespaced host, by the list in tests/not-namespaced.txt.

const LIST: &str = include_str!("../../not-namespaced.txt");

/// Why a function is on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It would change the machine that the tests run on, or end the host: not tried.
    Never,
    /// The host lacks what its example needs: tried, and it must fail with this text.
    Lacks(&'static str),
    /// It holds where the machine has something, and where it has not, the state's error must name that.
    Needs(&'static str),
}

/// The list: functions or whole modules, first match wins.
pub(crate) struct LeftOut(Vec<(&'static str, Entry)>);

impl LeftOut {
    /// Reads the list.
    pub(crate) fn read() -> Self {
        let entry = |line: &'static str| {
            let missing = || panic!("{line}: a word is missing");
            let (kind, rest) = line.split_once(' ').unwrap_or_else(missing);
            let (name, rest) = rest.split_once(' ').unwrap_or_else(missing);
            let (entry, reason) = match kind {
                "never" => (Entry::Never, rest),
                "lacks" => {
                    let quoted = rest.strip_prefix('"').and_then(|r| r.split_once("\" "));
                    let (text, reason) =
                        quoted.unwrap_or_else(|| panic!("{line}: a text in \"\" is missing"));
                    (Entry::Lacks(text), reason)
                }
                "needs" => {
                    let (what, reason) = rest.split_once(' ').unwrap_or_else(missing);
                    (Entry::Needs(what), reason)
                }
                other => panic!("{line}: {other} is none of never, lacks and needs"),
            };
            assert!(reason.split_whitespace().count() > 2, "{line}: a reason belongs behind it");
            (name, entry)
        };
        Self(LIST.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(entry).collect())
    }

    /// Returns why a function is on the list.
    pub(crate) fn entry(&self, function: &str) -> Option<Entry> {
        self.0.iter().find(|(name, _)| covers(name, function)).map(|(_, entry)| *entry)
    }

    /// Lists the entries that mean none of the functions.
    pub(crate) fn unknown(&self, functions: &[&str]) -> Vec<&'static str> {
        let means_none = |name: &&str| !functions.iter().any(|f| covers(name, f));
        self.0.iter().map(|(name, _)| *name).filter(means_none).collect()
    }
}

/// Tells whether an entry means a function: by its name, or by that of its module.
fn covers(entry: &str, function: &str) -> bool {
    function == entry || function.strip_prefix(entry).is_some_and(|rest| rest.starts_with('.'))
}
