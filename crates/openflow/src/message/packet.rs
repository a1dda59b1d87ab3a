//! Packets to and from the controller.

use bytes::{BufMut, Bytes, BytesMut};

use super::flow::NO_BUFFER;
use crate::action::Action;
use crate::action::codec::{decode_list, encode_list};
use crate::action::controller::PacketReason;
use crate::field::{self, Field};
use crate::matches::Match;
use crate::port::Port;
use crate::wire::{DecodeError, EncodeError, Reader, patch_length, put_padding};

/// A packet that a flow sent to the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketIn {
    pub reason: PacketReason,
    pub table: u8,
    pub cookie: u64,
    /// Where the packet came in, and the registers and other metadata it had.
    pub metadata: Match,
    pub userdata: Bytes,
    /// Length of the whole packet; `data` may be less.
    pub length: u32,
    pub data: Bytes,
}

/// A packet that the controller sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketOut {
    pub in_port: Port,
    pub actions: Vec<Action>,
    pub data: Bytes,
}

/// NXPINT_*, the properties of NXT_PACKET_IN2.
mod property {
    pub(super) const PACKET: u16 = 0;
    pub(super) const FULL_LEN: u16 = 1;
    pub(super) const TABLE_ID: u16 = 3;
    pub(super) const COOKIE: u16 = 4;
    pub(super) const REASON: u16 = 5;
    pub(super) const METADATA: u16 = 6;
    pub(super) const USERDATA: u16 = 7;
}

impl PacketIn {
    pub fn in_port(&self) -> Option<Port> {
        let value = self.metadata.get(Field::InPort)?.value;
        u32::try_from(value).ok().map(Port)
    }

    /// OFPT_PACKET_IN (OpenFlow 1.5.1, 7.4.1).
    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        body.skip(4)?;
        let length = u32::from(body.u16()?);
        let (reason, table, cookie) = (body.u8()?, body.u8()?, body.u64()?);
        let metadata = Match::decode(body)?;
        body.skip(2)?;
        Ok(Self {
            reason: PacketReason::from_number(reason),
            table,
            cookie,
            metadata,
            userdata: Bytes::new(),
            length,
            data: Bytes::copy_from_slice(body.rest()),
        })
    }

    pub(super) fn decode_nicira(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut packet = Self {
            reason: PacketReason::NoMatch,
            table: 0,
            cookie: 0,
            metadata: Match::new(),
            userdata: Bytes::new(),
            length: 0,
            data: Bytes::new(),
        };
        let mut full_length = None;
        while !body.is_empty() {
            let kind = body.u16()?;
            let length = usize::from(body.u16()?);
            let inner = length.checked_sub(4).ok_or_else(|| body.length(length))?;
            let mut value = body.sub("property of a packet", inner)?;
            body.skip_padding(length);
            match kind {
                property::PACKET => packet.data = Bytes::copy_from_slice(value.rest()),
                property::FULL_LEN => full_length = Some(value.u32()?),
                property::TABLE_ID => packet.table = value.u8()?,
                property::COOKIE => {
                    value.skip(4)?;
                    packet.cookie = value.u64()?;
                }
                property::REASON => packet.reason = PacketReason::from_number(value.u8()?),
                property::METADATA => packet.metadata = Match::decode_fields(&mut value)?,
                property::USERDATA => packet.userdata = Bytes::copy_from_slice(value.rest()),
                _ => {}
            }
        }
        packet.length =
            full_length.unwrap_or_else(|| u32::try_from(packet.data.len()).unwrap_or(u32::MAX));
        Ok(packet)
    }

    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_property(out, property::PACKET, &self.data)?;
        if u32::try_from(self.data.len()) != Ok(self.length) {
            put_property(out, property::FULL_LEN, &self.length.to_be_bytes())?;
        }
        put_property(out, property::TABLE_ID, &[self.table])?;
        let mut cookie = [0; 12];
        for (place, byte) in cookie.iter_mut().skip(4).zip(self.cookie.to_be_bytes()) {
            *place = byte;
        }
        put_property(out, property::COOKIE, &cookie)?;
        put_property(out, property::REASON, &[self.reason.number()])?;
        let mut fields = BytesMut::new();
        self.metadata.encode_fields(&mut fields);
        put_property(out, property::METADATA, &fields)?;
        if !self.userdata.is_empty() {
            put_property(out, property::USERDATA, &self.userdata)?;
        }
        Ok(())
    }
}

fn put_property(out: &mut BytesMut, kind: u16, value: &[u8]) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u16(kind);
    out.put_u16(0);
    out.put_slice(value);
    patch_length(out, start, 2, "property of a packet")?;
    put_padding(out, start);
    Ok(())
}

impl PacketOut {
    /// OFPT_PACKET_OUT (OpenFlow 1.5.1, 7.3.6).
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(NO_BUFFER);
        let mut actions = BytesMut::new();
        encode_list(&self.actions, &mut actions)?;
        let length = actions.len();
        let too_long = |_| EncodeError { what: "actions of a packet", length };
        out.put_u16(u16::try_from(length).map_err(too_long)?);
        out.put_u16(0);
        Match::new().with(field::IN_PORT, self.in_port).encode(out)?;
        out.put_slice(&actions);
        out.put_slice(&self.data);
        Ok(())
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        body.skip(4)?;
        let length = usize::from(body.u16()?);
        body.skip(2)?;
        let from = Match::decode(body)?;
        let in_port = from.get(Field::InPort).and_then(|found| u32::try_from(found.value).ok());
        let mut actions = body.sub("actions of a packet", length)?;
        Ok(Self {
            in_port: in_port.map_or(Port::ANY, Port),
            actions: decode_list(&mut actions, 0)?,
            data: Bytes::copy_from_slice(body.rest()),
        })
    }
}
