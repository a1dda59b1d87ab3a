//! Hints to the drivers of a port.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::stored::stored_as_json;
use crate::value::{AttrValue, Invalid, PyText, known_keys, not_in_valid_values};

/// By driver; so far Open vSwitch may be told how to choose among its transmit queues (alias
/// `port-hint-ovs-tx-steering`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PortHints(pub Map<String, Value>);

const TX_STEERING: &[&str] = &["thread", "hash"];

impl AttrValue for PortHints {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let hints = known_keys(value, &["openvswitch"])?;
        if let Some(driver) = hints.get("openvswitch")
            && let Some(config) = known_keys(driver, &["other_config"])?.get("other_config")
            && let Some(steering) = known_keys(config, &["tx-steering"])?.get("tx-steering")
            && !steering.as_str().is_some_and(|word| TX_STEERING.contains(&word))
        {
            return Err(not_in_valid_values(steering));
        }
        value
            .as_object()
            .cloned()
            .map(Self)
            .ok_or_else(|| Invalid::rule(format!("'{}' is not a dictionary", PyText(value))))
    }
}

stored_as_json! { PortHints }

shaped! {
    PortHints => Shape::Object(&[("openvswitch", Shape::Object(&[("other_config", Shape::Object(&[("tx-steering", Shape::Word(TX_STEERING))]))]))]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hints_are_of_a_known_form() {
        let hints = |value| PortHints::from_json(&value, &Rule::Plain);
        let steered = json!({"openvswitch": {"other_config": {"tx-steering": "hash"}}});
        assert_eq!(hints(steered.clone()).unwrap().0, *steered.as_object().unwrap());
        assert!(hints(json!({})).is_ok());
        for refused in [
            json!("hash"),
            json!({"dpdk": {}}),
            json!({"openvswitch": 1}),
            json!({"openvswitch": {"other_config": {"tx-steering": "luck"}}}),
        ] {
            assert!(hints(refused.clone()).is_err(), "{refused}");
        }
    }
}
