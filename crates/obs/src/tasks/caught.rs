//! How a task ended, its panics included.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Why a task that should have gone on did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It returned as if its work were done.
    Ended,
    /// It gave up with an error.
    Failed(String),
    Panicked(String),
}

/// What a task may return: nothing, or a result whose error says why it gave up.
pub trait Ending {
    fn cause(self) -> Cause;
}

impl Ending for () {
    fn cause(self) -> Cause {
        Cause::Ended
    }
}

impl Ending for std::convert::Infallible {
    fn cause(self) -> Cause {
        match self {}
    }
}

impl<T: Ending, E: fmt::Display> Ending for Result<T, E> {
    fn cause(self) -> Cause {
        match self {
            Ok(ending) => ending.cause(),
            // The whole chain for errors that show it so (`{:#}`), the plain text for the others.
            Err(error) => Cause::Failed(format!("{error:#}")),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("ended unexpectedly"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
        }
    }
}

/// Runs `work` to its end; a panic in it is an ending like others and does not unwind further.
pub(super) async fn caught<F: Future<Output: Ending>>(work: F) -> Cause {
    let mut work = pin!(work);
    poll_fn(|cx| {
        // The future is not polled again after a panic, so nobody sees what it left half-done.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(ending)) => Poll::Ready(ending.cause()),
            Err(payload) => Poll::Ready(Cause::Panicked(message(payload.as_ref()))),
        }
    })
    .await
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "without a message".to_owned()
    }
}
