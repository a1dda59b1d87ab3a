//! A server that dies and comes back.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_ovsdb::ovs::{self, PortDraft, View};
use nucleon_ovsdb::{Client, Disconnect, Error, Event, Row, Rows, Transaction, Until};

use crate::daemon::{Daemon, connected, next, quick};

#[tokio::test]
async fn after_a_crash_comes_a_complete_new_snapshot() -> Result<()> {
    let Some(mut daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl("add-br br0 -- add-port br0 tap0".split_whitespace())?;
    let (client, mut events, before) = daemon.client().await?;
    for round in 1..=3 {
        daemon.kill()?;
        let lost = next(&mut events).await?;
        assert!(matches!(lost, Event::Disconnected(_)), "{lost:?}");
        assert!(matches!(client.snapshot().await, Err(Error::NotConnected)));
        let mut transaction = Transaction::new();
        transaction.comment("to nobody");
        assert!(matches!(client.transact(transaction).await, Err(Error::NotConnected)));

        daemon.restart().await?;
        // What is done before the client is back must be in its snapshot.
        daemon.vsctl(["add-br", &format!("new{round}")])?;
        daemon.vsctl(["--if-exists", "del-port", "tap0"])?;
        let mut after = connected(&mut events).await?;
        let names: Vec<String> = (1..=round).map(|number| format!("new{number}")).collect();
        loop {
            let view = View::from_snapshot(&after)?;
            if names.iter().all(|name| view.bridge_named(name).is_some())
                && view.port_named("tap0").is_none()
            {
                break;
            }
            // The client was quicker than ovs-vsctl: then the rest comes as changes.
            let Event::Changed(changes) = next(&mut events).await? else { panic!("no change") };
            after.apply(&changes);
        }
        assert!(!before.changes_to(&after).is_empty());
        let bridge = View::from_snapshot(&after)?.bridge_named("br0").context("no bridge")?.id;
        let mut transaction = Transaction::new();
        ovs::add_port(&mut transaction, bridge, &PortDraft::system(format!("after{round}")));
        client.transact(transaction).await?;
        while let Ok(event) = tokio::time::timeout(Duration::ZERO, events.recv()).await {
            assert!(matches!(event, Some(Event::Changed(_))), "{event:?}");
        }
    }
    let counters = client.counters();
    assert_eq!((counters.connected, counters.lost, counters.malformed), (4, 3, 0));
    Ok(())
}

#[tokio::test]
async fn a_transaction_under_way_in_a_crash_has_an_unknown_outcome() -> Result<()> {
    let Some(mut daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, _) = daemon.client().await?;
    let mut transaction = Transaction::new();
    let none = Rows { columns: vec!["name".into()], rows: vec![] };
    transaction.wait("Bridge", [], Until::NotEqual, none, Duration::from_secs(100));
    let waiting = client.transact(transaction);
    let killing = async {
        while client.counters().transactions == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The question is in the socket; a second one behind it proves that the server has read it.
        let mut transaction = Transaction::new();
        transaction.update("Bridge", [], Row::new().with("stp_enable", true));
        let behind = client.transact(transaction).await;
        daemon.kill()?;
        anyhow::Ok(behind?)
    };
    let (waited, behind) = tokio::join!(waiting, killing);
    behind?;
    let error = waited.unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error:?}");
    assert!(error.is_outcome_unknown());
    Ok(())
}

#[tokio::test]
async fn a_client_may_start_before_its_server() -> Result<()> {
    let Some(mut daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl(["add-br", "br0"])?;
    daemon.kill()?;
    let (client, mut events) = Client::connect(daemon.endpoint(), ovs::monitor(), quick());
    let Event::Disconnected(reason) = next(&mut events).await? else { panic!("connected?") };
    assert!(matches!(*reason, Disconnect::Connect { .. }), "{reason:?}");
    let waiting = client.wait_for(Duration::from_secs(20), |snapshot| {
        Some(View::from_snapshot(snapshot).ok()?.bridge_named("br0")?.id)
    });
    let (found, restarted) = tokio::join!(waiting, daemon.restart());
    restarted?;
    found?;
    assert!(matches!(next(&mut events).await?, Event::Connected(_)));
    Ok(())
}
