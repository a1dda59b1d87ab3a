//! Rules at addresses of their own, that do not name the policy: `/qos/alias-bandwidth-limit-rules/{id}`.
//!
//! The same records, under the names by which these addresses and the rules of policy about them go.

use std::borrow::Cow;

use serde::ser::SerializeMap;

use super::kind::{
    BandwidthLimitRule, DscpMarkingRule, MinimumBandwidthRule, MinimumPacketRateRule, RuleOfKind,
};
use crate::attribute::{AttrSet, ResourceDecl};
use crate::declare::Resource;
use crate::id::QosRuleId;
use crate::standard::Standard;
use crate::stored::{BadCell, Cell, CellKind};

/// A rule that has an address of its own.
pub trait HasAlias: RuleOfKind {
    const ALIAS: &'static ResourceDecl;
}

/// Names of a rule's own address beside what is declared of it.
macro_rules! alias {
    ($($record:ident: $name:literal / $collection:literal, at $path:literal, titled $title:literal;)*) => {$(
        impl HasAlias for $record {
            const ALIAS: &'static ResourceDecl = &ResourceDecl {
                name: $name,
                collection: $collection,
                title: $title,
                table: <$record as Resource>::DECL.table,
                ruled: $name,
                path: $path,
                missing: <$record as Resource>::DECL.missing,
                doc: <$record as Resource>::DECL.doc,
                attributes: <$record as Resource>::DECL.attributes,
            };
        }
    )*};
}

alias! {
    BandwidthLimitRule: "alias_bandwidth_limit_rule" / "alias_bandwidth_limit_rules",
        at "qos/alias-bandwidth-limit-rules", titled "QosAliasBandwidthLimitRule";
    DscpMarkingRule: "alias_dscp_marking_rule" / "alias_dscp_marking_rules",
        at "qos/alias-dscp-marking-rules", titled "QosAliasDscpMarkingRule";
    MinimumBandwidthRule: "alias_minimum_bandwidth_rule" / "alias_minimum_bandwidth_rules",
        at "qos/alias-minimum-bandwidth-rules", titled "QosAliasMinimumBandwidthRule";
    MinimumPacketRateRule: "alias_minimum_packet_rate_rule" / "alias_minimum_packet_rate_rules",
        at "qos/alias-minimum-packet-rate-rules", titled "QosAliasMinimumPacketRateRule";
}

/// A rule at an address of its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Aliased<T>(pub T);

impl<T: HasAlias> Resource for Aliased<T> {
    const DECL: &'static ResourceDecl = T::ALIAS;

    type Draft = T::Draft;

    fn cells(&self) -> Vec<Cell> {
        self.0.cells()
    }

    fn from_cells(
        next: &mut dyn FnMut(usize) -> Result<Option<Cell>, BadCell>,
    ) -> Result<Self, BadCell> {
        T::from_cells(next).map(Self)
    }

    fn columns() -> &'static [(&'static str, CellKind)] {
        T::columns()
    }

    fn fact(&self, index: usize) -> Option<Cow<'_, str>> {
        self.0.fact(index)
    }

    fn render<M: SerializeMap>(&self, shown: AttrSet, map: &mut M) -> Result<(), M::Error> {
        self.0.render(shown, map)
    }
}

impl<T: HasAlias> Standard for Aliased<T> {
    type Id = QosRuleId;

    fn id(&self) -> QosRuleId {
        self.0.id()
    }

    fn set_id(&mut self, id: QosRuleId) {
        self.0.set_id(id);
    }

    fn revision(&self) -> i64 {
        self.0.revision()
    }

    fn set_revision(&mut self, revision: i64) {
        self.0.set_revision(revision);
    }

    fn parent_project(&self) -> Option<&str> {
        self.0.parent_project()
    }

    fn set_parent_project(&mut self, project: Option<String>) {
        self.0.set_parent_project(project);
    }
}
