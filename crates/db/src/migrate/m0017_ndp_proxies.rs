//! NDP proxies.

use sea_query::ForeignKeyAction;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 17, name: "NDP proxies", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("ndp_proxies");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.id("router_id"))
        .col(schema.id("port_id"))
        .col(schema.text("ip_address", 64).null())
        .col(schema.text("description", TEXT))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "ndp_proxies_router_fk",
            ("ndp_proxies", "router_id"),
            ("routers", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "ndp_proxies_port_fk",
            ("ndp_proxies", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Restrict,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("ndp_proxies_project_ix", "ndp_proxies", &["project_id"])),
        Step::CreateIndex(schema.index("ndp_proxies_port_ix", "ndp_proxies", &["port_id"])),
        Step::CreateIndex(schema.unique(
            "ndp_proxies_address_uq",
            "ndp_proxies",
            &["router_id", "ip_address"],
        )),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![Step::Drop(schema.drop_table("ndp_proxies"))]
}
