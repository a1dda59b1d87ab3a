//! Local IPs: addresses that each host answers for its own ports.

use std::net::IpAddr;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{LocalIpAssociationId, LocalIpId, NetworkId, PortId};
use crate::rule::Rule;
use crate::standard::standard;
use crate::time::Timestamp;

/// `device_owner` of ports that hold the address of a local IP.
pub const OWNER_LOCAL_IP: &str = "network:local_ip";

const MODES: &[&str] = &["translate", "passthrough"];

resource! {
    /// An address that each host answers for its own ports.
    LocalIp, LocalIpDraft: "local_ip" / "local_ips", titled "LocalIP", in "local_ips", at "local-ips",
    missing "LocalIPNotFound" "Local IP {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "local_ip", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Text for people.
        "description": description: String as String ["description"]
            { "local_ip", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The port that has the address.
        "local_port_id": local_port_id: PortId as PortId ["local_port_id"]
            { "local_ip", flags!(POST FILTER SORT), Rule::Plain, Unless::Unset }
        /// The network of the address.
        "network_id": network_id: NetworkId as NetworkId ["network_id"]
            { "local_ip", flags!(POST FILTER SORT), Rule::Plain, Unless::Unset }
        /// The address.
        "local_ip_address": local_ip_address: Option<IpAddr> as IpAddr ["local_ip_address"]
            { "local_ip", flags!(POST FILTER SORT GUARDED NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether packets to it get the address of the port that answers.
        "ip_mode": ip_mode: String as String ["ip_mode"]
            { "local_ip", flags!(POST FILTER SORT), Rule::OneOf(MODES), Unless::Text("translate") }
    }
    computed {
        /// Its identifier.
        "id": id: LocalIpId ["id"] { "local_ip", flags!(FILTER SORT) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "local_ip", flags!(POST FILTER SORT) }
    }
    internal {}
}

standard! { LocalIp: LocalIpId, project_id created_at updated_at }

resource! {
    /// A port that answers a local IP on its host.
    LocalIpAssociation, LocalIpAssociationDraft: "port_association" / "port_associations",
    titled "LocalIPAssociation", in "local_ip_associations", ruled "local_ip_port_association";
    settable {
        /// Whose it is: its local IP's.
        "project_id": project_id: String as String
            { "project-id", flags!(POST HIDDEN FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The port that answers; addresses name the association by it.
        "fixed_port_id": fixed_port_id: PortId as PortId ["fixed_port_id"]
            { "local_ip", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// The address of that port.
        "fixed_ip": fixed_ip: Option<IpAddr> as IpAddr ["fixed_ip"]
            { "local_ip", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
    }
    computed {
        /// Its own identifier, which nobody sees.
        "id": id: LocalIpAssociationId ["id"] { "local_ip", flags!(HIDDEN) }
        /// The local IP.
        "local_ip_id": local_ip_id: LocalIpId ["local_ip_id"] { "local_ip", flags!() }
        /// The local IP's address.
        "local_ip_address": local_ip_address: Option<IpAddr> ["local_ip_address"]
            { "local_ip", flags!(FILTER SORT) }
        /// The host of the port.
        "host": host: String { "local_ip", flags!(FILTER) }
    }
    mirrors {}
    internal {
        /// Whose the local IP is, where it was looked up.
        parent_project: Option<String>
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { LocalIpAssociation: LocalIpAssociationId, project_id parent_project }
