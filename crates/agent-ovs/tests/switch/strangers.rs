//! What is plugged and not wired neither sends nor receives a frame.

use nucleon_lab::{Isolation, Vm};
use nucleon_net::MacAddr;

use crate::frames::{UNKNOWN, heard_by, send};
use crate::rig::{Rig, Wire, mac, port, reach};

/// Plugged before the agent starts, before the server tells of them, and after; with and without isolation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_not_wired_neither_sends_nor_receives() {
    let Some(mut rig) = Rig::new().await else { return };
    rig.vsctl("add-br br-int -- set bridge br-int datapath_type=netdev fail_mode=secure").await;
    let early = rig.plug(20, 1, Isolation::Off).await;
    rig.start_agent().await;
    rig.network(1, Wire::Vlan(101));
    let (vm1, vm2) = (rig.vm(1, 1).await, rig.vm(2, 1).await);
    let metal = rig.metal(50, 1, Wire::Vlan(101)).await;
    reach(&vm1, &metal).await;
    let plain = rig.plug(21, 1, Isolation::Off).await;
    let isolated = rig.plug(22, 1, Isolation::On).await;
    // Somebody gives the network's own local tag to a port that the cloud does not know.
    let tagged = rig.plug(23, 1, Isolation::Off).await;
    let local = vm1.tag().await.unwrap().unwrap();
    rig.vsctl(&format!("set port {} tag={local}", tagged.tap())).await;
    // Known, of this host, and down.
    let down = nucleon_model::view::PortBody { admin_state_up: false, ..port(24, 1) };
    rig.put(&down);
    let down = rig.plug(24, 1, Isolation::Off).await;
    // Known, and of another host.
    let elsewhere = nucleon_model::view::PortBody { host: "h2".to_owned(), ..port(25, 1) };
    rig.put(&elsewhere);
    let elsewhere = rig.plug(25, 1, Isolation::Off).await;
    let strangers: [&Vm; 6] = [&early, &plain, &isolated, &tagged, &down, &elsewhere];

    let trunk = rig.trunk().await;
    let at_vm1 = vm1.capture().await.unwrap();
    let at_vm2 = vm2.capture().await.unwrap();
    let mut listening = Vec::new();
    for stranger in strangers {
        listening.push(stranger.capture().await.unwrap());
    }
    let deaf: Vec<_> = listening.iter().collect();
    send(&vm1, MacAddr::BROADCAST, None, 1).await;
    heard_by(1, &[&at_vm2, &trunk], &deaf).await;
    send(&metal, MacAddr::BROADCAST, None, 2).await;
    heard_by(2, &[&at_vm1, &at_vm2], &deaf).await;
    for (index, stranger) in (0..).zip(strangers) {
        send(&vm1, stranger.mac().await.unwrap(), None, 10 + index).await;
        heard_by(10 + index, &[&trunk], &deaf).await;
        for (kind, to) in (0..).zip([MacAddr::BROADCAST, mac(1), UNKNOWN]) {
            let mark = 100 + 10 * index + kind;
            send(stranger, to, None, mark).await;
            send(stranger, to, Some(local), mark).await;
            let others: Vec<_> = deaf.iter().copied().chain([&trunk, &at_vm1, &at_vm2]).collect();
            heard_by(mark, &[], &others).await;
        }
    }
    // Nothing at all reached them, not only nothing of ours.
    for capture in &listening {
        let came = capture.matching(|seen| seen.kind != nucleon_linux::PacketKind::Outgoing);
        assert!(came.is_empty(), "{} hears {}", capture.label(), came[0]);
    }
    // What the cloud did not ask for is not written to.
    assert_eq!(plain.tag().await.unwrap(), None);
    assert_eq!(isolated.tag().await.unwrap(), Some(4095));
    assert_eq!(tagged.tag().await.unwrap(), Some(local));
    // Once the cloud knows it, it works.
    let body = rig.port(21, 1);
    rig.wired(body.id).await;
    reach(&plain, &vm1).await;
}
