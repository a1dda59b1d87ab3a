//! Bindings of ports that are not active.

use sea_query::{ForeignKeyAction, Index};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 8, name: "port bindings", phase: Phase::Expand, up, down };

fn up(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("port_bindings");
    table
        .col(schema.id("port_id"))
        .col(schema.text("host", 255))
        .col(schema.text("vnic_type", 64))
        .col(schema.long_text("profile"))
        .col(schema.text("vif_type", 64))
        .col(schema.long_text("vif_details"))
        .col(schema.id("segment_id").null())
        .primary_key(Index::create().name("port_bindings_pkey").col("port_id").col("host"))
        .foreign_key(&mut schema.reference(
            "port_bindings_port_fk",
            ("port_bindings", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Cascade,
        ));
    vec![Step::Create(table)]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![Step::Drop(schema.drop_table("port_bindings"))]
}
