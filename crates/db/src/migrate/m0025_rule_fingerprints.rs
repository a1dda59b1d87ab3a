//! What tells the rules of a security group apart, for a unique key. Rules that were there before are found by a look alone.

use sea_query::Table;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;
use crate::security_group_rule::FINGERPRINT_KEY;

pub(super) const MIGRATION: Migration =
    Migration { number: 25, name: "rule fingerprints", phase: Phase::Expand, up, down };

const TABLE: &str = "security_group_rules";
const COLUMN: &str = "fingerprint";

fn up(schema: &Schema) -> Vec<Step> {
    let mut column = schema.text(COLUMN, 255).null().take();
    vec![
        Step::Alter(Table::alter().table(TABLE).add_column(&mut column).take()),
        Step::CreateIndex(schema.unique(FINGERPRINT_KEY, TABLE, &["security_group_id", COLUMN])),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![
        Step::DropIndex(schema.drop_index(FINGERPRINT_KEY, TABLE)),
        Step::Alter(Table::alter().table(TABLE).drop_column(COLUMN).take()),
    ]
}
