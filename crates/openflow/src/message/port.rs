//! Ports of a bridge and their changes (OpenFlow 1.5.1, 7.2.1 and 7.4.3).

use bytes::{BufMut, BytesMut};
use nucleon_net::MacAddr;

use crate::port::Port;
use crate::wire::{DecodeError, EncodeError, Reader, patch_length};

/// OFPPC_PORT_DOWN and OFPPS_LINK_DOWN.
const DOWN: u32 = 1;
const NAME: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortDesc {
    pub port: Port,
    pub mac: MacAddr,
    /// The name of the interface; OpenFlow cuts it at 15 bytes.
    pub name: String,
    pub config: u32,
    pub state: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChange {
    Added,
    Deleted,
    Modified,
}

/// The switch tells that a port came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortStatus {
    pub change: PortChange,
    pub port: PortDesc,
}

impl PortDesc {
    /// Whether the administrator has switched the port off.
    pub const fn is_down(&self) -> bool {
        self.config & DOWN != 0
    }

    pub const fn has_link(&self) -> bool {
        self.state & DOWN == 0
    }

    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(self.port.0);
        out.put_u32(0);
        out.put_slice(&self.mac.octets());
        out.put_u16(0);
        let mut name = [0; NAME];
        for (place, byte) in name.iter_mut().zip(self.name.bytes().take(NAME - 1)) {
            *place = byte;
        }
        out.put_slice(&name);
        out.put_u32(self.config);
        out.put_u32(self.state);
        patch_length(out, start, 4, "port")
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = Port(body.u32()?);
        let length = usize::from(body.u16()?);
        let inner = length.checked_sub(6).ok_or_else(|| body.length(length))?;
        let mut body = body.sub("port", inner)?;
        body.skip(2)?;
        let mac = MacAddr::new(body.array()?);
        body.skip(2)?;
        let name = body.take(NAME)?;
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(Self {
            port,
            mac,
            name: String::from_utf8_lossy(name).into_owned(),
            config: body.u32()?,
            state: body.u32()?,
        })
    }
}

impl PortStatus {
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(match self.change {
            PortChange::Added => 0,
            PortChange::Deleted => 1,
            PortChange::Modified => 2,
        });
        out.put_bytes(0, 7);
        self.port.encode(out)
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let change = match body.u8()? {
            0 => PortChange::Added,
            1 => PortChange::Deleted,
            2 => PortChange::Modified,
            other => {
                return Err(DecodeError::Value { what: "port status", value: other.into() });
            }
        };
        body.skip(7)?;
        Ok(Self { change, port: PortDesc::decode(body)? })
    }
}
