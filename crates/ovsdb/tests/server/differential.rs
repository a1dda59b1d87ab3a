//! What `ovs-vsctl` writes is read, and what is written here `ovs-vsctl` lists.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use nucleon_ovsdb::ovs::{
    self, BridgeDraft, ClearableColumn, FailMode, InterfaceType, OfPort, PortDraft, Protocol,
    RowChange, Tag, View, ViewChange,
};
use nucleon_ovsdb::{Event, Transaction};

use crate::daemon::{Daemon, follow, next};

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

#[tokio::test]
async fn what_ovs_vsctl_wrote_is_in_the_snapshot() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl(
        "add-br br-int -- set bridge br-int datapath_type=netdev fail_mode=secure \
         protocols=OpenFlow10,OpenFlow13 other_config:hwaddr=02:00:00:00:00:01 \
         -- add-port br-int tap0 tag=7 trunks=1,2 external_ids:p=1 \
         -- set interface tap0 external_ids:iface-id=4b1e mtu_request=1450 ofport_request=9 \
         -- add-port br-int patch0 -- set interface patch0 type=patch options:peer=patch1 \
         -- set Open_vSwitch . external_ids:hostname=h1"
            .split_whitespace(),
    )?;
    let (_client, _events, snapshot) = daemon.client().await?;
    let view = View::from_snapshot(&snapshot)?;

    let switch = view.switch().context("no root row")?;
    assert_eq!(switch.external_ids, pairs([("hostname", "h1")]));
    let bridge = view.bridge_named("br-int").context("no bridge")?;
    assert_eq!(switch.bridges, BTreeSet::from([bridge.id]));
    assert_eq!(
        (bridge.datapath_type.as_str(), bridge.fail_mode),
        ("netdev", Some(FailMode::Secure))
    );
    assert_eq!(bridge.protocols, ["OpenFlow10", "OpenFlow13"].map(str::to_owned).into());
    assert_eq!(bridge.other_config, pairs([("hwaddr", "02:00:00:00:00:01")]));
    let names: BTreeSet<&str> = view.ports_of(bridge).map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["br-int", "patch0", "tap0"].into());

    let tap = view.port_named("tap0").context("no port")?;
    assert_eq!(tap.tag, Some(Tag::try_from(7u16)?));
    assert_eq!(tap.trunks, [Tag::try_from(1u16)?, Tag::try_from(2u16)?].into());
    assert_eq!(tap.external_ids, pairs([("p", "1")]));
    assert_eq!(view.bridge_of(tap.id).map(|found| found.id), Some(bridge.id));
    let device = view.interfaces_of(tap).next().context("no interface")?;
    assert_eq!(device.external_ids, pairs([("iface-id", "4b1e")]));
    assert_eq!((device.mtu_request, device.ofport_request), (Some(1450), Some(9)));
    assert_eq!((&device.kind, device.ofport), (&InterfaceType::System, OfPort::Unassigned));
    assert_eq!(view.port_of(device.id).map(|found| found.id), Some(tap.id));

    let patch = view.interface_named("patch0").context("no patch")?;
    assert_eq!(
        (&patch.kind, &patch.options),
        (&InterfaceType::Patch, &pairs([("peer", "patch1")]))
    );
    let internal = view.interface_named("br-int").context("no local port")?;
    assert_eq!(internal.kind, InterfaceType::Internal);
    Ok(())
}

/// Each step is a change of another kind: of scalars, optionals, sets of several and maps, and of
/// rows.
#[tokio::test]
async fn the_changes_of_ovs_vsctl_lead_to_what_a_new_snapshot_says() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, mut events, mut copy) = daemon.client().await?;
    let mut view = View::from_snapshot(&copy)?;
    for step in [
        "add-br br0",
        "add-port br0 p1",
        "add-port br0 p2 tag=5",
        "set port p2 tag=6",
        "clear port p2 tag",
        "set port p2 trunks=1,2,3",
        "remove port p2 trunks 2",
        "add port p2 trunks 4",
        "set port p2 trunks=9",
        "set interface p1 external_ids:a=1 external_ids:b=2",
        "set interface p1 external_ids:a=3",
        "remove interface p1 external_ids b",
        "clear interface p1 external_ids",
        "set bridge br0 fail_mode=secure protocols=OpenFlow10,OpenFlow15",
        "set bridge br0 fail_mode=standalone -- remove bridge br0 protocols OpenFlow10",
        "set interface p1 type=internal options:x=y",
        "add-port br0 p3 -- del-port p1",
        "add-br br1 -- del-port p2 -- add-port br1 p2",
        "set Open_vSwitch . next_cfg=10 other_config:k=v",
        "del-br br0",
        "del-br br1",
    ] {
        daemon.vsctl(step.split_whitespace())?;
        let (_other, _, expected) = daemon.client().await?;
        while copy != expected {
            let Event::Changed(changes) = next(&mut events).await? else {
                panic!("not a change after {step}")
            };
            copy.apply(&changes);
            view.apply(&changes)?;
        }
        assert_eq!(view, View::from_snapshot(&expected)?, "after {step}");
        assert_eq!(client.snapshot().await?, expected, "after {step}");
    }
    assert_eq!(
        (view.bridges().count(), view.ports().count(), view.interfaces().count()),
        (0, 0, 0)
    );
    Ok(())
}

#[tokio::test]
async fn ovs_vsctl_lists_what_was_written_here() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    let (client, _events, snapshot) = daemon.client().await?;
    let switch = View::from_snapshot(&snapshot)?.switch().context("no root row")?.id;

    let mut transaction = Transaction::new();
    let mut draft = BridgeDraft::new("br-int");
    draft.datapath_type = "netdev".to_owned();
    draft.fail_mode = Some(FailMode::Secure);
    draft.protocols = [Protocol::OpenFlow13, Protocol::OpenFlow15].into();
    draft.other_config = pairs([("disable-in-band", "true")]);
    let bridge = ovs::add_bridge(&mut transaction, switch, &draft);
    let mut tap = PortDraft::system("tap0");
    tap.tag = Some(Tag::DEAD);
    tap.other_config = pairs([("net_uuid", "n 1"), ("quote", "\"\\\n{[é")]);
    tap.interface_external_ids = pairs([("iface-id", "p1")]);
    tap.mtu_request = Some(1400);
    ovs::add_port(&mut transaction, bridge, &tap);
    ovs::add_port(&mut transaction, bridge, &PortDraft::internal("qr-1"));
    ovs::add_port(&mut transaction, bridge, &PortDraft::patch("int-phy", "phy-int"));
    transaction.comment("the first bridge");
    client.transact(transaction).await?;

    let get = |words: &str| daemon.vsctl(words.split_whitespace());
    assert_eq!(get("list-br")?, "br-int");
    assert_eq!(get("list-ports br-int")?, "int-phy\nqr-1\ntap0");
    assert_eq!(get("get bridge br-int datapath_type fail_mode")?, "netdev\nsecure");
    assert_eq!(get("get bridge br-int protocols")?, "[OpenFlow13, OpenFlow15]");
    assert_eq!(get("get bridge br-int other_config")?, r#"{disable-in-band="true"}"#);
    assert_eq!(get("get port tap0 tag")?, "4095");
    assert_eq!(get("get port tap0 other_config:net_uuid")?, "\"n 1\"");
    assert_eq!(get("get port tap0 other_config:quote")?, r#""\"\\\n{[é""#);
    assert_eq!(get("get interface tap0 mtu_request type")?, "1400\n\"\"");
    assert_eq!(get("get interface tap0 external_ids")?, "{iface-id=p1}");
    assert_eq!(get("get interface br-int type")?, "internal");
    assert_eq!(get("get interface int-phy type options")?, "patch\n{peer=phy-int}");
    assert_eq!(get("get interface qr-1 type")?, "internal");

    let view = View::from_snapshot(&client.snapshot().await?)?;
    let bridge = view.bridge_named("br-int").context("no bridge")?;
    let tap = view.port_named("tap0").context("no port")?;
    let device = view.interface_named("tap0").context("no interface")?;
    assert_eq!(tap.other_config.get("quote").map(String::as_str), Some("\"\\\n{[é"));
    let mut transaction = Transaction::new();
    ovs::set_port_tag(&mut transaction, tap.id, Some(Tag::try_from(3u16)?));
    ovs::set_port_other_config(
        &mut transaction,
        tap.id,
        &pairs([("net_uuid", "n2"), ("tag", "3")]),
    );
    ovs::remove_port_other_config(&mut transaction, tap.id, ["quote", "never"]);
    ovs::set_port_external_ids(&mut transaction, tap.id, &pairs([("k", "v")]));
    ovs::set_interface_external_ids(&mut transaction, device.id, &pairs([("attached-mac", "m")]));
    ovs::set_interface_mtu_request(&mut transaction, device.id, Some(9000));
    ovs::set_interface_options(&mut transaction, device.id, &pairs([("o", "1")]));
    ovs::set_interface_type(&mut transaction, device.id, &InterfaceType::Internal);
    ovs::set_bridge_external_ids(&mut transaction, bridge.id, &pairs([("b", "1")]));
    ovs::set_bridge_fail_mode(&mut transaction, bridge.id, FailMode::Standalone);
    ovs::extend_protocols(&mut transaction, bridge, [Protocol::OpenFlow10, Protocol::OpenFlow15]);
    client.transact(transaction).await?;
    assert_eq!(get("get port tap0 tag")?, "3");
    assert_eq!(get("get port tap0 other_config")?, r#"{net_uuid=n2, tag="3"}"#);
    assert_eq!(get("get port tap0 external_ids")?, "{k=v}");
    assert_eq!(get("get interface tap0 external_ids")?, "{attached-mac=m, iface-id=p1}");
    assert_eq!(get("get interface tap0 mtu_request type options")?, "9000\ninternal\n{o=\"1\"}");
    assert_eq!(get("get bridge br-int protocols")?, "[OpenFlow10, OpenFlow13, OpenFlow15]");
    assert_eq!(get("get bridge br-int fail_mode external_ids")?, "standalone\n{b=\"1\"}");

    let mut transaction = Transaction::new();
    ovs::set_port_tag(&mut transaction, tap.id, None);
    ovs::set_interface_mtu_request(&mut transaction, device.id, None);
    ovs::clear_column(&mut transaction, tap.id, ClearableColumn::PortOtherConfig);
    ovs::clear_column(&mut transaction, bridge.id, ClearableColumn::BridgeFailMode);
    ovs::clear_column(&mut transaction, device.id, ClearableColumn::InterfaceExternalIds);
    client.transact(transaction).await?;
    assert_eq!(get("get port tap0 tag other_config")?, "[]\n{}");
    assert_eq!(get("get bridge br-int fail_mode")?, "[]");
    assert_eq!(get("get interface tap0 mtu_request external_ids")?, "[]\n{}");

    let mut transaction = Transaction::new();
    ovs::delete_port(&mut transaction, bridge.id, tap.id);
    client.transact(transaction).await?;
    assert_eq!(get("list-ports br-int")?, "int-phy\nqr-1");
    assert_eq!(get("--bare --columns=name find interface name=tap0")?, "");
    let mut transaction = Transaction::new();
    ovs::delete_bridge(&mut transaction, switch, bridge.id);
    client.transact(transaction).await?;
    assert_eq!(get("list-br")?, "");
    assert_eq!(get("--bare --columns=name list port")?, "");
    Ok(())
}

#[tokio::test]
async fn every_clearable_column_can_be_cleared() -> Result<()> {
    use ClearableColumn as Column;

    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl(["add-br", "b"])?;
    let (client, _events, snapshot) = daemon.client().await?;
    let view = View::from_snapshot(&snapshot)?;
    let bridge = view.bridge_named("b").context("no bridge")?.id;
    let port = view.port_named("b").context("no port")?.id;
    let interface = view.interface_named("b").context("no interface")?.id;
    let mut transaction = Transaction::new();
    for column in [Column::BridgeFailMode, Column::BridgeOtherConfig, Column::BridgeExternalIds] {
        ovs::clear_column(&mut transaction, bridge, column);
    }
    for column in [
        Column::PortTag,
        Column::PortTrunks,
        Column::PortVlanMode,
        Column::PortOtherConfig,
        Column::PortExternalIds,
    ] {
        ovs::clear_column(&mut transaction, port, column);
    }
    for column in [
        Column::InterfaceOptions,
        Column::InterfaceExternalIds,
        Column::InterfaceMtuRequest,
        Column::InterfaceOfportRequest,
    ] {
        ovs::clear_column(&mut transaction, interface, column);
    }
    assert_eq!(client.transact(transaction).await?.len(), 12);
    Ok(())
}

#[tokio::test]
async fn typed_changes_tell_what_came_and_went() -> Result<()> {
    let Some(daemon) = Daemon::start().await? else { return Ok(()) };
    daemon.vsctl(["add-br", "br0"])?;
    let (_client, mut events, snapshot) = daemon.client().await?;
    let mut view = View::from_snapshot(&snapshot)?;
    daemon.vsctl("add-port br0 tap1 tag=4".split_whitespace())?;
    let Event::Changed(changes) = next(&mut events).await? else { panic!("not a change") };
    let typed = view.apply(&changes)?;
    assert_eq!(typed.len(), 3, "{typed:?}");
    let added = typed.iter().find_map(|change| match change {
        ViewChange::Port(RowChange::Added(port)) => Some(port),
        _ => None,
    });
    assert_eq!(added.map(|port| port.name.as_str()), Some("tap1"));
    let bridge = typed.iter().find_map(|change| match change {
        ViewChange::Bridge(RowChange::Changed { old, new }) => Some((old, new)),
        _ => None,
    });
    let (old, new) = bridge.context("the bridge did not change")?;
    assert_eq!((old.ports.len(), new.ports.len()), (1, 2));
    daemon.vsctl(["del-port", "tap1"])?;
    follow(&mut events, &mut view, |view| view.port_named("tap1").is_none()).await?;
    assert!(view.interface_named("tap1").is_none());
    Ok(())
}
