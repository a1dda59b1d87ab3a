//! Network segment ranges, and rows to be held where no other row stands for what must not be done twice at a time.

use sea_query::{Alias, Expr, Query};

use crate::migrate::{Migration, Phase, Step};
use crate::network_segment_range::GUARD;
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 12, name: "network segment ranges", phase: Phase::Expand, up, down };

const TEXT: u32 = 255;

fn up(schema: &Schema) -> Vec<Step> {
    let mut ranges = schema.table("network_segment_ranges");
    ranges
        .col(schema.id("id").primary_key())
        .col(schema.text("name", TEXT))
        .col(schema.flag("shared"))
        .col(schema.text("project_id", TEXT).null())
        .col(schema.text("network_type", 32))
        .col(schema.text("physical_network", 64).null())
        .col(schema.number("minimum"))
        .col(schema.number("maximum"))
        .col(schema.text("description", TEXT))
        .col(schema.flag("is_default"))
        .col(schema.long_text("tags"))
        .col(schema.text("default_key", 160).null())
        .col(schema.number("created_at"))
        .col(schema.number("updated_at"))
        .col(schema.number("revision_number"));
    let mut guards = schema.table("guards");
    guards.col(schema.text("name", 64).primary_key());
    let mut guard = Query::insert();
    guard
        .into_table(Alias::new("guards"))
        .columns([Alias::new("name")])
        .values_panic([Expr::val(GUARD)]);
    vec![
        Step::Create(ranges),
        Step::CreateIndex(schema.index(
            "network_segment_ranges_type_ix",
            "network_segment_ranges",
            &["network_type", "physical_network"],
        )),
        Step::CreateIndex(schema.unique(
            "network_segment_ranges_default_uq",
            "network_segment_ranges",
            &["default_key"],
        )),
        Step::Create(guards),
        Step::Insert(guard),
    ]
}

fn down(schema: &Schema) -> Vec<Step> {
    ["guards", "network_segment_ranges"].map(|table| Step::Drop(schema.drop_table(table))).to_vec()
}
