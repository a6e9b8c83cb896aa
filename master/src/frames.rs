//! Frames over QUIC streams, for the server and for the operators' client.

use lab_proto::codec::{self, CodecError, FrameBuffer};
use quinn::{ReadError, RecvStream, SendStream, WriteError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes asked from a stream at a time.
const CHUNK: usize = 64 * 1024;

/// A stream that gives no more frames.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The connection or stream ended.
    #[error("the stream broke off")]
    Read(#[from] ReadError),
    /// The other side does not read any more.
    #[error("the other side stopped reading")]
    Write(#[from] WriteError),
    /// The bytes are no frame.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Cut,
    /// The stream ended where a frame was expected.
    #[error("the stream ended early")]
    Ended,
    /// The stream was finished or reset before.
    #[error("the stream is closed")]
    Closed(#[from] quinn::ClosedStream),
}

/// The receiving half.
pub(crate) struct FrameReader {
    stream: RecvStream,
    buffer: FrameBuffer,
}

impl FrameReader {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self { stream, buffer: FrameBuffer::default() }
    }

    /// Reads frames up to a smaller limit than usual.
    pub(crate) fn with_limit(stream: RecvStream, limit: usize) -> Self {
        Self { stream, buffer: FrameBuffer::with_limit(limit) }
    }

    /// Returns the next frame, `None` at the end of the stream. Cancelling it loses nothing.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        loop {
            if let Some(frame) = self.buffer.next_frame()? {
                return Ok(Some(frame));
            }
            match self.stream.read_chunk(CHUNK, true).await? {
                Some(chunk) => self.buffer.push(&chunk.bytes),
                None if self.buffer.pending() == 0 => return Ok(None),
                None => return Err(FrameError::Cut),
            }
        }
    }

    /// Returns the next frame, which must come.
    pub(crate) async fn expect<T: DeserializeOwned>(&mut self) -> Result<T, FrameError> {
        self.next().await?.ok_or(FrameError::Ended)
    }

    /// Gives the stream back with the bytes that were read beyond the last frame.
    pub(crate) fn into_rest(mut self) -> (Vec<u8>, RecvStream) {
        (self.buffer.take_rest(), self.stream)
    }
}

/// Sends one frame.
pub(crate) async fn send<T: Serialize + Sync>(stream: &mut SendStream, frame: &T) -> Result<(), FrameError> {
    let bytes = codec::frame(frame)?;
    stream.write_all(&bytes).await?;
    Ok(())
}
