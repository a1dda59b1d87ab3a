//! Choosing and reserving segments: for networks as they are made, and one by one.

use nucleon_db::{Attempt, Tx, segment as store};
use nucleon_model::{
    Field, Network, NetworkDraft, NetworkType, ProviderSegment, Segment, SegmentId, Timestamp,
};

use super::ids::Ids;
use crate::driver::{Choice, Plan, SegmentSpec, TypeDriver};
use crate::{Core, Error, Result};

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

/// Draws from a range before it is asked what of it is in use.
const BLIND_DRAWS: u32 = 3;

impl Core {
    /// Reserves and inserts the segments of a new network.
    pub(crate) async fn segments_create(
        &self,
        tx: &mut Tx,
        network: &Network,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Vec<Segment>> {
        let project = &network.project_id;
        match wanted {
            Wanted::Project => {
                let blank = self.blank(network, 0, now);
                Ok(vec![self.segment_for_project(tx, blank, project).await?])
            }
            Wanted::Provider(specs) => {
                let mut segments = Vec::with_capacity(specs.len());
                for (index, spec) in specs.iter().enumerate() {
                    let index = i64::try_from(index).unwrap_or(i64::MAX);
                    let blank = self.blank(network, index, now);
                    segments.push(self.segment_reserve(tx, blank, spec, project).await?);
                }
                Ok(segments)
            }
        }
    }

    /// A segment of which nothing is decided yet.
    fn blank(&self, network: &Network, index: i64, now: Timestamp) -> Segment {
        Segment {
            id: SegmentId::new(self.new_uuid()),
            network_id: network.id,
            segment_index: index,
            created_at: now,
            updated_at: now,
            revision_number: nucleon_model::FIRST_REVISION,
            ..Segment::default()
        }
    }

    /// Reserves what `spec` describes for a segment of a project's network, and inserts it.
    pub(crate) async fn segment_reserve(
        &self,
        tx: &mut Tx,
        blank: Segment,
        spec: &SegmentSpec,
        project: &str,
    ) -> Result<Segment> {
        let name = spec.network_type.as_str();
        let driver = self
            .drivers()
            .type_driver(name)
            .ok_or_else(|| invalid_input(format!("network_type value '{name}' not supported")))?;
        match driver.plan(spec)? {
            Plan::Exact(choice) => {
                let segment = filled(blank, driver, &choice);
                match store::segment_try_insert(tx, &segment).await? {
                    Attempt::Done(_) => Ok(segment),
                    Attempt::Conflict { .. } => Err(driver.in_use(&choice)),
                }
            }
            Plan::AnyOf(ranges) => {
                let physical = spec.physical_network.as_deref();
                let offers = self.offers(tx, driver, &ranges, physical, project).await?;
                let found = self.segment_from(tx, &blank, driver, offers).await?;
                found.ok_or_else(no_network_available)
            }
        }
    }

    async fn segment_for_project(
        &self,
        tx: &mut Tx,
        blank: Segment,
        project: &str,
    ) -> Result<Segment> {
        for name in &self.settings().project_network_types {
            let Some(driver) = self.drivers().type_driver(name) else {
                continue;
            };
            let found = match driver.plan_project() {
                Plan::Exact(choice) => {
                    let segment = filled(blank.clone(), driver, &choice);
                    let inserted = store::segment_try_insert(tx, &segment).await?;
                    matches!(inserted, Attempt::Done(_)).then_some(segment)
                }
                Plan::AnyOf(ranges) => {
                    let offers = self.offers(tx, driver, &ranges, None, project).await?;
                    self.segment_from(tx, &blank, driver, offers).await?
                }
            };
            if let Some(segment) = found {
                return Ok(segment);
            }
        }
        Err(no_network_available())
    }

    /// A free id of the first offer that has one; which one is drawn, so that concurrent requests seldom meet.
    async fn segment_from(
        &self,
        tx: &mut Tx,
        blank: &Segment,
        driver: &dyn TypeDriver,
        offers: Vec<(String, Ids)>,
    ) -> Result<Option<Segment>> {
        for (physical_network, mut ids) in offers {
            let name = driver.network_type();
            for draw in 0_u32.. {
                // In a range that is mostly free nobody asks what is not.
                if draw == BLIND_DRAWS {
                    for used in store::segment_ids_in_use(tx, name, &physical_network).await? {
                        ids.remove(used, used);
                    }
                }
                let Some(count) = std::num::NonZeroU64::new(ids.count()) else { break };
                let place = self.random().below(count.get());
                let Some(id) = ids.nth(place) else { break };
                let choice = driver.choose(&physical_network, id);
                let segment = filled(blank.clone(), driver, &choice);
                if let Attempt::Done(_) = store::segment_try_insert(tx, &segment).await? {
                    return Ok(Some(segment));
                }
                ids.remove(id, id);
            }
        }
        Ok(None)
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

fn filled(blank: Segment, driver: &dyn TypeDriver, choice: &Choice) -> Segment {
    Segment {
        network_type: NetworkType::new(driver.network_type()),
        physical_network: choice.physical_network.clone(),
        segmentation_id: choice.segmentation_id,
        reservation: choice.reservation.clone(),
        ..blank
    }
}

pub(super) fn no_network_available() -> Error {
    Error::new(
        crate::Kind::Unavailable,
        "NoNetworkAvailable",
        "Unable to create the network. No project network is available for allocation.",
    )
}
