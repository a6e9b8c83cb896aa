//! Files and directories.

mod absent;
mod accumulated;
mod append;
mod block_replace;
mod cached;
mod comment;
mod content;
mod copy;
mod decode;
mod directory;
mod edit;
mod existence;
mod hardlink;
mod keyvalue;
mod line;
mod managed;
mod mknod;
mod patch;
mod prepend;
mod pruned;
mod recurse;
mod rename;
mod replace;
mod serialize;
mod source;
mod symlink;
mod tidied;
mod touch;
mod uncomment;

use std::sync::Arc;

use lab_proto::{Map, Value};

pub(super) use edit::read_if_present;

use crate::function::{JobCtx, Registry, StateCall, StateError};

pub(super) fn register(registry: &mut Registry) {
    registry.add_state(Arc::new(absent::Absent));
    registry.add_state(Arc::new(accumulated::Accumulated));
    registry.add_state(Arc::new(append::Append));
    registry.add_state(Arc::new(block_replace::BlockReplace));
    registry.add_state(Arc::new(cached::Cached));
    registry.add_state(Arc::new(cached::NotCached));
    registry.add_state(Arc::new(comment::Comment));
    registry.add_state(Arc::new(copy::Copy));
    registry.add_state(Arc::new(decode::Decode));
    registry.add_state(Arc::new(directory::Directory));
    registry.add_state(Arc::new(existence::Exists));
    registry.add_state(Arc::new(existence::Missing));
    registry.add_state(Arc::new(hardlink::Hardlink));
    registry.add_state(Arc::new(keyvalue::KeyValue));
    registry.add_state(Arc::new(line::Line));
    registry.add_state(Arc::new(managed::Managed));
    registry.add_state(Arc::new(mknod::Mknod));
    registry.add_state(Arc::new(patch::Patch));
    registry.add_state(Arc::new(prepend::Prepend));
    registry.add_state(Arc::new(pruned::Pruned));
    registry.add_state(Arc::new(recurse::Recurse));
    registry.add_state(Arc::new(rename::Rename));
    registry.add_state(Arc::new(replace::Replace));
    registry.add_state(Arc::new(serialize::Serialize));
    registry.add_state(Arc::new(symlink::Symlink));
    registry.add_state(Arc::new(tidied::Tidied));
    registry.add_state(Arc::new(touch::Touch));
    registry.add_state(Arc::new(uncomment::Uncomment));
}

/// Returns the content of the first source that exists, rendered where a template engine is named.
pub(super) fn fetch(
    source: &Value,
    template: Option<&str>,
    variables: (Option<&Map>, Option<&Map>),
    call: &StateCall,
    ctx: &JobCtx<'_>,
) -> Result<Vec<u8>, StateError> {
    let found = source::first_source(source, call, ctx)?;
    let Some(engine) = template else { return Ok(found.content) };
    let text = String::from_utf8(found.content)
        .map_err(|_| StateError::failed(format!("{} is no text in UTF-8", found.name)))?;
    Ok(source::render(engine, &text, &found.name, variables.0, variables.1, call, ctx)?.into_bytes())
}
