//! The format of the agent's own append-only files: numbered records, each with its length and checksum.
//!
//! `header: magic[8] id[16] base[8] crc[4] | record: len[4] crc[4] number[8] payload[len]`, little endian; the
//! checksum covers length, number and payload. Numbers count up by one from `base`. Used by the outbox and the
//! journal; knows nothing of what a record means and never touches a file.
//!
//! A crash can only hurt what was not yet synced, and that is always the end of the newest file: a *torn tail*, cut
//! off without loss, because nobody was told that it was stored. A bad record with good ones after it is *damage*:
//! something that was stored is gone.

use thiserror::Error;

/// The length of a file's header.
pub(crate) const HEADER: usize = 36;
/// The length of a record without its payload.
pub(crate) const RECORD: usize = 16;
/// The largest payload.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;

/// The first bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// What kind of file.
    pub magic: [u8; 8],
    /// Which one of its kind it belongs to.
    pub id: u128,
    /// The number of its first record.
    pub base: u64,
}

/// Bytes that are not the file they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// The header is short, of another kind, or does not match its checksum.
    #[error("the header is not one of this kind of file")]
    Header,
    /// A record is bad although good ones follow.
    #[error("record {number} at byte {offset} is damaged, {follow} bytes after it are not")]
    Damaged {
        /// Which record should be there.
        number: u64,
        /// Where.
        offset: usize,
        /// How many bytes there are from the next good record on.
        follow: usize,
    },
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Where each record begins.
    pub offsets: Vec<usize>,
    /// Up to where the file is good.
    pub good: usize,
    /// How many bytes of a torn record follow.
    pub torn: usize,
}

impl Header {
    /// Encodes the header.
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..8].copy_from_slice(&self.magic);
        out[8..24].copy_from_slice(&self.id.to_le_bytes());
        out[24..32].copy_from_slice(&self.base.to_le_bytes());
        let crc = crc32fast::hash(&out[..32]);
        out[32..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Decodes the header of a file of one kind.
    ///
    /// # Errors
    /// When it is not one.
    pub(crate) fn decode(bytes: &[u8], magic: [u8; 8]) -> Result<Self, FormatError> {
        let head = bytes.first_chunk::<HEADER>().ok_or(FormatError::Header)?;
        if head[..8] != magic || crc32fast::hash(&head[..32]) != u32_at(head, 32) {
            return Err(FormatError::Header);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&head[8..24]);
        Ok(Self { magic, id: u128::from_le_bytes(id), base: u64_at(head, 24) })
    }
}

/// Appends one record to `out`.
pub(crate) fn encode(out: &mut Vec<u8>, number: u64, payload: &[u8]) {
    let len = u32::try_from(payload.len()).expect("payloads are far below 4 GiB: callers check MAX_PAYLOAD");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&checksum(len, number, payload).to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(payload);
}

/// Decodes the record at the start of `bytes`, if it is whole and has that number.
pub(crate) fn decode(bytes: &[u8], number: u64) -> Option<&[u8]> {
    let len = length_at(bytes)?;
    let payload = bytes.get(RECORD..RECORD + len)?;
    let stored = u64_at(bytes, 8);
    let good = stored == number && u32_at(bytes, 4) == checksum(u32_at(bytes, 0), stored, payload);
    good.then_some(payload)
}

/// Tells how long the record at the start of `bytes` says its payload is; `None` when that cannot be.
pub(crate) fn length_at(bytes: &[u8]) -> Option<usize> {
    let head = bytes.first_chunk::<RECORD>()?;
    let len = u32_at(head, 0) as usize;
    (len <= MAX_PAYLOAD).then_some(len)
}

/// Walks over the records of a file whose header was read. `last` says that no newer file exists, so that a torn
/// tail is a crash and not damage.
///
/// # Errors
/// When a record is damaged.
pub(crate) fn scan(bytes: &[u8], base: u64, last: bool) -> Result<Scan, FormatError> {
    let mut offsets = Vec::new();
    let mut at = HEADER.min(bytes.len());
    let mut number = base;
    while let Some(payload) = decode(&bytes[at..], number) {
        offsets.push(at);
        at += RECORD + payload.len();
        number += 1;
    }
    let torn = bytes.len() - at;
    if torn > 0 {
        let next = next_good(&bytes[at..], number);
        if next.is_some() || !last {
            let follow = next.map_or(0, |skip| torn - skip);
            return Err(FormatError::Damaged { number, offset: at, follow });
        }
    }
    Ok(Scan { offsets, good: at, torn })
}

/// Finds a good record of a higher number after a bad one.
fn next_good(bytes: &[u8], bad: u64) -> Option<usize> {
    (1..(bytes.len() + 1).saturating_sub(RECORD)).find(|&skip| {
        let rest = &bytes[skip..];
        let number = u64_at(rest, 8);
        let reachable = bad.saturating_add(1 + (skip / RECORD) as u64);
        number > bad && number <= reachable && decode(rest, number).is_some()
    })
}

fn checksum(len: u32, number: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut out = [0; 4];
    out.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(out)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAGIC: [u8; 8] = *b"TESTREC1";

    fn file(base: u64, payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Header { magic: MAGIC, id: 7, base }.encode().to_vec();
        for (i, payload) in payloads.iter().enumerate() {
            encode(&mut out, base + i as u64, payload);
        }
        out
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..12)
    }

    proptest! {
        /// Wherever a crash cuts the newest file, every whole record before the cut is there and nothing else.
        #[test]
        fn a_cut_at_any_byte_leaves_the_whole_records_before_it(payloads in payloads(), base in 1u64..1000) {
            let bytes = file(base, &payloads);
            let ends = scan(&bytes, base, true).expect("good").offsets;
            for cut in HEADER..=bytes.len() {
                let scan = scan(&bytes[..cut], base, true).expect("a torn tail is no damage");
                let whole = ends.iter().enumerate().filter(|(i, _)| {
                    ends.get(i + 1).copied().unwrap_or(bytes.len()) <= cut
                }).count();
                prop_assert_eq!(scan.offsets.len(), whole);
                prop_assert_eq!(scan.good + scan.torn, cut);
            }
        }

        /// A tail that the file system filled with zeros after a crash is a torn tail too.
        #[test]
        fn zeros_after_the_last_record_are_a_torn_tail(payloads in payloads(), zeros in 1usize..200) {
            let mut bytes = file(1, &payloads);
            let good = bytes.len();
            bytes.extend(vec![0; zeros]);
            let scan = scan(&bytes, 1, true).expect("no damage");
            prop_assert_eq!((scan.good, scan.torn), (good, zeros));
        }

        /// A flipped byte is found, and named as damage when records follow it.
        #[test]
        fn a_flipped_byte_is_never_read_as_a_record(payloads in payloads(), at in any::<prop::sample::Index>()) {
            let mut bytes = file(1, &payloads);
            let all = scan(&bytes, 1, true).expect("good").offsets;
            let at = HEADER + at.index(bytes.len() - HEADER);
            bytes[at] ^= 0x40;
            let hurt = all.iter().filter(|o| **o <= at).count() - 1;
            match scan(&bytes, 1, true) {
                Ok(scan) => prop_assert_eq!(scan.offsets.len(), hurt),
                Err(FormatError::Damaged { number, .. }) => {
                    prop_assert_eq!(number, 1 + hurt as u64);
                    prop_assert!(hurt + 1 < all.len());
                }
                Err(FormatError::Header) => prop_assert!(false),
            }
            if hurt + 1 < all.len() {
                prop_assert!(scan(&bytes, 1, true).is_err(), "records follow, so this is damage");
            }
        }

        /// Any bytes at all are judged without a panic.
        #[test]
        fn arbitrary_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Header::decode(&bytes, MAGIC);
            let _ = scan(&bytes, 1, true);
            let _ = scan(&bytes, u64::MAX, false);
        }
    }
}
