//! What a rule is about: the checks that hold for rules and for the templates of rules alike, and when two are the same.
//!
//! The checks come in Neutron's order, because clients see only the first refusal.

use std::fmt;

use nucleon_model::{AddressGroupId, EtherType, Flow, Protocol, SecurityGroupId};
use nucleon_net::IpNet;

use crate::{Error, Result};

const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// Protocols with ports, by number and by the name that refusals give.
const WITH_PORTS: [(u8, &str); 5] =
    [(33, "DCCP"), (132, "SCTP"), (6, "TCP"), (17, "UDP"), (136, "UDPLITE")];

/// Protocols that IPv6 alone has: encapsulation, routing, fragments, ICMP, no next header, options.
const OF_IPV6: [u8; 6] = [41, 43, 44, ICMP_V6, 59, 60];

/// What a rule lets pass.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Traffic {
    pub direction: Flow,
    pub ethertype: EtherType,
    pub protocol: Option<Protocol>,
    pub port_range_min: Option<i64>,
    pub port_range_max: Option<i64>,
    pub remote_ip_prefix: Option<IpNet>,
    pub remote_group: Option<String>,
    pub remote_address_group: Option<String>,
}

/// What tells rules of one group apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    direction: Flow,
    ethertype: EtherType,
    /// Number, and the name where there is one: `ip` and `hopopt` are not the same.
    protocol: Option<(u8, Option<&'static str>)>,
    ports: (Option<i64>, Option<i64>),
    remote: Option<String>,
}

/// For a unique key of the database.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, ethertype, protocol, ports: (min, max), remote } = self;
        write!(f, "{direction} {ethertype}")?;
        if let Some((number, name)) = protocol {
            write!(f, " {}", name.map_or_else(|| number.to_string(), str::to_owned))?;
        }
        for (what, port) in [("from", min), ("to", max)] {
            if let Some(port) = port {
                write!(f, " {what} {port}")?;
            }
        }
        remote.as_ref().map_or(Ok(()), |remote| write!(f, " remote {remote}"))
    }
}

impl Traffic {
    /// In canonical form, if it makes sense.
    pub(crate) fn checked(mut self) -> Result<Self> {
        self.name_icmp_of_ipv6();
        self.remote_group = self.remote_group.map(canonical::<SecurityGroupId>);
        self.remote_address_group = self.remote_address_group.map(canonical::<AddressGroupId>);
        if (self.port_range_min, self.port_range_max) == (Some(1), Some(65535)) {
            (self.port_range_min, self.port_range_max) = (None, None);
        }
        self.check_ports()?;
        self.check_prefix()?;
        self.check_family()?;
        let remotes = [
            self.remote_ip_prefix.is_some(),
            self.remote_group.is_some(),
            self.remote_address_group.is_some(),
        ];
        if remotes.into_iter().filter(|given| *given).count() > 1 {
            return Err(Error::invalid(
                "SecurityGroupMultipleRemoteEntites",
                "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
            ));
        }
        Ok(self)
    }

    /// With IPv6, the ICMP of IPv4 means that of IPv6, and an old name the new one.
    fn name_icmp_of_ipv6(&mut self) {
        let Some(protocol) = self.protocol.as_ref().filter(|_| self.ethertype == EtherType::Ipv6)
        else {
            return;
        };
        if protocol.is_number() && protocol.number() == ICMP {
            self.protocol = Some(Protocol::from_number(ICMP_V6));
        } else if !protocol.is_number() && matches!(protocol.number(), ICMP | ICMP_V6) {
            self.protocol = Some(Protocol::ICMP_V6);
        }
    }

    fn check_ports(&self) -> Result<()> {
        let (min, max) = (self.port_range_min, self.port_range_max);
        if min.is_none() && max.is_none() {
            return Ok(());
        }
        let Some(protocol) = &self.protocol else {
            return Err(Error::invalid(
                "SecurityGroupProtocolRequiredWithPorts",
                "Must also specify protocol if port range is given.",
            ));
        };
        let number = protocol.number();
        if WITH_PORTS.iter().any(|(with_ports, _)| *with_ports == number) {
            return check_range(min, max);
        }
        if matches!(number, ICMP | ICMP_V6) {
            return check_icmp(min, max);
        }
        let names: Vec<&str> = WITH_PORTS.iter().map(|(_, name)| *name).collect();
        Err(Error::invalid(
            "SecurityGroupInvalidProtocolForPort",
            format!(
                "Ports cannot be specified for protocol {number}. Ports are only supported for {}.",
                names.join(", ")
            ),
        ))
    }

    fn check_prefix(&self) -> Result<()> {
        match self.remote_ip_prefix {
            Some(prefix) if EtherType::of(prefix.addr()) != self.ethertype => Err(Error::invalid(
                "SecurityGroupRuleParameterConflict",
                format!("Conflicting value ethertype {} for CIDR {prefix}", self.ethertype),
            )),
            _ => Ok(()),
        }
    }

    fn check_family(&self) -> Result<()> {
        match &self.protocol {
            Some(protocol)
                if self.ethertype == EtherType::Ipv4 && OF_IPV6.contains(&protocol.number()) =>
            {
                Err(Error::invalid(
                    "SecurityGroupEthertypeConflictWithProtocol",
                    format!("Invalid ethertype {} for protocol {protocol}.", self.ethertype),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Any address is as good as no prefix.
    pub(crate) fn key(&self) -> Key {
        let prefix = self
            .remote_ip_prefix
            .filter(|prefix| prefix.prefix_len() > 0 || !prefix.addr().is_unspecified())
            .map(|prefix| prefix.to_string());
        Key {
            direction: self.direction,
            ethertype: self.ethertype,
            protocol: self.protocol.as_ref().map(|protocol| (protocol.number(), protocol.name())),
            ports: (self.port_range_min, self.port_range_max),
            remote: prefix
                .or_else(|| self.remote_group.clone())
                .or_else(|| self.remote_address_group.clone()),
        }
    }
}

/// An identifier as the store has it, so that the same rule is the same however it was written; other texts stay.
fn canonical<I: std::str::FromStr + ToString>(text: String) -> String {
    match text.parse::<I>() {
        Ok(id) => id.to_string(),
        Err(_) => text,
    }
}

fn check_range(min: Option<i64>, max: Option<i64>) -> Result<()> {
    if min == Some(0) || max == Some(0) {
        return Err(Error::invalid("SecurityGroupInvalidPortValue", "Invalid value for port 0"));
    }
    match (min, max) {
        (Some(min), Some(max)) if min <= max => Ok(()),
        _ => Err(Error::invalid(
            "SecurityGroupInvalidPortRange",
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
        )),
    }
}

/// The first is the type, the second the code.
fn check_icmp(kind: Option<i64>, code: Option<i64>) -> Result<()> {
    for (value, attribute, field) in
        [(kind, "port_range_min", "type"), (code, "port_range_max", "code")]
    {
        if let Some(value) = value.filter(|value| !(0..=255).contains(value)) {
            return Err(Error::invalid(
                "SecurityGroupInvalidIcmpValue",
                format!(
                    "Invalid value for ICMP {field} ({attribute}) {value}. It must be 0 to 255."
                ),
            ));
        }
    }
    match (kind, code) {
        (None, Some(code)) => Err(Error::invalid(
            "SecurityGroupMissingIcmpType",
            format!(
                "ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing."
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(protocol: &str, min: Option<i64>, max: Option<i64>) -> Traffic {
        Traffic {
            protocol: protocol.parse().ok(),
            port_range_min: min,
            port_range_max: max,
            ..Traffic::default()
        }
    }

    fn refusal(traffic: Traffic) -> String {
        traffic.checked().unwrap_err().name().to_owned()
    }

    #[test]
    fn ports_are_for_protocols_that_have_them() {
        for protocol in ["tcp", "17", "sctp", "33", "udplite"] {
            assert!(traffic(protocol, Some(1), Some(2)).checked().is_ok(), "{protocol}");
            let name = "SecurityGroupInvalidPortRange";
            assert_eq!(refusal(traffic(protocol, Some(2), Some(1))), name);
            assert_eq!(refusal(traffic(protocol, None, Some(6))), name);
            assert_eq!(
                refusal(traffic(protocol, Some(0), Some(6))),
                "SecurityGroupInvalidPortValue"
            );
        }
        assert_eq!(
            refusal(traffic("vrrp", Some(1), Some(2))),
            "SecurityGroupInvalidProtocolForPort"
        );
        assert_eq!(
            refusal(traffic("", Some(1), Some(2))),
            "SecurityGroupProtocolRequiredWithPorts"
        );
    }

    #[test]
    fn what_tells_rules_apart_can_be_written_down() {
        let key = |traffic: Traffic| traffic.key().to_string();
        assert_eq!(key(Traffic::default()), "ingress IPv4");
        assert_eq!(key(traffic("tcp", Some(1), Some(2))), "ingress IPv4 tcp from 1 to 2");
        assert_ne!(key(traffic("icmp", Some(1), None)), key(traffic("icmp", None, Some(1))));
        assert_ne!(key(traffic("ip", None, None)), key(traffic("hopopt", None, None)));
        let prefix =
            |text: &str| Traffic { remote_ip_prefix: text.parse().ok(), ..Traffic::default() };
        assert_eq!(key(prefix("10.0.0.0/8")), "ingress IPv4 remote 10.0.0.0/8");
        assert_eq!(key(prefix("0.0.0.0/0")), "ingress IPv4");
    }

    #[test]
    fn a_code_of_icmp_needs_its_type() {
        assert!(traffic("icmp", Some(8), None).checked().is_ok());
        assert!(traffic("1", Some(0), Some(255)).checked().is_ok());
        assert_eq!(refusal(traffic("icmp", None, Some(6))), "SecurityGroupMissingIcmpType");
        assert_eq!(refusal(traffic("icmp", Some(1), Some(256))), "SecurityGroupInvalidIcmpValue");
    }

    #[test]
    fn all_ports_are_none_in_particular() {
        let all = traffic("tcp", Some(1), Some(65535)).checked().unwrap();
        assert_eq!((all.port_range_min, all.port_range_max), (None, None));
    }

    #[test]
    fn icmp_of_ipv6_goes_by_its_name() {
        let of_ipv6 = |text: &str| {
            let six = Traffic { ethertype: EtherType::Ipv6, ..traffic(text, None, None) };
            six.checked().unwrap().protocol.unwrap().to_string()
        };
        assert_eq!(
            ["icmp", "icmpv6", "1", "58"].map(of_ipv6),
            ["ipv6-icmp", "ipv6-icmp", "58", "58"]
        );
        for protocol in ["ipv6-icmp", "icmpv6", "58", "ipv6-frag", "43"] {
            let name = "SecurityGroupEthertypeConflictWithProtocol";
            assert_eq!(refusal(traffic(protocol, None, None)), name, "{protocol}");
        }
    }

    #[test]
    fn the_other_end_is_said_once_and_of_the_same_family() {
        let from =
            |prefix: &str| Traffic { remote_ip_prefix: prefix.parse().ok(), ..Traffic::default() };
        assert_eq!(refusal(from("fd00::/64")), "SecurityGroupRuleParameterConflict");
        let twice = Traffic { remote_group: Some("g".to_owned()), ..from("10.0.0.0/8") };
        assert_eq!(refusal(twice), "SecurityGroupMultipleRemoteEntites");
    }

    #[test]
    fn rules_are_the_same_by_what_they_mean() {
        let key = |protocol: &str| traffic(protocol, None, None).key();
        assert_eq!(key("tcp"), key("6"));
        assert_ne!(key("ip"), key("hopopt"));
        assert_ne!(key("tcp"), key(""));
        let from = |prefix: &str| {
            Traffic { remote_ip_prefix: prefix.parse().ok(), ..Traffic::default() }.key()
        };
        assert_eq!(from("0.0.0.0/0"), from("none"));
        assert_ne!(from("10.0.0.0/8"), from("none"));
    }
}
