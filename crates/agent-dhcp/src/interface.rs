//! How ports come onto the switch: the seam for switches of other kinds.

pub mod openvswitch;

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use nucleon_linux::LinkName;
use nucleon_model::NetworkId;

use crate::error::Error;
use crate::host_state::FoundPorts;
use crate::plan::Plug;

/// Plugs devices in namespaces into a switch.
///
/// All calls are idempotent, and take many at once: a switch takes many changes in the time of one.
#[async_trait]
pub trait InterfaceDriver: fmt::Debug + Send + Sync {
    /// The networks for which ports are plugged, wanted or not; `None` while the switch cannot be
    /// asked.
    fn networks(&self) -> Option<BTreeSet<NetworkId>>;

    /// The ports plugged for these networks, and those with these names; `None` while the switch
    /// cannot be asked.
    async fn list(
        &self,
        networks: &BTreeSet<NetworkId>,
        names: &BTreeSet<LinkName>,
    ) -> Result<Option<FoundPorts>, Error>;

    /// Makes each port and its device, with MAC and MTU, in the network's namespace, which is
    /// there. One result for each.
    async fn plug(&self, plugs: &[Plug]) -> Vec<Result<(), Error>>;

    /// Takes ports from the switch, and their devices with them. One result for each.
    async fn unplug(&self, names: &[LinkName]) -> Vec<Result<(), Error>>;
}
