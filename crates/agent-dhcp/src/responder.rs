//! One network's answers, changed port by port while they are given.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nucleon_dhcp::v4::{FrameAnswer, Issue, Network, NotAnswerable};
use nucleon_model::view::{NetworkBody, PortBody};
use nucleon_model::{NetworkId, PortId};
use nucleon_net::MacAddr;

use crate::answering;
use crate::options::AnswerOptions;

/// Shared by who follows the view and by the task that reads the network's socket. The lock is held
/// for one answer or one change, a few microseconds.
#[derive(Debug)]
pub struct Responder {
    network: NetworkId,
    clients: Mutex<Clients>,
}

#[derive(Debug)]
struct Clients {
    answers: Network,
    /// Whose port a MAC is: a port that has lost it must not take it from the one that has it now.
    owners: HashMap<MacAddr, PortId>,
    macs: HashMap<PortId, MacAddr>,
}

impl Responder {
    /// Answers for a network, by way of its DHCP port on this host, to the given ports.
    pub fn new<'a>(
        network: &NetworkBody,
        dhcp_port: &PortBody,
        ports: impl IntoIterator<Item = &'a PortBody>,
        options: &AnswerOptions,
    ) -> (Self, Vec<Issue>) {
        let (clients, issues) = Clients::new(network, dhcp_port, ports, options);
        (Self { network: network.id, clients: Mutex::new(clients) }, issues)
    }

    /// Takes in what is new about the network itself; requests meanwhile get the old or the new
    /// answer, never none.
    pub fn replace<'a>(
        &self,
        network: &NetworkBody,
        dhcp_port: &PortBody,
        ports: impl IntoIterator<Item = &'a PortBody>,
        options: &AnswerOptions,
    ) -> Vec<Issue> {
        let (clients, issues) = Clients::new(network, dhcp_port, ports, options);
        *self.lock() = clients;
        issues
    }

    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// Takes in a port, new or changed, at a cost that does not grow with the number of ports.
    pub fn insert(&self, port: &PortBody) -> Vec<Issue> {
        self.lock().insert(port)
    }

    pub fn remove(&self, port: PortId) {
        self.lock().remove(port);
    }

    /// What the frame gets, if anything.
    pub fn answer(&self, frame: &[u8]) -> Result<FrameAnswer, NotAnswerable> {
        self.lock().answers.answer_frame(frame)
    }

    /// The number of known clients.
    pub fn len(&self) -> usize {
        self.lock().macs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        // Every change leaves the maps in order before anything in it can panic.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    fn new<'a>(
        network: &NetworkBody,
        dhcp_port: &PortBody,
        ports: impl IntoIterator<Item = &'a PortBody>,
        options: &AnswerOptions,
    ) -> (Self, Vec<Issue>) {
        let config = answering::configuration(network, dhcp_port, options);
        let (answers, mut issues) = config.compile();
        let mut clients = Self { answers, owners: HashMap::new(), macs: HashMap::new() };
        for port in ports {
            issues.append(&mut clients.insert(port));
        }
        (clients, issues)
    }

    fn insert(&mut self, port: &PortBody) -> Vec<Issue> {
        let reservation = answering::reservation(port);
        let mac = reservation.as_ref().map(|reservation| reservation.mac);
        if self.macs.get(&port.id).copied() != mac {
            self.remove(port.id);
        }
        let Some(reservation) = reservation else { return Vec::new() };
        if let Some(former) = self.owners.insert(reservation.mac, port.id)
            && former != port.id
        {
            self.macs.remove(&former);
        }
        self.macs.insert(port.id, reservation.mac);
        self.answers.insert(&reservation)
    }

    fn remove(&mut self, port: PortId) {
        let Some(mac) = self.macs.remove(&port) else { return };
        if self.owners.get(&mac) == Some(&port) {
            self.owners.remove(&mac);
            self.answers.remove(mac);
        }
    }
}

#[cfg(test)]
mod tests;
