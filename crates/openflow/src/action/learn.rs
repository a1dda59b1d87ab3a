//! Flows that the switch makes by itself.

use bytes::{BufMut, BytesMut};

use super::Subfield;
use super::codec::part;
use crate::wire::{DecodeError, Reader, put_bits};

/// Where a part of a learned flow comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LearnSource {
    /// A part of the packet at hand.
    Field(Subfield),
    Value(u128),
}

/// What a part of a learned flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LearnTarget {
    /// A field that packets must have.
    Match(Subfield),
    /// A field that is set.
    Load(Subfield),
    /// An output.
    Output,
}

/// One part of a learned flow; both sides have `bits` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnSpec {
    pub source: LearnSource,
    pub target: LearnTarget,
    pub(super) bits: u16,
}

impl LearnSpec {
    /// Matches `target` on what is in `source` of the packet at hand, if they are equally wide.
    pub fn matching(target: Subfield, source: Subfield) -> Option<Self> {
        Self::new(LearnSource::Field(source), LearnTarget::Match(target))
    }

    pub fn load(source: LearnSource, target: Subfield) -> Option<Self> {
        Self::new(source, LearnTarget::Load(target))
    }

    pub fn output(source: Subfield) -> Option<Self> {
        Self::new(LearnSource::Field(source), LearnTarget::Output)
    }

    pub(crate) fn new(source: LearnSource, target: LearnTarget) -> Option<Self> {
        let bits = match (source, target) {
            (
                LearnSource::Field(source),
                LearnTarget::Match(target) | LearnTarget::Load(target),
            ) => (source.bits == target.bits).then_some(source.bits)?,
            (LearnSource::Field(source), LearnTarget::Output) => source.bits,
            (LearnSource::Value(value), LearnTarget::Match(target) | LearnTarget::Load(target)) => {
                let fits = value.checked_shr(u32::from(target.bits)).unwrap_or(0) == 0;
                fits.then_some(target.bits)?
            }
            (LearnSource::Value(_), LearnTarget::Output) => return None,
        };
        Some(Self { source, target, bits })
    }
}

/// The action `learn(…)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Learn {
    pub table: u8,
    pub priority: u16,
    pub idle_timeout: u16,
    pub hard_timeout: u16,
    pub fin_idle_timeout: u16,
    pub fin_hard_timeout: u16,
    pub cookie: u64,
    /// At most so many flows with this cookie in the table; 0 is no limit.
    pub limit: u32,
    /// A bit that says afterwards whether the flow could be made.
    pub result: Option<Subfield>,
    pub flags: LearnFlags,
    pub specs: Vec<LearnSpec>,
}

/// NX_LEARN_F_*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnFlags(pub(super) u16);

impl LearnFlags {
    pub const NONE: Self = Self(0);
    pub const SEND_FLOW_REMOVED: Self = Self(1);
    /// Learned flows go when the last flow that learns them goes.
    pub const DELETE_LEARNED: Self = Self(2);
    pub(super) const WRITE_RESULT: Self = Self(4);

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Default for Learn {
    fn default() -> Self {
        Self {
            table: 1,
            priority: 0x8000,
            idle_timeout: 0,
            hard_timeout: 0,
            fin_idle_timeout: 0,
            fin_hard_timeout: 0,
            cookie: 0,
            limit: 0,
            result: None,
            flags: LearnFlags::NONE,
            specs: Vec::new(),
        }
    }
}

/// The bits of the header of a specification.
mod spec {
    pub(super) const BITS: u16 = 0x07ff;
    pub(super) const IMMEDIATE: u16 = 1 << 13;
    pub(super) const TARGET: u16 = 3 << 11;
    pub(super) const MATCH: u16 = 0 << 11;
    pub(super) const LOAD: u16 = 1 << 11;
    pub(super) const OUTPUT: u16 = 2 << 11;
    pub(super) const KNOWN: u16 = BITS | TARGET | IMMEDIATE;
}

impl Learn {
    /// Whether it takes NXAST_LEARN2 to say it.
    pub(super) const fn is_extended(&self) -> bool {
        self.limit != 0 || self.result.is_some()
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u64(self.cookie);
        let result = self.result.map_or(LearnFlags::NONE, |_| LearnFlags::WRITE_RESULT);
        out.put_u16(self.flags.with(result).0);
        out.put_u8(self.table);
        out.put_u8(0);
        out.put_u16(self.fin_idle_timeout);
        out.put_u16(self.fin_hard_timeout);
        if self.is_extended() {
            out.put_u32(self.limit);
            out.put_u16(self.result.map_or(0, |part| part.offset));
            out.put_u16(0);
            if let Some(part) = self.result {
                out.put_u32(part.field.header(false));
            }
        }
        for spec in &self.specs {
            spec.encode(out);
        }
    }

    pub(super) fn decode(
        body: &mut Reader<'_>,
        extended: bool,
    ) -> Result<Option<Self>, DecodeError> {
        let mut learn = Self {
            idle_timeout: body.u16()?,
            hard_timeout: body.u16()?,
            priority: body.u16()?,
            cookie: body.u64()?,
            flags: LearnFlags(body.u16()?),
            table: body.u8()?,
            ..Self::default()
        };
        body.skip(1)?;
        learn.fin_idle_timeout = body.u16()?;
        learn.fin_hard_timeout = body.u16()?;
        if extended {
            learn.limit = body.u32()?;
            let offset = body.u16()?;
            body.skip(2)?;
            if learn.flags.contains(LearnFlags::WRITE_RESULT) {
                learn.result = part(body.u32()?, offset, 1);
                if learn.result.is_none() {
                    return Ok(None);
                }
                learn.flags.0 &= !LearnFlags::WRITE_RESULT.0;
            }
        }
        if learn.flags.0 > 3 || (extended && !learn.is_extended()) {
            return Ok(None);
        }
        // Less than a header is padding, and so is a header of zeros.
        while body.left() >= 2 {
            let header = body.u16()?;
            if header == 0 {
                break;
            }
            match LearnSpec::decode(header, body)? {
                Some(spec) => learn.specs.push(spec),
                None => return Ok(None),
            }
        }
        Ok(Some(learn))
    }
}

impl LearnSpec {
    fn encode(&self, out: &mut BytesMut) {
        let target = match self.target {
            LearnTarget::Match(_) => spec::MATCH,
            LearnTarget::Load(_) => spec::LOAD,
            LearnTarget::Output => spec::OUTPUT,
        };
        match self.source {
            LearnSource::Field(part) => {
                out.put_u16(target | self.bits);
                put_part(out, part);
            }
            LearnSource::Value(value) => {
                out.put_u16(target | spec::IMMEDIATE | self.bits);
                put_bits(out, value, immediate_bytes(self.bits));
            }
        }
        if let LearnTarget::Match(part) | LearnTarget::Load(part) = self.target {
            put_part(out, part);
        }
    }

    fn decode(header: u16, body: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let bits = header & spec::BITS;
        if header & !spec::KNOWN != 0 || bits == 0 {
            return Ok(None);
        }
        let source = if header & spec::IMMEDIATE != 0 {
            let bytes = immediate_bytes(bits);
            if bytes > 16 {
                return Ok(None);
            }
            Some(LearnSource::Value(body.bits(bytes)?))
        } else {
            take_part(body, bits)?.map(LearnSource::Field)
        };
        let target = match header & spec::TARGET {
            spec::MATCH => take_part(body, bits)?.map(LearnTarget::Match),
            spec::LOAD => take_part(body, bits)?.map(LearnTarget::Load),
            spec::OUTPUT => Some(LearnTarget::Output),
            _ => None,
        };
        Ok(source.zip(target).and_then(|(source, target)| Self::new(source, target)))
    }
}

/// Values are padded to whole 16-bit words.
fn immediate_bytes(bits: u16) -> usize {
    usize::from(bits.div_ceil(16)) * 2
}

fn put_part(out: &mut BytesMut, part: Subfield) {
    out.put_u32(part.field.header(false));
    out.put_u16(part.offset);
}

fn take_part(body: &mut Reader<'_>, bits: u16) -> Result<Option<Subfield>, DecodeError> {
    let (header, offset) = (body.u32()?, body.u16()?);
    Ok(part(header, offset, bits))
}
