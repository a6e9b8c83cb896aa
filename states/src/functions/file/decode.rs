//! `file.decode`: a file from Base64.

use lab_proto::{Map, Value};
use serde::Deserialize;

use super::super::support::{diff, map, path_of, text_of};
use crate::function::{
    Applied, ArgDoc, Check, Class, FunctionDoc, JobCtx, Kind, StateCall, StateError, StateFunction,
};
use crate::functions::lookup::traverse;
use crate::host::WriteOptions;
use crate::render::base64;

/// The function.
pub(in crate::functions) struct Decode;

const ARGS: &[ArgDoc] = &[
    ArgDoc::optional("encoded_data", Kind::Text, "The content in Base64."),
    ArgDoc::optional("contents_pillar", Kind::Text, "The key of pillar that holds the content in Base64."),
    ArgDoc::with_default("encoding_type", Kind::Text, "base64", "Only base64."),
    ArgDoc::with_default("checksum", Kind::Text, "md5", "Accepted; contents are compared whole."),
];

static DOC: FunctionDoc = FunctionDoc::new(
    "Keeps a file whose content is given in Base64. Its content is not reported.",
    ARGS,
    "/etc/decoded:\n  file.decode:\n    - encoded_data: aGVsbG8K\n",
);

#[derive(Debug, Deserialize)]
struct Args {
    encoded_data: Option<String>,
    contents_pillar: Option<String>,
    #[serde(default = "base64_name")]
    encoding_type: String,
}

fn base64_name() -> String {
    "base64".to_owned()
}

fn content(call: &StateCall, ctx: &JobCtx<'_>) -> Result<Vec<u8>, StateError> {
    let args: Args = call.typed()?;
    if args.encoding_type != "base64" {
        return Err(StateError::failed(format!(
            "argument encoding_type: {:?} is not supported; base64 is",
            args.encoding_type
        )));
    }
    let text = match (args.encoded_data, args.contents_pillar) {
        (Some(text), None) => text,
        (None, Some(key)) => {
            let pillar = ctx.services.pillar();
            let found = traverse(&pillar, &key, ":").filter(|v| !matches!(v, Value::Null)).map(text_of);
            found.ok_or_else(|| StateError::failed(format!("pillar has no {key} (contents_pillar)")))?
        }
        _ => return Err(StateError::failed("exactly one of encoded_data and contents_pillar must be given")),
    };
    base64::decode(&text).ok_or_else(|| StateError::failed("the content is no Base64"))
}

impl StateFunction for Decode {
    fn name(&self) -> &'static str {
        "file.decode"
    }

    fn class(&self) -> Class {
        Class::Declarative
    }

    fn doc(&self) -> &FunctionDoc {
        &DOC
    }

    fn check(&self, call: &StateCall, ctx: &JobCtx<'_>) -> Result<Check, StateError> {
        let path = path_of(call, ctx.host)?;
        let new = content(call, ctx)?;
        let old = match ctx.host.stat(&path)? {
            Some(_) => Some(ctx.host.read(&path)?),
            None => None,
        };
        if old.as_ref() == Some(&new) {
            return Ok(Check::holds(format!("file {} is in the correct state", path.display())));
        }
        // What is given encoded is often a secret, so only that it differs is said.
        let said = if diff(old.as_deref().unwrap_or_default(), &new, &path).is_empty() {
            "empty"
        } else {
            "replaced"
        };
        let changes: Map = map([("content", said.into())]);
        Ok(Check::differs(changes, format!("file {} is set to be updated", path.display())))
    }

    fn apply(&self, call: &StateCall, check: &Check, ctx: &JobCtx<'_>) -> Result<Applied, StateError> {
        let path = path_of(call, ctx.host)?;
        ctx.host.write(&path, &content(call, ctx)?, WriteOptions::default())?;
        Ok(Applied::new(check.changes.clone(), format!("file {} was updated", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::testing::Bench;
    use crate::host::sim::SimHost;

    #[test]
    fn the_content_is_decoded_once_and_not_shown() {
        let bench = Bench::new(SimHost::new());
        let sls = "/etc/f:\n  file.decode:\n    - encoded_data: |\n        aGVs\n        bG8K\n";
        let verdict = bench.run(sls);
        assert_eq!(bench.host.text("/etc/f").as_deref(), Some("hello\n"));
        assert_eq!(verdict.changes["content"].to_string(), "replaced");
        assert!(!bench.run(sls).changed());
        assert!(
            bench.run("/etc/f:\n  file.decode:\n    - encoded_data: '%%'\n").comment.contains("no Base64")
        );
        assert!(
            bench
                .run("/etc/f:\n  file.decode:\n    - contents_pillar: no:key\n")
                .comment
                .contains("pillar has no")
        );
    }
}
