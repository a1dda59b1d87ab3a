//! With whom networks are shared, and for whom they lead outside.
//!
//! What holds is the rows of `rbac_policies`. The network's own row says of them whether everybody shares it, and whether
//! it leads outside for anybody: that much is known with the row, for most networks all there is.

use std::collections::BTreeSet;

use nucleon_db::rbac::{self, ACCESS_AS_EXTERNAL, ACCESS_AS_SHARED, EVERYBODY};
use nucleon_db::{Operation, Tx, network as store, port as ports, subnet as subnets};
use nucleon_model::{Network, NetworkId, RbacPolicy, Standard, Timestamp};

use super::{external, missing};
use crate::change::{again, emit_network};
use crate::{Caller, Core, Error, Result, sharing};

const OBJECT_TYPE: &str = store::OBJECT_TYPE;

/// Shows a network as the caller sees it, by the actions that it is open to the caller's project for; answers whether the
/// caller reaches it.
pub(crate) fn reach(caller: &Caller, network: &mut Network, open: impl Fn(&str) -> bool) -> bool {
    if network.shared {
        return true;
    }
    network.shared = open(ACCESS_AS_SHARED);
    let limited = Core::viewer(caller).is_some();
    let own = network.project_id == caller.project_id();
    !limited || own || network.shared || open(ACCESS_AS_EXTERNAL)
}

/// As [`reach`], of a network of which only the row is known, with the actions that it is open for; those of administrators
/// and of the network's own project do not matter.
pub(crate) fn reach_row(caller: &Caller, network: &mut Network, open: &BTreeSet<String>) -> bool {
    if Core::viewer(caller).is_none() || network.project_id == caller.project_id() {
        return true;
    }
    reach(caller, network, |action| open.contains(action))
}

impl Core {
    /// Networks as the caller sees them: `shared` also where they are so with the caller's project alone. Those that
    /// the caller does not reach are left out.
    pub(crate) async fn networks_seen(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        mut networks: Vec<Network>,
    ) -> Result<Vec<Network>> {
        let project = caller.project_id();
        let apart: Vec<String> = networks
            .iter()
            .filter(|network| !network.shared)
            .map(|network| network.id.to_string())
            .collect();
        let open = rbac::rbac_actions_among(tx, OBJECT_TYPE, &apart, project).await?;
        networks.retain_mut(|network| {
            let id = network.id.to_string();
            reach(caller, network, |action| open.contains(&(id.clone(), action.to_owned())))
        });
        Ok(networks)
    }

    /// As [`Core::networks_seen`], of one network.
    pub(crate) async fn network_seen(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: Network,
    ) -> Result<Option<Network>> {
        Ok(self.networks_seen(tx, caller, vec![network]).await?.pop())
    }

    /// Looks at a network, of which only the row is known, as the caller does; answers whether the caller reaches it at
    /// all. Costs nothing for administrators and the network's own project.
    pub(crate) async fn network_reach(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: &mut Network,
    ) -> Result<bool> {
        if Self::viewer(caller).is_none() || network.project_id == caller.project_id() {
            return Ok(true);
        }
        let seen = self.network_seen(tx, caller, network.clone()).await?;
        network.shared = seen.as_ref().is_some_and(|seen| seen.shared);
        Ok(seen.is_some())
    }

    /// A network of which the row was found, as one whom it is open to has it; to others it is not there.
    pub(crate) async fn network_reached(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: NetworkId,
        found: Option<Network>,
    ) -> Result<Network> {
        let mut network = found.ok_or_else(|| super::missing(id))?;
        if !self.network_reach(tx, caller, &mut network).await? || !self.sees(caller, &network) {
            return Err(super::missing(id));
        }
        Ok(network)
    }

    /// Writes what a new network's own attributes say of sharing.
    pub(super) async fn network_share(&self, tx: &mut Tx, network: &Network) -> Result<()> {
        if network.shared {
            sharing::share_with_all(self, tx, OBJECT_TYPE, network).await?;
        }
        if network.external {
            sharing::open_to_all(self, tx, OBJECT_TYPE, ACCESS_AS_EXTERNAL, network).await?;
        }
        Ok(())
    }

    /// Writes what a network's own attributes, changed by a request, say of sharing.
    pub(super) async fn network_share_again(
        &self,
        tx: &mut Tx,
        before: &Network,
        after: &Network,
    ) -> Result<()> {
        match (before.shared, after.shared) {
            (false, true) => sharing::share_with_all(self, tx, OBJECT_TYPE, after).await?,
            (true, false) => {
                check_unsharing(tx, after).await?;
                let everybody = Some(EVERYBODY);
                sharing::close(tx, OBJECT_TYPE, ACCESS_AS_SHARED, after, everybody).await?;
            }
            _ => {}
        }
        match (before.external, after.external) {
            (false, true) => {
                sharing::open_to_all(self, tx, OBJECT_TYPE, ACCESS_AS_EXTERNAL, after).await?;
            }
            (true, false) => {
                if ports::port_of_gateway(tx, after.id).await? {
                    return Err(external_in_use(after.id));
                }
                sharing::close(tx, OBJECT_TYPE, ACCESS_AS_EXTERNAL, after, None).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Brings a network's row in step with the policies that share it, `leaving` no longer among them, and counts the
    /// change.
    pub(crate) async fn network_follow_sharing(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: NetworkId,
        leaving: Option<&RbacPolicy>,
        now: Timestamp,
    ) -> Result<()> {
        let before = store::network_get_held(tx, id).await?.ok_or_else(|| missing(id))?;
        let mut after = before.clone();
        let sharing = remaining(tx, id, ACCESS_AS_SHARED, leaving).await?;
        after.shared = sharing.iter().any(|target| target == EVERYBODY);
        // A network with gateways on it leads outside whatever becomes of its policies.
        after.external = !remaining(tx, id, ACCESS_AS_EXTERNAL, leaving).await?.is_empty()
            || (before.external && ports::port_of_gateway(tx, id).await?);
        external::place(&mut after);
        external::check_default(tx, &after).await?;
        after.mark_changed(now);
        let written = store::network_update_at(tx, &after, before.revision_number).await;
        again(tx, external::unless_taken(written)?)?;
        emit_network(tx, caller, Operation::Update, &after);
        Ok(())
    }
}

/// Whom a network is still shared with by an action when a policy leaves.
async fn remaining(
    tx: &mut Tx,
    id: NetworkId,
    action: &str,
    leaving: Option<&RbacPolicy>,
) -> Result<Vec<String>> {
    let mut targets = rbac::rbac_targets(tx, OBJECT_TYPE, &id.to_string(), action).await?;
    if let Some(policy) = leaving.filter(|policy| policy.action == action) {
        targets.retain(|target| *target != policy.target_project);
    }
    Ok(targets)
}

/// A network stays shared with everybody while a project is on it that has it from nowhere else.
async fn check_unsharing(tx: &mut Tx, network: &Network) -> Result<()> {
    let id = network.id.to_string();
    let mut allowed = rbac::rbac_targets(tx, OBJECT_TYPE, &id, ACCESS_AS_SHARED).await?;
    allowed.retain(|target| target != EVERYBODY);
    allowed.push(network.project_id.clone());
    let stranger = ports::port_of_stranger(tx, network.id, &allowed).await?
        || subnets::subnet_of_stranger(tx, network.id, &allowed).await?;
    if stranger {
        return Err(Error::conflict("InvalidSharedSetting", unable_to_unshare(&network.name)));
    }
    Ok(())
}

pub(crate) fn unable_to_unshare(network: &str) -> String {
    format!(
        "Unable to reconfigure sharing settings for network {network}. Multiple projects are using it."
    )
}

fn external_in_use(id: NetworkId) -> Error {
    Error::conflict(
        "ExternalNetworkInUse",
        format!(
            "External network {id} cannot be updated to be made non-external, since it has existing \
             gateway ports."
        ),
    )
}
