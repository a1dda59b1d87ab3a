//! The `Open_vSwitch` database: its rows typed, and the edits that an agent makes to it.

mod apply;
mod edit;
mod id;
mod interface;
mod rows;
mod view;

use crate::monitor::MonitorSpec;

pub use self::apply::{BATCH, batches, transact_applied};
pub use self::edit::{
    BridgeDraft, ClearableColumn, PortDraft, add_bridge, add_port, clear_column, delete_bridge,
    delete_port, extend_protocols, init_switch, remove_bridge_external_ids,
    remove_bridge_other_config, remove_interface_external_ids, remove_interface_options,
    remove_port_external_ids, remove_port_other_config, set_bridge_external_ids,
    set_bridge_fail_mode, set_bridge_other_config, set_interface_external_ids,
    set_interface_mtu_request, set_interface_options, set_interface_type, set_port_external_ids,
    set_port_other_config, set_port_tag,
};
pub use self::id::{BridgeId, InterfaceId, PortId, RowRef, SwitchId};
pub use self::interface::{Interface, InterfaceType, LinkState, OfPort};
pub use self::rows::{Bridge, FailMode, InvalidTag, OpenVSwitch, Port, Protocol, Tag};
pub use self::view::{RowChange, View, ViewChange};

/// The database's name.
pub const DATABASE: &str = "Open_vSwitch";

pub(crate) const SWITCH: &str = "Open_vSwitch";
pub(crate) const BRIDGE: &str = "Bridge";
pub(crate) const PORT: &str = "Port";
pub(crate) const INTERFACE: &str = "Interface";

/// The columns that the typed rows are made of. Statistics, which change every few seconds, are not
/// among them.
pub fn monitor() -> MonitorSpec {
    MonitorSpec::new(DATABASE)
        .table(SWITCH, OpenVSwitch::COLUMNS)
        .table(BRIDGE, Bridge::COLUMNS)
        .table(PORT, Port::COLUMNS)
        .table(INTERFACE, Interface::COLUMNS)
}
