//! Values of fields: their types and their text.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use nucleon_net::{MacAddr, VlanId};

use super::{Field, Format};
use crate::port::Port;
use crate::text::{self, ParseError};

/// What may be the value of a field.
pub trait FieldValue: Copy {
    fn to_bits(self) -> u128;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl FieldValue for $type {
            fn to_bits(self) -> u128 {
                u128::from(self)
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128);

impl FieldValue for Port {
    fn to_bits(self) -> u128 {
        u128::from(self.0)
    }
}

impl FieldValue for Ipv4Addr {
    fn to_bits(self) -> u128 {
        u128::from(Self::to_bits(self))
    }
}

impl FieldValue for Ipv6Addr {
    fn to_bits(self) -> u128 {
        Self::to_bits(self)
    }
}

impl FieldValue for MacAddr {
    fn to_bits(self) -> u128 {
        self.octets().iter().fold(0, |bits, octet| (bits << 8) | u128::from(*octet))
    }
}

/// A number of `BITS` bits, for fields narrower than an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uint<const BITS: u32>(u32);

impl<const BITS: u32> Uint<BITS> {
    pub const fn new(value: u32) -> Option<Self> {
        if value >> BITS == 0 { Some(Self(value)) } else { None }
    }

    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const BITS: u32> FieldValue for Uint<BITS> {
    fn to_bits(self) -> u128 {
        u128::from(self.0)
    }
}

/// The VLAN of a packet with OpenFlow's 13th bit, which says that there is a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanVid(u16);

impl VlanVid {
    /// No tag at all.
    pub const UNTAGGED: Self = Self(0);
    /// The bit that is set in every tagged packet, by itself a mask or a value under it.
    pub const PRESENT: Self = Self(0x1000);
    /// A tag with VLAN 0, which carries a priority only.
    pub const PRIORITY_TAG: Self = Self(0x1000);
}

impl From<VlanId> for VlanVid {
    fn from(id: VlanId) -> Self {
        Self(Self::PRESENT.0 | id.get())
    }
}

impl FieldValue for VlanVid {
    fn to_bits(self) -> u128 {
        u128::from(self.0)
    }
}

const CT_STATE: &[&str] = &["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];
const TCP_FLAGS: &[&str] = &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"];
const TUNNEL_FLAGS: &[&str] = &["oam"];
const FRAGMENTS: [(&str, u128, u128); 5] =
    [("no", 0, 3), ("yes", 1, 1), ("first", 1, 3), ("later", 3, 3), ("not_later", 0, 2)];

impl Format {
    const fn flags(self) -> Option<&'static [&'static str]> {
        match self {
            Self::CtState => Some(CT_STATE),
            Self::TcpFlags => Some(TCP_FLAGS),
            Self::TunnelFlags => Some(TUNNEL_FLAGS),
            _ => None,
        }
    }
}

/// `value/mask` of `field` in the way of `ovs-ofctl`.
pub(crate) struct Shown {
    pub(crate) field: Field,
    pub(crate) value: u128,
    pub(crate) mask: u128,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, mask } = *self;
        let exact = mask == field.full();
        let format = field.info().format;
        match format {
            Format::Decimal if exact => write!(f, "{value}"),
            Format::Decimal => write!(f, "{value:#x}/{mask:#x}"),
            Format::Hexadecimal => {
                hexadecimal(f, value)?;
                masked(f, exact, |f| hexadecimal(f, mask))
            }
            Format::Label => {
                write!(f, "{value:#07x}")?;
                masked(f, exact, |f| write!(f, "{mask:#07x}"))
            }
            Format::Port if field.bits() == 16 => match u16::try_from(value) {
                Ok(number) => write!(f, "{}", Port::from_u16(number)),
                Err(_) => write!(f, "{value}"),
            },
            Format::Port => write!(f, "{}", Port(low32(value))),
            Format::Mac => {
                write!(f, "{}", mac(value))?;
                masked(f, exact, |f| write!(f, "{}", mac(mask)))
            }
            Format::Ipv4 => {
                write!(f, "{}", Ipv4Addr::from_bits(low32(value)))?;
                masked(f, exact, |f| match prefix(field, mask) {
                    Some(length) => write!(f, "{length}"),
                    None => write!(f, "{}", Ipv4Addr::from_bits(low32(mask))),
                })
            }
            Format::Ipv6 => {
                write!(f, "{}", Ipv6Addr::from_bits(value))?;
                masked(f, exact, |f| match prefix(field, mask) {
                    Some(length) => write!(f, "{length}"),
                    None => write!(f, "{}", Ipv6Addr::from_bits(mask)),
                })
            }
            Format::Fragment => {
                match FRAGMENTS.iter().find(|(_, v, m)| (*v, *m) == (value, mask)) {
                    Some((name, ..)) => f.write_str(name),
                    None => write!(f, "{value:#x}/{mask:#x}"),
                }
            }
            Format::CtState | Format::TcpFlags | Format::TunnelFlags => {
                let exact = exact || format == Format::CtState && mask == 0xff;
                flags(f, format.flags().unwrap_or_default(), value, mask, exact)
            }
        }
    }
}

/// `+trk-new` where bits are open, `est|trk` where all are given.
fn flags(
    f: &mut fmt::Formatter<'_>,
    names: &[&str],
    value: u128,
    mask: u128,
    exact: bool,
) -> fmt::Result {
    let known = (1 << names.len()) - 1;
    if (exact && value & !known != 0) || (!exact && mask & !known != 0) {
        return if exact { write!(f, "{value:#x}") } else { write!(f, "{value:#x}/{mask:#x}") };
    }
    if exact && value == 0 {
        return f.write_str("0");
    }
    let mut separator = "";
    for (bit, name) in names.iter().enumerate() {
        let (set, given) = (value >> bit & 1 == 1, mask >> bit & 1 == 1);
        match (exact, set, given) {
            (true, true, _) => {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
            (false, true, true) => write!(f, "+{name}")?,
            (false, false, true) => write!(f, "-{name}")?,
            _ => {}
        }
    }
    Ok(())
}

/// C's `%#x`: zero has no prefix.
fn hexadecimal(f: &mut fmt::Formatter<'_>, value: u128) -> fmt::Result {
    if value == 0 { f.write_str("0") } else { write!(f, "{value:#x}") }
}

fn masked(
    f: &mut fmt::Formatter<'_>,
    exact: bool,
    mask: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if exact {
        return Ok(());
    }
    f.write_str("/")?;
    mask(f)
}

const fn low32(bits: u128) -> u32 {
    let [.., a, b, c, d] = bits.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

fn mac(bits: u128) -> MacAddr {
    let mut octets = [0; 6];
    octets.copy_from_slice(&bits.to_be_bytes()[10..]);
    MacAddr::new(octets)
}

/// The length of the prefix that `mask` is, if it is one.
fn prefix(field: Field, mask: u128) -> Option<u32> {
    let length = mask.count_ones();
    (prefix_mask(field, length) == Some(mask)).then_some(length)
}

fn prefix_mask(field: Field, length: u32) -> Option<u128> {
    let open = u32::from(field.bits()).checked_sub(length)?;
    Some(field.full() & u128::MAX.checked_shl(open).unwrap_or(0))
}

/// Reads what [`Shown`] writes, and the other forms that people write.
pub(crate) fn parse(field: Field, text: &str) -> Result<(u128, u128), ParseError> {
    let invalid = || ParseError::new(field.info().assigned, text);
    let format = field.info().format;
    if let Some(names) = format.flags()
        && !text.starts_with(|c: char| c.is_ascii_digit())
    {
        return parse_flags(field, names, text).ok_or_else(invalid);
    }
    if format == Format::Fragment
        && let Some((_, value, mask)) = FRAGMENTS.iter().find(|(name, ..)| *name == text)
    {
        return Ok((*value, *mask));
    }
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (text, None),
    };
    let bits = |text: &str| -> Result<u128, ParseError> {
        match format {
            Format::Mac => text.parse().map(|mac: MacAddr| mac.to_bits()).map_err(|_| invalid()),
            Format::Ipv4 => text::ipv4(text).map(|address| u128::from(address.to_bits())),
            Format::Ipv6 => text::ipv6(text).map(Ipv6Addr::to_bits),
            Format::Port if field.bits() == 16 => {
                text.parse().map(|port: Port| u128::from(port.to_u16()))
            }
            Format::Port => text.parse().map(|port: Port| u128::from(port.0)),
            _ => text::number(field.info().assigned, text),
        }
    };
    let value = bits(value)?;
    let mask = match mask {
        None => field.full(),
        Some(mask) if matches!(format, Format::Ipv4 | Format::Ipv6) => match mask.parse() {
            Ok(length) => prefix_mask(field, length).ok_or_else(invalid)?,
            Err(_) => bits(mask)?,
        },
        Some(mask) => bits(mask)?,
    };
    if (value | mask) & !field.full() != 0 { Err(invalid()) } else { Ok((value & mask, mask)) }
}

fn parse_flags(field: Field, names: &[&str], text: &str) -> Option<(u128, u128)> {
    let bit = |name: &str| names.iter().position(|known| *known == name).map(|at| 1_u128 << at);
    if !text.starts_with(['+', '-']) {
        let value = text.split('|').try_fold(0, |value, name| Some(value | bit(name)?))?;
        return Some((value, field.full()));
    }
    let (mut value, mut mask, mut rest) = (0, 0, text);
    while let Some(sign) = rest.chars().next() {
        let tail = rest.get(1..)?;
        let end = tail.find(['+', '-']).unwrap_or(tail.len());
        let flag = bit(tail.get(..end)?)?;
        mask |= flag;
        if sign == '+' {
            value |= flag;
        }
        rest = tail.get(end..)?;
    }
    Some((value, mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(field: Field, text: &str, value: u128, mask: u128) {
        assert_eq!(parse(field, text), Ok((value, mask)));
        assert_eq!(Shown { field, value, mask }.to_string(), text);
    }

    #[test]
    fn values_read_as_they_are_written() {
        both_ways(Field::TcpDst, "80", 80, 0xffff);
        both_ways(Field::TcpDst, "0x50/0xfff0", 0x50, 0xfff0);
        both_ways(Field::Reg5, "0x3", 3, 0xffff_ffff);
        both_ways(Field::Reg5, "0", 0, 0xffff_ffff);
        both_ways(Field::Ipv4Src, "10.0.0.0/8", 0x0a00_0000, 0xff00_0000);
        both_ways(Field::Ipv4Src, "10.0.0.1/255.0.0.255", 0x0a00_0001, 0xff00_00ff);
        both_ways(Field::Ipv6Src, "2001:db8::/32", 0x2001_0db8 << 96, 0xffff_ffff << 96);
        both_ways(Field::EthDst, "fa:16:3e:00:00:01", 0xfa16_3e00_0001, 0xffff_ffff_ffff);
        both_ways(Field::InPort, "LOCAL", 0xffff_fffe, 0xffff_ffff);
        both_ways(Field::IpFrag, "later", 3, 3);
    }

    #[test]
    fn flags_are_signed_where_bits_are_open() {
        both_ways(Field::CtState, "+est-rel+rpl+trk", 0b10_1010, 0b10_1110);
        both_ways(Field::TcpFlags, "+syn-ack", 2, 0x12);
        both_ways(Field::TcpFlags, "syn|ack", 0x12, 0xfff);
        assert!(parse(Field::CtState, "+bad").is_err());
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        assert!(parse(Field::IpDscp, "64").is_err());
        assert!(parse(Field::TcpDst, "65536").is_err());
        assert!(parse(Field::Ipv4Src, "10.0.0.0/33").is_err());
        assert_eq!(Uint::<6>::new(64), None);
    }
}
