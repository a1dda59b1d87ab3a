//! From a datagram to the frame around it.

use super::checksum::Sum;
use super::{Datagram, FrameError};

const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
/// Ethernet's shortest frame without the check sequence (IEEE 802.3, 4A.4.2).
const SHORTEST_FRAME: usize = 60;

impl Datagram<'_> {
    /// The whole frame, checksums filled in.
    pub fn to_frame(&self) -> Result<Vec<u8>, FrameError> {
        let too_long = || FrameError::TooLong(self.payload.len());
        let udp_length = u16::try_from(UDP_HEADER + self.payload.len()).map_err(|_| too_long())?;
        let total_length =
            u16::try_from(IPV4_HEADER + UDP_HEADER + self.payload.len()).map_err(|_| too_long())?;

        let mut frame = Vec::with_capacity(18 + usize::from(total_length));
        frame.extend_from_slice(&self.destination_mac.octets());
        frame.extend_from_slice(&self.source_mac.octets());
        if let Some(tag) = self.vlan {
            frame.extend_from_slice(&[0x81, 0x00]);
            frame.extend_from_slice(&tag.to_be_bytes());
        }
        frame.extend_from_slice(&[0x08, 0x00]);
        frame.extend_from_slice(&self.ipv4_header(total_length));
        frame.extend_from_slice(&self.udp_header(udp_length));
        frame.extend_from_slice(self.payload);
        if frame.len() < SHORTEST_FRAME {
            frame.resize(SHORTEST_FRAME, 0);
        }
        Ok(frame)
    }

    /// No options, not to be fragmented, hence no identification needed (RFC 6864, section 4.1).
    fn ipv4_header(&self, total_length: u16) -> [u8; IPV4_HEADER] {
        let [length_high, length_low] = total_length.to_be_bytes();
        let [s0, s1, s2, s3] = self.source.ip().octets();
        let [d0, d1, d2, d3] = self.destination.ip().octets();
        let with_checksum = |[high, low]: [u8; 2]| {
            [
                0x45,
                0,
                length_high,
                length_low,
                0,
                0,
                0x40,
                0,
                64,
                17,
                high,
                low,
                s0,
                s1,
                s2,
                s3,
                d0,
                d1,
                d2,
                d3,
            ]
        };
        let checksum = Sum::default().add(&with_checksum([0, 0])).complement();
        with_checksum(checksum.to_be_bytes())
    }

    fn udp_header(&self, length: u16) -> [u8; UDP_HEADER] {
        let [s0, s1] = self.source.port().to_be_bytes();
        let [d0, d1] = self.destination.port().to_be_bytes();
        let [l0, l1] = length.to_be_bytes();
        let checksum = Sum::udp_pseudo_header(*self.source.ip(), *self.destination.ip(), length)
            .add(&[s0, s1, d0, d1, l0, l1])
            .add(self.payload)
            .complement();
        // A computed zero is sent as all ones: zero means "no checksum" (RFC 768).
        let [c0, c1] = if checksum == 0 { [0xff, 0xff] } else { checksum.to_be_bytes() };
        [s0, s1, d0, d1, l0, l1, c0, c1]
    }
}
