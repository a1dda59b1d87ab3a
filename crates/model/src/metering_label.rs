//! Metering labels: names under which the traffic of routers is counted.

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::MeteringLabelId;
use crate::rule::Rule;
use crate::standard::standard;

resource! {
    /// A name under which the traffic of a project's routers is counted.
    MeteringLabel, MeteringLabelDraft: "metering_label" / "metering_labels", titled "MeteringLabel",
    in "metering_labels", at "metering/metering-labels",
    missing "MeteringLabelNotFound" "Metering label '{}' does not exist.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "metering", flags!(POST FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Text for people.
        "description": description: String as String ["description"]
            { "metering", flags!(POST FILTER SORT), Rule::Text(1024), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// Whether it counts the traffic of all routers, not of its project's alone.
        "shared": shared: bool as bool ["shared"]
            { "metering", flags!(POST FILTER SORT), Rule::Plain, Unless::Bool(false) }
    }
    computed {
        /// Its identifier.
        "id": id: MeteringLabelId ["id"] { "metering", flags!(FILTER SORT) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "metering", flags!(POST FILTER SORT) }
    }
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { MeteringLabel: MeteringLabelId, project_id }
