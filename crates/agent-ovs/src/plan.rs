//! What a host should be like: from the view and what is plugged, to flows and rows. Pure.
//!
//! A planner remembers what it decided, so that a change costs by what it changes. Looking at everything anew comes to
//! the same; the tests compare the two.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_model::view::View;
use nucleon_model::{NetworkId, PortId};
use nucleon_net::VlanId;
use nucleon_openflow::Flow;

use crate::bridges::{BridgeConfig, Patches};
use crate::devices::Devices;
use crate::flows::{self, Member};
use crate::rows::RowEdit;
use crate::tables::Owner;
use crate::todo::Todo;
use crate::vlans::{Exhausted, LocalVlans};
use crate::wiring::{Lan, Unwired, Wiring, wiring};

/// What is on the host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actual<'a> {
    pub(crate) devices: &'a Devices,
    pub(crate) patches: &'a Patches,
}

/// The flows of one owner on one bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FlowGroup {
    pub(crate) bridge: String,
    pub(crate) owner: Owner,
    pub(crate) flows: Vec<Flow>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) flows: Vec<FlowGroup>,
    pub(crate) rows: Vec<RowEdit>,
    /// The ports that were looked at.
    pub(crate) ports: BTreeSet<PortId>,
    /// Those of them whose wiring is another than before.
    pub(crate) rewired: BTreeSet<PortId>,
    pub(crate) unwired: BTreeMap<PortId, Unwired>,
    /// Networks that got no tag.
    pub(crate) exhausted: BTreeSet<NetworkId>,
}

#[derive(Debug)]
pub(crate) struct Planner {
    host: String,
    bridges: BridgeConfig,
    vlans: LocalVlans,
    wired: BTreeMap<PortId, Wiring>,
    members: BTreeMap<Lan, BTreeSet<PortId>>,
    /// The ports in the view, by their networks.
    ports_of: BTreeMap<NetworkId, BTreeSet<PortId>>,
    network_of: BTreeMap<PortId, NetworkId>,
    /// `None` before anything was planned.
    patches: Option<Patches>,
}

impl Planner {
    pub(crate) fn new(host: String, bridges: BridgeConfig) -> Self {
        Self {
            host,
            bridges,
            vlans: LocalVlans::default(),
            wired: BTreeMap::new(),
            members: BTreeMap::new(),
            ports_of: BTreeMap::new(),
            network_of: BTreeMap::new(),
            patches: None,
        }
    }

    pub(crate) fn bridges(&self) -> &BridgeConfig {
        &self.bridges
    }

    pub(crate) fn wired(&self, port: PortId) -> Option<(&Wiring, VlanId)> {
        let wiring = self.wired.get(&port)?;
        Some((wiring, self.vlans.get(&wiring.lan)?))
    }

    pub(crate) fn wired_ports(&self) -> usize {
        self.wired.len()
    }

    pub(crate) fn local_vlans(&self) -> usize {
        self.vlans.len()
    }

    /// The ports of a network that have been planned for.
    pub(crate) fn ports_of(&self, network: NetworkId) -> impl Iterator<Item = PortId> + '_ {
        self.ports_of.get(&network).into_iter().flatten().copied()
    }

    /// Finds the local VLANs of an earlier life again, by the notes on the devices.
    pub(crate) fn restore(&mut self, devices: &Devices) {
        for (port, device) in devices.iter() {
            if let Some((lan, tag)) = crate::device::noted(&device.other_config)
                && !self.vlans.restore(lan, tag)
            {
                tracing::warn!(
                    port.id = %port, %tag,
                    "the noted local VLAN belongs to another network; the port gets a new one"
                );
            }
        }
    }

    /// Decides what is to be done for the ports in `todo`.
    pub(crate) fn plan(&mut self, view: &View, actual: Actual<'_>, todo: &Todo) -> Plan {
        let mut plan = Plan::default();
        let replaced = self.take_patches(actual.patches, &mut plan);
        let everything = todo.everything || !replaced.is_empty();
        plan.ports.clone_from(&todo.ports);
        if everything {
            plan.ports.extend(view.ports.keys().chain(self.wired.keys()).copied());
            plan.ports.extend(self.network_of.keys().copied().chain(actual.devices.ports()));
        }
        let mut lans: BTreeSet<Lan> = self
            .members
            .keys()
            .filter(|lan| lan.wire.physical_network().is_some_and(|name| replaced.contains(name)))
            .cloned()
            .collect();
        if everything {
            lans.extend(self.vlans.lans().filter(|lan| !self.is_used(lan)).cloned());
        }
        self.rewire(view, actual, &mut plan, &mut lans);
        self.set_lans(&lans, &mut plan);
        for &id in &plan.ports {
            let wired = self.wired(id);
            let flows = wired.map(|(wiring, tag)| flows::port(wiring.ofport, wiring.mac, tag));
            plan.flows.push(FlowGroup {
                bridge: self.bridges.integration.clone(),
                owner: Owner::Port(id),
                flows: flows.unwrap_or_default(),
            });
            plan.rows.extend(actual.devices.get(id).and_then(|device| match wired {
                Some((wiring, tag)) => RowEdit::wired(device, wiring, tag),
                None => RowEdit::unwired(device),
            }));
        }
        plan
    }

    /// Takes over the patches as they are; gives the physical networks whose patch is another.
    fn take_patches(&mut self, patches: &Patches, plan: &mut Plan) -> BTreeSet<String> {
        let integration = &self.bridges.integration;
        let former = self.patches.replace(patches.clone());
        if former.is_none() {
            plan.flows.push(FlowGroup {
                bridge: integration.clone(),
                owner: Owner::Bridge,
                flows: flows::integration_base(),
            });
        }
        let former = former.unwrap_or_default();
        let replaced: BTreeSet<String> = patches
            .keys()
            .chain(former.keys())
            .filter(|name| patches.get(*name) != former.get(*name))
            .cloned()
            .collect();
        for name in &replaced {
            let patch = patches.get(name).copied();
            plan.flows.push(FlowGroup {
                bridge: integration.clone(),
                owner: Owner::Patch(name.clone()),
                flows: patch.map(flows::integration_patch).unwrap_or_default(),
            });
            if let Some(bridge) = self.bridges.mappings.get(name) {
                plan.flows.push(FlowGroup {
                    bridge: bridge.clone(),
                    owner: Owner::Bridge,
                    flows: patch.map(flows::physical_base).unwrap_or_default(),
                });
            }
        }
        replaced
    }

    /// Decides the wiring of the plan's ports anew; notes whose networks are touched by that.
    fn rewire(
        &mut self,
        view: &View,
        actual: Actual<'_>,
        plan: &mut Plan,
        lans: &mut BTreeSet<Lan>,
    ) {
        for id in plan.ports.clone() {
            self.index(id, view.ports.get(&id).map(|port| port.network_id));
            let wanted =
                wiring(view, &self.host, id, actual.devices.get(id)).and_then(
                    |wiring| match wiring.lan.wire.physical_network() {
                        Some(name) if !actual.patches.contains_key(name) => {
                            Err(Unwired::NoPatch(name.to_owned()))
                        }
                        _ => Ok(wiring),
                    },
                );
            let wanted = wanted.map_err(|why| plan.unwired.insert(id, why)).ok();
            if let Some(wiring) = &wanted {
                // It was refused a tag before, or the host was told of it for the first time.
                if self.vlans.get(&wiring.lan).is_none() {
                    lans.insert(wiring.lan.clone());
                }
            }
            if self.wired.get(&id) == wanted.as_ref() {
                continue;
            }
            plan.rewired.insert(id);
            if let Some(old) = self.wired.remove(&id) {
                if let Some(members) = self.members.get_mut(&old.lan) {
                    members.remove(&id);
                }
                lans.insert(old.lan);
            }
            if let Some(wanted) = wanted {
                lans.insert(wanted.lan.clone());
                self.members.entry(wanted.lan.clone()).or_default().insert(id);
                self.wired.insert(id, wanted);
            }
        }
    }

    fn index(&mut self, port: PortId, network: Option<NetworkId>) {
        let former = match network {
            Some(network) => self.network_of.insert(port, network),
            None => self.network_of.remove(&port),
        };
        if former == network {
            return;
        }
        if let Some(former) = former
            && let Some(ports) = self.ports_of.get_mut(&former)
        {
            ports.remove(&port);
            if ports.is_empty() {
                self.ports_of.remove(&former);
            }
        }
        if let Some(network) = network {
            self.ports_of.entry(network).or_default().insert(port);
        }
    }

    fn is_used(&self, lan: &Lan) -> bool {
        self.members.get(lan).is_some_and(|members| !members.is_empty())
    }

    /// Gives tags to networks and takes them back, and sets their flows.
    fn set_lans(&mut self, lans: &BTreeSet<Lan>, plan: &mut Plan) {
        let (used, unused): (Vec<&Lan>, Vec<&Lan>) = lans.iter().partition(|lan| self.is_used(lan));
        for lan in unused {
            self.members.remove(lan);
            self.vlans.release(lan);
            self.push_lan(lan, None, plan);
        }
        for lan in used {
            let is_new = self.vlans.get(lan).is_none();
            match self.vlans.assign(lan) {
                Ok(tag) => {
                    if is_new {
                        // Members that were refused before are wired now.
                        let members = self.members.get(lan).into_iter().flatten().copied();
                        plan.ports.extend(members);
                    }
                    self.push_lan(lan, Some(tag), plan);
                }
                Err(Exhausted) => {
                    plan.exhausted.insert(lan.network);
                }
            }
        }
    }

    fn push_lan(&self, lan: &Lan, tag: Option<VlanId>, plan: &mut Plan) {
        let physical_network = lan.wire.physical_network();
        let patch = physical_network.and_then(|name| self.patches.as_ref()?.get(name)).copied();
        let inside = tag.map(|tag| flows::lan(&lan.wire, tag, patch, &self.members_of(lan)));
        plan.flows.push(FlowGroup {
            bridge: self.bridges.integration.clone(),
            owner: Owner::Lan(lan.clone()),
            flows: inside.unwrap_or_default(),
        });
        if let Some(bridge) = physical_network.and_then(|name| self.bridges.mappings.get(name)) {
            let outside = tag.zip(patch).map(|(tag, patch)| flows::outbound(&lan.wire, tag, patch));
            plan.flows.push(FlowGroup {
                bridge: bridge.clone(),
                owner: Owner::Lan(lan.clone()),
                flows: outside.unwrap_or_default(),
            });
        }
    }

    fn members_of(&self, lan: &Lan) -> Vec<Member> {
        let members = self.members.get(lan).into_iter().flatten();
        let mut members: Vec<Member> = members
            .filter_map(|id| self.wired.get(id))
            .map(|wiring| Member { ofport: wiring.ofport })
            .collect();
        members.sort_unstable();
        members
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
