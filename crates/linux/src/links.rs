//! Links, addresses, routes and neighbours of one namespace, by rtnetlink.

mod address;
mod link;
mod neighbour;
mod request;
mod route;
mod veth;

use std::fmt;
use std::io;
use std::sync::Arc;

use rtnetlink::Handle;
use tokio::task::JoinSet;

pub use self::address::{Address, Scope};
pub use self::link::{AdminState, Link, LinkChange};
pub use self::neighbour::Neighbour;
pub use self::route::{Origin, Route};
pub use self::veth::{Veth, VethEnd};
use crate::error::Error;
use crate::name::LinkName;

/// The netlink socket of one namespace. Its calls may come from any runtime; the kernel is asked
/// on the namespace's thread. Calls joined (`futures::future::join_all`) are pipelined: their
/// requests leave together and cost one round trip, not one each.
///
/// `ensure_*` calls are idempotent and say whether they changed anything.
#[derive(Clone)]
pub struct Links {
    handle: Handle,
    namespace: Arc<str>,
}

impl Links {
    /// Opens the socket in the namespace of the calling thread; the connection is served by a task
    /// in `tasks`.
    pub(crate) fn open(namespace: Arc<str>, tasks: &mut JoinSet<()>) -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection_with_strict_check()?;
        tasks.spawn(connection);
        Ok(Self { handle, namespace })
    }

    /// The name of the namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    fn link_failed(&self, link: &LinkName, action: impl Into<String>, source: io::Error) -> Error {
        let namespace = self.namespace.to_string();
        if is_closed(&source) {
            return Error::NamespaceClosed { namespace };
        }
        if source.raw_os_error() == Some(libc::ENODEV) {
            return Error::LinkMissing { link: link.clone(), namespace };
        }
        Error::Link { action: action.into(), link: link.clone(), namespace, source }
    }

    fn failed(&self, action: impl Into<String>, source: io::Error) -> Error {
        let namespace = self.namespace.to_string();
        if is_closed(&source) {
            return Error::NamespaceClosed { namespace };
        }
        Error::Netlink { action: action.into(), namespace, source }
    }
}

/// Ours, not an answer of the kernel, which has an ENOTCONN as well.
fn is_closed(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.kind() == io::ErrorKind::NotConnected
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Links").field(&self.namespace).finish()
    }
}
