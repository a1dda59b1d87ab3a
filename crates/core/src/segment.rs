//! Segments: choosing and reserving them for networks, and showing them.

use nucleon_db::{Attempt, Listed, Tx, segment as store};
use nucleon_model::{
    Field, ListQuery, Network, NetworkDraft, NetworkType, ProviderSegment, Resource, Segment,
    SegmentDraft, SegmentId, Timestamp,
};

use crate::driver::{Choice, Plan, SegmentSpec, TypeDriver};
use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result};

impl Noun for Segment {
    const OPERATIONS: Operations = Operations::LIST.union(Operations::SHOW);

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn create(_: &Core, _: &Caller, _: Vec<SegmentDraft>) -> Result<Vec<Self>> {
        Err(read_only())
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        if !core.sees(caller, &Self::default()) {
            return Ok(Vec::new());
        }
        let listed = core.store().read(|tx| {
            let query = query.clone();
            Box::pin(async move { Ok::<_, Error>(store::segment_list(tx, &query).await?) })
        });
        match listed.await? {
            Listed::Records(segments) => Ok(segments),
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let missing = || Error::not_found(Self::DECL, id);
        let segment_id: SegmentId = id.parse().map_err(|_| missing())?;
        if !core.sees(caller, &Self::default()) {
            return Err(missing());
        }
        let found = core.store().read(|tx| {
            Box::pin(async move { Ok::<_, Error>(store::segment_get(tx, segment_id).await?) })
        });
        found.await?.ok_or_else(missing)
    }

    async fn update(
        _: &Core,
        _: &Caller,
        _: &str,
        _: SegmentDraft,
        _: Precondition,
    ) -> Result<Self> {
        Err(read_only())
    }

    async fn delete(_: &Core, _: &Caller, _: &str, _: Precondition) -> Result<()> {
        Err(read_only())
    }
}

fn read_only() -> Error {
    Error::invalid("BadRequest", "Segments are made and deleted with their networks.")
}

/// What a network request says of segments.
pub(crate) enum Wanted {
    /// Nothing: any segment of the kinds that projects get.
    Project,
    /// These.
    Provider(Vec<SegmentSpec>),
}

/// Reads `provider:*` and `segments` of a request.
///
/// # Errors
/// When both are given.
pub(crate) fn wanted(draft: &NetworkDraft) -> Result<Wanted> {
    let single = ProviderSegment {
        network_type: draft.network_type.clone(),
        physical_network: draft.physical_network.clone(),
        segmentation_id: draft.segmentation_id,
    };
    let has_single = single != ProviderSegment::default();
    match (&draft.segments, has_single) {
        (Field::Value(_), true) => Err(Error::invalid(
            "SegmentsSetInConjunctionWithProviders",
            "Segments and provider values cannot both be set.",
        )),
        (Field::Value(several), false) => {
            Ok(Wanted::Provider(several.iter().map(spec).collect::<Result<_>>()?))
        }
        (_, true) => Ok(Wanted::Provider(vec![spec(&single)?])),
        (_, false) => Ok(Wanted::Project),
    }
}

fn spec(provider: &ProviderSegment) -> Result<SegmentSpec> {
    let network_type =
        provider.network_type.get().ok_or_else(|| invalid_input("network_type required"))?;
    Ok(SegmentSpec {
        network_type: network_type.clone(),
        physical_network: provider.physical_network.clone().value(),
        segmentation_id: provider.segmentation_id.value(),
    })
}

/// "Invalid input for operation: …."
pub(crate) fn invalid_input(text: impl std::fmt::Display) -> Error {
    Error::invalid("InvalidInput", format!("Invalid input for operation: {text}."))
}

impl Core {
    /// Reserves and inserts the segments of a new network.
    pub(crate) async fn segments_create(
        &self,
        tx: &mut Tx,
        network: &Network,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Vec<Segment>> {
        match wanted {
            Wanted::Project => Ok(vec![self.segment_for_project(tx, network, now).await?]),
            Wanted::Provider(specs) => {
                let mut segments = Vec::with_capacity(specs.len());
                for (index, spec) in specs.iter().enumerate() {
                    let index = i64::try_from(index).unwrap_or(i64::MAX);
                    segments.push(self.segment_for(tx, network, spec, index, now).await?);
                }
                Ok(segments)
            }
        }
    }

    async fn segment_for(
        &self,
        tx: &mut Tx,
        network: &Network,
        spec: &SegmentSpec,
        index: i64,
        now: Timestamp,
    ) -> Result<Segment> {
        let name = spec.network_type.as_str();
        let driver = self
            .drivers()
            .type_driver(name)
            .ok_or_else(|| invalid_input(format!("network_type value '{name}' not supported")))?;
        match driver.plan(spec)? {
            Plan::Exact(choice) => {
                let segment = self.new_segment(network, driver, &choice, index, now);
                match store::segment_try_insert(tx, &segment).await? {
                    Attempt::Done(_) => Ok(segment),
                    Attempt::Conflict { .. } => Err(driver.in_use(&choice)),
                }
            }
            plan @ Plan::AnyOf(_) => self
                .segment_from_ranges(tx, network, driver, &plan, index, now)
                .await?
                .ok_or_else(no_network_available),
        }
    }

    async fn segment_for_project(
        &self,
        tx: &mut Tx,
        network: &Network,
        now: Timestamp,
    ) -> Result<Segment> {
        for name in &self.settings().project_network_types {
            let Some(driver) = self.drivers().type_driver(name) else {
                continue;
            };
            match driver.plan_project() {
                Plan::Exact(choice) => {
                    let segment = self.new_segment(network, driver, &choice, 0, now);
                    if let Attempt::Done(_) = store::segment_try_insert(tx, &segment).await? {
                        return Ok(segment);
                    }
                }
                plan @ Plan::AnyOf(_) => {
                    let found =
                        self.segment_from_ranges(tx, network, driver, &plan, 0, now).await?;
                    if let Some(segment) = found {
                        return Ok(segment);
                    }
                }
            }
        }
        Err(no_network_available())
    }

    /// A free id from the ranges of a plan; which one is drawn, so that concurrent requests seldom meet.
    async fn segment_from_ranges(
        &self,
        tx: &mut Tx,
        network: &Network,
        driver: &dyn TypeDriver,
        plan: &Plan,
        index: i64,
        now: Timestamp,
    ) -> Result<Option<Segment>> {
        let Plan::AnyOf(ranges) = plan else {
            return Ok(None);
        };
        for (physical_network, first, last) in ranges {
            let name = driver.network_type();
            let used = store::segment_ids_in_use(tx, name, physical_network).await?;
            let used: std::collections::BTreeSet<i64> = used.into_iter().collect();
            let mut free: Vec<i64> = (*first..=*last).filter(|id| !used.contains(id)).collect();
            while !free.is_empty() {
                let place = self.random().below(free.len() as u64);
                let id = free.swap_remove(usize::try_from(place).unwrap_or(0));
                let choice = driver.choose(physical_network, id);
                let segment = self.new_segment(network, driver, &choice, index, now);
                if let Attempt::Done(_) = store::segment_try_insert(tx, &segment).await? {
                    return Ok(Some(segment));
                }
            }
        }
        Ok(None)
    }

    fn new_segment(
        &self,
        network: &Network,
        driver: &dyn TypeDriver,
        choice: &Choice,
        index: i64,
        now: Timestamp,
    ) -> Segment {
        Segment {
            id: SegmentId::new(self.new_uuid()),
            network_id: network.id,
            network_type: NetworkType::new(driver.network_type()),
            physical_network: choice.physical_network.clone(),
            segmentation_id: choice.segmentation_id,
            segment_index: index,
            reservation: choice.reservation.clone(),
            created_at: now,
            updated_at: now,
            ..Segment::default()
        }
    }

    /// The largest packet that all these segments carry.
    pub(crate) fn segments_mtu(&self, segments: &[Segment]) -> u32 {
        segments
            .iter()
            .filter_map(|segment| {
                let driver = self.drivers().type_driver(segment.network_type.as_str())?;
                Some(driver.mtu(segment.physical_network.as_deref(), self.settings()))
            })
            .min()
            .unwrap_or(self.settings().global_physnet_mtu)
    }
}

fn no_network_available() -> Error {
    Error::new(
        crate::Kind::Unavailable,
        "NoNetworkAvailable",
        "Unable to create the network. No project network is available for allocation.",
    )
}
