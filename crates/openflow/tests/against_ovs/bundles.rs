//! Bundles and other changes on a running switch.

#![expect(clippy::disallowed_methods, reason = "measures how long the switch takes")]

use std::error::Error as _;
use std::time::Instant;

use anyhow::Result;
use nucleon_net::{MacAddr, VlanId};
use nucleon_openflow::message::{
    Band, BandKind, Bucket, GroupCommand, GroupKind, GroupMod, MeterCommand, MeterFlags, MeterMod,
    Selection,
};
use nucleon_openflow::{
    Action, Error, Flow, FlowFilter, FlowFlags, FlowMod, Match, Port, diff, field,
};

use crate::switch::Switch;

fn flow(number: u32) -> Flow {
    let [_, a, b, c] = number.to_be_bytes();
    let matches = Match::new()
        .vlan(VlanId::new(1).unwrap())
        .with(field::ETH_DST, MacAddr::new([0xfa, 0x16, 0x3e, a, b, c]));
    let actions = [Action::PopVlan, Action::Output(Port(number % 1000 + 1))];
    Flow::new(60, 20).cookie(1).matching(matches).actions(actions)
}

/// A match on a port without the protocol that it presupposes.
fn bad(number: u16) -> Flow {
    Flow::new(61, 20).matching(Match::new().with(field::TCP_DST, number))
}

fn adds(flows: impl IntoIterator<Item = Flow>) -> Vec<FlowMod> {
    flows.into_iter().map(FlowMod::Add).collect()
}

#[tokio::test]
async fn a_bundle_with_an_unreadable_flow_changes_nothing_and_names_it() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let changes = adds([flow(1), bad(80), flow(2), bad(81)]);
    let error = bridge.apply_bundle(&changes).await.unwrap_err();
    let Error::Refused { what, source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(what, &changes[1].to_string());
    assert_eq!(source.name().as_deref(), Some("OFPBMC_BAD_PREREQ"));
    assert!(error.to_string().contains("table=61"), "{error}");
    assert!(error.source().is_some());
    assert!(bridge.dump_flows(&FlowFilter::all()).await?.is_empty());
    assert_eq!(bridge.apply_bundle(&adds([flow(1)])).await?.messages, 1, "the next one works");
    Ok(())
}

#[tokio::test]
async fn a_bundle_that_fails_at_its_commit_changes_nothing_and_names_the_flow() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let wide = Flow::new(60, 20).matching(Match::new());
    let wide = Flow { flags: FlowFlags::CHECK_OVERLAP, ..wide };
    let changes = adds([flow(1), flow(2), wide, flow(3)]);
    let error = bridge.apply_bundle(&changes).await.unwrap_err();
    let Error::Refused { what, source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(what, &changes[2].to_string());
    assert_eq!(source.name().as_deref(), Some("OFPFMFC_OVERLAP"));
    assert!(bridge.dump_flows(&FlowFilter::all()).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn ten_thousand_flows_go_in_one_bundle_and_come_back() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let flows: Vec<Flow> = (0..10_000).map(flow).collect();
    let changes = adds(flows.clone());
    let start = Instant::now();
    let report = bridge.apply_bundle(&changes).await?;
    let applied = start.elapsed();
    let start = Instant::now();
    let found = bridge.dump_flows(&FlowFilter::all()).await?;
    let dumped = start.elapsed();
    assert_eq!((report.messages, found.len()), (10_000, 10_000));
    let start = Instant::now();
    let changes = diff(&flows, &found, |_| true);
    let compared = start.elapsed();
    eprintln!(
        "10,000 flows: bundle of {} bytes {applied:?}, dump {dumped:?}, difference {compared:?}",
        report.bytes
    );
    assert_eq!(changes, []);
    Ok(())
}

#[tokio::test]
async fn a_hundred_thousand_refusals_do_not_block_the_connection() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    // The answers alone are some 10 MB, more than any socket holds.
    let changes = adds((0..100_000_u32).map(|number| bad(number.to_be_bytes()[3].into())));
    let start = Instant::now();
    let error = bridge.flow_mods(&changes).await.unwrap_err();
    eprintln!("100,000 refused flows: {:?}", start.elapsed());
    assert!(matches!(&error, Error::Refused { what, .. } if *what == changes[0].to_string()));
    bridge.barrier().await?;
    Ok(())
}

#[tokio::test]
async fn requests_at_the_same_time_get_their_own_answers() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let many = adds((0..3000).map(flow));
    let few = adds((0..10).map(|number| Flow { table: 5, ..flow(number) }));
    let (one, two, features, ports, echo) = tokio::join!(
        bridge.apply_bundle(&many),
        bridge.apply_bundle(&few),
        bridge.features(),
        bridge.ports(),
        bridge.echo(),
    );
    assert_eq!((one?.messages, two?.messages), (3000, 10));
    assert_eq!(features?.tables, 254);
    assert_eq!(ports?.iter().map(|port| port.port).collect::<Vec<_>>(), [Port::LOCAL]);
    echo?;
    assert_eq!(bridge.dump_flows(&FlowFilter::table(5)).await?.len(), 10);
    Ok(())
}

#[tokio::test]
async fn meters_and_groups_are_what_ofctl_prints() -> Result<()> {
    let Some(switch) = Switch::start()? else { return Ok(()) };
    let (bridge, _events) = switch.connect("br0").await?;
    let meter = MeterMod {
        command: MeterCommand::Add,
        meter: 5,
        flags: MeterFlags::KILOBITS.with(MeterFlags::BURST),
        bands: vec![Band { kind: BandKind::Drop, rate: 20_000, burst: 2_000 }],
    };
    bridge.meter_mod(meter.clone()).await?;
    let printed = switch.ofctl(&["dump-meters", "br0"])?;
    assert!(
        printed.contains("meter=5 kbps burst bands=\ntype=drop rate=20000 burst_size=2000"),
        "{printed}"
    );
    let again = bridge.meter_mod(meter).await.unwrap_err();
    let Error::Refused { what, source, .. } = &again else { panic!("{again:?}") };
    assert_eq!(
        (what.as_str(), source.name().as_deref()),
        ("meter 5", Some("OFPMMFC_METER_EXISTS"))
    );

    let bucket = |id, port, weight| Bucket {
        id,
        weight: Some(weight),
        watch_port: None,
        actions: vec![Action::Output(Port(port))],
    };
    let group = GroupMod {
        command: GroupCommand::Add,
        kind: GroupKind::Select,
        group: 9,
        selection: Selection::DatapathHash,
        buckets: vec![bucket(0, 1, 2), bucket(1, 2, 3)],
    };
    bridge.group_mod(group).await?;
    let printed = switch.ofctl(&["dump-groups", "--no-names", "br0"])?;
    let expected = "group_id=9,type=select,selection_method=dp_hash,\
                    bucket=bucket_id:0,weight:2,actions=output:1,\
                    bucket=bucket_id:1,weight:3,actions=output:2";
    assert!(printed.contains(expected), "{printed}");

    let flow: Flow = "table=0,priority=1 actions=meter:5,group:9".parse()?;
    bridge.apply_bundle(&adds([flow.clone()])).await?;
    assert_eq!(bridge.dump_flows(&FlowFilter::all()).await?, [flow]);
    bridge.group_mod(GroupMod::delete(9)).await?;
    bridge.meter_mod(MeterMod::delete(5)).await?;
    assert!(bridge.dump_flows(&FlowFilter::all()).await?.is_empty(), "flows go with their group");
    Ok(())
}
