//! Kinds of QoS rules: what the mechanism drivers of this cloud carry out.

use nucleon_model::{
    AttrSet, Cell, Filter, ListQuery, QosRuleKind, QosRuleType, Resource as _, RuleTypeDriver,
};

use crate::page::cut;
use crate::{Caller, Core, Error, Kind, Noun, Operations, Result};

impl Noun for QosRuleType {
    const OPERATIONS: Operations = Operations::LIST.union(Operations::SHOW);

    fn key(&self) -> String {
        self.name.clone()
    }

    /// The kinds that all drivers carry out that carry out any; more on request.
    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let asked = |name| query.filters.iter().any(|filter| is_set(filter, name));
        let drivers: Vec<_> =
            core.drivers().mechanisms.iter().filter_map(|driver| driver.qos()).collect();
        let listed = |kind: &QosRuleKind| {
            let mut carried = drivers.iter().map(|driver| driver.rule(*kind).is_some());
            if asked("all_rules") {
                true
            } else if asked("all_supported") {
                carried.any(|carried| carried)
            } else {
                !drivers.is_empty() && carried.all(|carried| carried)
            }
        };
        let mut types: Vec<Self> =
            QosRuleKind::ALL.into_iter().filter(listed).map(|kind| named(kind, caller)).collect();
        let viewing = core.viewing::<Self>(caller);
        types.retain(|one| viewing.sees(one));
        Ok(match query.page {
            Some(page) => cut(types, &page, page.marker.clone(), Self::key),
            None => types,
        })
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let kind = QosRuleKind::ALL.into_iter().find(|kind| kind.as_str() == id);
        let kind = kind.ok_or_else(|| Error::not_found(Self::DECL, id))?;
        let mut shown = named(kind, caller);
        if !core.sees(caller, &shown) {
            return Err(Error::not_found(Self::DECL, id));
        }
        // Whatever rules of policy say.
        if !caller.is_admin() {
            return Err(Error::new(Kind::Forbidden, "NotAuthorized", "Not authorized."));
        }
        let carried = core.drivers().mechanisms.iter().filter_map(|driver| {
            let rule = driver.qos()?.rule(kind)?;
            Some(RuleTypeDriver::new(driver.name(), rule))
        });
        shown.drivers = Some(carried.collect());
        Ok(shown)
    }

    /// A list tells of no drivers.
    fn concealed(&self) -> AttrSet {
        Self::DECL.select(|attribute| attribute.name == "drivers" && self.drivers.is_none())
    }
}

fn named(kind: QosRuleKind, caller: &Caller) -> QosRuleType {
    QosRuleType {
        name: kind.as_str().to_owned(),
        project_id: caller.project_id().to_owned(),
        ..QosRuleType::default()
    }
}

/// Whether a filter is the request for more that goes by a name.
fn is_set(filter: &Filter, name: &str) -> bool {
    let Filter::Attribute { index, values } = filter else { return false };
    let attribute = QosRuleType::DECL.attributes.get(*index);
    attribute.is_some_and(|attribute| attribute.name == name) && values.contains(&Cell::Bool(true))
}
