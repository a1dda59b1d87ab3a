//! The agent, the switch and its database go and come back.

use std::fmt::Write;
use std::time::Duration;

use nucleon_lab::{Daemon, FlowWatch};
use nucleon_obs::Clock;

use crate::agent::logged;
use crate::rig::{Rig, Wire, port_id, reach, until};

/// Devices without machines: pairs of links whose far ends stay on the host.
pub(crate) async fn fill(rig: &Rig, numbers: std::ops::Range<u16>) {
    let mut batch = String::new();
    for number in numbers.clone() {
        let _ = writeln!(batch, "link add fill{number} type veth peer name far{number}");
        let _ = writeln!(batch, "link set fill{number} up\nlink set far{number} up");
    }
    rig.host.program("ip").args(["-batch", "-"]).run_with(&batch).await.unwrap();
    let numbers: Vec<u16> = numbers.collect();
    for chunk in numbers.chunks(100) {
        let mut words = Vec::new();
        for number in chunk {
            let id = port_id(*number);
            let text = format!(
                "-- add-port br-int fill{number} -- set interface fill{number} external_ids:iface-id={id}"
            );
            words.extend(text.split(' ').map(str::to_owned));
        }
        rig.host.switch().vsctl(&words).await.unwrap();
    }
}

pub(crate) async fn wired_count(rig: &Rig, wanted: u64) {
    until("all ports wired", || async {
        match rig.agent().status().await {
            Some(status) => status.details["wired"].as_u64() == Some(wanted),
            None => false,
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_agent_changes_no_flow_and_loses_no_packet() {
    const FILL: std::ops::Range<u16> = 1000..1198;
    let Some(mut rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    rig.network(2, Wire::Vlan(102));
    rig.network(3, Wire::Flat);
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    for number in FILL {
        rig.port(number, 1 + u8::try_from(number % 3).unwrap());
    }
    fill(&rig, FILL).await;
    wired_count(&rig, 200).await;
    reach(&vm1, &vm2).await;
    reach(&vm1, &metal).await;
    let tags = (vm1.tag().await.unwrap(), vm2.tag().await.unwrap());
    let before = (rig.flows("br-int").await, rig.flows("br-ex").await);
    let mut inside = FlowWatch::start(&rig.host, "br-int").await.unwrap();
    let mut outside = FlowWatch::start(&rig.host, "br-ex").await.unwrap();
    let target = crate::rig::address(1, 2);
    let near = vm1.ping_steadily(target, 500).await.unwrap();
    let far = vm1.ping_steadily(crate::rig::address(1, 50), 500).await.unwrap();
    for server in ["there", "away"] {
        if server == "away" {
            rig.site.stop().await;
        }
        rig.restart_agent().await;
        wired_count(&rig, 200).await;
        assert_eq!(rig.agent().count("flow_mods").await, 0, "the server is {server}");
        assert_eq!(rig.agent().count("row_edits").await, 0, "the server is {server}");
        assert_eq!(rig.agent().count("repairs").await, 0);
        let status = rig.agent().status().await.unwrap();
        assert_eq!(status.failures, [], "the server is {server}");
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let (near, far) = (near.stop().await.unwrap(), far.stop().await.unwrap());
    eprintln!("over two restarts of the agent with 200 ports: {near}; {far}");
    assert!(near.lost.is_empty() && near.sent > 500, "{near}");
    assert!(far.lost.is_empty() && far.sent > 500, "{far}");
    assert_eq!(inside.changes().unwrap(), Vec::<String>::new());
    assert_eq!(outside.changes().unwrap(), Vec::<String>::new());
    assert_eq!((rig.flows("br-int").await, rig.flows("br-ex").await), before);
    assert_eq!((vm1.tag().await.unwrap(), vm2.tag().await.unwrap()), tags);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_vlans_stay_where_they_are() {
    let Some(mut rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    rig.network(2, Wire::Vlan(102));
    let (first, second) = (rig.vm(1, 1).await, rig.vm(2, 2).await);
    let kept = second.tag().await.unwrap();
    // The first network goes while the agent is away; the second keeps its tag nevertheless.
    let state = rig.agent.take().unwrap().stop().await;
    first.unplug().await.unwrap();
    rig.publish(rig.site.cloud.delete_port(port_id(1)));
    rig.agent = Some(crate::agent::Agent::start_in(state, &rig.host, &rig.site, rig.verify));
    wired_count(&rig, 1).await;
    assert_eq!(second.tag().await.unwrap(), kept);
    until("the gone network's flows are gone", || async {
        rig.flows_with("br-ex", "dl_vlan=").await.len() == 1
    })
    .await;
    // And what the first had is free for another.
    rig.network(3, Wire::Flat);
    let third = rig.vm(3, 3).await;
    assert_ne!(third.tag().await.unwrap(), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_that_was_killed_has_its_flows_back_at_once() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    reach(&vm1, &metal).await;
    let before = (rig.flows("br-int").await, rig.flows("br-ex").await);
    let clock = Clock::system();
    rig.host.switch().kill(Daemon::Vswitchd).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let begun = clock.mono();
    rig.host.switch().start_again(Daemon::Vswitchd).await.unwrap();
    let answers = clock.mono() - begun;
    until("the flows are back", || async {
        (rig.flows("br-int").await, rig.flows("br-ex").await) == before
    })
    .await;
    eprintln!(
        "ovs-vswitchd killed: started in {answers:?}, all flows seen {:?} after its start",
        clock.mono() - begun
    );
    reach(&vm1, &vm2).await;
    reach(&vm1, &metal).await;
    assert!(!logged(&["br-int", "had lost its flows"]).is_empty());

    // And once more, with other numbers for the devices.
    let numbers = |tap: String| {
        let rig = &rig;
        async move { rig.vsctl(&format!("get interface {tap} ofport")).await }
    };
    let former = numbers(vm1.tap().to_string()).await;
    rig.host.switch().kill(Daemon::Vswitchd).await.unwrap();
    for (vm, number) in [(&vm1, 41), (&vm2, 40)] {
        let tap = vm.tap();
        rig.vsctl(&format!(
            "--no-wait -- clear interface {tap} ofport -- set interface {tap} ofport_request={number}"
        ))
        .await;
    }
    rig.host.switch().start_again(Daemon::Vswitchd).await.unwrap();
    until("other numbers", || async { numbers(vm1.tap().to_string()).await == "41" }).await;
    assert_ne!(former, "41");
    until("their flows", || async {
        rig.flows_with("br-int", "in_port=41,").await.len() == 1
            && rig.flows_with("br-int", &format!("in_port={former},")).await.is_empty()
    })
    .await;
    reach(&vm1, &vm2).await;
    reach(&vm1, &metal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_changes_nothing_and_what_happened_meanwhile_is_made_up_for() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    reach(&vm1, &vm2).await;
    let mods = rig.agent().count("flow_mods").await;
    let mut watch = FlowWatch::start(&rig.host, "br-int").await.unwrap();
    let number = rig.vsctl(&format!("get interface {} ofport", vm2.tap())).await;
    let before = rig.flows("br-int").await;
    // No frame is asked for meanwhile: without its database ovs-vswitchd does not run its bridges, and with them stands
    // the userspace datapath of a lab.
    rig.host.switch().kill(Daemon::Database).await.unwrap();
    until("the agent notices", || async {
        rig.agent().status().await.is_some_and(|status| status.details["connected"] == false)
    })
    .await;
    // Nothing can be written meanwhile; it is not forgotten either.
    rig.publish(rig.site.cloud.delete_port(port_id(2)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.agent().count("flow_mods").await, mods);
    rig.host.switch().start_again(Daemon::Database).await.unwrap();
    until("port 2 is gone", || async { vm2.tag().await.unwrap() == Some(4095) }).await;
    // What it came to is what the port's end alone comes to.
    let after = rig.flows("br-int").await;
    let gone: Vec<_> = before.iter().filter(|flow| !after.contains(flow)).collect();
    assert_eq!(gone.len(), 3, "its two flows, and the flood list as it was: {gone:?}");
    let of_port = |flow: &&&String| {
        flow.contains(&format!("in_port={number},")) || flow.contains(&format!("output:{number}"))
    };
    assert_eq!(gone.iter().filter(of_port).count(), 3, "{gone:?}");
    assert_eq!(after.len(), before.len() - 2);
    let changes = watch.changes().unwrap();
    assert_eq!(changes.len(), 3, "{changes:?}");
    let third = rig.vm(3, 1).await;
    reach(&third, &vm1).await;
}
