//! What a port request may say.

use std::collections::BTreeSet;

use nucleon_db::{Tx, port as store};
use nucleon_model::{AddressPair, ExtraDhcpOpt, Field, NetworkId, Port, PortDraft};
use nucleon_net::MacAddr;

use crate::segment::invalid_input;
use crate::{Error, Result, Settings};

/// Limits and forms that do not depend on the network.
pub(super) fn draft(settings: &Settings, draft: &PortDraft) -> Result<()> {
    if let Field::Value(pairs) = &draft.allowed_address_pairs
        && pairs.len() > settings.max_allowed_address_pair
    {
        return Err(Error::invalid(
            "AllowedAddressPairExhausted",
            format!(
                "The number of allowed address pair exceeds the maximum {}.",
                settings.max_allowed_address_pair
            ),
        ));
    }
    if let Field::Value(mac) = &draft.mac_address
        && mac.is_multicast()
    {
        return Err(invalid_input(format!("mac address {mac} is a multicast address")));
    }
    if let Field::Value(options) = &draft.extra_dhcp_opts {
        let distinct: BTreeSet<_> =
            options.iter().map(|option| (&option.opt_name, option.ip_version)).collect();
        if distinct.len() != options.len() {
            return Err(Error::conflict(
                "NeutronDbObjectDuplicateEntry",
                "Failed to create a duplicate ExtraDhcpOpt: for attribute(s) ['port_id', 'opt_name', \
                 'ip_version'] with value(s) None",
            ));
        }
    }
    Ok(())
}

/// A bound port keeps its MAC address: the machine behind it has it too.
pub(super) fn mac_change(port: &Port, draft: &PortDraft) -> Result<()> {
    let new = match &draft.mac_address {
        Field::Absent => return Ok(()),
        Field::Value(mac) if *mac == port.mac_address => return Ok(()),
        Field::Value(mac) => mac.to_string(),
        Field::Null => "None".to_owned(),
    };
    if port.is_bound() && draft.host.get().is_none_or(|host| *host == port.host) {
        return Err(Error::conflict(
            "PortBound",
            format!(
                "Unable to complete operation on port {}, port is already bound, port type: {}, \
                 old_mac {}, new_mac {new}.",
                port.id, port.vif_type, port.mac_address
            ),
        ));
    }
    Ok(())
}

/// Address pairs, the port's own MAC address where they name none.
pub(super) fn pairs(mut pairs: Vec<AddressPair>, mac: MacAddr) -> Vec<AddressPair> {
    for pair in &mut pairs {
        pair.mac_address.get_or_insert(mac);
    }
    pairs
}

/// A MAC address that a request names must be free; one made up here is made up again where it is not.
pub(super) async fn mac_free(tx: &mut Tx, network: NetworkId, mac: MacAddr) -> Result<()> {
    if store::port_macs_taken(tx, network, &[mac]).await?.is_empty() {
        return Ok(());
    }
    Err(mac_in_use(network, mac))
}

/// Another port of the network has the MAC address.
pub(super) fn mac_in_use(network: NetworkId, mac: MacAddr) -> Error {
    Error::conflict(
        "MacAddressInUse",
        format!(
            "Unable to complete operation for network {network}. The mac address {mac} is in use."
        ),
    )
}

/// DHCP options after a request: named ones replaced, those with value `null` taken away, others kept.
pub(super) fn dhcp_opts(
    mut held: Vec<ExtraDhcpOpt>,
    requested: Option<Vec<ExtraDhcpOpt>>,
) -> Vec<ExtraDhcpOpt> {
    for option in requested.unwrap_or_default() {
        held.retain(|other| {
            other.opt_name != option.opt_name || other.ip_version != option.ip_version
        });
        if option.opt_value.is_some() {
            held.push(option);
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(name: &str, value: Option<&str>) -> ExtraDhcpOpt {
        ExtraDhcpOpt {
            opt_name: name.to_owned(),
            opt_value: value.map(str::to_owned),
            ip_version: 4,
        }
    }

    #[test]
    fn dhcp_options_are_replaced_by_name_and_removed_by_null() {
        let held = vec![option("mtu", Some("1400")), option("router", Some("10.0.0.1"))];
        let requested = vec![option("mtu", Some("1300")), option("router", None)];
        assert_eq!(dhcp_opts(held, Some(requested)), vec![option("mtu", Some("1300"))]);
    }
}
