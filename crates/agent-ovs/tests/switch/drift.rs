//! What somebody does by hand is repaired where it is ours, told, and left alone where it is not.

use std::time::Duration;

use nucleon_lab::Vm;

use crate::agent::logged;
use crate::rig::{Rig, Wire, port_id, reach, until};

/// "nucleon" and the role's number.
const COOKIE: &str = "0x6e75636c656f6e01";

/// A host with two machines whose agent compares all the time.
async fn rig() -> Option<(Rig, Vm, Vm)> {
    let mut rig = Rig::new().await?;
    rig.verify = Duration::from_millis(200);
    rig.start_agent().await;
    rig.network(1, Wire::Vlan(101));
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    reach(&vm1, &vm2).await;
    Some((rig, vm1, vm2))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_changed_by_hand_are_put_right() {
    let Some((rig, vm1, vm2)) = rig().await else { return };
    let before = (rig.flows("br-int").await, rig.flows("br-ex").await);
    let ofctl = |words: &'static str| {
        let words: Vec<&str> = words.split(' ').collect();
        let switch = rig.host.switch();
        async move { switch.ofctl(&words).await.unwrap() }
    };
    let right = || async { (rig.flows("br-int").await, rig.flows("br-ex").await) == before };
    let mut repairs = rig.agent().count("repairs").await;
    for change in [
        "del-flows br-int table=60",
        "del-flows br-ex",
        "del-flows br-int",
        "add-flow br-int cookie=0x6e75636c656f6e01,table=0,priority=77,ip,actions=NORMAL",
        "add-flow br-ex cookie=0x6e75636c656f6e01,table=3,priority=1,actions=drop",
    ] {
        ofctl(change).await;
        until(change, right).await;
        until("it is counted", || {
            let (rig, repairs) = (&rig, repairs);
            async move { rig.agent().count("repairs").await > repairs }
        })
        .await;
        repairs = rig.agent().count("repairs").await;
    }
    assert!(logged(&["WARN", "br-int", "repaired flows"]).len() >= 3);
    assert!(logged(&["WARN", "br-ex", "repaired flows"]).len() >= 2);
    reach(&vm1, &vm2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_patches_and_bridges_changed_by_hand_are_put_right() {
    let Some((rig, vm1, vm2)) = rig().await else { return };
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    reach(&vm1, &metal).await;
    let tag = vm1.tag().await.unwrap().unwrap();

    rig.vsctl(&format!("set port {} tag=99", vm1.tap())).await;
    until("the tag", || async { vm1.tag().await.unwrap() == Some(tag) }).await;
    let id = port_id(1).to_string();
    until("it is told", || async { !logged(&["WARN", &id, "somebody has changed"]).is_empty() })
        .await;
    // Once, and not because of our own writes.
    assert_eq!(logged(&["WARN", &id, "somebody has changed"]).len(), 1);
    rig.vsctl(&format!("remove port {} other_config net_uuid", vm1.tap())).await;
    let noted = format!("get port {} other_config:net_uuid", vm1.tap());
    let has = format!("--if-exists {noted}");
    until("the notes", || async { !rig.vsctl(&has).await.is_empty() }).await;

    // Either end of the patch, its peer, and the bridge's mode.
    for change in [
        "del-port br-int int-br-ex",
        "del-port br-ex phy-br-ex",
        "set interface int-br-ex options:peer=nowhere",
        "set bridge br-int fail_mode=standalone",
    ] {
        rig.vsctl(change).await;
        let flag = "get bridge br-int fail_mode";
        until(change, || async {
            rig.vsctl("list-ports br-int").await.contains("int-br-ex")
                && rig.vsctl("list-ports br-ex").await.contains("phy-br-ex")
                && rig.vsctl("get interface int-br-ex options:peer").await.contains("phy-br-ex")
                && rig.vsctl(flag).await == "secure"
        })
        .await;
        reach(&vm1, &metal).await;
    }
    assert!(!logged(&["WARN", "somebody has changed bridges or patches"]).is_empty());

    // The whole bridge: its ports are gone until they are plugged again.
    rig.vsctl("del-br br-int").await;
    rig.unwired(port_id(1)).await;
    until("br-int", || async { rig.vsctl("list-br").await.contains("br-int") }).await;
    vm1.plug().await.unwrap();
    vm2.plug().await.unwrap();
    rig.wired(port_id(1)).await;
    rig.wired(port_id(2)).await;
    reach(&vm1, &vm2).await;
    reach(&vm1, &metal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ours_is_left_alone() {
    let Some((mut rig, vm1, vm2)) = rig().await else { return };
    for command in [
        "add-br br-mine -- set bridge br-mine datapath_type=netdev fail_mode=secure",
        "add-port br-int mine0 tag=77 -- set interface mine0 type=internal external_ids:whose=mine",
        "add-port br-ex mine1 tag=78 -- set interface mine1 type=internal",
        "set port mine0 other_config:note=kept",
        "set bridge br-ex other_config:note=kept external_ids:note=kept",
        "set bridge br-ex protocols=OpenFlow13",
    ] {
        rig.vsctl(command).await;
    }
    let switch = rig.host.switch();
    for (bridge, flow) in [
        ("br-mine", "cookie=0x5,table=0,priority=9,actions=NORMAL"),
        ("br-mine", "cookie=0x6e75636c656f6e01,table=0,priority=8,actions=drop"),
        ("br-int", "cookie=0x5,table=0,priority=9,ip,nw_dst=192.0.2.1,actions=drop"),
        ("br-int", "cookie=0,table=7,priority=9,actions=drop"),
    ] {
        switch.ofctl(&["add-flow", bridge, flow]).await.unwrap();
    }
    // The bridge speaks what it is told to, and OpenFlow 1.5 as well.
    until("OpenFlow15", || async {
        rig.vsctl("get bridge br-ex protocols").await.contains("OpenFlow15")
    })
    .await;
    assert!(rig.vsctl("get bridge br-ex protocols").await.contains("OpenFlow13"));
    let flow = "cookie=0x5,table=0,priority=9,ip,nw_dst=192.0.2.1,actions=drop";
    switch.ofctl(&["add-flow", "br-ex", flow]).await.unwrap();
    let before = foreign(&rig).await;
    assert_eq!(before.iter().filter(|line| line.contains("192.0.2.1")).count(), 2, "{before:?}");
    let third = rig.vm(3, 1).await;
    reach(&third, &vm1).await;
    vm2.unplug().await.unwrap();
    rig.unwired(port_id(2)).await;
    // Some comparisons go by.
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(foreign(&rig).await, before);
    rig.restart_agent().await;
    crate::restart::wired_count(&rig, 2).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(foreign(&rig).await, before);
}

/// Everything on the host that the agent has no business with, as far as the test has put it there.
async fn foreign(rig: &Rig) -> Vec<String> {
    let mut found = Vec::new();
    for bridge in ["br-mine", "br-int", "br-ex"] {
        let is_foreign = |flow: &String| bridge == "br-mine" || !flow.contains(COOKIE);
        found.extend(rig.flows(bridge).await.into_iter().filter(is_foreign));
    }
    for (table, row, columns) in [
        ("port", "mine0", "tag,trunks,other_config,external_ids"),
        ("port", "mine1", "tag,trunks,other_config,external_ids"),
        ("interface", "mine0", "external_ids,type,mtu_request,options"),
        ("bridge", "br-ex", "other_config,external_ids,protocols,fail_mode"),
        ("bridge", "br-mine", "other_config,external_ids,protocols,fail_mode"),
    ] {
        found.push(rig.vsctl(&format!("--columns={columns} list {table} {row}")).await);
    }
    found
}
