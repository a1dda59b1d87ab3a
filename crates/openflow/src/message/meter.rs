//! Meters (OpenFlow 1.5.1, 7.3.4.5). A bundle does not take them.

use bytes::{BufMut, BytesMut};

use crate::wire::{DecodeError, EncodeError, Reader, patch_length};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum MeterCommand {
    Add = 0,
    Modify = 1,
    Delete = 2,
}

/// OFPMF_*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeterFlags(pub u16);

impl MeterFlags {
    pub const KILOBITS: Self = Self(1);
    pub const PACKETS: Self = Self(2);
    pub const BURST: Self = Self(4);
    pub const STATS: Self = Self(8);

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandKind {
    Drop,
    /// Raises the drop precedence in the DSCP field by so many steps.
    DscpRemark(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    pub kind: BandKind,
    pub rate: u32,
    pub burst: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterMod {
    pub command: MeterCommand,
    pub meter: u32,
    pub flags: MeterFlags,
    pub bands: Vec<Band>,
}

const DROP: u16 = 1;
const DSCP_REMARK: u16 = 2;

impl MeterMod {
    pub fn delete(meter: u32) -> Self {
        Self {
            command: MeterCommand::Delete,
            meter,
            flags: MeterFlags::default(),
            bands: Vec::new(),
        }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.command as u16);
        out.put_u16(self.flags.0);
        out.put_u32(self.meter);
        for band in &self.bands {
            let start = out.len();
            let (kind, step) = match band.kind {
                BandKind::Drop => (DROP, 0),
                BandKind::DscpRemark(step) => (DSCP_REMARK, step),
            };
            out.put_u16(kind);
            out.put_u16(0);
            out.put_u32(band.rate);
            out.put_u32(band.burst);
            out.put_u8(step);
            out.put_bytes(0, 3);
            patch_length(out, start, 2, "meter band")?;
        }
        Ok(())
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let command = match body.u16()? {
            0 => MeterCommand::Add,
            1 => MeterCommand::Modify,
            2 => MeterCommand::Delete,
            _ => return Ok(None),
        };
        let (flags, meter) = (MeterFlags(body.u16()?), body.u32()?);
        let mut bands = Vec::new();
        while !body.is_empty() {
            let (kind, mut band) = body.element("meter band")?;
            band.skip(4)?;
            let (rate, burst, step) = (band.u32()?, band.u32()?, band.u8()?);
            let kind = match kind {
                DROP => BandKind::Drop,
                DSCP_REMARK => BandKind::DscpRemark(step),
                _ => return Ok(None),
            };
            bands.push(Band { kind, rate, burst });
        }
        Ok(Some(Self { command, meter, flags, bands }))
    }
}
