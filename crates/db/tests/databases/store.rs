//! Transactions, errors and types.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nucleon_db::{Attempt, Error, RetryReason, Row, Store, StoreOptions, migrate};
use nucleon_testkit::Kind;
use sea_query::{Expr, ExprTrait, Query};
use tokio::sync::Semaphore;

use crate::scene::{Scene, names, put, raise, scenes, thing};

#[tokio::test]
async fn a_committed_write_is_seen_by_another_server() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        assert_eq!(names(&scene.other().await).await, ["a"], "{}", scene.kind());
    }
}

/// The first of a connection, which the database has yet to learn: it answers in several parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_was_left_is_not_answered_to_the_next() {
    for scene in scenes().await {
        let known = migrate::version(&scene.store).await.unwrap();
        for step in 0..60 {
            let store = scene.other().await;
            {
                let mut question = Box::pin(migrate::version(&store));
                for _ in 0..=step % 6 {
                    if futures::poll!(question.as_mut()).is_ready() {
                        break;
                    }
                    std::thread::sleep(Duration::from_micros(step * 10));
                }
            }
            for _ in 0..3 {
                let version = migrate::version(&store).await;
                assert_eq!(version.unwrap(), known, "{}, step {step}", scene.kind());
            }
            store.close().await;
        }
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    TooHeavy,
    Store(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Store(error.to_string())
    }
}

#[tokio::test]
async fn a_refused_write_leaves_nothing() {
    for scene in scenes().await {
        let insert = thing("a", 1).insert();
        let refused = scene
            .store
            .write("refused", move |tx| {
                let insert = insert.clone();
                Box::pin(async move {
                    tx.execute(&insert).await?;
                    Err::<(), _>(Refusal::TooHeavy)
                })
            })
            .await;
        assert_eq!(refused, Err(Refusal::TooHeavy), "{}", scene.kind());
        assert_eq!(scene.names().await, [""; 0], "{}", scene.kind());
    }
}

#[tokio::test]
async fn a_violated_key_is_called_by_its_name() {
    for Scene { store, database } in scenes().await {
        let kind = database.kind;
        let first = thing("a", 1);
        put(&store, first.clone()).await.unwrap();
        let conflict = |thing| async { put(&store, thing).await.unwrap_err().to_string() };
        let named = |name| format!("the unique key {name} is violated");
        assert_eq!(conflict(thing("a", 2)).await, named("thing_name_uq"), "{kind}");
        assert_eq!(conflict(thing("b", 1)).await, named("thing_place_uq"), "{kind}");
        let mut same_id = thing("b", 2);
        same_id.id = first.id;
        assert_eq!(conflict(same_id).await, named("thing_pkey"), "{kind}");
    }
}

#[tokio::test]
async fn an_update_that_meets_a_key_names_it_too() {
    for Scene { store, database } in scenes().await {
        put(&store, thing("a", 1)).await.unwrap();
        put(&store, thing("b", 2)).await.unwrap();
        let error = store
            .write("rename", |tx| {
                let update = Query::update()
                    .table("thing")
                    .value("name", "a")
                    .and_where(Expr::col("name").eq("b"))
                    .take();
                Box::pin(async move { tx.execute(&update).await })
            })
            .await
            .unwrap_err();
        assert!(error.is_conflict_on("thing_name_uq"), "{}: {error}", database.kind);
    }
}

#[tokio::test]
async fn a_violated_reference_is_told() {
    for Scene { store, database } in scenes().await {
        let error = store
            .write("orphan", |tx| {
                let insert = Query::insert()
                    .into_table("part")
                    .columns(["id", "thing_id"])
                    .values_panic(["p".into(), "nobody".into()])
                    .take();
                Box::pin(async move { tx.execute(&insert).await })
            })
            .await
            .unwrap_err();
        let Error::Reference { constraint } = error else { panic!("{}: {error}", database.kind) };
        match database.kind {
            Kind::Sqlite => assert_eq!(constraint, None),
            _ => assert_eq!(constraint.as_deref(), Some("part_thing_fk")),
        }
    }
}

#[tokio::test]
async fn a_transaction_goes_on_after_an_attempt_that_met_a_key() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let (taken, free) = (thing("b", 1).insert(), thing("b", 2).insert());
        scene
            .store
            .write("attempts", move |tx| {
                let (taken, free) = (taken.clone(), free.clone());
                Box::pin(async move {
                    let constraint = "thing_place_uq".to_owned();
                    assert_eq!(tx.attempt(&taken).await?, Attempt::Conflict { constraint });
                    assert_eq!(tx.attempt(&free).await?, Attempt::Done(1));
                    Ok::<_, Error>(())
                })
            })
            .await
            .unwrap();
        assert_eq!(scene.names().await, ["a", "b"], "{}", scene.kind());
    }
}

#[tokio::test]
async fn a_failed_statement_cannot_be_ignored() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let (before, bad, after) =
            (thing("b", 2).insert(), thing("a", 3).insert(), thing("c", 4).insert());
        let error = scene
            .store
            .write("ignorant", move |tx| {
                let (before, bad, after) = (before.clone(), bad.clone(), after.clone());
                Box::pin(async move {
                    tx.execute(&before).await?;
                    assert!(tx.execute(&bad).await.is_err());
                    assert!(matches!(tx.execute(&after).await, Err(Error::Failed { .. })));
                    Ok::<_, Error>(())
                })
            })
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{}: {error}", scene.kind());
        assert_eq!(scene.names().await, ["a"], "{}", scene.kind());
    }
}

#[tokio::test]
async fn a_closure_that_asks_is_run_again_in_a_new_transaction() {
    for scene in scenes().await {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let ids = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = ids.clone();
        let insert = thing("a", 1).insert();
        scene
            .store
            .write("twice", move |tx| {
                let (insert, run) = (insert.clone(), counted.fetch_add(1, Ordering::Relaxed));
                seen.lock().unwrap().push(tx.id());
                Box::pin(async move {
                    // Fails in the second run if the first has left anything.
                    tx.execute(&insert).await?;
                    if run == 0 { Err(tx.retry("once more")) } else { Ok(()) }
                })
            })
            .await
            .unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 2, "{}", scene.kind());
        let ids = ids.lock().unwrap();
        assert_eq!(ids[0], ids[1], "an id is that of the write, not of the attempt");
        assert_eq!(scene.store.stats().retries(RetryReason::Asked), 1);
    }
}

#[tokio::test]
async fn a_closure_that_never_has_enough_is_given_up() {
    for scene in scenes().await {
        let error = scene
            .store
            .write("forever", |tx| Box::pin(async move { Err::<(), _>(tx.retry("again")) }))
            .await
            .unwrap_err();
        assert_eq!(error.retry_reason(), Some(RetryReason::Asked), "{}", scene.kind());
        assert_eq!(scene.store.stats().given_up(), 1);
    }
}

/// Two writers lock two rows in opposite order, in step: one of them is the deadlock's victim, and is run again.
#[tokio::test]
async fn the_victim_of_a_deadlock_is_run_again() {
    for scene in scenes().await.into_iter().filter(|scene| scene.kind() != Kind::Sqlite) {
        let (a, b) = (thing("a", 1), thing("b", 1000));
        let ids = [a.id.clone(), b.id.clone()];
        put(&scene.store, a).await.unwrap();
        put(&scene.store, b).await.unwrap();
        let met = Arc::new(Semaphore::new(0));
        let write = |first: usize| {
            let (ids, met) = (ids.clone(), met.clone());
            scene.store.write("crossing", move |tx| {
                let (ids, met) = (ids.clone(), met.clone());
                Box::pin(async move {
                    raise(tx, &ids[first]).await?;
                    // Both have their first row; nobody waits in the second round.
                    met.add_permits(1);
                    let both = met.acquire_many(2);
                    let _ = tokio::time::timeout(Duration::from_millis(500), both).await;
                    raise(tx, &ids[1 - first]).await
                })
            })
        };
        let (one, two) = tokio::join!(write(0), write(1));
        assert_eq!((one.unwrap(), two.unwrap()), (1, 1), "{}", scene.kind());
        let retries = scene.store.stats().retries(RetryReason::Deadlock);
        assert!(retries >= 1, "{}: {retries}", scene.kind());
    }
}

#[tokio::test]
async fn a_row_changed_by_many_at_once_loses_no_change() {
    for scene in scenes().await {
        let counter = thing("counter", 0);
        let id = counter.id.clone();
        put(&scene.store, counter).await.unwrap();
        let other = scene.other().await;
        let writes = (0..40).map(|n| {
            let store = if n % 2 == 0 { &scene.store } else { &other };
            let id = id.clone();
            store.write("count", move |tx| {
                let id = id.clone();
                Box::pin(async move { raise(tx, &id).await })
            })
        });
        for done in futures::future::join_all(writes).await {
            assert_eq!(done.unwrap(), 1, "{}", scene.kind());
        }
        let row = one(&scene.store, "counter").await;
        assert_eq!(row.get::<i64>("place").unwrap(), 40, "{}", scene.kind());
    }
}

#[tokio::test]
async fn a_write_whose_caller_went_away_is_whole_or_not_there() {
    for scene in scenes().await {
        let started = Arc::new(Semaphore::new(0));
        let write = |n: i64| {
            let (first, second) =
                (thing(&format!("first{n:02}"), 2 * n), thing(&format!("second{n:02}"), 2 * n + 1));
            let started = started.clone();
            scene.store.write("two", move |tx| {
                let (first, second) = (first.insert(), second.insert());
                let started = started.clone();
                Box::pin(async move {
                    tx.execute(&first).await?;
                    started.add_permits(1);
                    tokio::task::yield_now().await;
                    tx.execute(&second).await
                })
            })
        };
        for n in 0..20 {
            let mut write = Box::pin(write(n));
            tokio::select! {
                biased;
                permit = started.acquire() => permit.unwrap().forget(),
                done = &mut write => drop(done.unwrap()),
            }
            drop(write);
        }
        // A write after them all comes through, so nothing is stuck.
        put(&scene.store, thing("last", 1000)).await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..100 {
            seen = scene.names().await;
            if scene.kind() == Kind::Sqlite || seen.len() == 41 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let of = |what: &str| -> Vec<String> {
            let found = seen.iter().filter_map(|name| name.strip_prefix(what));
            found.map(ToOwned::to_owned).collect()
        };
        assert_eq!(of("first"), of("second"), "{}", scene.kind());
        assert_eq!(of("first").len(), 20, "what has begun is finished: {}", scene.kind());
    }
}

#[tokio::test]
async fn one_closures_panic_or_delay_is_not_anothers() {
    for database in nucleon_testkit::databases() {
        let options =
            StoreOptions { closure_limit: Duration::from_millis(300), ..StoreOptions::default() };
        let store = Store::open(&database.url.parse().unwrap(), options).await.unwrap();
        nucleon_db::migrate::upgrade_with(&store, &crate::scene::migrations()).await.unwrap();
        let inserting = |name: &str, place: i64| thing(name, place).insert();
        let (a, b) = (inserting("a", 1), inserting("b", 2));
        let panics = store.write("panics", move |tx| {
            let insert = a.clone();
            Box::pin(async move {
                tx.execute(&insert).await?;
                assert_eq!(tx.statements(), 0, "on purpose");
                Ok::<_, Error>(())
            })
        });
        let dawdles = store.write("dawdles", move |tx| {
            let insert = b.clone();
            Box::pin(async move {
                tx.execute(&insert).await?;
                std::future::pending::<()>().await;
                Ok::<_, Error>(())
            })
        });
        let (panics, dawdles, other) =
            tokio::join!(panics, dawdles, put(&store, thing("other", 3)));
        let kind = database.kind;
        assert!(matches!(panics, Err(Error::Panicked { label: "panics" })), "{kind}: {panics:?}");
        assert!(matches!(dawdles, Err(Error::TooLong { label: "dawdles" })), "{kind}: {dawdles:?}");
        other.unwrap();
        assert_eq!(names(&store).await, ["other"], "{kind}");
    }
}

#[tokio::test]
async fn a_snapshot_sees_one_picture() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let writer = scene.store.clone();
        let (before, after) = scene
            .store
            .snapshot(|tx| {
                let writer = writer.clone();
                Box::pin(async move {
                    let count = Query::select().expr(Expr::col("id").count()).from("thing").take();
                    let before = tx.fetch_optional(&count).await?.unwrap();
                    put(&writer, thing("b", 2)).await?;
                    let after = tx.fetch_optional(&count).await?.unwrap();
                    Ok::<_, Error>((before.at::<i64>(0)?, after.at::<i64>(0)?))
                })
            })
            .await
            .unwrap();
        assert_eq!((before, after), (1, 1), "{}", scene.kind());
        assert_eq!(scene.names().await.len(), 2);
    }
}

#[tokio::test]
async fn a_read_cannot_write() {
    for scene in scenes().await {
        let insert = thing("a", 1).insert();
        let read = scene
            .store
            .read(|tx| {
                let insert = insert.clone();
                Box::pin(async move { tx.execute(&insert).await })
            })
            .await;
        assert!(matches!(read, Err(Error::ReadOnly)), "{}: {read:?}", scene.kind());
        let emitted = scene
            .store
            .snapshot(|tx| {
                tx.emit(thing("a", 1).change(&[]));
                Box::pin(async { Ok::<_, Error>(()) })
            })
            .await;
        assert!(matches!(emitted, Err(Error::ReadOnly)), "{}: {emitted:?}", scene.kind());
        assert_eq!(scene.names().await, [""; 0]);
    }
}

#[tokio::test]
async fn text_is_compared_and_sorted_by_its_bytes() {
    for scene in scenes().await {
        let names = ["a", "A", "a ", "ä", "b", "Z", "\u{1f980}"];
        for (place, name) in (0..).zip(names) {
            put(&scene.store, thing(name, place)).await.unwrap();
        }
        let expected = ["A", "Z", "a", "a ", "b", "ä", "\u{1f980}"];
        assert_eq!(scene.names().await, expected, "{}", scene.kind());
        for name in names {
            assert_eq!(one(&scene.store, name).await.get::<String>("name").unwrap(), name);
        }
    }
}

async fn one(store: &Store, name: &str) -> Row {
    let query = Query::select()
        .columns(["name", "place", "heavy", "note"])
        .from("thing")
        .and_where(Expr::col("name").eq(name))
        .take();
    let rows = store
        .read(|tx| {
            let query = query.clone();
            Box::pin(async move { tx.fetch_all(&query).await })
        })
        .await
        .unwrap();
    let [row] = <[Row; 1]>::try_from(rows).unwrap();
    row
}

#[tokio::test]
async fn values_come_back_as_they_went_in() {
    for scene in scenes().await {
        let long = format!("{{\"deep\": \"{}\"}}", "ü".repeat(100_000));
        let cases =
            [(i64::MAX, true, None), (i64::MIN, false, Some(long)), (0, true, Some(String::new()))];
        for (n, (place, heavy, note)) in (0..).zip(cases.clone()) {
            let mut thing = thing(&format!("t{n}"), place);
            thing.heavy = heavy;
            thing.note = note;
            put(&scene.store, thing).await.unwrap();
        }
        for (n, (place, heavy, note)) in (0..).zip(cases) {
            let row = one(&scene.store, &format!("t{n}")).await;
            let kind = scene.kind();
            assert_eq!(row.get::<i64>("place").unwrap(), place, "{kind}");
            assert_eq!(row.get::<bool>("heavy").unwrap(), heavy, "{kind}");
            assert_eq!(row.get::<Option<String>>("note").unwrap(), note, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_column_read_as_the_wrong_type_is_an_error() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let row = one(&scene.store, "a").await;
        let wrong = row.get::<i64>("name").unwrap_err();
        assert!(matches!(wrong, Error::Decode { .. }), "{}: {wrong}", scene.kind());
        assert!(row.get::<i64>("missing").is_err());
        assert!(matches!(row.parse::<i64>("name"), Err(Error::Damaged { .. })));
    }
}

#[tokio::test]
async fn statements_are_counted_with_the_outbox_and_without_control() {
    for scene in scenes().await {
        let (a, b) = (thing("a", 1), thing("b", 2));
        let ((), receipt) = scene
            .store
            .write_with_receipt("counted", move |tx| {
                let (a, b) = (a.clone(), b.clone());
                Box::pin(async move {
                    tx.execute(&a.insert()).await?;
                    tx.attempt(&b.insert()).await?;
                    assert_eq!(tx.statements(), 2);
                    tx.emit(a.change(&["host:h1"]));
                    Ok::<_, Error>(())
                })
            })
            .await
            .unwrap();
        let outbox = u32::from(scene.kind() != Kind::Sqlite);
        assert_eq!(receipt.statements, 2 + outbox, "{}", scene.kind());
    }
}

#[tokio::test]
async fn writes_that_wait_together_are_committed_together_on_sqlite() {
    let scene = crate::scene::scene(nucleon_testkit::database(Kind::Sqlite).unwrap()).await;
    let writes = (0..200).map(|n| put(&scene.store, thing(&format!("t{n}"), n % 190)));
    let done = futures::future::join_all(writes).await;
    let kept = done.iter().filter(|done| done.is_ok()).count();
    assert_eq!(kept, 190, "ten meet the key of the place, and harm nobody else");
    let stats = scene.store.stats();
    assert_eq!((stats.commits(), stats.refused()), (190, 10));
    assert!(stats.groups() < 60, "{} commits for 200 writes", stats.groups());
    assert_eq!(scene.names().await.len(), 190);
}

#[tokio::test]
async fn a_closed_store_says_so_after_it_has_finished_its_work() {
    for scene in scenes().await {
        let write = put(&scene.store, thing("a", 1));
        let (done, ()) = tokio::join!(write, async {
            tokio::task::yield_now().await;
            scene.store.close().await;
        });
        let late = put(&scene.store, thing("b", 2)).await.unwrap_err();
        assert!(matches!(late, Error::Closed | Error::Down { .. }), "{}: {late}", scene.kind());
        let there = names(&scene.other().await).await;
        assert_eq!(there.len(), usize::from(done.is_ok()), "{}: {there:?}", scene.kind());
    }
}

#[tokio::test]
async fn a_store_in_memory_serves_tests() {
    let store = crate::scene::open("sqlite://").await;
    nucleon_db::migrate::upgrade_with(&store, &crate::scene::migrations()).await.unwrap();
    put(&store, thing("a", 1)).await.unwrap();
    assert_eq!(names(&store).await, ["a"]);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_down() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [
        format!("mysql://root@127.0.0.1:{port}/d"),
        format!("postgresql://postgres@127.0.0.1:{port}/d"),
        "sqlite:////nowhere/at/all.db".to_owned(),
    ] {
        let options =
            StoreOptions { acquire_timeout: Duration::from_millis(300), ..StoreOptions::default() };
        let error = Store::open(&url.parse().unwrap(), options).await.unwrap_err();
        assert!(matches!(error, Error::Down { .. }), "{url}: {error}");
    }
}
