//! What can fail on a host, with the namespace and the link it failed on.

use std::io;

use crate::name::LinkName;

/// Whether an `ensure_*` call had something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Ensured {
    Changed,
    Unchanged,
}

impl Ensured {
    /// Changed if either is.
    pub fn or(self, other: Self) -> Self {
        if self == Self::Changed { self } else { other }
    }

    pub fn is_changed(self) -> bool {
        self == Self::Changed
    }
}

/// A call to the kernel that failed. `namespace` is the name of the network namespace, or `host`
/// for the one that the process was started in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("cannot {action} network namespace '{namespace}'")]
    Namespace { action: &'static str, namespace: String, source: io::Error },

    #[error("the thread of network namespace '{namespace}' has ended")]
    NamespaceClosed { namespace: String },

    #[error("a job inside network namespace '{namespace}' panicked")]
    JobPanicked { namespace: String },

    #[error("there is no link '{link}' in network namespace '{namespace}'")]
    LinkMissing { link: LinkName, namespace: String },

    #[error("cannot {action} on link '{link}' in network namespace '{namespace}'")]
    Link { action: String, link: LinkName, namespace: String, source: io::Error },

    #[error("cannot {action} in network namespace '{namespace}'")]
    Netlink { action: String, namespace: String, source: io::Error },

    #[error("cannot {action} sysctl '{key}' in network namespace '{namespace}'")]
    Sysctl { action: &'static str, key: String, namespace: String, source: io::Error },

    #[error("cannot {action} in network namespace '{namespace}'")]
    Socket { action: String, namespace: String, source: io::Error },
}

impl Error {
    /// The error number the kernel answered, when it was the kernel that refused.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Namespace { source, .. }
            | Self::Link { source, .. }
            | Self::Netlink { source, .. }
            | Self::Sysctl { source, .. }
            | Self::Socket { source, .. } => source.raw_os_error(),
            Self::LinkMissing { .. } => Some(libc::ENODEV),
            Self::NamespaceClosed { .. } | Self::JobPanicked { .. } => None,
        }
    }

    /// What was asked for is not there: link, route, address, namespace or sysctl.
    pub fn is_missing(&self) -> bool {
        matches!(
            self.errno(),
            Some(libc::ENODEV | libc::ENOENT | libc::ESRCH | libc::EADDRNOTAVAIL)
        )
    }

    pub fn is_exists(&self) -> bool {
        self.errno() == Some(libc::EEXIST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(errno: i32) -> Error {
        Error::Link {
            action: "add address 10.0.0.2/24".to_owned(),
            link: LinkName::new("eth0").unwrap(),
            namespace: "vm1".to_owned(),
            source: io::Error::from_raw_os_error(errno),
        }
    }

    #[test]
    fn an_error_names_action_link_and_namespace() {
        assert_eq!(
            refused(libc::EPERM).to_string(),
            "cannot add address 10.0.0.2/24 on link 'eth0' in network namespace 'vm1'"
        );
    }

    #[test]
    fn missing_and_existing_are_told_by_the_error_number() {
        assert!(refused(libc::ENODEV).is_missing());
        assert!(refused(libc::ESRCH).is_missing());
        assert!(refused(libc::EEXIST).is_exists());
        assert!(!refused(libc::EPERM).is_missing());
    }

    #[test]
    fn two_outcomes_join_to_changed_when_either_is() {
        use Ensured::{Changed, Unchanged};
        assert_eq!(Unchanged.or(Changed), Changed);
        assert_eq!(Changed.or(Unchanged), Changed);
        assert_eq!(Unchanged.or(Unchanged), Unchanged);
    }
}
