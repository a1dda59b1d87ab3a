//! The Internet checksum (RFC 1071).

use std::net::Ipv4Addr;

/// A running one's complement sum of 16-bit words.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum(u64);

impl Sum {
    /// Adds `bytes`, padded with a zero octet to whole words.
    pub(super) fn add(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<2>();
        let whole: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let odd = rest.first().map_or(0, |last| u64::from(*last) << 8);
        Self(self.0 + whole + odd)
    }

    /// The pseudo header of UDP over IPv4 (RFC 768).
    pub(super) fn udp_pseudo_header(source: Ipv4Addr, destination: Ipv4Addr, length: u16) -> Self {
        const UDP: [u8; 2] = [0, 17];
        Self::default()
            .add(&source.octets())
            .add(&destination.octets())
            .add(&UDP)
            .add(&length.to_be_bytes())
    }

    pub(super) fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap_or(u16::MAX)
    }

    /// The value for a checksum field.
    pub(super) fn complement(self) -> u16 {
        !self.folded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        let sum = Sum::default().add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.folded(), 0xddf2);
        assert_eq!(sum.complement(), 0x220d);
    }

    #[test]
    fn an_odd_octet_counts_as_the_high_half_of_a_word() {
        assert_eq!(Sum::default().add(&[0x12]).folded(), 0x1200);
    }
}
