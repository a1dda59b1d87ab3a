//! Addresses of links.

use std::net::IpAddr;

use futures::future::join_all;
use ipnet::IpNet;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::Links;
use crate::error::{Ensured, Error};
use crate::name::LinkName;

/// How far an address is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    Global,
    Link,
    Host,
}

/// An address of a link with the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub net: IpNet,
    pub scope: Scope,
}

impl Links {
    pub async fn addresses(&self, link: &LinkName) -> Result<Vec<Address>, Error> {
        let index = self.index(link).await?;
        self.addresses_of(link, index).await
    }

    pub async fn add_address(&self, link: &LinkName, net: IpNet) -> Result<(), Error> {
        let index = self.index(link).await?;
        self.add_address_at(link, index, net).await
    }

    /// Fails with [`Error::is_missing`] when the link does not have it.
    pub async fn delete_address(&self, link: &LinkName, net: IpNet) -> Result<(), Error> {
        let index = self.index(link).await?;
        self.delete_address_at(link, index, net).await
    }

    pub async fn ensure_address(&self, link: &LinkName, net: IpNet) -> Result<Ensured, Error> {
        match self.add_address(link, net).await {
            Ok(()) => Ok(Ensured::Changed),
            Err(error) if error.is_exists() => Ok(Ensured::Unchanged),
            Err(error) => Err(error),
        }
    }

    /// Makes `wanted` the addresses of the link. IPv6 link-local addresses that are not among them
    /// stay: the kernel makes them.
    pub async fn ensure_addresses(
        &self,
        link: &LinkName,
        wanted: &[IpNet],
    ) -> Result<Ensured, Error> {
        let index = self.index(link).await?;
        let mut outcome = Ensured::Unchanged;
        let mut actual = self.addresses_of(link, index).await?;
        let stale: Vec<IpNet> = actual
            .iter()
            .filter(|address| address.net.addr().is_ipv4() || address.scope != Scope::Link)
            .map(|address| address.net)
            .filter(|net| !wanted.contains(net))
            .collect();
        if !stale.is_empty() {
            outcome = Ensured::Changed;
            let deletions = stale.iter().map(|net| self.delete_address_at(link, index, *net));
            for result in join_all(deletions).await {
                match result {
                    Err(error) if !error.is_missing() => return Err(error),
                    _ => {}
                }
            }
            // The secondary addresses of an IPv4 subnet go with its primary one.
            actual = self.addresses_of(link, index).await?;
        }
        let missing =
            wanted.iter().filter(|net| !actual.iter().any(|address| address.net == **net));
        let additions = missing.map(|net| self.add_address_at(link, index, *net));
        for result in join_all(additions).await {
            result?;
            outcome = Ensured::Changed;
        }
        Ok(outcome)
    }

    async fn addresses_of(&self, link: &LinkName, index: u32) -> Result<Vec<Address>, Error> {
        let mut request = AddressMessage::default();
        request.header.index = index;
        let messages = self
            .dump(RouteNetlinkMessage::GetAddress(request))
            .await
            .map_err(|source| self.link_failed(link, "list addresses", source))?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                RouteNetlinkMessage::NewAddress(message) if message.header.index == index => {
                    parse(&message)
                }
                _ => None,
            })
            .collect())
    }

    async fn add_address_at(&self, link: &LinkName, index: u32, net: IpNet) -> Result<(), Error> {
        let request = RouteNetlinkMessage::NewAddress(message(index, net));
        self.change(request, NLM_F_CREATE | NLM_F_EXCL)
            .await
            .map_err(|source| self.link_failed(link, format!("add address {net}"), source))
    }

    async fn delete_address_at(
        &self,
        link: &LinkName,
        index: u32,
        net: IpNet,
    ) -> Result<(), Error> {
        self.change(RouteNetlinkMessage::DelAddress(message(index, net)), 0)
            .await
            .map_err(|source| self.link_failed(link, format!("delete address {net}"), source))
    }
}

fn message(index: u32, net: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = net.prefix_len();
    message.attributes.push(AddressAttribute::Local(net.addr()));
    message.attributes.push(AddressAttribute::Address(net.addr()));
    match net {
        IpNet::V4(net) => {
            message.header.family = AddressFamily::Inet;
            if net.prefix_len() < 31 {
                message.attributes.push(AddressAttribute::Broadcast(net.broadcast()));
            }
        }
        IpNet::V6(net) => {
            message.header.family = AddressFamily::Inet6;
            if net.addr().is_unicast_link_local() {
                message.header.scope = AddressScope::Link;
            }
            // Addresses given here are allocated, so nobody else has them: without this the
            // address would not be usable until duplicate detection (RFC 4862, 5.4) is over.
            message.header.flags = AddressHeaderFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
    }
    message
}

fn parse(message: &AddressMessage) -> Option<Address> {
    let mut local = None;
    let mut address = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => address = Some(*ip),
            _ => {}
        }
    }
    // IPv6 has no IFA_LOCAL unless the address is one end of a point-to-point link.
    let ip: IpAddr = local.or(address)?;
    let scope = match message.header.scope {
        AddressScope::Link => Scope::Link,
        AddressScope::Host => Scope::Host,
        _ => Scope::Global,
    };
    Some(Address { net: IpNet::new(ip, message.header.prefix_len).ok()?, scope })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_its_message() {
        for text in ["10.0.1.11/24", "10.0.1.11/32", "2001:db8::5/64"] {
            let net: IpNet = text.parse().unwrap();
            let parsed = parse(&message(3, net)).unwrap();
            assert_eq!(parsed, Address { net, scope: Scope::Global });
        }
        let local: IpNet = "fe80::a9fe:a9fe/64".parse().unwrap();
        assert_eq!(parse(&message(3, local)).unwrap().scope, Scope::Link);
    }

    #[test]
    fn small_ipv4_prefixes_have_no_broadcast() {
        let has = |text: &str| {
            message(1, text.parse().unwrap())
                .attributes
                .iter()
                .any(|attribute| matches!(attribute, AddressAttribute::Broadcast(_)))
        };
        assert!(has("10.0.0.1/30"));
        assert!(!has("10.0.0.1/31"));
        assert!(!has("10.0.0.1/32"));
    }
}
