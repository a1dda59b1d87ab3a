//! Metering labels and their rules.

use sea_query::ForeignKeyAction;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 18, name: "metering", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;
/// A prefix of either family as text.
const PREFIX: u32 = 64;

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = labels(schema);
    steps.extend(rules(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    ["metering_label_rules", "metering_labels"]
        .map(|table| Step::Drop(schema.drop_table(table)))
        .to_vec()
}

fn labels(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("metering_labels");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("description", 1024))
        .col(schema.text("project_id", TEXT))
        .col(schema.flag("shared"))
        .col(schema.number("revision_number"));
    let index = |name, column| Step::CreateIndex(schema.index(name, "metering_labels", &[column]));
    vec![
        Step::Create(table),
        index("metering_labels_project_ix", "project_id"),
        index("metering_labels_shared_ix", "shared"),
    ]
}

fn rules(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("metering_label_rules");
    table
        .col(schema.id("id").primary_key())
        .col(schema.id("metering_label_id"))
        .col(schema.text("direction", 16))
        .col(schema.flag("excluded"))
        .col(schema.text("remote_ip_prefix", PREFIX).null())
        .col(schema.text("source_ip_prefix", PREFIX).null())
        .col(schema.text("destination_ip_prefix", PREFIX).null())
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "metering_label_rules_label_fk",
            ("metering_label_rules", "metering_label_id"),
            ("metering_labels", "id"),
            ForeignKeyAction::Restrict,
        ));
    let by_label = schema.index(
        "metering_label_rules_label_ix",
        "metering_label_rules",
        &["metering_label_id"],
    );
    vec![Step::Create(table), Step::CreateIndex(by_label)]
}
