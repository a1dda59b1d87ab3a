//! Changing the addresses of an address group: `PUT /v2.0/address-groups/{id}/add_addresses` and `…/remove_addresses`.

use std::net::IpAddr;

use axum::Router;
use nucleon_core::{Error, Result};
use nucleon_model::{AddressGroup, PyText};
use nucleon_net::IpNet;
use serde_json::Value;

use crate::action::{self, Action};
use crate::app::Api;
use crate::query::bad_request;

pub(crate) const ADD: Action =
    Action::put("add_addresses", "address-group", "Add addresses to an address group");

pub(crate) const REMOVE: Action =
    Action::put("remove_addresses", "address-group", "Take addresses out of an address group");

pub(crate) fn add(action: &Action) -> Router<Api> {
    action::put::<AddressGroup, _, _>(action, |core, caller, id, body| async move {
        core.address_group_add(&caller, &id, addresses(&body)?).await
    })
}

pub(crate) fn remove(action: &Action) -> Router<Api> {
    action::put::<AddressGroup, _, _>(action, |core, caller, id, body| async move {
        core.address_group_remove(&caller, &id, addresses(&body)?).await
    })
}

/// Prefixes, or addresses alone.
fn addresses(body: &Value) -> Result<Vec<IpNet>> {
    let items = body
        .get("addresses")
        .and_then(Value::as_array)
        .ok_or_else(|| bad_request("Unable to find 'addresses' in request body"))?;
    items
        .iter()
        .map(|item| {
            let text = item.as_str().unwrap_or_default();
            let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
            text.parse().ok().or_else(alone).ok_or_else(|| {
                Error::invalid("AddrFormatError", format!("invalid IPNetwork {}", PyText(item)))
            })
        })
        .collect()
}
