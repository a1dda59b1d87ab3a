//! Actions from text.

use std::net::IpAddr;
use std::str::FromStr;

use super::codec::decode_list;
use super::conntrack::{Commit, Conntrack, Nat, NatFlags, NatRange, NatTarget, Zone};
use super::controller::{Controller, PacketReason, Pause};
use super::learn::{Learn, LearnFlags, LearnSource, LearnSpec, LearnTarget};
use super::show::NAT_FLAGS;
use super::{Action, ResubmitTuple, SetField, Subfield};
use crate::field::{self, Field};
use crate::port::Port;
use crate::text::{ParseError, head_and_argument, integer, number, split_list, undotted, unhex};
use crate::wire::Reader;

impl FromStr for Subfield {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let invalid = || ParseError::new("part of a field", text);
        let (name, range) =
            text.strip_suffix(']').and_then(|text| text.split_once('[')).unwrap_or((text, ""));
        let field = Field::named(name).ok_or_else(invalid)?;
        if range.is_empty() {
            return Ok(Self::whole(field));
        }
        let (first, last) = range.split_once("..").unwrap_or((range, range));
        let (first, last): (u16, u16) = (integer("bit", first)?, integer("bit", last)?);
        let bits = last.checked_sub(first).and_then(|bits| bits.checked_add(1));
        bits.and_then(|bits| Self::new(field, first, bits)).ok_or_else(invalid)
    }
}

impl Action {
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, ParseError> {
        split_list(text).into_iter().map(str::parse).collect()
    }
}

impl FromStr for Action {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let invalid = || ParseError::new("action", text);
        let (name, argument) = head_and_argument(text);
        let Some(argument) = argument else {
            return Ok(match name {
                "pop_vlan" | "strip_vlan" => Self::PopVlan,
                "dec_ttl" => Self::DecTtl,
                "pop_queue" => Self::PopQueue,
                "ct_clear" => Self::ConntrackClear,
                "ct" => Self::Conntrack(Box::default()),
                "nat" => Self::Nat(Nat::Existing),
                "controller" | "CONTROLLER" => Self::Controller(Controller::default()),
                _ => Self::Output(name.parse().map_err(|_| invalid())?),
            });
        };
        Ok(match name {
            "output" if text.contains('(') => parse_truncated(argument)?,
            "output" => match argument.parse() {
                Ok(Port::CONTROLLER) => Self::Controller(Controller::default()),
                Ok(port) => Self::Output(port),
                Err(_) => Self::OutputRegister(argument.parse()?),
            },
            "CONTROLLER" => Self::Controller(Controller {
                max_len: integer("length", argument)?,
                ..Controller::default()
            }),
            "controller" => Self::Controller(parse_controller(argument)?),
            "set_field" => {
                let (value, name) = argument.split_once("->").ok_or_else(invalid)?;
                let field = Field::named(name).ok_or_else(invalid)?;
                let (value, mask) = field::parse(field, value)?;
                Self::SetField(SetField { field, value, mask })
            }
            "load" => {
                let (value, target) = argument.split_once("->").ok_or_else(invalid)?;
                let target: Subfield = target.parse()?;
                let value = number("value", value)?;
                if value.checked_shr(u32::from(target.bits)).unwrap_or(0) != 0 {
                    return Err(invalid());
                }
                Self::load(value, target)
            }
            "move" => {
                let (source, target) = argument.split_once("->").ok_or_else(invalid)?;
                let (source, target): (Subfield, Subfield) = (source.parse()?, target.parse()?);
                if source.bits != target.bits {
                    return Err(invalid());
                }
                Self::Move { source, target }
            }
            "push_vlan" => Self::PushVlan(integer("Ethernet type", argument)?),
            "mod_nw_ttl" => Self::SetTtl(integer("TTL", argument)?),
            "group" => Self::Group(integer("group", argument)?),
            "meter" => Self::Meter(integer("meter", argument)?),
            "set_queue" => Self::SetQueue(integer("queue", argument)?),
            "resubmit" => parse_resubmit(text, argument)?,
            "learn" => Self::Learn(Box::new(parse_learn(argument)?)),
            "ct" => Self::Conntrack(Box::new(parse_conntrack(argument)?)),
            "nat" => Self::Nat(parse_nat(argument)?),
            "conjunction" => {
                let (id, clause) = argument.split_once(',').ok_or_else(invalid)?;
                let (clause, clauses) = clause.split_once('/').ok_or_else(invalid)?;
                let id = integer("conjunction", id.trim())?;
                let clause = integer("clause", clause.trim())?;
                Self::Conjunction { id, clause, clauses: integer("clauses", clauses)? }
            }
            "note" => Self::Note(undotted("note", argument)?),
            "unknown" => {
                // What is known after all becomes what it is.
                let bytes = unhex("action", argument)?;
                let mut reader = Reader::new("action", &bytes);
                let mut actions = decode_list(&mut reader, 0).map_err(|_| invalid())?;
                match (actions.pop(), actions.is_empty()) {
                    (Some(action), true) => action,
                    _ => return Err(invalid()),
                }
            }
            _ => return Err(invalid()),
        })
    }
}

fn parse_truncated(text: &str) -> Result<Action, ParseError> {
    let invalid = || ParseError::new("output", text);
    let (mut port, mut max_len) = (None, None);
    for item in split_list(text) {
        match item.split_once('=') {
            Some(("port", value)) => port = Some(value.parse()?),
            Some(("max_len", value)) => max_len = Some(integer("length", value)?),
            _ => return Err(invalid()),
        }
    }
    let (port, max_len) = port.zip(max_len).ok_or_else(invalid)?;
    Ok(Action::OutputTruncated { port, max_len })
}

fn parse_resubmit(text: &str, argument: &str) -> Result<Action, ParseError> {
    let mut items = argument.split(',').map(str::trim);
    let port = match items.next() {
        None | Some("") => None,
        Some(port) => Some(port.parse()?).filter(|port| *port != Port::IN_PORT),
    };
    let table = match items.next() {
        None | Some("") => None,
        Some(table) => Some(integer("table", table)?).filter(|table| *table != 0xff),
    };
    let tuple = match items.next() {
        None => ResubmitTuple::Current,
        Some("ct") => ResubmitTuple::ConntrackOriginal,
        Some(_) => return Err(ParseError::new("resubmit", text)),
    };
    Ok(Action::Resubmit { port, table, tuple })
}

fn parse_controller(text: &str) -> Result<Controller, ParseError> {
    let mut found = Controller::default();
    for item in split_list(text) {
        match (item, item.split_once('=')) {
            ("pause", _) => found.pause = Pause::Yes,
            (_, Some(("max_len", value))) => found.max_len = integer("length", value)?,
            (_, Some(("id", value))) => found.id = integer("controller", value)?,
            (_, Some(("reason", value))) => {
                found.reason = PacketReason::from_name(value)
                    .ok_or_else(|| ParseError::new("reason", value))?;
            }
            (_, Some(("userdata", value))) => found.userdata = undotted("user data", value)?,
            (_, Some(("meter_id", value))) => found.meter = Some(integer("meter", value)?),
            _ => return Err(ParseError::new("controller action", item)),
        }
    }
    Ok(found)
}

fn parse_conntrack(text: &str) -> Result<Conntrack, ParseError> {
    let mut found = Conntrack::default();
    let mut executed = Vec::new();
    for item in split_list(text) {
        match head_and_argument(item) {
            ("commit", None) if found.commit == Commit::No => found.commit = Commit::Yes,
            ("commit", None) => {}
            ("force", None) => found.commit = Commit::Force,
            ("table", Some(table)) => found.table = Some(integer("table", table)?),
            ("zone", Some(zone)) => {
                found.zone = match integer("zone", zone) {
                    Ok(number) => Zone::Number(number),
                    Err(_) => Zone::Register(zone.parse()?),
                };
            }
            ("nat", None) => found.actions.push(Action::Nat(Nat::Existing)),
            ("nat", Some(argument)) => found.actions.push(Action::Nat(parse_nat(argument)?)),
            ("exec", Some(list)) => executed = Action::parse_list(list)?,
            ("alg", Some("ftp")) => found.helper = 21,
            ("alg", Some("tftp")) => found.helper = 69,
            ("alg", Some(port)) => found.helper = integer("helper", port)?,
            _ => return Err(ParseError::new("ct action", item)),
        }
    }
    found.actions.extend(executed);
    Ok(found)
}

fn parse_nat(text: &str) -> Result<Nat, ParseError> {
    let invalid = || ParseError::new("nat action", text);
    let mut items = split_list(text).into_iter();
    let (name, range) = match items.next().map(|item| item.split_once('=').ok_or(item)) {
        Some(Ok((name, range))) => (name, Some(range)),
        Some(Err(name)) => (name, None),
        None => return Ok(Nat::Existing),
    };
    let target = match name {
        "src" => NatTarget::Source,
        "dst" => NatTarget::Destination,
        _ => return Err(invalid()),
    };
    let (addresses, ports) = match range {
        Some(range) => parse_range(range).ok_or_else(invalid)?,
        None => (None, None),
    };
    let mut flags = NatFlags::NONE;
    for item in items {
        let flag = NAT_FLAGS.iter().find(|(_, name)| *name == item).ok_or_else(invalid)?;
        flags = flags.with(flag.0);
    }
    Ok(Nat::New(NatRange { target, addresses, ports, flags }))
}

type Addresses = Option<(IpAddr, Option<IpAddr>)>;
type Ports = Option<(u16, Option<u16>)>;

/// `10.0.0.1-10.0.0.9:80-90`, `[2001:db8::1]:80`, `2001:db8::1`, `:80`.
fn parse_range(text: &str) -> Option<(Addresses, Ports)> {
    let (addresses, ports) = if text.contains(']') {
        let at = text.rfind(']')? + 1;
        let (addresses, ports) = text.split_at_checked(at)?;
        (addresses, ports.strip_prefix(':'))
    } else if text.matches(':').count() > 1 {
        (text, None)
    } else {
        match text.split_once(':') {
            Some((addresses, ports)) => (addresses, Some(ports)),
            None => (text, None),
        }
    };
    let address = |text: &str| text.trim_matches(['[', ']']).parse().ok();
    let addresses = match addresses {
        "" => None,
        _ => Some(pair(addresses, address)?),
    };
    let ports = match ports {
        Some(ports) => Some(pair(ports, |text| text.parse().ok())?),
        None => None,
    };
    Some((addresses, ports))
}

fn pair<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<(T, Option<T>)> {
    match text.split_once('-') {
        Some((first, last)) => Some((parse(first)?, Some(parse(last)?))),
        None => Some((parse(text)?, None)),
    }
}

fn parse_learn(text: &str) -> Result<Learn, ParseError> {
    let mut found = Learn::default();
    for item in split_list(text) {
        match (item, item.split_once('=')) {
            (_, Some(("table", value))) => found.table = integer("table", value)?,
            (_, Some(("priority", value))) => found.priority = integer("priority", value)?,
            (_, Some(("idle_timeout", value))) => found.idle_timeout = integer("timeout", value)?,
            (_, Some(("hard_timeout", value))) => found.hard_timeout = integer("timeout", value)?,
            (_, Some(("fin_idle_timeout", value))) => {
                found.fin_idle_timeout = integer("timeout", value)?;
            }
            (_, Some(("fin_hard_timeout", value))) => {
                found.fin_hard_timeout = integer("timeout", value)?;
            }
            (_, Some(("cookie", value))) => found.cookie = integer("cookie", value)?,
            (_, Some(("limit", value))) => found.limit = integer("limit", value)?,
            (_, Some(("result_dst", value))) => found.result = Some(value.parse()?),
            ("send_flow_rem", _) => {
                found.flags = found.flags.with(LearnFlags::SEND_FLOW_REMOVED);
            }
            ("delete_learned", _) => found.flags = found.flags.with(LearnFlags::DELETE_LEARNED),
            _ => found.specs.push(item.parse()?),
        }
    }
    Ok(found)
}

impl FromStr for LearnSpec {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let invalid = || ParseError::new("part of a learned flow", text);
        if let Some(source) = text.strip_prefix("output:") {
            return Self::output(source.parse()?).ok_or_else(invalid);
        }
        if let Some(load) = text.strip_prefix("load:") {
            let (source, target) = load.split_once("->").ok_or_else(invalid)?;
            let source = match number("value", source) {
                Ok(value) => LearnSource::Value(value),
                Err(_) => LearnSource::Field(source.parse()?),
            };
            return Self::load(source, target.parse()?).ok_or_else(invalid);
        }
        let Some((target, source)) = text.split_once('=') else {
            let part: Subfield = text.parse()?;
            return Self::matching(part, part).ok_or_else(invalid);
        };
        let target: Subfield = target.parse()?;
        if let Ok(source) = source.parse() {
            return Self::matching(target, source).ok_or_else(invalid);
        }
        let value = if target == Subfield::whole(target.field) {
            field::parse(target.field, source)?.0
        } else {
            number("value", source)?
        };
        Self::new(LearnSource::Value(value), LearnTarget::Match(target)).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_read_as_they_are_written() {
        for text in [
            "output:5",
            "IN_PORT",
            "NORMAL",
            "CONTROLLER:128",
            "controller(id=3,userdata=01.02.03,pause)",
            "output:NXM_NX_REG7[]",
            "output(port=3,max_len=100)",
            "set_field:4097->vlan_vid",
            "set_field:0x3/0xff->reg5",
            "set_field:fa:16:3e:00:00:01->eth_src",
            "set_field:10.0.0.1->arp_spa",
            "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
            "push_vlan:0x8100",
            "resubmit(,60)",
            "resubmit:5",
            "resubmit(3,4,ct)",
            "ct",
            "ct(commit,force,table=3,zone=NXM_NX_REG6[0..15],nat(src=1.1.1.1-1.1.1.2:10-20,random),exec(set_field:0x1->ct_mark),alg=ftp)",
            "ct(table=4,zone=7,nat(dst=[2001:db8::1]:5-6,persistent,hash))",
            "conjunction(10,1/2)",
            "note:01.02.03.00.00.00",
            "learn(table=20,hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],load:NXM_NX_TUN_IPV4_SRC[]->NXM_NX_TUN_IPV4_DST[],output:OXM_OF_IN_PORT[])",
            "learn(table=20,priority=1,cookie=0x5,limit=5,result_dst=NXM_NX_REG0[0],eth_type=0x800,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
        ] {
            assert_eq!(text.parse::<Action>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn older_words_mean_the_same() {
        assert_eq!("strip_vlan".parse(), Ok(Action::PopVlan));
        assert_eq!("in_port".parse(), Ok(Action::Output(Port::IN_PORT)));
        let load: Action = "load:0x2->NXM_OF_ARP_OP[]".parse().unwrap();
        assert_eq!(load.to_string(), "set_field:2->arp_op");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["fly", "output:", "load:5->NXM_NX_REG0[0..1]", "ct(what)", "resubmit(,60,cd)"]
        {
            assert!(text.parse::<Action>().is_err(), "{text}");
        }
    }
}
