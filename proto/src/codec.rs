//! How words become bytes: bincode's standard layout behind a length and a format byte.
//!
//! The only file that names bincode. A frame is `len: u32 big endian | format: u8 | payload`, where `len`
//! counts the format byte and the payload. The format byte lets a reader that is too old say so instead of
//! misreading; what may be said within a format is negotiated in the hello (see [`crate::version`]).

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// The format byte of every frame written by this version.
pub const FORMAT: u8 = 1;
/// The largest frame (format byte and payload) that is written or accepted, in bytes.
pub const MAX_FRAME: usize = 1 << 20;

const HEADER: usize = 4;
/// Room that most frames need not grow beyond.
const USUAL: usize = 512;

/// Why bytes are not a value of the wanted type.
#[derive(Debug, Error)]
pub enum CodecError {
    /// The bytes do not decode, or decode to something that is not allowed.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// The type that was expected.
        what: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// A value is nested deeper, or has more nodes, than any reader takes.
    #[error("{what} cannot be encoded: {reason}")]
    Unencodable {
        /// The type that was to be encoded.
        what: &'static str,
        /// The bound.
        reason: String,
    },
    /// Bytes are left over after the value.
    #[error("malformed {what}: {left} bytes too many")]
    Trailing {
        /// The type that was expected.
        what: &'static str,
        /// How many bytes are left over.
        left: usize,
    },
    /// A frame's format byte is one that this version does not read.
    #[error(
        "frame format {got} is not known here (this version reads format {FORMAT}); upgrade the older side"
    )]
    UnknownFormat {
        /// The byte that came.
        got: u8,
    },
    /// A frame is larger than the limit.
    #[error("frame of {got} bytes is over the limit (of {MAX_FRAME}, less for strangers)")]
    Oversized {
        /// The announced or needed size.
        got: usize,
    },
    /// A frame has no format byte.
    #[error("empty frame")]
    Empty,
}

/// What decoding may ask for. Counted is what things take unpacked, up to 16 bytes for a number of one byte: with less, a
/// frame of many small numbers would be encoded and not decoded.
const MAX_UNPACKED: usize = 16 * MAX_FRAME;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_UNPACKED>()
}

/// Encodes one value without a frame, as stored records are.
///
/// # Errors
/// When the encoding is over [`MAX_FRAME`], or a value in it is one that [`decode`] would refuse.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    let bytes =
        bincode::serde::encode_to_vec(value, bincode::config::standard()).map_err(unencodable::<T>)?;
    if bytes.len() > MAX_FRAME { Err(CodecError::Oversized { got: bytes.len() }) } else { Ok(bytes) }
}

/// Encodes one value behind what is there already.
///
/// # Errors
/// When a value in it is one that [`decode`] would refuse.
pub fn encode_onto<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    bincode::serde::encode_into_std_write(value, out, bincode::config::standard())
        .map(|_| ())
        .map_err(unencodable::<T>)
}

/// Decodes the text that encoded bytes begin with, and nothing of what follows.
///
/// # Errors
/// When they begin with no text.
pub fn leading_text(bytes: &[u8]) -> Result<&str, CodecError> {
    bincode::serde::borrow_decode_from_slice::<&str, _>(bytes, config())
        .map(|(text, _)| text)
        .map_err(malformed::<str>)
}

/// Decodes one value that must fill `bytes` exactly.
///
/// # Errors
/// When the bytes are malformed, too many, or ask for more memory than a frame can hold.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::decode_from_slice::<T, _>(bytes, config()).map_err(malformed::<T>)?;
    if used < bytes.len() {
        return Err(CodecError::Trailing { what: short_name::<T>(), left: bytes.len() - used });
    }
    Ok(value)
}

/// Encodes one value as a frame ready for a stream.
///
/// # Errors
/// When the frame is over [`MAX_FRAME`], or a value in it is one that [`decode`] would refuse.
pub fn frame<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(USUAL);
    out.extend_from_slice(&[0; HEADER]);
    out.push(FORMAT);
    encode_onto(value, &mut out)?;
    seal(out)
}

/// Makes a frame of a payload that is encoded already, in parts.
///
/// # Errors
/// When the frame is over [`MAX_FRAME`].
pub fn frame_of(parts: &[&[u8]]) -> Result<Vec<u8>, CodecError> {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(HEADER + 1 + size);
    out.extend_from_slice(&[0; HEADER]);
    out.push(FORMAT);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    seal(out)
}

/// Writes the length of a frame before it.
fn seal(mut frame: Vec<u8>) -> Result<Vec<u8>, CodecError> {
    let got = frame.len() - HEADER;
    let len = u32::try_from(got).ok().filter(|_| got <= MAX_FRAME).ok_or(CodecError::Oversized { got })?;
    frame[..HEADER].copy_from_slice(&len.to_be_bytes());
    Ok(frame)
}

/// Collects stream bytes and hands out whole frames. Holds at most one frame's worth of bytes beyond what
/// the caller pushes at once.
#[derive(Debug)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    start: usize,
    limit: usize,
}

impl Default for FrameBuffer {
    fn default() -> Self {
        Self::with_limit(MAX_FRAME)
    }
}

impl FrameBuffer {
    /// Makes a buffer that takes frames up to a smaller limit than [`MAX_FRAME`]: for strangers.
    pub fn with_limit(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, limit: limit.min(MAX_FRAME) }
    }

    /// Adds bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        // What was read is forgotten once it is more than what is left to move: the buffer stays small, and warm.
        if self.start > self.pending() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Decodes the next whole frame, if there is one.
    ///
    /// # Errors
    /// When the frame is oversized, of an unknown format, or malformed. The stream cannot go on after that.
    pub fn next_frame<T: DeserializeOwned>(&mut self) -> Result<Option<T>, CodecError> {
        let rest = &self.bytes[self.start..];
        let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
        let len = u32::from_be_bytes(*header) as usize;
        if len > self.limit {
            return Err(CodecError::Oversized { got: len });
        }
        if rest.len() < len {
            return Ok(None);
        }
        let (&format, payload) = rest[..len].split_first().ok_or(CodecError::Empty)?;
        if format != FORMAT {
            return Err(CodecError::UnknownFormat { got: format });
        }
        let value = decode(payload)?;
        self.start += HEADER + len;
        Ok(Some(value))
    }

    /// Tells how many bytes wait for the rest of their frame.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Takes the bytes that are no frames: what follows a header on a raw (content) stream.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.start);
        self.bytes.clear();
        self.start = 0;
        rest
    }
}

/// Decodes what was stored as `T`; when that fails, as the `D` that earlier versions could store.
pub(crate) fn decode_stored<T, D>(bytes: &[u8]) -> Result<T, CodecError>
where
    T: DeserializeOwned,
    D: DeserializeOwned + Into<T>,
{
    decode::<T>(bytes).or_else(|error| decode::<D>(bytes).map(Into::into).map_err(|_| error))
}

fn malformed<T: ?Sized>(error: bincode::error::DecodeError) -> CodecError {
    let reason = match error {
        bincode::error::DecodeError::OtherString(reason) => reason,
        other => other.to_string(),
    };
    CodecError::Malformed { what: short_name::<T>(), reason }
}

fn unencodable<T: ?Sized>(error: bincode::error::EncodeError) -> CodecError {
    let reason = match error {
        bincode::error::EncodeError::OtherString(reason) => reason,
        other => other.to_string(),
    };
    CodecError::Unencodable { what: short_name::<T>(), reason }
}

fn short_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    full.rsplit("::").next().unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_whatever_the_cuts() {
        let mut stream = frame("one").expect("frames");
        stream.extend(frame("two").expect("frames"));
        for step in 1..stream.len() {
            let mut buffer = FrameBuffer::default();
            let mut out = Vec::new();
            for part in stream.chunks(step) {
                buffer.push(part);
                while let Some(text) = buffer.next_frame::<String>().expect("well formed") {
                    out.push(text);
                }
            }
            assert_eq!(out, ["one", "two"]);
            assert_eq!(buffer.pending(), 0);
        }
    }

    #[test]
    fn a_frame_of_another_format_is_named() {
        let mut bytes = frame("x").expect("frames");
        bytes[4] = 9;
        let mut buffer = FrameBuffer::default();
        buffer.push(&bytes);
        assert!(matches!(buffer.next_frame::<String>(), Err(CodecError::UnknownFormat { got: 9 })));
    }

    #[test]
    fn an_oversized_frame_is_refused_from_its_header() {
        let mut buffer = FrameBuffer::default();
        buffer.push(&u32::MAX.to_be_bytes());
        assert!(matches!(buffer.next_frame::<String>(), Err(CodecError::Oversized { .. })));
    }

    #[test]
    fn a_frame_of_many_small_numbers_is_decoded_as_it_was_encoded() {
        let numbers = crate::Value::from(vec![7; 200_000]);
        let mut buffer = FrameBuffer::default();
        buffer.push(&frame(&numbers).expect("is below the limit"));
        assert_eq!(buffer.next_frame().expect("is decoded"), Some(numbers));
    }

    #[test]
    fn leftover_bytes_are_an_error() {
        let mut bytes = encode(&7u32).expect("encodes");
        bytes.push(0);
        assert!(matches!(decode::<u32>(&bytes), Err(CodecError::Trailing { left: 1, .. })));
    }
}
