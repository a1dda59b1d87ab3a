//! Trunks: ports that carry further ports, each as a VLAN of its own.

mod request;

use nucleon_net::MacAddr;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::attribute::{Default as Unless, flags};
use crate::declare::{Resource as _, resource};
use crate::id::{PortId, TrunkId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::time::Timestamp;

pub use self::request::{Segmentation, SubPortRequest};

/// `device_owner` of ports that follow the port that carries them.
pub const OWNER_SUBPORT: &str = "trunk:subport";

/// How ports are told apart on the port that carries them.
pub const VLAN: &str = "vlan";

/// `trunks.status` values.
pub mod status {
    /// No host has anything to do for it.
    pub const DOWN: &str = "DOWN";
    /// The host of its port is to wire it.
    pub const BUILD: &str = "BUILD";
    /// A subport could not be bound on the host of its port.
    pub const ERROR: &str = "ERROR";
}

/// A port that a trunk carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubPort {
    pub port_id: PortId,
    pub segmentation_type: String,
    pub segmentation_id: i64,
}

/// The ports that a trunk carries, as a document of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubPorts {
    pub sub_ports: Vec<SubPort>,
}

/// A port that a trunk carries, as the trunk's port shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubPortDetails {
    #[serde(flatten)]
    pub sub_port: SubPort,
    pub mac_address: MacAddr,
}

/// The trunk of a port, as the port shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrunkDetails {
    pub trunk_id: TrunkId,
    pub sub_ports: Vec<SubPortDetails>,
}

shaped! {
    SubPort => Shape::Object(&[
        ("port_id", Shape::Uuid),
        ("segmentation_type", Shape::Text),
        ("segmentation_id", Shape::Int),
    ]);
    SubPortDetails => Shape::Object(&[
        ("port_id", Shape::Uuid),
        ("segmentation_type", Shape::Text),
        ("segmentation_id", Shape::Int),
        ("mac_address", Shape::Mac),
    ]);
    TrunkDetails => Shape::Object(&[
        ("trunk_id", Shape::Uuid),
        ("sub_ports", <Vec<SubPortDetails> as crate::shape::Shaped>::SHAPE),
    ]);
}

resource! {
    /// A port that carries further ports.
    Trunk, TrunkDraft: "trunk" / "trunks", titled "Trunk", in "trunks";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "trunk", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "trunk", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// Whether its subports may be changed.
        "admin_state_up": admin_state_up: bool as bool ["admin_state_up"]
            { "trunk", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
        /// The port that carries the others.
        "port_id": port_id: PortId as PortId ["port_id"]
            { "trunk", flags!(POST FILTER SORT FOR_POLICY), Rule::Plain, Unless::Required }
        /// The ports that it carries.
        "sub_ports": sub_ports: Vec<SubPort> as Vec<SubPortRequest>
            { "trunk", flags!(POST GUARDED), Rule::Plain, Unless::EmptyList }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: TrunkId ["id"] { "trunk", flags!(FILTER SORT) }
        /// DOWN while its port is on no host, BUILD while that host is to wire it, ERROR where a subport is not bound there.
        "status": status: String ["status"] { "trunk", flags!(FILTER SORT) }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it, or its set of subports, was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "trunk", flags!(POST FILTER SORT) }
    }
    internal {}
}

standard! { Trunk: TrunkId, project_id created_at updated_at tags }

/// As its operations on subports answer: without a name around it.
impl Serialize for Trunk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.render(Self::DECL.visible(), &mut map)?;
        map.end()
    }
}
