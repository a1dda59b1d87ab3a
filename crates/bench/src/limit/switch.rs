//! The switch: a bundle of a port's flows, and a transaction of its database, each alone.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_lab::Switch;
use nucleon_net::MacAddr;
use nucleon_obs::Clock;
use nucleon_openflow::field::{ETH_DST, IN_PORT};
use nucleon_openflow::{Action, Connection, Flow, FlowFilter, FlowMod, Match, Port};
use nucleon_ovsdb::{Client, Config, Endpoint, Transaction, ovs};

use crate::report::{Limit, Unit};
use crate::stats::{ms, p50};

const ROUNDS: u8 = 21;

/// A bridge that nobody else uses.
const BRIDGE: &str = "br-limit";

/// The median of some bundles of three flows.
pub async fn bundle(switch: &Switch) -> Result<Limit> {
    if !switch.bridges().await?.iter().any(|bridge| bridge == BRIDGE) {
        switch.add_bridge(BRIDGE).await?;
    }
    let (connection, _events) = Connection::open(switch.bridge_socket(BRIDGE)).await?;
    let clock = Clock::system();
    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number]);
        let flows = [
            Flow::new(60, 20)
                .matching(Match::new().with(ETH_DST, mac))
                .actions([Action::Output(Port(1))]),
            Flow::new(0, 10)
                .matching(Match::new().with(IN_PORT, Port(u32::from(number) + 1)))
                .actions([Action::resubmit(60)]),
            Flow::new(61, 0).actions([Action::Output(Port(1))]),
        ];
        let start = clock.mono();
        connection.apply_bundle(&flows.map(FlowMod::Add)).await?;
        times.push(clock.mono() - start);
    }
    Ok(Limit::new("bundle of 3 flows", ms(p50(&times)), Unit::Milliseconds))
}

/// The median of some transactions that change one row.
pub async fn transaction(switch: &Switch) -> Result<Limit> {
    let endpoint = Endpoint::Unix(switch.database_socket());
    let (client, _events) = Client::connect(endpoint, ovs::monitor(), Config::default());
    let seen = client
        .wait_for(Duration::from_secs(10), |snapshot| {
            ovs::View::from_snapshot(snapshot).ok()?.bridge_named(BRIDGE).map(|bridge| bridge.id)
        })
        .await?;
    let clock = Clock::system();
    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let mut transaction = Transaction::new();
        let pairs = [("bench".to_owned(), number.to_string())].into();
        ovs::set_bridge_external_ids(&mut transaction, seen, &pairs);
        let start = clock.mono();
        client.transact(transaction).await?;
        times.push(clock.mono() - start);
    }
    Ok(Limit::new("OVSDB transaction", ms(p50(&times)), Unit::Milliseconds))
}

/// The time that reading all flows of a bridge takes, and how many they are.
pub async fn dump(switch: &Switch, bridge: &str) -> Result<[Limit; 2]> {
    let (connection, _events) = Connection::open(switch.bridge_socket(bridge)).await?;
    let clock = Clock::system();
    let (mut times, mut count) = (Vec::new(), 0);
    for _ in 0..5 {
        let start = clock.mono();
        count = connection.dump_flows(&FlowFilter::all()).await?.len();
        times.push(clock.mono() - start);
    }
    let count = u32::try_from(count).context("that many flows")?;
    Ok([
        Limit::new("flows", f64::from(count), Unit::Count),
        Limit::new("their dump", ms(p50(&times)), Unit::Milliseconds),
    ])
}
