//! Network devices themselves.

use std::io;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use nucleon_net::MacAddr;
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::Links;
use crate::error::{Ensured, Error};
use crate::name::LinkName;

/// Whether a link is switched on; the carrier is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdminState {
    Up,
    Down,
}

/// A network device as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: LinkName,
    pub mac: Option<MacAddr>,
    pub mtu: u32,
    pub state: AdminState,
    /// The other end is there and up.
    pub carrier: bool,
    /// `veth`, `bridge`, `tun`, …; none for loopback and hardware.
    pub kind: Option<String>,
    /// Index of the bridge this link is a port of.
    pub controller: Option<u32>,
    /// For a veth, the index of its other end, in whatever namespace that is.
    pub peer: Option<u32>,
}

/// What is to be different about a link; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkChange {
    pub state: Option<AdminState>,
    pub mac: Option<MacAddr>,
    pub mtu: Option<u32>,
    pub name: Option<LinkName>,
}

impl Links {
    pub async fn list(&self) -> Result<Vec<Link>, Error> {
        let request = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let messages =
            self.dump(request).await.map_err(|source| self.failed("list links", source))?;
        Ok(messages.into_iter().filter_map(parse).collect())
    }

    pub async fn link(&self, name: &LinkName) -> Result<Option<Link>, Error> {
        match self.get(RouteNetlinkMessage::GetLink(named(name))).await {
            Ok(message) => Ok(message.and_then(parse)),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(self.link_failed(name, "look for it", error)),
        }
    }

    /// The kernel's number for a link, which changes when the link is made anew.
    pub async fn index(&self, name: &LinkName) -> Result<u32, Error> {
        let missing =
            || Error::LinkMissing { link: name.clone(), namespace: self.namespace().to_owned() };
        Ok(self.link(name).await?.ok_or_else(missing)?.index)
    }

    pub async fn create_bridge(&self, name: &LinkName) -> Result<(), Error> {
        self.create(name, InfoKind::Bridge).await
    }

    pub async fn create_dummy(&self, name: &LinkName) -> Result<(), Error> {
        self.create(name, InfoKind::Dummy).await
    }

    async fn create(&self, name: &LinkName, kind: InfoKind) -> Result<(), Error> {
        let action = format!("create it as a {kind}");
        let mut message = named(name);
        message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
        self.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
            .await
            .map_err(|source| self.link_failed(name, action, source))
    }

    /// Deletes a link, if it is there. Of a veth, both ends go.
    pub async fn ensure_deleted(&self, name: &LinkName) -> Result<Ensured, Error> {
        match self.change(RouteNetlinkMessage::DelLink(named(name)), 0).await {
            Ok(()) => Ok(Ensured::Changed),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(Ensured::Unchanged),
            Err(error) => Err(self.link_failed(name, "delete it", error)),
        }
    }

    /// Makes all changes in one request.
    pub async fn set(&self, name: &LinkName, change: &LinkChange) -> Result<(), Error> {
        let mut message = change_message(name, change);
        if let Some(new) = &change.name {
            // Found by its index, since the name in the request is the one it is to get.
            message.header.index = self.index(name).await?;
            message.attributes.retain(|attribute| !matches!(attribute, LinkAttribute::IfName(_)));
            message.attributes.push(LinkAttribute::IfName(new.to_string()));
        }
        self.change(RouteNetlinkMessage::SetLink(message), 0)
            .await
            .map_err(|source| self.link_failed(name, change.describe(), source))
    }

    /// Makes the changes that are not so already.
    pub async fn ensure(&self, name: &LinkName, wanted: &LinkChange) -> Result<Ensured, Error> {
        let missing =
            || Error::LinkMissing { link: name.clone(), namespace: self.namespace().to_owned() };
        let change = wanted.against(&self.link(name).await?.ok_or_else(missing)?);
        if change == LinkChange::default() {
            return Ok(Ensured::Unchanged);
        }
        self.set(name, &change).await?;
        Ok(Ensured::Changed)
    }

    pub async fn set_up(&self, name: &LinkName) -> Result<(), Error> {
        self.set(name, &LinkChange { state: Some(AdminState::Up), ..LinkChange::default() }).await
    }

    pub async fn set_down(&self, name: &LinkName) -> Result<(), Error> {
        self.set(name, &LinkChange { state: Some(AdminState::Down), ..LinkChange::default() }).await
    }

    pub async fn set_mac(&self, name: &LinkName, mac: MacAddr) -> Result<(), Error> {
        self.set(name, &LinkChange { mac: Some(mac), ..LinkChange::default() }).await
    }

    pub async fn set_mtu(&self, name: &LinkName, mtu: u32) -> Result<(), Error> {
        self.set(name, &LinkChange { mtu: Some(mtu), ..LinkChange::default() }).await
    }

    /// Makes a link a port of a bridge, or of none.
    pub async fn set_controller(
        &self,
        name: &LinkName,
        bridge: Option<&LinkName>,
    ) -> Result<(), Error> {
        let index = match bridge {
            Some(bridge) => self.index(bridge).await?,
            None => 0,
        };
        let mut message = named(name);
        message.attributes.push(LinkAttribute::Controller(index));
        let action = match bridge {
            Some(bridge) => format!("make it a port of '{bridge}'"),
            None => "take it from its bridge".to_owned(),
        };
        self.change(RouteNetlinkMessage::SetLink(message), 0)
            .await
            .map_err(|source| self.link_failed(name, action, source))
    }

    /// Moves a link into another namespace, where it arrives down and without addresses.
    pub async fn move_to(&self, name: &LinkName, netns: &crate::Netns) -> Result<(), Error> {
        use std::os::fd::{AsFd, AsRawFd};
        let mut message = named(name);
        message.attributes.push(LinkAttribute::NetNsFd(netns.as_fd().as_raw_fd()));
        let action = format!("move it to network namespace '{}'", netns.label());
        self.change(RouteNetlinkMessage::SetLink(message), 0)
            .await
            .map_err(|source| self.link_failed(name, action, source))
    }
}

impl LinkChange {
    /// What of it is not so in `link` already.
    fn against(&self, link: &Link) -> Self {
        Self {
            state: self.state.filter(|state| *state != link.state),
            mac: self.mac.filter(|mac| Some(*mac) != link.mac),
            mtu: self.mtu.filter(|mtu| *mtu != link.mtu),
            name: self.name.clone().filter(|name| *name != link.name),
        }
    }

    fn describe(&self) -> String {
        let parts = [
            self.state.map(|state| format!("state {state:?}")),
            self.mac.map(|mac| format!("MAC {mac}")),
            self.mtu.map(|mtu| format!("MTU {mtu}")),
            self.name.as_ref().map(|name| format!("name '{name}'")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("set {}", parts.join(", "))
    }
}

/// The kernel finds a link by name where the index is 0.
pub(super) fn named(name: &LinkName) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    message
}

fn change_message(name: &LinkName, change: &LinkChange) -> LinkMessage {
    let mut message = named(name);
    apply_state(&mut message, change.state);
    if let Some(mac) = change.mac {
        message.attributes.push(LinkAttribute::Address(mac.octets().to_vec()));
    }
    if let Some(mtu) = change.mtu {
        message.attributes.push(LinkAttribute::Mtu(mtu));
    }
    message
}

pub(super) fn apply_state(message: &mut LinkMessage, state: Option<AdminState>) {
    if let Some(state) = state {
        message.header.change_mask |= LinkFlags::Up;
        message.header.flags.set(LinkFlags::Up, state == AdminState::Up);
    }
}

fn parse(message: RouteNetlinkMessage) -> Option<Link> {
    let RouteNetlinkMessage::NewLink(message) = message else { return None };
    let mut name = None;
    let mut link = Link {
        index: message.header.index,
        name: LinkName::new("lo").ok()?,
        mac: None,
        mtu: 0,
        state: if message.header.flags.contains(LinkFlags::Up) {
            AdminState::Up
        } else {
            AdminState::Down
        },
        carrier: message.header.flags.contains(LinkFlags::LowerUp),
        kind: None,
        controller: None,
        peer: None,
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = LinkName::new(text).ok(),
            LinkAttribute::Address(bytes) => {
                link.mac = <[u8; 6]>::try_from(bytes).ok().map(MacAddr::new);
            }
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            LinkAttribute::Controller(index) => link.controller = Some(index),
            LinkAttribute::Link(index) => link.peer = Some(index),
            LinkAttribute::OperState(State::Up) => link.carrier = true,
            LinkAttribute::LinkInfo(infos) => {
                link.kind = infos.into_iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    // A device whose name is no valid one cannot be asked for by name either.
    link.name = name?;
    Some(link)
}

pub(super) fn is_exists(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EEXIST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            index: 7,
            name: LinkName::new("eth0").unwrap(),
            mac: Some(MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 1])),
            mtu: 1500,
            state: AdminState::Up,
            carrier: true,
            kind: Some("veth".to_owned()),
            controller: None,
            peer: Some(8),
        }
    }

    #[test]
    fn what_is_so_already_is_not_changed() {
        let link = link();
        let wanted = LinkChange {
            state: Some(AdminState::Up),
            mac: link.mac,
            mtu: Some(1450),
            name: Some(link.name.clone()),
        };
        let change = wanted.against(&link);
        assert_eq!(change, LinkChange { mtu: Some(1450), ..LinkChange::default() });
        assert_eq!(change.describe(), "set MTU 1450");
    }

    #[test]
    fn a_message_of_another_kind_is_no_link() {
        assert_eq!(parse(RouteNetlinkMessage::DelLink(LinkMessage::default())), None);
    }
}
