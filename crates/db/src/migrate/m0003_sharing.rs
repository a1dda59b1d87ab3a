//! Sharing of objects with projects, and quotas.

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 3, name: "sharing", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let mut policies = schema.table("rbac_policies");
    policies
        .col(schema.id("id").primary_key())
        .col(schema.text("project_id", TEXT))
        .col(schema.text("object_type", 32))
        .col(schema.id("object_id"))
        .col(schema.text("action", TEXT))
        .col(schema.text("target_project", TEXT))
        .col(schema.number("revision_number"));
    let mut quotas = schema.table("quotas");
    quotas
        .col(schema.text("project_id", TEXT))
        .col(schema.text("resource", 64))
        // Null where the configured default holds.
        .col(schema.number("hard_limit").null())
        .col(schema.number("used"));
    vec![
        Step::Create(policies),
        // Once for an object, a target and an action; and the way from an object to its targets.
        Step::CreateIndex(schema.unique(
            "rbac_policies_object_uq",
            "rbac_policies",
            &["object_type", "object_id", "action", "target_project"],
        )),
        // The way from a target to what it may see.
        Step::CreateIndex(schema.index(
            "rbac_policies_target_ix",
            "rbac_policies",
            &["target_project", "object_type", "action", "object_id"],
        )),
        Step::Create(quotas),
        Step::CreateIndex(schema.unique(
            "quotas_project_resource_uq",
            "quotas",
            &["project_id", "resource"],
        )),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    ["quotas", "rbac_policies"].map(|table| Step::Drop(schema.drop_table(table))).to_vec()
}
