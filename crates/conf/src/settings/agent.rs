//! Options of the agents.

use std::net::IpAddr;
use std::time::Duration;

use crate::option::options;
use crate::value::{DhcpDriver, InterfaceDriver};

options! {
    /// What all agents share.
    pub struct Agent in "agent" {
        /// How often an agent reports that it is alive; at most half of agent_down_time.
        report_interval: Duration = "30", former ["DEFAULT/report_interval"], within (1, 3600);
        /// The availability zone of this host's agents.
        availability_zone: String = "nova", former ["DEFAULT/availability_zone"];
        /// What adds abilities to an agent.
        extensions: Vec<String> = "";
    }
}

options! {
    /// The DHCP agent.
    pub struct Dhcp in "DEFAULT" {
        /// How the agent plugs its own devices.
        interface_driver: InterfaceDriver = "openvswitch";
        /// Plug a pair of virtual Ethernet devices instead of an internal port of the switch.
        ovs_use_veth: bool = "false";
        /// What answers DHCP: the agent itself. Neutron's name for dnsmasq is taken for the same.
        dhcp_driver: DhcpDriver = "native";
        /// How often the agent asks whether it missed anything.
        resync_interval: Duration = "5", within (1, 86400);
        /// DNS servers for subnets that name none.
        dnsmasq_dns_servers: Vec<IpAddr> = "";
        /// Answer by broadcast always.
        dhcp_broadcast_reply: bool = "false";
        /// T1, in seconds: when a client begins to renew; 0 leaves it to the client.
        dhcp_renewal_time: u32 = "0";
        /// T2, in seconds: when a client begins to rebind; 0 leaves it to the client.
        dhcp_rebinding_time: u32 = "0";
        /// Give networks without a router a route to the metadata service.
        enable_isolated_metadata: bool = "false";
        /// Give every network a route to the metadata service.
        force_metadata: bool = "false";
    }
}
