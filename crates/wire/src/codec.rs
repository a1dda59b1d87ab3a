//! Frames: a length and that many bytes of JSON.

use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio_util::codec::{Decoder, Encoder};

/// The longest body of a frame.
pub const FRAME_LIMIT: usize = 16 * 1024 * 1024;
/// The longest body before the peer is known: a stranger gets no more memory than this.
pub const HELLO_LIMIT: usize = 4 * 1024;

const LENGTH_BYTES: usize = 4;
/// Memory is taken as bytes come, not as a length promises them.
const RESERVE_STEP: usize = 64 * 1024;
/// How much of what could not be read is quoted in errors.
const QUOTE_LIMIT: usize = 120;

/// Bytes that are no frame of this protocol, or a stream that broke. None can be skipped: the connection has to end.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {length} bytes is over the limit of {limit}")]
    TooLarge { length: usize, limit: usize },
    #[error("a message of unknown kind '{kind}'")]
    Unknown { kind: String },
    #[error("a malformed message ({why}): {quote}")]
    Malformed { why: String, quote: String },
    #[error("the stream ended within a frame")]
    Truncated,
    #[error("a message could not be written: {why}")]
    Unwritable { why: String },
    #[error("the stream broke")]
    Io(#[from] io::Error),
}

/// Reads messages of one direction, and writes those of the other (or frames made before by [`encode_frame`]).
#[derive(Debug)]
pub struct FrameCodec<In> {
    limit: usize,
    read: PhantomData<fn() -> In>,
}

impl<In> FrameCodec<In> {
    /// A codec for a peer not known yet, with [`HELLO_LIMIT`].
    pub fn new() -> Self {
        Self { limit: HELLO_LIMIT, read: PhantomData }
    }

    /// Allows bodies up to `limit`, and up to [`FRAME_LIMIT`] at most.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(FRAME_LIMIT);
    }
}

impl<In> Default for FrameCodec<In> {
    fn default() -> Self {
        Self::new()
    }
}

impl<In: DeserializeOwned> Decoder for FrameCodec<In> {
    type Item = In;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<In>, FrameError> {
        let Some(head) = buffer.first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*head);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(FrameError::TooLarge { length, limit: self.limit });
        }
        let missing = (LENGTH_BYTES + length).saturating_sub(buffer.len());
        if missing > 0 {
            buffer.reserve(missing.min(RESERVE_STEP));
            return Ok(None);
        }
        buffer.advance(LENGTH_BYTES);
        let body = buffer.split_to(length);
        serde_json::from_slice(&body).map(Some).map_err(|error| unreadable(&body, &error))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<In>, FrameError> {
        match self.decode(buffer)? {
            None if !buffer.is_empty() => Err(FrameError::Truncated),
            message => Ok(message),
        }
    }
}

/// Writes a frame made before: hints are encoded once for all who get them.
impl<In> Encoder<Bytes> for FrameCodec<In> {
    type Error = FrameError;

    fn encode(&mut self, frame: Bytes, buffer: &mut BytesMut) -> Result<(), FrameError> {
        buffer.extend_from_slice(&frame);
        Ok(())
    }
}

/// A message as a whole frame.
pub fn encode_frame<Out: Serialize>(message: &Out) -> Result<Bytes, FrameError> {
    let mut buffer = BytesMut::with_capacity(256);
    buffer.put_u32(0);
    let mut writer = buffer.writer();
    serde_json::to_writer(&mut writer, message)
        .map_err(|error| FrameError::Unwritable { why: error.to_string() })?;
    let mut buffer = writer.into_inner();
    let body = buffer.len() - LENGTH_BYTES;
    let too_large = || FrameError::TooLarge { length: body, limit: FRAME_LIMIT };
    if body > FRAME_LIMIT {
        return Err(too_large());
    }
    let length = u32::try_from(body).map_err(|_| too_large())?;
    if let Some(head) = buffer.first_chunk_mut::<LENGTH_BYTES>() {
        *head = length.to_be_bytes();
    }
    Ok(buffer.freeze())
}

/// Says whether a body is of a kind that this version does not know, or not a message at all.
fn unreadable(body: &[u8], error: &serde_json::Error) -> FrameError {
    let why = error.to_string();
    #[expect(clippy::zero_sized_map_values, reason = "the values are read over, not kept")]
    let kinds: HashMap<String, IgnoredAny> = serde_json::from_slice(body).unwrap_or_default();
    let unknown =
        kinds.into_keys().find(|kind| why.starts_with(&format!("unknown variant `{kind}`")));
    match unknown {
        Some(kind) => FrameError::Unknown { kind: quote(kind.as_bytes()) },
        None => FrameError::Malformed { why: quote(why.as_bytes()), quote: quote(body) },
    }
}

/// The beginning of untrusted bytes, fit for a log line.
fn quote(bytes: &[u8]) -> String {
    let head = bytes.get(..QUOTE_LIMIT).unwrap_or(bytes);
    head.escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
