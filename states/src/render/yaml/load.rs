//! From text to nodes: events, tags, anchors, merge keys, duplicate keys.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use lab_proto::Value;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as EventSpan, StrInput, Tag};

use super::relax::Relaxed;
use super::scalar::{self, Plain};
use super::{Data, Node, Span};

/// The deepest nesting of a document: what a value may have on the wire.
const MAX_DEPTH: usize = lab_proto::value::MAX_DEPTH as usize;
/// The most nodes of a document once its aliases are expanded.
const MAX_NODES: usize = 1_000_000;

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct YamlError {
    /// What is wrong.
    pub message: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column, counted from 1.
    pub column: u32,
    /// Whether it is a key given twice.
    pub duplicate: bool,
    /// The line and column of the first of two equal keys.
    pub first: Option<(u32, u32)>,
    /// What to do.
    pub suggestion: Option<String>,
}

impl YamlError {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            line: span.line,
            column: span.column,
            duplicate: false,
            first: None,
            suggestion: None,
        }
    }

    fn suggest(mut self, text: &str) -> Self {
        self.suggestion = Some(text.to_owned());
        self
    }
}

/// Parses a text of one document; an empty text is null.
///
/// # Errors
/// With the place, when the text is not YAML as Salt reads it.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    refuse_control_characters(text)?;
    let mut relaxed = Relaxed::new(text);
    loop {
        let input = relaxed.text.clone();
        let parser = Parser::new_from_str(&input);
        let mut loader = Loader {
            parser,
            lines: input.split('\n').collect(),
            anchors: HashMap::new(),
            nodes: 0,
            lists: Vec::new(),
            maps: Vec::new(),
            flow: 0,
            opened: Vec::new(),
        };
        let result = loader.document();
        let flow = loader.flow;
        let opened = loader.opened.last().copied();
        match result {
            Ok(mut node) => {
                if relaxed.has_moved() {
                    node.map_spans(&mut |span| original(&relaxed, span));
                }
                refuse_tab_before(&node, text)?;
                return Ok(node);
            }
            Err(error) => {
                let (line, column) = (error.line as usize, error.column as usize);
                if line > 0 && relaxed.get_past(&error.message, line, column.saturating_sub(1), flow) {
                    continue;
                }
                let column = number(relaxed.column(line, column));
                let opened = opened.map(|span| original(&relaxed, span));
                return Err(explain(YamlError { column, ..error }, text, opened));
            }
        }
    }
}

fn original(relaxed: &Relaxed, span: Span) -> Span {
    Span { column: number(relaxed.column(span.line as usize, span.column as usize)), ..span }
}

/// Refuses a tab before the document's first token, which the scanner lets pass.
fn refuse_tab_before(node: &Node, text: &str) -> Result<(), YamlError> {
    let line = text.lines().nth((node.span.line as usize).saturating_sub(1)).unwrap_or("");
    let indentation = line.len() - line.trim_start().len();
    match line[..indentation].find('\t') {
        Some(at) if node.as_map().is_some() || node.as_list().is_some() => {
            let span = Span { column: number(at + 1), ..node.span };
            Err(YamlError::at(span, "found a tab where the indentation is expected")
                .suggest("indent with spaces, YAML forbids tabs"))
        }
        _ => Ok(()),
    }
}

fn refuse_control_characters(text: &str) -> Result<(), YamlError> {
    let printable = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if text.bytes().all(|b| matches!(b, b'\n' | b' '..=b'~')) {
        return Ok(());
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(column) = line.chars().position(|c| !printable(c)) {
            let span = Span { file: 0, line: number(index + 1), column: number(column + 1) };
            return Err(YamlError::at(span, "control characters are not allowed")
                .suggest("write it as an escape in a double-quoted string"));
        }
    }
    Ok(())
}

/// Adds a remedy where the parser's own words leave people helpless; `opened` is the innermost open bracket.
fn explain(mut error: YamlError, text: &str, opened: Option<Span>) -> YamlError {
    if error.suggestion.is_some() || error.duplicate {
        return error;
    }
    if let Some(opened) = opened {
        (error.line, error.column) = (opened.line, opened.column);
        error.message = "the bracket or brace that opens here is not closed".to_owned();
        return error.suggest("close it, or quote the value if it only begins with a bracket");
    }
    let line = text.lines().nth((error.line as usize).saturating_sub(1)).unwrap_or("");
    let before = text.lines().take(error.line as usize).collect::<Vec<_>>();
    let indent = |l: &str| l.chars().take_while(|c| c.is_whitespace()).collect::<String>();
    if let Some(index) = before.iter().rposition(|l| indent(l).contains('\t') && !l.trim().is_empty()) {
        let near = error.line as usize <= index + 2;
        if near {
            error.line = number(index + 1);
            error.column = number(before[index].find('\t').unwrap_or(0) + 1);
            error.message = "found a tab where the indentation is expected".to_owned();
            return error.suggest("indent with spaces, YAML forbids tabs");
        }
    }
    let trimmed = line.trim_start().trim_start_matches("- ");
    let value = trimmed.split_once(": ").map_or(trimmed, |(_, v)| v).trim_start();
    if value.starts_with(['%', '@', '`']) {
        return error.suggest("quote a value that starts with %, @ or `");
    }
    if error.message.contains("mapping values are not allowed") {
        if let Some(above) = key_without_colon(&before) {
            (error.line, error.column) = above;
            error.message = "a key without its colon: what is below it is indented deeper".to_owned();
            return error.suggest("end the line with a colon");
        }
        return error.suggest("quote a value that has ': ' in it, or check the indentation");
    }
    if error.message.contains("did not find expected") || error.message.contains("indentation") {
        return error
            .suggest("compare the indentation with the lines above: siblings start in the same column");
    }
    if (error.message.contains("quoted scalar") || error.message.contains("trailing content"))
        && let Some((opened, quote)) = open_quote(&before)
    {
        error.message = format!("the quote that opens here is closed only on line {}", error.line);
        (error.line, error.column) = opened;
        return error.suggest(if quote == '\'' {
            "close it on its own line; inside of single quotes a quote is written twice ('')"
        } else {
            "close it on its own line; inside of double quotes a quote is written with a backslash"
        });
    }
    let words = &error.message;
    let remedy = if words.contains("unknown anchor") {
        "quote a value that begins with * or &"
    } else if words.contains("quoted scalar") {
        "close the quote; inside of single quotes a quote is written twice ('')"
    } else if words.contains("for merging") {
        "write `<<: *anchor`, the anchor being that of a mapping"
    } else {
        "quote the value, or compare the line with its neighbours"
    };
    error.suggest(remedy)
}

/// Finds a quote that begins a value on an earlier line and does not end there.
fn open_quote(before: &[&str]) -> Option<((u32, u32), char)> {
    let (_, above) = before.split_last()?;
    let (index, at, quote) = above.iter().enumerate().rev().find_map(|(index, line)| {
        let value = line.rfind(": ").map_or(0, |i| i + 2);
        let start = value + line[value..].len() - line[value..].trim_start_matches(['-', ' ']).len();
        let quote = line[start..].chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        (line.matches(quote).count() % 2 == 1).then_some((index, start, quote))
    })?;
    Some(((number(index + 1), number(above[index][..at].chars().count() + 1)), quote))
}

/// Tells whether the last line is indented below one that ought to be a key, and is none for want of a colon.
fn key_without_colon(before: &[&str]) -> Option<(u32, u32)> {
    let (last, above) = before.split_last()?;
    let indent = |l: &str| l.len() - l.trim_start().len();
    let index = above.iter().rposition(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))?;
    let line = above[index].trim_end();
    let plain = !line.ends_with(':')
        && !line.contains(": ")
        && !line.trim_start().starts_with(['-', '"', '\'', '|', '>']);
    let end = number(line.chars().count() + 1);
    (plain && indent(last) > indent(line)).then_some((number(index + 1), end))
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A node with what only the loader needs to know: how its text was written, and whether it is the merge key.
#[derive(Clone)]
struct Loaded {
    node: Node,
    special: Option<Special>,
}

/// A plain scalar that means something as a key only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    /// `<<`
    Merge,
    /// `=`
    DefaultValue,
}

impl Loaded {
    /// Takes the node as a value.
    fn value(self) -> Result<Node, YamlError> {
        match self.special {
            None => Ok(self.node),
            Some(Special::Merge) => Err(unknown_tag("tag:yaml.org,2002:merge", self.node.span)),
            Some(Special::DefaultValue) => {
                Err(unknown_tag("tag:yaml.org,2002:value", self.node.span).suggest("quote the lone '='"))
            }
        }
    }
}

struct Loader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    lines: Vec<&'t str>,
    anchors: HashMap<usize, Loaded>,
    nodes: usize,
    /// Room for the entries of collections, used again and again; what a collection keeps has its exact size.
    lists: Vec<Vec<Node>>,
    maps: Vec<Vec<(Loaded, Node)>>,
    /// How many flow collections are open.
    flow: usize,
    /// Where they were opened.
    opened: Vec<Span>,
}

/// A collection that is being filled; the parser keeps no recursion, so neither do we.
enum Open {
    List {
        items: Vec<Node>,
        span: Span,
        anchor: usize,
        flow: bool,
    },
    Map {
        entries: Vec<(Loaded, Node)>,
        key: Option<Loaded>,
        span: Span,
        anchor: usize,
        set: bool,
        flow: bool,
        /// The tag of a secret whose mark the mapping becomes.
        mark: Option<String>,
    },
}

impl Loader<'_> {
    fn next(&mut self) -> Result<(Event<'_>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, place(&span))),
            Some(Err(error)) => {
                let mark = error.marker();
                let span = Span { file: 0, line: number(mark.line()), column: number(mark.col() + 1) };
                Err(YamlError::at(span, error.info()))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, YamlError> {
        let mut root: Option<Node> = None;
        let mut open: Vec<Open> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let done = match event {
                Event::StreamEnd => {
                    return Ok(
                        root.unwrap_or(Node::scalar(Value::Null, Span { file: 0, line: 1, column: 1 }))
                    );
                }
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(YamlError::at(
                        span,
                        "expected a single document in the stream, but found another document",
                    )
                    .suggest("remove the line '---' between the documents"));
                }
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {
                    continue;
                }
                Event::Alias(id) => {
                    let Some(found) = self.anchors.get(&id).cloned() else {
                        return Err(YamlError::at(span, "found an alias inside of the node that it names"));
                    };
                    self.spend(size(&found.node), span)?;
                    found
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let tag = tag.as_deref().map(tag_name);
                    let loaded = scalar_node(&text, style, tag.as_deref(), span)?;
                    if anchor > 0 {
                        self.anchors.insert(anchor, loaded.clone());
                    }
                    self.spend(1, span)?;
                    loaded
                }
                Event::SequenceStart(anchor, tag) => {
                    collection_tag(tag.as_deref(), &["seq"], span)?;
                    let flow = self.enter(span);
                    let items = self.lists.pop().unwrap_or_default();
                    open.push(Open::List { items, span, anchor, flow });
                    self.deepen(&open, span)?;
                    continue;
                }
                Event::MappingStart(anchor, tag) => {
                    let name = collection_tag(
                        tag.as_deref(),
                        &["map", "omap", "set", "!secret", "!encrypted"],
                        span,
                    )?;
                    let set = name.as_deref() == Some("set");
                    let mark = name.filter(|n| n.starts_with('!'));
                    let flow = self.enter(span);
                    let entries = self.maps.pop().unwrap_or_default();
                    open.push(Open::Map { entries, key: None, span, anchor, set, flow, mark });
                    self.deepen(&open, span)?;
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(Open::List { mut items, span, anchor, flow }) => {
                        self.leave(flow);
                        let mut own = Vec::with_capacity(items.len());
                        own.append(&mut items);
                        self.lists.push(items);
                        self.close(Data::List(own), span, anchor)
                    }
                    Some(Open::Map { entries: mut room, span, anchor, set, flow, mark, .. }) => {
                        self.leave(flow);
                        let entries = flatten(&mut room, span)?;
                        self.maps.push(room);
                        let data = if set {
                            Data::List(entries.into_iter().map(|(k, _)| k).collect())
                        } else {
                            Data::Map(entries)
                        };
                        let data = match mark {
                            Some(tag) => marked(&tag, Node { data, span }, span).data,
                            None => data,
                        };
                        self.close(data, span, anchor)
                    }
                    None => continue,
                },
            };
            match open.last_mut() {
                None => root = Some(done.value()?),
                Some(Open::List { items, .. }) => items.push(done.value()?),
                Some(Open::Map { entries, key, .. }) => match key.take() {
                    None => *key = Some(done),
                    Some(k) => entries.push((k, done.value()?)),
                },
            }
        }
    }

    /// Notes the start of a collection; tells whether it is written in brackets.
    fn enter(&mut self, span: Span) -> bool {
        let line = self.lines.get((span.line as usize).saturating_sub(1)).copied().unwrap_or("");
        let column = (span.column as usize).saturating_sub(1);
        let first = if line.is_ascii() {
            line.as_bytes().get(column).map(|b| char::from(*b))
        } else {
            line.chars().nth(column)
        };
        let flow = matches!(first, Some('{' | '['));
        self.flow += usize::from(flow);
        if flow {
            self.opened.push(span);
        }
        flow
    }

    fn leave(&mut self, flow: bool) {
        self.flow -= usize::from(flow);
        if flow {
            self.opened.pop();
        }
    }

    fn close(&mut self, data: Data, span: Span, anchor: usize) -> Loaded {
        let loaded = Loaded { node: Node { data, span }, special: None };
        if anchor > 0 {
            self.anchors.insert(anchor, loaded.clone());
        }
        loaded
    }

    fn deepen(&mut self, open: &[Open], span: Span) -> Result<(), YamlError> {
        if open.len() >= MAX_DEPTH {
            return Err(YamlError::at(span, format!("nested deeper than {MAX_DEPTH} levels"))
                .suggest("flatten the data, or give its parts names of their own"));
        }
        self.spend(1, span)
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(YamlError::at(span, format!("the document has more than {MAX_NODES} nodes"))
                .suggest("aliases that repeat aliases grow fast: expand fewer of them"));
        }
        Ok(())
    }
}

fn place(span: &EventSpan) -> Span {
    Span { file: 0, line: number(span.start.line()), column: number(span.start.col() + 1) }
}

fn size(node: &Node) -> usize {
    1 + match &node.data {
        Data::Scalar(_) => 0,
        Data::List(items) => items.iter().map(size).sum(),
        Data::Map(entries) => entries.iter().map(|(k, v)| size(k) + size(v)).sum(),
    }
}

/// Returns the short name of a core tag, or the tag as it was written.
fn tag_name(tag: &Tag) -> String {
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("tag:yaml.org,2002:", suffix) => suffix.to_owned(),
        ("!", "") | ("", "!") => "str".to_owned(),
        (handle, suffix) => format!("{handle}{suffix}"),
    }
}

fn collection_tag(tag: Option<&Tag>, known: &[&str], span: Span) -> Result<Option<String>, YamlError> {
    let Some(name) = tag.map(tag_name) else { return Ok(None) };
    if known.contains(&name.as_str()) || name == "str" {
        return Ok(Some(name));
    }
    Err(unknown_tag(&name, span))
}

fn unknown_tag(name: &str, span: Span) -> YamlError {
    YamlError::at(span, format!("could not determine a constructor for the tag '{name}'"))
        .suggest("quote the value if it only looks like a tag")
}

/// Makes the mark of a secret: see [`crate::pillar::secret`].
fn marked(tag: &str, body: Node, span: Span) -> Node {
    Node { data: Data::Map(vec![(Node::scalar(tag, span), body)]), span }
}

fn scalar_node(text: &str, style: ScalarStyle, tag: Option<&str>, span: Span) -> Result<Loaded, YamlError> {
    let bad = |what: &str| YamlError::at(span, format!("'{text}' is not {what}"));
    let mut special = None;
    let value = match tag {
        None if style == ScalarStyle::Plain => match scalar::resolve(text) {
            Plain::Value(value) => value,
            Plain::Merge => {
                special = Some(Special::Merge);
                Value::from(text)
            }
            Plain::DefaultValue => {
                special = Some(Special::DefaultValue);
                Value::from(text)
            }
        },
        None | Some("str" | "timestamp" | "python/unicode") => Value::from(text),
        Some("null") => Value::Null,
        Some("bool") => {
            Value::Bool(scalar::bool_of(&text.to_lowercase()).ok_or_else(|| bad("a truth value"))?)
        }
        Some("int") => Value::Int(scalar::int_of(text).ok_or_else(|| bad("an integer"))?),
        Some("float") => {
            Value::Float(scalar::float_of(text).or_else(|| text.parse().ok()).ok_or_else(|| bad("a number"))?)
        }
        Some("binary") => Value::Bytes(super::super::base64::decode(text).ok_or_else(|| bad("base64"))?),
        Some("merge") => {
            special = Some(Special::Merge);
            Value::from(text)
        }
        Some(tag @ ("!secret" | "!encrypted")) => {
            return Ok(Loaded { node: marked(tag, Node::scalar(text, span), span), special: None });
        }
        Some(other) => return Err(unknown_tag(other, span)),
    };
    Ok(Loaded { node: Node::scalar(value, span), special })
}

/// Puts merged mappings in front, drops what the mapping itself has, and refuses keys given twice.
fn flatten(entries: &mut Vec<(Loaded, Node)>, span: Span) -> Result<Vec<(Node, Node)>, YamlError> {
    if entries.iter().all(|(key, _)| key.special != Some(Special::Merge)) {
        let own: Vec<(Node, Node)> = entries.drain(..).map(|(key, value)| (key.node, value)).collect();
        refuse_duplicates(&own, span)?;
        return Ok(own);
    }
    let mut own = Vec::with_capacity(entries.len());
    let mut merged = Vec::new();
    for (key, value) in entries.drain(..) {
        if key.special != Some(Special::Merge) {
            own.push((key.node, value));
            continue;
        }
        match value.data {
            Data::Map(entries) => merged.extend(entries),
            Data::List(items) => {
                for item in items.into_iter().rev() {
                    let Data::Map(entries) = item.data else {
                        let message = format!("expected a mapping for merging, but found a {}", item.kind());
                        return Err(YamlError::at(item.span, message));
                    };
                    merged.extend(entries);
                }
            }
            Data::Scalar(_) => {
                let message = format!(
                    "expected a mapping or list of mappings for merging, but found a {}",
                    value.kind()
                );
                return Err(YamlError::at(value.span, message));
            }
        }
    }
    if !merged.is_empty() {
        let existing: HashSet<String> = own.iter().map(|(k, _)| k.to_value().to_string()).collect();
        merged.retain(|(k, _)| !existing.contains(&k.to_value().to_string()));
        merged.append(&mut own);
        own = merged;
    }
    refuse_duplicates(&own, span)?;
    Ok(own)
}

fn refuse_duplicates(entries: &[(Node, Node)], span: Span) -> Result<(), YamlError> {
    if let [(key, _)] = entries
        && matches!(key.data, Data::Scalar(_))
    {
        return Ok(());
    }
    if entries.len() <= FEW && distinct_texts(entries) {
        return Ok(());
    }
    let mut seen: HashMap<Cow<'_, Value>, Span> = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        let value = match &key.data {
            Data::Scalar(value) => python_key(value),
            Data::List(_) => {
                return Err(YamlError::at(key.span, "found unacceptable key: a list cannot be a key"));
            }
            Data::Map(_) => {
                return Err(YamlError::at(key.span, "found unacceptable key: a mapping cannot be a key")
                    .suggest(
                        "write {{ … }} only where Jinja is on, and quote a value that starts with a brace",
                    ));
            }
        };
        if let Some(first) = seen.insert(value, key.span) {
            let shown = key.to_value();
            let mut error = YamlError::at(
                key.span,
                format!(
                    "found conflicting ID '{shown}': the key is at {}:{} already (mapping starts at {}:{})",
                    first.line, first.column, span.line, span.column
                ),
            );
            error.duplicate = true;
            error.first = Some((first.line, first.column));
            return Err(error.suggest("rename or remove one of the two"));
        }
    }
    Ok(())
}

/// So many keys are compared with each other faster than they are hashed.
const FEW: usize = 8;

/// Tells whether all keys are texts and no two are the same.
fn distinct_texts(entries: &[(Node, Node)]) -> bool {
    entries.iter().enumerate().all(|(at, (key, _))| {
        let text = key.as_str();
        text.is_some() && entries[..at].iter().all(|(other, _)| other.as_str() != text)
    })
}

/// Makes keys equal that Python takes for one key: true, 1 and 1.0.
fn python_key(value: &Value) -> Cow<'_, Value> {
    Cow::Owned(match value {
        Value::Bool(b) => Value::Int(i128::from(*b)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the guard holds only for whole numbers in range"
        )]
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 1e18 => Value::Int(*f as i128),
        other => return Cow::Borrowed(other),
    })
}
