//! Port forwardings: single ports of a floating IP that lead to ports inside.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::conntrack_helper::PROTOCOLS;
use crate::declare::resource;
use crate::id::{FloatingIpId, PortForwardingId, PortId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::stored::stored_as_text;
use crate::value::{AttrValue, Invalid};

/// Ports of a transport protocol, first and last among them: `80:80`, `8000:8010`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// A text that is no range of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a range of ports")]
pub struct InvalidPortRange(String);

impl PortRange {
    /// # Errors
    /// Port 0, or a first port beyond the last one.
    pub fn new(first: u16, last: u16) -> Result<Self, InvalidPortRange> {
        if first == 0 || first > last {
            return Err(InvalidPortRange(format!("{first}:{last}")));
        }
        Ok(Self { first, last })
    }

    /// The port, where there is only one.
    pub fn single(self) -> Option<i64> {
        (self.first == self.last).then(|| self.first.into())
    }

    /// How many ports there are, less one.
    pub const fn span(self) -> u16 {
        self.last - self.first
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.first.max(other.first) <= self.last.min(other.last)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.first, self.last)
    }
}

impl FromStr for PortRange {
    type Err = InvalidPortRange;

    fn from_str(text: &str) -> Result<Self, InvalidPortRange> {
        let invalid = || InvalidPortRange(text.to_owned());
        let port = |text: &str| text.parse().map_err(|_| invalid());
        match text.split_once(':') {
            Some((first, last)) => Self::new(port(first)?, port(last)?),
            None => Self::new(port(text)?, port(text)?),
        }
        .map_err(|_| invalid())
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl AttrValue for PortRange {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() > 2 || parts.contains(&"") {
            return Err(Invalid::rule("Port range must be two integers separated by a colon"));
        }
        for part in &parts {
            match part.parse::<u16>() {
                Err(_) => return Err(Invalid::rule(format!("Invalid port: {part}"))),
                Ok(0) => {
                    return Err(Invalid::rule(format!(
                        "Invalid port: {part}, the port must be in the range [1, 65535]"
                    )));
                }
                Ok(_) => {}
            }
        }
        text.parse().map_err(|_| {
            Invalid::rule("First port in a port range must be lower than the second port")
        })
    }
}

stored_as_text! { PortRange }

shaped! {
    PortRange => Shape::Text;
}

/// A port forwarding as its floating IP shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardingOfFloatingIp {
    pub id: PortForwardingId,
    pub protocol: String,
    pub external_port: Option<i64>,
    pub internal_port: Option<i64>,
    pub internal_ip_address: Option<IpAddr>,
    pub internal_port_id: PortId,
}

impl From<&PortForwarding> for ForwardingOfFloatingIp {
    fn from(forwarding: &PortForwarding) -> Self {
        Self {
            id: forwarding.id,
            protocol: forwarding.protocol.clone(),
            external_port: forwarding.external_port_range.single(),
            internal_port: forwarding.internal_port_range.single(),
            internal_ip_address: forwarding.internal_ip_address,
            internal_port_id: forwarding.internal_port_id,
        }
    }
}

shaped! {
    ForwardingOfFloatingIp => Shape::Object(&[
        ("id", Shape::Uuid),
        ("protocol", Shape::Text),
        ("external_port", Shape::Nullable(&Shape::Int)),
        ("internal_port", Shape::Nullable(&Shape::Int)),
        ("internal_ip_address", Shape::Address),
        ("internal_port_id", Shape::Uuid),
    ]);
}

resource! {
    /// Ports of a floating IP that lead to ports of a port inside.
    PortForwarding, PortForwardingDraft: "port_forwarding" / "port_forwardings", titled "PortForwarding",
    in "port_forwardings", missing "PortForwardingNotFound" "Port Forwarding {} could not be found.",
    ruled "floatingip_port_forwarding";
    settable {
        /// Whose it is: its floating IP's.
        "project_id": project_id: String as String
            { "floating-ip-port-forwarding", flags!(POST HIDDEN FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The port outside, where it is one.
        "external_port": external_port: Option<i64> as i64
            { "floating-ip-port-forwarding", flags!(POST PUT FILTER SORT NULLABLE), Rule::Range(1, 65535), Unless::Null }
        /// The ports outside.
        "external_port_range": external_port_range: PortRange as PortRange ["external_port_range"]
            { "floating-ip-port-forwarding-port-ranges", flags!(POST PUT FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The port inside, where it is one.
        "internal_port": internal_port: Option<i64> as i64
            { "floating-ip-port-forwarding", flags!(POST PUT NULLABLE), Rule::Range(1, 65535), Unless::Null }
        /// The ports inside.
        "internal_port_range": internal_port_range: PortRange as PortRange ["internal_port_range"]
            { "floating-ip-port-forwarding-port-ranges", flags!(POST PUT NULLABLE), Rule::Plain, Unless::Null }
        /// The address inside.
        "internal_ip_address": internal_ip_address: Option<IpAddr> as IpAddr ["internal_ip_address"]
            { "floating-ip-port-forwarding", flags!(POST PUT), Rule::Plain, Unless::Required }
        /// Their protocol.
        "protocol": protocol: String as String ["protocol"]
            { "floating-ip-port-forwarding", flags!(POST PUT FILTER SORT), Rule::OneOf(PROTOCOLS), Unless::Required }
        /// The port inside that has the address.
        "internal_port_id": internal_port_id: PortId as PortId ["internal_port_id"]
            { "floating-ip-port-forwarding", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Required }
        /// Text for people.
        "description": description: String as String ["description"]
            { "floating-ip-port-forwarding-description", flags!(POST PUT FILTER), Rule::Text(1024), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: PortForwardingId ["id"] { "floating-ip-port-forwarding", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// The floating IP that it is of.
        floatingip_id: FloatingIpId ["floatingip_id"]
        /// Whose that floating IP is, where it was looked up.
        parent_project: Option<String>
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { PortForwarding: PortForwardingId, project_id parent_project }

impl PortForwarding {
    /// Shows single ports as such.
    pub fn show_single_ports(&mut self) {
        self.external_port = self.external_port_range.single();
        self.internal_port = self.internal_port_range.single();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_range_is_one_port_or_two_in_order() {
        let read = |value: Value| PortRange::from_json(&value, &Rule::Plain);
        assert_eq!(read(json!(80)).unwrap().single(), Some(80));
        assert_eq!(read(json!("80:82")).unwrap().span(), 2);
        let refusal = |value| read(value).unwrap_err().to_string();
        assert_eq!(refusal(json!("1:2:3")), "Port range must be two integers separated by a colon");
        assert_eq!(refusal(json!("1:")), "Port range must be two integers separated by a colon");
        assert_eq!(refusal(json!("x")), "Invalid port: x");
        assert_eq!(
            refusal(json!("0")),
            "Invalid port: 0, the port must be in the range [1, 65535]"
        );
        assert_eq!(
            refusal(json!("9:8")),
            "First port in a port range must be lower than the second port"
        );
    }

    #[test]
    fn ranges_overlap_where_they_share_a_port() {
        let range = |text: &str| text.parse::<PortRange>().unwrap();
        assert!(range("1:5").overlaps(range("5:9")));
        assert!(!range("1:4").overlaps(range("5:9")));
    }
}
