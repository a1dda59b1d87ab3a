//! Whether new security groups keep state, by project.

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::StatefulnessId;
use crate::rule::Rule;
use crate::standard::Standard;

resource! {
    /// Whether new security groups of a project, or of all that say nothing of their own, keep state.
    Statefulness, StatefulnessDraft:
    "security_groups_default_statefulness" / "security_groups_default_statefulness",
    titled "SecurityGroupDefaultStatefulness", in "security_groups_default_statefulness",
    at "security-groups-default-statefulness",
    missing "SecurityGroupDefaultStatefulnessNotFound" "Security group default statefulness {} could not be found.";
    settable {
        /// The project that it is for; none means all.
        "project_id": project_id: Option<String> as String ["project_id"]
            { "security-groups-default-statefulness", flags!(POST FILTER SORT FOR_POLICY NULLABLE), Rule::Text(255), Unless::Null }
        /// Whether its new groups keep state.
        "stateful": stateful: bool as bool ["stateful"]
            { "security-groups-default-statefulness", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
    }
    computed {
        /// Its identifier.
        "id": id: StatefulnessId ["id"] { "security-groups-default-statefulness", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// The project, or empty for all: a unique key, in which databases would take several nulls.
        domain: String ["domain"]
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

impl Standard for Statefulness {
    type Id = StatefulnessId;

    fn id(&self) -> StatefulnessId {
        self.id
    }

    fn set_id(&mut self, id: StatefulnessId) {
        self.id = id;
    }

    fn revision(&self) -> i64 {
        self.revision_number
    }

    fn set_revision(&mut self, revision: i64) {
        self.revision_number = revision;
    }

    fn project_id(&self) -> &str {
        self.project_id.as_deref().unwrap_or_default()
    }

    fn set_project_id(&mut self, project: String) {
        self.project_id = Some(project);
    }
}
