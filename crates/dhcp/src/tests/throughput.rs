//! How fast one core answers; printed, because a limit would only measure the machine.

use std::net::Ipv4Addr;

use dhcproto::Encodable;
use nucleon_net::MacAddr;

use super::support::*;
use crate::v4::{Arrival, FrameAnswer, Request};

const CLIENTS: u32 = 10_000;

fn mac(index: u32) -> MacAddr {
    let [_, b, c, d] = index.to_be_bytes();
    MacAddr::new([0xfa, 0x16, 0x3e, b, c, d])
}

fn address(index: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 1, 0).to_bits() + index)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this test measures time")]
fn an_exchange_with_one_of_ten_thousand_clients_is_timed() {
    let config = config_with(|config| {
        config.subnets[0].cidr = "10.0.0.0/16".parse().unwrap();
        config.reservations = (0..CLIENTS)
            .map(|index| {
                let mut reservation = reservation();
                reservation.mac = mac(index);
                reservation.addresses = vec![address(index)];
                reservation
            })
            .collect();
    });
    let start = std::time::Instant::now();
    let network = network(&config);
    let compiled = start.elapsed();

    let asked = [1, 3, 6, 12, 15, 26, 28, 42, 121];
    let frames: Vec<_> = (0..CLIENTS)
        .flat_map(|index| {
            let discover = asking(from_mac(discover(), mac(index)), &asked);
            let request = asking(from_mac(selecting(SERVER, address(index)), mac(index)), &asked);
            [frame_of(&discover), frame_of(&request)]
        })
        .collect();
    let start = std::time::Instant::now();
    for frame in &frames {
        let answer = network.answer_frame(frame);
        assert!(matches!(answer, Ok(FrameAnswer::Reply { .. })));
    }
    let framed = start.elapsed();

    let payload = asking(from_mac(discover(), mac(7)), &asked).to_vec().unwrap();
    let request = Request::parse(&payload, Arrival::default()).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..CLIENTS {
        std::hint::black_box(network.respond(std::hint::black_box(&request)));
    }
    let responded = start.elapsed();

    eprintln!(
        "compile {CLIENTS} clients: {compiled:?}; frame in, frame out: {:?} each, {:.0} exchanges/s; \
         respond(): {:?} each{}",
        framed / (2 * CLIENTS),
        f64::from(CLIENTS) / framed.as_secs_f64(),
        responded / CLIENTS,
        if cfg!(debug_assertions) { " (unoptimised build)" } else { "" },
    );
}
