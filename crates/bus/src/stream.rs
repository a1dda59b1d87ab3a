//! Byte streams of any origin.

use std::fmt;

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream in both directions: a socket, TLS over one, or a pipe within the process.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(crate) type Stream = Box<dyn Duplex>;

/// The bytes under way within a process before the writer has to wait, in each direction.
pub(crate) const PIPE_BYTES: usize = 64 * 1024;

impl fmt::Debug for dyn Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}
