//! Flows from text.

use std::str::FromStr;

use crate::Action;
use crate::flow::show::FLAGS;
use crate::flow::{Flow, FlowFlags};
use crate::instruction::{ActionSet, Instructions, RawInstruction, WriteMetadata};
use crate::text::{ParseError, head_and_argument, integer, split_list, unhex};
use crate::wire::Reader;

impl FromStr for Flow {
    type Err = ParseError;

    /// Reads what `ovs-ofctl add-flow` reads and what `dump-flows` prints (without counters).
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (head, actions) =
            text.split_once("actions=").ok_or_else(|| ParseError::new("flow", text))?;
        let mut flow = Self::new(0, 0x8000);
        let mut matches = Vec::new();
        for item in head.split_whitespace().flat_map(split_list) {
            match item.split_once('=') {
                Some(("cookie", value)) => flow.cookie = integer("cookie", value)?,
                Some(("table", value)) => flow.table = integer("table", value)?,
                Some(("priority", value)) => flow.priority = integer("priority", value)?,
                Some(("idle_timeout", value)) => flow.idle_timeout = integer("timeout", value)?,
                Some(("hard_timeout", value)) => flow.hard_timeout = integer("timeout", value)?,
                Some(("importance", value)) => flow.importance = integer("importance", value)?,
                Some(("flags", value)) => {
                    flow.flags = flow.flags.with(FlowFlags(integer("flags", value)?));
                }
                Some(("duration" | "n_packets" | "n_bytes" | "idle_age" | "hard_age", _)) => {}
                _ => match flag(item) {
                    Some(flag) => flow.flags = flow.flags.with(flag),
                    None => matches.push(item),
                },
            }
        }
        flow.matches = matches.join(",").parse()?;
        flow.instructions = actions.trim().parse()?;
        Ok(flow)
    }
}

fn flag(item: &str) -> Option<FlowFlags> {
    FLAGS.iter().find(|(_, name)| *name == item).map(|(flag, _)| *flag)
}

impl FromStr for Instructions {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut found = Self::default();
        for item in split_list(text) {
            let (name, argument) = head_and_argument(item);
            match (name, argument) {
                ("drop", None) => {}
                ("clear_actions", None) => found.clear = ActionSet::Clear,
                ("goto_table", Some(table)) => {
                    found.goto_table = Some(integer("table", table)?);
                }
                ("write_actions", Some(list)) => found.write = Action::parse_list(list)?,
                ("write_metadata", Some(value)) => {
                    let (value, mask) = match value.split_once('/') {
                        Some((value, mask)) => (value, integer("metadata", mask)?),
                        None => (value, u64::MAX),
                    };
                    let value = integer("metadata", value)?;
                    found.metadata = Some(WriteMetadata { value, mask });
                }
                ("unknown_instruction", Some(bytes)) => {
                    found.unknown.extend(parse_unknown(bytes)?);
                }
                _ => found.apply.push(item.parse()?),
            }
        }
        Ok(found)
    }
}

fn parse_unknown(text: &str) -> Result<Vec<RawInstruction>, ParseError> {
    let invalid = || ParseError::new("unknown instruction", text);
    let bytes = unhex("unknown instruction", text)?;
    let found = Instructions::decode(&mut Reader::new("instruction", &bytes));
    let found = found.map_err(|_| invalid())?;
    let known = Instructions { unknown: Vec::new(), ..found.clone() } != Instructions::default();
    if known { Err(invalid()) } else { Ok(found.unknown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_read_as_they_are_written() {
        for text in [
            "table=0,priority=3,in_port=2,dl_vlan=101 actions=set_field:4097->vlan_vid,resubmit(,60)",
            "table=0,priority=2,in_port=2 actions=drop",
            "cookie=0x1234,table=24,idle_timeout=5,hard_timeout=6,importance=7,send_flow_rem,priority=1,sctp,tp_src=5 actions=ct(commit,nat(dst=10.0.0.1:80)),ct(nat)",
            "table=19,priority=32768,ip actions=clear_actions,write_actions(output:3),write_metadata:0x5/0xff,goto_table:20",
        ] {
            assert_eq!(text.parse::<Flow>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_form_of_a_dump_is_read_too() {
        let dumped = " cookie=0x0, duration=0.233s, table=0, n_packets=0, n_bytes=0, idle_age=0, \
                      priority=2,in_port=2 actions=drop";
        let flow: Flow = dumped.parse().unwrap();
        assert_eq!(flow.to_string(), "table=0,priority=2,in_port=2 actions=drop");
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_text() {
        for text in
            ["", "table=0", "table=256,actions=drop", "nonsense=1,actions=drop", "actions=fly"]
        {
            assert!(text.parse::<Flow>().is_err(), "{text}");
        }
    }
}
