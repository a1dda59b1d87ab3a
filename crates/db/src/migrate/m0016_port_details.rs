//! What ports may have beside: names in DNS, hints to drivers, private VLANs.

use sea_query::{ColumnDef, Table};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 16, name: "port details", phase: Phase::Expand, up, down };

fn columns(schema: &Schema) -> Vec<(&'static str, &'static str, ColumnDef)> {
    let nullable = |name, length| ("ports", name, schema.text(name, length).null().take());
    vec![
        ("networks", "dns_domain", schema.text("dns_domain", 255).default("").take()),
        ("networks", "pvlan", schema.flag("pvlan").default(false).take()),
        ("ports", "dns_name", schema.text("dns_name", 255).default("").take()),
        ("ports", "dns_domain", schema.text("dns_domain", 255).default("").take()),
        nullable("data_plane_status", 16),
        nullable("device_profile", 255),
        ("ports", "hints", schema.long_text("hints").null().take()),
        nullable("hardware_offload_type", 16),
        nullable("numa_affinity_policy", 16),
        (
            "ports",
            "propagate_uplink_status",
            schema.flag("propagate_uplink_status").default(true).take(),
        ),
        nullable("pvlan_type", 16),
        nullable("pvlan_community", 255),
        ("ports", "trusted", schema.flag("trusted").null().take()),
    ]
}

fn up(schema: &Schema) -> Vec<Step> {
    columns(schema)
        .into_iter()
        .map(|(table, _, mut column)| {
            Step::Alter(Table::alter().table(table).add_column(&mut column).take())
        })
        .collect()
}

fn down(schema: &Schema) -> Vec<Step> {
    columns(schema)
        .into_iter()
        .map(|(table, name, _)| Step::Alter(Table::alter().table(table).drop_column(name).take()))
        .collect()
}
