//! Any name and value of an extra option: compiled or reported, and the client served either way.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleon_dhcp::v4::{Answer, Arrival, ExtraOption, Request};
use nucleon_dhcp_fuzz::{CLIENT, check, config};

fuzz_target!(|option: (String, String)| {
    let (name, value) = option;
    let (network, _) = config(vec![ExtraOption { name, value }]).compile();
    let mut discover = vec![0; 240];
    discover[..3].copy_from_slice(&[1, 1, 6]);
    discover[28..34].copy_from_slice(&CLIENT.octets());
    discover[236..240].copy_from_slice(&[99, 130, 83, 99]);
    discover.extend_from_slice(&[53, 1, 1, 255]);
    let request = Request::parse(&discover, Arrival::default()).expect("a discover");
    match network.respond(&request) {
        Answer::Reply(reply) => check(&reply),
        other => panic!("{other:?}"),
    }
});
