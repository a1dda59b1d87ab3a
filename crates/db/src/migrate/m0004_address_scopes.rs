//! Address scopes.

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 4, name: "address scopes", phase: Phase::Expand, up, down };

fn up(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("address_scopes");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", 255))
        .col(schema.text("project_id", 255))
        .col(schema.number("ip_version"))
        .col(schema.number("revision_number"));
    let by_project = schema.index("address_scopes_project_ix", "address_scopes", &["project_id"]);
    vec![Step::Create(table), Step::CreateIndex(by_project)]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![Step::Drop(schema.drop_table("address_scopes"))]
}
