//! Transactions: their results, their errors, and several at a time.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_ovsdb::ovs::{self, BridgeDraft, BridgeId, PortDraft, View};
use nucleon_ovsdb::{
    Client, Condition, Datum, EncodeError, Error, ErrorCode, Function, MonitorSpec, Mutation,
    OpResult, Row, Rows, Transaction, Until, Uuid,
};
use tokio::task::JoinSet;

use crate::daemon::{Daemon, connected, quick};

async fn with_bridge(daemon: &Daemon, client: &Client, name: &str) -> Result<BridgeId> {
    daemon.vsctl(["add-br", name])?;
    let found = client.wait_for(Duration::from_secs(10), |snapshot| {
        Some(View::from_snapshot(snapshot).ok()?.bridge_named(name)?.id)
    });
    Ok(found.await?)
}

#[tokio::test]
async fn a_transaction_is_in_the_replica_when_it_returns() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let bridge = with_bridge(&daemon, &client, "br0").await?;
    for number in 0..50 {
        let mut transaction = Transaction::new();
        let name = format!("tap{number}");
        ovs::add_port(&mut transaction, bridge, &PortDraft::system(&name));
        client.transact(transaction).await?;
        let view = View::from_snapshot(&client.snapshot().await?)?;
        assert!(view.port_named(&name).is_some(), "{name} is not there yet");
    }
    Ok(())
}

#[tokio::test]
async fn every_operation_has_its_result() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    with_bridge(&daemon, &client, "br0").await?;
    let mut transaction = Transaction::new();
    let is_br0 = || [Condition::equal("name", "br0")];
    transaction.select("Bridge", is_br0(), ["name", "_uuid", "fail_mode", "stp_enable"]);
    transaction.update("Bridge", is_br0(), Row::new().with("stp_enable", true));
    transaction.mutate("Bridge", [], [Mutation::insert("other_config", Datum::map([("a", "b")]))]);
    transaction.mutate("Open_vSwitch", [], [Mutation::add("next_cfg", 5)]);
    transaction.select(
        "Bridge",
        [Condition::includes("other_config", Datum::map([("a", "b")]))],
        ["other_config", "stp_enable"],
    );
    transaction.select("Bridge", [Condition::not_equal("name", "br0")], ["name"]);
    let next_cfg = Condition::new("next_cfg", Function::GreaterOrEqual, 5);
    transaction.select("Open_vSwitch", [next_cfg], ["next_cfg"]);
    transaction.delete("Mirror", []);
    transaction.comment("all kinds");
    transaction.commit_durably();
    let results = client.transact(transaction).await?;
    let [before, OpResult::Count(1), OpResult::Count(1), OpResult::Count(1), after, others, ..] =
        results.as_slice()
    else {
        panic!("{results:?}")
    };
    let OpResult::Rows(rows) = before else { panic!("{before:?}") };
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.string("name")?, row.boolean("stp_enable")?), ("br0", false));
    assert_eq!((row.optional_string("fail_mode")?, row.uuids("_uuid")?.len()), (None, 1));
    let OpResult::Rows(rows) = after else { panic!("{after:?}") };
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(row.boolean("stp_enable")?);
    assert_eq!(row.string_map("other_config")?.get("a").map(String::as_str), Some("b"));
    assert_eq!(others, &OpResult::Rows(vec![]));
    let tail = &results[6..];
    let [OpResult::Rows(rows), OpResult::Count(0), OpResult::Done, OpResult::Done] = tail else {
        panic!("{tail:?}")
    };
    assert_eq!(rows.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_error_names_operation_table_and_reason_and_nothing_is_done() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let bridge = with_bridge(&daemon, &client, "br0").await?;
    let failed = async |transaction| match client.transact(transaction).await {
        Err(Error::Operation(error)) => error,
        other => panic!("{other:?}"),
    };

    let mut twice = Transaction::new();
    ovs::add_port(&mut twice, bridge, &PortDraft::system("tap0"));
    ovs::add_port(&mut twice, bridge, &PortDraft::system("tap0"));
    let error = failed(twice).await;
    // Uniqueness is checked at the commit, after the last operation.
    assert_eq!((error.index, &error.code), (8, &ErrorCode::ConstraintViolation), "{error}");
    assert!(error.details.contains("tap0"), "{error}");

    let mut range = Transaction::new();
    range.comment("first");
    range.update("Port", [], Row::new().with("tag", 4096));
    let error = failed(range).await;
    assert_eq!((error.index, error.verb, error.table.as_deref()), (1, "update", Some("Port")));
    assert_eq!(error.code, ErrorCode::ConstraintViolation);

    let mut gone = Transaction::new();
    ovs::add_port(&mut gone, BridgeId(Uuid::from_u128(1)), &PortDraft::system("tap0"));
    let error = failed(gone).await;
    assert_eq!((error.index, error.verb, &error.code), (0, "wait", &ErrorCode::TimedOut));

    let mut wrong = Transaction::new();
    wrong.select("Nothing", [], ["name"]);
    assert_eq!(failed(wrong).await.code, ErrorCode::SyntaxError);
    let mut aborted = Transaction::new();
    aborted.delete("Bridge", []);
    aborted.abort();
    assert_eq!(failed(aborted).await.code, ErrorCode::Aborted);

    assert_eq!(daemon.vsctl(["list-br"])?, "br0");
    assert_eq!(daemon.vsctl(["list-ports", "br0"])?, "");
    assert_eq!(client.counters().transactions_failed, 5);
    Ok(())
}

/// Without the guard the server would take the insert, find the row unreferenced, and delete it
/// without a word.
#[tokio::test]
async fn a_port_for_a_bridge_that_is_gone_is_refused() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let bridge = with_bridge(&daemon, &client, "br0").await?;
    daemon.vsctl(["del-br", "br0"])?;
    let mut transaction = Transaction::new();
    ovs::add_port(&mut transaction, bridge, &PortDraft::system("tap0"));
    assert!(matches!(client.transact(transaction).await, Err(Error::Operation(_))));
    Ok(())
}

#[tokio::test]
async fn a_root_row_can_be_made_and_only_once() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, snapshot) = daemon.client().await?;
    let root = View::from_snapshot(&snapshot)?.switch().context("no root row")?.id;
    let mut transaction = Transaction::new();
    transaction.delete("Open_vSwitch", [Condition::uuid(root)]);
    client.transact(transaction).await?;
    assert!(View::from_snapshot(&client.snapshot().await?)?.switch().is_none());

    let bump = ovs::transact_applied(&client, Transaction::new(), Duration::from_secs(1)).await;
    assert!(matches!(&bump, Err(Error::Operation(error)) if error.code == ErrorCode::TimedOut));

    let mut transaction = Transaction::new();
    let root = ovs::init_switch(&mut transaction);
    ovs::add_bridge(&mut transaction, root, &BridgeDraft::new("br0"));
    client.transact(transaction.clone()).await?;
    assert_eq!(daemon.vsctl(["list-br"])?, "br0");
    assert!(matches!(client.transact(transaction).await, Err(Error::Operation(_))));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_encoded_is_not_sent() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let mut transaction = Transaction::new();
    transaction.comment("before\0after");
    let refused = client.transact(transaction).await;
    assert!(matches!(refused, Err(Error::Encode(EncodeError::Nul { index: 0, .. }))));
    assert!(client.transact(Transaction::new()).await?.is_empty());
    assert_eq!(client.counters().transactions, 0);
    Ok(())
}

#[tokio::test]
async fn transactions_run_while_another_waits() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    with_bridge(&daemon, &client, "br0").await?;
    let rows = Rows {
        columns: vec!["stp_enable".into()],
        rows: vec![Row::new().with("stp_enable", true)],
    };
    let mut waiting = Transaction::new();
    waiting.wait("Bridge", [], Until::Equal, rows, Duration::from_secs(20));
    let waiter = client.transact(waiting);
    let setter = async {
        let mut transaction = Transaction::new();
        transaction.update("Bridge", [], Row::new().with("stp_enable", true));
        client.transact(transaction).await
    };
    let (waited, set) = tokio::join!(waiter, setter);
    assert_eq!((waited?, set?), (vec![OpResult::Done], vec![OpResult::Count(1)]));
    Ok(())
}

#[tokio::test]
async fn a_transaction_that_takes_too_long_is_given_up_and_cancelled() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let mut transaction = Transaction::new();
    let none = Rows { columns: vec!["name".into()], rows: vec![] };
    transaction.wait("Bridge", [], Until::NotEqual, none, Duration::from_hours(1));
    transaction.update("Bridge", [], Row::new().with("stp_enable", true));
    let limit = Duration::from_millis(50);
    assert!(matches!(client.transact_within(transaction, limit).await, Err(Error::Timeout(_))));
    while client.counters().transactions_cancelled == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A question behind the cancellation: when it is answered, the cancellation was read.
    let mut behind = Transaction::new();
    behind.comment("behind");
    client.transact(behind).await?;
    daemon.vsctl(["add-br", "br0"])?;
    assert_eq!(daemon.vsctl(["get", "bridge", "br0", "stp_enable"])?, "false");
    Ok(())
}

#[tokio::test]
async fn many_clients_and_callers_lose_nothing_of_each_other() -> Result<()> {
    const CALLERS: usize = 24;

    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let bridge = with_bridge(&daemon, &client, "br0").await?;
    let (other, mut other_events) = Client::connect(daemon.endpoint(), ovs::monitor(), quick());
    connected(&mut other_events).await?;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let client = if caller % 2 == 0 { client.clone() } else { other.clone() };
        callers.spawn(async move {
            for number in 0..10 {
                let mut transaction = Transaction::new();
                let draft = PortDraft::system(format!("t{caller}-{number}"));
                ovs::add_port(&mut transaction, bridge, &draft);
                transaction.mutate("Open_vSwitch", [], [Mutation::add("next_cfg", 1)]);
                client.transact(transaction).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    assert_eq!(daemon.vsctl(["list-ports", "br0"])?.lines().count(), CALLERS * 10);
    let counted = daemon.vsctl("get Open_vSwitch . next_cfg".split_whitespace())?;
    assert_eq!(counted, (CALLERS * 10).to_string());
    for client in [client, other] {
        let full = client.wait_for(Duration::from_secs(10), |snapshot| {
            (snapshot.rows("Port").count() == CALLERS * 10 + 1).then_some(())
        });
        full.await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_who_only_transacts_is_not_deadlocked_and_gets_merged_changes() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, mut events, mut copy) = daemon.client().await?;
    for number in 0..200 {
        let mut transaction = Transaction::new();
        transaction.update("Open_vSwitch", [], Row::new().with("next_cfg", number));
        client.transact(transaction).await?;
    }
    let now = client.snapshot().await?;
    let mut batches = 0;
    while copy != now {
        let nucleon_ovsdb::Event::Changed(changes) = crate::daemon::next(&mut events).await? else {
            panic!("not a change")
        };
        copy.apply(&changes);
        batches += 1;
    }
    assert!(batches < 20, "{batches} batches were kept");
    assert!(client.counters().batches_merged > 150);
    Ok(())
}

#[tokio::test]
async fn a_column_that_the_schema_lacks_is_said_so() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let spec = MonitorSpec::new("Open_vSwitch").table("Bridge", ["name", "colour"]);
    let (_client, mut events) = Client::connect(daemon.endpoint(), spec, quick());
    let event = crate::daemon::next(&mut events).await?;
    let nucleon_ovsdb::Event::Disconnected(reason) = event else { panic!("{event:?}") };
    let text = format!("{:#}", anyhow::Error::new(reason));
    assert!(text.contains("table Bridge has no column colour"), "{text}");
    Ok(())
}
