//! Changing the schema.

use nucleon_db::migrate::{
    self, MIGRATIONS, Migration, Phase, State, Step, check_with, downgrade_one_with, upgrade_with,
};
use nucleon_testkit::{Kind, databases, databases_and_galera};

use crate::scene::{migrations, open, put, scenes, thing};

#[tokio::test]
async fn an_empty_database_is_brought_up_once() {
    for database in databases() {
        let store = open(&database.url).await;
        let kind = database.kind;
        assert_eq!(migrate::version(&store).await.unwrap(), 0, "{kind}");
        let all: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.number).collect();
        let missing = State::Behind { missing: all.clone() };
        assert_eq!(migrate::check(&store).await.unwrap(), missing, "{kind}");
        assert_eq!(migrate::upgrade(&store).await.unwrap(), all, "{kind}");
        assert_eq!(migrate::upgrade(&store).await.unwrap(), [0; 0], "{kind}");
        assert_eq!(migrate::check(&store).await.unwrap(), State::Current, "{kind}");
        assert_eq!(migrate::version(&store).await.unwrap(), *all.last().unwrap(), "{kind}");
    }
}

#[tokio::test]
async fn each_migration_can_be_taken_back_and_applied_again() {
    for scene in scenes().await {
        let (store, all) = (&scene.store, migrations());
        for migration in all.iter().rev() {
            assert_eq!(downgrade_one_with(store, &all).await.unwrap(), migration.number);
        }
        let error = downgrade_one_with(store, &all).await.unwrap_err();
        assert!(matches!(error, migrate::Error::Empty), "{}: {error}", scene.kind());
        upgrade_with(store, &all).await.unwrap();
        put(store, thing("a", 1)).await.unwrap();
    }
}

#[tokio::test]
async fn programs_that_start_together_do_not_collide() {
    for database in databases_and_galera() {
        let mut stores = Vec::new();
        for n in 0..6 {
            stores.push(open(&database.nodes[n % database.nodes.len()]).await);
        }
        let all = migrations();
        let upgrades = stores.iter().map(|store| upgrade_with(store, &all));
        for done in futures::future::join_all(upgrades).await {
            done.unwrap_or_else(|error| panic!("{}: {error:?}", database.kind));
        }
        for store in &stores {
            assert_eq!(check_with(store, &all).await.unwrap(), State::Current);
        }
        put(&stores[0], thing("a", 1)).await.unwrap();
    }
}

/// Nodes of a Galera cluster do not share the lock: whoever comes second runs steps that were run before.
#[tokio::test]
async fn on_mariadb_the_steps_of_each_migration_may_run_twice() {
    let Some(database) = nucleon_testkit::database(Kind::MariaDb) else { return };
    let store = open(&database.url).await;
    let shape = || {
        let columns = "SELECT table_name, column_name, column_type, is_nullable, column_default \
                       FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2";
        let keys = "SELECT table_name, index_name, seq_in_index, column_name, non_unique \
                    FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1, 2, 3";
        let references = "SELECT table_name, constraint_name, referenced_table_name, delete_rule \
                          FROM information_schema.referential_constraints \
                          WHERE constraint_schema = DATABASE() ORDER BY 1, 2";
        [columns, keys, references].map(|sql| database.sql(sql).unwrap())
    };
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        let known = &MIGRATIONS[..=index];
        upgrade_with(&store, known).await.unwrap();
        let once = shape();
        let number = migration.number;
        database.sql(&format!("DELETE FROM schema_migration WHERE number = {number}")).unwrap();
        let again = upgrade_with(&store, known).await;
        assert_eq!(again.unwrap_or_else(|error| panic!("{error:?}")), [number]);
        assert_eq!(shape(), once, "{} {}", number, migration.name);
    }
}

fn nothing(_: &nucleon_db::schema::Schema) -> Vec<Step> {
    Vec::new()
}

#[tokio::test]
async fn a_newer_schema_is_refused_only_when_it_has_lost_something() {
    for scene in scenes().await {
        let (store, known) = (&scene.store, migrations());
        let number = known.last().unwrap().number;
        let migration =
            |number, phase| Migration { number, name: "newer", phase, up: nothing, down: nothing };
        let mut newer = known.clone();
        newer.push(migration(number + 1, Phase::Expand));
        upgrade_with(store, &newer).await.unwrap();
        let ahead = State::Ahead { unknown: vec![number + 1] };
        assert_eq!(check_with(store, &known).await.unwrap(), ahead, "{}", scene.kind());

        newer.push(migration(number + 2, Phase::Contract));
        upgrade_with(store, &newer).await.unwrap();
        for refused in [
            check_with(store, &known).await.map(drop),
            upgrade_with(store, &known).await.map(drop),
            downgrade_one_with(store, &known).await.map(drop),
        ] {
            let error = refused.unwrap_err();
            let migrate::Error::Newer { schema, program } = error else { panic!("{error}") };
            assert_eq!((schema, program), (number + 2, number));
        }
    }
}

#[tokio::test]
async fn a_step_that_fails_says_which_and_can_be_repeated() {
    fn broken(schema: &nucleon_db::schema::Schema) -> Vec<Step> {
        let mut table = schema.table("half");
        table.col(schema.id("id").primary_key());
        let elsewhere = schema.index("half_ix", "no_such_table", &["id"]);
        vec![Step::Create(table), Step::CreateIndex(elsewhere)]
    }
    fn mended(schema: &nucleon_db::schema::Schema) -> Vec<Step> {
        let mut table = schema.table("half");
        table.col(schema.id("id").primary_key());
        let here = schema.unique("half_uq", "half", &["id"]);
        vec![Step::Create(table), Step::CreateIndex(here)]
    }
    for scene in scenes().await {
        let (store, known) = (&scene.store, migrations());
        let number = known.last().unwrap().number + 1;
        let half = |up| {
            let phase = Phase::Expand;
            let mut all = known.clone();
            all.push(Migration { number, name: "half", phase, up, down: nothing });
            all
        };
        let error = upgrade_with(store, &half(broken)).await.unwrap_err();
        let migrate::Error::Step { statement, number: failed, .. } = error else {
            panic!("{error}")
        };
        assert!(statement.contains("no_such_table") && failed == number, "{}", scene.kind());
        assert_eq!(upgrade_with(store, &half(mended)).await.unwrap(), [number], "{}", scene.kind());
    }
}
