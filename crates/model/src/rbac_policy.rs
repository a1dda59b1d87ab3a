//! RBAC policies: what is shared with which project.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{RbacPolicyId, SharedObjectId};
use crate::rule::Rule;
use crate::shape::{Shape, Shaped};
use crate::standard::standard;
use crate::stored::stored_as_text;
use crate::value::{AttrValue, Invalid, PyText};

/// The target that means every project.
pub const EVERYBODY: &str = "*";

/// What can be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SharedType {
    #[default]
    Network,
    QosPolicy,
    SecurityGroup,
    AddressScope,
    Subnetpool,
    AddressGroup,
}

impl SharedType {
    const ALL: [Self; 6] = [
        Self::Network,
        Self::QosPolicy,
        Self::SecurityGroup,
        Self::AddressScope,
        Self::Subnetpool,
        Self::AddressGroup,
    ];

    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::QosPolicy => "qos_policy",
            Self::SecurityGroup => "security_group",
            Self::AddressScope => "address_scope",
            Self::Subnetpool => "subnetpool",
            Self::AddressGroup => "address_group",
        }
    }
}

impl fmt::Display for SharedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names nothing that can be shared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a valid RBAC object type")]
pub struct InvalidType(pub String);

impl FromStr for SharedType {
    type Err = InvalidType;

    fn from_str(text: &str) -> Result<Self, InvalidType> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == text);
        found.ok_or_else(|| InvalidType(text.to_owned()))
    }
}

impl AttrValue for SharedType {
    /// Spaces around the name and its case do not matter.
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let text = value.as_str().unwrap_or_default().trim().to_lowercase();
        text.parse()
            .map_err(|_| Invalid::Convert(InvalidType(PyText(value).to_string()).to_string()))
    }
}

impl Shaped for SharedType {
    const SHAPE: Shape = Shape::Text;

    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.as_str()))
    }
}

stored_as_text! { SharedType }

/// A project that something may be shared with, or everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetProject(String);

impl TargetProject {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AttrValue for TargetProject {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        match value.as_str() {
            Some(text) if text == EVERYBODY || Uuid::try_parse(text).is_ok() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Invalid::Convert(format!(
                "'{}' is not a valid target project ID; expected a UUID or '*'",
                PyText(value)
            ))),
        }
    }
}

resource! {
    /// One object shared with one project, or with all.
    RbacPolicy, RbacPolicyDraft: "rbac_policy" / "rbac_policies", titled "RbacPolicy", in "rbac_policies",
    at "rbac-policies", missing "RbacPolicyNotFound" "RBAC policy of type unknown with ID {} not found";
    settable {
        /// What kind of object is shared.
        "object_type": object_type: SharedType as SharedType ["object_type"]
            { "rbac-policies", flags!(POST FILTER GUARDED), Rule::Plain, Unless::Null }
        /// The object that is shared.
        "object_id": object_id: SharedObjectId as SharedObjectId ["object_id"]
            { "rbac-policies", flags!(POST FILTER GUARDED), Rule::Plain, Unless::Required }
        /// The project that it is shared with; `*` is all.
        "target_tenant": target_project: String as TargetProject ["target_project"]
            { "rbac-policies", flags!(POST PUT FILTER GUARDED), Rule::Plain, Unless::Required }
        /// Whose the policy is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// What the target may do with the object.
        "action": action: String as String ["action"]
            { "rbac-policies", flags!(POST FILTER GUARDED), Rule::Text(255), Unless::Required }
    }
    computed {
        /// Its identifier.
        "id": id: RbacPolicyId ["id"] { "rbac-policies", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "rbac-policies", flags!(POST FILTER) }
    }
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { RbacPolicy: RbacPolicyId, project_id }

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_known_in_any_case() {
        let read = |text: &str| SharedType::from_json(&json!(text), &Rule::Plain);
        assert_eq!(read(" Network "), Ok(SharedType::Network));
        for known in SharedType::ALL {
            assert_eq!(read(known.as_str()), Ok(known));
        }
        assert_eq!(
            read("bogus").unwrap_err().to_string(),
            "'bogus' is not a valid RBAC object type"
        );
        assert!(SharedType::from_json(&json!(7), &Rule::Plain).is_err());
    }

    #[test]
    fn a_target_is_a_uuid_or_everybody() {
        let read = |text: &str| TargetProject::from_json(&json!(text), &Rule::Plain).is_ok();
        assert!(read("*"));
        assert!(read("7a2f0a2e5d0b4b1f8a1a1a1a1a1a1a44"));
        assert!(read("7a2f0a2e-5d0b-4b1f-8a1a-1a1a1a1a1a44"));
        assert!(!read("p9"));
        assert!(!read(""));
        assert!(!read(&"1234".repeat(100)));
    }
}
