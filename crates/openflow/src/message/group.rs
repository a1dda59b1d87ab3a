//! Groups (OpenFlow 1.5.1, 7.3.4.4).

use bytes::{BufMut, BytesMut};

use crate::action::Action;
use crate::action::codec::encode_list;
use crate::port::Port;
use crate::wire::{EncodeError, patch_length, put_padding};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum GroupCommand {
    Add = 0,
    Modify = 1,
    Delete = 2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum GroupKind {
    All = 0,
    Select = 1,
    Indirect = 2,
    FastFailover = 3,
}

/// How a group of kind [`GroupKind::Select`] chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// As the switch likes.
    Default,
    /// By a hash of the packet's fields, computed by Open vSwitch.
    Hash,
    /// By the datapath's own hash.
    DatapathHash,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub id: u32,
    pub weight: Option<u16>,
    /// The bucket is alive while this port is.
    pub watch_port: Option<Port>,
    pub actions: Vec<Action>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMod {
    pub command: GroupCommand,
    pub kind: GroupKind,
    pub group: u32,
    pub selection: Selection,
    pub buckets: Vec<Bucket>,
}

/// OFPG_BUCKET_ALL.
const ALL_BUCKETS: u32 = u32::MAX;
/// Netronome's experimenter id, whose group property Open vSwitch took over.
const NETRONOME: u32 = 0x0000_154d;
const SELECTION_METHOD: u32 = 1;

impl GroupMod {
    pub fn delete(group: u32) -> Self {
        Self {
            command: GroupCommand::Delete,
            kind: GroupKind::All,
            group,
            selection: Selection::Default,
            buckets: Vec::new(),
        }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.command as u16);
        out.put_u8(self.kind as u8);
        out.put_u8(0);
        out.put_u32(self.group);
        let mut buckets = BytesMut::new();
        self.buckets.iter().try_for_each(|bucket| bucket.encode(&mut buckets))?;
        let length = buckets.len();
        let too_long = |_| EncodeError { what: "buckets of a group", length };
        out.put_u16(u16::try_from(length).map_err(too_long)?);
        out.put_u16(0);
        out.put_u32(ALL_BUCKETS);
        out.put_slice(&buckets);
        let method: &[u8] = match self.selection {
            Selection::Default => return Ok(()),
            Selection::Hash => b"hash",
            Selection::DatapathHash => b"dp_hash",
        };
        let start = out.len();
        // OFPGPT_EXPERIMENTER.
        out.put_u16(0xffff);
        out.put_u16(0);
        out.put_u32(NETRONOME);
        out.put_u32(SELECTION_METHOD);
        out.put_u32(0);
        out.put_slice(method);
        out.put_bytes(0, 16 - method.len());
        out.put_u64(0);
        patch_length(out, start, 2, "property of a group")
    }
}

impl Bucket {
    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(0);
        out.put_u32(self.id);
        let actions_start = out.len();
        encode_list(&self.actions, out)?;
        let length = out.len() - actions_start;
        let too_long = EncodeError { what: "actions of a bucket", length };
        let actions_length = u16::try_from(length).map_err(|_| too_long)?;
        if let Some(weight) = self.weight {
            out.put_u16(0);
            out.put_u16(8);
            out.put_u16(weight);
            out.put_u16(0);
        }
        if let Some(port) = self.watch_port {
            out.put_u16(1);
            out.put_u16(8);
            out.put_u32(port.0);
        }
        put_padding(out, start);
        if let Some(field) = out.get_mut(start + 2..start + 4) {
            field.copy_from_slice(&actions_length.to_be_bytes());
        }
        patch_length(out, start, 0, "bucket of a group")
    }
}
