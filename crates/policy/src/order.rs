//! What refers to what: cycles, depth, and the parents that a rule asks for through others.

use std::collections::{HashMap, VecDeque};

use crate::node::{Findings, RuleId};
use crate::problem::Wrong;
use crate::target::Parents;

/// How deep an evaluation may go, over all the rules that a rule refers to.
const MAX_TOTAL_DEPTH: usize = 256;

/// What is known of a rule once those that it refers to are known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub parents: Parents,
    pub wrong: Option<Wrong>,
    depth: usize,
}

/// Looks at all rules, in an order in which each comes after those that it refers to. `name` is asked for the words of
/// a problem.
pub(crate) fn order(findings: &[&Findings], name: impl Fn(RuleId) -> String) -> Vec<Known> {
    let mut known = vec![None; findings.len()];
    settle(findings, &mut known);
    // What is left lies on a cycle, or refers to one. Those on a cycle are settled so; then the others can be.
    let cycles: Vec<(usize, Vec<RuleId>)> = (0..findings.len())
        .filter(|index| known.get(*index).is_some_and(Option::is_none))
        .filter_map(|index| Some((index, cycle(findings, &known, index)?)))
        .collect();
    for (index, cycle) in cycles {
        let names = cycle.into_iter().map(&name).collect();
        if let Some(place) = known.get_mut(index) {
            *place = Some(Known { wrong: Some(Wrong::Cycle(names)), ..Known::default() });
        }
    }
    settle(findings, &mut known);
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// Settles what can be: rules of which all references are settled.
fn settle(findings: &[&Findings], known: &mut [Option<Known>]) {
    let mut waiting: HashMap<usize, usize> = HashMap::new();
    let mut referring: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut ready = VecDeque::new();
    for (index, found) in findings.iter().enumerate() {
        if at(known, index).is_some() {
            continue;
        }
        let open = found.references.iter().map(|rule| rule.index());
        let open: Vec<usize> = open.filter(|rule| at(known, *rule).is_none()).collect();
        if open.is_empty() {
            ready.push_back(index);
        } else {
            waiting.insert(index, open.len());
            for rule in open {
                referring.entry(rule).or_default().push(index);
            }
        }
    }
    while let Some(index) = ready.pop_front() {
        let Some(settled) = findings.get(index).map(|found| look(found, known)) else { continue };
        if let Some(place) = known.get_mut(index) {
            *place = Some(settled);
        }
        for above in referring.remove(&index).unwrap_or_default() {
            let Some(count) = waiting.get_mut(&above) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.push_back(above);
            }
        }
    }
}

fn at(known: &[Option<Known>], index: usize) -> Option<&Known> {
    known.get(index)?.as_ref()
}

fn look(found: &Findings, known: &[Option<Known>]) -> Known {
    let mut result = Known { parents: found.parents, wrong: None, depth: found.depth };
    for below in found.references.iter().filter_map(|rule| at(known, rule.index())) {
        result.parents = result.parents.union(below.parents);
        result.depth = result.depth.max(found.depth + below.depth);
    }
    if let Some(name) = found.undefined.first() {
        result.wrong = Some(Wrong::Undefined(name.clone()));
    } else if result.depth > MAX_TOTAL_DEPTH {
        result.wrong = Some(Wrong::TooDeep(MAX_TOTAL_DEPTH));
    }
    if result.wrong.is_some() {
        // It will not be entered.
        result.depth = 0;
    }
    result
}

/// The shortest way from a rule back to itself, both ends included.
fn cycle(findings: &[&Findings], known: &[Option<Known>], start: usize) -> Option<Vec<RuleId>> {
    let mut came_from: HashMap<usize, usize> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(index) = queue.pop_front() {
        for next in findings.get(index)?.references.iter().map(|rule| rule.index()) {
            if next == start {
                return way(&came_from, start, index);
            }
            if at(known, next).is_none() && !came_from.contains_key(&next) {
                came_from.insert(next, index);
                queue.push_back(next);
            }
        }
    }
    None
}

fn way(came_from: &HashMap<usize, usize>, start: usize, last: usize) -> Option<Vec<RuleId>> {
    let mut way = vec![start, last];
    let mut at = last;
    while at != start {
        at = *came_from.get(&at)?;
        way.push(at);
    }
    way.reverse();
    if last == start {
        way.truncate(2);
    }
    way.into_iter().map(|index| u32::try_from(index).ok().map(RuleId)).collect()
}
