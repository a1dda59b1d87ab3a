//! What things are called on a host, after Neutron: operators' tools look for these names.

use nucleon_linux::{LinkName, NetnsName};
use nucleon_model::{NetworkId, PortId};
use uuid::Uuid;

/// Neutron's prefix for namespaces of DHCP agents.
const NAMESPACE: &str = "qdhcp-";
/// So much of a port's id fits a device name behind a prefix of four (Neutron's `DEV_NAME_LEN`).
const ID_LEN: usize = 11;

/// The namespace that a network's DHCP port lives in.
#[expect(clippy::expect_used, reason = "a UUID is 36 hexadecimal digits and hyphens")]
pub fn namespace(network: NetworkId) -> NetnsName {
    NetnsName::new(format!("{NAMESPACE}{network}")).expect("no blank, no slash, short enough")
}

/// The network whose DHCP port a namespace is for; `None` for namespaces of others.
pub fn network_of(namespace: &NetnsName) -> Option<NetworkId> {
    let id = namespace.as_str().strip_prefix(NAMESPACE)?;
    // Only the form that `namespace` writes: other spellings of a UUID are another's.
    let id = Uuid::try_parse(id).ok().filter(|uuid| uuid.hyphenated().to_string() == id)?;
    Some(NetworkId::new(id))
}

/// The port on the switch.
pub fn switch_end(port: PortId) -> LinkName {
    device("tap", port)
}

/// The end of a virtual pair that is in the namespace.
pub fn inner_end(port: PortId) -> LinkName {
    device("ns-", port)
}

#[expect(clippy::expect_used, reason = "the kernel calls it so")]
pub(crate) fn loopback() -> LinkName {
    LinkName::new("lo").expect("two letters")
}

/// Whether a device is called like one that DHCP agents make.
pub fn is_device(name: &LinkName) -> bool {
    ["tap", "ns-"].iter().any(|prefix| name.as_str().starts_with(prefix))
}

#[expect(clippy::expect_used, reason = "a prefix of three and eleven of a UUID's 36 characters")]
fn device(prefix: &str, port: PortId) -> LinkName {
    let mut name = port.to_string();
    name.truncate(ID_LEN);
    name.insert_str(0, prefix);
    LinkName::new(name).expect("14 characters, no blank, no slash")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5a6d5a4c-6f5c-4f3a-9f43-3d1f4f0f7c11";

    #[test]
    fn names_are_neutrons() {
        let port: PortId = ID.parse().unwrap();
        assert_eq!(switch_end(port).as_str(), "tap5a6d5a4c-6f");
        assert_eq!(inner_end(port).as_str(), "ns-5a6d5a4c-6f");
        assert_eq!(namespace(ID.parse().unwrap()).as_str(), format!("qdhcp-{ID}"));
    }

    #[test]
    fn a_namespace_tells_its_network_and_others_tell_none() {
        let network: NetworkId = ID.parse().unwrap();
        assert_eq!(network_of(&namespace(network)), Some(network));
        for other in ["qdhcp-", "qdhcp-1", "qrouter-5a6d5a4c-6f5c-4f3a-9f43-3d1f4f0f7c11"] {
            assert_eq!(network_of(&NetnsName::new(other).unwrap()), None, "{other}");
        }
        let odd = format!("qdhcp-{}", ID.to_uppercase());
        assert_eq!(network_of(&NetnsName::new(odd).unwrap()), None);
    }

    #[test]
    fn only_prefixes_of_dhcp_devices_count() {
        let is = |name: &str| is_device(&LinkName::new(name).unwrap());
        assert!(is("tap5a6d5a4c-6f") && is("ns-5a6d5a4c-6f"));
        assert!(!is("qr-5a6d5a4c-6f") && !is("eth0") && !is("lo"));
    }
}
