//! With a real `ovs-vswitchd` behind the database.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_ovsdb::ovs::{self, BATCH, BridgeDraft, FailMode, OfPort, PortDraft, View};
use nucleon_ovsdb::{Error, Transaction};
use tokio::time::Instant;

use crate::daemon::Daemon;

const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_switch_is_waited_for() -> Result<()> {
    let Some(mut daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, snapshot) = daemon.client().await?;
    let switch = View::from_snapshot(&snapshot)?.switch().context("no root row")?.id;

    // Nobody is there to apply it: it is in the database, and said not to be applied.
    let mut transaction = Transaction::new();
    let mut draft = BridgeDraft::new("br-int");
    draft.datapath_type = "dummy".to_owned();
    draft.fail_mode = Some(FailMode::Secure);
    ovs::add_bridge(&mut transaction, switch, &draft);
    let limit = Duration::from_millis(100);
    let applied = ovs::transact_applied(&client, transaction, limit).await;
    assert!(matches!(applied, Err(Error::NotApplied { next_cfg: 1, .. })), "{applied:?}");
    let view = View::from_snapshot(&client.snapshot().await?)?;
    let bridge = view.bridge_named("br-int").context("no bridge")?.id;

    if !daemon.start_switch()? {
        return Ok(());
    }
    let mut transaction = Transaction::new();
    ovs::add_port(&mut transaction, bridge, &PortDraft::internal("in0"));
    ovs::add_port(&mut transaction, bridge, &PortDraft::patch("patch0", "nowhere"));
    let results = ovs::transact_applied(&client, transaction, LIMIT).await?;
    assert_eq!(results.len(), 8);
    let view = View::from_snapshot(&client.snapshot().await?)?;
    let port = view.interface_named("in0").context("no interface")?;
    assert!(matches!(port.ofport, OfPort::Number(_)), "{port:?}");
    let bridge = view.bridge(bridge).context("no bridge")?;
    assert_eq!(bridge.datapath_id.as_ref().map(String::len), Some(16));
    let switch = view.switch().context("no root row")?;
    assert!(switch.cur_cfg >= 2, "{switch:?}");

    let drafts: Vec<PortDraft> =
        (0..300).map(|number| PortDraft::internal(format!("tap{number}"))).collect();
    let started = Instant::now();
    for transaction in ovs::batches(&drafts, BATCH, |transaction, draft| {
        ovs::add_port(transaction, bridge.id, draft);
    }) {
        ovs::transact_applied(&client, transaction, LIMIT).await?;
    }
    eprintln!("{} ports applied in {:?}", drafts.len(), started.elapsed());
    let view = View::from_snapshot(&client.snapshot().await?)?;
    let wired = view.interfaces().filter(|interface| interface.ofport.number().is_some()).count();
    assert!(wired >= drafts.len(), "{wired} have an OpenFlow port");
    Ok(())
}
