//! Bundles: many changes that become one (OpenFlow 1.5.1, 7.3.9).

use bytes::{BufMut, BytesMut};

use super::Message;
use crate::wire::{DecodeError, EncodeError, Reader};

/// OFPBF_*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BundleFlags(pub u16);

impl BundleFlags {
    pub const ATOMIC: Self = Self(1);
    pub const ORDERED: Self = Self(2);
    pub const ATOMIC_ORDERED: Self = Self(3);
}

/// OFPBCT_*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum BundleStep {
    OpenRequest = 0,
    OpenReply = 1,
    CloseRequest = 2,
    CloseReply = 3,
    CommitRequest = 4,
    CommitReply = 5,
    DiscardRequest = 6,
    DiscardReply = 7,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundleControl {
    pub id: u32,
    pub step: BundleStep,
    pub flags: BundleFlags,
}

/// A message that waits in a bundle; it has the transaction id of the message around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleAdd {
    pub id: u32,
    pub flags: BundleFlags,
    pub message: Box<Message>,
}

impl BundleControl {
    pub(super) fn encode(self, out: &mut BytesMut) {
        out.put_u32(self.id);
        out.put_u16(self.step as u16);
        out.put_u16(self.flags.0);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let id = body.u32()?;
        let step = match body.u16()? {
            0 => BundleStep::OpenRequest,
            1 => BundleStep::OpenReply,
            2 => BundleStep::CloseRequest,
            3 => BundleStep::CloseReply,
            4 => BundleStep::CommitRequest,
            5 => BundleStep::CommitReply,
            6 => BundleStep::DiscardRequest,
            7 => BundleStep::DiscardReply,
            _ => return Ok(None),
        };
        Ok(Some(Self { id, step, flags: BundleFlags(body.u16()?) }))
    }
}

pub(super) fn put_header(id: u32, flags: BundleFlags, out: &mut BytesMut) {
    out.put_u32(id);
    out.put_u16(0);
    out.put_u16(flags.0);
}

impl BundleAdd {
    pub(super) fn encode(&self, xid: u32, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_header(self.id, self.flags, out);
        self.message.encode(xid, out)
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = body.u32()?;
        body.skip(2)?;
        let flags = BundleFlags(body.u16()?);
        let frame = body.rest();
        let length = super::frame_length(frame).transpose()?.unwrap_or_default();
        let frame = body.take(length)?;
        // Bundles do not nest, and a chain of them must not exhaust the stack.
        if frame.get(1) == Some(&super::kind::BUNDLE_ADD) {
            return Err(DecodeError::Value { what: "message in a bundle", value: 34 });
        }
        let (_, message) = Message::decode(frame)?;
        Ok(Self { id, flags, message: Box::new(message) })
    }
}
