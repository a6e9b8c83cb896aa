//! The pages of docs/reference: one for each family of states, one for the execution functions, one for the lints.

use std::collections::BTreeMap;

use super::{Entry, class_word, entries};
use crate::check::lints::LINTS;
use crate::function::{ArgDoc, Registry};

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its name below docs/reference.
    pub file: String,
    /// Its contents.
    pub text: String,
}

const MADE: &str = "<!-- made by `cargo xtask reference`: change the functions' own documentation -->\n\n";

/// Makes all pages, by name.
pub fn pages(registry: &Registry) -> Vec<Page> {
    let mut families: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    let mut execution = Vec::new();
    for entry in entries(registry) {
        let family = entry.name.split('.').next().unwrap_or_default().to_owned();
        match entry.class {
            Some(_) => families.entry(family).or_default().push(entry),
            None => execution.push(entry),
        }
    }
    let mut pages = vec![index(&families, &execution), execution_page(&execution), lints()];
    for (family, functions) in &families {
        let mut text = format!("{MADE}# {family}: states\n");
        for entry in functions {
            text.push_str(&section(entry, "yaml"));
        }
        pages.push(Page { file: format!("{family}.md"), text });
    }
    pages.sort_by(|a, b| a.file.cmp(&b.file));
    pages
}

fn index(families: &BTreeMap<String, Vec<Entry>>, execution: &[Entry]) -> Page {
    let mut text = format!(
        "{MADE}# Reference\n\nEverything here is also printed by `lab-master doc`, and checked by `lab-master check` and \
         `lab-master schema`.\nEach state function says what it promises: *declarative* (a second run changes nothing, a dry run names what a real one \
         does),\n*action* (does its work on every run unless guarded), *probe* (never changes anything).\n\n\
         | states | functions |\n|---|---|\n"
    );
    for (family, functions) in families {
        let names: Vec<String> = functions
            .iter()
            .map(|e| format!("[{}]({family}.md#{})", short(&e.name), anchor(&e.name)))
            .collect();
        text.push_str(&format!("| [{family}]({family}.md) | {} |\n", names.join(", ")));
    }
    text.push_str(&format!(
        "\nThe {} [execution functions](execution.md) are called by templates, guards, orchestrations and by hand. `lab-master check` knows \
         [these lints](lints.md).\n",
        execution.len()
    ));
    Page { file: "README.md".to_owned(), text }
}

fn execution_page(functions: &[Entry]) -> Page {
    let mut text = format!(
        "{MADE}# Execution functions\n\nBy hand: `lab-master run TARGET FUNCTION …`; in templates: `salt['module.function'](…)`; in states: \
         `module.run`.\n"
    );
    for entry in functions {
        text.push_str(&section(entry, "console"));
    }
    Page { file: "execution.md".to_owned(), text }
}

fn lints() -> Page {
    let mut text = format!(
        "{MADE}# Lints\n\n`lab-master check` tells what compiles and is hardly meant. With `--deny-lints` a lint ends the command with code \
         19.\nA comment silences a lint: `# lab: allow(ID)` on the line or the one above it, `# lab: allow-file(ID)` for the whole \
         file.\n"
    );
    for lint in LINTS {
        text.push_str(&format!("\n## {}\n\n{} {}\n", lint.id, lint.summary, lint.why));
    }
    Page { file: "lints.md".to_owned(), text }
}

fn section(entry: &Entry, language: &str) -> String {
    let doc = &entry.doc;
    let class = entry.class.map(|c| format!("*{}.* ", class_word(c))).unwrap_or_default();
    let mut text = format!("\n## {}\n\n{class}{}\n", entry.name, doc.summary);
    if !doc.args.is_empty() {
        text.push_str("\n| argument | type | default | |\n|---|---|---|---|\n");
        for arg in doc.args.iter() {
            text.push_str(&row(arg));
        }
    }
    if doc.open {
        text.push_str("\nFurther arguments are data for the function.\n");
    }
    text.push_str(&format!("\n```{language}\n{}\n```\n", doc.example.trim_end()));
    text
}

fn row(arg: &ArgDoc) -> String {
    let ArgDoc { name, kind, required, default, help } = arg;
    let default = match (required, default) {
        (true, _) => "required".to_owned(),
        (false, Some(default)) => format!("`{default}`"),
        (false, None) => String::new(),
    };
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    format!("| `{name}` | {} | {} | {} |\n", kind.as_str(), cell(&default), cell(help))
}

fn short(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, function)| function)
}

fn anchor(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .collect::<String>()
        .to_lowercase()
}
