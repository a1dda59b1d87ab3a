//! Any frame, as an AF_PACKET socket hands it over.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nucleon_dhcp::v4::{FrameAnswer, Network};
use nucleon_dhcp_fuzz::{check, config};

static NETWORK: LazyLock<Network> = LazyLock::new(|| config(Vec::new()).compile().0);

fuzz_target!(|frame: &[u8]| {
    if let Ok(FrameAnswer::Reply { reply, .. }) = NETWORK.answer_frame(frame) {
        check(&reply);
    }
});
