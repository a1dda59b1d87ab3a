//! The way from a project to its security group rules and its RBAC policies, for lists and counts.

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 9, name: "project indexes", phase: Phase::Expand, up, down };

const INDEXES: [(&str, &str); 2] = [
    ("security_group_rules_project_ix", "security_group_rules"),
    ("rbac_policies_project_ix", "rbac_policies"),
];

fn up(schema: &Schema) -> Vec<Step> {
    let index = |(name, table)| Step::CreateIndex(schema.index(name, table, &["project_id"]));
    INDEXES.map(index).to_vec()
}

fn down(schema: &Schema) -> Vec<Step> {
    INDEXES.map(|(name, table)| Step::DropIndex(schema.drop_index(name, table))).to_vec()
}
