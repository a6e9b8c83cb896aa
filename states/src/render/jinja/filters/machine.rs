//! Filters that look at the machine, by way of execution functions: rendering itself reaches nothing.

use lab_proto::Value;

use super::super::call::CallArgs;
use super::super::engine::Engine;
use super::super::error::{Fault, Res};
use super::super::value::Val;

/// How much of a file is looked at to tell texts from others: what Salt looks at.
const TEXT_BLOCK: usize = 512;
const BINARY_BLOCK: usize = 2048;

pub(super) fn apply(engine: &Engine<'_>, name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let call = |function: &str, keyword: Vec<(&str, Val)>| {
        let keyword = keyword.into_iter().map(|(key, value)| (key.into(), value)).collect();
        engine.salt_call(&function.into(), CallArgs { positional: vec![value.clone()], keyword })
    };
    let is_file = || call("file.file_exists", Vec::new())?.truthy();
    Ok(Some(match name {
        "which" => {
            let found = call("cmd.which", Vec::new())?;
            if matches!(&found, Val::Str(s) if s.is_empty()) { Val::None } else { found }
        }
        "get_uid" => match call("user.info", Vec::new())? {
            Val::Dict(info) => info.borrow().get("uid").cloned().unwrap_or(Val::None),
            _ => Val::None,
        },
        "file_hashsum" => {
            let [form, _] = args.clone().bind(name, ["form", "chunk_size"])?;
            call("file.get_hash", vec![("form", form.unwrap_or_else(|| Val::str("sha256")))])?
        }
        "list_files" => call("file.find", Vec::new())?,
        "is_empty" => {
            let empty =
                is_file()? && call("file.stats", Vec::new())?.to_data()?.get("size") == Some(&Value::Int(0));
            Val::Bool(empty)
        }
        "is_text_file" => Val::Bool(is_file()? && !is_binary(&call("file.read", Vec::new())?, TEXT_BLOCK)),
        "is_bin_file" => Val::Bool(is_file()? && is_binary(&call("file.read", Vec::new())?, BINARY_BLOCK)),
        "http_query" => engine.salt_call(
            &"http.query".into(),
            CallArgs { positional: vec![value.clone()], keyword: args.keyword.clone() },
        )?,
        "dns_check" => {
            let message = "the filter dns_check is not supported: a render must not hang on a name server";
            let remedy = "write the address into pillar, or ask salt['network.connect'](HOST, PORT)";
            return Err(Fault::failed(message).suggest(remedy));
        }
        _ => return Ok(None),
    }))
}

/// Tells by the first bytes of a file whether it is no text: a zero byte, or too many that no text has.
fn is_binary(content: &Val, block: usize) -> bool {
    let bytes = match content {
        Val::Bytes(bytes) => &bytes[..bytes.len().min(block)],
        Val::Str(text) => &text.as_bytes()[..text.len().min(block)],
        _ => return false,
    };
    if bytes.contains(&0) {
        return true;
    }
    // A block may end within a character.
    let decodes = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none(),
    };
    let is_text =
        |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x0c | 0x08) || decodes && *b >= 128;
    let strange = bytes.iter().filter(|b| !is_text(b)).count();
    strange * 10 > bytes.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_other_files() {
        let binary = |bytes: &[u8]| is_binary(&Val::Bytes(bytes.into()), TEXT_BLOCK);
        assert!(!binary(b"plain text\n"));
        assert!(!binary("größe".as_bytes()));
        assert!(!binary(b""));
        assert!(binary(b"a\0b"));
        assert!(binary(&[0xff, 0xfe, 1, 2, 3, b'a']));
    }
}
