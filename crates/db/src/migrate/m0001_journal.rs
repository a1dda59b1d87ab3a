//! The tables of the journal.

use sea_query::{Index, Query};
use uuid::Uuid;

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(crate) const MIGRATION: Migration =
    Migration { number: 1, name: "journal", phase: Phase::Expand, up, down };

/// The outbox's ids are a write's id and a number.
const OUTBOX_ID: u32 = 48;

fn up(schema: &Schema) -> Vec<Step> {
    let mut outbox = schema.table("outbox");
    outbox.col(schema.text("id", OUTBOX_ID).primary_key()).col(schema.id("tx_id"));
    change(schema, &mut outbox);
    outbox.col(schema.number("made_at"));

    let mut journal = schema.table("journal");
    journal
        .col(schema.number("seq").primary_key())
        .col(schema.text("outbox_id", OUTBOX_ID))
        .col(schema.id("tx_id"));
    change(schema, &mut journal);
    journal.col(schema.number("made_at")).col(schema.number("sequenced_at"));

    let mut journal_scope = schema.table("journal_scope");
    journal_scope
        .col(schema.text("scope", 255))
        .col(schema.number("seq"))
        .primary_key(Index::create().name("journal_scope_pkey").col("scope").col("seq"));

    let mut sequencer = schema.table("sequencer");
    sequencer.col(schema.number("id").primary_key()).col(schema.number("next"));

    let mut epoch = schema.table("epoch");
    epoch
        .col(schema.number("id").primary_key())
        .col(schema.id("epoch"))
        .col(schema.number("pruned_to"));

    let mut cursor = schema.table("cursor_position");
    cursor
        .col(schema.text("name", 255).primary_key())
        .col(schema.id("epoch"))
        .col(schema.number("seq"))
        .col(schema.number("updated_at"));

    vec![
        Step::Create(outbox),
        Step::Create(journal),
        Step::CreateIndex(schema.unique("journal_outbox_uq", "journal", &["outbox_id"])),
        Step::CreateIndex(schema.index("journal_tx_ix", "journal", &["tx_id"])),
        Step::Create(journal_scope),
        Step::CreateIndex(schema.index("journal_scope_seq_ix", "journal_scope", &["seq"])),
        Step::Create(sequencer),
        Step::Insert(
            Query::insert()
                .into_table("sequencer")
                .columns(["id", "next"])
                .values_panic([1i64.into(), 1i64.into()])
                .take(),
        ),
        Step::Create(epoch),
        Step::Insert(
            Query::insert()
                .into_table("epoch")
                .columns(["id", "epoch", "pruned_to"])
                .values_panic([1i64.into(), Uuid::now_v7().to_string().into(), 0i64.into()])
                .take(),
        ),
        Step::Create(cursor),
    ]
}

fn change(schema: &Schema, table: &mut sea_query::TableCreateStatement) {
    table
        .col(schema.text("kind", 64))
        .col(schema.text("object_id", 255))
        .col(schema.text("operation", 16))
        .col(schema.number("revision"))
        .col(schema.text("request_id", 255).null())
        .col(schema.long_text("scopes"));
}

fn down(schema: &Schema) -> Vec<Step> {
    ["cursor_position", "epoch", "sequencer", "journal_scope", "journal", "outbox"]
        .map(|table| Step::Drop(schema.drop_table(table)))
        .into()
}
