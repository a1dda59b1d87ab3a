//! The agent's rounds: from what changed, in the view or on the host, to the switch.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use nucleon_agent::{Applier, Changed, Failure, Outcome};
use nucleon_model::view::{ObjectId, View};
use nucleon_model::{PortId, Timestamp};
use nucleon_obs::Clock;
use nucleon_ovsdb::Transaction;
use nucleon_ovsdb::ovs::{self, RowChange, Tag, ViewChange};
use nucleon_wire::PortMark;
use serde_json::{Map, Value, json};

use crate::bridges::{self, BridgeConfig};
use crate::device::{self, Device};
use crate::flows::{self, Member, Patch};
use crate::inbox::Inbox;
use crate::switch::{Switch, SwitchError};
use crate::tables::Owner;
use crate::vlans::LocalVlans;
use crate::wiring::{Lan, Unwired, Wiring, wiring};

/// What the host has of the cloud, as this agent made it.
#[derive(Debug)]
pub(crate) struct OvsApplier {
    host: String,
    config: BridgeConfig,
    switch: Switch,
    inbox: Inbox,
    clock: Clock,
    devices: BTreeMap<PortId, Device>,
    /// Which port of the cloud each interface row stood for when last seen.
    interfaces: BTreeMap<ovs::InterfaceId, PortId>,
    vlans: LocalVlans,
    wired: BTreeMap<PortId, Wiring>,
    members: BTreeMap<Lan, BTreeSet<PortId>>,
    patches: BTreeMap<String, Patch>,
    /// Ports whose wiring was decided but did not reach the switch.
    unsettled: BTreeSet<PortId>,
    /// Nothing has been compared with the switch yet.
    is_new: bool,
}

impl OvsApplier {
    pub(crate) fn new(
        host: String,
        config: BridgeConfig,
        switch: Switch,
        inbox: Inbox,
        clock: Clock,
    ) -> Self {
        Self {
            host,
            config,
            switch,
            inbox,
            clock,
            devices: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            vlans: LocalVlans::default(),
            wired: BTreeMap::new(),
            members: BTreeMap::new(),
            patches: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            is_new: true,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.now().as_micros())
    }

    /// Takes in what happened on the host. Returns the ports concerned, or `None` when all may be.
    fn take_news(&mut self) -> Result<Option<BTreeSet<PortId>>, SwitchError> {
        let news = self.inbox.take();
        for bridge in &news.closed {
            tracing::info!(bridge, "the switch has closed its management connection");
            self.switch.closed(bridge);
        }
        if news.verify {
            self.switch.verify();
        }
        let mut touched = Some(BTreeSet::new());
        for event in news.ovsdb {
            match self.switch.learn(event)? {
                None => touched = None,
                Some(changes) => {
                    let ports = self.note_changes(&changes);
                    if let Some(touched) = &mut touched {
                        touched.extend(ports);
                    }
                }
            }
        }
        if touched.is_none() {
            self.read_devices();
        }
        Ok(touched)
    }

    /// Brings the devices up to date after some rows changed.
    fn note_changes(&mut self, changes: &[ViewChange]) -> BTreeSet<PortId> {
        let mut touched = BTreeSet::new();
        for change in changes {
            match change {
                ViewChange::Interface(row) => {
                    let id = row_of(row).id;
                    touched.extend(self.note_interface(id));
                }
                ViewChange::Port(row) => {
                    for &id in &row_of(row).interfaces {
                        touched.extend(self.note_interface(id));
                    }
                }
                // A port's place on a bridge is written in the bridge's row.
                ViewChange::Bridge(row) => touched.extend(self.note_bridge(row)),
                ViewChange::Switch(_) => {}
            }
        }
        touched
    }

    fn note_bridge(&mut self, row: &RowChange<ovs::Bridge>) -> BTreeSet<PortId> {
        let none = BTreeSet::new();
        let before = row.before().map_or(&none, |bridge| &bridge.ports);
        let after = row.after().map_or(&none, |bridge| &bridge.ports);
        let moved: Vec<ovs::PortId> = before.symmetric_difference(after).copied().collect();
        let view = self.switch.view();
        let interfaces: Vec<ovs::InterfaceId> = moved
            .iter()
            .filter_map(|id| view?.port(*id))
            .flat_map(|port| port.interfaces.iter().copied())
            .collect();
        interfaces.into_iter().flat_map(|id| self.note_interface(id)).collect()
    }

    /// Reads one interface again; gives the ports that it stood and stands for.
    fn note_interface(&mut self, id: ovs::InterfaceId) -> BTreeSet<PortId> {
        let Some(view) = self.switch.view() else { return BTreeSet::new() };
        let found = view.interface(id).and_then(|interface| {
            let port = device::port_of(interface)?;
            Some((port, device::read(view, &self.config.integration, interface)?))
        });
        let mut touched = BTreeSet::new();
        if let Some(former) = self.interfaces.remove(&id) {
            // Another device may have taken over for the port meanwhile.
            if self.devices.get(&former).is_some_and(|device| device.interface_row == id) {
                self.devices.remove(&former);
            }
            touched.insert(former);
        }
        if let Some((port, device)) = found {
            self.interfaces.insert(id, port);
            self.devices.insert(port, device);
            touched.insert(port);
        }
        touched
    }

    /// Reads all devices anew.
    fn read_devices(&mut self) {
        self.devices.clear();
        self.interfaces.clear();
        let Some(view) = self.switch.view() else { return };
        for interface in view.interfaces() {
            let Some(port) = device::port_of(interface) else { continue };
            if let Some(device) = device::read(view, &self.config.integration, interface) {
                self.interfaces.insert(interface.id, port);
                self.devices.insert(port, device);
            }
        }
    }

    /// Finds the local VLANs of an earlier life again.
    fn restore_vlans(&mut self) {
        for (port, device) in &self.devices {
            if let Some((lan, tag)) = device::noted(&device.other_config)
                && !self.vlans.restore(lan, tag)
            {
                tracing::warn!(port.id = %port, tag = %tag, "the noted local VLAN belongs to another network; the port gets a new one");
            }
        }
    }

    /// Makes sure of bridges and patches. Returns the physical networks whose patch is another than before.
    async fn ensure_bridges(&mut self) -> Result<Vec<String>, SwitchError> {
        let view = self.switch.view().ok_or(SwitchError::NotConnected)?;
        let plan = bridges::plan(&self.config, view);
        if plan.is_needed {
            tracing::info!("setting bridges and patches right");
            self.switch.transact_applied(plan.transaction).await?;
            // The events of our own transaction are in the inbox by now.
            self.take_news()?;
        }
        for problem in plan.problems {
            tracing::error!("{problem}");
        }
        let view = self.switch.view().ok_or(SwitchError::NotConnected)?;
        let patches = bridges::patches(&self.config, view);
        let names: BTreeSet<&String> = patches.keys().chain(self.patches.keys()).collect();
        let changed: Vec<String> = names
            .into_iter()
            .filter(|name| patches.get(*name) != self.patches.get(*name))
            .cloned()
            .collect();
        self.patches = patches;
        Ok(changed)
    }

    /// Sets the flows that no port is needed for.
    fn set_base_flows(&mut self, changed: &[String]) {
        let integration = self.config.integration.clone();
        self.switch
            .edit(&integration, |tables| tables.set(Owner::Bridge, flows::integration_base()));
        for name in changed {
            let patch = self.patches.get(name).copied();
            let owner = Owner::Patch(name.clone());
            let inside = patch.map(flows::integration_patch).unwrap_or_default();
            self.switch.edit(&integration, |tables| tables.set(owner, inside));
            if let Some(bridge) = self.config.mappings.get(name) {
                let outside = patch.map(flows::physical_base).unwrap_or_default();
                self.switch.edit(bridge, |tables| tables.set(Owner::Bridge, outside));
            }
        }
    }

    /// Decides the wiring of some ports anew; notes whose networks are touched by that.
    fn rewire(
        &mut self,
        view: &View,
        ports: &BTreeSet<PortId>,
        lans: &mut BTreeSet<Lan>,
    ) -> Vec<(PortId, Unwired)> {
        let mut refused = Vec::new();
        for &id in ports {
            let wanted = wiring(view, &self.host, id, self.devices.get(&id));
            let wanted = match wanted {
                Ok(wanted) => Some(wanted),
                Err(why) => {
                    refused.push((id, why));
                    None
                }
            };
            if self.wired.get(&id) == wanted.as_ref() && !self.unsettled.contains(&id) {
                continue;
            }
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
        refused
    }

    /// Sets the flows of some ports and networks; gives the networks that got no tag.
    fn set_flows(&mut self, ports: &BTreeSet<PortId>, lans: &BTreeSet<Lan>) -> Vec<String> {
        let mut problems = Vec::new();
        for lan in lans {
            if let Err(why) = self.set_lan_flows(lan) {
                problems.push(format!("network {}: {why}", lan.network));
            }
        }
        let integration = self.config.integration.clone();
        for &id in ports {
            let flows = self.wired.get(&id).and_then(|wiring| {
                let tag = self.vlans.get(&wiring.lan)?;
                Some(flows::port(wiring.ofport, wiring.mac, tag))
            });
            self.switch.edit(&integration, |tables| {
                tables.set(Owner::Port(id), flows.unwrap_or_default())
            });
        }
        problems
    }

    fn set_lan_flows(&mut self, lan: &Lan) -> Result<(), crate::vlans::Exhausted> {
        let is_used = self.members.get(lan).is_some_and(|members| !members.is_empty());
        let patch = lan.wire.physical_network().and_then(|name| self.patches.get(name)).copied();
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        if is_used {
            let tag = self.vlans.assign(lan)?;
            inside = flows::lan(&lan.wire, tag, patch, &self.members_of(lan));
            outside = patch.map(|patch| flows::outbound(&lan.wire, tag, patch)).unwrap_or_default();
        } else {
            self.members.remove(lan);
            self.vlans.release(lan);
        }
        let integration = self.config.integration.clone();
        self.switch.edit(&integration, |tables| tables.set(Owner::Lan(lan.clone()), inside));
        if let Some(bridge) =
            lan.wire.physical_network().and_then(|name| self.config.mappings.get(name))
        {
            self.switch.edit(bridge, |tables| tables.set(Owner::Lan(lan.clone()), outside));
        }
        Ok(())
    }

    fn members_of(&self, lan: &Lan) -> Vec<Member> {
        let mut members: Vec<Member> = self
            .members
            .get(lan)
            .into_iter()
            .flatten()
            .filter_map(|id| self.wired.get(id))
            .map(|wiring| Member { ofport: wiring.ofport })
            .collect();
        members.sort_unstable();
        members
    }

    /// What is to be written to the rows of some ports' devices.
    fn row_edits(&self, ports: &BTreeSet<PortId>) -> Vec<RowEdit> {
        ports
            .iter()
            .filter_map(|id| {
                let device = self.devices.get(id)?;
                let wanted = self
                    .wired
                    .get(id)
                    .and_then(|wiring| Some((wiring, self.vlans.get(&wiring.lan)?)));
                RowEdit::plan(device, wanted)
            })
            .collect()
    }

    async fn write_rows(&self, edits: &[RowEdit]) -> Result<(), SwitchError> {
        let transactions =
            ovs::batches(edits, ovs::BATCH, |transaction, edit| edit.write(transaction));
        self.switch.transact_all(transactions).await
    }

    /// One round. The ports that it is about come from the view and from the host.
    async fn round(&mut self, view: &View, changed: &Changed) -> Result<Outcome, SwitchError> {
        let news = self.take_news()?;
        if self.switch.view().is_none() {
            return Err(SwitchError::NotConnected);
        }
        let moved = self.ensure_bridges().await?;
        if self.is_new {
            self.restore_vlans();
        }
        let whole = changed.everything || news.is_none() || self.is_new;
        let mut ports = self.concerned(view, changed, news, whole);
        let mut lans: BTreeSet<Lan> = self
            .members
            .keys()
            .filter(|lan| {
                lan.wire.physical_network().is_some_and(|name| moved.iter().any(|one| one == name))
            })
            .cloned()
            .collect();
        self.set_base_flows(&moved);
        ports.append(&mut self.unsettled.clone());
        let before: BTreeSet<PortId> =
            ports.iter().filter(|id| self.wired.contains_key(id)).copied().collect();
        let refused = self.rewire(view, &ports, &mut lans);
        let problems = self.set_flows(&ports, &lans);
        self.unsettled.clone_from(&ports);
        let edits = self.row_edits(&ports);
        self.write_rows(&edits).await?;
        let integration = self.config.integration.clone();
        let (applied, outcome) = self.switch.flush(&integration).await;
        outcome?;
        if applied.repaired > 0 && !self.is_new {
            tracing::warn!(
                flows = applied.repaired,
                "repaired flows that somebody else, or a restart of the switch, had changed"
            );
        }
        self.unsettled.clear();
        self.is_new = false;
        tracing::debug!(
            ports = ports.len(),
            rows = edits.len(),
            flow_mods = applied.flow_mods,
            "round done"
        );
        Ok(self.outcome(view, &ports, &before, refused, problems))
    }

    /// The ports that a round looks at.
    fn concerned(
        &self,
        view: &View,
        changed: &Changed,
        news: Option<BTreeSet<PortId>>,
        whole: bool,
    ) -> BTreeSet<PortId> {
        if whole {
            let integration = self.switch.tables(&self.config.integration);
            let held = integration.into_iter().flat_map(crate::tables::Tables::ports);
            return view
                .ports
                .keys()
                .chain(self.wired.keys())
                .chain(self.devices.keys())
                .copied()
                .chain(held)
                .collect();
        }
        let mut ports = news.unwrap_or_default();
        ports.extend(&changed.ports);
        if !changed.networks.is_empty() {
            let of_networks =
                view.ports.values().filter(|port| changed.networks.contains(&port.network_id));
            ports.extend(of_networks.map(|port| port.id));
        }
        ports
    }

    fn outcome(
        &self,
        view: &View,
        ports: &BTreeSet<PortId>,
        before: &BTreeSet<PortId>,
        refused: Vec<(PortId, Unwired)>,
        problems: Vec<String>,
    ) -> Outcome {
        let at = self.now();
        let mark = |id: &PortId| {
            view.ports.get(id).map(|port| PortMark { port_id: *id, revision: port.revision, at })
        };
        let is_live = |id: &&PortId| {
            self.wired.get(id).is_some_and(|wiring| self.vlans.get(&wiring.lan).is_some())
        };
        let mut outcome = Outcome {
            wired: ports.iter().filter(is_live).filter_map(mark).collect(),
            unwired: before.iter().filter(|id| !is_live(id)).filter_map(mark).collect(),
            ..Outcome::default()
        };
        for (id, why) in refused {
            match why {
                Unwired::NotOurs | Unwired::Down | Unwired::NoDevice => {}
                // The switch, or the server, has to change something first; that will wake us.
                Unwired::Unbound(_) | Unwired::NoNumber(_) => {
                    tracing::warn!(port.id = %id, "port is not wired: {why}");
                }
            }
        }
        outcome.failures.extend(problems.into_iter().map(|why| Failure { object: None, why }));
        outcome
    }
}

/// What is written to a device's row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RowEdit {
    port: ovs::PortId,
    interface: ovs::InterfaceId,
    tag: Option<u16>,
    notes: Option<BTreeMap<String, String>>,
    /// Keys of former notes that are no longer true.
    stale: bool,
    mtu: Option<u32>,
}

impl RowEdit {
    /// The difference between a row and what it should say; `None` where it says so already.
    fn plan(device: &Device, wanted: Option<(&Wiring, nucleon_net::VlanId)>) -> Option<Self> {
        let mut edit = Self {
            port: device.port_row,
            interface: device.interface_row,
            tag: None,
            notes: None,
            stale: false,
            mtu: None,
        };
        if let Some((wiring, tag)) = wanted {
            let notes = device::notes(&wiring.lan, tag);
            let noted =
                notes.iter().all(|(key, value)| device.other_config.get(key) == Some(value));
            edit.notes = (!noted).then_some(notes);
            edit.tag = (device.tag != Some(tag.get())).then_some(tag.get());
            edit.mtu = (device.mtu_request != Some(wiring.mtu)).then_some(wiring.mtu);
        } else {
            // Its notes would give the tag to a second network after a restart.
            edit.stale = device.other_config.contains_key(device::TAG);
            let dead = edit.stale && device.tag != Some(Tag::DEAD.get());
            edit.tag = dead.then_some(Tag::DEAD.get());
        }
        let nothing =
            edit.tag.is_none() && edit.notes.is_none() && !edit.stale && edit.mtu.is_none();
        (!nothing).then_some(edit)
    }

    fn write(&self, transaction: &mut Transaction) {
        if let Some(tag) = self.tag.and_then(|tag| Tag::try_from(tag).ok()) {
            ovs::set_port_tag(transaction, self.port, Some(tag));
        }
        if self.stale {
            ovs::remove_port_other_config(transaction, self.port, device::KEYS);
        }
        if let Some(notes) = &self.notes {
            ovs::set_port_other_config(transaction, self.port, notes);
        }
        if let Some(mtu) = self.mtu {
            ovs::set_interface_mtu_request(transaction, self.interface, Some(mtu));
        }
    }
}

/// The row itself, the newer where there are two.
fn row_of<T>(change: &RowChange<T>) -> &T {
    match change {
        RowChange::Added(row) | RowChange::Removed(row) | RowChange::Changed { new: row, .. } => {
            row
        }
    }
}

#[async_trait]
impl Applier for OvsApplier {
    async fn apply(&mut self, view: &View, changed: &Changed) -> Outcome {
        match self.round(view, changed).await {
            Ok(outcome) => outcome,
            Err(error) => {
                // What the view changed must not be forgotten with the round.
                self.unsettled.extend(&changed.ports);
                self.switch.verify();
                let mut why = error.to_string();
                let mut source = std::error::Error::source(&error);
                while let Some(cause) = source {
                    why = format!("{why}: {cause}");
                    source = cause.source();
                }
                Outcome {
                    failures: vec![Failure { object: None::<ObjectId>, why }],
                    ..Outcome::default()
                }
            }
        }
    }

    /// By Neutron's names.
    fn configurations(&self) -> Map<String, Value> {
        let usable: BTreeMap<&String, &String> = self
            .config
            .mappings
            .iter()
            .filter(|(name, _)| self.patches.contains_key(*name))
            .collect();
        let configurations = json!({
            "bridge_mappings": usable,
            "integration_bridge": self.config.integration,
            "datapath_type": self.config.datapath_type,
            "devices": self.wired.len(),
            "extensions": [],
            "tunnel_types": [],
            "tunneling_ip": "",
            "l2_population": false,
            "arp_responder_enabled": false,
            "enable_distributed_routing": false,
            "in_distributed_mode": false,
            "ovs_hybrid_plug": false,
            "log_agent_heartbeats": false,
        });
        match configurations {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn details(&self) -> Value {
        let lans: Vec<Value> = self
            .vlans
            .lans()
            .map(|lan| {
                json!({
                    "network": lan.network.to_string(),
                    "type": lan.wire.network_type(),
                    "physical_network": lan.wire.physical_network(),
                    "segmentation_id": lan.wire.segmentation_id(),
                    "local_vlan": self.vlans.get(lan).map(nucleon_net::VlanId::get),
                    "ports": self.members.get(lan).map_or(0, BTreeSet::len),
                })
            })
            .collect();
        json!({ "connected": self.switch.view().is_some(), "local_vlans": lans })
    }
}
