//! Interfaces: the devices behind ports (ovs-vswitchd.conf.db(5)).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::id::InterfaceId;
use crate::row::{Row, RowError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    pub id: InterfaceId,
    pub name: String,
    pub kind: InterfaceType,
    pub options: BTreeMap<String, String>,
    pub external_ids: BTreeMap<String, String>,
    pub ofport: OfPort,
    pub ofport_request: Option<u32>,
    pub admin_state: Option<LinkState>,
    pub link_state: Option<LinkState>,
    pub mtu: Option<u32>,
    pub mtu_request: Option<u32>,
    pub mac_in_use: Option<String>,
    pub ifindex: Option<u32>,
    /// What ovs-vswitchd says is wrong with it.
    pub error: Option<String>,
}

/// The column `type`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum InterfaceType {
    /// A device of the operating system; the database has the empty string for it.
    System,
    Internal,
    Patch,
    Vxlan,
    Geneve,
    Gre,
    Other(String),
}

/// The OpenFlow port number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfPort {
    /// ovs-vswitchd has not come to it yet.
    Unassigned,
    /// ovs-vswitchd could not add the port; [`Interface::error`] says why.
    Failed,
    Number(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Up,
    Down,
}

impl Interface {
    pub(super) const COLUMNS: [&'static str; 13] = [
        "name",
        "type",
        "options",
        "external_ids",
        "ofport",
        "ofport_request",
        "admin_state",
        "link_state",
        "mtu",
        "mtu_request",
        "mac_in_use",
        "ifindex",
        "error",
    ];

    pub fn from_row(id: Uuid, row: &Row) -> Result<Self, RowError> {
        let number = |column| match row.optional_integer(column)? {
            None => Ok(None),
            Some(value) => match u32::try_from(value) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(row.mistyped(column, "number of 32 bits")),
            },
        };
        let state = |column| match row.optional_string(column)? {
            None => Ok(None),
            Some("up") => Ok(Some(LinkState::Up)),
            Some("down") => Ok(Some(LinkState::Down)),
            Some(_) => Err(row.mistyped(column, "link state")),
        };
        let ofport = match row.optional_integer("ofport")? {
            None => OfPort::Unassigned,
            Some(-1) => OfPort::Failed,
            Some(value) => match u32::try_from(value) {
                Ok(port) => OfPort::Number(port),
                Err(_) => return Err(row.mistyped("ofport", "OpenFlow port")),
            },
        };
        Ok(Self {
            id: InterfaceId(id),
            name: row.string("name")?.to_owned(),
            kind: InterfaceType::parse(row.string("type")?),
            options: row.string_map("options")?,
            external_ids: row.string_map("external_ids")?,
            ofport,
            ofport_request: number("ofport_request")?,
            admin_state: state("admin_state")?,
            link_state: state("link_state")?,
            mtu: number("mtu")?,
            mtu_request: number("mtu_request")?,
            mac_in_use: row.optional_string("mac_in_use")?.map(str::to_owned),
            ifindex: number("ifindex")?,
            error: row.optional_string("error")?.map(str::to_owned),
        })
    }
}

impl InterfaceType {
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "",
            Self::Internal => "internal",
            Self::Patch => "patch",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Other(name) => name,
        }
    }

    /// Every text is a type: switches of other builds know others.
    pub fn parse(name: &str) -> Self {
        match name {
            "" | "system" => Self::System,
            "internal" => Self::Internal,
            "patch" => Self::Patch,
            "vxlan" => Self::Vxlan,
            "geneve" => Self::Geneve,
            "gre" => Self::Gre,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl OfPort {
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::Number(port) => Some(port),
            Self::Unassigned | Self::Failed => None,
        }
    }
}
