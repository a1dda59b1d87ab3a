//! What packets a flow is for.

pub(crate) mod codec;
mod parse;
mod show;

use nucleon_net::VlanId;

pub(crate) use self::codec::put_oxm;

use crate::field::{self, Field, FieldValue, Masking, Typed, VlanVid};

/// One field of a match; bits of `value` outside of `mask` are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchField {
    pub field: Field,
    pub value: u128,
    pub mask: u128,
}

/// A field that this crate does not know, as it came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawField {
    header: u32,
    payload: Vec<u8>,
}

impl RawField {
    /// Class, number, whether there is a mask, and length, as in OXM.
    pub const fn header(&self) -> u32 {
        self.header
    }

    /// The value, and the mask after it.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// The fields that a packet must have, each once, in one order: equal matches are equal values.
///
/// Registers in pairs and fours are kept as single registers and the TCI as VLAN and priority,
/// because a readback brings them in other groups than they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    fields: Vec<MatchField>,
    unknown: Vec<RawField>,
}

impl Match {
    pub const fn new() -> Self {
        Self { fields: Vec::new(), unknown: Vec::new() }
    }

    /// Requires `field` to be `value`.
    #[must_use]
    pub fn with<T: FieldValue>(mut self, field: Typed<T>, value: T) -> Self {
        self.insert(field.field, value.to_bits(), field.field.full());
        self
    }

    /// Requires the bits of `field` that are set in `mask` to be those of `value`.
    #[must_use]
    pub fn with_masked<T: FieldValue>(mut self, field: Typed<T>, value: T, mask: T) -> Self {
        self.insert(field.field, value.to_bits(), mask.to_bits());
        self
    }

    /// Takes over one field of another match.
    #[must_use]
    pub fn including(mut self, found: MatchField) -> Self {
        self.insert(found.field, found.value, found.mask);
        self
    }

    /// Requires a tag with this VLAN.
    #[must_use]
    pub fn vlan(self, id: VlanId) -> Self {
        self.with(field::VLAN_VID, id.into())
    }

    /// Requires that there is no tag.
    #[must_use]
    pub fn untagged(self) -> Self {
        self.with(field::VLAN_VID, VlanVid::UNTAGGED)
    }

    /// Requires any tag.
    #[must_use]
    pub fn tagged(self) -> Self {
        self.with_masked(field::VLAN_VID, VlanVid::PRESENT, VlanVid::PRESENT)
    }

    /// The known fields, in order.
    pub fn fields(&self) -> &[MatchField] {
        &self.fields
    }

    /// Fields that this crate does not know.
    pub fn unknown(&self) -> &[RawField] {
        &self.unknown
    }

    pub fn get(&self, field: Field) -> Option<MatchField> {
        let at = self.fields.binary_search_by_key(&field, |found| found.field).ok()?;
        self.fields.get(at).copied()
    }

    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.unknown.is_empty()
    }

    /// Sets a field from raw bits, in canonical form. A mask of zero bits takes the field away;
    /// a field that cannot be masked takes the whole value.
    pub(crate) fn insert(&mut self, field: Field, value: u128, mask: u128) {
        let mask = mask & field.full();
        let mask = match field.masking() {
            Masking::Exact if mask != 0 => field.full(),
            _ => mask,
        };
        if let Some((first, count)) = registers(field) {
            for (step, place) in (0..count).zip((0..count).rev()) {
                if let Some(register) = Field::register(first + step) {
                    let part = |bits: u128| bits >> (32 * u32::from(place)) & 0xffff_ffff;
                    if part(mask) != 0 {
                        self.put(register, part(value), part(mask));
                    }
                }
            }
            return;
        }
        if field == Field::VlanTci && matches!(mask >> 13, 0 | 7) {
            self.put(Field::VlanVid, value & 0x1fff, mask & 0x1fff);
            // Without a tag there is no priority to look at.
            let vid_full = Field::VlanVid.full();
            let untagged = mask & vid_full == vid_full && value & vid_full == 0;
            self.put(Field::VlanPcp, value >> 13, if untagged { 0 } else { mask >> 13 });
            return;
        }
        if field == Field::InPort16 {
            let [.., high, low] = value.to_be_bytes();
            let port = crate::Port::from_u16(u16::from_be_bytes([high, low]));
            self.put(Field::InPort, u128::from(port.0), Field::InPort.full());
            return;
        }
        if field == Field::TunFlags {
            // The switch knows one of the flags and forgets the others.
            self.put(field, value, mask & 1);
            return;
        }
        if field == Field::CtState && mask == field.full() && value <= 0xff {
            // The switch has eight states and gives back a mask of eight bits.
            self.put(field, value, 0xff);
            return;
        }
        if field == Field::IpTos {
            self.put(Field::IpDscp, value >> 2 & 0x3f, Field::IpDscp.full());
            return;
        }
        self.put(field, value, mask);
    }

    fn put(&mut self, field: Field, value: u128, mask: u128) {
        let entry = MatchField { field, value: value & mask, mask };
        match (self.fields.binary_search_by_key(&field, |found| found.field), mask) {
            (Ok(at), 0) => {
                self.fields.remove(at);
            }
            (Err(_), 0) => {}
            (Ok(at), _) => {
                if let Some(found) = self.fields.get_mut(at) {
                    *found = entry;
                }
            }
            (Err(at), _) => self.fields.insert(at, entry),
        }
    }

    pub(crate) fn insert_unknown(&mut self, field: RawField) {
        self.unknown.push(field);
        self.unknown.sort();
        self.unknown.dedup();
    }
}

/// The single registers that a wide one consists of: the first and how many.
fn registers(field: Field) -> Option<(u8, u8)> {
    let info = field.info();
    match (info.class, info.number) {
        (0x8001, number) => Some((number * 2, 2)),
        (1, number @ 111..=114) => Some(((number - 111) * 4, 4)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::Port;

    #[test]
    fn the_order_of_insertion_does_not_matter() {
        let one = Match::new()
            .with(field::IN_PORT, Port(2))
            .with(field::ETH_TYPE, 0x800)
            .with(field::IPV4_DST, Ipv4Addr::new(10, 0, 0, 1));
        let other = Match::new()
            .with(field::IPV4_DST, Ipv4Addr::new(10, 0, 0, 1))
            .with(field::ETH_TYPE, 0x800)
            .with(field::IN_PORT, Port(2));
        assert_eq!(one, other);
    }

    #[test]
    fn bits_outside_of_the_mask_do_not_matter() {
        let one = Match::new().with_masked(field::REG6, 0x1ff, 0xff);
        assert_eq!(one, Match::new().with_masked(field::REG6, 0xff, 0xff));
        assert!(Match::new().with_masked(field::REG6, 5, 0).is_empty());
    }

    #[test]
    fn wide_registers_become_single_ones() {
        let wide = Match::new().with_masked(field::XREG1, 0x5_0000_0006, 0xffff_ffff_0000_00ff);
        let single = Match::new().with(field::REG2, 5).with_masked(field::REG3, 6, 0xff);
        assert_eq!(wide, single);
        let widest = Match::new().with(field::XXREG1, 7);
        assert_eq!(widest.get(Field::Reg7).map(|found| found.value), Some(7));
    }

    #[test]
    fn a_tci_is_a_vlan_and_a_priority() {
        assert_eq!(Match::new().with(field::VLAN_TCI, 0), Match::new().untagged());
        assert_eq!(
            Match::new().with_masked(field::VLAN_TCI, 0x1000, 0x1000),
            Match::new().tagged()
        );
    }
}
