//! Networks by which highly available routers hear of each other: one for each project.

use sea_query::Table;

use crate::migrate::{Migration, Phase, Step};
use crate::network::HA_KEY;
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 24, name: "ha networks", phase: Phase::Expand, up, down };

const COLUMN: &str = "ha_project";

fn up(schema: &Schema) -> Vec<Step> {
    let mut column = schema.text(COLUMN, 255).null().take();
    vec![
        Step::Alter(Table::alter().table("networks").add_column(&mut column).take()),
        Step::CreateIndex(schema.unique(HA_KEY, "networks", &[COLUMN])),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    vec![
        Step::DropIndex(schema.drop_index(HA_KEY, "networks")),
        Step::Alter(Table::alter().table("networks").drop_column(COLUMN).take()),
    ]
}
