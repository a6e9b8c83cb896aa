//! How a file allows what a lint would tell: `# lab: allow(ID)` on the line or the one above it, `# lab: allow-file(ID)`
//! anywhere in the file. Several ids are separated by commas. Errors cannot be allowed.

use std::collections::BTreeMap;

use super::{Finding, Input};
use crate::render::Sources;

pub(super) struct Silence<'a> {
    input: &'a Input<'a>,
    files: BTreeMap<(bool, String), Allowed>,
}

#[derive(Default)]
struct Allowed {
    everywhere: Vec<String>,
    /// Line and id.
    lines: Vec<(u32, String)>,
}

impl<'a> Silence<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        Self { input, files: BTreeMap::new() }
    }

    pub(super) fn covers(&mut self, finding: &Finding) -> bool {
        let (states, pillar) = (self.input.states, self.input.pillar);
        let file = &finding.place.file;
        let allowed = self.files.entry((finding.pillar, file.clone())).or_insert_with(|| {
            let read = |sources: &dyn Sources| sources.read(file).ok().flatten();
            let bytes = if finding.pillar { pillar.and_then(read) } else { read(states) }.unwrap_or_default();
            Allowed::of(&String::from_utf8_lossy(&bytes))
        });
        let here = |(line, id): &(u32, String)| {
            *id == finding.code && (*line == finding.place.line || line + 1 == finding.place.line)
        };
        allowed.everywhere.contains(&finding.code) || allowed.lines.iter().any(here)
    }
}

impl Allowed {
    fn of(text: &str) -> Self {
        let mut out = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let Some((_, comment)) = line.split_once("# lab: allow") else { continue };
            let (file, rest) = match comment.strip_prefix("-file") {
                Some(rest) => (true, rest),
                None => (false, comment),
            };
            let ids = rest.strip_prefix('(').and_then(|r| r.split_once(')')).map_or("", |(ids, _)| ids);
            for id in ids.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()) {
                if file { out.everywhere.push(id) } else { out.lines.push((number, id)) }
            }
        }
        out
    }
}
