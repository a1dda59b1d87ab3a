//! Where server and agents meet.

use std::fmt;
use std::path::PathBuf;

use super::ovsdb::host_and_port;
use super::{FromText, HostAddress, Invalid, Port};

/// The built-in hub's port where a URL names none.
pub const DEFAULT_HUB_PORT: &str = "9698";

/// An address of the built-in hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubAddress {
    /// `nucleon+unix:///path`
    Unix(PathBuf),
    /// `nucleon://host:port`
    Tcp { host: HostAddress, port: Port },
}

/// `[DEFAULT] transport_url`: the hub, or a broker that is not built yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    Hub(HubAddress),
    /// Its scheme; the built-in hub takes its place.
    NotBuilt(&'static str),
}

const FORMS: &str = "nucleon://host:port or nucleon+unix:///path";

/// What oslo.messaging knows.
const BROKERS: &[&str] = &["rabbit", "kafka", "amqp", "kombu", "fake"];

impl FromText for HubAddress {
    const KIND: &'static str = "nucleon://host:port or nucleon+unix:///path";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        if let Some(path) = text.strip_prefix("nucleon+unix://") {
            let whole = path.starts_with('/') && !path.ends_with('/');
            return if whole { Ok(Self::Unix(path.into())) } else { Err(Invalid::Form(FORMS)) };
        }
        let rest = text.strip_prefix("nucleon://").ok_or(Invalid::Form(FORMS))?;
        // oslo.messaging's URLs end with the virtual host, mostly an empty one.
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = host_and_port(rest, DEFAULT_HUB_PORT)?;
        Ok(Self::Tcp { host, port })
    }
}

impl fmt::Display for HubAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "nucleon+unix://{}", path.display()),
            Self::Tcp { host, port } => write!(f, "nucleon://{host}:{port}"),
        }
    }
}

impl FromText for Transport {
    const KIND: &'static str = HubAddress::KIND;
    // A broker's URL carries its password.
    const SECRET: bool = true;

    fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid> {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        if let Some(broker) = BROKERS.iter().find(|broker| **broker == scheme) {
            notes.push(format!("'{broker}://' is not built yet; the built-in hub is used"));
            return Ok(Self::NotBuilt(broker));
        }
        HubAddress::from_text(text, notes).map(Self::Hub)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn hub_addresses_are_read_and_written() {
        for (text, canonical) in [
            ("nucleon+unix:///run/nucleon/hub.sock", "nucleon+unix:///run/nucleon/hub.sock"),
            ("nucleon://10.0.0.1:9000", "nucleon://10.0.0.1:9000"),
            ("nucleon://controller", "nucleon://controller:9698"),
            ("nucleon://[fd00::1]:9000/", "nucleon://[fd00::1]:9000"),
        ] {
            assert_eq!(parsed::<HubAddress>(text).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "nucleon://",
            "nucleon+unix://hub.sock",
            "nucleon+unix:///",
            "http://a",
            "nucleon://a:0",
            "nucleon://a/b",
        ] {
            assert!(parsed::<HubAddress>(text).is_err(), "{text}");
            assert!(parsed::<Transport>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_broker_is_a_warning_that_does_not_repeat_its_password() {
        let mut notes = Vec::new();
        let transport = Transport::from_text("rabbit://user:secret@mq:5672/", &mut notes);
        assert_eq!(transport, Ok(Transport::NotBuilt("rabbit")));
        assert_eq!(notes, ["'rabbit://' is not built yet; the built-in hub is used"]);
    }
}
