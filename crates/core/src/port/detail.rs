//! What the compute service and its drivers keep on a port.

use nucleon_model::{Field, Port, PortDraft};
use nucleon_net::MacAddr;
use serde_json::{Value, json};

use crate::{Error, Result};

/// A card that a machine has for itself, with its own MAC address.
const WHOLE_CARD: &str = "direct-physical";

/// What changes of it.
pub(super) fn change(port: &mut Port, draft: &PortDraft) -> Result<()> {
    if draft.numa_affinity_policy.is_given() && port.is_bound() {
        return Err(bound(port, &draft.numa_affinity_policy));
    }
    draft.numa_affinity_policy.clone().apply_nullable(&mut port.numa_affinity_policy);
    draft.hints.clone().apply_nullable(&mut port.hints);
    draft.data_plane_status.clone().apply_nullable(&mut port.data_plane_status);
    draft.propagate_uplink_status.apply(&mut port.propagate_uplink_status);
    draft.trusted.apply_nullable(&mut port.trusted);
    show_in_profile(port);
    Ok(())
}

/// The compute service reads some of it in `binding:profile`.
pub(super) fn show_in_profile(port: &mut Port) {
    if let Some(trusted) = port.trusted {
        port.profile.insert("trusted".to_owned(), Value::Bool(trusted));
    }
    if let Some(offload) = &port.hardware_offload_type {
        let listed = port.profile.entry("capabilities").or_insert_with(|| json!([]));
        if let Value::Array(listed) = listed
            && !listed.iter().any(|one| one == offload)
        {
            listed.push(Value::from(offload.clone()));
        }
    }
}

/// The MAC address that a port takes over with a whole card, or `null` for one of its own when it gives the card back
/// (alias `port-mac-override`): the next port has the card's then.
pub(super) fn card_mac(before: &Port, after: &Port) -> Option<Field<MacAddr>> {
    if after.vnic_type != WHOLE_CARD {
        return None;
    }
    if !before.device_id.is_empty() && after.device_id.is_empty() && after.device_owner.is_empty() {
        return Some(Field::Null);
    }
    let moved = (&after.host, &after.profile) != (&before.host, &before.profile);
    let named = after.profile.get("device_mac_address").and_then(Value::as_str);
    let mac: MacAddr = named.filter(|_| moved && !after.host.is_empty())?.parse().ok()?;
    (mac != after.mac_address).then_some(Field::Value(mac))
}

fn bound(port: &Port, wanted: &Field<String>) -> Error {
    let wanted = wanted.get().map_or("None", String::as_str);
    Error::conflict(
        "PortBoundNUMAAffinityPolicy",
        format!(
            "Unable to complete operation on port {}, port is already bound to host {}, numa_affinity_policy \
             value given {wanted}.",
            port.id, port.host
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(host: &str, device: &str, profile: &Value) -> Port {
        Port {
            vnic_type: WHOLE_CARD.to_owned(),
            host: host.to_owned(),
            device_id: device.to_owned(),
            profile: profile.as_object().cloned().unwrap_or_default(),
            ..Port::default()
        }
    }

    #[test]
    fn a_whole_card_brings_its_mac_address_and_takes_it_along() {
        let idle = port("", "", &json!({}));
        let card = json!({"device_mac_address": "02:00:00:00:00:07"});
        let plugged = port("h1", "vm", &card);
        let mac: MacAddr = "02:00:00:00:00:07".parse().unwrap();
        assert_eq!(card_mac(&idle, &plugged), Some(Field::Value(mac)));
        assert_eq!(card_mac(&plugged, &plugged), None);
        assert_eq!(card_mac(&plugged, &port("", "", &card)), Some(Field::Null));
        let plain = Port { vnic_type: "normal".to_owned(), ..plugged };
        assert_eq!(card_mac(&idle, &plain), None);
    }

    #[test]
    fn the_profile_says_what_the_compute_service_looks_for_there() {
        let mut port = port("", "", &json!({"capabilities": ["x"]}));
        port.trusted = Some(true);
        port.hardware_offload_type = Some("switchdev".to_owned());
        show_in_profile(&mut port);
        show_in_profile(&mut port);
        let shown = json!({"capabilities": ["x", "switchdev"], "trusted": true});
        assert_eq!(Value::Object(port.profile), shown);
    }
}
