//! The content that `file.managed` is given: in the SLS, from pillar or grains, or from a source.

use std::borrow::Cow;

use lab_proto::{Map, Value};

use super::super::content::Content;
use super::super::source::{self, first_source};
use super::args::Args;
use crate::function::{JobCtx, StateCall, StateError};
use crate::functions::lookup::traverse;
use crate::functions::support::{SourceSum, SumNames, encoded, join_lines, lines, map, text_list, text_of};

/// The one argument that names a content: either its value, or where it is to be had from.
pub(super) enum Given<'a> {
    Nothing,
    Contents(Contents<'a>),
    Source(&'a Value),
}

pub(super) enum Contents<'a> {
    Here(&'a Value),
    Pillar(&'a Value),
    Grains(&'a Value),
}

impl<'a> Given<'a> {
    /// Reads the arguments; several that name a content are refused.
    pub(super) fn of(args: &'a Args) -> Result<Self, StateError> {
        let given = [
            args.contents.as_ref().map(Contents::Here),
            args.contents_pillar.as_ref().map(Contents::Pillar),
            args.contents_grains.as_ref().map(Contents::Grains),
        ];
        let mut given = given.into_iter().flatten();
        let (contents, second) = (given.next(), given.next());
        let source = args.source.as_ref().filter(|s| s.truthy() || s.as_list().is_some());
        if second.is_some() {
            return Err(StateError::failed(
                "only one of contents, contents_pillar and contents_grains is permitted",
            ));
        }
        match (contents, source) {
            (Some(_), Some(_)) => Err(StateError::failed(
                "source cannot be used in combination with contents, contents_pillar or contents_grains",
            )),
            (Some(_), None) if args.keeps_mode() => {
                Err(StateError::failed("mode: keep needs a source whose permissions can be kept"))
            }
            (Some(contents), None) => Ok(Self::Contents(contents)),
            (None, Some(source)) => Ok(Self::Source(source)),
            (None, None) => Ok(Self::Nothing),
        }
    }

    /// Tells whether any content is named.
    pub(super) fn any(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Returns the content, and the permissions of its source where they are to be kept.
    pub(super) fn content(
        &self,
        args: &Args,
        call: &StateCall,
        ctx: &JobCtx<'_>,
    ) -> Result<(Content, Option<u32>), StateError> {
        match self {
            Self::Nothing => Ok((Content::default(), None)),
            Self::Contents(contents) => {
                Ok((Content::Bytes(coded(args, inline(args, contents, call, ctx)?)?), None))
            }
            Self::Source(source) => sourced(args, source, call, ctx),
        }
    }
}

/// Returns the content that a source gives, and the source's permissions where they are to be kept.
fn sourced(
    args: &Args,
    source: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<(Content, Option<u32>), StateError> {
    let keep = args.keeps_mode();
    if args.template.is_none()
        && let Some(large) = source::large_source(source, call, ctx)?
    {
        let sum = match &large.sum {
            Some(own) => Some(own.clone()),
            None => sum_to_check(args, &large.name, call, ctx)?,
        };
        let sum = sum.map(|sum| sum.verify_file(&large.path, ctx)).transpose()?;
        let mode = if keep { large.mode(ctx) } else { None };
        return Ok((Content::File { path: large.path, size: large.size, sum }, mode));
    }
    let found = from_source(args, source, call, ctx)?;
    let mode = if keep { found.mode(ctx) } else { None };
    let content = if args.template.is_some() { coded(args, found.content)? } else { found.content };
    Ok((Content::Bytes(content), mode))
}

/// Returns the sum that a source must have. What comes from the state tree was verified on its way here.
fn sum_to_check(
    args: &Args,
    source: &str,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Option<SourceSum>, StateError> {
    let foreign = !source.starts_with("salt://");
    let hash = args.source_hash.as_deref().filter(|h| foreign && !h.is_empty() && !args.skip_verify);
    let names = SumNames { given: args.source_hash_name.as_deref(), file: &call.name, source };
    hash.map(|hash| SourceSum::find(hash, &names, &call.saltenv, ctx)).transpose()
}

/// Writes a text in the encoding that is asked for.
fn coded(args: &Args, content: Vec<u8>) -> Result<Vec<u8>, StateError> {
    match (&args.encoding, std::str::from_utf8(&content)) {
        (Some(encoding), Ok(text)) => encoded(text, encoding, &args.encoding_errors),
        _ => Ok(content),
    }
}

/// Returns the variables of the template: what the state gives, what was gathered for it, and about itself.
fn context(args: &Args, own: Map, call: &StateCall) -> (Map, Map) {
    let (mut defaults, mut context) = (own, args.context.clone().unwrap_or_default());
    defaults.extend(args.defaults.clone().unwrap_or_default());
    if !call.accumulated.is_empty() {
        context.insert("accumulator".into(), Value::Map(call.accumulated.clone()));
    }
    (defaults, context)
}

fn inline(
    args: &Args,
    contents: &Contents<'_>,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Vec<u8>, StateError> {
    let value = match contents {
        Contents::Here(value) => Cow::Borrowed(*value),
        Contents::Pillar(keys) => Cow::Owned(looked_up("pillar", keys, &ctx.services.pillar(), args)?),
        Contents::Grains(keys) => Cow::Owned(looked_up("grain", keys, &ctx.services.grains(), args)?),
    };
    if !args.allow_empty && !value.truthy() {
        return Err(StateError::failed(
            "the contents are empty; set allow_empty to True if the file may be empty",
        ));
    }
    let mut text = match value.as_ref() {
        Value::Str(text) => join_lines(&lines(text)),
        other => {
            let parts = text_list(other);
            if parts.is_empty() {
                return Err(StateError::failed(
                    "the contents are a list with nothing in it; write '' for an empty file",
                ));
            }
            join_lines(&parts.iter().flat_map(|part| lines(part)).collect::<Vec<_>>())
        }
    };
    if !args.contents_newline {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    if let Some(engine) = &args.template {
        let name = format!("contents of {}", call.id);
        let (defaults, context) = context(args, Map::new(), call);
        text = source::render(engine, &text, &name, Some(&defaults), Some(&context), call, ctx)?;
    }
    Ok(text.into_bytes())
}

fn looked_up(what: &str, keys: &Value, tree: &Value, args: &Args) -> Result<Value, StateError> {
    let delimiter = args.contents_delimiter.as_deref().unwrap_or(":");
    let one = |key: &str| {
        traverse(tree, key, delimiter)
            .cloned()
            .ok_or_else(|| StateError::failed(format!("{what} {key} does not exist")))
    };
    match keys {
        Value::List(_) => {
            let found: Vec<Value> = text_list(keys).iter().map(|key| one(key)).collect::<Result<_, _>>()?;
            // Texts come below each other as they are: one that ends its line leaves an empty one.
            let texts: Option<Vec<&str>> = found.iter().map(Value::as_str).collect();
            Ok(texts.map(|texts| texts.join("\n").into()).unwrap_or(Value::List(found)))
        }
        single => one(&text_of(single)),
    }
}

fn from_source(
    args: &Args,
    source: &Value,
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<source::Found, StateError> {
    let mut found = first_source(source, call, ctx)?;
    if !found.held
        && let Some(sum) = sum_to_check(args, &found.name, call, ctx)?
    {
        sum.verify(&found.name, &found.content)?;
    }
    if let Some(engine) = &args.template {
        let text = std::str::from_utf8(&found.content).map_err(|_| {
            StateError::failed(format!("{} is no text in UTF-8, so it cannot be a template", found.name))
        })?;
        let given = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let own = map([
            ("name", call.name.as_str().into()),
            ("source", found.name.as_str().into()),
            ("user", given(&args.user)),
            ("group", given(&args.group)),
            ("mode", given(&args.mode)),
            ("attrs", Value::Null),
        ]);
        let (defaults, context) = context(args, own, call);
        let text = source::render(engine, text, &found.name, Some(&defaults), Some(&context), call, ctx)?;
        found.content = text.into_bytes();
    }
    Ok(found)
}
