//! Thousands of ports.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_ovsdb::ovs::{self, BATCH, PortDraft, View};
use nucleon_ovsdb::{Event, Snapshot};
use tokio::time::Instant;

use crate::daemon::{Daemon, next};

const PORTS: usize = 2000;

#[tokio::test]
async fn two_thousand_ports_come_and_go_in_batches() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl(["add-br", "br-int"])?;
    let (client, mut events, mut copy) = daemon.client().await?;
    let bridge = View::from_snapshot(&copy)?.bridge_named("br-int").context("no bridge")?.id;

    let drafts: Vec<PortDraft> = (0..PORTS)
        .map(|number| {
            let mut draft = PortDraft::system(format!("tap{number:05}"));
            draft.interface_external_ids.insert("iface-id".into(), format!("port-{number}"));
            draft
        })
        .collect();
    let started = Instant::now();
    let transactions = ovs::batches(&drafts, BATCH, |transaction, draft| {
        ovs::add_port(transaction, bridge, draft);
    });
    assert_eq!(transactions.len(), PORTS.div_ceil(BATCH.get()));
    client.transact_all(transactions).await?;
    eprintln!("{PORTS} ports added in {:?}", started.elapsed());
    assert_eq!(daemon.vsctl(["list-ports", "br-int"])?.lines().count(), PORTS);

    let started = Instant::now();
    let (_other, _other_events, fresh) = daemon.client().await?;
    eprintln!("snapshot of {} rows in {:?}", fresh.len(), started.elapsed());
    let started = Instant::now();
    let view = View::from_snapshot(&fresh)?;
    eprintln!("typed in {:?}", started.elapsed());
    assert_eq!(view.ports().count(), PORTS + 1);
    assert_eq!(client.snapshot().await?, fresh);
    catch_up(&mut events, &mut copy, &fresh).await?;

    let ports: Vec<_> =
        view.ports().filter(|port| port.name.starts_with("tap")).map(|port| port.id).collect();
    let started = Instant::now();
    let transactions = ovs::batches(&ports, BATCH, |transaction, port| {
        ovs::delete_port(transaction, bridge, *port);
    });
    client.transact_all(transactions).await?;
    eprintln!("{PORTS} ports removed in {:?}", started.elapsed());
    assert_eq!(daemon.vsctl(["list-ports", "br-int"])?, "");
    let empty = client.snapshot().await?;
    assert_eq!((empty.rows("Port").count(), empty.rows("Interface").count()), (1, 1));
    catch_up(&mut events, &mut copy, &empty).await
}

/// One update of megabytes, while the client itself is sending megabytes.
#[tokio::test]
async fn a_single_large_transaction_passes_both_ways() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl(["add-br", "br-int"])?;
    let (client, _events, snapshot) = daemon.client().await?;
    let bridge = View::from_snapshot(&snapshot)?.bridge_named("br-int").context("no bridge")?.id;
    let mut transaction = nucleon_ovsdb::Transaction::new();
    for number in 0..PORTS {
        let mut draft = PortDraft::system(format!("tap{number:05}"));
        draft.external_ids.insert("padding".into(), "x".repeat(1000));
        ovs::add_port(&mut transaction, bridge, &draft);
    }
    client.transact_within(transaction, Duration::from_mins(2)).await?;
    assert_eq!(client.snapshot().await?.rows("Port").count(), PORTS + 1);
    assert!(client.counters().bytes_received > 2_000_000);
    Ok(())
}

async fn catch_up(
    events: &mut nucleon_ovsdb::Events,
    copy: &mut Snapshot,
    wanted: &Snapshot,
) -> Result<()> {
    while copy != wanted {
        let event = next(events).await?;
        let Event::Changed(changes) = event else { panic!("{event:?}") };
        copy.apply(&changes);
    }
    Ok(())
}
