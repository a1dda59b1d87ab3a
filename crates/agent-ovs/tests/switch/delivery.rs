//! Who gets which frame.

use nucleon_lab::capture::Capture;
use nucleon_lab::{Isolation, link_name};
use nucleon_net::MacAddr;

use crate::frames::{MULTICAST, UNKNOWN, heard_by, send, tag_of};
use crate::rig::{Rig, Wire, do_not_reach, mac, reach};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vlan_network_carries_what_it_should_and_nothing_else() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    rig.network(2, Wire::Vlan(102));
    let (vm1, vm2, other) = (rig.vm(1, 1).await, rig.vm(2, 1).await, rig.vm(3, 2).await);
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    let other_metal = rig.metal(51, 2, Wire::Vlan(102)).await;
    reach(&vm1, &vm2).await;
    reach(&vm1, &metal).await;
    reach(&metal, &vm2).await;
    reach(&other, &other_metal).await;

    let trunk = rig.trunk().await;
    let at_vm1 = vm1.capture().await.unwrap();
    let at_vm2 = vm2.capture().await.unwrap();
    let at_other = other.capture().await.unwrap();
    let at_metal = metal.capture().await.unwrap();
    let at_other_metal = other_metal.capture().await.unwrap();

    // From a machine: broadcast and multicast go to the wire and the members.
    for (mark, group) in [(1, MacAddr::BROADCAST), (2, MULTICAST)] {
        send(&vm1, group, None, mark).await;
        let deaf = [&at_other, &at_other_metal, &at_vm1];
        heard_by(mark, &[&at_vm2, &at_metal, &trunk], &deaf).await;
        assert_eq!(tag_of(mark, &trunk), Some(101));
        assert_eq!(tag_of(mark, &at_vm2), None);
    }
    // Unknown unicast goes to the wire only.
    send(&vm1, UNKNOWN, None, 3).await;
    heard_by(3, &[&trunk, &at_metal], &[&at_vm2, &at_other, &at_other_metal, &at_vm1]).await;
    // What is for a neighbour on this host does not leave it.
    send(&vm1, mac(2), None, 4).await;
    heard_by(4, &[&at_vm2], &[&trunk, &at_metal, &at_other]).await;
    // The address of another network's machine is unknown here.
    send(&vm1, mac(3), None, 5).await;
    heard_by(5, &[&trunk], &[&at_other, &at_vm2, &at_other_metal]).await;

    // From the wire.
    send(&metal, MacAddr::BROADCAST, None, 6).await;
    heard_by(6, &[&at_vm1, &at_vm2], &[&at_other, &at_other_metal]).await;
    send(&metal, mac(2), None, 7).await;
    heard_by(7, &[&at_vm2], &[&at_vm1, &at_other]).await;
    send(&metal, UNKNOWN, None, 8).await;
    heard_by(8, &[], &[&at_vm1, &at_vm2, &at_other]).await;
    send(&other_metal, MacAddr::BROADCAST, None, 9).await;
    heard_by(9, &[&at_other], &[&at_vm1, &at_vm2, &at_metal]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flat_and_local_networks_are_carried_as_they_should_be() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    rig.network(3, Wire::Flat);
    rig.network(4, Wire::Local);
    rig.network(5, Wire::Local);
    let tagged = rig.vm(1, 1).await;
    let (flat1, flat2) = (rig.vm(31, 3).await, rig.vm(32, 3).await);
    let (local1, local2, local3) = (rig.vm(41, 4).await, rig.vm(42, 4).await, rig.vm(43, 5).await);
    let metal = rig.metal(50, 3, Wire::Flat).await;
    reach(&flat1, &flat2).await;
    reach(&flat1, &metal).await;
    reach(&metal, &flat2).await;
    reach(&local1, &local2).await;
    do_not_reach(&local1, &local3).await;

    let trunk = rig.trunk().await;
    let wire =
        Capture::start(rig.flat.netns(), &link_name("to-h1").unwrap(), "flat").await.unwrap();
    let at_flat2 = flat2.capture().await.unwrap();
    let at_local2 = local2.capture().await.unwrap();
    let at_local3 = local3.capture().await.unwrap();
    let at_tagged = tagged.capture().await.unwrap();
    send(&flat1, MacAddr::BROADCAST, None, 1).await;
    heard_by(1, &[&at_flat2, &wire], &[&trunk, &at_tagged, &at_local2, &at_local3]).await;
    assert_eq!(tag_of(1, &wire), None, "it leaves untagged");
    send(&metal, MacAddr::BROADCAST, None, 2).await;
    heard_by(2, &[&at_flat2], &[&trunk, &at_tagged, &at_local2]).await;
    send(&local1, MacAddr::BROADCAST, None, 3).await;
    heard_by(3, &[&at_local2], &[&trunk, &wire, &at_tagged, &at_flat2, &at_local3]).await;
    send(&local1, UNKNOWN, None, 4).await;
    heard_by(4, &[], &[&trunk, &wire, &at_local2, &at_local3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_sends_tagged_frames_is_not_heard() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    rig.network(2, Wire::Vlan(102));
    let (vm1, vm2, other) = (rig.vm(1, 1).await, rig.vm(2, 1).await, rig.vm(3, 2).await);
    reach(&vm1, &vm2).await;
    let trunk = rig.trunk().await;
    let at_vm2 = vm2.capture().await.unwrap();
    let at_other = other.capture().await.unwrap();
    let local = other.tag().await.unwrap().unwrap();
    // The provider's tags, the host's own tag of the other network, a priority tag (IEEE 802.1Q, 6.9.1).
    for (mark, control) in [(1, 101), (2, 102), (3, local), (4, 0), (5, 0xe000), (6, 4095)] {
        send(&vm1, MacAddr::BROADCAST, Some(control), mark).await;
        send(&vm1, mac(3), Some(control), mark).await;
        heard_by(mark, &[], &[&trunk, &at_vm2, &at_other]).await;
    }
    // It is still heard without.
    send(&vm1, MacAddr::BROADCAST, None, 7).await;
    heard_by(7, &[&at_vm2, &trunk], &[&at_other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_isolated_plug_works_once_it_is_wired() {
    let Some(rig) = Rig::start().await else { return };
    rig.network(1, Wire::Vlan(101));
    let vm1 = rig.vm(1, 1).await;
    let body = rig.port(2, 1);
    let vm2 = rig.plug(2, 1, Isolation::On).await;
    rig.wired(body.id).await;
    reach(&vm2, &vm1).await;
    assert_eq!(vm2.tag().await.unwrap(), vm1.tag().await.unwrap());
}
