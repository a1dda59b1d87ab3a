//! What flows a bridge should have, in groups of one owner each, so that a change costs what it changes. Pure.

use std::collections::BTreeMap;

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

/// The flows that one bridge should have. No two groups have a flow with the same key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    groups: BTreeMap<Owner, BTreeMap<FlowKey, Flow>>,
}

impl Tables {
    /// Replaces the flows of one owner; gives the changes that carry it out, deletions first.
    pub(crate) fn set(&mut self, owner: Owner, flows: Vec<Flow>) -> Vec<FlowMod> {
        let new: BTreeMap<FlowKey, Flow> =
            flows.into_iter().map(|flow| (flow.key(), flow.canonical())).collect();
        let old = self.groups.remove(&owner).unwrap_or_default();
        let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| {
            FlowMod::DeleteStrict { key: key.clone(), cookie: CookieFilter::exactly(COOKIE) }
        });
        let come = new.iter().filter(|(key, flow)| old.get(*key) != Some(flow));
        let changes = gone.chain(come.map(|(_, flow)| FlowMod::Add(flow.clone()))).collect();
        if !new.is_empty() {
            self.groups.insert(owner, new);
        }
        changes
    }

    /// The changes that make what was read from the switch into what should be there. Flows of others stay.
    pub(crate) fn repair(&self, actual: &[Flow]) -> Vec<FlowMod> {
        let desired: Vec<Flow> = self.groups.values().flat_map(BTreeMap::values).cloned().collect();
        diff(&desired, actual, |cookie| cookie == COOKIE)
    }

    /// Which ports have flows here.
    pub(crate) fn ports(&self) -> impl Iterator<Item = PortId> + '_ {
        self.groups.keys().filter_map(|owner| match owner {
            Owner::Port(id) => Some(*id),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(texts: &[&str]) -> Vec<Flow> {
        texts.iter().map(|text| text.parse::<Flow>().unwrap().cookie(COOKIE)).collect()
    }

    #[test]
    fn only_what_differs_is_changed() {
        let mut tables = Tables::default();
        let first = flows(&["table=0,in_port=1 actions=drop", "table=0,in_port=2 actions=drop"]);
        assert_eq!(tables.set(Owner::Bridge, first.clone()).len(), 2);
        assert!(tables.set(Owner::Bridge, first.clone()).is_empty());
        let second = flows(&["table=0,in_port=2 actions=drop", "table=0,in_port=3 actions=drop"]);
        let changes = tables.set(Owner::Bridge, second);
        assert!(matches!(changes.as_slice(), [FlowMod::DeleteStrict { .. }, FlowMod::Add(_)]));
        assert_eq!(tables.repair(&[]).len(), 2);
    }

    #[test]
    fn a_switch_that_is_right_needs_no_repair() {
        let mut tables = Tables::default();
        let wanted = flows(&["table=60,dl_vlan=1 actions=pop_vlan,output:5"]);
        tables.set(Owner::Bridge, wanted.clone());
        assert!(tables.repair(&wanted).is_empty());
        assert_eq!(tables.repair(&[]).len(), 1);
        let foreign: Vec<Flow> = vec!["cookie=0x5,table=3 actions=drop".parse().unwrap()];
        assert!(tables.repair(&[wanted, foreign].concat()).is_empty());
    }
}
