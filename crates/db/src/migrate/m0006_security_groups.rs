//! Security groups, their rules, the rules that they begin with, address groups, and the ports in groups.

use sea_query::{ForeignKeyAction, Index, Query, Table};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 6, name: "security groups", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;
/// A prefix of either family as text.
const PREFIX: u32 = 64;

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = address_groups(schema);
    steps.extend(groups(schema));
    steps.extend(rules(schema));
    steps.extend(default_rules(schema));
    steps.extend(statefulness(schema));
    steps.extend(members(schema));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    let column = |table: &'static str, column: &'static str| {
        Step::Alter(Table::alter().table(table).drop_column(column).to_owned())
    };
    let mut steps = vec![
        column("ports", "security_groups"),
        column("ports", "port_security_enabled"),
        column("networks", "port_security_enabled"),
    ];
    let tables = [
        "port_security_groups",
        "security_groups_default_statefulness",
        "default_security_group_rules",
        "security_group_rules",
        "security_groups",
        "address_groups",
    ];
    steps.extend(tables.map(|table| Step::Drop(schema.drop_table(table))));
    steps
}

/// `created_at`, `updated_at`, `revision_number`.
fn standard(schema: &Schema, table: &mut sea_query::TableCreateStatement) {
    table
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"));
}

fn address_groups(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("address_groups");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("description", 1024))
        .col(schema.text("project_id", TEXT))
        .col(schema.long_text("addresses"));
    standard(schema, &mut table);
    let by_project = schema.index("address_groups_project_ix", "address_groups", &["project_id"]);
    vec![Step::Create(table), Step::CreateIndex(by_project)]
}

fn groups(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("security_groups");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.flag("stateful"))
        .col(schema.text("description", TEXT))
        .col(schema.long_text("tags"))
        .col(schema.text("default_of", TEXT).null());
    standard(schema, &mut table);
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index(
            "security_groups_project_ix",
            "security_groups",
            &["project_id"],
        )),
        Step::CreateIndex(schema.unique(
            "security_groups_default_uq",
            "security_groups",
            &["default_of"],
        )),
    ]
}

/// What rules and the templates of rules have in common.
fn traffic(schema: &Schema, table: &mut sea_query::TableCreateStatement) {
    table
        .col(schema.text("direction", 16))
        .col(schema.text("ethertype", 16))
        .col(schema.text("protocol", 40).null())
        .col(schema.number("port_range_min").null())
        .col(schema.number("port_range_max").null())
        .col(schema.text("remote_ip_prefix", PREFIX).null())
        .col(schema.id("remote_group_id").null())
        .col(schema.id("remote_address_group_id").null());
}

fn rules(schema: &Schema) -> Vec<Step> {
    let table_name = "security_group_rules";
    let mut table = schema.table(table_name);
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("project_id", TEXT))
        .col(schema.id("security_group_id"));
    traffic(schema, &mut table);
    table
        .col(schema.text("normalized_cidr", PREFIX).null())
        .col(schema.text("description", TEXT).null())
        .col(schema.flag("belongs_to_default_sg"))
        .foreign_key(&mut schema.reference(
            "security_group_rules_group_fk",
            (table_name, "security_group_id"),
            ("security_groups", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "security_group_rules_remote_fk",
            (table_name, "remote_group_id"),
            ("security_groups", "id"),
            ForeignKeyAction::Restrict,
        ))
        .foreign_key(&mut schema.reference(
            "security_group_rules_addresses_fk",
            (table_name, "remote_address_group_id"),
            ("address_groups", "id"),
            ForeignKeyAction::Restrict,
        ));
    standard(schema, &mut table);
    let index = |name, column| Step::CreateIndex(schema.index(name, table_name, &[column]));
    vec![
        Step::Create(table),
        index("security_group_rules_group_ix", "security_group_id"),
        index("security_group_rules_remote_ix", "remote_group_id"),
        index("security_group_rules_addresses_ix", "remote_address_group_id"),
    ]
}

fn default_rules(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("default_security_group_rules");
    table.col(schema.id("id").primary_key());
    traffic(schema, &mut table);
    table
        .col(schema.text("description", TEXT))
        .col(schema.flag("used_in_default_sg"))
        .col(schema.flag("used_in_non_default_sg"))
        .col(schema.number("revision_number"))
        .foreign_key(&mut schema.reference(
            "default_security_group_rules_addresses_fk",
            ("default_security_group_rules", "remote_address_group_id"),
            ("address_groups", "id"),
            ForeignKeyAction::Cascade,
        ));
    let mut steps = vec![Step::Create(table)];
    steps.extend(STOCK.iter().map(stock));
    steps
}

/// A rule that comes with the schema: identifier, direction, family, group at the other end, whether only the default
/// groups begin with it, description.
type Stock = (&'static str, &'static str, &'static str, Option<&'static str>, bool, &'static str);

const OUT: &str = "Legacy default SG rule for egress traffic";
const IN: &str = "Legacy default SG rule for ingress traffic";

/// What Neutron's own schema begins with: all may go out; from other ports of a default group all may come in.
const STOCK: &[Stock] = &[
    ("7e0b6a3c-5d0f-4c51-9a43-8f4c20a1d001", "egress", "IPv4", None, false, OUT),
    ("7e0b6a3c-5d0f-4c51-9a43-8f4c20a1d002", "egress", "IPv6", None, false, OUT),
    ("7e0b6a3c-5d0f-4c51-9a43-8f4c20a1d003", "ingress", "IPv4", Some("PARENT"), true, IN),
    ("7e0b6a3c-5d0f-4c51-9a43-8f4c20a1d004", "ingress", "IPv6", Some("PARENT"), true, IN),
];

fn stock(&(id, direction, family, remote_group, default_only, text): &Stock) -> Step {
    let columns = [
        "id",
        "direction",
        "ethertype",
        "remote_group_id",
        "description",
        "used_in_default_sg",
        "used_in_non_default_sg",
        "revision_number",
    ];
    let mut insert = Query::insert();
    insert.into_table("default_security_group_rules").columns(columns).values_panic([
        id.into(),
        direction.into(),
        family.into(),
        remote_group.into(),
        text.into(),
        true.into(),
        (!default_only).into(),
        1i64.into(),
    ]);
    Step::Insert(insert)
}

fn statefulness(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("security_groups_default_statefulness");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("project_id", TEXT).null())
        .col(schema.flag("stateful"))
        .col(schema.text("domain", TEXT))
        .col(schema.number("revision_number"));
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.unique(
            "security_groups_default_statefulness_uq",
            "security_groups_default_statefulness",
            &["domain"],
        )),
    ]
}

fn members(schema: &Schema) -> Vec<Step> {
    let mut table = schema.table("port_security_groups");
    table
        .col(schema.id("port_id"))
        .col(schema.id("security_group_id"))
        .primary_key(
            Index::create()
                .name("port_security_groups_pkey")
                .col("port_id")
                .col("security_group_id"),
        )
        .foreign_key(&mut schema.reference(
            "port_security_groups_port_fk",
            ("port_security_groups", "port_id"),
            ("ports", "id"),
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut schema.reference(
            "port_security_groups_group_fk",
            ("port_security_groups", "security_group_id"),
            ("security_groups", "id"),
            ForeignKeyAction::Restrict,
        ));
    let add = |table: &'static str, mut column: sea_query::ColumnDef| {
        Step::Alter(Table::alter().table(table).add_column(&mut column).to_owned())
    };
    let enabled = || schema.flag("port_security_enabled").default(true).to_owned();
    vec![
        Step::Create(table),
        Step::CreateIndex(schema.index(
            "port_security_groups_group_ix",
            "port_security_groups",
            &["security_group_id"],
        )),
        add("networks", enabled()),
        add("ports", enabled()),
        // Null, of ports that were there before, is no group.
        add("ports", schema.long_text("security_groups").null().to_owned()),
    ]
}
