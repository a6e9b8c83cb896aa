//! Frames over QUIC streams.

use lab_proto::codec::{self, CodecError, FrameBuffer};
use quinn::{ReadError, RecvStream, SendStream, WriteError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a read takes from the stream at once.
const CHUNK: usize = 16 << 10;

/// Why a stream cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Reading failed.
    #[error("the stream broke")]
    Read(#[from] ReadError),
    /// Writing failed.
    #[error("the stream broke")]
    Write(#[from] WriteError),
    /// The bytes are no frame.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The connection is gone.
    #[error("the connection is gone")]
    Connection(#[from] quinn::ConnectionError),
    /// The stream ended within a frame or where one was due.
    #[error("the stream ended early")]
    Ended,
}

/// The receiving half of a stream.
#[derive(Debug)]
pub(crate) struct FrameReader {
    stream: RecvStream,
    buffer: FrameBuffer,
}

impl FrameReader {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self { stream, buffer: FrameBuffer::default() }
    }

    /// Returns the next frame, `None` at the stream's end. May be dropped at any time without losing bytes.
    ///
    /// # Errors
    /// When the stream breaks or holds no frame.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StreamError> {
        loop {
            if let Some(frame) = self.buffer.next_frame()? {
                return Ok(Some(frame));
            }
            match self.stream.read_chunk(CHUNK, true).await? {
                Some(chunk) => self.buffer.push(&chunk.bytes),
                None if self.buffer.pending() == 0 => return Ok(None),
                None => return Err(StreamError::Ended),
            }
        }
    }

    /// Gives back the stream behind the frames, and what was read of it already: raw bytes follow.
    pub(crate) fn into_raw(mut self) -> (Vec<u8>, RecvStream) {
        (self.buffer.take_rest(), self.stream)
    }
}

/// The sending half of a stream.
#[derive(Debug)]
pub(crate) struct FrameWriter {
    stream: SendStream,
}

impl FrameWriter {
    pub(crate) fn new(stream: SendStream) -> Self {
        Self { stream }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the stream breaks or the frame is too large.
    pub(crate) async fn send<T: Serialize>(&mut self, frame: &T) -> Result<(), StreamError> {
        Ok(self.stream.write_all(&codec::frame(frame)?).await?)
    }

    /// Sends as many raw bytes as there is room for now, one at least; returns how many.
    ///
    /// # Errors
    /// When the stream breaks, or the peer wants no more.
    pub(crate) async fn some(&mut self, bytes: &[u8]) -> Result<usize, WriteError> {
        self.stream.write(bytes).await
    }

    /// Says that nothing more comes.
    pub(crate) fn finish(&mut self) {
        // Fails only on a stream that is closed already, which is what is wanted.
        let _ = self.stream.finish();
    }

    /// Waits until the peer's transport has everything, or the stream is gone.
    pub(crate) async fn delivered(&mut self) {
        let _ = self.stream.stopped().await;
    }
}
