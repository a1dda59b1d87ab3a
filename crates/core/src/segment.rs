//! Segments: the layer-2 domains of networks, one by one.

mod choose;
mod ids;

use nucleon_db::{
    Operation, Tx, network as networks, port as ports, segment as store, subnet as subnets,
};
use nucleon_model::{NetworkId, Segment, SegmentDraft, Timestamp, port};

pub(crate) use choose::{invalid_input, wanted};
pub(crate) use ids::Ids;

use crate::change::emit_network;
use crate::driver::SegmentSpec;
use crate::entity::Entity;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for Segment {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &SegmentDraft) -> Self {
        Self {
            name: draft.name.get().cloned(),
            network_id: draft.network_id.get().copied().unwrap_or_default(),
            network_type: draft.network_type.get().cloned().unwrap_or_default(),
            physical_network: draft.physical_network.get().cloned(),
            segmentation_id: draft.segmentation_id.get().copied(),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        _: &Caller,
        _: &SegmentDraft,
    ) -> Result<()> {
        hold_network(tx, self.network_id, core.now()).await?;
        let segments = store::segment_list_of(tx, &[self.network_id]).await?;
        self.segment_index = segments.last().map_or(0, |last| last.segment_index + 1);
        Ok(())
    }

    async fn insert(&mut self, core: &Core, tx: &mut Tx) -> Result<()> {
        let network = networks::network_get(tx, self.network_id).await?;
        let network = network.ok_or_else(|| crate::network::missing(self.network_id))?;
        let spec = SegmentSpec {
            network_type: self.network_type.clone(),
            physical_network: self.physical_network.clone(),
            segmentation_id: self.segmentation_id,
        };
        *self = core.segment_reserve(tx, self.clone(), &spec, &network.project_id).await?;
        let segments = store::segment_list_of(tx, &[self.network_id]).await?;
        let largest = core.segments_mtu(&segments);
        if network.mtu > i64::from(largest) {
            return Err(invalid_input(format!("Requested MTU is too big, maximum is {largest}")));
        }
        Ok(())
    }

    async fn created(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        _: Timestamp,
    ) -> Result<()> {
        tell(tx, caller, self.network_id).await
    }

    async fn change(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: SegmentDraft,
    ) -> Result<()> {
        draft.name.apply_nullable(&mut self.name);
        draft.description.apply(&mut self.description);
        Ok(())
    }

    async fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        hold_network(tx, self.network_id, now).await?;
        let mut confined = subnets::subnet_list_of(tx, &[self.network_id]).await?;
        confined.retain(|subnet| subnet.segment_id == Some(self.id));
        if !confined.is_empty() {
            let ids: Vec<String> = confined.iter().map(|subnet| subnet.id.to_string()).collect();
            let ids = ids.join(", ");
            return Err(in_use(
                self,
                &format!("The segment is still associated with subnet(s) {ids}"),
            ));
        }
        let bound = ports::port_list_on_segment(tx, self.network_id, self.id).await?;
        if bound.iter().any(|port| port.device_owner != port::OWNER_DHCP) {
            let count = bound.len();
            return Err(in_use(self, &format!("The segment is still bound with {count} port(s)")));
        }
        for port in &bound {
            core.port_remove(tx, caller, port).await?;
        }
        tell(tx, caller, self.network_id).await
    }
}

/// The guard of all that is on a network. Its revision grows, for agents see its segments in its body.
async fn hold_network(tx: &mut Tx, id: NetworkId, now: Timestamp) -> Result<()> {
    match networks::network_touch(tx, id, now).await {
        Err(nucleon_db::Error::Stale { .. }) => Err(crate::network::missing(id)),
        other => Ok(other?),
    }
}

/// Says that a network has other segments.
async fn tell(tx: &mut Tx, caller: &Caller, id: NetworkId) -> Result<()> {
    if let Some(network) = networks::network_get(tx, id).await? {
        emit_network(tx, caller, Operation::Update, &network);
    }
    Ok(())
}

fn in_use(segment: &Segment, reason: &str) -> Error {
    Error::conflict(
        "SegmentInUse",
        format!("Segment '{}' cannot be deleted: {reason}.", segment.id),
    )
}
