//! From text to nodes: events, tags, anchors, merge keys, duplicate keys.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use lab_proto::Value;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as EventSpan, StrInput, Tag};

use super::explain::{YamlError, explain, number, refuse_control_characters, refuse_tab_before};
use super::relax::Relaxed;
use super::scalar::{self, Plain};
use super::{Data, Node, Span};
use crate::pillar::secret::{ENCRYPTED, SECRET};

/// The deepest nesting of a document: what a value may have on the wire.
const MAX_DEPTH: usize = lab_proto::value::MAX_DEPTH as usize;
/// The most nodes of a document once its aliases are expanded.
const MAX_NODES: usize = 1_000_000;

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
        /// `!!pairs`: its mappings of one entry become lists of key and value.
        pairs: bool,
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
            Some(Ok((mut event, span))) => {
                if let Event::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded, ..) = &mut event
                    && ends_open(text, &span)
                    && let Some(shorter) = text.strip_suffix('\n')
                {
                    *text = Cow::Owned(shorter.to_owned());
                }
                Ok((event, place(&span)))
            }
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
                    let pairs =
                        collection_tag(tag.as_deref(), &["seq", "pairs"], span)?.as_deref() == Some("pairs");
                    let flow = self.enter(span);
                    let items = self.lists.pop().unwrap_or_default();
                    open.push(Open::List { items, span, anchor, pairs, flow });
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
                    Some(Open::List { mut items, span, anchor, pairs, flow }) => {
                        self.leave(flow);
                        let mut own = Vec::with_capacity(items.len());
                        own.append(&mut items);
                        if pairs {
                            own = own.into_iter().map(pair).collect::<Result<_, _>>()?;
                        }
                        self.lists.push(items);
                        self.close(Data::List(own), span, anchor)
                    }
                    Some(Open::Map { entries: mut room, span, anchor, set, flow, mark, .. }) => {
                        self.leave(flow);
                        if let Some(Open::List { pairs: true, .. }) = open.last() {
                            refuse_special(&room)?;
                        }
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

/// Tells whether the text ends with the last line of a block. The scanner gives it the line end that it does not have.
fn ends_open(block: &str, span: &EventSpan) -> bool {
    if block.bytes().all(|b| b == b'\n') {
        // An empty block spans its lines from its sign on, and has the end of each but the sign's.
        return span.end.line() == span.start.line() + 1;
    }
    // One with content begins at its indent, and ends left of it where less indented text or blanks follow.
    span.end.col() >= span.start.col().max(1)
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
    // A tag in full (`!<tag:yaml.org,2002:str>`) has no handle.
    let whole = format!("{}{}", tag.handle, tag.suffix);
    match whole.strip_prefix("tag:yaml.org,2002:") {
        Some(core) => core.to_owned(),
        None if whole == "!" => "str".to_owned(),
        None => whole,
    }
}

fn collection_tag(tag: Option<&Tag>, known: &[&str], span: Span) -> Result<Option<String>, YamlError> {
    let Some(name) = tag.map(tag_name) else { return Ok(None) };
    if known.contains(&name.as_str()) || name == "str" {
        return Ok(Some(name));
    }
    Err(match name.as_str() {
        "pairs" => no_list_of_pairs("mapping", span),
        _ => unknown_tag(&name, span),
    })
}

fn no_list_of_pairs(found: &str, span: Span) -> YamlError {
    YamlError::at(span, format!("expected a list of pairs below '!!pairs', but found a {found}"))
        .suggest(PAIRS)
}

/// What `!!pairs` wants.
const PAIRS: &str = "write a list of mappings with one key each below '!!pairs': `- key: value`";

fn unknown_tag(name: &str, span: Span) -> YamlError {
    YamlError::at(span, format!("could not determine a constructor for the tag '{name}'"))
        .suggest("quote the value if it only looks like a tag")
}

/// Makes a list of key and value of a mapping with one entry.
fn pair(node: Node) -> Result<Node, YamlError> {
    let found = match &node.data {
        Data::Map(_) if is_marked(&node) => "a secret".to_owned(),
        Data::Map(entries) if entries.len() == 1 => {
            let Data::Map(entries) = node.data else { unreachable!("a mapping just now") };
            let parts = entries.into_iter().flat_map(|(key, value)| [key, value]).collect();
            return Ok(Node { data: Data::List(parts), span: node.span });
        }
        Data::Map(entries) => format!("one of {}", entries.len()),
        _ => format!("a {}", node.kind()),
    };
    Err(YamlError::at(node.span, format!("expected a mapping of one key in '!!pairs', but found {found}"))
        .suggest(PAIRS))
}

/// Tells whether a node is the mark of a secret. Taken apart, it would be a secret that nothing knows of.
fn is_marked(node: &Node) -> bool {
    let Data::Map(entries) = &node.data else { return false };
    matches!(&entries[..], [(key, _)] if key.as_str().is_some_and(|k| k == SECRET || k == ENCRYPTED))
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
        Some("pairs") => return Err(no_list_of_pairs("scalar", span)),
        Some(other) => return Err(unknown_tag(other, span)),
    };
    Ok(Loaded { node: Node::scalar(value, span), special })
}

/// Refuses a key that has its meaning only in a mapping that stays one.
fn refuse_special(entries: &[(Loaded, Node)]) -> Result<(), YamlError> {
    entries.iter().try_for_each(|(key, _)| key.clone().value().map(drop))
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
            Data::List(items) => {
                for item in items.into_iter().rev() {
                    merged.extend(mergeable(item, "mapping")?);
                }
            }
            _ => merged.extend(mergeable(value, "mapping or list of mappings")?),
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

/// Takes what a merge key puts into its mapping.
fn mergeable(node: Node, expected: &str) -> Result<Vec<(Node, Node)>, YamlError> {
    let found = if is_marked(&node) { "secret" } else { node.kind() };
    match node.data {
        Data::Map(entries) if found != "secret" => Ok(entries),
        _ => Err(YamlError::at(node.span, format!("expected a {expected} for merging, but found a {found}"))),
    }
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
