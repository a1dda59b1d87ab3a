//! What it takes, printed.

use std::time::Duration;

use nucleon_bus::fake::FakeServer;
use nucleon_model::view::PortBody;
use nucleon_net::MacAddr;
use nucleon_obs::Clock;
use nucleon_ovsdb::{Client, Config, Endpoint, ovs};
use nucleon_wire::PortMark;
use tokio::task::JoinSet;

use crate::agent::Heard;
use crate::restart::{fill, wired_count};
use crate::rig::{Rig, Wire, port, port_id, until};

const PORTS: std::ops::Range<u16> = 1000..1500;

/// The mark of a port at its present revision, once the server has heard it.
async fn mark(rig: &Rig, cloud: &FakeServer, number: u16) -> PortMark {
    let id = port_id(number);
    let wanted = cloud.view_of_everything().ports[&id].revision;
    loop {
        match rig.site.last_heard(id) {
            Some(Heard::Wired(mark)) if mark.revision >= wanted => return mark,
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

fn quantiles(mut times: Vec<i64>) -> String {
    times.sort_unstable();
    let at = |part: usize| {
        let micros = times[(times.len() - 1) * part / 100];
        format!("{}.{:03} ms", micros / 1000, micros % 1000)
    };
    format!("p50 {}, p99 {}, most {} of {}", at(50), at(99), at(100), times.len())
}

/// From a change of the view, and from the switch's number for a new device, to all flows in the switch: the time in the
/// report, which is taken when the bundles are committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_with_500_ports() {
    const SAMPLES: u16 = 60;
    let Some(mut rig) = Rig::start().await else { return };
    for network in 1..=10 {
        rig.network(network, Wire::Vlan(100 + u16::from(network)));
    }
    let body = |number: u16| port(number, 1 + u8::try_from(number % 10).unwrap());
    for number in PORTS {
        rig.put(&body(number));
    }
    let (clock, cloud) = (Clock::system(), rig.site.cloud.clone());
    let begun = clock.mono();
    fill(&rig, PORTS).await;
    let plugged = clock.mono() - begun;
    wired_count(&rig, PORTS.len().try_into().unwrap()).await;
    eprintln!(
        "500 devices plugged in {plugged:.0?}, all wired {:.0?} after the start of that",
        clock.mono() - begun
    );

    let mut changes = Vec::new();
    for number in PORTS.take(usize::from(SAMPLES)) {
        let [high, low] = number.to_be_bytes();
        let mac_address = MacAddr::new([0xfa, 0x16, 0x3e, 1, high, low]);
        let changed = PortBody { mac_address, ..body(number) };
        let hints = cloud.put_port(changed);
        let begun = clock.now();
        rig.publish(hints);
        let mark = mark(&rig, &cloud, number).await;
        changes.push(mark.at.as_micros() - begun.as_micros());
    }
    eprintln!("500 ports, a port's change to its flows: {}", quantiles(changes));

    // A monitor of its own tells when the switch gave the device a number.
    let socket = Endpoint::Unix(rig.host.switch().database_socket());
    let (client, mut events) = Client::connect(socket, ovs::monitor(), Config::default());
    let mut drain = JoinSet::new();
    drain.spawn(async move { while events.recv().await.is_some() {} });
    let mut plugs = Vec::new();
    for number in 2000..2030_u16 {
        rig.put(&body(number));
        let id = port_id(number).to_string();
        let numbered = client.wait_for(Duration::from_secs(20), |snapshot| {
            let found = snapshot.rows("Interface").any(|(_, row)| {
                row.string_map("external_ids").is_ok_and(|ids| ids.get("iface-id") == Some(&id))
                    && row.integers("ofport").is_ok_and(|ports| ports.iter().any(|port| *port > 0))
            });
            found.then(|| clock.now())
        });
        let (numbered, ()) = tokio::join!(numbered, fill(&rig, number..number + 1));
        let mark = mark(&rig, &cloud, number).await;
        plugs.push(mark.at.as_micros() - numbered.unwrap().as_micros());
    }
    eprintln!("530 ports, a device's number to its flows: {}", quantiles(plugs));
    drain.abort_all();

    let begun = clock.mono();
    rig.restart_agent().await;
    wired_count(&rig, 530).await;
    eprintln!("530 ports, the agent restarted and sure of all: {:.0?}", clock.mono() - begun);
    assert_eq!(rig.agent().count("flow_mods").await, 0);

    rig.host.switch().kill(nucleon_lab::Daemon::Vswitchd).await.unwrap();
    let flows = rig.agent().count("flows").await;
    rig.host.switch().start_again(nucleon_lab::Daemon::Vswitchd).await.unwrap();
    let begun = clock.mono();
    until("all flows", || async {
        let held = rig.flows("br-int").await.len() + rig.flows("br-ex").await.len();
        held + rig.flows("br-flat").await.len() >= usize::try_from(flows).unwrap()
    })
    .await;
    eprintln!("{flows} flows back {:.0?} after the switch has started", clock.mono() - begun);
}
