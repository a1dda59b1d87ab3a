//! Flows: what a table holds, and the changes to it.

mod parse;
mod show;

use crate::instruction::Instructions;
use crate::matches::Match;
use crate::{Action, Port};

/// What the switch tells flows apart by: two flows with one key are one flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    pub table: u8,
    pub priority: u16,
    pub matches: Match,
}

/// OFPFF_*, OpenFlow 1.5.1, 7.3.4.3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowFlags(pub u16);

impl FlowFlags {
    pub const NONE: Self = Self(0);
    pub const SEND_FLOW_REMOVED: Self = Self(1);
    pub const CHECK_OVERLAP: Self = Self(2);
    pub const RESET_COUNTS: Self = Self(4);
    pub const NO_PACKET_COUNTS: Self = Self(8);
    pub const NO_BYTE_COUNTS: Self = Self(16);

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    pub table: u8,
    pub priority: u16,
    pub matches: Match,
    pub cookie: u64,
    /// Seconds without packets after which the flow goes; 0 is never.
    pub idle_timeout: u16,
    /// Seconds after which the flow goes; 0 is never.
    pub hard_timeout: u16,
    pub importance: u16,
    pub flags: FlowFlags,
    pub instructions: Instructions,
}

impl Flow {
    /// A flow without a match and without actions: it drops everything.
    pub fn new(table: u8, priority: u16) -> Self {
        Self {
            table,
            priority,
            matches: Match::new(),
            cookie: 0,
            idle_timeout: 0,
            hard_timeout: 0,
            importance: 0,
            flags: FlowFlags::NONE,
            instructions: Instructions::default(),
        }
    }

    #[must_use]
    pub fn matching(self, matches: Match) -> Self {
        Self { matches, ..self }
    }

    #[must_use]
    pub fn cookie(self, cookie: u64) -> Self {
        Self { cookie, ..self }
    }

    /// Does `actions` at once, after those that are there.
    #[must_use]
    pub fn actions(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.instructions.apply.extend(actions);
        self
    }

    #[must_use]
    pub fn goto_table(mut self, table: u8) -> Self {
        self.instructions.goto_table = Some(table);
        self
    }

    pub fn key(&self) -> FlowKey {
        FlowKey { table: self.table, priority: self.priority, matches: self.matches.clone() }
    }

    /// The form in which the switch gives the flow back: equal flows are equal values.
    #[must_use]
    pub fn canonical(&self) -> Self {
        // These two say how to add the flow and do not stay with it.
        let transient = FlowFlags::CHECK_OVERLAP.0 | FlowFlags::RESET_COUNTS.0;
        Self {
            flags: FlowFlags(self.flags.0 & !transient),
            instructions: self.instructions.canonical(),
            ..self.clone()
        }
    }
}

/// Which cookies are meant: those that are `value` in the bits of `mask`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CookieFilter {
    pub value: u64,
    pub mask: u64,
}

impl CookieFilter {
    pub const ANY: Self = Self { value: 0, mask: 0 };

    pub const fn exactly(value: u64) -> Self {
        Self { value, mask: u64::MAX }
    }

    pub const fn contains(self, cookie: u64) -> bool {
        cookie & self.mask == self.value & self.mask
    }
}

/// Which flows are meant, loosely: all that are at least as narrow as the match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowFilter {
    pub table: Option<u8>,
    pub cookie: CookieFilter,
    pub matches: Match,
    pub out_port: Port,
}

impl Default for FlowFilter {
    fn default() -> Self {
        Self { table: None, cookie: CookieFilter::ANY, matches: Match::new(), out_port: Port::ANY }
    }
}

impl FlowFilter {
    pub fn all() -> Self {
        Self::default()
    }

    pub fn cookie(cookie: CookieFilter) -> Self {
        Self { cookie, ..Self::default() }
    }

    pub fn table(table: u8) -> Self {
        Self { table: Some(table), ..Self::default() }
    }
}

/// One change of the flow tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowMod {
    /// Adds the flow, in place of the one with its key. The packet counters of that one stay.
    Add(Flow),
    /// Gives all flows that the flow's match contains its actions; adds nothing.
    Modify(Flow),
    /// Gives the flow with this key these actions; its cookie and timeouts stay. Adds nothing.
    ModifyStrict(Flow),
    Delete(FlowFilter),
    /// Deletes the flow with this key, if its cookie is one of those.
    DeleteStrict {
        key: FlowKey,
        cookie: CookieFilter,
    },
}
