//! Logs: which packets that security groups let through or drop are written down.

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{LogId, PortId, SecurityGroupId};
use crate::rule::Rule;
use crate::standard::standard;
use crate::time::Timestamp;

/// What may be logged.
pub const LOGGABLE: &[&str] = &["security_group"];

const EVENTS: &[&str] = &["ACCEPT", "DROP", "ALL"];

resource! {
    /// Which packets that security groups let through or drop are written down.
    Log, LogDraft: "log" / "logs", titled "Log", in "logs", at "log/logs",
    missing "LogResourceNotFound" "Log resource {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "logging", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// What is logged.
        "resource_type": resource_type: String as String ["resource_type"]
            { "logging", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Required }
        /// The security group; none means all of the project.
        "resource_id": resource_id: Option<SecurityGroupId> as SecurityGroupId ["resource_id"]
            { "logging", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The port whose packets are logged; none means all that are in the group.
        "target_id": target_id: Option<PortId> as PortId ["target_id"]
            { "logging", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// What has become of the packets that are logged.
        "event": event: String as String ["event"]
            { "logging", flags!(POST FILTER), Rule::OneOf(EVENTS), Unless::Text("ALL") }
        /// Whether it is being written.
        "enabled": enabled: bool as bool ["enabled"]
            { "logging", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: LogId ["id"] { "logging", flags!(FILTER SORT) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "logging", flags!(POST FILTER SORT) }
    }
    internal {}
}

standard! { Log: LogId, project_id created_at updated_at }
