//! Trunks and their subports.

use sea_query::{ForeignKeyAction, Table};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 14, name: "trunks", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

/// Of ports: the trunk that a port carries, and the one that carries it.
const PARTS: [&str; 2] = ["trunk_id", "subport_of"];

fn up(schema: &Schema) -> Vec<Step> {
    let add = |name| {
        let mut column = schema.id(name);
        column.null();
        Step::Alter(Table::alter().table("ports").add_column(&mut column).take())
    };
    let mut steps = PARTS.map(add).to_vec();
    steps.extend(trunks(schema));
    steps.extend(subports(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    let tables = ["subports", "trunks"].map(|table| Step::Drop(schema.drop_table(table)));
    let columns =
        PARTS.map(|column| Step::Alter(Table::alter().table("ports").drop_column(column).take()));
    tables.into_iter().chain(columns).collect()
}

fn trunks(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("trunks");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.flag("admin_state_up"))
        .col(schema.id("port_id"))
        .col(schema.text("description", TEXT))
        .col(schema.text("status", 16))
        .col(schema.long_text("tags"))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "trunks_port_fk",
            ("trunks", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Restrict,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique("trunks_port_uq", "trunks", &["port_id"])),
        Step::CreateIndex(schema.index("trunks_project_ix", "trunks", &["project_id"])),
    ]
}

fn subports(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("subports");
    table
        .col(schema.id("port_id").primary_key())
        .col(schema.id("trunk_id"))
        .col(schema.text("segmentation_type", 32))
        .col(schema.number("segmentation_id"))
        .foreign_key(&mut schema.reference(
            "subports_port_fk",
            ("subports", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "subports_trunk_fk",
            ("subports", "trunk_id"),
            ("trunks", "id"),
            ForeignKeyAction::Cascade,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique(
            "subports_trunk_segmentation_uq",
            "subports",
            &["trunk_id", "segmentation_type", "segmentation_id"],
        )),
    ]
}
