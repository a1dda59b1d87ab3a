//! Security groups: what the ports in them may send and receive.

use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::SecurityGroupId;
use crate::rule::Rule;
use crate::security_group_rule::SecurityGroupRule;
use crate::standard::standard;
use crate::stored::{BadCell, Cell, CellKind, Stored, from_json_text, to_json_text};
use crate::time::Timestamp;
use crate::value::{AttrValue, Invalid, PyText, list};

/// The groups that a port is in.
impl AttrValue for Vec<SecurityGroupId> {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        let mut groups = Self::new();
        for item in list(value)? {
            let group = SecurityGroupId::from_json(item, rule)?;
            if groups.contains(&group) {
                let text = format!("Duplicate items in the list: '{}'", PyText(item));
                return Err(Invalid::rule(text));
            }
            groups.push(group);
        }
        Ok(groups)
    }
}

impl Stored for Vec<SecurityGroupId> {
    const KIND: CellKind = CellKind::LongText;

    fn to_cell(&self) -> Cell {
        to_json_text(self)
    }

    /// Ports that were there before there were groups are in none.
    fn from_cell(cell: Cell) -> Result<Self, BadCell> {
        match cell {
            Cell::Null => Ok(Self::new()),
            cell => from_json_text(cell, "list of security groups"),
        }
    }
}

resource! {
    /// A set of ports with rules for what they may send and receive.
    SecurityGroup, SecurityGroupDraft: "security_group" / "security_groups", titled "SecurityGroup", in "security_groups",
    at "security-groups", missing "SecurityGroupNotFound" "Security group {} does not exist";
    settable {
        /// A name for people; `default` is kept for the group that every project has.
        "name": name: String as String ["name"]
            { "security-group", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// Whether answers to what was let through are let through. By default as the project has it.
        "stateful": stateful: bool as bool ["stateful"]
            { "stateful-security-group", flags!(POST PUT FILTER), Rule::Plain, Unless::Unset }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: SecurityGroupId ["id"] { "security-group", flags!(FILTER SORT) }
        /// Whether the viewer's project may use it though it is another's.
        "shared": shared: bool { "security-groups-shared-filtering", flags!(FILTER FOR_POLICY GUARDED) }
        /// Its rules. What none of them lets pass is dropped.
        "security_group_rules": security_group_rules: Vec<SecurityGroupRule> { "security-group", flags!() }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it, or its set of rules, was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "security-group", flags!(POST FILTER SORT) }
    }
    internal {
        /// The project whose default group it is: a unique key, so that no project has two.
        default_of: Option<String> ["default_of"]
    }
}

standard! { SecurityGroup: SecurityGroupId, project_id created_at updated_at tags }

impl SecurityGroup {
    /// Whether it is the one that its project has without asking.
    pub const fn is_default(&self) -> bool {
        self.default_of.is_some()
    }
}
