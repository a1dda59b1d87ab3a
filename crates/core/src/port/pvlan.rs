//! Ports of networks whose ports are kept apart, as on a private VLAN (RFC 5517).

use nucleon_db::{Tx, port as store};
use nucleon_model::port::pvlan::{COMMUNITY, PROMISCUOUS};
use nucleon_model::{Field, Network, NetworkId, Port, PortId};

use super::security::is_trusted;
use crate::{Error, Result};

/// Says what a port may reach, by what its network is and what a request asks for. Its filtering is settled already.
pub(super) fn settle(
    port: &mut Port,
    network: &Network,
    kind: Field<String>,
    community: Field<String>,
) -> Result<()> {
    if !network.pvlan {
        if port.pvlan_type.is_none() && (kind.get().is_some() || community.get().is_some()) {
            return Err(not_enabled(network.id));
        }
        port.pvlan_type = None;
        port.pvlan_community = None;
        return Ok(());
    }
    let filtered = network.port_security_enabled && port.port_security_enabled;
    if !filtered && !is_trusted(port) {
        return Err(unfiltered(port.id));
    }
    kind.apply_nullable(&mut port.pvlan_type);
    let kind = port.pvlan_type.get_or_insert_with(|| PROMISCUOUS.to_owned());
    let named = community.value();
    if kind == COMMUNITY {
        port.pvlan_community = named.or(port.pvlan_community.take());
        if port.pvlan_community.is_none() {
            return Err(nameless(port.id));
        }
    } else if named.is_some() {
        return Err(no_community(port.id));
    } else {
        port.pvlan_community = None;
    }
    Ok(())
}

/// A network that keeps its ports apart filters them too.
pub(crate) fn check_network(network: &Network, wanted: Field<bool>) -> Result<()> {
    if wanted.get() != Some(&true) || network.port_security_enabled {
        return Ok(());
    }
    Err(Error::invalid(
        "PVLANNetworkPortSecurityDisabled",
        format!("Port security is disabled on network {}, cannot enable PVLAN.", network.id),
    ))
}

/// The ports of a network that begins or ends to keep them apart.
pub(crate) async fn follow_network(tx: &mut Tx, before: &Network, after: &Network) -> Result<()> {
    if before.pvlan == after.pvlan {
        return Ok(());
    }
    if after.pvlan
        && let Some(port) = store::port_unfiltered(tx, after.id).await?
    {
        return Err(unfiltered(port));
    }
    Ok(store::port_pvlan_type_set(tx, after.id, after.pvlan.then_some(PROMISCUOUS)).await?)
}

fn not_enabled(network: NetworkId) -> Error {
    let text = format!("PVLAN is not enabled on network {network}.");
    Error::invalid("PVLANNotEnabledOnNetwork", text)
}

fn unfiltered(port: PortId) -> Error {
    Error::invalid(
        "PVLANPortSecurityDisabled",
        format!("Port security is disabled for port {port}, cannot set PVLAN."),
    )
}

fn no_community(port: PortId) -> Error {
    Error::invalid(
        "PVLANCannotSetCommunityName",
        format!(
            "PVLAN community name cannot be set if port type is not \"community\" for this port: {port}."
        ),
    )
}

fn nameless(port: PortId) -> Error {
    Error::invalid(
        "PVLANCommunityNameRequired",
        format!("Community name is required for ports with PVLAN type \"community\": {port}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Field<String> {
        Field::Value(text.to_owned())
    }

    fn network() -> Network {
        Network { pvlan: true, port_security_enabled: true, ..Network::default() }
    }

    #[test]
    fn a_port_is_promiscuous_unless_it_says_otherwise() {
        let mut port = Port { port_security_enabled: true, ..Port::default() };
        settle(&mut port, &network(), Field::Null, Field::Null).unwrap();
        assert_eq!(port.pvlan_type.as_deref(), Some(PROMISCUOUS));
        assert!(settle(&mut port, &network(), given(COMMUNITY), Field::Absent).is_err());
        settle(&mut port, &network(), given(COMMUNITY), given("red")).unwrap();
        settle(&mut port, &network(), Field::Absent, Field::Absent).unwrap();
        assert_eq!(port.pvlan_community.as_deref(), Some("red"));
        settle(&mut port, &network(), given("isolated"), Field::Absent).unwrap();
        assert_eq!(port.pvlan_community, None);
        assert!(settle(&mut port, &network(), Field::Absent, given("red")).is_err());
    }

    #[test]
    fn only_filtered_ports_are_kept_apart_and_only_where_the_network_does_so() {
        let mut open = Port::default();
        assert!(settle(&mut open, &network(), Field::Absent, Field::Absent).is_err());
        let plain = Network::default();
        assert!(settle(&mut open, &plain, given("isolated"), Field::Absent).is_err());
        settle(&mut open, &plain, Field::Null, Field::Null).unwrap();
        let mut left = Port { pvlan_type: Some("isolated".to_owned()), ..Port::default() };
        settle(&mut left, &plain, Field::Absent, Field::Absent).unwrap();
        assert_eq!(left.pvlan_type, None);
        let mut of_a_router = Port { device_owner: "network:dhcp".to_owned(), ..Port::default() };
        settle(&mut of_a_router, &network(), Field::Absent, Field::Absent).unwrap();
    }
}
