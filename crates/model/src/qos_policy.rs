//! QoS policies: rules about the service that networks, ports, floating IPs and router gateways get.

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::QosPolicyId;
use crate::qos_rule::QosRule;
use crate::rule::Rule;
use crate::standard::standard;
use crate::time::Timestamp;

resource! {
    /// Rules about the service that networks, ports, floating IPs and router gateways get.
    QosPolicy, QosPolicyDraft: "policy" / "policies", titled "QosPolicy", in "qos_policies", at "qos/policies",
    missing "QosPolicyNotFound" "QoS policy {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "qos", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// Whether the viewer's project may use it though it is another's.
        "shared": shared: bool as bool
            { "qos", flags!(POST PUT FILTER), Rule::Plain, Unless::Bool(false) }
        /// Whether it is that of its project's networks which name none when they are made.
        "is_default": is_default: bool as bool ["is_default"]
            { "qos-default", flags!(POST PUT FILTER), Rule::Plain, Unless::Bool(false) }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: QosPolicyId ["id"] { "qos", flags!(FILTER SORT) }
        /// Its rules, of all kinds.
        "rules": rules: Vec<QosRule> { "qos", flags!() }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it, or one of its rules, was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "qos", flags!(POST FILTER SORT) }
    }
    internal {
        /// The project whose default one it is, of which a unique key lets there be one.
        default_for: Option<String> ["default_for"]
    }
}

standard! { QosPolicy: QosPolicyId, project_id created_at updated_at tags }
