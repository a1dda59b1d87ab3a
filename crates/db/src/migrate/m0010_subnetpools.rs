//! Subnet pools, and their free blocks.

use sea_query::{ForeignKeyAction, Index};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 10, name: "subnet pools", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let mut pools = schema.table("subnetpools");
    pools
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.long_text("prefixes"))
        .col(schema.number("default_quota").null())
        .col(schema.number("default_prefixlen"))
        .col(schema.number("min_prefixlen"))
        .col(schema.number("max_prefixlen"))
        .col(schema.flag("is_default"))
        .col(schema.id("address_scope_id").null())
        .col(schema.text("description", TEXT))
        .col(schema.number("ip_version"))
        .col(schema.long_text("tags"))
        .col(schema.number("default_for").null())
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "subnetpools_scope_fk",
            ("subnetpools", "address_scope_id"),
            ("address_scopes", "id"),
            ForeignKeyAction::Restrict,
        ));
    let mut free = schema.table("subnetpool_free");
    free.col(schema.id("subnetpool_id"))
        // How many bits are left to its addresses: the smallest block that will do comes first.
        .col(schema.number("host_bits"))
        .col(schema.text("address_key", 32))
        .col(schema.text("cidr", 64))
        .primary_key(
            Index::create()
                .name("subnetpool_free_pkey")
                .col("subnetpool_id")
                .col("host_bits")
                .col("address_key"),
        )
        .foreign_key(&mut schema.reference(
            "subnetpool_free_pool_fk",
            ("subnetpool_free", "subnetpool_id"),
            ("subnetpools", "id"),
            ForeignKeyAction::Cascade,
        ));
    let index = |name, table, columns: &[&'static str]| {
        Step::CreateIndex(schema.index(name, table, columns))
    };
    vec![
        Step::Create(pools),
        index("subnetpools_project_ix", "subnetpools", &["project_id"]),
        index("subnetpools_scope_ix", "subnetpools", &["address_scope_id"]),
        Step::CreateIndex(schema.unique("subnetpools_default_uq", "subnetpools", &["default_for"])),
        Step::Create(free),
        index("subnets_pool_ix", "subnets", &["subnetpool_id", "project_id"]),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![
        Step::DropIndex(schema.drop_index("subnets_pool_ix", "subnets")),
        Step::Drop(schema.drop_table("subnetpool_free")),
        Step::Drop(schema.drop_table("subnetpools")),
    ]
}
