//! Any frame, as an AF_PACKET socket hands it over: as it is, and again with right checksums, which
//! a fuzzer does not find by itself.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nucleon_dhcp::v4::{FrameAnswer, Network};
use nucleon_dhcp_fuzz::{check, config};

static NETWORK: LazyLock<Network> = LazyLock::new(|| config(Vec::new()).compile().0);

fuzz_target!(|frame: &[u8]| {
    answer(frame);
    let mut repaired = frame.to_vec();
    if let Some(packet) = repaired.get_mut(14..)
        && repair(packet).is_some()
    {
        answer(&repaired);
    }
});

fn answer(frame: &[u8]) {
    if let Ok(FrameAnswer::Reply { reply, .. }) = NETWORK.answer_frame(frame) {
        check(&reply);
    }
}

/// Makes the header's checksum right and takes the datagram's away.
fn repair(packet: &mut [u8]) -> Option<()> {
    let length = usize::from(packet.first()? & 0x0f) * 4;
    packet.get_mut(length + 6..length + 8)?.fill(0);
    let header = packet.get_mut(..length).filter(|header| header.len() >= 20)?;
    header[10..12].fill(0);
    let words = header.chunks_exact(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    header[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    Some(())
}
