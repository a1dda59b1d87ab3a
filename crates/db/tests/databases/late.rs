//! Writes that wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nucleon_db::Error;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use crate::scene::{put, scenes, thing};

fn named(name: &str) -> SelectStatement {
    Query::select().column("place").from("thing").and_where(Expr::col("name").eq(name)).take()
}

#[tokio::test]
async fn writes_that_wait_are_one_statement_with_the_question_beside_them() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let (b, c, d) = (thing("b", 2).insert(), thing("c", 3).insert(), thing("d", 4).insert());
        let move_a = || {
            Query::update()
                .table("thing")
                .value("place", 9)
                .and_where(Expr::col("name").eq("a"))
                .take()
        };
        let statements = scene
            .store
            .write("late", move |tx| {
                let (b, c, d) = (b.clone(), c.clone(), d.clone());
                Box::pin(async move {
                    tx.later(b);
                    tx.later(move_a());
                    tx.later(c);
                    assert_eq!(tx.statements(), 0);
                    let beside = tx.fetch_beside(named("a")).await?;
                    assert_eq!((beside.len(), tx.statements()), (1, 1));
                    // What is asked after them sees them.
                    tx.later(d);
                    let after = tx.fetch_all(&named("d")).await?;
                    assert_eq!((after.len(), tx.statements()), (1, 3));
                    let moved = tx.fetch_optional(&named("a")).await?.unwrap();
                    assert_eq!(moved.at::<i64>(0)?, 9);
                    Ok::<_, Error>(tx.statements())
                })
            })
            .await
            .unwrap();
        assert_eq!((statements, scene.names().await.len()), (4, 4), "{}", scene.kind());
    }
}

#[tokio::test]
async fn what_is_refused_at_the_end_is_done_again() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let attempts = Arc::new(AtomicU32::new(0));
        let counted = attempts.clone();
        let done = scene.store.write("again", move |tx| {
            let place = i64::from(1 + counted.fetch_add(1, Ordering::Relaxed));
            tx.later(thing("b", place).insert());
            tx.later(thing("c", place + 10).insert());
            Box::pin(async move { Ok::<_, Error>(place) })
        });
        assert_eq!(done.await.unwrap(), 2, "{}", scene.kind());
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
        assert_eq!(scene.names().await, ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn whoever_runs_into_a_refusal_is_told_and_nothing_is_left() {
    for scene in scenes().await {
        put(&scene.store, thing("a", 1)).await.unwrap();
        let told = scene.store.write("refused", |tx| {
            tx.later(thing("b", 2).insert());
            tx.later(thing("c", 1).insert());
            Box::pin(async move { tx.fetch_all(&named("a")).await.map(drop) })
        });
        let Err(Error::Late { refusal }) = told.await else { panic!("{}", scene.kind()) };
        assert!(refusal.is_conflict_on("thing_place_uq"), "{}: {refusal}", scene.kind());
        assert_eq!(scene.names().await, ["a"]);
    }
}

#[tokio::test]
async fn a_read_writes_nothing_later_either() {
    for scene in scenes().await {
        let told = scene.store.read(|tx| {
            tx.later(thing("b", 2).insert());
            Box::pin(async move { tx.together().await })
        });
        assert!(matches!(told.await, Err(Error::ReadOnly)), "{}", scene.kind());
        assert_eq!(scene.names().await, [""; 0]);
    }
}
