//! Floating IPs and port forwardings.

use sea_query::ForeignKeyAction;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 15, name: "floating IPs", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;
const ADDRESS: u32 = 64;

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = floating_ips(schema);
    steps.extend(port_forwardings(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    ["port_forwardings", "floatingips"].map(|table| Step::Drop(schema.drop_table(table))).to_vec()
}

fn floating_ips(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("floatingips");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("project_id", TEXT))
        .col(schema.id("floating_network_id"))
        .col(schema.text("floating_ip_address", ADDRESS).null())
        .col(schema.id("port_id").null())
        .col(schema.text("fixed_ip_address", ADDRESS).null())
        .col(schema.id("qos_policy_id").null())
        .col(schema.text("dns_domain", TEXT))
        .col(schema.text("dns_name", TEXT))
        .col(schema.text("description", TEXT))
        .col(schema.id("router_id").null())
        .col(schema.text("status", 16))
        .col(schema.long_text("tags"))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"))
        // Goes after the floating IP: no reference.
        .col(schema.id("floating_port_id"))
        .foreign_key(&mut schema.reference(
            "floatingips_network_fk",
            ("floatingips", "floating_network_id"),
            ("networks", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "floatingips_port_fk",
            ("floatingips", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "floatingips_router_fk",
            ("floatingips", "router_id"),
            ("routers", "id"),
            ForeignKeyAction::Restrict,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index("floatingips_project_ix", "floatingips", &["project_id"])),
        Step::CreateIndex(schema.index("floatingips_router_ix", "floatingips", &["router_id"])),
        Step::CreateIndex(schema.index("floatingips_port_ix", "floatingips", &["port_id"])),
        Step::CreateIndex(schema.unique(
            "floatingips_address_uq",
            "floatingips",
            &["floating_network_id", "floating_ip_address"],
        )),
        // An address inside has one floating IP of each network outside.
        Step::CreateIndex(schema.unique(
            "floatingips_association_uq",
            "floatingips",
            &["floating_network_id", "port_id", "fixed_ip_address"],
        )),
    ]
}

fn port_forwardings(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("port_forwardings");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("external_port_range", 16))
        .col(schema.text("internal_port_range", 16))
        .col(schema.text("internal_ip_address", ADDRESS).null())
        .col(schema.text("protocol", 16))
        .col(schema.id("internal_port_id"))
        .col(schema.text("description", 1024))
        .col(schema.id("floatingip_id"))
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "port_forwardings_floatingip_fk",
            ("port_forwardings", "floatingip_id"),
            ("floatingips", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "port_forwardings_port_fk",
            ("port_forwardings", "internal_port_id"),
            ("ports", "id"),
            ForeignKeyAction::Restrict,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index(
            "port_forwardings_floatingip_ix",
            "port_forwardings",
            &["floatingip_id"],
        )),
        Step::CreateIndex(schema.index(
            "port_forwardings_port_ix",
            "port_forwardings",
            &["internal_port_id"],
        )),
    ]
}
