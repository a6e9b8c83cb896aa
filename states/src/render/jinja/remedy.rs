//! What to do about mistakes whose place knows no better: looked up by what was said.

use crate::nearest::nearest;
use crate::render::error::RenderErrorKind;

/// Methods of Python's types, for misspelt ones.
const METHODS: [(&str, &[&str]); 3] = [
    (
        "'str object'",
        &[
            "capitalize",
            "count",
            "endswith",
            "find",
            "format",
            "index",
            "isalpha",
            "isdigit",
            "join",
            "lower",
            "lstrip",
            "partition",
            "replace",
            "rfind",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "upper",
            "zfill",
        ],
    ),
    (
        "'list object'",
        &[
            "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
            "sort",
        ],
    ),
    (
        "'dict object'",
        &["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "setdefault", "update", "values"],
    ),
];

/// Pieces of messages and what to do about them; the first that occurs counts.
const REMEDIES: [(&str, &str); 23] = [
    ("unexpected char '&'", "write `and`"),
    ("unexpected char '|'", "write `or`, or a filter's name behind the bar"),
    ("unexpected char '!'", "write `not`, or `!=`"),
    ("the string is not closed", "close the quote before the tag ends"),
    ("unexpected char", "take the character out, or quote the text that it belongs to"),
    ("'end of statement block', got '='", "compare with `==`; one `=` is for {% set %}"),
    ("expected ']'", "close the bracket before the tag ends"),
    ("expected ')'", "close the parenthesis before the tag ends"),
    ("expected '}'", "close the brace before the tag ends"),
    ("is not callable", "take the parentheses off: only macros, functions and methods are called"),
    ("division by zero", "ask before dividing: {% if … %}"),
    ("modulo by zero", "ask before dividing: {% if … %}"),
    ("range too big", "loop over a list, or over a smaller range"),
    ("has no element", "the list is shorter: count from 0, or ask its length first"),
    ("None has no attribute", "the value is none: ask for it first, or give it a default"),
    ("unsupported operand", "convert one of the two (`| int`, `| string`), or join texts with `~`"),
    ("argument(s)", "compare the call with the macro's definition"),
    ("problem running salt function", "`lab-master doc FUNCTION` lists its arguments"),
    (
        "'AliasedLoader object' has no attribute",
        "`lab-master doc` lists the execution functions; pillar and orchestrations are rendered on the master and call none: \
         use grains there",
    ),
    ("has no attribute", "ask for it with a default: `.get('KEY', …)`, or `… | default(…)`"),
    (
        "is undefined",
        "set it above, import it, or give it a default: `| default(…)`; a loop's variables end with the loop",
    ),
    ("not found", "paths are relative to the root of the tree; a leading ./ means this file's directory"),
    ("expected token", "compare with the lines around it: brackets, quotes and tags come in pairs"),
];

/// Returns what to do about a mistake.
pub(super) fn remedy(kind: RenderErrorKind, message: &str) -> Option<String> {
    for (object, methods) in METHODS {
        let Some((_, rest)) = message.split_once(object) else { continue };
        let word = rest.split('\'').nth(1).unwrap_or_default();
        if let Some(near) = nearest(word, methods.iter().copied()) {
            return Some(format!("did you mean '{near}'?"));
        }
    }
    if let Some((_, remedy)) = REMEDIES.iter().find(|(piece, _)| message.contains(piece)) {
        return Some((*remedy).to_owned());
    }
    match kind {
        RenderErrorKind::JinjaSyntax => {
            Some("compare with the lines around it: brackets, quotes and tags come in pairs".to_owned())
        }
        RenderErrorKind::JinjaError => {
            Some("the template refuses here: look at the condition above".to_owned())
        }
        _ => None,
    }
}
