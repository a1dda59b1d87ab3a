//! What flows a bridge should have, in groups of one owner each, so that a change costs what it changes. Pure.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_model::PortId;
use nucleon_openflow::{CookieFilter, Flow, FlowKey, FlowMod, diff};

use crate::flows::COOKIE;
use crate::wiring::Lan;

/// Whose flows a group holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Bridge,
    Patch(String),
    Lan(Lan),
    Port(PortId),
}

/// The flows that one bridge should have, and which of them the switch has not been told of.
///
/// Within a round a flow may pass from one owner to another (an OpenFlow number, a tag or a MAC address that is taken
/// over), in any order. So what goes out is not the list of edits but, for each flow, what it was and what it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    keys: BTreeMap<Owner, BTreeSet<FlowKey>>,
    /// Of several owners' flows with one key, that of the least owner counts.
    flows: BTreeMap<FlowKey, BTreeMap<Owner, Flow>>,
    /// What was there before the edits that have not gone out.
    before: BTreeMap<FlowKey, Option<Flow>>,
}

impl Tables {
    /// Replaces the flows of one owner.
    pub(crate) fn set(&mut self, owner: &Owner, flows: Vec<Flow>) {
        let new: BTreeMap<FlowKey, Flow> =
            flows.into_iter().map(|flow| (flow.key(), flow.canonical())).collect();
        let old = self.keys.remove(owner).unwrap_or_default();
        for key in old.iter().filter(|key| !new.contains_key(*key)) {
            self.note(key);
            if let Some(of_key) = self.flows.get_mut(key) {
                of_key.remove(owner);
                if of_key.is_empty() {
                    self.flows.remove(key);
                }
            }
        }
        if !new.is_empty() {
            self.keys.insert(owner.clone(), new.keys().cloned().collect());
        }
        for (key, flow) in new {
            if self.flows.get(&key).and_then(|of_key| of_key.get(owner)) != Some(&flow) {
                self.note(&key);
                self.flows.entry(key).or_default().insert(owner.clone(), flow);
            }
        }
    }

    fn note(&mut self, key: &FlowKey) {
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), self.desired(key).cloned());
        }
    }

    fn desired(&self, key: &FlowKey) -> Option<&Flow> {
        self.flows.get(key)?.values().next()
    }

    /// Whether there is something that the switch has not been told of.
    pub(crate) fn is_edited(&self) -> bool {
        !self.before.is_empty()
    }

    /// The changes since the last call, deletions first.
    pub(crate) fn take_changes(&mut self) -> Vec<FlowMod> {
        let before = std::mem::take(&mut self.before);
        let (mut gone, mut come) = (Vec::new(), Vec::new());
        for (key, before) in before {
            match self.desired(&key) {
                Some(flow) if before.as_ref() != Some(flow) => {
                    come.push(FlowMod::Add(flow.clone()));
                }
                None if before.is_some() => {
                    let cookie = CookieFilter::exactly(COOKIE);
                    gone.push(FlowMod::DeleteStrict { key, cookie });
                }
                Some(_) | None => {}
            }
        }
        gone.append(&mut come);
        gone
    }

    /// The changes that make what was read from the switch into what should be there, and how many of them nobody had
    /// asked for. Flows of others stay.
    pub(crate) fn repair(&mut self, actual: &[Flow]) -> (Vec<FlowMod>, usize) {
        let asked = std::mem::take(&mut self.before);
        let desired: Vec<Flow> =
            self.flows.values().filter_map(|of_key| of_key.values().next()).cloned().collect();
        let changes = diff(&desired, actual, |cookie| cookie == COOKIE);
        let unasked = |change: &&FlowMod| match change {
            FlowMod::Add(flow) => !asked.contains_key(&flow.key()),
            FlowMod::DeleteStrict { key, .. } => !asked.contains_key(key),
            FlowMod::Modify(_) | FlowMod::ModifyStrict(_) | FlowMod::Delete(_) => true,
        };
        let unasked = changes.iter().filter(unasked).count();
        (changes, unasked)
    }

    pub(crate) fn len(&self) -> usize {
        self.flows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::tests::port_id;

    fn flows(texts: &[&str]) -> Vec<Flow> {
        texts.iter().map(|text| text.parse::<Flow>().unwrap().cookie(COOKIE)).collect()
    }

    fn texts(changes: &[FlowMod]) -> Vec<String> {
        let cookies = [format!("cookie={COOKIE:#x},"), format!("cookie={COOKIE:#x}/-1,")];
        let bare = |change: &FlowMod| {
            cookies.iter().fold(change.to_string(), |text, cookie| text.replace(cookie, ""))
        };
        changes.iter().map(bare).collect()
    }

    #[test]
    fn only_what_differs_is_changed() {
        let mut tables = Tables::default();
        let first = flows(&["table=0,in_port=1 actions=drop", "table=0,in_port=2 actions=drop"]);
        tables.set(&Owner::Bridge, first.clone());
        assert_eq!(tables.take_changes().len(), 2);
        tables.set(&Owner::Bridge, first);
        assert!(!tables.is_edited());
        let second = flows(&["table=0,in_port=2 actions=drop", "table=0,in_port=3 actions=drop"]);
        tables.set(&Owner::Bridge, second);
        let changes = tables.take_changes();
        assert!(matches!(changes.as_slice(), [FlowMod::DeleteStrict { .. }, FlowMod::Add(_)]));
        assert_eq!(tables.repair(&[]).0.len(), 2);
    }

    #[test]
    fn a_flow_that_passes_to_another_owner_is_not_lost_in_either_order() {
        for order in [[1, 2], [2, 1]] {
            let mut tables = Tables::default();
            let old = flows(&["table=0,in_port=5 actions=output:1"]);
            let new = flows(&["table=0,in_port=5 actions=output:2"]);
            tables.set(&Owner::Port(port_id(1)), old.clone());
            tables.take_changes();
            for number in order {
                let flows = if number == 1 { Vec::new() } else { new.clone() };
                tables.set(&Owner::Port(port_id(number)), flows);
            }
            assert_eq!(
                texts(&tables.take_changes()),
                ["add table=0,priority=32768,in_port=5 actions=output:2"],
                "{order:?}"
            );
        }
    }

    #[test]
    fn an_edit_that_is_taken_back_changes_nothing() {
        let mut tables = Tables::default();
        tables.set(&Owner::Bridge, flows(&["table=0,in_port=1 actions=drop"]));
        tables.take_changes();
        tables.set(&Owner::Bridge, Vec::new());
        tables.set(&Owner::Bridge, flows(&["table=0,in_port=1 actions=drop"]));
        assert!(tables.is_edited());
        assert!(tables.take_changes().is_empty());
    }

    #[test]
    fn a_switch_that_is_right_needs_no_repair() {
        let mut tables = Tables::default();
        let wanted = flows(&["table=60,dl_vlan=1 actions=pop_vlan,output:5"]);
        tables.set(&Owner::Bridge, wanted.clone());
        assert_eq!(tables.repair(&wanted), (Vec::new(), 0));
        assert_eq!(tables.repair(&[]).1, 1, "somebody took it away");
        let foreign: Vec<Flow> = vec!["cookie=0x5,table=3 actions=drop".parse().unwrap()];
        assert!(tables.repair(&[wanted, foreign].concat()).0.is_empty());
    }

    #[test]
    fn what_was_asked_for_is_no_repair() {
        let mut tables = Tables::default();
        tables.set(&Owner::Bridge, flows(&["table=0,in_port=1 actions=drop"]));
        let strange = flows(&["table=0,in_port=9 actions=output:1"]);
        let (changes, unasked) = tables.repair(&strange);
        assert_eq!((changes.len(), unasked), (2, 1));
    }
}
