//! From a frame to the datagram in it.

use std::net::{Ipv4Addr, SocketAddrV4};

use nucleon_net::MacAddr;

use super::checksum::Sum;
use super::{Datagram, FrameError, Layer, SERVER_PORT};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_VLAN: u16 = 0x8100;
const PROTOCOL_UDP: u8 = 17;
/// "More fragments" and the fragment offset; "don't fragment" is left out.
const FRAGMENT_MASK: u16 = 0x3fff;

impl<'a> Datagram<'a> {
    /// Reads a frame that carries a datagram to the DHCP server's port.
    pub fn parse(frame: &'a [u8]) -> Result<Self, FrameError> {
        let mut ethernet = Cursor { bytes: frame, layer: Layer::Ethernet };
        let destination_mac = MacAddr::new(ethernet.take()?);
        let source_mac = MacAddr::new(ethernet.take()?);
        let mut ethertype = ethernet.take_u16()?;
        let mut vlan = None;
        if ethertype == ETHERTYPE_VLAN {
            vlan = Some(ethernet.take_u16()?);
            ethertype = ethernet.take_u16()?;
        }
        if ethertype != ETHERTYPE_IPV4 {
            return Err(FrameError::NotIpv4(ethertype));
        }
        let packet = Packet::parse(ethernet.bytes)?;

        let mut udp = Cursor { bytes: packet.payload, layer: Layer::Udp };
        let source_port = udp.take_u16()?;
        let destination_port = udp.take_u16()?;
        let length = udp.take_u16()?;
        let checksum = udp.take_u16()?;
        if destination_port != SERVER_PORT {
            return Err(FrameError::Port(destination_port));
        }
        let segment = exactly(packet.payload, usize::from(length), Layer::Udp)?;
        let payload = segment.get(8..).ok_or(FrameError::Truncated {
            layer: Layer::Udp,
            needed: 8,
            available: segment.len(),
        })?;
        let pseudo = Sum::udp_pseudo_header(packet.source, packet.destination, length);
        // Zero: the sender made none (RFC 768). The sum of the pseudo header alone: the sender left
        // the rest to a network card that a virtual link does not have (Linux, CHECKSUM_PARTIAL).
        let unfinished = checksum == pseudo.folded();
        if checksum != 0 && !unfinished && pseudo.add(segment).complement() != 0 {
            return Err(FrameError::UdpChecksum(checksum));
        }
        Ok(Self {
            source_mac,
            destination_mac,
            vlan,
            source: SocketAddrV4::new(packet.source, source_port),
            destination: SocketAddrV4::new(packet.destination, destination_port),
            payload,
        })
    }
}

/// An unfragmented IPv4 packet with UDP in it.
struct Packet<'a> {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let mut header = Cursor { bytes, layer: Layer::Ipv4 };
        let [version_and_length, _service] = header.take()?;
        if version_and_length >> 4 != 4 {
            return Err(FrameError::Version(version_and_length >> 4));
        }
        let header_length = usize::from(version_and_length & 0x0f) * 4;
        if header_length < 20 {
            return Err(FrameError::HeaderLength(header_length));
        }
        let total_length = usize::from(header.take_u16()?);
        let _identification = header.take_u16()?;
        let fragment = header.take_u16()?;
        let [_time_to_live, protocol] = header.take()?;
        let _checksum = header.take_u16()?;
        let source = Ipv4Addr::from(header.take::<4>()?);
        let destination = Ipv4Addr::from(header.take::<4>()?);

        // Ethernet pads short frames: what follows the packet is not part of it.
        let packet = exactly(bytes, total_length, Layer::Ipv4)?;
        let header_and_options = exactly(packet, header_length, Layer::Ipv4)?;
        if Sum::default().add(header_and_options).complement() != 0 {
            return Err(FrameError::IpChecksum);
        }
        if fragment & FRAGMENT_MASK != 0 {
            return Err(FrameError::Fragment(source));
        }
        if protocol != PROTOCOL_UDP {
            return Err(FrameError::NotUdp(protocol));
        }
        let payload = packet.get(header_length..).unwrap_or_default();
        Ok(Self { source, destination, payload })
    }
}

fn exactly(bytes: &[u8], needed: usize, layer: Layer) -> Result<&[u8], FrameError> {
    let available = bytes.len();
    bytes.get(..needed).ok_or(FrameError::Truncated { layer, needed, available })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    layer: Layer,
}

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(FrameError::Truncated {
            layer: self.layer,
            needed: N,
            available: self.bytes.len(),
        })?;
        self.bytes = tail;
        Ok(*head)
    }

    fn take_u16(&mut self) -> Result<u16, FrameError> {
        self.take().map(u16::from_be_bytes)
    }
}
