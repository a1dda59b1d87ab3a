//! Lists of prefixes, as subnet pools and address groups have them.

use std::collections::BTreeSet;

use nucleon_net::IpNet;
use serde_json::Value;

use super::{AttrValue, Invalid, PyText, list};
use crate::rule::Rule;
use crate::stored::stored_as_json;

/// Prefixes, each once as it was written, host bits cleared.
impl AttrValue for Vec<IpNet> {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        let items = list(value)?;
        let mut written = BTreeSet::new();
        let mut prefixes = Self::with_capacity(items.len());
        for item in items {
            if !written.insert(item.to_string()) {
                let text = format!("Duplicate items in the list: '{}'", PyText(item));
                return Err(Invalid::rule(text));
            }
            prefixes.push(IpNet::from_json(item, rule)?);
        }
        Ok(prefixes)
    }
}

stored_as_json! { Vec<IpNet> }
