//! What to change so that a table holds what it should.

use std::collections::BTreeMap;

use crate::flow::{CookieFilter, Flow, FlowKey, FlowMod};

/// The changes that make `actual` into `desired`: deletions first, then additions, each in the
/// order of their keys.
///
/// Only flows whose cookie is `ours` are deleted. A flow that is there with other actions, cookie or
/// timeouts is added over: that heals also when it has just gone, keeps its counters, and sets its
/// cookie, none of which a modification does (OpenFlow 1.5.1, 6.4). Of two desired flows with one
/// key the later one counts, as it would on the switch.
pub fn diff(desired: &[Flow], actual: &[Flow], ours: impl Fn(u64) -> bool) -> Vec<FlowMod> {
    let desired: BTreeMap<FlowKey, Flow> =
        desired.iter().map(|flow| (flow.key(), flow.canonical())).collect();
    let actual: BTreeMap<FlowKey, Flow> =
        actual.iter().map(|flow| (flow.key(), flow.canonical())).collect();
    let deletions = actual
        .iter()
        .filter(|(key, flow)| !desired.contains_key(key) && ours(flow.cookie))
        .map(|(key, flow)| FlowMod::DeleteStrict {
            key: key.clone(),
            cookie: CookieFilter::exactly(flow.cookie),
        });
    let additions = desired
        .iter()
        .filter(|(key, flow)| actual.get(key) != Some(flow))
        .map(|(_, flow)| FlowMod::Add(flow.clone()));
    deletions.chain(additions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(texts: &[&str]) -> Vec<Flow> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn changes(desired: &[&str], actual: &[&str]) -> Vec<String> {
        let ours = |cookie| cookie == 0xa;
        diff(&flows(desired), &flows(actual), ours).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let one = "cookie=0xa,table=0,priority=1,in_port=1 actions=load:1->NXM_NX_REG5[]";
        let same = "cookie=0xa,table=0,priority=1,in_port=1 actions=set_field:0x1->reg5";
        assert!(changes(&[one], &[same]).is_empty());
    }

    #[test]
    fn flows_are_added_replaced_and_deleted() {
        let changes = changes(
            &["cookie=0xa,table=1,priority=1 actions=output:2", "cookie=0xa,table=2 actions=drop"],
            &["cookie=0xa,table=1,priority=1 actions=output:1", "cookie=0xa,table=3 actions=drop"],
        );
        assert_eq!(
            changes,
            [
                "delete_strict cookie=0xa/-1,table=3,priority=32768",
                "add cookie=0xa,table=1,priority=1 actions=output:2",
                "add cookie=0xa,table=2,priority=32768 actions=drop",
            ]
        );
    }

    #[test]
    fn flows_of_others_stay() {
        assert!(changes(&[], &["cookie=0xb,table=1 actions=drop"]).is_empty());
    }

    #[test]
    fn a_flow_of_others_in_our_place_becomes_ours() {
        let changes = changes(
            &["cookie=0xa,table=1,priority=1 actions=drop"],
            &["cookie=0xb,table=1,priority=1 actions=drop"],
        );
        assert_eq!(changes, ["add cookie=0xa,table=1,priority=1 actions=drop"]);
    }
}
