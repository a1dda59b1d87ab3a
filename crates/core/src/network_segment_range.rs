//! Network segment ranges: where networks that name no segmentation id get theirs from.
//!
//! A project draws from the ranges of its own first, then from those for all: the configured ones, and the shared ones of
//! the API, without what belongs to other projects.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_db::network_segment_range::{self as store, UsedId};
use nucleon_db::{Operation, Tx, resource};
use nucleon_model::{
    FIRST_REVISION, Field, NetworkSegmentRange, NetworkSegmentRangeDraft, NetworkSegmentRangeId,
    NetworkType, Timestamp,
};
use serde_json::Value;

use crate::change::{again, emit};
use crate::driver::{Plan, TypeDriver};
use crate::entity::Entity;
use crate::segment::Ids;
use crate::{Caller, Core, Error, Operations, Result};

/// The kinds of segment that have ranges.
const TYPES: &[&str] = &["vlan", "vxlan", "gre", "geneve"];

/// The largest id of a tunnel: 24 bits, but for GRE's 32.
fn last_tunnel(network_type: &NetworkType) -> i64 {
    if network_type.as_str() == "gre" { (1 << 32) - 1 } else { (1 << 24) - 1 }
}

impl Entity for NetworkSegmentRange {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &NetworkSegmentRangeDraft) -> Self {
        let shared = draft.shared.get().copied().unwrap_or(true);
        let network_type = draft.network_type.get().cloned().unwrap_or_default();
        let physical_network = draft.physical_network.get().cloned();
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            shared,
            project_id: draft.project_id.get().filter(|_| !shared).cloned(),
            physical_network: physical_network.filter(|_| is_vlan(&network_type)),
            network_type,
            minimum: draft.minimum.get().copied().unwrap_or_default(),
            maximum: draft.maximum.get().copied().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        _: &Caller,
        _: &NetworkSegmentRangeDraft,
    ) -> Result<()> {
        let name = self.network_type.as_str();
        if core.drivers().type_driver(name).is_none() || !TYPES.contains(&name) {
            return Err(Error::invalid(
                "NetworkSegmentRangeNetTypeNotSupported",
                format!("Network type {name} does not support network segment ranges."),
            ));
        }
        store::network_segment_range_guard(tx).await?;
        check_ends(self)?;
        if is_vlan(&self.network_type) && self.physical_network.is_none() {
            return Err(Error::invalid(
                "BadRequest",
                "Bad network_segment_range request: Network type vlan requires 'physical_network' \
                 to be specified while creating new range.",
            ));
        }
        check_apart(tx, self).await
    }

    async fn change(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        draft: NetworkSegmentRangeDraft,
    ) -> Result<()> {
        self.check_not_default()?;
        store::network_segment_range_guard(tx).await?;
        let moved = draft.minimum.is_given() || draft.maximum.is_given();
        let used = if moved { used_in(tx, self).await? } else { BTreeSet::new() };
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        set(&mut self.minimum, draft.minimum);
        set(&mut self.maximum, draft.maximum);
        if let (Some(&first), Some(&last)) = (used.first(), used.last())
            && (self.minimum > first || self.maximum < last)
        {
            return Err(referenced(self.id));
        }
        check_ends(self)?;
        check_apart(tx, self).await
    }

    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        self.check_not_default()?;
        if used_in(tx, self).await?.is_empty() { Ok(()) } else { Err(referenced(self.id)) }
    }

    async fn complete(_: &Core, tx: &mut Tx, _: &Caller, objects: &mut [Self]) -> Result<()> {
        let types: BTreeSet<&str> =
            objects.iter().map(|range| range.network_type.as_str()).collect();
        if types.is_empty() {
            return Ok(());
        }
        let types: Vec<&str> = types.into_iter().collect();
        let used = store::network_segment_range_used(tx, &types).await?;
        for range in objects {
            range.show(&used);
        }
        Ok(())
    }
}

/// What is special about one range.
trait Range {
    fn holds(&self, used: &UsedId) -> bool;
    fn show(&mut self, used: &[UsedId]);
    fn check_not_default(&self) -> Result<()>;
}

impl Range for NetworkSegmentRange {
    fn holds(&self, used: &UsedId) -> bool {
        used.network_type == self.network_type.as_str()
            && used.physical_network == self.physical_network
            && (self.minimum..=self.maximum).contains(&used.segmentation_id)
    }

    fn show(&mut self, used: &[UsedId]) {
        let mut free = Ids::default();
        free.add(self.minimum, self.maximum);
        for one in used.iter().filter(|one| self.holds(one)).cloned().collect::<Vec<_>>() {
            free.remove(one.segmentation_id, one.segmentation_id);
            self.used.insert(one.segmentation_id.to_string(), Value::from(one.project_id));
        }
        self.available = free.iter().collect();
    }

    fn check_not_default(&self) -> Result<()> {
        if !self.is_default {
            return Ok(());
        }
        Err(Error::invalid(
            "NetworkSegmentRangeDefaultReadOnly",
            format!(
                "Network Segment Range {} is a default segment range which could not be updated or \
                 deleted.",
                self.id
            ),
        ))
    }
}

fn is_vlan(network_type: &NetworkType) -> bool {
    network_type.as_str() == NetworkType::VLAN
}

fn set(end: &mut i64, asked: Field<i64>) {
    if let Field::Value(asked) = asked {
        *end = asked;
    }
}

fn check_ends(range: &NetworkSegmentRange) -> Result<()> {
    let NetworkSegmentRange { network_type, minimum, maximum, .. } = range;
    let (name, kind, id, thing, last) = if is_vlan(network_type) {
        ("NetworkVlanRangeError", "network VLAN", "VLAN tag", "VLAN", 4094)
    } else {
        let last = last_tunnel(network_type);
        ("NetworkTunnelRangeError", "network tunnel", "tunnel ID", "tunnel", last)
    };
    let refused = |error: String| {
        let text = format!("Invalid {kind} range: '{minimum}:{maximum}' - '{error}'.");
        Err(Error::invalid(name, text))
    };
    if let Some(bad) = [minimum, maximum].into_iter().find(|end| !(1..=last).contains(*end)) {
        return refused(format!("{bad} is not a valid {id}"));
    }
    if maximum < minimum {
        return refused(format!("End of {thing} range is less than start of {thing} range"));
    }
    Ok(())
}

/// The guard is held.
async fn check_apart(tx: &mut Tx, range: &NetworkSegmentRange) -> Result<()> {
    let others = store::network_segment_range_list_of(tx, range.network_type.as_str()).await?;
    let meets = |other: &&NetworkSegmentRange| {
        !other.is_default
            && other.id != range.id
            && other.physical_network == range.physical_network
            && range.minimum <= other.maximum
            && range.maximum >= other.minimum
    };
    let met: Vec<String> = others.iter().filter(meets).map(|other| other.id.to_string()).collect();
    if met.is_empty() {
        return Ok(());
    }
    let met = met.join(", ");
    Err(Error::conflict(
        "NetworkSegmentRangeOverlaps",
        format!("Network segment range overlaps with range(s) with id {met}"),
    ))
}

async fn used_in(tx: &mut Tx, range: &NetworkSegmentRange) -> Result<BTreeSet<i64>> {
    let used = store::network_segment_range_used(tx, &[range.network_type.as_str()]).await?;
    Ok(used.iter().filter(|used| range.holds(used)).map(|used| used.segmentation_id).collect())
}

fn referenced(id: NetworkSegmentRangeId) -> Error {
    Error::conflict(
        "NetworkSegmentRangeReferencedByProject",
        format!("Network Segment Range {id} is referenced by one or more project networks."),
    )
}

impl Core {
    /// The ids that a network of a project may get, by physical network, in the order in which they are tried.
    pub(crate) async fn offers(
        &self,
        tx: &mut Tx,
        driver: &dyn TypeDriver,
        configured: &[(String, i64, i64)],
        physical_network: Option<&str>,
        project: &str,
    ) -> Result<Vec<(String, Ids)>> {
        let name = driver.network_type();
        let ranges = if TYPES.contains(&name) {
            store::network_segment_range_list_of(tx, name).await?
        } else {
            Vec::new()
        };
        Ok(offers(&ranges, configured, physical_network, project))
    }

    /// Has the default ranges of the API say what the configuration does. To be called as a server starts.
    pub async fn network_segment_ranges_record(&self) -> Result<()> {
        let configured = self.configured_ranges();
        let input = (configured, Caller::server("start"), self.now());
        self.write("segment ranges", input, |core, tx, (configured, caller, now)| {
            Box::pin(async move { core.record(tx, &caller, &configured, now).await })
        })
        .await
    }

    fn configured_ranges(&self) -> Vec<NetworkSegmentRange> {
        let mut ranges = Vec::new();
        for driver in &self.drivers().types {
            let name = driver.network_type();
            let Plan::AnyOf(configured) = driver.plan_project() else { continue };
            if !TYPES.contains(&name) {
                continue;
            }
            ranges.extend(configured.into_iter().map(|(physical, minimum, maximum)| {
                NetworkSegmentRange {
                    shared: true,
                    is_default: true,
                    network_type: NetworkType::new(name),
                    default_key: Some(format!("{name}:{physical}:{minimum}:{maximum}")),
                    physical_network: Some(physical).filter(|physical| !physical.is_empty()),
                    minimum,
                    maximum,
                    ..NetworkSegmentRange::default()
                }
            }));
        }
        ranges
    }

    async fn record(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        configured: &[NetworkSegmentRange],
        now: Timestamp,
    ) -> Result<()> {
        let recorded = store::network_segment_range_defaults(tx).await?;
        let keys = |ranges: &[NetworkSegmentRange]| -> BTreeSet<Option<String>> {
            ranges.iter().map(|range| range.default_key.clone()).collect()
        };
        let (wanted, known) = (keys(configured), keys(&recorded));
        for gone in recorded.iter().filter(|range| !wanted.contains(&range.default_key)) {
            let id = gone.id.to_string();
            let deleted =
                resource::delete_at::<NetworkSegmentRange>(tx, id, gone.revision_number).await;
            again(tx, deleted)?;
            emit(tx, caller, Operation::Delete, gone, &[]);
        }
        for new in configured.iter().filter(|range| !known.contains(&range.default_key)) {
            let range = NetworkSegmentRange {
                id: NetworkSegmentRangeId::new(self.new_uuid()),
                created_at: now,
                updated_at: now,
                revision_number: FIRST_REVISION,
                ..new.clone()
            };
            // Where another server was first, it has said so.
            if let nucleon_db::Attempt::Done(_) =
                store::network_segment_range_try_insert(tx, &range).await?
            {
                emit(tx, caller, Operation::Create, &range, &[]);
            }
        }
        Ok(())
    }
}

fn offers(
    ranges: &[NetworkSegmentRange],
    configured: &[(String, i64, i64)],
    physical_network: Option<&str>,
    project: &str,
) -> Vec<(String, Ids)> {
    let place = |range: &NetworkSegmentRange| range.physical_network.clone().unwrap_or_default();
    let made: Vec<&NetworkSegmentRange> = ranges
        .iter()
        .filter(|range| !range.is_default)
        .filter(|range| physical_network.is_none_or(|wanted| wanted == place(range)))
        .collect();
    let (mut own, mut common) = (BTreeMap::new(), Tier::default());
    for (physical, first, last) in configured {
        common.add(physical.clone(), *first, *last);
    }
    for range in &made {
        match &range.project_id {
            None => common.add(place(range), range.minimum, range.maximum),
            Some(owner) if owner == project => {
                let ids: &mut Ids = own.entry(place(range)).or_default();
                ids.add(range.minimum, range.maximum);
            }
            Some(_) => {}
        }
    }
    let is_foreign = |range: &&&NetworkSegmentRange| {
        range.project_id.as_ref().is_some_and(|owner| owner != project)
    };
    for range in made.iter().filter(is_foreign) {
        common.remove(&place(range), range.minimum, range.maximum);
    }
    own.into_iter().chain(common.0).collect()
}

/// Ids by physical network, these in the order in which they were named.
#[derive(Default)]
struct Tier(Vec<(String, Ids)>);

impl Tier {
    fn add(&mut self, physical: String, first: i64, last: i64) {
        if let Some((_, ids)) = self.0.iter_mut().find(|(known, _)| *known == physical) {
            return ids.add(first, last);
        }
        let mut ids = Ids::default();
        ids.add(first, last);
        self.0.push((physical, ids));
    }

    fn remove(&mut self, physical: &str, first: i64, last: i64) {
        for (_, ids) in self.0.iter_mut().filter(|(known, _)| known == physical) {
            ids.remove(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(project: Option<&str>, physical: &str, ids: (i64, i64)) -> NetworkSegmentRange {
        NetworkSegmentRange {
            project_id: project.map(str::to_owned),
            physical_network: Some(physical.to_owned()),
            network_type: NetworkType::new("vlan"),
            minimum: ids.0,
            maximum: ids.1,
            ..NetworkSegmentRange::default()
        }
    }

    fn shown(offers: Vec<(String, Ids)>) -> Vec<(String, Vec<i64>)> {
        offers.into_iter().map(|(physical, ids)| (physical, ids.iter().collect())).collect()
    }

    #[test]
    fn a_project_draws_from_its_own_ranges_first_and_never_from_anothers() {
        let ranges = [
            range(Some("p1"), "b", (7, 8)),
            range(Some("p2"), "a", (101, 102)),
            range(None, "a", (200, 201)),
        ];
        let configured = [("a".to_owned(), 100, 103)];
        let of = |project| shown(offers(&ranges, &configured, None, project));
        let common = ("a".to_owned(), vec![100, 103, 200, 201]);
        assert_eq!(of("p1"), [("b".to_owned(), vec![7, 8]), common.clone()]);
        assert_eq!(of("p3"), [common]);
        let own = ("a".to_owned(), vec![101, 102]);
        let all = ("a".to_owned(), vec![100, 101, 102, 103, 200, 201]);
        assert_eq!(of("p2"), [own, all]);
        assert_eq!(shown(offers(&ranges, &[], Some("b"), "p3")), []);
    }

    #[test]
    fn ends_are_vlans_in_order() {
        let refusal = |ids| check_ends(&range(None, "a", ids)).unwrap_err().message().to_owned();
        assert_eq!(
            refusal((5, 4)),
            "Invalid network VLAN range: '5:4' - 'End of VLAN range is less than start of VLAN range'."
        );
        assert_eq!(
            refusal((1, 4095)),
            "Invalid network VLAN range: '1:4095' - '4095 is not a valid VLAN tag'."
        );
        assert!(check_ends(&range(None, "a", (1, 4094))).is_ok());
    }
}
