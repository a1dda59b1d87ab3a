//! Rules of metering labels: which traffic is counted.

use std::net::IpAddr;

use nucleon_net::IpNet;
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{MeteringLabelId, MeteringLabelRuleId};
use crate::rule::Rule;
use crate::security_group_rule::Flow;
use crate::standard::standard;
use crate::value::{AttrValue, Invalid, PyText};

/// A prefix as a client wrote it. What is none is refused where the name of the attribute is known, for the refusal
/// begins with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeteredPrefix {
    /// As refusals quote it.
    pub text: String,
    /// With whatever host bits it was given with; an address alone is a prefix of its whole length.
    pub prefix: Option<IpNet>,
}

impl MeteredPrefix {
    /// Whether nothing is given: the empty text is nothing.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }
}

impl AttrValue for MeteredPrefix {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let given = value.as_str().unwrap_or_default();
        let prefix = given.parse().ok().or_else(|| given.parse::<IpAddr>().ok().map(IpNet::from));
        Ok(Self { text: PyText(value).to_string(), prefix })
    }
}

resource! {
    /// Which traffic a metering label counts, or does not count.
    MeteringLabelRule, MeteringLabelRuleDraft: "metering_label_rule" / "metering_label_rules",
    titled "MeteringLabelRule", in "metering_label_rules", at "metering/metering-label-rules",
    missing "MeteringLabelRuleNotFound" "Metering label rule '{}' does not exist.";
    settable {
        /// Whose it is: its label's.
        "project_id": project_id: String as String
            { "project-id", flags!(POST HIDDEN FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The label under which the traffic is counted.
        "metering_label_id": metering_label_id: MeteringLabelId as MeteringLabelId ["metering_label_id"]
            { "metering", flags!(POST FILTER SORT FOR_POLICY), Rule::Plain, Unless::Required }
        /// Which way the traffic goes: to the routers' networks or from them.
        "direction": direction: Flow as Flow ["direction"]
            { "metering", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// Whether the traffic is not counted though another rule says so.
        "excluded": excluded: bool as bool ["excluded"]
            { "metering", flags!(POST FILTER SORT), Rule::Plain, Unless::Bool(false) }
        /// The addresses at the other end, as a prefix.
        "remote_ip_prefix": remote_ip_prefix: Option<IpNet> as MeteredPrefix ["remote_ip_prefix"]
            { "metering", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The addresses that the traffic comes from, as a prefix.
        "source_ip_prefix": source_ip_prefix: Option<IpNet> as MeteredPrefix ["source_ip_prefix"]
            { "metering_source_and_destination_fields", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The addresses that the traffic goes to, as a prefix.
        "destination_ip_prefix": destination_ip_prefix: Option<IpNet> as MeteredPrefix ["destination_ip_prefix"]
            { "metering_source_and_destination_fields", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
    }
    computed {
        /// Its identifier.
        "id": id: MeteringLabelRuleId ["id"] { "metering", flags!(FILTER SORT) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "metering", flags!(POST HIDDEN) }
    }
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { MeteringLabelRule: MeteringLabelRuleId, project_id }

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prefix_keeps_what_it_was_written_as() {
        let read = |value: Value| MeteredPrefix::from_json(&value, &Rule::Plain).unwrap();
        let shown = |value| read(value).prefix.map(|prefix| prefix.to_string());
        assert_eq!(shown(json!("10.0.0.5/24")).as_deref(), Some("10.0.0.5/24"));
        assert_eq!(shown(json!("10.0.0.5")).as_deref(), Some("10.0.0.5/32"));
        assert_eq!(shown(json!("fd00::1")).as_deref(), Some("fd00::1/128"));
        for (bad, text) in [(json!("10.0.0.0/33"), "10.0.0.0/33"), (json!(["a"]), "['a']")] {
            assert_eq!(read(bad), MeteredPrefix { text: text.to_owned(), prefix: None });
        }
        assert!(read(json!("")).is_blank() && !read(json!(0)).is_blank());
    }
}
