//! What a flow does with the packets it matches.

use bytes::{BufMut, BytesMut};

use crate::action::codec::{decode_list, encode_list};
use crate::action::{Action, canonical};
use crate::wire::{DecodeError, EncodeError, Reader, patch_length};

/// Bits for the metadata that goes from table to table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteMetadata {
    pub value: u64,
    pub mask: u64,
}

/// An instruction that this crate does not know: its bytes, header and padding included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawInstruction(Vec<u8>);

impl RawInstruction {
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The instructions of a flow; the switch keeps them in this order. None at all drop the packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instructions {
    /// Actions done at once, in order.
    pub apply: Vec<Action>,
    pub clear: ActionSet,
    /// Actions kept for the end of the pipeline.
    pub write: Vec<Action>,
    pub metadata: Option<WriteMetadata>,
    pub goto_table: Option<u8>,
    pub unknown: Vec<RawInstruction>,
}

/// What happens to the actions that earlier tables have kept for the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionSet {
    #[default]
    Keep,
    Clear,
}

/// OFPIT_*, OpenFlow 1.5.1, 7.2.5.
mod kind {
    pub(super) const GOTO_TABLE: u16 = 1;
    pub(super) const WRITE_METADATA: u16 = 2;
    pub(super) const WRITE_ACTIONS: u16 = 3;
    pub(super) const APPLY_ACTIONS: u16 = 4;
    pub(super) const CLEAR_ACTIONS: u16 = 5;
}

impl Instructions {
    /// Only actions that are done at once.
    pub fn apply(actions: impl IntoIterator<Item = Action>) -> Self {
        Self { apply: actions.into_iter().collect(), ..Self::default() }
    }

    pub fn is_drop(&self) -> bool {
        *self == Self::default()
    }

    /// The form in which the switch gives them back.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let metadata = self.metadata.filter(|write| write.mask != 0);
        Self {
            apply: canonical(&self.apply),
            write: canonical(&self.write),
            metadata: metadata
                .map(|write| WriteMetadata { value: write.value & write.mask, ..write }),
            ..self.clone()
        }
    }

    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        if !self.apply.is_empty() {
            put_actions(out, kind::APPLY_ACTIONS, &self.apply)?;
        }
        if self.clear == ActionSet::Clear {
            out.put_u16(kind::CLEAR_ACTIONS);
            out.put_u16(8);
            out.put_u32(0);
        }
        if !self.write.is_empty() {
            put_actions(out, kind::WRITE_ACTIONS, &self.write)?;
        }
        if let Some(WriteMetadata { value, mask }) = self.metadata {
            out.put_u16(kind::WRITE_METADATA);
            out.put_u16(24);
            out.put_u32(0);
            out.put_u64(value);
            out.put_u64(mask);
        }
        if let Some(table) = self.goto_table {
            out.put_u16(kind::GOTO_TABLE);
            out.put_u16(8);
            out.put_u8(table);
            out.put_bytes(0, 3);
        }
        for raw in &self.unknown {
            out.put_slice(&raw.0);
        }
        Ok(())
    }

    /// Reads all that is left.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        while !reader.is_empty() {
            let bytes = reader.rest();
            let (kind, mut body) = reader.element("instruction")?;
            let raw = bytes.get(..body.left()).unwrap_or_default();
            body.skip(4)?;
            match kind {
                kind::GOTO_TABLE => found.goto_table = Some(body.u8()?),
                kind::WRITE_METADATA => {
                    body.skip(4)?;
                    found.metadata = Some(WriteMetadata { value: body.u64()?, mask: body.u64()? });
                }
                kind::WRITE_ACTIONS => {
                    body.skip(4)?;
                    found.write = decode_list(&mut body, 0)?;
                }
                kind::APPLY_ACTIONS => {
                    body.skip(4)?;
                    found.apply = decode_list(&mut body, 0)?;
                }
                kind::CLEAR_ACTIONS => found.clear = ActionSet::Clear,
                _ => found.unknown.push(RawInstruction(raw.to_vec())),
            }
        }
        Ok(found)
    }
}

fn put_actions(out: &mut BytesMut, kind: u16, actions: &[Action]) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u16(kind);
    out.put_u16(0);
    out.put_u32(0);
    encode_list(actions, out)?;
    patch_length(out, start, 2, "instruction")
}
