//! Local IPs, and the ports that answer them.

use sea_query::ForeignKeyAction;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 21, name: "local IPs", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;
/// An address of either family as text.
const ADDRESS: u32 = 64;

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = local_ips(schema);
    steps.extend(associations(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    ["local_ip_associations", "local_ips"]
        .map(|table| Step::Drop(schema.drop_table(table)))
        .to_vec()
}

/// Without a reference to the port: one that was made for the local IP goes just before it.
fn local_ips(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("local_ips");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("description", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.id("local_port_id"))
        .col(schema.id("network_id"))
        .col(schema.text("local_ip_address", ADDRESS).null())
        .col(schema.text("ip_mode", 16))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"));
    let index = |name, column| Step::CreateIndex(schema.index(name, "local_ips", &[column]));
    vec![
        Step::Create(table),
        index("local_ips_project_ix", "project_id"),
        index("local_ips_port_ix", "local_port_id"),
    ]
}

fn associations(schema: &Schema) -> Vec<Step> {
    let name = "local_ip_associations";
    let mut table = schema.table(name);
    table
        .col(schema.id("id").primary_key())
        .col(schema.id("local_ip_id"))
        .col(schema.id("fixed_port_id"))
        .col(schema.text("fixed_ip", ADDRESS).null())
        .col(schema.text("local_ip_address", ADDRESS).null())
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "local_ip_associations_local_ip_fk",
            (name, "local_ip_id"),
            ("local_ips", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "local_ip_associations_fixed_port_fk",
            (name, "fixed_port_id"),
            ("ports", "id"),
            ForeignKeyAction::Restrict,
        ));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique(
            "local_ip_associations_port_uq",
            name,
            &["local_ip_id", "fixed_port_id"],
        )),
        Step::CreateIndex(schema.index(
            "local_ip_associations_fixed_port_ix",
            name,
            &["fixed_port_id"],
        )),
    ]
}
