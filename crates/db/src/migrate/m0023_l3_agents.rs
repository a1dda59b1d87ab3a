//! Which L3 agents carry which routers.

use sea_query::{ForeignKeyAction, Index};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 23, name: "l3 agents", phase: Phase::Expand, up, down };

const TABLE: &str = "router_l3_agents";

fn up(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table(TABLE);
    table
        .col(schema.id("router_id"))
        .col(schema.id("agent_id"))
        .primary_key(Index::create().name("router_l3_agents_pkey").col("router_id").col("agent_id"))
        .foreign_key(&mut schema.reference(
            "router_l3_agents_router_fk",
            (TABLE, "router_id"),
            ("routers", "id"),
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut schema.reference(
            "router_l3_agents_agent_fk",
            (TABLE, "agent_id"),
            ("agents", "id"),
            ForeignKeyAction::Cascade,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("router_l3_agents_agent_ix", TABLE, &["agent_id"])),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![Step::Drop(schema.drop_table(TABLE))]
}
