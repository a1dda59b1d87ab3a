//! Programs and servers that die in the middle of writing.

use std::collections::BTreeSet;
use std::time::Duration;

use nucleon_db::migrate::upgrade_with;
use nucleon_db::{Error, Store, StoreOptions};
use nucleon_testkit::{Kind, Process, Server, part, say, wait_for_the_end};
use sea_query::{Expr, ExprTrait, Query};

use crate::scene::{migrations, names, open, put, scene, thing};

/// Writes until it is killed, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_writes() {
    let Some(part) = part() else { return };
    let (round, url) = part.split_once(' ').unwrap();
    let store = open(url).await;
    std::thread::spawn(|| {
        wait_for_the_end();
        std::process::exit(0);
    });
    let writer = |task: i64| {
        let store = store.clone();
        let round: i64 = round.parse().unwrap();
        async move {
            for n in 0.. {
                let name = format!("{round}-{task}-{n}");
                let place = (round * 10 + task) * 1_000_000 + n;
                crate::scene::put_loudly(&store, thing(&name, place), &["all"]).await;
                say(&name);
            }
        }
    };
    futures::future::join_all((0..8).map(writer)).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_programs_death() {
    for database in nucleon_testkit::databases() {
        let scene = scene(database).await;
        let kind = scene.kind();
        let mut acknowledged = BTreeSet::new();
        for round in 0..3 {
            let part = format!("{round} {}", scene.database.url);
            let process = Process::again("crash::a_process_that_writes", &part);
            while process.lines().len() < 50 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(37 * round)).await;
            acknowledged.extend(process.kill());
        }
        // A store that opens the database afresh, as after a restart.
        let store = scene.other().await;
        let there: BTreeSet<String> = names(&store).await.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{kind}: {lost:?}");
        // Eight tasks at most were under way at each death.
        assert!(there.len() - acknowledged.len() <= 24, "{kind}");

        store.start_journal();
        let told = async {
            // What was under way when the program died may be committed by the database a little later.
            while journal_rows(&store).await != rows(&store).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(20), told).await;
        assert!(told.is_ok(), "a change for each row: {kind}");
    }
}

async fn rows(store: &Store) -> i64 {
    i64::try_from(names(store).await.len()).unwrap()
}

async fn journal_rows(store: &Store) -> i64 {
    let count = Query::select().expr(Expr::col("seq").count()).from("journal").take();
    let row = store
        .read(|tx| {
            let count = count.clone();
            Box::pin(async move { tx.fetch_optional(&count).await })
        })
        .await;
    row.unwrap().unwrap().at(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_lives_on_when_its_server_is_killed_and_comes_back() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        let Some(mut server) = Server::start(kind) else { continue };
        let database = server.database().unwrap();
        let options =
            StoreOptions { acquire_timeout: Duration::from_millis(500), ..StoreOptions::default() };
        let store = Store::open(&database.url.parse().unwrap(), options).await.unwrap();
        upgrade_with(&store, &migrations()).await.unwrap();
        store.start_journal();
        let mut acknowledged = BTreeSet::new();
        for round in 0..2 {
            let writes = (0..200).map(|n| {
                let name = format!("{round}-{n:03}");
                let write = put(&store, thing(&name, round * 1000 + n));
                async move { (name, write.await) }
            });
            let kill = async {
                tokio::time::sleep(Duration::from_millis(60)).await;
                tokio::task::block_in_place(|| server.kill(0)).unwrap();
            };
            let (done, ()) = tokio::join!(futures::future::join_all(writes), kill);
            for (name, done) in done {
                match done {
                    Ok(()) => drop(acknowledged.insert(name)),
                    Err(Error::Down { .. } | Error::OutcomeUnknown { .. }) => {}
                    Err(other) => panic!("{kind}: {other}"),
                }
            }
            let down = put(&store, thing("while it is away", -1)).await.unwrap_err();
            assert!(matches!(down, Error::Down { .. }), "{kind}: {down}");
            server.restart(0).unwrap();
            put(&store, thing(&format!("{round}-back"), round * 1000 + 999)).await.unwrap();
        }
        let there: BTreeSet<String> = names(&store).await.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{kind}: {lost:?}");
    }
}
