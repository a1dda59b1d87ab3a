//! Flows as text that `ovs-ofctl add-flow` reads.

use std::fmt;

use crate::flow::{CookieFilter, Flow, FlowFilter, FlowFlags, FlowKey, FlowMod};
use crate::instruction::{ActionSet, Instructions};
use crate::matches::Match;
use crate::text::hex;
use crate::{Action, Port};

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cookie != 0 {
            write!(f, "cookie={:#x},", self.cookie)?;
        }
        write!(f, "table={},", self.table)?;
        for (name, value) in [
            ("idle_timeout", self.idle_timeout),
            ("hard_timeout", self.hard_timeout),
            ("importance", self.importance),
        ] {
            if value != 0 {
                write!(f, "{name}={value},")?;
            }
        }
        for (flag, name) in FLAGS {
            if self.flags.contains(flag) {
                write!(f, "{name},")?;
            }
        }
        let unnamed = FLAGS.iter().fold(self.flags.0, |left, (flag, _)| left & !flag.0);
        if unnamed != 0 {
            write!(f, "flags={unnamed:#x},")?;
        }
        write!(f, "priority={}", self.priority)?;
        put_match(f, &self.matches)?;
        write!(f, " actions={}", self.instructions)
    }
}

pub(super) const FLAGS: [(FlowFlags, &str); 5] = [
    (FlowFlags::SEND_FLOW_REMOVED, "send_flow_rem"),
    (FlowFlags::CHECK_OVERLAP, "check_overlap"),
    (FlowFlags::RESET_COUNTS, "reset_counts"),
    (FlowFlags::NO_PACKET_COUNTS, "no_packet_counts"),
    (FlowFlags::NO_BYTE_COUNTS, "no_byte_counts"),
];

fn put_match(f: &mut fmt::Formatter<'_>, matches: &Match) -> fmt::Result {
    if matches.is_empty() { Ok(()) } else { write!(f, ",{matches}") }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table={},priority={}", self.table, self.priority)?;
        put_match(f, &self.matches)
    }
}

impl fmt::Display for CookieFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mask {
            u64::MAX => write!(f, "cookie={:#x}/-1", self.value),
            mask => write!(f, "cookie={:#x}/{mask:#x}", self.value),
        }
    }
}

impl fmt::Display for FlowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cookie)?;
        if let Some(table) = self.table {
            write!(f, ",table={table}")?;
        }
        if self.out_port != Port::ANY {
            write!(f, ",out_port={}", self.out_port)?;
        }
        put_match(f, &self.matches)
    }
}

impl fmt::Display for FlowMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(flow) => write!(f, "add {flow}"),
            Self::Modify(flow) => write!(f, "modify {flow}"),
            Self::ModifyStrict(flow) => write!(f, "modify_strict {flow}"),
            Self::Delete(filter) => write!(f, "delete {filter}"),
            Self::DeleteStrict { key, cookie } => write!(f, "delete_strict {cookie},{key}"),
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items: Vec<String> = self.apply.iter().map(Action::to_string).collect();
        if self.clear == ActionSet::Clear {
            items.push("clear_actions".to_owned());
        }
        if !self.write.is_empty() {
            let written: Vec<String> = self.write.iter().map(Action::to_string).collect();
            items.push(format!("write_actions({})", written.join(",")));
        }
        match self.metadata {
            Some(write) if write.mask == u64::MAX => {
                items.push(format!("write_metadata:{:#x}", write.value));
            }
            Some(write) => {
                items.push(format!("write_metadata:{:#x}/{:#x}", write.value, write.mask));
            }
            None => {}
        }
        if let Some(table) = self.goto_table {
            items.push(format!("goto_table:{table}"));
        }
        for raw in &self.unknown {
            items.push(format!("unknown_instruction({})", hex(raw.bytes())));
        }
        if items.is_empty() { f.write_str("drop") } else { f.write_str(&items.join(",")) }
    }
}
