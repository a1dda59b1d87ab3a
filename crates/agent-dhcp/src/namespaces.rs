//! The namespaces of the networks, entered when there is something to do in them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use nucleon_linux::{LinkName, Netns, NetnsDir};
use nucleon_model::NetworkId;

use crate::error::Error;
use crate::host_state::FoundDevice;
use crate::names;

/// Each entered namespace costs a thread, so they are left again at the end of a round.
#[derive(Debug)]
pub struct Namespaces {
    dir: NetnsDir,
    entered: Mutex<HashMap<NetworkId, Netns>>,
}

impl Namespaces {
    pub fn new(dir: NetnsDir) -> Self {
        Self { dir, entered: Mutex::default() }
    }

    pub async fn enter(&self, network: NetworkId) -> Result<Netns, Error> {
        let known = self.with(|entered| entered.get(&network).cloned());
        if let Some(netns) = known {
            return Ok(netns);
        }
        let netns = self.dir.open(&names::namespace(network)).await?;
        self.with(|entered| entered.insert(network, netns.clone()));
        Ok(netns)
    }

    /// Makes the namespace exist.
    pub async fn ensure(&self, network: NetworkId) -> Result<Netns, Error> {
        let _ = self.dir.create(&names::namespace(network)).await?;
        let netns = self.enter(network).await?;
        netns.links().set_up(&names::loopback()).await?;
        // The namespace is a host on the network; routers there are not to give it addresses, as
        // in Neutron. A kernel without IPv6 has no such switch.
        match netns.ensure_sysctl("net.ipv6.conf.default.accept_ra", "0").await {
            Err(error) if !error.is_missing() => Err(error.into()),
            _ => Ok(netns),
        }
    }

    pub async fn delete(&self, network: NetworkId) -> Result<(), Error> {
        self.with(|entered| entered.remove(&network));
        let _ = self.dir.delete(&names::namespace(network)).await?;
        Ok(())
    }

    /// The devices in a network's namespace but for loopback; `None` when there is no namespace.
    pub async fn devices(
        &self,
        network: NetworkId,
    ) -> Result<Option<BTreeMap<LinkName, FoundDevice>>, Error> {
        if !self.dir.exists(&names::namespace(network)) {
            return Ok(None);
        }
        let netns = self.enter(network).await?;
        let mut devices = BTreeMap::new();
        for link in netns.links().list().await? {
            if link.name == names::loopback() {
                continue;
            }
            let addresses = match netns.links().addresses(&link.name).await {
                // It went while we looked.
                Err(error) if error.is_missing() => continue,
                addresses => addresses?,
            };
            let device = FoundDevice::new(&link, &addresses);
            devices.insert(link.name, device);
        }
        Ok(Some(devices))
    }

    /// Leaves all namespaces: their threads end.
    pub fn leave(&self) {
        self.with(HashMap::clear);
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<NetworkId, Netns>) -> T) -> T {
        work(&mut self.entered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
