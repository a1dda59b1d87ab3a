//! What happens to a packet.

pub(crate) mod codec;
pub(crate) mod conntrack;
pub(crate) mod controller;
pub(crate) mod learn;
mod parse;
mod show;

use crate::field::{Field, FieldValue, Typed};
use crate::port::Port;

use self::conntrack::{Conntrack, Nat};
use self::controller::Controller;
use self::learn::Learn;

/// A part of a field, `NXM_NX_REG6[0..15]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subfield {
    pub field: Field,
    pub offset: u16,
    pub bits: u16,
}

impl Subfield {
    /// The whole of `field`.
    pub const fn whole(field: Field) -> Self {
        Self { field, offset: 0, bits: field.bits() }
    }

    /// `bits` bits of `field` from `offset` upwards, if it has so many.
    pub const fn new(field: Field, offset: u16, bits: u16) -> Option<Self> {
        let fits = bits > 0 && bits <= field.bits() && offset <= field.bits() - bits;
        if fits { Some(Self { field, offset, bits }) } else { None }
    }
}

/// A value for a field, or for the bits of it that `mask` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetField {
    pub field: Field,
    pub value: u128,
    pub mask: u128,
}

/// An action that this crate does not know: its bytes, header and padding included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawAction(Vec<u8>);

impl RawAction {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// One action, in the form in which Open vSwitch gives it back.
///
/// A list without actions drops the packet. `load` is [`Action::SetField`] with a mask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Output(Port),
    /// Output to the port whose number is in a register.
    OutputRegister(Subfield),
    /// Output of at most so many bytes of the packet.
    OutputTruncated {
        port: Port,
        max_len: u32,
    },
    Controller(Controller),
    SetField(SetField),
    Move {
        source: Subfield,
        target: Subfield,
    },
    /// Push a tag with this Ethernet type.
    PushVlan(u16),
    PopVlan,
    DecTtl,
    SetTtl(u8),
    Group(u32),
    Meter(u32),
    SetQueue(u32),
    PopQueue,
    /// Look on in `table` (this one if none), as if the packet had come in by `port`.
    Resubmit {
        port: Option<Port>,
        table: Option<u8>,
        tuple: ResubmitTuple,
    },
    Learn(Box<Learn>),
    Conntrack(Box<Conntrack>),
    ConntrackClear,
    /// Only inside of [`Action::Conntrack`].
    Nat(Nat),
    /// `clause` counts from 1.
    Conjunction {
        id: u32,
        clause: u8,
        clauses: u8,
    },
    /// Bytes without effect; the switch fills them up with zeros to 6, 14, 22…
    Note(Vec<u8>),
    Unknown(RawAction),
}

/// Which addresses a resubmitted packet is looked up with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResubmitTuple {
    #[default]
    Current,
    /// Those of the connection's original direction.
    ConntrackOriginal,
}

impl Action {
    /// Sets the whole of `field`.
    pub fn set<T: FieldValue>(field: Typed<T>, value: T) -> Self {
        let mask = field.field.full();
        Self::SetField(SetField { field: field.field, value: value.to_bits() & mask, mask })
    }

    /// Sets the bits of `field` that are set in `mask`.
    pub fn set_masked<T: FieldValue>(field: Typed<T>, value: T, mask: T) -> Self {
        let mask = mask.to_bits() & field.field.full();
        Self::SetField(SetField { field: field.field, value: value.to_bits() & mask, mask })
    }

    /// Sets a part of a field: `load:value->target`; bits that do not fit are cut off.
    pub fn load(value: u128, target: Subfield) -> Self {
        let mask = (u128::MAX >> (128 - u32::from(target.bits.clamp(1, 128)))) << target.offset;
        let value = value << target.offset & mask;
        Self::SetField(SetField { field: target.field, value, mask })
    }

    /// Look on in `table`.
    pub const fn resubmit(table: u8) -> Self {
        Self::Resubmit { port: None, table: Some(table), tuple: ResubmitTuple::Current }
    }

    /// Moves all bits of one field to another.
    pub const fn copy(source: Field, target: Field) -> Self {
        Self::Move { source: Subfield::whole(source), target: Subfield::whole(target) }
    }
}

/// A list of actions as the switch keeps it: what comes back equals what this returns.
pub(crate) fn canonical(actions: &[Action]) -> Vec<Action> {
    actions
        .iter()
        .map(|action| match action {
            Action::Note(bytes) => {
                let mut bytes = bytes.clone();
                bytes.resize(bytes.len().max(1).saturating_add(2).next_multiple_of(8) - 2, 0);
                Action::Note(bytes)
            }
            Action::Output(Port::CONTROLLER) => Action::Controller(Controller::default()),
            Action::SetField(set) => {
                let mask = set.mask & set.field.full();
                Action::SetField(SetField { value: set.value & mask, mask, ..*set })
            }
            Action::Conntrack(ct) => {
                let mut ct = ct.clone();
                ct.actions = canonical(&ct.actions);
                Action::Conntrack(ct)
            }
            other => other.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field;

    #[test]
    fn a_part_of_a_field_lies_inside_of_it() {
        assert!(Subfield::new(Field::Reg6, 0, 16).is_some());
        assert!(Subfield::new(Field::Reg6, 17, 16).is_none());
        assert!(Subfield::new(Field::Reg6, u16::MAX, 16).is_none());
        assert!(Subfield::new(Field::Reg6, 0, 0).is_none());
    }

    #[test]
    fn a_load_is_a_masked_set() {
        let part = Subfield::new(Field::Reg5, 0, 8).unwrap();
        assert_eq!(Action::load(3, part), Action::set_masked(field::REG5, 3, 0xff));
        let upper = Subfield::new(Field::Reg5, 8, 8).unwrap();
        assert_eq!(Action::load(3, upper), Action::set_masked(field::REG5, 0x300, 0xff00));
    }

    #[test]
    fn notes_are_as_long_as_the_switch_makes_them() {
        let lengths = |length: usize| match canonical(&[Action::Note(vec![1; length])]).as_slice() {
            [Action::Note(bytes)] => bytes.len(),
            _ => 0,
        };
        assert_eq!([0, 3, 6, 7, 14].map(lengths), [6, 6, 6, 14, 14]);
    }
}
