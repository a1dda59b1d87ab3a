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
        let name: Vec<u8> =
            body.take(NAME)?.iter().copied().take(NAME - 1).take_while(|byte| *byte != 0).collect();
        Ok(Self { port, mac, name: readable(name), config: body.u32()?, state: body.u32()? })
    }
}

/// Linux lets a name have any bytes, and the cut may go through a character.
fn readable(name: Vec<u8>) -> String {
    let stand_in = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
    String::from_utf8(name).unwrap_or_else(|error| error.as_bytes().iter().map(stand_in).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &[u8]) -> String {
        let mut bytes = vec![0; 40];
        bytes[5] = 40;
        bytes[16..16 + name.len()].copy_from_slice(name);
        PortDesc::decode(&mut Reader::new("test", &bytes)).unwrap().name
    }

    #[test]
    fn names_are_readable_whatever_their_bytes() {
        assert_eq!(named(b"tap01234567-89"), "tap01234567-89");
        assert_eq!(named("tapü".as_bytes()), "tapü");
        assert_eq!(named(b"tap\xff\xfe"), "tap??");
        assert_eq!(named(&[b'x'; 16]), "x".repeat(15));
    }
}
