//! The programs are run by a small interpreter, as the kernel would run them.

use libc::{BPF_JGT, BPF_JMP};

use super::*;

const HOST: u8 = 0;
const BROADCAST: u8 = 1;
const OTHER_HOST: u8 = 3;
const OUTGOING: u8 = 4;

/// Runs a filter over a frame; a load past the end drops it, as in the kernel.
fn passes(filter: &Filter, frame: &[u8], kind: u8) -> bool {
    run(filter, frame, kind).is_some_and(|kept| kept > 0)
}

fn run(filter: &Filter, frame: &[u8], kind: u8) -> Option<u32> {
    let byte = |at: u32| frame.get(at as usize).copied().map(u32::from);
    let half = |at: u32| Some(byte(at)? << 8 | byte(at + 1)?);
    let (mut a, mut x, mut at) = (0, 0, 0);
    loop {
        let step = filter.steps[at];
        let operation = u32::from(step.code);
        at += 1;
        let mut jump = |holds: bool| {
            at += usize::from(if holds { step.jump_true } else { step.jump_false });
        };
        if operation == BPF_LD | BPF_B | BPF_ABS {
            a = if step.value == SKF_AD_OFF + SKF_AD_PKTTYPE {
                u32::from(kind)
            } else {
                byte(step.value)?
            };
        } else if operation == BPF_LD | BPF_H | BPF_ABS {
            a = half(step.value)?;
        } else if operation == BPF_LD | BPF_H | BPF_IND {
            a = half(step.value + x)?;
        } else if operation == BPF_LDX | BPF_B | BPF_MSH {
            x = (byte(step.value)? & 0xf) * 4;
        } else if operation == BPF_JMP | BPF_JEQ {
            jump(a == step.value);
        } else if operation == BPF_JMP | BPF_JGT {
            jump(a > step.value);
        } else if operation == BPF_JMP | BPF_JSET {
            jump(a & step.value != 0);
        } else if operation == BPF_RET {
            return Some(step.value);
        } else {
            panic!("no such operation: {operation:#x}");
        }
    }
}

/// An Ethernet frame with an IPv4 header of `words` * 4 bytes and a UDP header.
fn datagram(words: u8, protocol: u8, fragment: u16, port: u16) -> Vec<u8> {
    let mut frame = vec![0xff; 12];
    frame.extend([0x08, 0x00]);
    let mut header = vec![0; usize::from(words) * 4];
    header[0] = 0x40 | words;
    header[6..8].copy_from_slice(&fragment.to_be_bytes());
    header[9] = protocol;
    frame.extend(header);
    frame.extend([0, 68]);
    frame.extend(port.to_be_bytes());
    frame.extend([0, 8, 0, 0]);
    frame
}

#[test]
fn a_request_to_the_server_port_passes() {
    let filter = Filter::udp_to(67);
    assert!(passes(&filter, &datagram(5, 17, 0, 67), BROADCAST));
    assert!(passes(&filter, &datagram(5, 17, 0, 67), HOST));
}

#[test]
fn options_in_the_ip_header_move_the_port() {
    assert!(passes(&Filter::udp_to(67), &datagram(15, 17, 0, 67), HOST));
    assert!(!passes(&Filter::udp_to(67), &datagram(15, 17, 0, 68), HOST));
}

#[test]
fn other_ports_protocols_and_ethertypes_do_not_pass() {
    let filter = Filter::udp_to(67);
    assert!(!passes(&filter, &datagram(5, 17, 0, 68), BROADCAST));
    assert!(!passes(&filter, &datagram(5, 6, 0, 67), BROADCAST));
    let mut arp = datagram(5, 17, 0, 67);
    arp[13] = 0x06;
    assert!(!passes(&filter, &arp, BROADCAST));
}

#[test]
fn later_fragments_do_not_pass_but_the_dont_fragment_bit_does_not_matter() {
    let filter = Filter::udp_to(67);
    assert!(!passes(&filter, &datagram(5, 17, 0x0001, 67), HOST));
    assert!(passes(&filter, &datagram(5, 17, 0x4000, 67), HOST));
}

#[test]
fn frames_for_others_and_our_own_do_not_pass() {
    let filter = Filter::udp_to(67);
    assert!(!passes(&filter, &datagram(5, 17, 0, 67), OTHER_HOST));
    assert!(!passes(&filter, &datagram(5, 17, 0, 67), OUTGOING));
}

#[test]
fn a_frame_cut_short_anywhere_does_not_pass() {
    let whole = datagram(5, 17, 0, 67);
    for length in 0..whole.len() - 4 {
        assert!(!passes(&Filter::udp_to(67), &whole[..length], HOST), "{length} bytes passed");
    }
}

#[test]
fn one_ethertype_passes_and_no_other() {
    let filter = Filter::ethertype(0x0806);
    let mut frame = datagram(5, 17, 0, 67);
    assert!(!passes(&filter, &frame, HOST));
    frame[13] = 0x06;
    assert!(passes(&filter, &frame, OTHER_HOST));
}
