//! Pairs of virtual Ethernet devices.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use futures::future::join_all;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage,
};
use nucleon_net::MacAddr;
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::Links;
use super::link::{AdminState, LinkChange, apply_state, is_exists, named};
use crate::error::{Ensured, Error};
use crate::name::LinkName;
use crate::netns::Netns;

/// Pairs requested at once: the answers to more would not fit a netlink socket's buffer.
const BATCH: usize = 64;

/// A pair to be made: one end here, the other here or in another namespace.
#[derive(Debug, Clone)]
pub struct Veth {
    pub near: VethEnd,
    pub far: VethEnd,
    pub far_netns: Option<Netns>,
}

/// One end of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VethEnd {
    pub name: LinkName,
    pub mac: Option<MacAddr>,
    pub mtu: Option<u32>,
    pub state: AdminState,
}

impl VethEnd {
    /// An end that is down, with a MAC of the kernel's choice.
    pub fn new(name: LinkName) -> Self {
        Self { name, mac: None, mtu: None, state: AdminState::Down }
    }

    #[must_use]
    pub fn mac(mut self, mac: MacAddr) -> Self {
        self.mac = Some(mac);
        self
    }

    #[must_use]
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    #[must_use]
    pub fn up(mut self) -> Self {
        self.state = AdminState::Up;
        self
    }

    fn wanted(&self) -> LinkChange {
        LinkChange { state: Some(self.state), mac: self.mac, mtu: self.mtu, name: None }
    }

    fn message(&self, netns: Option<BorrowedFd<'_>>) -> LinkMessage {
        let mut message = named(&self.name);
        if let Some(mac) = self.mac {
            message.attributes.push(LinkAttribute::Address(mac.octets().to_vec()));
        }
        if let Some(mtu) = self.mtu {
            message.attributes.push(LinkAttribute::Mtu(mtu));
        }
        if let Some(netns) = netns {
            message.attributes.push(LinkAttribute::NetNsFd(netns.as_raw_fd()));
        }
        message
    }
}

impl Veth {
    /// A pair with both ends in the same namespace.
    pub fn new(near: VethEnd, far: VethEnd) -> Self {
        Self { near, far, far_netns: None }
    }

    /// A pair whose far end is made in another namespace.
    pub fn into_netns(near: VethEnd, far: VethEnd, netns: &Netns) -> Self {
        Self { near, far, far_netns: Some(netns.clone()) }
    }

    fn message(&self) -> LinkMessage {
        let far = self.far.message(self.far_netns.as_ref().map(Netns::as_fd));
        let mut message = self.near.message(None);
        apply_state(&mut message, Some(self.near.state));
        message.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
        ]));
        message
    }
}

impl Links {
    /// Creates a pair, with MAC, MTU and state of both ends, in one request. Fails with
    /// [`Error::is_exists`] when either name is taken.
    pub async fn create_veth(&self, veth: &Veth) -> Result<(), Error> {
        let place = veth.far_netns.as_ref().map_or(self.namespace(), Netns::label);
        let action = format!("create it with its other end '{}' in '{place}'", veth.far.name);
        self.change(RouteNetlinkMessage::NewLink(veth.message()), NLM_F_CREATE | NLM_F_EXCL)
            .await
            .map_err(|source| self.link_failed(&veth.near.name, action, source))?;
        // Not in the same request: the kernel would open the far end before it has a peer, which
        // fails with ENOTCONN (veth_open).
        if veth.far.state == AdminState::Up {
            self.far_links(veth).set_up(&veth.far.name).await?;
        }
        Ok(())
    }

    /// Creates many pairs, pipelined; one result each, in their order.
    pub async fn create_veths(&self, veths: &[Veth]) -> Vec<Result<(), Error>> {
        let mut results = Vec::with_capacity(veths.len());
        for batch in veths.chunks(BATCH) {
            results.extend(join_all(batch.iter().map(|veth| self.create_veth(veth))).await);
        }
        results
    }

    /// Makes the pair exist, both ends where and as they should be. A near end whose other end is
    /// something else is deleted and made anew.
    pub async fn ensure_veth(&self, veth: &Veth) -> Result<Ensured, Error> {
        let far_links = self.far_links(veth);
        if let Some(near) = self.link(&veth.near.name).await? {
            let far = far_links.link(&veth.far.name).await?;
            let paired = near.kind.as_deref() == Some("veth")
                && far.is_some_and(|far| near.peer == Some(far.index));
            if paired {
                let near = self.ensure(&veth.near.name, &veth.near.wanted()).await?;
                let far = far_links.ensure(&veth.far.name, &veth.far.wanted()).await?;
                return Ok(near.or(far));
            }
            let _ = self.ensure_deleted(&veth.near.name).await?;
        }
        match self.create_veth(veth).await {
            Err(Error::Link { source, .. }) if is_exists(&source) => {
                // The near name was free just now, so it is a stray end of the far name.
                let _ = far_links.ensure_deleted(&veth.far.name).await?;
                self.create_veth(veth).await?;
            }
            created => created?,
        }
        Ok(Ensured::Changed)
    }

    fn far_links<'a>(&'a self, veth: &'a Veth) -> &'a Links {
        veth.far_netns.as_ref().map_or(self, Netns::links)
    }
}
