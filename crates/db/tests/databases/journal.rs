//! The journal, as one reader sees it. What many writers and sequencers do to it is in `hammer`.

use std::sync::Arc;
use std::time::Duration;

use nucleon_db::journal::{After, Keep};
use nucleon_db::{Error, Operation, Position, RetryReason, ScopeMark, Store, StoreOptions};
use nucleon_obs::Clock;
use nucleon_testkit::Kind;
use sea_query::{Expr, ExprTrait, Query};
use tokio::sync::Semaphore;

use crate::scene::{change, put_loudly, scenes, thing};

async fn head(store: &Store) -> Position {
    store.read(|tx| Box::pin(async move { tx.journal_head().await })).await.unwrap()
}

async fn after(store: &Store, position: Position, scopes: Option<&[&str]>, limit: u32) -> After {
    let scopes: Option<Vec<String>> =
        scopes.map(|scopes| scopes.iter().map(ToString::to_string).collect());
    store
        .snapshot(|tx| {
            let scopes = scopes.clone();
            Box::pin(async move { tx.journal_after(position, scopes.as_deref(), limit).await })
        })
        .await
        .unwrap()
}

/// Waits until the journal has come so far.
async fn reached(store: &Store, seq: i64) {
    let mut head = store.head();
    let reached = head.wait_for(|head| *head >= seq);
    tokio::time::timeout(Duration::from_secs(10), reached).await.unwrap().unwrap();
}

fn seqs(after: &After) -> Vec<i64> {
    let After::Entries { entries, .. } = after else { panic!("{after:?}") };
    entries.iter().map(|entry| entry.seq).collect()
}

#[tokio::test]
async fn a_change_gets_its_place_and_is_found_by_its_scopes_and_its_write() {
    for scene in scenes().await {
        let (store, kind) = (&scene.store, scene.kind());
        store.start_journal();
        let start = head(store).await;
        let (a, b) = (thing("a", 1), thing("b", 2));
        let tx = put_loudly(store, a.clone(), &["host:h1", "network:n", "host:h1"]).await;
        reached(store, 1).await;
        put_loudly(store, b, &["host:h2", "network:n"]).await;
        reached(store, 2).await;

        assert_eq!(seqs(&after(store, start, None, 10).await), [1, 2], "{kind}");
        assert_eq!(seqs(&after(store, start, Some(&["host:h1"]), 10).await), [1], "{kind}");
        assert_eq!(seqs(&after(store, start, Some(&["network:n"]), 10).await), [1, 2], "{kind}");
        assert_eq!(seqs(&after(store, start, Some(&["host:h3"]), 10).await), [0; 0], "{kind}");
        assert_eq!(seqs(&after(store, start, Some(&[]), 10).await), [0; 0], "{kind}");

        let entries = store
            .read(move |reader| Box::pin(async move { reader.journal_of(tx).await }))
            .await
            .unwrap();
        let [entry] = &entries[..] else { panic!("{kind}: {entries:?}") };
        assert_eq!((entry.seq, entry.tx), (1, tx));
        let expected = change(&a.id, Operation::Create, 0, &["host:h1", "network:n"]);
        assert_eq!(entry.change, expected, "a scope counts once");
        assert!(entry.made_at > 0 && entry.sequenced_at >= entry.made_at);
    }
}

#[tokio::test]
async fn a_refused_write_leaves_no_change() {
    for scene in scenes().await {
        scene.store.start_journal();
        let refused = scene
            .store
            .write("refused", |tx| {
                Box::pin(async move {
                    tx.emit(change("x", Operation::Delete, 1, &["host:h1"]));
                    Err::<(), _>(Error::Stale { kind: "thing", id: "x".to_owned() })
                })
            })
            .await;
        assert!(refused.is_err());
        put_loudly(&scene.store, thing("a", 1), &[]).await;
        reached(&scene.store, 1).await;
        let start = Position { seq: 0, ..head(&scene.store).await };
        let After::Entries { entries, .. } = after(&scene.store, start, None, 10).await else {
            panic!()
        };
        assert_eq!(entries.len(), 1, "{}", scene.kind());
        assert_eq!(entries[0].change.operation, Operation::Create);
    }
}

#[tokio::test]
async fn a_batch_tells_each_scope_what_came_before() {
    for scene in scenes().await {
        let (store, kind) = (&scene.store, scene.kind());
        store.start_journal();
        let mut batches = store.batches();
        put_loudly(store, thing("a", 1), &["host:h1", "network:n"]).await;
        let first = batches.recv().await.unwrap();
        assert_eq!((first.previous, first.last()), (0, 1), "{kind}");
        put_loudly(store, thing("b", 2), &["host:h2", "network:n"]).await;
        let second = batches.recv().await.unwrap();
        assert_eq!((second.previous, second.last()), (1, 2), "{kind}");
        let mark =
            |scope: &str, previous| ScopeMark { scope: scope.to_owned(), previous, seqs: vec![2] };
        assert_eq!(second.scopes, [mark("host:h2", 0), mark("network:n", 1)], "{kind}");
        assert_eq!(second.entries[0].change.scopes, ["host:h2", "network:n"], "{kind}");
    }
}

#[tokio::test]
async fn many_changes_of_one_write_keep_their_order() {
    for scene in scenes().await {
        let store = &scene.store;
        store.start_journal();
        let mut batches = store.batches();
        store
            .write("bulk", |tx| {
                Box::pin(async move {
                    for n in 0..150 {
                        let id = format!("{n}");
                        let host = format!("host:h{n}");
                        tx.emit(change(&id, Operation::Create, 0, &[&host, "network:n"]));
                    }
                    Ok::<_, Error>(())
                })
            })
            .await
            .unwrap();
        let batch = batches.recv().await.unwrap();
        let ids: Vec<String> = batch.entries.iter().map(|entry| entry.change.id.clone()).collect();
        assert_eq!(ids, (0..150).map(|n| n.to_string()).collect::<Vec<_>>(), "{}", scene.kind());
        assert_eq!(batch.scopes.len(), 151);
        let start = Position { seq: 0, ..head(store).await };
        let page = after(store, start, Some(&["network:n"]), 100).await;
        let After::Entries { entries, position, more } = page else { panic!() };
        assert_eq!((entries.len(), position.seq, more), (100, 100, true));
        let page = after(store, position, Some(&["network:n"]), 100).await;
        let After::Entries { entries, position, more } = page else { panic!() };
        assert_eq!((entries.len(), position.seq, more), (50, 150, false));
    }
}

#[tokio::test]
async fn a_reader_ahead_of_the_database_is_not_sent_back() {
    for scene in scenes().await {
        let head = head(&scene.store).await;
        let ahead = Position { seq: head.seq + 5, ..head };
        let answer = after(&scene.store, ahead, None, 10).await;
        assert_eq!(answer, After::Behind { head }, "{}", scene.kind());
    }
}

#[tokio::test]
async fn a_reader_too_far_behind_is_told() {
    for scene in scenes().await {
        let (store, kind) = (&scene.store, scene.kind());
        store.start_journal();
        for n in 0..10 {
            put_loudly(store, thing(&format!("t{n}"), n), &["network:n", &format!("host:h{n}")])
                .await;
        }
        reached(store, 10).await;
        let old = Keep { rows: 0, age: Duration::from_hours(1) };
        assert_eq!(store.journal_prune(old).await.unwrap(), 0, "young rows stay: {kind}");
        let few = Keep { rows: 4, age: Duration::ZERO };
        assert_eq!(store.journal_prune(few).await.unwrap(), 6, "{kind}");
        let head = head(store).await;
        let at = |seq| Position { seq, ..head };
        let too_old = After::TooOld { pruned_to: 6, head };
        assert_eq!(after(store, at(5), Some(&["host:h9"]), 10).await, too_old, "{kind}");
        assert_eq!(seqs(&after(store, at(6), None, 10).await), [7, 8, 9, 10], "{kind}");
        assert_eq!(seqs(&after(store, at(6), Some(&["host:h9"]), 10).await), [10], "{kind}");

        let mut batches = store.batches();
        put_loudly(store, thing("late", 100), &["host:h1", "network:n"]).await;
        let batch = batches.recv().await.unwrap();
        let previous: Vec<i64> = batch.scopes.iter().map(|mark| mark.previous).collect();
        assert_eq!(previous, [6, 10], "of a pruned scope only the mark is known: {kind}");
    }
}

#[tokio::test]
async fn the_journal_is_pruned_by_age_in_steps() {
    for database in nucleon_testkit::databases() {
        let clock = Clock::fake();
        let options = StoreOptions { clock: clock.clone(), ..StoreOptions::default() };
        let store = Store::open(&database.url.parse().unwrap(), options).await.unwrap();
        nucleon_db::migrate::upgrade(&store).await.unwrap();
        store.start_journal();
        let emit = |changes: i64| {
            store.write("emit", move |tx| {
                for n in 0..changes {
                    tx.emit(change(&n.to_string(), Operation::Update, n, &["network:n"]));
                }
                Box::pin(async { Ok::<_, Error>(()) })
            })
        };
        // More than are deleted in one transaction.
        emit(1500).await.unwrap();
        reached(&store, 1500).await;
        clock.advance(Duration::from_hours(2));
        emit(3).await.unwrap();
        reached(&store, 1503).await;
        let hour = Keep { rows: 0, age: Duration::from_hours(1) };
        assert_eq!(store.journal_prune(hour).await.unwrap(), 1500, "{}", database.kind);
        let at = Position { seq: 1500, ..head(&store).await };
        assert_eq!(seqs(&after(&store, at, None, 10).await), [1501, 1502, 1503]);
        let many = Keep { rows: 2000, age: Duration::ZERO };
        assert_eq!(store.journal_prune(many).await.unwrap(), 1500, "few enough rows stay");
    }
}

#[tokio::test]
async fn a_restored_database_starts_a_new_epoch() {
    for scene in scenes().await {
        let store = &scene.store;
        store.start_journal();
        put_loudly(store, thing("a", 1), &[]).await;
        reached(store, 1).await;
        let before = head(store).await;
        let now = store.journal_new_epoch().await.unwrap();
        assert_ne!(now.epoch, before.epoch);
        assert_eq!(now.seq, before.seq);
        let answer = after(store, before, None, 10).await;
        assert_eq!(answer, After::OtherEpoch { head: now }, "{}", scene.kind());
    }
}

#[tokio::test]
async fn consumers_find_their_place_again() {
    for scene in scenes().await {
        let (store, kind) = (&scene.store, scene.kind());
        let head = head(store).await;
        let set = |name: &'static str, seq| {
            let position = Position { seq, ..head };
            store.write("cursor", move |tx| {
                Box::pin(async move { tx.cursor_set(name, position, 17).await })
            })
        };
        let list = || store.read(|tx| Box::pin(async move { tx.cursor_list().await }));
        assert_eq!(list().await.unwrap(), []);
        set("sdn", 3).await.unwrap();
        set("notifications", 4).await.unwrap();
        set("sdn", 9).await.unwrap();
        let names: Vec<_> =
            list().await.unwrap().into_iter().map(|c| (c.name, c.position.seq)).collect();
        assert_eq!(names, [("notifications".into(), 4), ("sdn".into(), 9)], "{kind}");
        let get = |name: &'static str| {
            store.read(move |tx| Box::pin(async move { tx.cursor_get(name).await }))
        };
        assert_eq!(get("sdn").await.unwrap(), Some(Position { seq: 9, ..head }), "{kind}");
        assert_eq!(get("nobody").await.unwrap(), None, "{kind}");
        let gone = store
            .write("forget", |tx| Box::pin(async move { tx.cursor_delete("sdn").await }))
            .await;
        assert!(gone.unwrap(), "{kind}");
        assert_eq!(get("sdn").await.unwrap(), None, "{kind}");
    }
}

#[tokio::test]
async fn what_a_dead_server_left_is_sequenced_by_another() {
    for scene in scenes().await.into_iter().filter(|scene| scene.kind() != Kind::Sqlite) {
        // This store writes but does not sequence, as if it had died after its commit.
        put_loudly(&scene.store, thing("a", 1), &[]).await;
        let other = scene.other().await;
        other.start_journal();
        reached(&other, 1).await;
        assert_eq!(head(&scene.store).await.seq, 1, "{}", scene.kind());
    }
}

#[tokio::test]
async fn a_change_that_is_in_the_journal_already_does_not_stop_it() {
    for scene in scenes().await.into_iter().filter(|scene| scene.kind() != Kind::Sqlite) {
        let store = &scene.store;
        put_loudly(store, thing("a", 1), &[]).await;
        // As in a database put together from backups of several ages: in the outbox and in the journal.
        let copy = "INSERT INTO journal (seq, outbox_id, tx_id, kind, object_id, operation, revision, scopes, \
                    made_at, sequenced_at) SELECT 1, id, tx_id, kind, object_id, operation, revision, scopes, \
                    made_at, made_at FROM outbox";
        scene.database.sql(copy).unwrap();
        store
            .write("advance", |tx| {
                let update = Query::update()
                    .table("sequencer")
                    .value("next", 2i64)
                    .and_where(Expr::col("id").eq(1i64))
                    .take();
                Box::pin(async move { tx.execute(&update).await })
            })
            .await
            .unwrap();
        store.start_journal();
        put_loudly(store, thing("b", 2), &[]).await;
        reached(store, 2).await;
        let start = Position { seq: 0, ..head(store).await };
        assert_eq!(seqs(&after(store, start, None, 10).await), [1, 2], "{}", scene.kind());
    }
}

/// A server that is stuck, or cut off from the others, in the middle of sequencing.
#[tokio::test]
async fn whoever_sits_on_the_sequencers_lock_is_cut_off() {
    for scene in scenes().await.into_iter().filter(|scene| scene.kind() != Kind::Sqlite) {
        let stuck = scene.other().await;
        let held = Arc::new(Semaphore::new(0));
        let holds = held.clone();
        let hold = stuck.write("hold the lock", move |tx| {
            let holds = holds.clone();
            Box::pin(async move {
                let lock = Query::select()
                    .column("next")
                    .from("sequencer")
                    .lock(sea_query::LockType::Update)
                    .take();
                tx.fetch_all(&lock).await?;
                let first = holds.available_permits() == 0;
                holds.add_permits(1);
                if first {
                    tokio::time::sleep(Duration::from_secs(6)).await;
                }
                // What it would do when it wakes up: the lock is not its own any more.
                tx.fetch_all(&lock).await.map(drop)
            })
        });
        let others = async {
            drop(held.acquire().await.unwrap());
            scene.store.start_journal();
            let start = tokio::time::Instant::now();
            put_loudly(&scene.store, thing("a", 1), &[]).await;
            reached(&scene.store, 1).await;
            start.elapsed()
        };
        let (woken, waited) = tokio::join!(hold, others);
        woken.unwrap();
        let kind = scene.kind();
        assert!(waited > Duration::from_millis(500), "it was held up: {kind} {waited:?}");
        assert!(
            waited < Duration::from_secs(5),
            "not for longer than the limit: {kind} {waited:?}"
        );
        let retries = stuck.stats().retries(RetryReason::Connection);
        assert_eq!(retries, 1, "the one that was stuck has noticed: {kind}");
    }
}
