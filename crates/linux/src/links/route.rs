//! Routes of the main table.

use std::net::IpAddr;

use futures::future::join_all;
use ipnet::IpNet;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};

use super::Links;
use crate::error::{Ensured, Error};
use crate::name::LinkName;

/// Who made a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The kernel, with an address.
    Kernel,
    /// An administrator or this crate.
    Static,
    /// Another program: a routing daemon, a DHCP client, a router advertisement.
    Other,
}

/// A unicast route of the main table, through one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub destination: IpNet,
    /// `None`: the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The address to send from, where it matters.
    pub source: Option<IpAddr>,
    /// The lower wins; the kernel takes 0 for IPv4 and 1024 for IPv6 when not told.
    pub metric: Option<u32>,
    pub origin: Origin,
}

impl Route {
    pub fn on_link(destination: IpNet) -> Self {
        let destination = destination.trunc();
        Self { destination, gateway: None, source: None, metric: None, origin: Origin::Static }
    }

    pub fn via(destination: IpNet, gateway: IpAddr) -> Self {
        Self { gateway: Some(gateway), ..Self::on_link(destination) }
    }

    /// A default route of the gateway's family.
    pub fn default_via(gateway: IpAddr) -> Self {
        let everything = match gateway {
            IpAddr::V4(_) => IpNet::V4(ipnet::Ipv4Net::default()),
            IpAddr::V6(_) => IpNet::V6(ipnet::Ipv6Net::default()),
        };
        Self::via(everything, gateway)
    }

    /// Two routes the kernel cannot have beside each other on one link.
    fn same_key(&self, other: &Self) -> bool {
        self.destination == other.destination && self.metric() == other.metric()
    }

    fn same_path(&self, other: &Self) -> bool {
        self.gateway == other.gateway && (self.source.is_none() || self.source == other.source)
    }

    fn metric(&self) -> u32 {
        let default = if self.destination.addr().is_ipv4() { 0 } else { 1024 };
        self.metric.unwrap_or(default)
    }
}

impl Links {
    /// The routes of the main table through `link`.
    pub async fn routes(&self, link: &LinkName) -> Result<Vec<Route>, Error> {
        let index = self.index(link).await?;
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut request = RouteMessage::default();
            request.header.address_family = family;
            request.attributes.push(RouteAttribute::Oif(index));
            let messages = match self.dump(RouteNetlinkMessage::GetRoute(request)).await {
                // A kernel without IPv6.
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => continue,
                messages => {
                    messages.map_err(|source| self.link_failed(link, "list routes", source))?
                }
            };
            routes.extend(messages.into_iter().filter_map(|message| match message {
                RouteNetlinkMessage::NewRoute(message) => parse(&message, index),
                _ => None,
            }));
        }
        Ok(routes)
    }

    /// Fails with [`Error::is_exists`] when there is a route to the destination already.
    pub async fn add_route(&self, link: &LinkName, route: &Route) -> Result<(), Error> {
        let index = self.index(link).await?;
        let action = || format!("add route {}", route.describe());
        self.change(RouteNetlinkMessage::NewRoute(message(index, route)), NLM_F_CREATE | NLM_F_EXCL)
            .await
            .map_err(|source| self.link_failed(link, action(), source))
    }

    /// Fails with [`Error::is_missing`] when there is no such route.
    pub async fn delete_route(&self, link: &LinkName, route: &Route) -> Result<(), Error> {
        let index = self.index(link).await?;
        self.delete_route_at(link, index, route).await
    }

    /// Makes the route exist in the place of another to the same destination.
    pub async fn ensure_route(&self, link: &LinkName, route: &Route) -> Result<Ensured, Error> {
        let actual = self.routes(link).await?;
        if actual.iter().any(|other| route.same_key(other) && route.same_path(other)) {
            return Ok(Ensured::Unchanged);
        }
        let index = self.index(link).await?;
        self.replace_route_at(link, index, route).await?;
        Ok(Ensured::Changed)
    }

    /// Makes `wanted` the static routes through the link; routes of other origins stay.
    pub async fn ensure_routes(&self, link: &LinkName, wanted: &[Route]) -> Result<Ensured, Error> {
        let index = self.index(link).await?;
        let actual = self.routes(link).await?;
        let stale: Vec<&Route> = actual
            .iter()
            .filter(|route| route.origin == Origin::Static)
            .filter(|route| !wanted.iter().any(|other| other.same_key(route)))
            .collect();
        let missing: Vec<&Route> = wanted
            .iter()
            .filter(|route| {
                !actual.iter().any(|other| route.same_key(other) && route.same_path(other))
            })
            .collect();
        if stale.is_empty() && missing.is_empty() {
            return Ok(Ensured::Unchanged);
        }
        let deletions = stale.into_iter().map(|route| self.delete_route_at(link, index, route));
        for result in join_all(deletions).await {
            match result {
                Err(error) if !error.is_missing() => return Err(error),
                _ => {}
            }
        }
        // One after another, on-link routes first: the gateways of others may lie in them.
        let (on_link, through): (Vec<&Route>, Vec<&Route>) =
            missing.into_iter().partition(|route| route.gateway.is_none());
        for route in on_link.into_iter().chain(through) {
            self.replace_route_at(link, index, route).await?;
        }
        Ok(Ensured::Changed)
    }

    async fn replace_route_at(
        &self,
        link: &LinkName,
        index: u32,
        route: &Route,
    ) -> Result<(), Error> {
        let request = RouteNetlinkMessage::NewRoute(message(index, route));
        let action = || format!("set route {}", route.describe());
        self.change(request, NLM_F_CREATE | NLM_F_REPLACE)
            .await
            .map_err(|source| self.link_failed(link, action(), source))
    }

    async fn delete_route_at(
        &self,
        link: &LinkName,
        index: u32,
        route: &Route,
    ) -> Result<(), Error> {
        let action = || format!("delete route {}", route.describe());
        self.change(RouteNetlinkMessage::DelRoute(message(index, route)), 0)
            .await
            .map_err(|source| self.link_failed(link, action(), source))
    }
}

impl Route {
    fn describe(&self) -> String {
        match self.gateway {
            Some(gateway) => format!("{} via {gateway}", self.destination),
            None => self.destination.to_string(),
        }
    }
}

fn message(index: u32, route: &Route) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(route.destination.addr());
    header.destination_prefix_length = route.destination.prefix_len();
    header.table = RouteHeader::RT_TABLE_MAIN;
    header.protocol = RouteProtocol::Static;
    header.kind = RouteType::Unicast;
    header.scope = match route.gateway {
        None if route.destination.addr().is_ipv4() => RouteScope::Link,
        _ => RouteScope::Universe,
    };
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Oif(index));
    if route.destination.prefix_len() > 0 {
        attributes.push(RouteAttribute::Destination(route.destination.addr().into()));
    }
    if let Some(gateway) = route.gateway {
        attributes.push(RouteAttribute::Gateway(gateway.into()));
    }
    if let Some(source) = route.source {
        attributes.push(RouteAttribute::PrefSource(source.into()));
    }
    if let Some(metric) = route.metric {
        attributes.push(RouteAttribute::Priority(metric));
    }
    message
}

fn parse(message: &RouteMessage, index: u32) -> Option<Route> {
    let header = &message.header;
    if header.table != RouteHeader::RT_TABLE_MAIN || header.kind != RouteType::Unicast {
        return None;
    }
    let mut oif = None;
    let mut destination = match header.address_family {
        AddressFamily::Inet => Some(IpAddr::from([0; 4])),
        AddressFamily::Inet6 => Some(IpAddr::from([0; 16])),
        _ => None,
    };
    let (mut gateway, mut source, mut metric) = (None, None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => oif = Some(*index),
            RouteAttribute::Destination(address) => destination = ip(address),
            RouteAttribute::Gateway(address) => gateway = ip(address),
            RouteAttribute::PrefSource(address) => source = ip(address),
            RouteAttribute::Priority(value) => metric = Some(*value),
            _ => {}
        }
    }
    if oif != Some(index) {
        return None;
    }
    Some(Route {
        destination: IpNet::new(destination?, header.destination_prefix_length).ok()?,
        gateway,
        source,
        metric,
        origin: match header.protocol {
            RouteProtocol::Kernel => Origin::Kernel,
            RouteProtocol::Static | RouteProtocol::Boot => Origin::Static,
            _ => Origin::Other,
        },
    })
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some((*ip).into()),
        RouteAddress::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_survives_its_message() {
        let gateway: IpAddr = "10.0.1.1".parse().unwrap();
        let routes = [
            Route::default_via(gateway),
            Route::via("192.0.2.0/24".parse().unwrap(), gateway),
            Route { metric: Some(5), ..Route::on_link("169.254.169.254/32".parse().unwrap()) },
            Route::default_via("fe80::1".parse().unwrap()),
        ];
        for route in routes {
            assert_eq!(parse(&message(4, &route), 4), Some(route));
            assert_eq!(parse(&message(4, &route), 5), None);
        }
    }

    #[test]
    fn a_route_forgets_the_host_bits_of_its_destination() {
        let route = Route::on_link("10.0.1.77/24".parse().unwrap());
        assert_eq!(route.destination.to_string(), "10.0.1.0/24");
    }

    #[test]
    fn an_unsaid_metric_is_the_kernels_default() {
        let route = Route::default_via("fe80::1".parse().unwrap());
        assert!(route.same_key(&Route { metric: Some(1024), ..route }));
        assert!(!route.same_key(&Route { metric: Some(5), ..route }));
    }
}
