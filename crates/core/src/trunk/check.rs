//! Which ports may be part of a trunk.

use nucleon_db::{Tx, network as networks, port as ports, segment as segments};
use nucleon_model::trunk::{Segmentation, VLAN};
use nucleon_model::{Network, NetworkId, Port, PortId, Segment, SubPort, SubPortRequest, Trunk};

use crate::port::{missing, set_parent};
use crate::segment::invalid_input;
use crate::{Caller, Core, Error, Result};

/// VLANs that can be told apart.
const VLANS: std::ops::RangeInclusive<i64> = 1..=4094;

/// A trunk's port, and the ports that are to come onto it: held, and seen by the caller.
#[derive(Debug)]
pub(super) struct Candidates {
    parent: Port,
    sub_ports: Vec<Port>,
    networks: Vec<Network>,
    /// Of the networks, where something is to be told apart as they are.
    segments: Vec<Segment>,
}

impl Candidates {
    /// As many statements for one subport as for a thousand.
    pub(super) async fn load(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        parent: PortId,
        wanted: &[SubPortRequest],
    ) -> Result<Self> {
        let parent = ports::port_get_held(tx, parent).await?.ok_or_else(|| missing(parent))?;
        let ids: Vec<PortId> = wanted.iter().map(|request| request.port_id).collect();
        let mut sub_ports = ports::port_get_all_held(tx, &ids).await?;
        let mut on: Vec<NetworkId> = sub_ports.iter().map(|port| port.network_id).collect();
        on.push(parent.network_id);
        on.sort_unstable();
        on.dedup();
        let networks = networks::network_get_all(tx, &on).await?;
        let inherits = wanted.iter().any(|it| it.segmentation == Segmentation::Inherit);
        let segments =
            if inherits { segments::segment_list_of(tx, &on).await? } else { Vec::new() };
        let mut parent = parent;
        for port in std::iter::once(&mut parent).chain(&mut sub_ports) {
            set_parent(port, networks.iter().find(|network| network.id == port.network_id));
        }
        if !core.sees(caller, &parent) {
            return Err(missing(parent.id));
        }
        sub_ports.retain(|port| core.sees(caller, port));
        Ok(Self { parent, sub_ports, networks, segments })
    }

    pub(super) fn parent(&self) -> &Port {
        &self.parent
    }

    /// Whether the port may come to carry others: it is part of no trunk, and on no host yet.
    pub(super) fn check_parent(&self) -> Result<()> {
        check_free(&self.parent)?;
        if self.parent.host.is_empty() { Ok(()) } else { Err(not_for_parent(self.parent.id)) }
    }

    /// The subports that a request names, each with its segmentation.
    pub(super) fn accept(&self, wanted: &[SubPortRequest]) -> Result<Vec<SubPort>> {
        wanted.iter().map(|request| self.accept_one(request)).collect()
    }

    fn accept_one(&self, request: &SubPortRequest) -> Result<SubPort> {
        let id = request.port_id;
        if id == self.parent.id {
            return Err(not_for_parent(id));
        }
        let port = self.sub_ports.iter().find(|port| port.id == id).ok_or_else(|| missing(id))?;
        self.check_mtu(port)?;
        let (segmentation_type, segmentation_id) = self.segmentation(request, port)?;
        if segmentation_type != VLAN {
            let text = format!("Unknown segmentation_type '{segmentation_type}'");
            return Err(invalid_input(text));
        }
        let segmentation_id = segmentation_id.ok_or_else(|| {
            invalid_input("Invalid subport details: segmentation_id 'None' is not an integer")
        })?;
        if !VLANS.contains(&segmentation_id) {
            let text = format!("Segmentation ID '{segmentation_id}' is not in range");
            return Err(invalid_input(text));
        }
        check_free(port)?;
        check_idle(port)?;
        Ok(SubPort { port_id: id, segmentation_type, segmentation_id })
    }

    /// What the port carries must fit through it.
    fn check_mtu(&self, port: &Port) -> Result<()> {
        let mtu = |port: &Port| {
            let network = self.networks.iter().find(|network| network.id == port.network_id);
            network.map(|network| network.mtu)
        };
        let (Some(own), Some(limit)) = (mtu(port), mtu(&self.parent)) else { return Ok(()) };
        if own <= limit {
            return Ok(());
        }
        Err(Error::conflict(
            "SubPortMtuGreaterThanTrunkPortMtu",
            format!(
                "MTU {own} of subport {} cannot be greater than MTU {limit} of trunk {}.",
                port.id, self.parent.id
            ),
        ))
    }

    fn segmentation(&self, request: &SubPortRequest, port: &Port) -> Result<(String, Option<i64>)> {
        match &request.segmentation {
            Segmentation::Given { kind, id } => Ok((kind.clone(), Some(*id))),
            Segmentation::Unsaid => Err(invalid_input(format!(
                "Invalid subport details '{{'port_id': '{}'}}': missing segmentation information. Must specify both \
                 segmentation_id and segmentation_type",
                port.id
            ))),
            Segmentation::Inherit => {
                let mut of_network =
                    self.segments.iter().filter(|segment| segment.network_id == port.network_id);
                match (of_network.next(), of_network.next()) {
                    (Some(only), None) => Ok((only.network_type.to_string(), only.segmentation_id)),
                    _ => Err(invalid_input(format!(
                        "Invalid subport details: network {} has not one segment to inherit from",
                        port.network_id
                    ))),
                }
            }
        }
    }
}

/// Whether the ids of new subports are free on a trunk.
pub(super) fn apart(trunk: &Trunk, added: &[SubPort]) -> Result<()> {
    for (place, new) in added.iter().enumerate() {
        let others = trunk.sub_ports.iter().chain(added.iter().take(place));
        let same = |other: &SubPort| {
            (&other.segmentation_type, other.segmentation_id)
                == (&new.segmentation_type, new.segmentation_id)
        };
        if others.into_iter().any(same) {
            return Err(Error::conflict(
                "DuplicateSubPort",
                format!(
                    "segmentation_type {} and segmentation_id {} already in use on trunk {}.",
                    new.segmentation_type, new.segmentation_id, trunk.id
                ),
            ));
        }
    }
    Ok(())
}

/// A port is part of one trunk.
fn check_free(port: &Port) -> Result<()> {
    if port.subport_of.is_some() {
        let text = format!("Port {} is in use by another trunk.", port.id);
        return Err(Error::conflict("TrunkPortInUse", text));
    }
    if port.trunk_id.is_some() {
        return Err(not_for_parent(port.id));
    }
    Ok(())
}

/// What something else uses is not carried.
fn check_idle(port: &Port) -> Result<()> {
    if port.device_id.is_empty() {
        return Ok(());
    }
    Err(Error::conflict(
        "PortInUse",
        format!(
            "Unable to complete operation on port {} for network {}. Port already has an attached device {}.",
            port.id, port.network_id, port.device_id
        ),
    ))
}

fn not_for_parent(id: PortId) -> Error {
    Error::conflict(
        "ParentPortInUse",
        format!("Port {id} is currently in use and is not eligible for use as a parent port."),
    )
}

/// What is part of a trunk does not go.
pub(crate) fn check_deletable(port: &Port) -> Result<()> {
    if let Some(trunk) = port.subport_of {
        let text = format!("Port {} is currently a subport for trunk {trunk}.", port.id);
        return Err(Error::conflict("PortInUseAsSubPort", text));
    }
    if let Some(trunk) = port.trunk_id {
        let text = format!("Port {} is currently a parent port for trunk {trunk}.", port.id);
        return Err(Error::conflict("PortInUseAsTrunkParent", text));
    }
    Ok(())
}
