//! Changes of flows, and flows read back (OpenFlow 1.5.1, 7.3.4.3 and 7.3.5.2).

use std::time::Duration;

use bytes::{BufMut, BytesMut};

use crate::flow::{CookieFilter, Flow, FlowFilter, FlowFlags, FlowKey, FlowMod};
use crate::instruction::Instructions;
use crate::matches::Match;
use crate::port::Port;
use crate::wire::{DecodeError, EncodeError, Reader, patch_length, put_padding};

/// OFPFC_*.
mod command {
    pub(super) const ADD: u8 = 0;
    pub(super) const MODIFY: u8 = 1;
    pub(super) const MODIFY_STRICT: u8 = 2;
    pub(super) const DELETE: u8 = 3;
    pub(super) const DELETE_STRICT: u8 = 4;
}

/// OFPTT_ALL.
const ALL_TABLES: u8 = 0xff;
/// OFP_NO_BUFFER.
pub(super) const NO_BUFFER: u32 = u32::MAX;

/// A flow as it was read back, with its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowEntry {
    pub flow: Flow,
    pub stats: FlowStats,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowStats {
    pub duration: Duration,
    pub packets: u64,
    pub bytes: u64,
}

/// The fixed part of a flow-mod; the same fields in the same places for each command.
struct Fixed {
    cookie: CookieFilter,
    table: u8,
    command: u8,
    idle_timeout: u16,
    hard_timeout: u16,
    priority: u16,
    out_port: Port,
    flags: u16,
    importance: u16,
}

impl Fixed {
    fn of_flow(command: u8, flow: &Flow) -> Self {
        Self {
            cookie: CookieFilter { value: flow.cookie, mask: 0 },
            table: flow.table,
            command,
            idle_timeout: flow.idle_timeout,
            hard_timeout: flow.hard_timeout,
            priority: flow.priority,
            out_port: Port::ANY,
            flags: flow.flags.0,
            importance: flow.importance,
        }
    }

    fn of_deletion(command: u8, table: u8, priority: u16, cookie: CookieFilter) -> Self {
        Self {
            cookie,
            table,
            command,
            idle_timeout: 0,
            hard_timeout: 0,
            priority,
            out_port: Port::ANY,
            flags: 0,
            importance: 0,
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        out.put_u64(self.cookie.value);
        out.put_u64(self.cookie.mask);
        out.put_u8(self.table);
        out.put_u8(self.command);
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u32(NO_BUFFER);
        out.put_u32(self.out_port.0);
        // OFPG_ANY.
        out.put_u32(u32::MAX);
        out.put_u16(self.flags);
        out.put_u16(self.importance);
    }

    fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cookie = CookieFilter { value: body.u64()?, mask: body.u64()? };
        let (table, command) = (body.u8()?, body.u8()?);
        let (idle_timeout, hard_timeout, priority) = (body.u16()?, body.u16()?, body.u16()?);
        body.skip(4)?;
        let out_port = Port(body.u32()?);
        body.skip(4)?;
        let (flags, importance) = (body.u16()?, body.u16()?);
        Ok(Self {
            cookie,
            table,
            command,
            idle_timeout,
            hard_timeout,
            priority,
            out_port,
            flags,
            importance,
        })
    }
}

pub(super) fn encode_mod(change: &FlowMod, out: &mut BytesMut) -> Result<(), EncodeError> {
    let with_flow = |command, flow: &Flow, out: &mut BytesMut| {
        Fixed::of_flow(command, flow).encode(out);
        flow.matches.encode(out)?;
        flow.instructions.encode(out)
    };
    match change {
        FlowMod::Add(flow) => with_flow(command::ADD, flow, out),
        FlowMod::Modify(flow) => with_flow(command::MODIFY, flow, out),
        FlowMod::ModifyStrict(flow) => with_flow(command::MODIFY_STRICT, flow, out),
        FlowMod::Delete(filter) => {
            let table = filter.table.unwrap_or(ALL_TABLES);
            let mut fixed = Fixed::of_deletion(command::DELETE, table, 0, filter.cookie);
            fixed.out_port = filter.out_port;
            fixed.encode(out);
            filter.matches.encode(out)
        }
        FlowMod::DeleteStrict { key, cookie } => {
            Fixed::of_deletion(command::DELETE_STRICT, key.table, key.priority, *cookie)
                .encode(out);
            key.matches.encode(out)
        }
    }
}

pub(super) fn decode_mod(body: &mut Reader<'_>) -> Result<Option<FlowMod>, DecodeError> {
    let fixed = Fixed::decode(body)?;
    let matches = Match::decode(body)?;
    let instructions = Instructions::decode(body)?;
    let flow = |matches| Flow {
        table: fixed.table,
        priority: fixed.priority,
        matches,
        cookie: fixed.cookie.value,
        idle_timeout: fixed.idle_timeout,
        hard_timeout: fixed.hard_timeout,
        importance: fixed.importance,
        flags: FlowFlags(fixed.flags),
        instructions,
    };
    Ok(Some(match fixed.command {
        command::ADD => FlowMod::Add(flow(matches)),
        command::MODIFY => FlowMod::Modify(flow(matches)),
        command::MODIFY_STRICT => FlowMod::ModifyStrict(flow(matches)),
        command::DELETE => FlowMod::Delete(FlowFilter {
            table: Some(fixed.table).filter(|table| *table != ALL_TABLES),
            cookie: fixed.cookie,
            matches,
            out_port: fixed.out_port,
        }),
        command::DELETE_STRICT => FlowMod::DeleteStrict {
            key: FlowKey { table: fixed.table, priority: fixed.priority, matches },
            cookie: fixed.cookie,
        },
        _ => return Ok(None),
    }))
}

pub(super) fn encode_filter(filter: &FlowFilter, out: &mut BytesMut) -> Result<(), EncodeError> {
    out.put_u8(filter.table.unwrap_or(ALL_TABLES));
    out.put_bytes(0, 3);
    out.put_u32(filter.out_port.0);
    // OFPG_ANY.
    out.put_u32(u32::MAX);
    out.put_u32(0);
    out.put_u64(filter.cookie.value);
    out.put_u64(filter.cookie.mask);
    filter.matches.encode(out)
}

pub(super) fn decode_filter(body: &mut Reader<'_>) -> Result<FlowFilter, DecodeError> {
    let table = Some(body.u8()?).filter(|table| *table != ALL_TABLES);
    body.skip(3)?;
    let out_port = Port(body.u32()?);
    body.skip(8)?;
    let cookie = CookieFilter { value: body.u64()?, mask: body.u64()? };
    Ok(FlowFilter { table, cookie, matches: Match::decode(body)?, out_port })
}

impl FlowEntry {
    pub(super) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let flow = &self.flow;
        out.put_u32(0);
        out.put_u8(flow.table);
        out.put_u8(0);
        out.put_u16(flow.priority);
        out.put_u16(flow.idle_timeout);
        out.put_u16(flow.hard_timeout);
        out.put_u16(flow.flags.0);
        out.put_u16(flow.importance);
        out.put_u64(flow.cookie);
        flow.matches.encode(out)?;
        self.stats.encode(out)?;
        flow.instructions.encode(out)?;
        patch_length(out, start, 0, "flow entry")
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = usize::from(body.u16()?);
        let inner = length.checked_sub(2).ok_or_else(|| body.length(length))?;
        let mut entry = body.sub("flow entry", inner)?;
        entry.skip(2)?;
        let table = entry.u8()?;
        entry.skip(1)?;
        let priority = entry.u16()?;
        let (idle_timeout, hard_timeout) = (entry.u16()?, entry.u16()?);
        let (flags, importance) = (FlowFlags(entry.u16()?), entry.u16()?);
        let cookie = entry.u64()?;
        let matches = Match::decode(&mut entry)?;
        let stats = FlowStats::decode(&mut entry)?;
        let instructions = Instructions::decode(&mut entry)?;
        let flow = Flow {
            table,
            priority,
            matches,
            cookie,
            idle_timeout,
            hard_timeout,
            importance,
            flags,
            instructions,
        };
        Ok(Self { flow, stats })
    }
}

/// OXS, OpenFlow 1.5.1, 7.2.4: class OFPXSC_OPENFLOW_BASIC.
mod oxs {
    pub(super) const DURATION: u32 = 0x8002_0008;
    pub(super) const PACKETS: u32 = 0x8002_0808;
    pub(super) const BYTES: u32 = 0x8002_0a08;
}

impl FlowStats {
    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(0);
        out.put_u32(oxs::DURATION);
        out.put_u32(u32::try_from(self.duration.as_secs()).unwrap_or(u32::MAX));
        out.put_u32(self.duration.subsec_nanos());
        for (header, counter) in [(oxs::PACKETS, self.packets), (oxs::BYTES, self.bytes)] {
            out.put_u32(header);
            out.put_u64(counter);
        }
        patch_length(out, start, 2, "flow statistics")?;
        put_padding(out, start);
        Ok(())
    }

    fn decode(entry: &mut Reader<'_>) -> Result<Self, DecodeError> {
        entry.skip(2)?;
        let length = usize::from(entry.u16()?);
        let inner = length.checked_sub(4).ok_or_else(|| entry.length(length))?;
        let mut fields = entry.sub("flow statistics", inner)?;
        entry.skip_padding(length);
        let mut stats = Self::default();
        while !fields.is_empty() {
            let header = fields.u32()?;
            let [.., size] = header.to_be_bytes();
            let mut payload = fields.sub("flow statistic", usize::from(size))?;
            match header {
                oxs::DURATION => {
                    let (seconds, nanos) = (payload.u32()?, payload.u32()?);
                    stats.duration = Duration::from_secs(seconds.into())
                        .saturating_add(Duration::from_nanos(nanos.into()));
                }
                oxs::PACKETS => stats.packets = payload.u64()?,
                oxs::BYTES => stats.bytes = payload.u64()?,
                _ => {}
            }
        }
        Ok(stats)
    }
}
