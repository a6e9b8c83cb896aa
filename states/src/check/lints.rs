//! The lints: what compiles and is hardly what was meant. Each has an id, by which a file silences it
//! ([`super::silence`]), and an entry in docs/reference/lints.md, which is made from this table.

use super::collector::Collector;
use crate::function::{Class, Registry};
use crate::low::{LowChunk, Places, Requisite};
use crate::render::yaml::Node;
use crate::render::{RenderedSls, Sources};

/// One lint.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// Its id.
    pub id: &'static str,
    /// What it tells, in a sentence.
    pub summary: &'static str,
    /// Why that is hardly meant, and what to do.
    pub why: &'static str,
}

/// All lints by id.
pub const LINTS: [Lint; 9] = [
    Lint {
        id: "bridge-owned-twice",
        summary: "Two states of one run declare the same bridge, or one port for two bridges.",
        why: "The later one wins and the run never settles. Keep one state per bridge; a port belongs to one bridge.",
    },
    Lint {
        id: "duplicate-address",
        summary: "One address is given to two interfaces, of one minion or of two.",
        why: "Whoever answers first gets the packets. Give each interface an address of its own.",
    },
    Lint {
        id: "no-effect",
        summary: "A state can never do anything: a `wait` function that watches nothing, a condition that is constant, an \
                  `onchanges` on something that never changes.",
        why: "Take it out, or give it the requisite that was forgotten.",
    },
    Lint {
        id: "requisite-elsewhere",
        summary: "A requisite or extension finds its state only because another SLS happens to be in the same run.",
        why: "Applied by itself the SLS fails. Include the SLS that declares what it needs.",
    },
    Lint {
        id: "two-default-gateways",
        summary: "A minion gets two default gateways.",
        why: "The kernel takes one, which one depends on timing. Keep one, or put the other into a table of its own.",
    },
    Lint {
        id: "unknown-argument",
        summary: "A state function does not know an argument.",
        why: "It is ignored, as in Salt; most often its name is misspelt.",
    },
    Lint {
        id: "unquoted-mac",
        summary: "A hardware address without quotes.",
        why: "YAML 1.1 reads digits with colons as one number in base 60. Quote it.",
    },
    Lint {
        id: "unused-include",
        summary: "An include that brings nothing: named twice, or an SLS that is empty for every minion checked.",
        why: "Take the line out.",
    },
    Lint {
        id: "vlan-on-bridge-port",
        summary: "A VLAN stands on an interface that is a port of a bridge.",
        why: "The bridge takes the frames of its ports, so the VLAN stays silent. Put the VLAN on the bridge.",
    },
];

/// Finds a lint by its id.
pub fn find(id: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|l| l.id == id)
}

/// Looks for states that can never do anything.
pub(super) fn no_effect(
    chunks: &[LowChunk],
    edges: &[Vec<(Requisite, usize)>],
    registry: &Registry,
    places: &dyn Places,
    minion: &str,
    c: &mut Collector<'_>,
) {
    for (i, chunk) in chunks.iter().enumerate() {
        let function = chunk.function();
        let waits = matches!(function.as_str(), "cmd.wait" | "cmd.watch" | "module.wait" | "module.watch");
        let watches = chunk
            .requisites
            .iter()
            .any(|(r, refs)| matches!(r, Requisite::Watch | Requisite::WatchAny) && !refs.is_empty());
        let listened = chunks.iter().any(|other| !other.listen_in.is_empty()) || !chunk.listen.is_empty();
        if waits && !watches && !listened {
            let message = format!("{function} of ID {} watches nothing, so it never runs", chunk.id);
            let run = format!("{}.run", chunk.state);
            let remedy = format!("add a `watch`, or use {run}");
            c.lint("no-effect", &places.function(chunk), message, &remedy, minion);
        }
        constant(chunk, places, minion, c);
        for requisite in [Requisite::Onchanges, Requisite::OnchangesAny] {
            let targets: Vec<usize> =
                edges[i].iter().filter(|(r, _)| *r == requisite).map(|(_, t)| *t).collect();
            let never = |t: &usize| never_changes(&chunks[*t], registry);
            if !targets.is_empty() && targets.iter().all(never) {
                let target = &chunks[targets[0]];
                let word = requisite.as_str();
                let message = format!(
                    "ID {} has {word} on {} of ID {}, which never changes anything, so it never runs",
                    chunk.id,
                    target.function(),
                    target.id
                );
                c.lint("no-effect", &places.argument(chunk, word), message, "use `require`", minion);
            }
        }
    }
}

fn never_changes(chunk: &LowChunk, registry: &Registry) -> bool {
    let function = chunk.function();
    let probe = registry.state(&function).is_ok_and(|f| f.class() == Class::Probe);
    probe
        || matches!(
            function.as_str(),
            "test.nop" | "test.succeed_without_changes" | "test.fail_without_changes"
        )
}

fn constant(chunk: &LowChunk, places: &dyn Places, minion: &str, c: &mut Collector<'_>) {
    let guards = [("unless", &chunk.options.unless, true), ("onlyif", &chunk.options.onlyif, false)];
    for (word, value, ends) in guards {
        let says = match value.as_deref() {
            Some(lab_proto::Value::Bool(b)) => Some(*b),
            Some(lab_proto::Value::Str(s)) if s == "true" || s == "/bin/true" => Some(true),
            Some(lab_proto::Value::Str(s)) if s == "false" || s == "/bin/false" => Some(false),
            _ => None,
        };
        if says == Some(ends) {
            let message = format!("{word} of ID {} is always {ends}, so the state never runs", chunk.id);
            c.lint(
                "no-effect",
                &places.argument(chunk, word),
                message,
                "take the state or the guard out",
                minion,
            );
        }
    }
}

/// Looks at the includes of an SLS: named twice, or bringing nothing. `brings` tells what an SLS declares.
pub(super) fn includes(
    doc: &RenderedSls,
    brings: &dyn Fn(&str) -> Option<bool>,
    c: &mut Collector<'_>,
    minion: &str,
) {
    let Some(items) = doc.doc.get("include").and_then(Node::as_list) else { return };
    let mut seen: Vec<&str> = Vec::new();
    for item in items {
        let Some(name) = item.as_str() else { continue };
        let place = doc.place(item.span);
        let at = crate::low::At::new(place.file, place.line, place.column);
        if seen.contains(&name) {
            c.lint(
                "unused-include",
                &at,
                format!("{name} is included twice"),
                "take one of the two out",
                minion,
            );
            continue;
        }
        seen.push(name);
        let Some(absolute) = crate::compile::absolute_include(name, &doc.name, doc.is_init()) else {
            continue;
        };
        if let Some(brings) = brings(&absolute) {
            c.note_include(&at, name, brings);
        }
    }
}

/// Looks for hardware addresses that YAML reads as numbers, in all files of a tree.
pub(super) fn unquoted_macs(sources: &dyn Sources, pillar: bool, c: &mut Collector<'_>) {
    let part = "[0-5]?[0-9]";
    let pattern = format!(r"^\s*(?:-\s+)*(?:[^\s#'{{]+:\s+)?([1-9][0-9]?(?::{part}){{5}})\s*(?:#.*)?$");
    let Ok(pattern) = regex::Regex::new(&pattern) else { return };
    for path in sources.list().into_iter().filter(|p| p.ends_with(".sls")) {
        let Ok(Some(bytes)) = sources.read(&path) else { continue };
        for (number, line) in (1..).zip(String::from_utf8_lossy(&bytes).lines()) {
            let Some(mac) = pattern.captures(line).and_then(|m| m.get(1)) else { continue };
            let column = u32::try_from(line[..mac.start()].chars().count()).unwrap_or(0) + 1;
            let message =
                format!("{} is read as a number in base 60, not as a hardware address", mac.as_str());
            let remedy = format!("quote it: '{}'", mac.as_str());
            c.lint_text("unquoted-mac", &path, number, column, line, message, remedy, pillar);
        }
    }
}
