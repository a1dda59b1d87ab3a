//! The switch, its bridges and their ports (ovs-vswitchd.conf.db(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use uuid::Uuid;

use super::id::{BridgeId, InterfaceId, PortId, SwitchId};
use crate::row::{Row, RowError};

/// The root of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenVSwitch {
    pub id: SwitchId,
    pub bridges: BTreeSet<BridgeId>,
    /// Raised by who wants to know when ovs-vswitchd has acted on a change.
    pub next_cfg: i64,
    /// The last `next_cfg` that ovs-vswitchd has acted on.
    pub cur_cfg: i64,
    pub ovs_version: Option<String>,
    pub other_config: BTreeMap<String, String>,
    pub external_ids: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    pub id: BridgeId,
    pub name: String,
    pub ports: BTreeSet<PortId>,
    /// `system`, `netdev`, or empty, which is `system`.
    pub datapath_type: String,
    /// 16 hexadecimal digits, once ovs-vswitchd has made the bridge.
    pub datapath_id: Option<String>,
    pub fail_mode: Option<FailMode>,
    /// As the database spells them; empty is all that the switch enables by default.
    pub protocols: BTreeSet<String>,
    pub other_config: BTreeMap<String, String>,
    pub external_ids: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub id: PortId,
    pub name: String,
    pub interfaces: BTreeSet<InterfaceId>,
    pub tag: Option<Tag>,
    pub trunks: BTreeSet<Tag>,
    pub vlan_mode: Option<String>,
    pub other_config: BTreeMap<String, String>,
    pub external_ids: BTreeMap<String, String>,
}

/// What a bridge does without a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailMode {
    Standalone,
    Secure,
}

/// A version of OpenFlow that a bridge can be told to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    OpenFlow10,
    OpenFlow11,
    OpenFlow12,
    OpenFlow13,
    OpenFlow14,
    OpenFlow15,
}

/// The VLAN tag of a port: 0 to 4095. Neutron gives 4095 to ports that it does not know the network
/// of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u16);

/// A number that is no VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no VLAN tag (0 to 4095)")]
pub struct InvalidTag(pub i64);

impl OpenVSwitch {
    pub(super) const COLUMNS: [&'static str; 6] =
        ["bridges", "next_cfg", "cur_cfg", "ovs_version", "other_config", "external_ids"];

    pub fn from_row(id: Uuid, row: &Row) -> Result<Self, RowError> {
        Ok(Self {
            id: SwitchId(id),
            bridges: row.uuids("bridges")?.into_iter().map(BridgeId).collect(),
            next_cfg: row.integer("next_cfg")?,
            cur_cfg: row.integer("cur_cfg")?,
            ovs_version: row.optional_string("ovs_version")?.map(str::to_owned),
            other_config: row.string_map("other_config")?,
            external_ids: row.string_map("external_ids")?,
        })
    }
}

impl Bridge {
    pub(super) const COLUMNS: [&'static str; 8] = [
        "name",
        "ports",
        "datapath_type",
        "datapath_id",
        "fail_mode",
        "protocols",
        "other_config",
        "external_ids",
    ];

    pub fn from_row(id: Uuid, row: &Row) -> Result<Self, RowError> {
        let fail_mode = row.optional_string("fail_mode")?.map(|name| {
            FailMode::parse(name).ok_or_else(|| row.mistyped("fail_mode", "fail mode"))
        });
        Ok(Self {
            id: BridgeId(id),
            name: row.string("name")?.to_owned(),
            ports: row.uuids("ports")?.into_iter().map(PortId).collect(),
            datapath_type: row.string("datapath_type")?.to_owned(),
            datapath_id: row.optional_string("datapath_id")?.map(str::to_owned),
            fail_mode: fail_mode.transpose()?,
            protocols: row.strings("protocols")?,
            other_config: row.string_map("other_config")?,
            external_ids: row.string_map("external_ids")?,
        })
    }
}

impl Port {
    pub(super) const COLUMNS: [&'static str; 7] =
        ["name", "interfaces", "tag", "trunks", "vlan_mode", "other_config", "external_ids"];

    pub fn from_row(id: Uuid, row: &Row) -> Result<Self, RowError> {
        let tag =
            |column, value| Tag::try_from(value).map_err(|_| row.mistyped(column, "VLAN tag"));
        let trunks = row.integers("trunks")?.into_iter().map(|value| tag("trunks", value));
        Ok(Self {
            id: PortId(id),
            name: row.string("name")?.to_owned(),
            interfaces: row.uuids("interfaces")?.into_iter().map(InterfaceId).collect(),
            tag: row.optional_integer("tag")?.map(|value| tag("tag", value)).transpose()?,
            trunks: trunks.collect::<Result<_, _>>()?,
            vlan_mode: row.optional_string("vlan_mode")?.map(str::to_owned),
            other_config: row.string_map("other_config")?,
            external_ids: row.string_map("external_ids")?,
        })
    }
}

impl FailMode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standalone => "standalone",
            Self::Secure => "secure",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Standalone, Self::Secure].into_iter().find(|mode| mode.as_str() == name)
    }
}

impl Protocol {
    pub const ALL: [Self; 6] = [
        Self::OpenFlow10,
        Self::OpenFlow11,
        Self::OpenFlow12,
        Self::OpenFlow13,
        Self::OpenFlow14,
        Self::OpenFlow15,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenFlow10 => "OpenFlow10",
            Self::OpenFlow11 => "OpenFlow11",
            Self::OpenFlow12 => "OpenFlow12",
            Self::OpenFlow13 => "OpenFlow13",
            Self::OpenFlow14 => "OpenFlow14",
            Self::OpenFlow15 => "OpenFlow15",
        }
    }
}

impl Tag {
    /// The tag that Neutron's agent gives to ports it does not know the network of.
    pub const DEAD: Self = Self(4095);

    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Tag {
    type Error = InvalidTag;

    fn try_from(value: i64) -> Result<Self, InvalidTag> {
        match u16::try_from(value) {
            Ok(tag) if tag <= 4095 => Ok(Self(tag)),
            _ => Err(InvalidTag(value)),
        }
    }
}

impl TryFrom<u16> for Tag {
    type Error = InvalidTag;

    fn try_from(value: u16) -> Result<Self, InvalidTag> {
        Self::try_from(i64::from(value))
    }
}

impl From<Tag> for i64 {
    fn from(tag: Tag) -> Self {
        Self::from(tag.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
