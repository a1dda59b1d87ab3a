//! The default external network, and topologies that were made on demand.

use sea_query::{ForeignKeyAction, Table};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 13, name: "auto allocation", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let add = |column: &mut sea_query::ColumnDef| {
        Step::Alter(Table::alter().table("networks").add_column(column.take()).take())
    };
    let mut topologies = schema.table("auto_allocated_topologies");
    topologies
        .col(schema.text("project_id", TEXT).primary_key())
        .col(schema.id("network_id"))
        .col(schema.id("router_id"))
        .foreign_key(&mut schema.reference(
            "auto_topologies_network_fk",
            ("auto_allocated_topologies", "network_id"),
            ("networks", "id"),
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut schema.reference(
            "auto_topologies_router_fk",
            ("auto_allocated_topologies", "router_id"),
            ("routers", "id"),
            ForeignKeyAction::Cascade,
        ));
    let index = |name, column: &'static str| {
        Step::CreateIndex(schema.index(name, "auto_allocated_topologies", &[column]))
    };
    vec![
        add(schema.flag("is_default").default(false)),
        add(schema.number("default_place").null()),
        Step::CreateIndex(schema.unique("networks_default_uq", "networks", &["default_place"])),
        Step::Create(topologies),
        index("auto_topologies_network_ix", "network_id"),
        index("auto_topologies_router_ix", "router_id"),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    let mut steps = vec![
        Step::Drop(schema.drop_table("auto_allocated_topologies")),
        Step::DropIndex(schema.drop_index("networks_default_uq", "networks")),
    ];
    steps
        .extend(["is_default", "default_place"].map(|column| {
            Step::Alter(Table::alter().table("networks").drop_column(column).take())
        }));
    steps
}
