//! Where the switch's database listens.

use std::fmt;
use std::path::PathBuf;

use super::{FromText, HostAddress, Invalid, Port};

/// An OVSDB server, as Open vSwitch's tools write it (ovsdb(7), "Connection Methods").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OvsdbAddress {
    Unix(PathBuf),
    Tcp { host: HostAddress, port: Port },
}

impl OvsdbAddress {
    const FORMS: &'static str = "unix:/path, tcp:address or tcp:address:port";
    /// IANA's port for OVSDB (RFC 7047, section 7).
    const PORT: &'static str = "6640";
}

impl FromText for OvsdbAddress {
    const KIND: &'static str = "unix:/path or tcp:address:port";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let form = || Invalid::Form(Self::FORMS);
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.starts_with('/') { Ok(Self::Unix(path.into())) } else { Err(form()) };
        }
        let (host, port) = host_and_port(text.strip_prefix("tcp:").ok_or_else(form)?, Self::PORT)?;
        Ok(Self::Tcp { host, port })
    }
}

impl fmt::Display for OvsdbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(super) fn host_and_port(text: &str, default: &str) -> Result<(HostAddress, Port), Invalid> {
    let after_brackets = text.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match text.get(after_brackets..).and_then(|rest| rest.rfind(':')) {
        Some(colon) => {
            let (host, port) = text.split_at(after_brackets + colon);
            (host, port.get(1..).unwrap_or_default())
        }
        None => (text, default),
    };
    // A bare IPv6 address has colons of its own: it must stand in brackets.
    if host.contains(':') && !host.starts_with('[') {
        return Err(Invalid::NotHost);
    }
    Ok((HostAddress::from_text(host, &mut Vec::new())?, Port::from_text(port, &mut Vec::new())?))
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn sockets_and_addresses_are_read_and_written() {
        for (text, canonical) in [
            ("unix:/run/openvswitch/db.sock", "unix:/run/openvswitch/db.sock"),
            ("tcp:127.0.0.1:6640", "tcp:127.0.0.1:6640"),
            ("tcp:127.0.0.1", "tcp:127.0.0.1:6640"),
            ("tcp:[::1]:7000", "tcp:[::1]:7000"),
            ("tcp:[::1]", "tcp:[::1]:6640"),
            ("tcp:switch:1", "tcp:switch:1"),
        ] {
            assert_eq!(parsed::<OvsdbAddress>(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in
            ["", "unix:db.sock", "tcp:", "tcp:::1:6640", "tcp:a:0", "tcp:a:x", "ssl:a:1", "db.sock"]
        {
            assert!(parsed::<OvsdbAddress>(text).is_err(), "{text}");
        }
    }
}
