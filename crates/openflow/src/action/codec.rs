//! Actions as bytes: those of OpenFlow 1.5 and Nicira's.

use bytes::{BufMut, BytesMut};

use super::conntrack::{Conntrack, Nat};
use super::controller::{self, Controller};
use super::learn::Learn;
use super::{Action, RawAction, ResubmitTuple, SetField, Subfield};
use crate::field::Field;
use crate::matches::put_oxm;
use crate::port::Port;
use crate::wire::{DecodeError, EncodeError, Reader, patch_length, put_padding};

pub(crate) const NICIRA: u32 = 0x0000_2320;
/// Connection tracking holds actions; Open vSwitch itself nests them one deep.
const MAX_DEPTH: usize = 4;

/// OFPAT_*, OpenFlow 1.5.1, 7.2.6.
mod standard {
    pub(super) const OUTPUT: u16 = 0;
    pub(super) const PUSH_VLAN: u16 = 17;
    pub(super) const POP_VLAN: u16 = 18;
    pub(super) const SET_QUEUE: u16 = 21;
    pub(super) const GROUP: u16 = 22;
    pub(super) const SET_TTL: u16 = 23;
    pub(super) const DEC_TTL: u16 = 24;
    pub(super) const SET_FIELD: u16 = 25;
    pub(super) const COPY_FIELD: u16 = 28;
    pub(super) const METER: u16 = 29;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

/// NXAST_*, the subtypes of Nicira's actions.
mod nicira {
    pub(super) const RESUBMIT: u16 = 1;
    pub(super) const POP_QUEUE: u16 = 5;
    pub(super) const NOTE: u16 = 8;
    pub(super) const RESUBMIT_TABLE: u16 = 14;
    pub(super) const OUTPUT_REG: u16 = 15;
    pub(super) const LEARN: u16 = 16;
    pub(super) const CONTROLLER: u16 = 20;
    pub(super) const CONJUNCTION: u16 = 34;
    pub(super) const CT: u16 = 35;
    pub(super) const NAT: u16 = 36;
    pub(super) const CONTROLLER2: u16 = 37;
    pub(super) const OUTPUT_TRUNC: u16 = 39;
    pub(super) const CT_CLEAR: u16 = 43;
    pub(super) const RESUBMIT_TABLE_CT: u16 = 44;
    pub(super) const LEARN2: u16 = 45;
}

/// What an output to anything but the controller carries as its length.
const OUTPUT_MAX_LEN: u16 = 0;

pub(crate) fn encode_list(actions: &[Action], out: &mut BytesMut) -> Result<(), EncodeError> {
    actions.iter().try_for_each(|action| action.encode(out))
}

pub(crate) fn decode_list(
    reader: &mut Reader<'_>,
    depth: usize,
) -> Result<Vec<Action>, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::Depth(MAX_DEPTH));
    }
    let mut actions = Vec::new();
    while !reader.is_empty() {
        let bytes = reader.rest();
        let (kind, element) = reader.element("action")?;
        let raw = bytes.get(..element.left()).unwrap_or_default();
        let mut body = element;
        body.skip(4)?;
        let known = match kind {
            standard::EXPERIMENTER => decode_experimenter(body, depth)?,
            _ => decode_standard(kind, body)?,
        };
        actions.push(known.unwrap_or_else(|| Action::Unknown(RawAction(raw.to_vec()))));
    }
    Ok(actions)
}

fn decode_standard(kind: u16, mut body: Reader<'_>) -> Result<Option<Action>, DecodeError> {
    Ok(Some(match kind {
        standard::OUTPUT => {
            let (port, max_len) = (Port(body.u32()?), body.u16()?);
            if port == Port::CONTROLLER {
                Action::Controller(Controller { max_len, ..Controller::default() })
            } else {
                Action::Output(port)
            }
        }
        standard::PUSH_VLAN => Action::PushVlan(body.u16()?),
        standard::POP_VLAN => Action::PopVlan,
        standard::SET_QUEUE => Action::SetQueue(body.u32()?),
        standard::GROUP => Action::Group(body.u32()?),
        standard::METER => Action::Meter(body.u32()?),
        standard::SET_TTL => Action::SetTtl(body.u8()?),
        standard::DEC_TTL => Action::DecTtl,
        standard::SET_FIELD => return decode_set_field(body),
        standard::COPY_FIELD => {
            let bits = body.u16()?;
            let (source_offset, target_offset) = (body.u16()?, body.u16()?);
            body.skip(2)?;
            let source = part(body.u32()?, source_offset, bits);
            let target = part(body.u32()?, target_offset, bits);
            match (source, target) {
                (Some(source), Some(target)) => Action::Move { source, target },
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    }))
}

fn decode_set_field(mut body: Reader<'_>) -> Result<Option<Action>, DecodeError> {
    let Some((field, masked)) = Field::from_header(body.u32()?) else { return Ok(None) };
    let value = body.bits(field.bytes())?;
    let mask = if masked { body.bits(field.bytes())? } else { field.full() };
    if (value | mask) & !field.full() != 0 || value & !mask != 0 {
        return Ok(None);
    }
    Ok(Some(Action::SetField(SetField { field, value, mask })))
}

fn decode_experimenter(mut body: Reader<'_>, depth: usize) -> Result<Option<Action>, DecodeError> {
    if body.u32()? != NICIRA {
        return Ok(None);
    }
    Ok(Some(match body.u16()? {
        nicira::RESUBMIT => resubmit(body.u16()?, 0xff, ResubmitTuple::Current),
        nicira::RESUBMIT_TABLE => resubmit(body.u16()?, body.u8()?, ResubmitTuple::Current),
        nicira::RESUBMIT_TABLE_CT => {
            resubmit(body.u16()?, body.u8()?, ResubmitTuple::ConntrackOriginal)
        }
        nicira::POP_QUEUE => Action::PopQueue,
        nicira::NOTE => Action::Note(body.rest().to_vec()),
        nicira::OUTPUT_REG => {
            let place = body.u16()?;
            let source = packed_part(body.u32()?, place);
            let max_len = body.u16()?;
            match source {
                Some(source) if max_len == 0xffff => Action::OutputRegister(source),
                _ => return Ok(None),
            }
        }
        nicira::OUTPUT_TRUNC => {
            Action::OutputTruncated { port: Port::from_u16(body.u16()?), max_len: body.u32()? }
        }
        nicira::CONJUNCTION => {
            let (clause, clauses, id) = (body.u8()?, body.u8()?, body.u32()?);
            match clause.checked_add(1) {
                Some(clause) => Action::Conjunction { id, clause, clauses },
                None => return Ok(None),
            }
        }
        nicira::CONTROLLER => Action::Controller(controller::decode_old(&mut body)?),
        nicira::CONTROLLER2 => match controller::decode(&mut body)? {
            Some(controller) => Action::Controller(controller),
            None => return Ok(None),
        },
        nicira::CT_CLEAR => Action::ConntrackClear,
        nicira::CT => match Conntrack::decode(&mut body, depth + 1)? {
            Some(conntrack) => Action::Conntrack(Box::new(conntrack)),
            None => return Ok(None),
        },
        nicira::NAT => match Nat::decode(&mut body)? {
            Some(nat) => Action::Nat(nat),
            None => return Ok(None),
        },
        subtype @ (nicira::LEARN | nicira::LEARN2) => {
            match Learn::decode(&mut body, subtype == nicira::LEARN2)? {
                Some(learn) => Action::Learn(Box::new(learn)),
                None => return Ok(None),
            }
        }
        _ => return Ok(None),
    }))
}

fn resubmit(port: u16, table: u8, tuple: ResubmitTuple) -> Action {
    let port = Some(Port::from_u16(port)).filter(|port| *port != Port::IN_PORT);
    Action::Resubmit { port, table: Some(table).filter(|table| *table != 0xff), tuple }
}

pub(super) fn part(header: u32, offset: u16, bits: u16) -> Option<Subfield> {
    match Field::from_header(header)? {
        (field, false) => Subfield::new(field, offset, bits),
        _ => None,
    }
}

/// A part given by offset and width in one number (`ofs_nbits`).
pub(super) fn packed_part(header: u32, place: u16) -> Option<Subfield> {
    part(header, place >> 6, (place & 0x3f) + 1)
}

impl Subfield {
    /// Offset and width in one number; wide enough for parts of up to 64 bits.
    pub(super) const fn packed(self) -> u16 {
        self.offset << 6 | (self.bits - 1) & 0x3f
    }
}

impl Action {
    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        match self {
            Self::Output(Port::CONTROLLER) => Controller::default().encode_output(out),
            Self::Output(port) => {
                header(out, standard::OUTPUT);
                out.put_u32(port.0);
                out.put_u16(OUTPUT_MAX_LEN);
            }
            Self::Controller(controller) if controller.is_plain() => controller.encode_output(out),
            Self::Controller(controller) => {
                nicira(out, nicira::CONTROLLER2);
                controller.encode(out)?;
            }
            Self::OutputRegister(source) => {
                nicira(out, nicira::OUTPUT_REG);
                out.put_u16(source.packed());
                out.put_u32(source.field.header(false));
                out.put_u16(0xffff);
            }
            Self::OutputTruncated { port, max_len } => {
                nicira(out, nicira::OUTPUT_TRUNC);
                out.put_u16(port.to_u16());
                out.put_u32(*max_len);
            }
            Self::SetField(SetField { field, value, mask }) => {
                header(out, standard::SET_FIELD);
                let masked = *mask != field.full();
                put_oxm(out, *field, *value, masked.then_some(*mask));
            }
            Self::Move { source, target } => {
                header(out, standard::COPY_FIELD);
                out.put_u16(source.bits);
                out.put_u16(source.offset);
                out.put_u16(target.offset);
                out.put_u16(0);
                out.put_u32(source.field.header(false));
                out.put_u32(target.field.header(false));
            }
            Self::PushVlan(ethernet) => {
                header(out, standard::PUSH_VLAN);
                out.put_u16(*ethernet);
            }
            Self::PopVlan => header(out, standard::POP_VLAN),
            Self::SetTtl(ttl) => {
                header(out, standard::SET_TTL);
                out.put_u8(*ttl);
            }
            Self::DecTtl => header(out, standard::DEC_TTL),
            Self::Group(group) => {
                header(out, standard::GROUP);
                out.put_u32(*group);
            }
            Self::Meter(meter) => {
                header(out, standard::METER);
                out.put_u32(*meter);
            }
            Self::SetQueue(queue) => {
                header(out, standard::SET_QUEUE);
                out.put_u32(*queue);
            }
            Self::PopQueue => nicira(out, nicira::POP_QUEUE),
            Self::Resubmit { port, table, tuple } => {
                let subtype = match tuple {
                    ResubmitTuple::Current => nicira::RESUBMIT_TABLE,
                    ResubmitTuple::ConntrackOriginal => nicira::RESUBMIT_TABLE_CT,
                };
                nicira(out, subtype);
                out.put_u16(port.unwrap_or(Port::IN_PORT).to_u16());
                out.put_u8(table.unwrap_or(0xff));
            }
            Self::Learn(learn) => {
                let extended = learn.is_extended();
                nicira(out, if extended { nicira::LEARN2 } else { nicira::LEARN });
                learn.encode(out);
            }
            Self::Conntrack(conntrack) => {
                nicira(out, nicira::CT);
                conntrack.encode(out)?;
            }
            Self::ConntrackClear => nicira(out, nicira::CT_CLEAR),
            Self::Nat(nat) => {
                nicira(out, nicira::NAT);
                nat.encode(out);
            }
            Self::Conjunction { id, clause, clauses } => {
                nicira(out, nicira::CONJUNCTION);
                out.put_u8(clause.saturating_sub(1));
                out.put_u8(*clauses);
                out.put_u32(*id);
            }
            Self::Note(bytes) => {
                nicira(out, nicira::NOTE);
                out.put_slice(bytes);
            }
            Self::Unknown(raw) => {
                out.put_slice(&raw.0);
                return Ok(());
            }
        }
        put_padding(out, start);
        patch_length(out, start, 2, "action")
    }
}

pub(super) fn header(out: &mut BytesMut, kind: u16) {
    out.put_u16(kind);
    out.put_u16(0);
}

fn nicira(out: &mut BytesMut, subtype: u16) {
    header(out, standard::EXPERIMENTER);
    out.put_u32(NICIRA);
    out.put_u16(subtype);
}

impl Controller {
    fn encode_output(&self, out: &mut BytesMut) {
        header(out, standard::OUTPUT);
        out.put_u32(Port::CONTROLLER.0);
        out.put_u16(self.max_len);
    }
}
