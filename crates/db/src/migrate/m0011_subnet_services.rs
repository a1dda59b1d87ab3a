//! What subnets are for.

use sea_query::Table;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 11, name: "subnet services", phase: Phase::Expand, up, down };

fn up(schema: &Schema) -> Vec<Step> {
    let add = |column: &mut sea_query::ColumnDef| {
        Step::Alter(Table::alter().table("subnets").add_column(column.take()).take())
    };
    vec![
        add(&mut schema.list("service_types")),
        add(schema.flag("dns_publish_fixed_ip").default(false)),
    ]
}

fn down(_: &Schema) -> Vec<Step> {
    ["service_types", "dns_publish_fixed_ip"]
        .map(|column| Step::Alter(Table::alter().table("subnets").drop_column(column).take()))
        .to_vec()
}
