//! The neighbour cache: which MAC answers for which address.

use std::net::IpAddr;

use futures::future::join_all;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nucleon_net::MacAddr;

use super::Links;
use crate::error::{Ensured, Error};
use crate::name::LinkName;

/// An entry of the neighbour cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    pub address: IpAddr,
    /// `None` while it is being asked for, or when nobody answered.
    pub mac: Option<MacAddr>,
    /// Set by hand; it does not age.
    pub permanent: bool,
}

impl Links {
    pub async fn neighbours(&self, link: &LinkName) -> Result<Vec<Neighbour>, Error> {
        let index = self.index(link).await?;
        let messages = self.neighbour_messages(link, index).await?;
        Ok(messages.iter().filter_map(parse).collect())
    }

    /// Forgets what was learned on the link; permanent entries stay.
    pub async fn flush_neighbours(&self, link: &LinkName) -> Result<Ensured, Error> {
        let index = self.index(link).await?;
        let mut learned = self.neighbour_messages(link, index).await?;
        learned.retain(|message| parse(message).is_some_and(|neighbour| !neighbour.permanent));
        if learned.is_empty() {
            return Ok(Ensured::Unchanged);
        }
        let deletions = learned.into_iter().map(|mut message| {
            message
                .attributes
                .retain(|attribute| matches!(attribute, NeighbourAttribute::Destination(_)));
            self.change(RouteNetlinkMessage::DelNeighbour(message), 0)
        });
        for result in join_all(deletions).await {
            match result {
                // Aged out meanwhile.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                Err(error) => return Err(self.link_failed(link, "flush neighbours", error)),
                Ok(()) => {}
            }
        }
        Ok(Ensured::Changed)
    }

    async fn neighbour_messages(
        &self,
        link: &LinkName,
        index: u32,
    ) -> Result<Vec<NeighbourMessage>, Error> {
        let mut request = NeighbourMessage::default();
        request.attributes.push(NeighbourAttribute::IfIndex(index));
        let messages = self
            .dump(RouteNetlinkMessage::GetNeighbour(request))
            .await
            .map_err(|source| self.link_failed(link, "list neighbours", source))?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                RouteNetlinkMessage::NewNeighbour(message)
                    if message.header.ifindex == index
                        && matches!(
                            message.header.family,
                            AddressFamily::Inet | AddressFamily::Inet6
                        )
                        // Multicast and broadcast mappings, which are no neighbours.
                        && message.header.state != NeighbourState::Noarp =>
                {
                    Some(message)
                }
                _ => None,
            })
            .collect())
    }
}

fn parse(message: &NeighbourMessage) -> Option<Neighbour> {
    let mut address = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => {
                address = Some(IpAddr::from(*ip));
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => {
                address = Some(IpAddr::from(*ip));
            }
            NeighbourAttribute::LinkLayerAddress(bytes) => {
                mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(MacAddr::new);
            }
            _ => {}
        }
    }
    let permanent = message.header.state == NeighbourState::Permanent;
    Some(Neighbour { address: address?, mac, permanent })
}
