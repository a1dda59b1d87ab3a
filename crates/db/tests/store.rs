//! The store's behaviour, the same on all databases.

use nucleon_db::journal::After;
use nucleon_db::{Attempt, Change, Error, Operation, Store, StoreOptions, migrate};
use sea_query::{Expr, ExprTrait, Query};

fn change(id: &str, scopes: &[&str]) -> Change {
    Change {
        kind: "port".into(),
        id: id.to_owned(),
        operation: Operation::Create,
        revision: 0,
        request: Some("req-1".to_owned()),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    }
}

#[tokio::test]
async fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}/t.db", dir.path().display()).parse().unwrap();
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    assert_eq!(migrate::upgrade(&store).await.unwrap(), [1]);
    assert_eq!(migrate::upgrade(&store).await.unwrap(), [0i64; 0]);
    store.start_journal();
    let mut batches = store.batches();
    store
        .write("x", |tx| {
            Box::pin(async move {
                tx.emit(change("p1", &["host:a", "network:n"]));
                tx.emit(change("p2", &["host:b", "network:n"]));
                Ok::<_, Error>(())
            })
        })
        .await
        .unwrap();
    let batch = batches.recv().await.unwrap();
    println!("{batch:?}");
    assert_eq!(batch.last(), 2);
    let after = store
        .snapshot(|tx| {
            Box::pin(async move {
                let mut from = tx.journal_head().await?;
                from.seq = 0;
                tx.journal_after(from, Some(&["host:b".to_owned()]), 10).await
            })
        })
        .await
        .unwrap();
    let After::Entries { entries, position, more } = after else { panic!("{after:?}") };
    assert_eq!((entries.len(), position.seq, more), (1, 2, false));
    let twice = store
        .write("cursor", |tx| {
            Box::pin(async move {
                let row = |n: i64| {
                    Query::insert()
                        .into_table("journal_scope")
                        .columns(["scope", "seq"])
                        .values_panic(["a".into(), n.into()])
                        .take()
                };
                tx.execute(&row(7)).await?;
                assert_eq!(
                    tx.attempt(&row(7)).await?,
                    Attempt::Conflict { constraint: "journal_scope_pkey".into() }
                );
                let n = tx
                    .execute(
                        &Query::delete()
                            .from_table("journal_scope")
                            .and_where(Expr::col("seq").eq(7i64))
                            .take(),
                    )
                    .await?;
                Ok::<_, Error>(n)
            })
        })
        .await
        .unwrap();
    assert_eq!(twice, 1);
}
