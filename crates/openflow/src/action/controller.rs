//! Sending a packet to the controller.

use bytes::{BufMut, BytesMut};

use crate::wire::{DecodeError, EncodeError, Reader, patch_length, put_padding};

/// Why a packet came (OFPR_*, OpenFlow 1.5.1, 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketReason {
    NoMatch,
    Action,
    InvalidTtl,
    ActionSet,
    Group,
    PacketOut,
    Other(u8),
}

impl PacketReason {
    const NAMES: [(Self, u8, &'static str); 6] = [
        (Self::NoMatch, 0, "no_match"),
        (Self::Action, 1, "action"),
        (Self::InvalidTtl, 2, "invalid_ttl"),
        (Self::ActionSet, 3, "action_set"),
        (Self::Group, 4, "group"),
        (Self::PacketOut, 5, "packet_out"),
    ];

    pub(crate) fn from_number(number: u8) -> Self {
        let known = Self::NAMES.iter().find(|(_, known, _)| *known == number);
        known.map_or(Self::Other(number), |(reason, ..)| *reason)
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Other(number) => number,
            _ => Self::NAMES.iter().find(|(known, ..)| *known == self).map_or(0, |(_, n, _)| *n),
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(.., known)| *known == name);
        known.map(|(reason, ..)| *reason).or_else(|| name.parse().ok().map(Self::from_number))
    }

    pub(crate) fn name(self) -> String {
        let known = Self::NAMES.iter().find(|(known, ..)| *known == self);
        known.map_or_else(|| self.number().to_string(), |(.., name)| (*name).to_owned())
    }
}

/// The action `controller(…)`; without options it is the output `CONTROLLER:65535`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Controller {
    pub max_len: u16,
    pub id: u16,
    pub reason: PacketReason,
    pub userdata: Vec<u8>,
    pub meter: Option<u32>,
    /// The packet waits until the controller resumes it.
    pub pause: Pause,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pause {
    #[default]
    No,
    Yes,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            max_len: u16::MAX,
            id: 0,
            reason: PacketReason::Action,
            userdata: Vec::new(),
            meter: None,
            pause: Pause::No,
        }
    }
}

/// NXAC2PT_*.
mod property {
    pub(super) const MAX_LEN: u16 = 0;
    pub(super) const CONTROLLER_ID: u16 = 1;
    pub(super) const REASON: u16 = 2;
    pub(super) const USERDATA: u16 = 3;
    pub(super) const PAUSE: u16 = 4;
    pub(super) const METER_ID: u16 = 5;
}

impl Controller {
    /// Whether OpenFlow's own output action can say it.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self { max_len: self.max_len, ..Self::default() }
    }

    /// Writes what follows the subtype of NXAST_CONTROLLER2.
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_bytes(0, 6);
        if self.max_len != u16::MAX {
            put_property(out, property::MAX_LEN, &self.max_len.to_be_bytes())?;
        }
        if self.id != 0 {
            put_property(out, property::CONTROLLER_ID, &self.id.to_be_bytes())?;
        }
        if self.reason != PacketReason::Action {
            put_property(out, property::REASON, &[self.reason.number()])?;
        }
        if !self.userdata.is_empty() {
            put_property(out, property::USERDATA, &self.userdata)?;
        }
        if self.pause == Pause::Yes {
            put_property(out, property::PAUSE, &[])?;
        }
        if let Some(meter) = self.meter {
            put_property(out, property::METER_ID, &meter.to_be_bytes())?;
        }
        Ok(())
    }
}

fn put_property(out: &mut BytesMut, kind: u16, value: &[u8]) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u16(kind);
    out.put_u16(0);
    out.put_slice(value);
    patch_length(out, start, 2, "property of controller action")?;
    put_padding(out, start);
    Ok(())
}

/// Reads NXAST_CONTROLLER after its subtype.
pub(super) fn decode_old(body: &mut Reader<'_>) -> Result<Controller, DecodeError> {
    let (max_len, id, reason) = (body.u16()?, body.u16()?, body.u8()?);
    Ok(Controller {
        max_len,
        id,
        reason: PacketReason::from_number(reason),
        ..Controller::default()
    })
}

/// Reads NXAST_CONTROLLER2 after its subtype; nothing if it has properties unknown here.
pub(super) fn decode(body: &mut Reader<'_>) -> Result<Option<Controller>, DecodeError> {
    body.skip(6)?;
    let mut controller = Controller::default();
    while !body.is_empty() {
        let kind = body.u16()?;
        let length = usize::from(body.u16()?);
        let inner = length.checked_sub(4).ok_or_else(|| body.length(length))?;
        let mut value = body.sub("property of controller action", inner)?;
        body.skip_padding(length);
        match kind {
            property::MAX_LEN => controller.max_len = value.u16()?,
            property::CONTROLLER_ID => controller.id = value.u16()?,
            property::REASON => controller.reason = PacketReason::from_number(value.u8()?),
            property::USERDATA => controller.userdata = value.rest().to_vec(),
            property::PAUSE => controller.pause = Pause::Yes,
            property::METER_ID => controller.meter = Some(value.u32()?),
            _ => return Ok(None),
        }
    }
    Ok(Some(controller))
}
