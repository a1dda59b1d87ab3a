//! Ethernet frames, as far as one has to look into them to tell what was seen.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use nucleon_linux::PacketKind;
use nucleon_net::{MacAddr, VlanId};

pub const ETHERTYPE_IPV4: u16 = 0x0800;
pub const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
pub const PROTOCOL_ICMP: u8 = 1;
pub const PROTOCOL_UDP: u8 = 17;

/// A frame that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Since the capture began.
    pub at: Duration,
    pub kind: PacketKind,
    pub vlan: Option<VlanId>,
    /// From the destination MAC on, without the tag.
    pub bytes: Vec<u8>,
}

/// The parts of an IPv4 packet that tests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4<'f> {
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub protocol: u8,
    pub payload: &'f [u8],
}

/// An ARP packet for Ethernet and IPv4 (RFC 826).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    pub is_reply: bool,
    pub sender_mac: MacAddr,
    pub sender: Ipv4Addr,
    pub target: Ipv4Addr,
}

impl Seen {
    /// Takes a tag out of the bytes where the kernel left it: in what this machine sends.
    pub fn new(at: Duration, kind: PacketKind, vlan: Option<VlanId>, bytes: &[u8]) -> Self {
        let mut seen = Self { at, kind, vlan, bytes: bytes.to_vec() };
        if seen.vlan.is_none()
            && seen.ethertype() == Some(ETHERTYPE_VLAN)
            && let Some(control) = number(&seen.bytes, 14)
        {
            seen.vlan = VlanId::new(control & 0x0fff).ok();
            seen.bytes.drain(12..16);
        }
        seen
    }

    pub fn destination(&self) -> Option<MacAddr> {
        mac(&self.bytes, 0)
    }

    pub fn source(&self) -> Option<MacAddr> {
        mac(&self.bytes, 6)
    }

    pub fn ethertype(&self) -> Option<u16> {
        number(&self.bytes, 12)
    }

    pub fn ipv4(&self) -> Option<Ipv4<'_>> {
        if self.ethertype() != Some(ETHERTYPE_IPV4) {
            return None;
        }
        let packet = self.bytes.get(14..)?;
        let header = usize::from(packet.first()? & 0x0f) * 4;
        Some(Ipv4 {
            source: address(packet, 12)?,
            destination: address(packet, 16)?,
            protocol: *packet.get(9)?,
            payload: packet.get(header..)?,
        })
    }

    pub fn arp(&self) -> Option<Arp> {
        if self.ethertype() != Some(ETHERTYPE_ARP) {
            return None;
        }
        let packet = self.bytes.get(14..)?;
        Some(Arp {
            is_reply: number(packet, 6)? == 2,
            sender_mac: mac(packet, 8)?,
            sender: address(packet, 14)?,
            target: address(packet, 24)?,
        })
    }

    /// An ICMP echo request from one address to another.
    pub fn is_echo_request(&self, source: Ipv4Addr, destination: Ipv4Addr) -> bool {
        self.ipv4().is_some_and(|packet| {
            (packet.source, packet.destination) == (source, destination)
                && packet.protocol == PROTOCOL_ICMP
                && packet.payload.first() == Some(&8)
        })
    }

    /// The ports of a UDP datagram, source and destination.
    pub fn udp_ports(&self) -> Option<(u16, u16)> {
        let packet = self.ipv4().filter(|packet| packet.protocol == PROTOCOL_UDP)?;
        Some((number(packet.payload, 0)?, number(packet.payload, 2)?))
    }
}

/// An ARP request of `mac` for `target`; with sender address zero it is a probe, which tells nobody
/// of an address (RFC 5227, 1.1).
pub fn arp_request(mac: MacAddr, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = MacAddr::BROADCAST.octets().to_vec();
    frame.extend(mac.octets());
    frame.extend(ETHERTYPE_ARP.to_be_bytes());
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac.octets());
    frame.extend(sender.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame.resize(60, 0);
    frame
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.kind == PacketKind::Outgoing { "out" } else { "in " };
        write!(f, "{:>9.3} ms {direction}", self.at.as_secs_f64() * 1000.0)?;
        if let (Some(source), Some(destination)) = (self.source(), self.destination()) {
            write!(f, " {source} > {destination}")?;
        }
        if let Some(vlan) = self.vlan {
            write!(f, " vlan {}", vlan.get())?;
        }
        if let Some(arp) = self.arp() {
            let word = if arp.is_reply { "reply" } else { "request" };
            return write!(f, " ARP {word} {} asks for {}", arp.sender, arp.target);
        }
        let Some(packet) = self.ipv4() else {
            return write!(f, " ethertype {:#06x}", self.ethertype().unwrap_or_default());
        };
        write!(f, " {} > {}", packet.source, packet.destination)?;
        match (packet.protocol, packet.payload.first(), self.udp_ports()) {
            (PROTOCOL_ICMP, Some(8), _) => f.write_str(" ICMP echo request"),
            (PROTOCOL_ICMP, Some(0), _) => f.write_str(" ICMP echo reply"),
            (_, _, Some((source, destination))) => write!(f, " UDP {source} > {destination}"),
            (protocol, _, _) => write!(f, " protocol {protocol}"),
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

fn mac(bytes: &[u8], at: usize) -> Option<MacAddr> {
    bytes.get(at..)?.first_chunk().map(|six| MacAddr::new(*six))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    bytes.get(at..)?.first_chunk::<4>().map(|four| Ipv4Addr::from(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddr = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 1]);

    fn seen(bytes: &[u8]) -> Seen {
        Seen::new(Duration::ZERO, PacketKind::Outgoing, None, bytes)
    }

    #[test]
    fn a_tag_in_the_bytes_is_the_frames_vlan() {
        let plain = arp_request(MAC, Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(10, 0, 1, 1));
        let mut tagged = plain.clone();
        tagged.splice(12..12, [0x81, 0x00, 0x60, 101]);
        assert_eq!(seen(&tagged), Seen { vlan: VlanId::new(101).ok(), ..seen(&plain) });
    }

    #[test]
    fn an_arp_request_reads_as_it_was_written() {
        let frame = arp_request(MAC, Ipv4Addr::new(10, 0, 1, 9), Ipv4Addr::new(10, 0, 1, 1));
        let arp = seen(&frame).arp().unwrap();
        assert_eq!(arp.sender_mac, MAC);
        assert_eq!((arp.sender.octets()[3], arp.target.octets()[3]), (9, 1));
        assert!(!arp.is_reply);
        assert!(seen(&frame).to_string().contains("ARP request 10.0.1.9 asks for 10.0.1.1"));
    }

    #[test]
    fn frames_cut_short_are_shown_all_the_same() {
        let frame = arp_request(MAC, Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST);
        for end in 0..frame.len() {
            assert!(!seen(&frame[..end]).to_string().is_empty());
        }
        let mut ip = frame;
        ip.splice(12..14, [0x08, 0x00]);
        ip[14] = 0x4f;
        for end in 0..ip.len() {
            let _ = (seen(&ip[..end]).to_string(), seen(&ip[..end]).udp_ports());
        }
    }
}
