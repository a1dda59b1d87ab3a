//! Options of networks on switches: ML2 and Open vSwitch.

use std::time::Duration;

use crate::option::options;
use crate::value::{
    BridgeMappings, DatapathType, Drivers, ExtensionDriver, FlatNetworks, IpVersion,
    MechanismDriver, NetworkMtus, NetworkType, OvsdbAddress, TunnelRanges, VlanRanges,
};

options! {
    /// The plug-in that keeps networks of many types on switches of many kinds.
    pub struct Ml2 in "ml2" {
        /// The network types that may be used.
        type_drivers: Drivers<NetworkType> = "local,flat,vlan,gre,vxlan,geneve";
        /// The types tried in turn for a network whose project names none.
        project_network_types: Drivers<NetworkType> = "local", former ["tenant_network_types"];
        /// What binds ports to hosts, tried in turn. Without a configuration file openvswitch.
        mechanism_drivers: Drivers<MechanismDriver> = "";
        /// What adds attributes to networks, subnets and ports.
        extension_drivers: Drivers<ExtensionDriver> = "";
        /// The MTU of the network that carries tunnels; 0 for global_physnet_mtu.
        path_mtu: u32 = "0", within (0, 65535);
        /// The version of IP between the ends of tunnels.
        overlay_ip_version: IpVersion = "4";
        /// The MTU of single physical networks.
        physical_network_mtus: NetworkMtus = "";
    }
}

options! {
    /// Untagged networks.
    pub struct Ml2Flat in "ml2_type_flat" {
        /// The physical networks that may carry one; * for any.
        flat_networks: FlatNetworks = "*";
    }
}

options! {
    /// Tagged networks.
    pub struct Ml2Vlan in "ml2_type_vlan" {
        /// The physical networks that carry VLANs, each with the VLANs that projects' networks are
        /// given (physnet1:100:200); a name alone gives all of them.
        network_vlan_ranges: VlanRanges = "";
    }
}

options! {
    /// Networks in VXLAN tunnels.
    pub struct Ml2Vxlan in "ml2_type_vxlan" {
        /// The ids that projects' networks are given (1:1000).
        vni_ranges: TunnelRanges = "";
    }
}

options! {
    /// Networks in GRE tunnels.
    pub struct Ml2Gre in "ml2_type_gre" {
        /// The ids that projects' networks are given (1:1000).
        tunnel_id_ranges: TunnelRanges = "";
    }
}

options! {
    /// Networks in Geneve tunnels.
    pub struct Ml2Geneve in "ml2_type_geneve" {
        /// The ids that projects' networks are given (1:1000).
        vni_ranges: TunnelRanges = "";
        /// Bytes around a frame without the IP header: Geneve's own 30, and its options.
        max_header_size: u32 = "30", within (0, 1000);
    }
}

options! {
    /// The switch on a host.
    pub struct Ovs in "ovs" {
        /// The bridges that lead to physical networks (physnet1:br-ex).
        bridge_mappings: BridgeMappings = "";
        /// The bridge that ports are plugged into.
        integration_bridge: String = "br-int";
        /// The bridge of tunnels.
        tunnel_bridge: String = "br-tun";
        /// Where Open vSwitch's database listens. Without a configuration file
        /// unix:/run/openvswitch/db.sock.
        ovsdb_connection: OvsdbAddress = "tcp:127.0.0.1:6640";
        /// How long to wait for an answer of the database.
        ovsdb_timeout: Duration = "10", within (1, 3600);
        /// Which datapath carries the bridges.
        datapath_type: DatapathType = "system";
        /// How long to wait for an answer of the switch.
        of_request_timeout: Duration = "300", within (1, 3600);
    }
}
