//! Subnets on segments: which may be confined to which, and the routes between them.

use std::net::IpAddr;

use nucleon_db::{Tx, segment as segments};
use nucleon_model::{HostRoute, NetworkId, Segment, SegmentId, ServiceTypes, Subnet};
use nucleon_net::IpNet;

use crate::{Error, Result};

/// Whether a new subnet may be where it wants to be. `others` are those of its network.
pub(super) async fn check_new(
    tx: &mut Tx,
    subnet: &Subnet,
    others: &[Subnet],
    own: &[Segment],
) -> Result<()> {
    let home = home_of(tx, subnet.segment_id, own).await?;
    check_all_or_none(subnet.network_id, others.iter().chain([subnet]))?;
    check_home(home, subnet.network_id)
}

/// Whether a subnet may be confined to another segment than before, or to none.
pub(super) async fn check_moved(
    tx: &mut Tx,
    before: &Subnet,
    to: Option<SegmentId>,
    others: &[Subnet],
    own: &[Segment],
) -> Result<()> {
    let network = before.network_id;
    let home = home_of(tx, to, own).await?;
    check_all_or_none(network, others.iter().chain([before]))?;
    if to != before.segment_id {
        let held: Vec<Option<SegmentId>> =
            confined(others.iter().chain([before])).map(|subnet| subnet.segment_id).collect();
        if held.len() > 1 {
            return Err(not_all(network));
        }
        if !held.contains(&None) && !held.contains(&to) {
            return Err(Error::invalid(
                "SubnetSegmentAssociationChangeNotAllowed",
                "A subnet that is already associated with a segment cannot have its segment \
                 association changed.",
            ));
        }
        if own.len() > 1 {
            return Err(Error::invalid(
                "NoUpdateSubnetWhenMultipleSegmentsOnNetwork",
                format!(
                    "The network '{network}' has multiple segments, it is only possible to \
                     associate an existing subnet with a segment on networks with a single segment."
                ),
            ));
        }
    }
    check_home(home, network)
}

/// The network that a segment belongs to, and the segment.
async fn home_of(
    tx: &mut Tx,
    segment: Option<SegmentId>,
    own: &[Segment],
) -> Result<Option<Segment>> {
    let Some(id) = segment else { return Ok(None) };
    if let Some(segment) = own.iter().find(|segment| segment.id == id) {
        return Ok(Some(segment.clone()));
    }
    let missing = || Error::not_found(<Segment as nucleon_model::Resource>::DECL, id);
    segments::segment_get(tx, id).await?.map(Some).ok_or_else(missing)
}

fn check_home(home: Option<Segment>, network: NetworkId) -> Result<()> {
    match home {
        Some(segment) if segment.network_id != network => Err(Error::invalid(
            "NetworkIdsDontMatch",
            format!(
                "The subnet's network id, '{network}', doesn't match the network_id of segment '{}'",
                segment.id
            ),
        )),
        _ => Ok(()),
    }
}

/// Subnets for the addresses of routers between the segments are on none, whatever the others are.
fn confined<'a>(subnets: impl Iterator<Item = &'a Subnet>) -> impl Iterator<Item = &'a Subnet> {
    subnets.filter(|subnet| !subnet.service_types.contains(ServiceTypes::ROUTED))
}

fn check_all_or_none<'a>(
    network: NetworkId,
    subnets: impl Iterator<Item = &'a Subnet>,
) -> Result<()> {
    let mut on_segment = confined(subnets).map(|subnet| subnet.segment_id.is_some());
    let first = on_segment.next();
    if on_segment.any(|other| Some(other) != first) { Err(not_all(network)) } else { Ok(()) }
}

fn not_all(network: NetworkId) -> Error {
    Error::invalid(
        "SubnetsNotAllAssociatedWithSegments",
        format!(
            "All of the subnets on network '{network}' must either all be associated with segments \
             or all not associated with any segment."
        ),
    )
}

/// A change that moves the routes between subnets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    /// What the subnet's gateway was.
    pub(super) old_gateway: Option<IpAddr>,
    /// The prefix of a subnet that is gone.
    pub(super) gone: Option<IpNet>,
}

/// The routes of a subnet, with those to the other segments' subnets, through its gateway. A route that its owner gave
/// to the same place, or a larger one, stands for them.
pub(super) fn routes(subnet: &Subnet, all: &[Subnet], moved: Moved) -> Vec<HostRoute> {
    let mut routes = subnet.host_routes.clone();
    if let (Some(destination), Some(nexthop)) = (moved.gone, subnet.gateway_ip) {
        routes.retain(|route| *route != HostRoute { destination, nexthop });
    }
    let is_peer = |other: &&Subnet| {
        other.id != subnet.id
            && other.segment_id != subnet.segment_id
            && other.ip_version == subnet.ip_version
    };
    let peers: Vec<IpNet> = all.iter().filter(is_peer).filter_map(|other| other.cidr).collect();
    if let Some(nexthop) = moved.old_gateway.filter(|old| Some(*old) != subnet.gateway_ip) {
        routes.retain(|route| route.nexthop != nexthop || !peers.contains(&route.destination));
    }
    let Some(nexthop) = subnet.gateway_ip else { return routes };
    for destination in peers {
        if !routes.iter().any(|route| route.destination.contains(&destination)) {
            routes.push(HostRoute { destination, nexthop });
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use nucleon_model::SubnetId;
    use uuid::Uuid;

    use super::*;

    fn subnet(number: u8, segment: Option<u8>) -> Subnet {
        let id = |number: u8| Uuid::from_u128(number.into());
        Subnet {
            id: SubnetId::new(id(number)),
            ip_version: 4,
            cidr: format!("10.{number}.0.0/24").parse().ok(),
            gateway_ip: format!("10.{number}.0.1").parse().ok(),
            segment_id: segment.map(|segment| SegmentId::new(id(segment))),
            ..Subnet::default()
        }
    }

    fn shown(routes: &[HostRoute]) -> Vec<String> {
        routes.iter().map(|route| format!("{} via {}", route.destination, route.nexthop)).collect()
    }

    #[test]
    fn subnets_reach_those_on_other_segments_through_their_gateway() {
        let all = [subnet(1, Some(1)), subnet(2, Some(2)), subnet(3, Some(1))];
        let first = routes(&all[0], &all, Moved::default());
        assert_eq!(shown(&first), ["10.2.0.0/24 via 10.1.0.1"]);
        let wide = HostRoute {
            destination: "10.0.0.0/8".parse().unwrap(),
            nexthop: "10.1.0.9".parse().unwrap(),
        };
        let own = Subnet { host_routes: vec![wide], ..all[0].clone() };
        assert_eq!(routes(&own, &all, Moved::default()), [wide]);
        let closed = Subnet { gateway_ip: None, ..all[0].clone() };
        assert_eq!(routes(&closed, &all, Moved::default()), []);
    }

    #[test]
    fn routes_go_with_the_subnet_and_move_with_the_gateway() {
        let all = [subnet(1, Some(1)), subnet(2, Some(2))];
        let mut first = all[0].clone();
        first.host_routes = routes(&first, &all, Moved::default());
        let gone = Moved { gone: all[1].cidr, ..Moved::default() };
        assert_eq!(routes(&first, &all[..1], gone), []);
        let old_gateway = first.gateway_ip;
        first.gateway_ip = "10.1.0.254".parse().ok();
        let moved = Moved { old_gateway, ..Moved::default() };
        assert_eq!(shown(&routes(&first, &all, moved)), ["10.2.0.0/24 via 10.1.0.254"]);
    }

    #[test]
    fn either_all_subnets_are_on_segments_or_none_is() {
        let check = |subnets: &[Subnet]| check_all_or_none(NetworkId::default(), subnets.iter());
        assert!(check(&[subnet(1, Some(1)), subnet(2, Some(2))]).is_ok());
        assert!(check(&[subnet(1, None), subnet(2, None)]).is_ok());
        let refused = check(&[subnet(1, Some(1)), subnet(2, None)]).unwrap_err();
        assert_eq!(refused.name(), "SubnetsNotAllAssociatedWithSegments");
        let routed = Subnet {
            service_types: ServiceTypes(vec![ServiceTypes::ROUTED.to_owned()]),
            ..subnet(2, None)
        };
        assert!(check(&[subnet(1, Some(1)), routed]).is_ok());
    }
}
