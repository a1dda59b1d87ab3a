//! Connection tracking and address translation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, BytesMut};

use super::codec::{decode_list, encode_list, packed_part};
use super::{Action, Subfield};
use crate::wire::{DecodeError, EncodeError, Reader};

/// The zone in which a connection is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    Number(u16),
    /// The zone's number is in a register.
    Register(Subfield),
}

/// Whether a connection is entered into the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Commit {
    #[default]
    No,
    Yes,
    /// Also when the packet goes against the direction of the connection that is known.
    Force,
}

/// The action `ct(…)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conntrack {
    pub commit: Commit,
    pub zone: Zone,
    /// Where the packet goes on with its state known; without it nothing goes on there.
    pub table: Option<u8>,
    /// The port of a helper such as 21 for FTP; 0 for none.
    pub helper: u16,
    /// Translation, and fields of the connection to set on commit.
    pub actions: Vec<Action>,
}

impl Default for Conntrack {
    fn default() -> Self {
        Self {
            commit: Commit::No,
            zone: Zone::Number(0),
            table: None,
            helper: 0,
            actions: Vec::new(),
        }
    }
}

impl Conntrack {
    const COMMIT: u16 = 1;
    const FORCE: u16 = 2;

    /// Writes what follows the subtype.
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(match self.commit {
            Commit::No => 0,
            Commit::Yes => Self::COMMIT,
            Commit::Force => Self::COMMIT | Self::FORCE,
        });
        match self.zone {
            Zone::Number(number) => {
                out.put_u32(0);
                out.put_u16(number);
            }
            Zone::Register(part) => {
                out.put_u32(part.field.header(false));
                out.put_u16(part.packed());
            }
        }
        out.put_u8(self.table.unwrap_or(0xff));
        out.put_bytes(0, 3);
        out.put_u16(self.helper);
        encode_list(&self.actions, out)
    }

    /// Reads what follows the subtype; nothing if it says something unknown here.
    pub(super) fn decode(body: &mut Reader<'_>, depth: usize) -> Result<Option<Self>, DecodeError> {
        let commit = match body.u16()? {
            0 => Commit::No,
            Self::COMMIT => Commit::Yes,
            flags if flags == Self::COMMIT | Self::FORCE => Commit::Force,
            _ => return Ok(None),
        };
        let (header, number) = (body.u32()?, body.u16()?);
        let zone = match (header, packed_part(header, number)) {
            (0, _) => Zone::Number(number),
            (_, Some(part)) => Zone::Register(part),
            (_, None) => return Ok(None),
        };
        let table = Some(body.u8()?).filter(|table| *table != 0xff);
        body.skip(3)?;
        let helper = body.u16()?;
        let actions = decode_list(body, depth)?;
        Ok(Some(Self { commit, zone, table, helper, actions }))
    }
}

/// Which address of a connection is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NatTarget {
    Source,
    Destination,
}

/// The addresses and ports to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NatRange {
    pub target: NatTarget,
    pub addresses: Option<(IpAddr, Option<IpAddr>)>,
    pub ports: Option<(u16, Option<u16>)>,
    pub flags: NatFlags,
}

/// How a choice is made; the numbers are those of the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NatFlags(pub(super) u16);

impl NatFlags {
    pub const NONE: Self = Self(0);
    pub const PERSISTENT: Self = Self(4);
    pub const HASH: Self = Self(8);
    pub const RANDOM: Self = Self(16);

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The action `nat` inside of `ct(…)`: a new translation, or what the connection has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nat {
    Existing,
    New(NatRange),
}

/// NX_NAT_RANGE_*.
mod present {
    pub(super) const IPV4_MIN: u16 = 1;
    pub(super) const IPV4_MAX: u16 = 2;
    pub(super) const IPV6_MIN: u16 = 4;
    pub(super) const IPV6_MAX: u16 = 8;
    pub(super) const IPV4: u16 = IPV4_MIN | IPV4_MAX;
    pub(super) const IPV6: u16 = IPV6_MIN | IPV6_MAX;
    pub(super) const PORT_MIN: u16 = 16;
    pub(super) const PORT_MAX: u16 = 32;
}

impl Nat {
    const SOURCE: u16 = 1;
    const DESTINATION: u16 = 2;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(0);
        let Self::New(range) = self else {
            out.put_u32(0);
            return;
        };
        let direction = match range.target {
            NatTarget::Source => Self::SOURCE,
            NatTarget::Destination => Self::DESTINATION,
        };
        out.put_u16(direction | range.flags.0);
        let (first, last) = range.addresses.map_or((None, None), |(a, b)| (Some(a), b));
        let (low, high) = range.ports.map_or((None, None), |(a, b)| (Some(a), b));
        let address = |address: Option<IpAddr>, v4, v6| match address {
            None => 0,
            Some(IpAddr::V4(_)) => v4,
            Some(IpAddr::V6(_)) => v6,
        };
        out.put_u16(
            address(first, present::IPV4_MIN, present::IPV6_MIN)
                | address(last, present::IPV4_MAX, present::IPV6_MAX)
                | low.map_or(0, |_| present::PORT_MIN)
                | high.map_or(0, |_| present::PORT_MAX),
        );
        for address in [first, last].into_iter().flatten() {
            match address {
                IpAddr::V4(address) => out.put_slice(&address.octets()),
                IpAddr::V6(address) => out.put_slice(&address.octets()),
            }
        }
        for port in [low, high].into_iter().flatten() {
            out.put_u16(port);
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        body.skip(2)?;
        let (flags, given) = (body.u16()?, body.u16()?);
        let target = match flags & 3 {
            0 if flags == 0 && given == 0 => return Ok(Some(Self::Existing)),
            Self::SOURCE => NatTarget::Source,
            Self::DESTINATION => NatTarget::Destination,
            _ => return Ok(None),
        };
        let has = |bit: u16| given & bit != 0;
        let orphan = |low: u16, high: u16| has(high) && !has(low);
        let both_families = given & present::IPV4 != 0 && given & present::IPV6 != 0;
        if flags > 31
            || given > 63
            || both_families
            || orphan(present::IPV4_MIN, present::IPV4_MAX)
            || orphan(present::IPV6_MIN, present::IPV6_MAX)
            || orphan(present::PORT_MIN, present::PORT_MAX)
        {
            return Ok(None);
        }
        let mut addresses = None;
        if has(present::IPV4_MIN) {
            let first = Ipv4Addr::from(body.array::<4>()?).into();
            let last = if has(present::IPV4_MAX) {
                Some(Ipv4Addr::from(body.array::<4>()?).into())
            } else {
                None
            };
            addresses = Some((first, last));
        }
        if has(present::IPV6_MIN) {
            let first = Ipv6Addr::from(body.array::<16>()?).into();
            let last = if has(present::IPV6_MAX) {
                Some(Ipv6Addr::from(body.array::<16>()?).into())
            } else {
                None
            };
            addresses = Some((first, last));
        }
        let mut ports = None;
        if has(present::PORT_MIN) {
            let low = body.u16()?;
            ports = Some((low, if has(present::PORT_MAX) { Some(body.u16()?) } else { None }));
        }
        let flags = NatFlags(flags & !3);
        Ok(Some(Self::New(NatRange { target, addresses, ports, flags })))
    }
}
