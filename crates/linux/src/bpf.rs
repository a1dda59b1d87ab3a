//! Filters for packet sockets, in classic BPF: what does not pass costs no copy and no wake-up.

use std::fmt;

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_MSH,
    BPF_RET, BPF_W,
};
use socket2::SockFilter;

/// linux/filter.h: loads from here on read what the kernel knows about a frame.
const SKF_AD_OFF: u32 = (-0x1000_i32).cast_unsigned();
const SKF_AD_PKTTYPE: u32 = 4;

const ETHERTYPE_OFFSET: u32 = 12;
const ETHERTYPE_IPV4: u32 = 0x0800;
const IPV4_START: u32 = 14;
const IPV4_FRAGMENT_OFFSET: u32 = IPV4_START + 6;
const IPV4_PROTOCOL: u32 = IPV4_START + 9;
const PROTOCOL_UDP: u32 = 17;
const UDP_DESTINATION_PORT: u32 = 2;

/// The whole frame is kept.
const ACCEPT: u32 = 0x4_0000;
const DROP: u32 = 0;

/// A filter on Ethernet frames.
#[derive(Clone)]
pub struct Filter {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    value: u32,
}

impl Filter {
    /// IPv4 UDP datagrams to `port` that are for this machine (its MAC, broadcast or multicast)
    /// and did not come from it. Fragments do not pass: their ports are not known.
    pub fn udp_to(port: u16) -> Self {
        let to_drop = |from: u8| 10 - from;
        Self {
            steps: vec![
                load(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
                // Host, broadcast and multicast are 0 to 2; other host and outgoing follow.
                Step {
                    code: code(BPF_JMP | libc::BPF_JGT | BPF_K),
                    jump_true: to_drop(1),
                    jump_false: 0,
                    value: 2,
                },
                load(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE_OFFSET),
                unless(BPF_JEQ, ETHERTYPE_IPV4, to_drop(3)),
                load(BPF_LD | BPF_B | BPF_ABS, IPV4_PROTOCOL),
                unless(BPF_JEQ, PROTOCOL_UDP, to_drop(5)),
                load(BPF_LD | BPF_H | BPF_ABS, IPV4_FRAGMENT_OFFSET),
                Step {
                    code: code(BPF_JMP | BPF_JSET | BPF_K),
                    jump_true: to_drop(7),
                    jump_false: 0,
                    value: 0x1fff,
                },
                // X = length of the IPv4 header.
                load(BPF_LDX | BPF_B | BPF_MSH, IPV4_START),
                load(BPF_LD | BPF_H | BPF_IND, IPV4_START + UDP_DESTINATION_PORT),
                Step {
                    code: code(BPF_JMP | BPF_JEQ | BPF_K),
                    jump_true: 1,
                    jump_false: 0,
                    value: u32::from(port),
                },
                load(BPF_RET | BPF_K, DROP),
                load(BPF_RET | BPF_K, ACCEPT),
            ],
        }
    }

    /// Frames of one EtherType, whoever sent them to whom.
    pub fn ethertype(ethertype: u16) -> Self {
        Self {
            steps: vec![
                load(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE_OFFSET),
                unless(BPF_JEQ, u32::from(ethertype), 1),
                load(BPF_RET | BPF_K, ACCEPT),
                load(BPF_RET | BPF_K, DROP),
            ],
        }
    }

    pub(crate) fn program(&self) -> Vec<SockFilter> {
        self.steps
            .iter()
            .map(|step| SockFilter::new(step.code, step.jump_true, step.jump_false, step.value))
            .collect()
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.steps).finish()
    }
}

fn load(operation: u32, value: u32) -> Step {
    Step { code: code(operation), jump_true: 0, jump_false: 0, value }
}

/// Goes on when the test holds, skips `steps` otherwise.
fn unless(test: u32, value: u32, steps: u8) -> Step {
    Step { code: code(BPF_JMP | test | BPF_K), jump_true: 0, jump_false: steps, value }
}

/// Opcodes are 16 bits wide in `struct sock_filter`; the constants are wider in libc.
#[expect(clippy::cast_possible_truncation, reason = "all opcodes are below 0x100")]
const fn code(operation: u32) -> u16 {
    operation as u16
}

const _: () = assert!(BPF_W == 0, "word loads are the zero size");

#[cfg(test)]
mod tests;
