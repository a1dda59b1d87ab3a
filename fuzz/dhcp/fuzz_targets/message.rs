//! Any DHCP message from the known client; the fuzzer supplies everything but what makes it one.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nucleon_dhcp::v4::{Answer, Arrival, Network, Request};
use nucleon_dhcp_fuzz::{CLIENT, check, config};

static NETWORK: LazyLock<Network> = LazyLock::new(|| config(Vec::new()).compile().0);

fuzz_target!(|data: &[u8]| {
    let mut payload = data.to_vec();
    if payload.len() >= 240 {
        payload[..3].copy_from_slice(&[1, 1, 6]);
        payload[28..34].copy_from_slice(&CLIENT.octets());
        payload[236..240].copy_from_slice(&[99, 130, 83, 99]);
    }
    if let Ok(request) = Request::parse(&payload, Arrival::default())
        && let Answer::Reply(reply) = NETWORK.respond(&request)
    {
        check(&reply);
    }
});
