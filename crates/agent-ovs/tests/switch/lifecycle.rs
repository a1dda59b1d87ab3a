//! What a port goes through, one thing after the other.

use nucleon_lab::{Isolation, Plug, Vm};
use nucleon_model::view::{NetworkBody, PortBody};
use nucleon_net::MacAddr;

use crate::frames::{heard_by, send};
use crate::rig::{Rig, Wire, do_not_reach, mac, network, port, port_id, reach, until};

/// The flows that exist because of one device.
async fn flows_of(rig: &Rig, vm: &Vm) -> Vec<String> {
    let number = rig.vsctl(&format!("get interface {} ofport", vm.tap())).await;
    let mut flows = rig.flows_with("br-int", &format!("in_port={number},")).await;
    flows.extend(rig.flows_with("br-int", &format!("output:{number}")).await);
    flows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_is_unplugged_and_plugged_again_under_another_name() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    reach(&vm1, &vm2).await;
    let number = rig.vsctl(&format!("get interface {} ofport", vm2.tap())).await;
    vm2.unplug().await.unwrap();
    rig.unwired(port_id(2)).await;
    assert!(rig.flows_with("br-int", &format!("in_port={number},")).await.is_empty());
    assert!(rig.flows_with("br-int", &mac(2).to_string()).await.is_empty());
    do_not_reach(&vm1, &vm2).await;

    // The same device under another name, as after a migration back.
    let links = rig.host.netns().links();
    let renamed = nucleon_lab::link_name("tapother").unwrap();
    links.set_down(vm2.tap()).await.unwrap();
    let rename = format!("link set {} name {renamed}", vm2.tap());
    rig.host.program("ip").args(rename.split(' ')).run().await.unwrap();
    links.set_up(&renamed).await.unwrap();
    rig.vsctl(&format!(
        "add-port br-int {renamed} -- set interface {renamed} external_ids:iface-id={}",
        port_id(2)
    ))
    .await;
    rig.wired(port_id(2)).await;
    reach(&vm1, &vm2).await;

    // A second device for the same port takes over when the first goes.
    let plug = Plug::new(port_id(2).to_string(), mac(2));
    let twin = Vm::create(&rig.lab, "twin", &rig.host, plug).await.unwrap();
    twin.set_address("10.0.1.9/24".parse().unwrap()).await.unwrap();
    twin.plug().await.unwrap();
    rig.vsctl(&format!("del-port br-int {renamed}")).await;
    reach(&twin, &vm1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_changes_its_address_and_goes_down_and_up() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    reach(&vm1, &metal).await;

    // Another MAC address.
    let moved = MacAddr::new([0xfa, 0x16, 0x3e, 0, 9, 9]);
    rig.put(&PortBody { mac_address: moved, ..port(1, 1) });
    rig.wired_at_last(port_id(1)).await;
    let at_vm1 = vm1.capture().await.unwrap();
    send(&vm2, moved, None, 1).await;
    heard_by(1, &[&at_vm1], &[]).await;
    send(&vm2, mac(1), None, 2).await;
    heard_by(2, &[], &[&at_vm1]).await;
    rig.put(&port(1, 1));
    rig.wired_at_last(port_id(1)).await;
    reach(&vm2, &vm1).await;

    // The port goes down and up.
    rig.put(&PortBody { admin_state_up: false, ..port(1, 1) });
    rig.unwired(port_id(1)).await;
    assert_eq!(flows_of(&rig, &vm1).await, Vec::<String>::new());
    assert_eq!(vm1.tag().await.unwrap(), Some(4095));
    do_not_reach(&vm1, &metal).await;
    rig.put(&port(1, 1));
    rig.wired(port_id(1)).await;
    reach(&vm1, &metal).await;

    // The network goes down and up.
    let down = NetworkBody { admin_state_up: false, ..network(1, Wire::Vlan(101)) };
    rig.publish(rig.site.cloud.put_network(down));
    rig.unwired(port_id(1)).await;
    rig.unwired(port_id(2)).await;
    assert!(rig.flows_with("br-ex", "dl_vlan=").await.is_empty());
    do_not_reach(&vm1, &vm2).await;
    rig.network(1, Wire::Vlan(101));
    rig.wired(port_id(1)).await;
    reach(&vm1, &vm2).await;

    // The port is deleted.
    rig.publish(rig.site.cloud.delete_port(port_id(1)));
    until("its flows are gone", || async { flows_of(&rig, &vm1).await.is_empty() }).await;
    do_not_reach(&vm2, &vm1).await;
    reach(&vm2, &metal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_say_what_neutron_would_say() {
    let Some(rig) = Rig::start().await else { return };
    let small = NetworkBody { mtu: 1400, ..network(1, Wire::Vlan(101)) };
    rig.publish(rig.site.cloud.put_network(small.clone()));
    rig.network(3, Wire::Flat);
    let vm = rig.vm(1, 1).await;
    let flat = rig.vm(2, 3).await;
    let noted = |device: String, key: &'static str| {
        let rig = &rig;
        async move {
            let text = rig.vsctl(&format!("get port {device} other_config:{key}")).await;
            text.trim_matches('"').to_owned()
        }
    };
    let tag = vm.tag().await.unwrap().unwrap().to_string();
    for (key, value) in [
        ("net_uuid", small.id.to_string()),
        ("network_type", "vlan".to_owned()),
        ("physical_network", "physnet1".to_owned()),
        ("segmentation_id", "101".to_owned()),
        ("tag", tag),
    ] {
        assert_eq!(noted(vm.tap().to_string(), key).await, value, "{key}");
    }
    assert_eq!(noted(flat.tap().to_string(), "segmentation_id").await, "None");
    let mtu = || async {
        let link = rig.host.netns().links().link(vm.tap()).await.unwrap().unwrap();
        link.mtu
    };
    until("MTU 1400", || async { mtu().await == 1400 }).await;
    rig.network(1, Wire::Vlan(101));
    until("MTU 1500", || async { mtu().await == 1500 }).await;
    // How many devices there are is no news for the server, which takes other configurations for a new agent.
    let beats = rig.site.heartbeats();
    let another = rig.vm(3, 1).await;
    another.unplug().await.unwrap();
    rig.unwired(port_id(3)).await;
    assert_eq!(rig.site.heartbeats(), beats);
    // Our own writes come back as news; they are no reason to write again.
    let rows = rig.agent().count("row_edits").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(rig.agent().count("row_edits").await, rows);
    assert!(rows <= 8, "{rows} rows written for three ports");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_comes_before_its_port_and_one_whose_bridge_is_missing_work_later() {
    let Some(mut rig) = Rig::new().await else { return };
    rig.vsctl("del-br br-ex").await;
    rig.start_agent().await;
    rig.network(1, Wire::Vlan(101));
    rig.network(3, Wire::Flat);
    // The other physical network is not held up.
    let (flat1, flat2) = (rig.vm(31, 3).await, rig.vm(32, 3).await);
    reach(&flat1, &flat2).await;
    rig.port(1, 1);
    let vm = rig.plug(1, 1, Isolation::Off).await;
    rig.unwired(port_id(1)).await;
    rig.vsctl("add-br br-ex -- set bridge br-ex datapath_type=netdev -- add-port br-ex phy0").await;
    rig.wired(port_id(1)).await;
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    reach(&vm, &metal).await;
    // And it goes again.
    rig.vsctl("del-br br-ex").await;
    rig.unwired(port_id(1)).await;
    reach(&flat1, &flat2).await;
    assert_eq!(rig.agent().status().await.unwrap().failures, []);
}
