//! Names of links and of namespaces, as the kernel and the file system accept them.

use std::fmt;
use std::str::FromStr;

/// Name of a network device: 1 to 15 bytes, no blank, no `/`, no `:`, neither `.` nor `..`
/// (the kernel's `dev_valid_name`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkName(String);

/// Name of a network namespace: a file name under the directory of namespaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetnsName(String);

/// A text that cannot name what it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{value}' cannot name a {what}: {reason}")]
pub struct InvalidName {
    pub what: &'static str,
    pub value: String,
    pub reason: &'static str,
}

impl LinkName {
    /// IFNAMSIZ less the terminating zero.
    pub const MAX_LEN: usize = 15;

    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let reason = if name.is_empty() {
            "it is empty"
        } else if name.len() > Self::MAX_LEN {
            "it is longer than 15 bytes"
        } else if name == "." || name == ".." {
            "it is a directory"
        } else if name.bytes().any(|b| matches!(b, b'/' | b':') || b <= b' ' || b == 0x7f) {
            "it contains a blank, a slash, a colon or a control character"
        } else {
            return Ok(Self(name));
        };
        Err(InvalidName { what: "link", value: name, reason })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NetnsName {
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let reason = if name.is_empty() {
            "it is empty"
        } else if name.len() > 255 {
            "it is longer than 255 bytes"
        } else if name == "." || name == ".." {
            "it is a directory"
        } else if name.bytes().any(|b| b == b'/' || b <= b' ' || b == 0x7f) {
            "it contains a blank, a slash or a control character"
        } else {
            return Ok(Self(name));
        };
        Err(InvalidName { what: "network namespace", value: name, reason })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_forms {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidName;

            fn try_from(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    )*};
}

text_forms!(LinkName, NetnsName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_kernel_takes_are_taken() {
        for name in ["lo", "br-int", "tap0123456789a", "int-br-ex", "eth0.100", "ns-1234567890a"] {
            assert_eq!(LinkName::new(name).unwrap().as_str(), name);
        }
        let network = "qdhcp-5a6d5a4c-6f5c-4f3a-9f43-3d1f4f0f7c11";
        assert_eq!(NetnsName::new(network).unwrap().to_string(), network);
    }

    #[test]
    fn names_the_kernel_refuses_are_refused_with_the_reason() {
        for name in ["", ".", "..", "a/b", "a b", "a:b", "sixteen-bytes-ab", "a\n", "a\0b"] {
            let refused = LinkName::new(name).unwrap_err();
            assert_eq!((refused.what, refused.value.as_str()), ("link", name));
        }
    }

    #[test]
    fn a_namespace_cannot_leave_its_directory() {
        for name in ["", ".", "..", "../etc", "a/b", "a b"] {
            assert!(NetnsName::new(name).is_err(), "{name:?} was taken");
        }
        assert!(NetnsName::new("n".repeat(256)).is_err());
    }
}
