//! Floating IPs: addresses outside that lead to a port inside.

use std::net::IpAddr;

use nucleon_net::MacAddr;
use serde::Serialize;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{FloatingIpId, NetworkId, PortId, QosPolicyId, RouterId, SubnetId};
use crate::port::Port;
use crate::port_forwarding::ForwardingOfFloatingIp;
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::time::Timestamp;

/// `device_owner` of the ports that hold floating IPs outside.
pub const OWNER_FLOATING_IP: &str = "network:floatingip";

/// The port that a floating IP leads to, as the floating IP shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortDetails {
    pub name: String,
    pub network_id: NetworkId,
    pub mac_address: MacAddr,
    pub admin_state_up: bool,
    pub status: String,
    pub device_id: String,
    pub device_owner: String,
}

impl From<&Port> for PortDetails {
    fn from(port: &Port) -> Self {
        Self {
            name: port.name.clone(),
            network_id: port.network_id,
            mac_address: port.mac_address,
            admin_state_up: port.admin_state_up,
            status: port.status.clone(),
            device_id: port.device_id.clone(),
            device_owner: port.device_owner.clone(),
        }
    }
}

shaped! {
    PortDetails => Shape::Object(&[
        ("name", Shape::Text),
        ("network_id", Shape::Uuid),
        ("mac_address", Shape::Mac),
        ("admin_state_up", Shape::Bool),
        ("status", Shape::Text),
        ("device_id", Shape::Text),
        ("device_owner", Shape::Text),
    ]);
}

resource! {
    /// An address outside that leads to a port inside.
    FloatingIp, FloatingIpDraft: "floatingip" / "floatingips", titled "FloatingIP", in "floatingips",
    missing "FloatingIPNotFound" "Floating IP {} could not be found";
    settable {
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The network outside.
        "floating_network_id": floating_network_id: NetworkId as NetworkId ["floating_network_id"]
            { "router", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// The address; any where a request leaves it out.
        "floating_ip_address": floating_ip_address: Option<IpAddr> as IpAddr ["floating_ip_address"]
            { "router", flags!(POST FILTER SORT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// The subnet that the address is to be of.
        "subnet_id": subnet_id: Option<SubnetId> as SubnetId
            { "router", flags!(POST HIDDEN NULLABLE), Rule::Plain, Unless::Null }
        /// The port that it leads to.
        "port_id": port_id: Option<PortId> as PortId ["port_id"]
            { "router", flags!(POST PUT FILTER FOR_POLICY NULLABLE), Rule::Plain, Unless::Null }
        /// The address of that port that it leads to.
        "fixed_ip_address": fixed_ip_address: Option<IpAddr> as IpAddr ["fixed_ip_address"]
            { "router", flags!(POST PUT FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The router that leads it to its port; the one between both networks where a request names none.
        "router_id": router_id: Option<RouterId> as RouterId ["router_id"]
            { "floating-ip-router-writable", flags!(POST PUT FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// Its quality of service.
        "qos_policy_id": qos_policy_id: Option<QosPolicyId> as QosPolicyId ["qos_policy_id"]
            { "qos-fip", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// Its domain in DNS.
        "dns_domain": dns_domain: String as String ["dns_domain"]
            { "dns-integration", flags!(POST), Rule::DnsDomain, Unless::Text("") }
        /// Its name in DNS.
        "dns_name": dns_name: String as String ["dns_name"]
            { "dns-integration", flags!(POST), Rule::DnsName, Unless::Text("") }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: FloatingIpId ["id"] { "router", flags!(FILTER SORT) }
        /// Whether it leads anywhere.
        "status": status: String ["status"] { "router", flags!(FILTER SORT) }
        /// The port that it leads to.
        "port_details": port_details: Option<PortDetails> { "fip-port-details", flags!() }
        /// Single ports of it that lead to ports.
        "port_forwardings": port_forwardings: Vec<ForwardingOfFloatingIp> { "expose-port-forwarding-in-fip", flags!() }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "router", flags!(POST FILTER SORT) }
    }
    internal {
        /// The port that holds its address outside.
        floating_port_id: PortId ["floating_port_id"]
    }
}

standard! { FloatingIp: FloatingIpId, project_id created_at updated_at tags }
