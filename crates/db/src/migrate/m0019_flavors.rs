//! Flavors, service profiles, and which of these belong together.

use sea_query::{ForeignKeyAction, Index, Table};

use crate::migrate::{Migration, Phase, Step};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 19, name: "flavors", phase: Phase::Expand, up, down };

const LONG: u32 = 1024;

fn up(schema: &Schema) -> Vec<Step> {
    let mut provider = schema.text("provider", 255).null().take();
    let add = Table::alter().table("routers").add_column(&mut provider).take();
    let mut steps = vec![flavors(schema), profiles(schema)];
    steps.extend(bindings(schema));
    steps.push(Step::Alter(add));
    steps.push(Step::CreateIndex(schema.index("routers_flavor_ix", "routers", &["flavor_id"])));
    steps
}

fn down(schema: &Schema) -> Vec<Step> {
    let mut steps = vec![
        Step::DropIndex(schema.drop_index("routers_flavor_ix", "routers")),
        Step::Alter(Table::alter().table("routers").drop_column("provider").take()),
    ];
    let tables = ["flavor_service_profiles", "service_profiles", "flavors"];
    steps.extend(tables.map(|table| Step::Drop(schema.drop_table(table))));
    steps
}

fn flavors(schema: &Schema) -> Step {
    let mut table = schema.table("flavors");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("name", 255))
        .col(schema.text("description", LONG).null())
        .col(schema.text("service_type", 36))
        .col(schema.flag("enabled"))
        .col(schema.number("revision_number"));
    Step::Create(table)
}

fn profiles(schema: &Schema) -> Step {
    let mut table = schema.table("service_profiles");
    table
        .col(schema.id("id").primary_key())
        .col(schema.text("description", LONG).null())
        .col(schema.text("driver", LONG))
        .col(schema.text("metainfo", 4096))
        .col(schema.flag("enabled"))
        .col(schema.number("revision_number"));
    Step::Create(table)
}

fn bindings(schema: &Schema) -> [Step; 2] {
    let name = "flavor_service_profiles";
    let mut table = schema.table(name);
    table
        .col(schema.id("flavor_id"))
        .col(schema.id("service_profile_id"))
        .primary_key(
            Index::create()
                .name("flavor_service_profiles_pkey")
                .col("flavor_id")
                .col("service_profile_id"),
        )
        .foreign_key(&mut schema.reference(
            "flavor_service_profiles_flavor_fk",
            (name, "flavor_id"),
            ("flavors", "id"),
            ForeignKeyAction::Cascade,
        ))
        .foreign_key(&mut schema.reference(
            "flavor_service_profiles_profile_fk",
            (name, "service_profile_id"),
            ("service_profiles", "id"),
            ForeignKeyAction::Restrict,
        ));
    let by_profile =
        schema.index("flavor_service_profiles_profile_ix", name, &["service_profile_id"]);
    [Step::Create(table), Step::CreateIndex(by_profile)]
}
