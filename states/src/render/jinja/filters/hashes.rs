//! Filters that encode and hash.

use sha2::{Digest, Sha256, Sha512};

use super::super::call::{CallArgs, required};
use super::super::error::{Fault, Res};
use super::super::value::Val;
use super::salt::encodable;
use crate::render::base64;

pub(super) fn apply(name: &str, value: &Val, args: &CallArgs) -> Res<Option<Val>> {
    let bytes = || encodable(value);
    Ok(Some(match name {
        "base64_encode" => Val::str(base64::encode(&bytes()?)),
        "base64_decode" => {
            let decoded =
                base64::decode(&value.to_text()?).ok_or_else(|| Fault::failed("the text is not base64"))?;
            String::from_utf8(decoded).map_or_else(|e| Val::Bytes(e.into_bytes().into()), Val::str)
        }
        "md5" => Val::str(hex(&md5::Md5::digest(bytes()?))),
        "sha1" => Val::str(hex(&sha1::Sha1::digest(bytes()?))),
        "sha256" => Val::str(hex(&Sha256::digest(bytes()?))),
        "sha512" => Val::str(hex(&Sha512::digest(bytes()?))),
        "uuid" => Val::str(uuid5(&bytes()?)),
        "hmac" => {
            let [secret, challenge] = args.clone().bind(name, ["shared_secret", "challenge_hmac"])?;
            let secret = encodable(&required(secret, name, "shared_secret")?)?;
            let challenge = required(challenge, name, "challenge_hmac")?.to_text()?;
            let mac = hmac_sha256(&secret, &bytes()?);
            Val::Bool(base64::decode(&challenge).is_some_and(|c| c == mac))
        }
        "hmac_compute" => {
            let [secret] = args.clone().bind(name, ["shared_secret"])?;
            let secret = encodable(&required(secret, name, "shared_secret")?)?;
            Val::str(hex(&hmac_sha256(&secret, &bytes()?)))
        }
        _ => return Ok(None),
    }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The name-based UUID in Salt's own namespace.
fn uuid5(name: &[u8]) -> String {
    const SALT: [u8; 16] =
        [0x91, 0x63, 0x3e, 0xbf, 0x1c, 0x86, 0x5e, 0x33, 0x93, 0x5a, 0x28, 0x06, 0x1f, 0x4b, 0x48, 0x0e];
    let digest = sha1::Sha1::new().chain_update(SALT).chain_update(name).finalize();
    let mut id: [u8; 16] = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id[6] = (id[6] & 0x0f) | 0x50;
    id[8] = (id[8] & 0x3f) | 0x80;
    let text = hex(&id);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().to_vec()
}
