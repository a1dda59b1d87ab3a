//! The messages between a controller and a switch.

mod bundle;
mod error;
mod flow;
mod group;
mod meter;
mod packet;
mod port;

use bytes::{BufMut, Bytes, BytesMut};

pub use self::bundle::{BundleAdd, BundleControl, BundleFlags, BundleStep};
pub use self::error::SwitchError;
pub use self::flow::{FlowEntry, FlowStats};
pub use self::group::{Bucket, GroupCommand, GroupKind, GroupMod, Selection};
pub use self::meter::{Band, BandKind, MeterCommand, MeterFlags, MeterMod};
pub use self::packet::{PacketIn, PacketOut};
pub use self::port::{PortChange, PortDesc, PortStatus};
use crate::action::codec::NICIRA;
use crate::flow::{FlowFilter, FlowMod};
use crate::port::Port;
use crate::wire::{DecodeError, EncodeError, Reader, patch_length};

/// OpenFlow 1.5.
pub const VERSION: u8 = 6;
/// Version, type, length and transaction id.
pub const HEADER: usize = 8;

/// OFPT_*, OpenFlow 1.5.1, 7.1.1.
mod kind {
    pub(super) const HELLO: u8 = 0;
    pub(super) const ERROR: u8 = 1;
    pub(super) const ECHO_REQUEST: u8 = 2;
    pub(super) const ECHO_REPLY: u8 = 3;
    pub(super) const EXPERIMENTER: u8 = 4;
    pub(super) const FEATURES_REQUEST: u8 = 5;
    pub(super) const FEATURES_REPLY: u8 = 6;
    pub(super) const GET_CONFIG_REQUEST: u8 = 7;
    pub(super) const GET_CONFIG_REPLY: u8 = 8;
    pub(super) const SET_CONFIG: u8 = 9;
    pub(super) const PACKET_IN: u8 = 10;
    pub(super) const PORT_STATUS: u8 = 12;
    pub(super) const PACKET_OUT: u8 = 13;
    pub(super) const FLOW_MOD: u8 = 14;
    pub(super) const GROUP_MOD: u8 = 15;
    pub(super) const MULTIPART_REQUEST: u8 = 18;
    pub(super) const MULTIPART_REPLY: u8 = 19;
    pub(super) const BARRIER_REQUEST: u8 = 20;
    pub(super) const BARRIER_REPLY: u8 = 21;
    pub(super) const SET_ASYNC: u8 = 28;
    pub(super) const METER_MOD: u8 = 29;
    pub(super) const BUNDLE_CONTROL: u8 = 33;
    pub(super) const BUNDLE_ADD: u8 = 34;
}

/// OFPMP_*, OpenFlow 1.5.1, 7.3.5.
mod multipart {
    pub(super) const FLOW_DESC: u16 = 1;
    pub(super) const PORT_DESC: u16 = 13;
    /// OFPMPF_REPLY_MORE.
    pub(super) const MORE: u16 = 1;
}

/// NXT_*, the subtypes of Nicira's messages.
mod nicira {
    pub(super) const SET_PACKET_IN_FORMAT: u32 = 16;
    pub(super) const PACKET_IN2: u32 = 30;
}

/// Whether a reply in several parts goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Last,
    More,
}

/// What a switch is (OpenFlow 1.5.1, 7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    pub datapath_id: u64,
    pub buffers: u32,
    pub tables: u8,
    pub auxiliary_id: u8,
    pub capabilities: u32,
}

/// How a connection is served (OpenFlow 1.5.1, 7.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Treatment of fragments; it is the bridge's, not the connection's.
    pub flags: u16,
    pub miss_send_len: u16,
}

/// In what form packets come to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PacketInFormat {
    Standard = 0,
    /// NXT_PACKET_IN2, the only one with user data.
    Nicira2 = 2,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The versions the sender speaks, newest first.
    Hello(Vec<u8>),
    Error(SwitchError),
    EchoRequest(Bytes),
    EchoReply(Bytes),
    FeaturesRequest,
    FeaturesReply(Features),
    GetConfigRequest,
    GetConfigReply(Config),
    SetConfig(Config),
    /// Which reasons bring packets, and which changes of ports are told, as bits.
    SetAsync {
        packets: u32,
        ports: u32,
    },
    SetPacketInFormat(PacketInFormat),
    PacketIn(PacketIn),
    PortStatus(PortStatus),
    PacketOut(PacketOut),
    FlowMod(FlowMod),
    GroupMod(GroupMod),
    MeterMod(MeterMod),
    FlowRequest(FlowFilter),
    FlowReply {
        flows: Vec<FlowEntry>,
        part: Part,
    },
    PortRequest(Port),
    PortReply {
        ports: Vec<PortDesc>,
        part: Part,
    },
    BarrierRequest,
    BarrierReply,
    BundleControl(BundleControl),
    BundleAdd(BundleAdd),
    Unknown {
        kind: u8,
        body: Bytes,
    },
}

/// The length that a frame says it has, once its header is there.
pub fn frame_length(bytes: &[u8]) -> Option<Result<usize, DecodeError>> {
    let mut header = Reader::new("message", bytes.get(..HEADER)?);
    header.skip(2).ok()?;
    let length = usize::from(header.u16().ok()?);
    Some(if length < HEADER {
        Err(DecodeError::Length { what: "message", length })
    } else {
        Ok(length)
    })
}

impl Message {
    /// Writes the message, header included.
    pub fn encode(&self, xid: u32, out: &mut BytesMut) -> Result<(), EncodeError> {
        framed(self.kind(), xid, out, |out| self.encode_body(xid, out))
    }

    /// Reads one whole frame: its transaction id and the message.
    pub fn decode(frame: &[u8]) -> Result<(u32, Self), DecodeError> {
        let mut reader = Reader::new("message", frame);
        let version = reader.u8()?;
        let kind = reader.u8()?;
        let length = usize::from(reader.u16()?);
        let xid = reader.u32()?;
        if length != frame.len() {
            return Err(DecodeError::Length { what: "message", length });
        }
        // A hello, and the error that answers one, may come in any version.
        if version != VERSION && !matches!(kind, kind::HELLO | kind::ERROR) {
            return Err(DecodeError::Version(version));
        }
        let message = match kind {
            kind::HELLO => Self::Hello(decode_hello(version, reader)),
            _ => Self::decode_body(kind, reader)?,
        };
        Ok((xid, message))
    }

    /// Writes the message of one change, without taking it into a [`Message`].
    pub(crate) fn encode_flow_mod(
        change: &FlowMod,
        xid: u32,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        framed(kind::FLOW_MOD, xid, out, |out| flow::encode_mod(change, out))
    }

    /// Writes the message that puts one change into a bundle.
    pub(crate) fn encode_bundle_add(
        id: u32,
        flags: BundleFlags,
        change: &FlowMod,
        xid: u32,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        framed(kind::BUNDLE_ADD, xid, out, |out| {
            bundle::put_header(id, flags, out);
            Self::encode_flow_mod(change, xid, out)
        })
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => kind::HELLO,
            Self::Error(_) => kind::ERROR,
            Self::EchoRequest(_) => kind::ECHO_REQUEST,
            Self::EchoReply(_) => kind::ECHO_REPLY,
            Self::FeaturesRequest => kind::FEATURES_REQUEST,
            Self::FeaturesReply(_) => kind::FEATURES_REPLY,
            Self::GetConfigRequest => kind::GET_CONFIG_REQUEST,
            Self::GetConfigReply(_) => kind::GET_CONFIG_REPLY,
            Self::SetConfig(_) => kind::SET_CONFIG,
            Self::SetAsync { .. } => kind::SET_ASYNC,
            Self::SetPacketInFormat(_) | Self::PacketIn(_) => kind::EXPERIMENTER,
            Self::PortStatus(_) => kind::PORT_STATUS,
            Self::PacketOut(_) => kind::PACKET_OUT,
            Self::FlowMod(_) => kind::FLOW_MOD,
            Self::GroupMod(_) => kind::GROUP_MOD,
            Self::MeterMod(_) => kind::METER_MOD,
            Self::FlowRequest(_) | Self::PortRequest(_) => kind::MULTIPART_REQUEST,
            Self::FlowReply { .. } | Self::PortReply { .. } => kind::MULTIPART_REPLY,
            Self::BarrierRequest => kind::BARRIER_REQUEST,
            Self::BarrierReply => kind::BARRIER_REPLY,
            Self::BundleControl(_) => kind::BUNDLE_CONTROL,
            Self::BundleAdd(_) => kind::BUNDLE_ADD,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn encode_body(&self, xid: u32, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            Self::Hello(versions) => {
                // OFPHET_VERSIONBITMAP, OpenFlow 1.5.1, 7.5.1.
                let bits = versions.iter().filter(|v| **v < 32).fold(0, |bits, v| bits | 1 << v);
                out.put_u16(1);
                out.put_u16(8);
                out.put_u32(bits);
            }
            Self::Error(error) => error.encode(out),
            Self::EchoRequest(data) | Self::EchoReply(data) => out.put_slice(data),
            Self::FeaturesRequest
            | Self::GetConfigRequest
            | Self::BarrierRequest
            | Self::BarrierReply => {}
            Self::FeaturesReply(features) => {
                out.put_u64(features.datapath_id);
                out.put_u32(features.buffers);
                out.put_u8(features.tables);
                out.put_u8(features.auxiliary_id);
                out.put_u16(0);
                out.put_u32(features.capabilities);
                out.put_u32(0);
            }
            Self::GetConfigReply(config) | Self::SetConfig(config) => {
                out.put_u16(config.flags);
                out.put_u16(config.miss_send_len);
            }
            Self::SetAsync { packets, ports } => {
                // OFPACPT_PACKET_IN_MASTER and OFPACPT_PORT_STATUS_MASTER.
                for (property, mask) in [(1, packets), (3, ports)] {
                    out.put_u16(property);
                    out.put_u16(8);
                    out.put_u32(*mask);
                }
            }
            Self::SetPacketInFormat(format) => {
                put_nicira(out, nicira::SET_PACKET_IN_FORMAT);
                out.put_u32(*format as u32);
            }
            Self::PacketIn(packet) => {
                put_nicira(out, nicira::PACKET_IN2);
                packet.encode(out)?;
            }
            Self::PortStatus(status) => status.encode(out)?,
            Self::PacketOut(packet) => packet.encode(out)?,
            Self::FlowMod(change) => flow::encode_mod(change, out)?,
            Self::GroupMod(group) => group.encode(out)?,
            Self::MeterMod(meter) => meter.encode(out)?,
            Self::FlowRequest(filter) => {
                put_multipart(out, multipart::FLOW_DESC, Part::Last);
                flow::encode_filter(filter, out)?;
            }
            Self::FlowReply { flows, part } => {
                put_multipart(out, multipart::FLOW_DESC, *part);
                flows.iter().try_for_each(|entry| entry.encode(out))?;
            }
            Self::PortRequest(port) => {
                put_multipart(out, multipart::PORT_DESC, Part::Last);
                out.put_u32(port.0);
                out.put_u32(0);
            }
            Self::PortReply { ports, part } => {
                put_multipart(out, multipart::PORT_DESC, *part);
                ports.iter().try_for_each(|port| port.encode(out))?;
            }
            Self::BundleControl(control) => control.encode(out),
            Self::BundleAdd(add) => add.encode(xid, out)?,
            Self::Unknown { body, .. } => out.put_slice(body),
        }
        Ok(())
    }

    fn decode_body(kind: u8, mut body: Reader<'_>) -> Result<Self, DecodeError> {
        let whole = body.rest();
        let unknown = || Self::Unknown { kind, body: Bytes::copy_from_slice(whole) };
        Ok(match kind {
            kind::ERROR => Self::Error(SwitchError::decode(&mut body)?),
            kind::ECHO_REQUEST => Self::EchoRequest(Bytes::copy_from_slice(body.rest())),
            kind::ECHO_REPLY => Self::EchoReply(Bytes::copy_from_slice(body.rest())),
            kind::FEATURES_REQUEST => Self::FeaturesRequest,
            kind::FEATURES_REPLY => Self::FeaturesReply(decode_features(&mut body)?),
            kind::GET_CONFIG_REQUEST => Self::GetConfigRequest,
            kind::GET_CONFIG_REPLY => Self::GetConfigReply(decode_config(&mut body)?),
            kind::SET_CONFIG => Self::SetConfig(decode_config(&mut body)?),
            kind::EXPERIMENTER => match (body.u32()?, body.u32()?) {
                (NICIRA, nicira::PACKET_IN2) => Self::PacketIn(PacketIn::decode_nicira(&mut body)?),
                (NICIRA, nicira::SET_PACKET_IN_FORMAT) => match body.u32()? {
                    0 => Self::SetPacketInFormat(PacketInFormat::Standard),
                    2 => Self::SetPacketInFormat(PacketInFormat::Nicira2),
                    _ => unknown(),
                },
                _ => unknown(),
            },
            kind::PACKET_IN => Self::PacketIn(PacketIn::decode(&mut body)?),
            kind::PORT_STATUS => Self::PortStatus(PortStatus::decode(&mut body)?),
            kind::PACKET_OUT => Self::PacketOut(PacketOut::decode(&mut body)?),
            kind::FLOW_MOD => match flow::decode_mod(&mut body)? {
                Some(change) => Self::FlowMod(change),
                None => unknown(),
            },
            kind::METER_MOD => match MeterMod::decode(&mut body)? {
                Some(meter) => Self::MeterMod(meter),
                None => unknown(),
            },
            kind::MULTIPART_REQUEST => match take_multipart(&mut body)?.0 {
                multipart::FLOW_DESC => Self::FlowRequest(flow::decode_filter(&mut body)?),
                multipart::PORT_DESC => Self::PortRequest(Port(body.u32()?)),
                _ => unknown(),
            },
            kind::MULTIPART_REPLY => match take_multipart(&mut body)? {
                (multipart::FLOW_DESC, part) => {
                    let mut flows = Vec::new();
                    while !body.is_empty() {
                        flows.push(FlowEntry::decode(&mut body)?);
                    }
                    Self::FlowReply { flows, part }
                }
                (multipart::PORT_DESC, part) => {
                    let mut ports = Vec::new();
                    while !body.is_empty() {
                        ports.push(PortDesc::decode(&mut body)?);
                    }
                    Self::PortReply { ports, part }
                }
                _ => unknown(),
            },
            kind::BARRIER_REQUEST => Self::BarrierRequest,
            kind::BARRIER_REPLY => Self::BarrierReply,
            kind::BUNDLE_CONTROL => match BundleControl::decode(&mut body)? {
                Some(control) => Self::BundleControl(control),
                None => unknown(),
            },
            kind::BUNDLE_ADD => Self::BundleAdd(BundleAdd::decode(&mut body)?),
            _ => unknown(),
        })
    }

    /// Whether more messages follow in answer to the same request.
    pub(crate) const fn part(&self) -> Part {
        match self {
            Self::FlowReply { part, .. } | Self::PortReply { part, .. } => *part,
            _ => Part::Last,
        }
    }
}

/// Writes a header, the body and the length; nothing at all if it is too long.
fn framed(
    kind: u8,
    xid: u32,
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u8(VERSION);
    out.put_u8(kind);
    out.put_u16(0);
    out.put_u32(xid);
    let done = body(out).and_then(|()| patch_length(out, start, 2, "message"));
    if done.is_err() {
        out.truncate(start);
    }
    done
}

/// The versions of a hello; one without a bitmap speaks all up to its own (7.5.1).
fn decode_hello(version: u8, mut body: Reader<'_>) -> Vec<u8> {
    while let (Ok(element), Ok(length)) = (body.u16(), body.u16()) {
        let length = usize::from(length);
        let Some(Ok(mut bitmap)) = length.checked_sub(4).map(|l| body.sub("hello", l)) else {
            break;
        };
        body.skip_padding(length);
        if element == 1
            && let Ok(bits) = bitmap.u32()
        {
            return (0..32).rev().filter(|version| bits >> version & 1 == 1).collect();
        }
    }
    // A bitmap has room for 31 versions, and there is no use for more.
    (1..=version.min(31)).rev().collect()
}

fn decode_features(body: &mut Reader<'_>) -> Result<Features, DecodeError> {
    let (datapath_id, buffers, tables, auxiliary_id) =
        (body.u64()?, body.u32()?, body.u8()?, body.u8()?);
    body.skip(2)?;
    Ok(Features { datapath_id, buffers, tables, auxiliary_id, capabilities: body.u32()? })
}

fn decode_config(body: &mut Reader<'_>) -> Result<Config, DecodeError> {
    Ok(Config { flags: body.u16()?, miss_send_len: body.u16()? })
}

fn put_nicira(out: &mut BytesMut, subtype: u32) {
    out.put_u32(NICIRA);
    out.put_u32(subtype);
}

fn put_multipart(out: &mut BytesMut, kind: u16, part: Part) {
    out.put_u16(kind);
    out.put_u16(if part == Part::More { multipart::MORE } else { 0 });
    out.put_u32(0);
}

fn take_multipart(body: &mut Reader<'_>) -> Result<(u16, Part), DecodeError> {
    let (kind, flags) = (body.u16()?, body.u16()?);
    body.skip(4)?;
    Ok((kind, if flags & multipart::MORE == 0 { Part::Last } else { Part::More }))
}

#[cfg(test)]
mod tests;
