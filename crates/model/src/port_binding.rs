//! Port bindings: what a port is on one host. One is active, which the port itself shows; others stand by, for a machine
//! that moves.

use serde_json::{Map, Value};

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{PortId, SegmentId};
use crate::port::VNIC_TYPES;
use crate::rule::Rule;

resource! {
    /// What a port is on one host.
    PortBinding, PortBindingDraft: "binding" / "bindings", titled "PortBinding", in "port_bindings", ruled "port_binding";
    settable {
        /// The host.
        "host": host: String as String ["host"]
            { "binding-extended", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Required }
        /// The kind of virtual card wanted.
        "vnic_type": vnic_type: String as String ["vnic_type"]
            { "binding-extended", flags!(POST PUT FILTER SORT), Rule::OneOf(VNIC_TYPES), Unless::Text("normal") }
        /// Notes from the compute service to the drivers.
        "profile": profile: Map<String, Value> as Map<String, Value> ["profile"]
            { "binding-extended", flags!(POST PUT NULLABLE), Rule::Dict, Unless::Unset }
        /// Whose the request says that it is; it is whose the port is.
        "project_id": project_id: String as String
            { "binding-extended", flags!(POST HIDDEN FOR_POLICY), Rule::Text(255), Unless::Unset }
    }
    computed {
        /// How the host plugs the port.
        "vif_type": vif_type: String ["vif_type"] { "binding-extended", flags!(FILTER SORT) }
        /// What the host needs to know for that.
        "vif_details": vif_details: Map<String, Value> ["vif_details"] { "binding-extended", flags!() }
        /// Whether the port is this one now.
        "status": status: String { "binding-extended", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// The port.
        port_id: PortId ["port_id"]
        /// The segment that the port would be bound to on the host.
        segment_id: Option<SegmentId> ["segment_id"]
    }
}

/// `status` values.
pub mod status {
    pub const ACTIVE: &str = "ACTIVE";
    pub const INACTIVE: &str = "INACTIVE";
}
