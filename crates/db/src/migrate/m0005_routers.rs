//! Routers, their ports and their conntrack helpers.

use sea_query::ForeignKeyAction;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 5, name: "routers", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = routers(schema);
    steps.extend(router_ports(schema));
    steps.extend(conntrack_helpers(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    ["conntrack_helpers", "router_ports", "routers"]
        .map(|table| Step::Drop(schema.drop_table(table)))
        .to_vec()
}

fn routers(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("routers");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.flag("admin_state_up"))
        .col(schema.text("description", TEXT))
        .col(schema.long_text("routes"))
        .col(schema.flag("distributed"))
        .col(schema.flag("ha"))
        .col(schema.id("flavor_id").null())
        .col(schema.long_text("availability_zone_hints"))
        .col(schema.flag("enable_ndp_proxy"))
        .col(schema.text("status", 16))
        .col(schema.long_text("tags"))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"))
        .col(schema.id("gw_port_id").null())
        .col(schema.flag("enable_snat"));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("routers_project_ix", "routers", &["project_id"])),
    ]
}

fn router_ports(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("router_ports");
    table
        .col(schema.id("port_id").primary_key())
        .col(schema.id("router_id"))
        // What the port is for, as its `device_owner` says too.
        .col(schema.text("owner", TEXT))
        .foreign_key(&mut schema.reference(
            "router_ports_port_fk",
            ("router_ports", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut schema.reference(
            "router_ports_router_fk",
            ("router_ports", "router_id"),
            ("routers", "id"),
            ForeignKeyAction::Restrict,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("router_ports_router_ix", "router_ports", &["router_id"])),
    ]
}

fn conntrack_helpers(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("conntrack_helpers");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("protocol", 16))
        .col(schema.number("port"))
        .col(schema.text("helper", 64))
        .col(schema.id("router_id"))
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "conntrack_helpers_router_fk",
            ("conntrack_helpers", "router_id"),
            ("routers", "id"),
            ForeignKeyAction::Cascade,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique(
            "conntrack_helpers_router_uq",
            "conntrack_helpers",
            &["router_id", "protocol", "port", "helper"],
        )),
    ]
}
