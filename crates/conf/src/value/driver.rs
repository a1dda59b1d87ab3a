//! Drivers and plug-ins by Neutron's names, those that are built and those that are not yet.

use std::fmt;

use super::list::pieces;
use super::{FromText, Invalid};

/// A kind of driver: the names that are built, and those that Neutron has besides.
pub trait DriverKind: Copy + Sized + 'static {
    /// Name as in the file, and what it stands for.
    const BUILT: &'static [(&'static str, Self)];
    /// Known, but not built yet; separated by blanks.
    const NOT_BUILT: &'static str;
}

/// The built ones of a list of drivers, in its order. The others are left out, with a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drivers<K>(Vec<K>);

impl<K: DriverKind + PartialEq> Drivers<K> {
    pub fn contains(&self, kind: K) -> bool {
        self.0.contains(&kind)
    }

    pub fn as_slice(&self) -> &[K] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: DriverKind + PartialEq> FromText for Drivers<K> {
    const KIND: &'static str = "list of drivers";

    fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid> {
        let mut kinds = Vec::new();
        for name in pieces(text) {
            match built(name) {
                Some(kind) if kinds.contains(&kind) => {}
                Some(kind) => kinds.push(kind),
                None => notes.push(not_built::<K>(name)),
            }
        }
        Ok(Self(kinds))
    }
}

fn built<K: DriverKind>(name: &str) -> Option<K> {
    K::BUILT.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

fn not_built<K: DriverKind>(name: &str) -> String {
    let not_built = || K::NOT_BUILT.split_ascii_whitespace();
    if not_built().any(|known| known == name) {
        return format!("driver '{name}' is not built yet and is left out");
    }
    let names = K::BUILT.iter().map(|(name, _)| *name).chain(not_built());
    match crate::nearest::nearest(name, names) {
        Some(near) => format!("driver '{name}' is unknown and is left out; did you mean '{near}'?"),
        None => format!("driver '{name}' is unknown and is left out"),
    }
}

macro_rules! drivers {
    (
        $(#[$about:meta])*
        pub enum $Kind:ident { $($Driver:ident = $name:literal $(| $other:literal)*),+ $(,)? }
        not built $not:literal;
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Kind { $($Driver),+ }

        impl $Kind {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Driver => $name),+ }
            }
        }

        impl DriverKind for $Kind {
            const BUILT: &'static [(&'static str, Self)] =
                &[$(($name, Self::$Driver) $(, ($other, Self::$Driver))*),+];
            const NOT_BUILT: &'static str = $not;
        }

        impl fmt::Display for $Kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// A single driver with one that is built: any other is a warning, and this one takes its place.
macro_rules! only_driver {
    ($Kind:ident, $Only:ident) => {
        impl FromText for $Kind {
            const KIND: &'static str = "driver";

            fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid> {
                if text.is_empty() {
                    return Ok(Self::$Only);
                }
                Ok(built(text).unwrap_or_else(|| {
                    notes.push(format!("driver '{text}' is not built; '{}' is used", Self::$Only));
                    Self::$Only
                }))
            }
        }
    };
}

drivers! {
    /// How a network is carried.
    pub enum NetworkType {
        Local = "local",
        Flat = "flat",
        Vlan = "vlan",
        Gre = "gre",
        Vxlan = "vxlan",
        Geneve = "geneve",
    }
    not built "";
}

drivers! {
    /// What binds ports to hosts.
    pub enum MechanismDriver { OpenVSwitch = "openvswitch" }
    not built "\
        ovn sriovnicswitch macvtap l2population linuxbridge baremetal opendaylight \
        opendaylight_v2 logger";
}

drivers! {
    /// What adds attributes to networks, subnets and ports.
    pub enum ExtensionDriver { PortSecurity = "port_security" }
    not built "\
        qos dns dns_domain_ports dns_domain_keywords subnet_dns_publish_fixed_ip \
        data_plane_status uplink_status_propagation uplink_status_propagation_updatable \
        tag_ports_during_bulk_creation port_numa_affinity_policy port_device_profile \
        port_hints port_trusted";
}

drivers! {
    /// What adds resources to the API.
    pub enum ServicePlugin { Segments = "segments", Tag = "tag", Timestamp = "timestamp" }
    not built "\
        router neutron.services.l3_router.l3_router_plugin.L3RouterPlugin qos trunk \
        trunk_subports metering port_forwarding log network_segment_range \
        network_ip_availability auto_allocate flavors revisions conntrack_helper placement \
        local_ip ndp_proxy dvr l3_agent_scheduler bgp vpnaas taas firewall_v2 \
        networking_bgpvpn ovn-router ovn-bgp evpn pvlan tap_mirror";
}

drivers! {
    /// What keeps networks, subnets and ports.
    pub enum CorePlugin { Ml2 = "ml2" | "neutron.plugins.ml2.plugin.Ml2Plugin" }
    not built "";
}

drivers! {
    /// How agents plug their own devices.
    pub enum InterfaceDriver {
        OpenVSwitch = "openvswitch" | "neutron.agent.linux.interface.OVSInterfaceDriver",
    }
    not built "linuxbridge neutron.agent.linux.interface.BridgeInterfaceDriver";
}

drivers! {
    /// What answers DHCP. Neutron's name for its only one is accepted for our own responder.
    pub enum DhcpDriver {
        Native = "native" | "neutron.agent.linux.dhcp.Dnsmasq",
    }
    not built "";
}

only_driver!(CorePlugin, Ml2);
only_driver!(InterfaceDriver, OpenVSwitch);
only_driver!(DhcpDriver, Native);

#[cfg(test)]
mod tests {
    use super::*;

    fn noted<T: FromText>(text: &str) -> (T, Vec<String>) {
        let mut notes = Vec::new();
        (T::from_text(text, &mut notes).unwrap(), notes)
    }

    #[test]
    fn drivers_that_are_built_are_kept_in_order_and_once() {
        let (types, notes) = noted::<Drivers<NetworkType>>("vlan,flat,vlan");
        assert_eq!(types.as_slice(), [NetworkType::Vlan, NetworkType::Flat]);
        assert!(notes.is_empty());
    }

    #[test]
    fn drivers_that_are_not_built_and_mistyped_ones_are_told_apart() {
        let (types, notes) = noted::<Drivers<NetworkType>>("vlna,flat,zzz");
        assert_eq!(types.as_slice(), [NetworkType::Flat]);
        assert_eq!(
            notes,
            ["driver 'vlna' is unknown and is left out", "driver 'zzz' is unknown and is left out",]
        );
        let (_, notes) = noted::<Drivers<MechanismDriver>>("openvswich");
        assert_eq!(
            notes,
            ["driver 'openvswich' is unknown and is left out; did you mean 'openvswitch'?"]
        );
    }

    #[test]
    fn neutron_s_class_paths_are_accepted() {
        let (plugin, notes) = noted::<CorePlugin>("neutron.plugins.ml2.plugin.Ml2Plugin");
        assert_eq!((plugin, notes.len()), (CorePlugin::Ml2, 0));
        let (driver, notes) = noted::<DhcpDriver>("neutron.agent.linux.dhcp.Dnsmasq");
        assert_eq!((driver, notes.len()), (DhcpDriver::Native, 0));
    }

    #[test]
    fn another_single_driver_is_replaced_with_a_warning() {
        let (driver, notes) = noted::<InterfaceDriver>("linuxbridge");
        assert_eq!(driver, InterfaceDriver::OpenVSwitch);
        assert_eq!(notes, ["driver 'linuxbridge' is not built; 'openvswitch' is used"]);
    }
}
