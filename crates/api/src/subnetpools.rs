//! What can be done with a subnet pool beyond the common operations.

use nucleon_core::{Caller, Core, Error, Onboarded, Result};
use nucleon_model::{AttrValue, Rule};
use nucleon_net::IpNet;
use serde::Serialize;
use serde_json::Value;

use crate::action::Action;
use crate::query::bad_request;

pub(crate) const ADD: Action =
    Action::put("add_prefixes", "subnetpool-prefix-ops", "Add prefixes to a subnet pool");

pub(crate) const REMOVE: Action =
    Action::put("remove_prefixes", "subnetpool-prefix-ops", "Take prefixes out of a subnet pool");

pub(crate) const ONBOARD: Action = Action::put(
    "onboard_network_subnets",
    "subnet_onboard",
    "Take the subnets of a network into a subnet pool",
);

/// What a pool has after the operation.
#[derive(Debug, Serialize)]
pub(crate) struct Prefixes {
    prefixes: Vec<IpNet>,
}

pub(crate) async fn add(core: Core, caller: Caller, id: String, body: Value) -> Result<Prefixes> {
    let prefixes = core.subnetpool_add_prefixes(&caller, &id, read(&body)?).await?;
    Ok(Prefixes { prefixes })
}

pub(crate) async fn remove(
    core: Core,
    caller: Caller,
    id: String,
    body: Value,
) -> Result<Prefixes> {
    let prefixes = core.subnetpool_remove_prefixes(&caller, &id, read(&body)?).await?;
    Ok(Prefixes { prefixes })
}

pub(crate) async fn onboard(
    core: Core,
    caller: Caller,
    id: String,
    body: Value,
) -> Result<Vec<Onboarded>> {
    let network = body.get("network_id").and_then(Value::as_str);
    core.subnetpool_onboard(&caller, &id, network).await
}

fn read(body: &Value) -> Result<Vec<IpNet>> {
    let items = body.get("prefixes").filter(|value| value.is_array());
    let items = items.ok_or_else(|| bad_request("Request body contains invalid data"))?;
    let prefixes = Vec::<IpNet>::from_json(items, &Rule::Plain).map_err(|invalid| {
        Error::invalid("HTTPBadRequest", format!("Invalid input for prefixes. Reason: {invalid}."))
    })?;
    if prefixes.is_empty() {
        return Err(bad_request("Request body contains invalid data"));
    }
    Ok(prefixes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prefixes_are_a_list_of_some() {
        assert_eq!(read(&json!({"prefixes": ["10.0.0.0/8"]})).unwrap().len(), 1);
        for body in [json!([]), json!({}), json!({"prefixes": []}), json!({"prefixes": "x"})] {
            assert_eq!(read(&body).unwrap_err().message(), "Request body contains invalid data");
        }
        let error = read(&json!({"prefixes": ["x"]})).unwrap_err();
        assert!(error.message().contains("'x' is not a valid IP subnet"), "{error}");
    }
}
