//! Logs of what security groups let through and drop.

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 20, name: "logs", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("logs");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.text("resource_type", TEXT))
        .col(schema.id("resource_id").null())
        .col(schema.id("target_id").null())
        .col(schema.text("event", 16))
        .col(schema.flag("enabled"))
        .col(schema.text("description", TEXT))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"));
    let index = |name, column| Step::CreateIndex(schema.index(name, "logs", &[column]));
    vec![
        Step::Create(table),
        index("logs_project_ix", "project_id"),
        index("logs_resource_ix", "resource_id"),
        index("logs_target_ix", "target_id"),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![Step::Drop(schema.drop_table("logs"))]
}
