//! The default external network: where topologies lead that are made on demand. There is one at most.

use nucleon_db::{Tx, network as store};
use nucleon_model::{Network, NetworkId};

use crate::{Error, Result};

/// Puts a network into the one place for the default, or out of it. Only external networks are in it.
pub(super) fn place(network: &mut Network) {
    network.default_place = (network.is_default && network.external).then_some(1);
}

/// Refuses a second default one, naming the first.
pub(super) async fn check_default(tx: &mut Tx, network: &Network) -> Result<()> {
    if network.default_place.is_none() {
        return Ok(());
    }
    match store::network_default(tx).await? {
        Some(other) if other != network.id => Err(exists(other)),
        _ => Ok(()),
    }
}

/// Another request took the place since we looked, this one or that of a project's HA network: look again.
pub(super) fn unless_taken<T>(
    written: std::result::Result<T, nucleon_db::Error>,
) -> Result<std::result::Result<T, nucleon_db::Error>> {
    match written {
        Err(error)
            if error.is_conflict_on(store::DEFAULT_KEY) || error.is_conflict_on(store::HA_KEY) =>
        {
            Err(Error::collided())
        }
        other => Ok(other),
    }
}

fn exists(id: NetworkId) -> Error {
    Error::conflict(
        "DefaultExternalNetworkExists",
        format!("A default external network already exists: {id}."),
    )
}
