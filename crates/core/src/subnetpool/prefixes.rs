//! Prefixes put into pools and taken out of them, by themselves or with the subnets of a network.

use nucleon_db::{Tx, network as networks, subnet as subnets, subnetpool as store};
use nucleon_ipam::blocks;
use nucleon_model::{Network, NetworkId, Subnet, SubnetId, SubnetPool, SubnetPoolId, Timestamp};
use nucleon_net::IpNet;
use serde::Serialize;

use super::allocate::{free_grown, free_replace};
use super::check::{check_changed, illegal_prefixes, illegal_update, only_grown};
use super::missing;
use crate::change::emit_subnet_apart;
use crate::entity;
use crate::segment::invalid_input;
use crate::{Caller, Core, Error, Kind, Result};

/// A subnet that a pool has taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Onboarded {
    pub id: SubnetId,
    pub cidr: IpNet,
}

impl Core {
    /// Adds prefixes to a pool; all that it has then.
    pub async fn subnetpool_add_prefixes(
        &self,
        caller: &Caller,
        id: &str,
        prefixes: Vec<IpNet>,
    ) -> Result<Vec<IpNet>> {
        let input = (caller.clone(), parse(id)?, prefixes, self.now());
        self.write("subnetpool add", input, |core, tx, (caller, id, prefixes, now)| {
            Box::pin(async move {
                let before = core.pool_for(tx, &caller, id, "add_prefixes").await?;
                let mut after = before.clone();
                let all = [before.prefixes.clone(), prefixes].concat();
                after.prefixes = only_grown(&before.prefixes, &all)?;
                check_changed(&after, &core, tx, &caller, &before).await?;
                entity::store_changed(&core, tx, &caller, &before, &mut after, now).await?;
                Ok(after.prefixes)
            })
        })
        .await
    }

    /// Takes prefixes out of a pool that no subnet has; all that it has then.
    pub async fn subnetpool_remove_prefixes(
        &self,
        caller: &Caller,
        id: &str,
        prefixes: Vec<IpNet>,
    ) -> Result<Vec<IpNet>> {
        let input = (caller.clone(), parse(id)?, prefixes, self.now());
        self.write("subnetpool remove", input, |core, tx, (caller, id, prefixes, now)| {
            Box::pin(async move {
                let before = core.pool_for(tx, &caller, id, "remove_prefixes").await?;
                core.prefixes_remove(tx, &caller, before, &prefixes, now).await
            })
        })
        .await
    }

    async fn prefixes_remove(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        before: SubnetPool,
        prefixes: &[IpNet],
        now: Timestamp,
    ) -> Result<Vec<IpNet>> {
        if !blocks::any_meet(&before.prefixes, prefixes) {
            return Ok(before.prefixes);
        }
        let taken = store::subnetpool_taken(tx, before.id, None).await?;
        if blocks::any_meet(&taken, prefixes) {
            return Err(illegal_prefixes(
                "One or more the prefixes to be removed is in use by a subnet.",
            ));
        }
        let mut after = before.clone();
        after.prefixes = blocks::without(&before.prefixes, prefixes);
        entity::store_changed(self, tx, caller, &before, &mut after, now).await?;
        let was = store::subnetpool_free_list(tx, after.id).await?;
        free_replace(&after, tx, &was, &blocks::without(&was, prefixes)).await?;
        Ok(after.prefixes)
    }

    /// Takes the subnets of a network into a pool, with their prefixes.
    ///
    /// # Errors
    /// When the caller does not own the network and all these subnets: who takes subnets in decides where their
    /// addresses are routed.
    pub async fn subnetpool_onboard(
        &self,
        caller: &Caller,
        id: &str,
        network: Option<&str>,
    ) -> Result<Vec<Onboarded>> {
        let pool_id = parse(id)?;
        let unnamed = || invalid_input("network_id must be specified");
        let network = network.ok_or_else(unnamed)?;
        let network_id: NetworkId =
            network.parse().map_err(|_| crate::network::missing(network))?;
        let input = (caller.clone(), pool_id, network_id, self.now());
        self.write("subnetpool onboard", input, |core, tx, (caller, pool, network, now)| {
            Box::pin(async move { core.onboard(tx, &caller, pool, network, now).await })
        })
        .await
    }

    async fn onboard(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        pool_id: SubnetPoolId,
        network_id: NetworkId,
        now: Timestamp,
    ) -> Result<Vec<Onboarded>> {
        // The guard of the network's subnets comes before that of the pool, as where subnets are made.
        let network = networks::network_get_held(tx, network_id).await?;
        let mut alike = subnets::subnet_list_of(tx, &[network_id]).await?;
        let pools = alike.iter().filter_map(|subnet| subnet.subnetpool_id).chain([pool_id]);
        let pools: Vec<SubnetPoolId> = pools.collect();
        store::subnetpool_get_all_held(tx, &pools).await?;
        let before = self.pool_for(tx, caller, pool_id, "onboard_network_subnets").await?;
        alike.retain(|subnet| subnet.ip_version == before.ip_version);
        self.check_owner(tx, caller, network, network_id, &alike).await?;
        let taken = store::subnetpool_taken(tx, pool_id, None).await?;
        let mut prefixes = Vec::with_capacity(alike.len());
        for subnet in &alike {
            let Some(cidr) = subnet.cidr else { continue };
            if blocks::any_meet(&taken, &[cidr]) {
                return Err(illegal_update(&format!(
                    "Onboarding subnet {}: {cidr} conflicts with allocated prefixes in subnet pool \
                     {pool_id}",
                    subnet.id
                )));
            }
            prefixes.push(cidr);
        }
        let mut after = before.clone();
        let all = [before.prefixes.clone(), prefixes.clone()].concat();
        after.prefixes = only_grown(&before.prefixes, &all)?;
        check_changed(&after, self, tx, caller, &before).await?;
        // What is new and taken at once was never free.
        entity::store_changed(self, tx, caller, &before, &mut after, now).await?;
        free_grown(&after, tx, &after, &prefixes).await?;
        self.subnets_release(tx, &alike).await?;
        self.subnets_adopt(tx, caller, &after, &alike, now).await
    }

    /// Whether a network and these subnets are the caller's.
    async fn check_owner(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: Option<Network>,
        network_id: NetworkId,
        subnets: &[Subnet],
    ) -> Result<()> {
        let mut found: Vec<Network> = network.into_iter().collect();
        networks::network_complete(tx, &mut found).await?;
        let missing = || crate::network::missing(network_id);
        let network = found.pop().ok_or_else(missing)?;
        let network = self.network_seen(tx, caller, network).await?;
        let network = network.filter(|network| self.sees(caller, network)).ok_or_else(missing)?;
        let owns = |project: &str| caller.is_admin() || project == caller.project_id();
        if owns(&network.project_id) && subnets.iter().all(|subnet| owns(&subnet.project_id)) {
            return Ok(());
        }
        Err(Error::new(Kind::Forbidden, "NotAuthorized", "Not authorized."))
    }

    async fn subnets_adopt(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        pool: &SubnetPool,
        alike: &[Subnet],
        now: Timestamp,
    ) -> Result<Vec<Onboarded>> {
        let ids: Vec<SubnetId> = alike.iter().map(|subnet| subnet.id).collect();
        store::subnetpool_adopt(tx, pool.id, &ids, now).await?;
        let mut onboarded = Vec::with_capacity(ids.len());
        for subnet in subnets::subnet_get_all(tx, &ids).await? {
            emit_subnet_apart(tx, caller, &subnet);
            onboarded.extend(subnet.cidr.map(|cidr| Onboarded { id: subnet.id, cidr }));
        }
        Ok(onboarded)
    }

    /// A pool, held, with which the caller may do what a rule is about.
    async fn pool_for(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SubnetPoolId,
        rule: &'static str,
    ) -> Result<SubnetPool> {
        let pool: SubnetPool = entity::load_held(self, tx, caller, id).await?;
        self.authorise_rule(caller, rule, &pool)?;
        Ok(pool)
    }
}

fn parse(id: &str) -> Result<SubnetPoolId> {
    id.parse().map_err(|_| missing(id))
}
