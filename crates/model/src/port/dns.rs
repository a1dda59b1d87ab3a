//! The names that the addresses of a port have in DNS.

use std::net::IpAddr;

use serde::Serialize;

use crate::shape::{Shape, shaped};

/// The name of one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DnsAssignment {
    pub ip_address: IpAddr,
    /// Without its domain, unless it was given with it.
    pub hostname: String,
    pub fqdn: String,
}

impl DnsAssignment {
    /// Of a port called `name` within `domain`, which ends with a dot or is empty. An address without a name has one
    /// made of itself.
    pub fn new(ip_address: IpAddr, name: &str, domain: &str) -> Self {
        let hostname = if name.is_empty() {
            format!("host-{}", ip_address.to_string().replace(['.', ':'], "-"))
        } else {
            name.to_owned()
        };
        let whole = domain.is_empty() || hostname.ends_with('.');
        let fqdn = if whole { hostname.clone() } else { format!("{hostname}.{domain}") };
        Self { ip_address, hostname, fqdn }
    }
}

shaped! {
    DnsAssignment => Shape::Object(&[
        ("ip_address", Shape::Address),
        ("hostname", Shape::Text),
        ("fqdn", Shape::Text),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_ports_name_or_one_made_of_itself() {
        let fqdn = |address: &str, name, domain| {
            DnsAssignment::new(address.parse().unwrap(), name, domain).fqdn
        };
        assert_eq!(fqdn("10.0.0.7", "", "example.org."), "host-10-0-0-7.example.org.");
        assert_eq!(fqdn("fd00::7", "", ""), "host-fd00--7");
        assert_eq!(fqdn("10.0.0.7", "web", "example.org."), "web.example.org.");
        assert_eq!(fqdn("10.0.0.7", "web.example.org.", "example.org."), "web.example.org.");
    }
}
