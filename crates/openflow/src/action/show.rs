//! Actions as text, word for word as `ovs-ofctl` writes them.

use std::fmt;
use std::net::IpAddr;

use super::conntrack::{Commit, Conntrack, Nat, NatFlags, NatRange, NatTarget, Zone};
use super::controller::{Controller, PacketReason, Pause};
use super::learn::{Learn, LearnFlags, LearnSource, LearnSpec, LearnTarget};
use super::{Action, ResubmitTuple, SetField, Subfield};
use crate::field::Shown;
use crate::port::Port;
use crate::text::{dotted, hex};

impl fmt::Display for Subfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, offset, bits } = *self;
        let name = field.info().symbol;
        if bits == field.bits() {
            write!(f, "{name}[]")
        } else if bits == 1 {
            write!(f, "{name}[{offset}]")
        } else {
            write!(f, "{name}[{offset}..{}]", offset + bits - 1)
        }
    }
}

impl fmt::Display for SetField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, mask } = *self;
        write!(f, "set_field:{}->{}", Shown { field, value, mask }, field.info().assigned)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(Port::CONTROLLER) => f.write_str("CONTROLLER:65535"),
            Self::Output(port) => match port.name() {
                Some(name) => f.write_str(name),
                None => write!(f, "output:{port}"),
            },
            Self::OutputRegister(source) => write!(f, "output:{source}"),
            Self::OutputTruncated { port, max_len } => {
                write!(f, "output(port={port},max_len={max_len})")
            }
            Self::Controller(controller) => controller.fmt(f),
            Self::SetField(set) => set.fmt(f),
            Self::Move { source, target } => write!(f, "move:{source}->{target}"),
            Self::PushVlan(ethernet) => write!(f, "push_vlan:0x{ethernet:04x}"),
            Self::PopVlan => f.write_str("pop_vlan"),
            Self::SetTtl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
            Self::DecTtl => f.write_str("dec_ttl"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::Meter(meter) => write!(f, "meter:{meter}"),
            Self::SetQueue(queue) => write!(f, "set_queue:{queue}"),
            Self::PopQueue => f.write_str("pop_queue"),
            Self::Resubmit { port: Some(port), table: None, tuple: ResubmitTuple::Current } => {
                write!(f, "resubmit:{port}")
            }
            Self::Resubmit { port, table, tuple } => {
                f.write_str("resubmit(")?;
                if let Some(port) = port {
                    port.fmt(f)?;
                }
                f.write_str(",")?;
                if let Some(table) = table {
                    table.fmt(f)?;
                }
                f.write_str(match tuple {
                    ResubmitTuple::Current => ")",
                    ResubmitTuple::ConntrackOriginal => ",ct)",
                })
            }
            Self::Learn(learn) => learn.fmt(f),
            Self::Conntrack(conntrack) => conntrack.fmt(f),
            Self::ConntrackClear => f.write_str("ct_clear"),
            Self::Nat(nat) => nat.fmt(f),
            Self::Conjunction { id, clause, clauses } => {
                write!(f, "conjunction({id},{clause}/{clauses})")
            }
            Self::Note(bytes) => write!(f, "note:{}", dotted(bytes)),
            Self::Unknown(raw) => write!(f, "unknown({})", hex(raw.bytes())),
        }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return write!(f, "CONTROLLER:{}", self.max_len);
        }
        let mut items = Vec::new();
        if self.reason != PacketReason::Action {
            items.push(format!("reason={}", self.reason.name()));
        }
        if self.max_len != u16::MAX {
            items.push(format!("max_len={}", self.max_len));
        }
        if self.id != 0 {
            items.push(format!("id={}", self.id));
        }
        if !self.userdata.is_empty() {
            items.push(format!("userdata={}", dotted(&self.userdata)));
        }
        if self.pause == Pause::Yes {
            items.push("pause".to_owned());
        }
        if let Some(meter) = self.meter {
            items.push(format!("meter_id={meter}"));
        }
        write!(f, "controller({})", items.join(","))
    }
}

impl fmt::Display for Conntrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = Vec::new();
        match self.commit {
            Commit::No => {}
            Commit::Yes => items.push("commit".to_owned()),
            Commit::Force => items.push("commit,force".to_owned()),
        }
        if let Some(table) = self.table {
            items.push(format!("table={table}"));
        }
        match self.zone {
            Zone::Number(0) => {}
            Zone::Number(number) => items.push(format!("zone={number}")),
            Zone::Register(part) => items.push(format!("zone={part}")),
        }
        // Open vSwitch shows a translation in the first place outside of "exec".
        let rest = match self.actions.split_first() {
            Some((Action::Nat(nat), rest)) => {
                items.push(nat.to_string());
                rest
            }
            _ => &self.actions,
        };
        if !rest.is_empty() {
            let actions: Vec<String> = rest.iter().map(Action::to_string).collect();
            items.push(format!("exec({})", actions.join(",")));
        }
        match self.helper {
            0 => {}
            21 => items.push("alg=ftp".to_owned()),
            69 => items.push("alg=tftp".to_owned()),
            other => items.push(format!("alg={other}")),
        }
        if items.is_empty() { f.write_str("ct") } else { write!(f, "ct({})", items.join(",")) }
    }
}

impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing => f.write_str("nat"),
            Self::New(range) => write!(f, "nat({range})"),
        }
    }
}

impl fmt::Display for NatRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.target {
            NatTarget::Source => "src",
            NatTarget::Destination => "dst",
        })?;
        if self.addresses.is_some() || self.ports.is_some() {
            f.write_str("=")?;
        }
        if let Some((first, last)) = self.addresses {
            let brackets = self.ports.is_some();
            put_address(f, first, brackets)?;
            if let Some(last) = last {
                f.write_str("-")?;
                put_address(f, last, brackets)?;
            }
        }
        if let Some((low, high)) = self.ports {
            write!(f, ":{low}")?;
            if let Some(high) = high {
                write!(f, "-{high}")?;
            }
        }
        for (flag, name) in NAT_FLAGS {
            if self.flags.contains(flag) {
                write!(f, ",{name}")?;
            }
        }
        Ok(())
    }
}

pub(super) const NAT_FLAGS: [(NatFlags, &str); 3] =
    [(NatFlags::PERSISTENT, "persistent"), (NatFlags::HASH, "hash"), (NatFlags::RANDOM, "random")];

/// An IPv6 address stands in brackets where a port follows.
fn put_address(f: &mut fmt::Formatter<'_>, address: IpAddr, brackets: bool) -> fmt::Result {
    match address {
        IpAddr::V6(address) if brackets => write!(f, "[{address}]"),
        address => write!(f, "{address}"),
    }
}

impl fmt::Display for Learn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "learn(table={}", self.table)?;
        for (name, value) in [
            ("idle_timeout", self.idle_timeout),
            ("hard_timeout", self.hard_timeout),
            ("fin_idle_timeout", self.fin_idle_timeout),
            ("fin_hard_timeout", self.fin_hard_timeout),
        ] {
            if value != 0 {
                write!(f, ",{name}={value}")?;
            }
        }
        if self.priority != 0x8000 {
            write!(f, ",priority={}", self.priority)?;
        }
        if self.flags.contains(LearnFlags::SEND_FLOW_REMOVED) {
            f.write_str(",send_flow_rem")?;
        }
        if self.flags.contains(LearnFlags::DELETE_LEARNED) {
            f.write_str(",delete_learned")?;
        }
        if self.cookie != 0 {
            write!(f, ",cookie={:#x}", self.cookie)?;
        }
        if self.limit != 0 {
            write!(f, ",limit={}", self.limit)?;
        }
        if let Some(part) = self.result {
            write!(f, ",result_dst={part}")?;
        }
        for spec in &self.specs {
            write!(f, ",{spec}")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for LearnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hexadecimal = |value: u128| match value {
            0 => "0".to_owned(),
            value => format!("{value:#x}"),
        };
        match (self.source, self.target) {
            (LearnSource::Field(source), LearnTarget::Match(target)) if source == target => {
                write!(f, "{target}")
            }
            (LearnSource::Field(source), LearnTarget::Match(target)) => {
                write!(f, "{target}={source}")
            }
            (LearnSource::Value(value), LearnTarget::Match(target)) => {
                let field = target.field;
                if target == Subfield::whole(field) {
                    let shown = Shown { field, value, mask: field.full() };
                    write!(f, "{}={shown}", field.info().assigned)
                } else {
                    write!(f, "{target}={}", hexadecimal(value))
                }
            }
            (LearnSource::Field(source), LearnTarget::Load(target)) => {
                write!(f, "load:{source}->{target}")
            }
            (LearnSource::Value(value), LearnTarget::Load(target)) => {
                write!(f, "load:{}->{target}", hexadecimal(value))
            }
            (LearnSource::Field(source), LearnTarget::Output) => write!(f, "output:{source}"),
            (LearnSource::Value(value), LearnTarget::Output) => {
                write!(f, "output:{}", hexadecimal(value))
            }
        }
    }
}
