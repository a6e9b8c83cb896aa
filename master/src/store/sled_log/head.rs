//! Small files outside sled that say what must be inside: the head of the log, the manifest of a segment.
//!
//! Each is `format: u8 | SHA-256 of format and payload | payload`, replaced atomically; a newer format must keep
//! that much, so that it is told from a flipped bit. sled opens a damaged
//! database silently short or empty; only what is written here can contradict it.

use std::path::Path;

use lab_proto::{LogId, codec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::record::ChainHash;
use super::super::{StoreError, disk};

/// The format byte of the head file and of manifests, and the newest one read.
pub(super) const FORMAT: u8 = 1;
const PREFIX: usize = 33;

/// The head file: how far the log was durable when it was last written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) log_id: LogId,
    /// The number of the last durable event.
    pub(super) seq: u64,
    /// The chain's hash there.
    pub(super) hash: ChainHash,
    /// The number of the newest segment.
    pub(super) segment: u64,
    /// How many transactions the keys had seen.
    pub(super) keys_generation: u64,
}

/// What a small checked file turned out to be.
pub(super) enum Checked<T> {
    Absent,
    Bad(String),
    Good(T),
}

/// Writes a checked file.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), StoreError> {
    let payload = codec::encode(value).expect("heads and manifests are far below the largest frame");
    let mut bytes = Vec::with_capacity(PREFIX + payload.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&sum(FORMAT, &payload));
    bytes.extend_from_slice(&payload);
    disk::write_atomic(path, &bytes)
}

/// Reads a checked file. A newer format is an error; anything else that is wrong is an answer.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Checked<T>, StoreError> {
    let Some(bytes) = disk::read_if_there(path)? else { return Ok(Checked::Absent) };
    let bad = |why: &str| Ok(Checked::Bad(why.to_owned()));
    match bytes.first() {
        Some(&FORMAT) => {}
        // A flipped bit is no newer version: a real one has a checksum that fits.
        Some(&other) if other > FORMAT && has_valid_sum(&bytes) => {
            let (found, known) = (u32::from(other), u32::from(FORMAT));
            return Err(StoreError::Newer { path: path.to_owned(), found, known });
        }
        _ => return bad("its format byte is wrong"),
    }
    if !has_valid_sum(&bytes) {
        return bad("its checksum is wrong");
    }
    match codec::decode(&bytes[PREFIX..]) {
        Ok(value) => Ok(Checked::Good(value)),
        Err(e) => bad(&e.to_string()),
    }
}

fn has_valid_sum(bytes: &[u8]) -> bool {
    bytes.len() > PREFIX && sum(bytes[0], &bytes[PREFIX..]) == bytes[1..PREFIX]
}

pub(super) fn sum(format: u8, payload: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([format]).chain_update(payload).finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> Head {
        Head { log_id: LogId::from_u128(1), seq: 300, hash: [7; 32], segment: 2, keys_generation: 9 }
    }

    fn read_bytes(bytes: &[u8]) -> Result<Checked<Head>, StoreError> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("head");
        std::fs::write(&path, bytes).expect("writes");
        read(&path)
    }

    fn written() -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("head");
        write(&path, &head()).expect("writes");
        std::fs::read(path).expect("reads")
    }

    #[test]
    fn a_head_file_written_by_version_1_is_read_for_ever() {
        let bytes = hex::decode(include_str!("../fixtures/head-v1.hex").trim()).expect("the fixture is hex");
        assert!(matches!(read_bytes(&bytes), Ok(Checked::Good(read)) if read == head()));
        assert_eq!(hex::encode(written()), hex::encode(bytes), "what is written has not changed");
    }

    proptest! {
        #[test]
        fn a_changed_head_file_is_never_taken_for_good(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut bytes = written();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(matches!(read_bytes(&bytes), Ok(Checked::Bad(_))));
        }

        #[test]
        fn random_bytes_are_no_head_file(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(matches!(read_bytes(&bytes), Ok(Checked::Bad(_))));
        }
    }
}
