//! Parts of a configuration that cannot be served.

use std::net::Ipv4Addr;

use nucleon_net::{Ipv4Net, MacAddr};

use super::extra::InvalidOption;

/// A part of the configuration that was left out; everything else is served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Issue {
    #[error("option '{name}' of {mac} is left out")]
    Option {
        mac: MacAddr,
        name: String,
        #[source]
        source: InvalidOption,
    },
    #[error("{address} of {mac} lies in no subnet")]
    AddressOutside { mac: MacAddr, address: Ipv4Addr },
    #[error("{mac} is given twice; the later one holds")]
    DuplicateMac { mac: MacAddr },
    #[error("subnet {cidr} has DHCP enabled, but the server has no address in it")]
    NoServerAddress { cidr: Ipv4Net },
    #[error("the server's address {address} lies outside of its subnet {cidr}")]
    ServerOutside { cidr: Ipv4Net, address: Ipv4Addr },
    #[error("'{hostname}' of {mac} is no host name; the default is used")]
    Hostname { mac: MacAddr, hostname: String },
    #[error("'{domain}' is no domain name; none is told")]
    Domain { domain: String },
    #[error(
        "renewal after {renewal} s and rebinding after {rebinding} s do not fit a lease of {lease} s; the defaults hold"
    )]
    Timers { renewal: u32, rebinding: u32, lease: u32 },
}
