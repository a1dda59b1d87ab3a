//! QoS policies, their rules, and what is under them.

use nucleon_model::QosRuleKind;
use sea_query::{ForeignKeyAction, Table, TableForeignKey};

use crate::dialect::Dialect;
use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 22, name: "qos", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;
const POLICY: &str = "qos_policy_id";
/// They had the column before.
const FLOATING_IPS: &str = "floatingips";

/// What can be under a policy: table, index and reference.
const USERS: [(&str, &str, &str); 4] = [
    ("ports", "ports_qos_policy_ix", "ports_qos_policy_fk"),
    ("networks", "networks_qos_policy_ix", "networks_qos_policy_fk"),
    ("routers", "routers_qos_policy_ix", "routers_qos_policy_fk"),
    (FLOATING_IPS, "floatingips_qos_policy_ix", "floatingips_qos_policy_fk"),
];

/// The index of a kind's rules by their policy.
const fn index(kind: QosRuleKind) -> (&'static str, &'static str) {
    match kind {
        QosRuleKind::BandwidthLimit => {
            ("qos_bandwidth_limit_rules_policy_ix", "qos_bandwidth_limit_rules_policy_fk")
        }
        QosRuleKind::DscpMarking => {
            ("qos_dscp_marking_rules_policy_ix", "qos_dscp_marking_rules_policy_fk")
        }
        QosRuleKind::MinimumBandwidth => {
            ("qos_minimum_bandwidth_rules_policy_ix", "qos_minimum_bandwidth_rules_policy_fk")
        }
        QosRuleKind::MinimumPacketRate => {
            ("qos_minimum_packet_rate_rules_policy_ix", "qos_minimum_packet_rate_rules_policy_fk")
        }
        QosRuleKind::PacketRateLimit => {
            ("qos_packet_rate_limit_rules_policy_ix", "qos_packet_rate_limit_rules_policy_fk")
        }
    }
}

fn up(schema: &Schema) -> Vec<Step> {
    let mut steps = policies(schema);
    steps.extend(QosRuleKind::ALL.into_iter().flat_map(|kind| rules(schema, kind)));
    if schema.dialect() == Dialect::Sqlite {
        // Floating IPs have had the column, in which nothing could be; it comes anew, with a reference.
        steps.push(Step::Alter(Table::alter().table(FLOATING_IPS).drop_column(POLICY).take()));
    }
    steps.extend(USERS.into_iter().flat_map(|user| come_under_policies(schema, user)));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    let mut steps: Vec<Step> =
        USERS.into_iter().flat_map(|user| leave_policies(schema, user)).collect();
    if schema.dialect() == Dialect::Sqlite {
        let mut column = schema.id(POLICY).null().take();
        steps.push(Step::Alter(Table::alter().table(FLOATING_IPS).add_column(&mut column).take()));
    }
    let kinds = QosRuleKind::ALL.map(QosRuleKind::table);
    let tables = kinds.into_iter().chain(["qos_policies"]);
    steps.extend(tables.map(|table| Step::Drop(schema.drop_table(table))));
    steps
}

fn policies(schema: &Schema) -> Vec<Step> {
    let table = "qos_policies";
    let mut policies = schema.table(table);
    policies
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.text("project_id", TEXT))
        .col(schema.flag("is_default"))
        .col(schema.text("default_for", TEXT).null())
        .col(schema.text("description", TEXT))
        .col(schema.long_text("tags"))
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"));
    vec![
        Step::Create(policies),
        Step::CreateIndex(schema.index("qos_policies_project_ix", table, &["project_id"])),
        Step::CreateIndex(schema.unique("qos_policies_default_uq", table, &["default_for"])),
    ]
}

fn rules(schema: &Schema, kind: QosRuleKind) -> Vec<Step> {
    let (index, reference) = index(kind);
    let mut table = schema.table(kind.table());
    table
        .col(schema.id("id").primary_key())
        .col(schema.id(POLICY))
        .col(schema.number(kind.number()));
    if let Some(burst) = kind.burst() {
        table.col(schema.number(burst));
    }
    if kind.is_directed() {
        table.col(schema.text("direction", 16));
    }
    table.col(schema.number("revision_number")).foreign_key(&mut schema.reference(
        reference,
        (kind.table(), POLICY),
        ("qos_policies", "id"),
        ForeignKeyAction::Cascade,
    ));
    vec![Step::Create(table), Step::CreateIndex(schema.index(index, kind.table(), &[POLICY]))]
}

/// A column that refers to the policy. SQLite takes the reference with the column or not at all; elsewhere floating IPs
/// keep the column that they have, for no step may undo what another node's run of the same steps did.
fn come_under_policies(
    schema: &Schema,
    (table, index, reference): (&'static str, &'static str, &'static str),
) -> Vec<Step> {
    let mut column = schema.id(POLICY).null().take();
    let mut alter = Table::alter().table(table).take();
    if schema.dialect() == Dialect::Sqlite {
        column.extra("REFERENCES qos_policies (id) ON DELETE RESTRICT");
        alter.add_column(&mut column);
    } else {
        let mut key = TableForeignKey::new();
        key.name(reference)
            .from_tbl(table)
            .from_col(POLICY)
            .to_tbl("qos_policies")
            .to_col("id")
            .on_delete(ForeignKeyAction::Restrict);
        if table != FLOATING_IPS {
            alter.add_column(&mut column);
        }
        alter.add_foreign_key(&key);
    }
    vec![Step::Alter(alter), Step::CreateIndex(schema.index(index, table, &[POLICY]))]
}

fn leave_policies(
    schema: &Schema,
    (table, index, reference): (&'static str, &'static str, &'static str),
) -> Vec<Step> {
    let mut steps = Vec::new();
    if schema.dialect() != Dialect::Sqlite {
        steps.push(Step::Alter(Table::alter().table(table).drop_foreign_key(reference).take()));
    }
    steps.push(Step::DropIndex(schema.drop_index(index, table)));
    if schema.dialect() == Dialect::Sqlite || table != FLOATING_IPS {
        steps.push(Step::Alter(Table::alter().table(table).drop_column(POLICY).take()));
    }
    steps
}
