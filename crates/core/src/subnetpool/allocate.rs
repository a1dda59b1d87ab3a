//! Cutting subnets' prefixes from pools, and taking them back.
//!
//! A pool's row is held by whoever takes from it or gives to it, so that no two cut the same block. What an allocation
//! reads and writes is bounded by the length of an address, not by the number of subnets.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_db::Tx;
use nucleon_db::subnetpool as store;
use nucleon_ipam::blocks;
use nucleon_model::{Subnet, SubnetDraft, SubnetPool, SubnetPoolId};
use nucleon_net::IpNet;

use super::check::scope_affinity;
use super::missing;
use crate::entity::Entity;
use crate::{Caller, Core, Error, Result};

/// A prefix for a new subnet.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) prefix: IpNet,
    pub(crate) pool: Option<SubnetPool>,
    /// Whether the pool chose it; otherwise the request did.
    pub(crate) chosen: bool,
    /// The pools that the network's subnets came from, with this one.
    neighbours: Vec<SubnetPool>,
}

/// What a request says of its prefix.
enum Wanted {
    Any(i64),
    This(IpNet),
}

impl Core {
    /// The prefix of a new subnet: the one asked for, or one cut from a pool. `others` are the network's subnets.
    pub(crate) async fn subnet_prefix(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        draft: &SubnetDraft,
        project: &str,
        others: &[Subnet],
    ) -> Result<Cut> {
        let cidr = draft.cidr.get().copied();
        if cidr.is_some() && draft.prefixlen.is_given() {
            return Err(bad_request("cidr and prefixlen must not be supplied together"));
        }
        let ip_version = draft.ip_version.get().copied().unwrap_or_default();
        let pool_id = pool_asked_for(tx, draft, cidr, ip_version).await?;
        let Some(pool_id) = pool_id else {
            let absent = "a subnetpool must be specified in the absence of a cidr";
            return cidr.map(Cut::named).ok_or_else(|| bad_request(absent));
        };
        if cidr.is_none() && draft.allocation_pools.get().is_some() {
            return Err(bad_request("allocation_pools allowed only for specific subnet requests."));
        }
        let (pool, neighbours) = self.pools_held(tx, caller, pool_id, others).await?;
        if ip_version != pool.ip_version {
            return Err(bad_request(&format!(
                "Cannot allocate IPv{ip_version} subnet from IPv{} subnet pool",
                pool.ip_version
            )));
        }
        let prefix = cut(&pool, tx, &wanted(draft, &pool)?, project).await?;
        Ok(Cut { prefix, pool: Some(pool), chosen: cidr.is_none(), neighbours })
    }

    /// The pool that a subnet is to come from, and those that the network's other subnets came from; all are held.
    async fn pools_held(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SubnetPoolId,
        others: &[Subnet],
    ) -> Result<(SubnetPool, Vec<SubnetPool>)> {
        let ids: BTreeSet<SubnetPoolId> =
            others.iter().filter_map(|other| other.subnetpool_id).chain([id]).collect();
        let ids: Vec<SubnetPoolId> = ids.into_iter().collect();
        let mut held = store::subnetpool_get_all_held(tx, &ids).await?;
        SubnetPool::complete(self, tx, caller, &mut held).await?;
        let pool = held.iter().find(|pool| pool.id == id && self.sees(caller, *pool)).cloned();
        Ok((pool.ok_or_else(|| missing(id))?, held))
    }

    /// Gives the prefixes of subnets back to the pools that they came from.
    pub(crate) async fn subnets_release(&self, tx: &mut Tx, gone: &[Subnet]) -> Result<()> {
        let mut by_pool: BTreeMap<SubnetPoolId, Vec<IpNet>> = BTreeMap::new();
        for subnet in gone {
            if let (Some(pool), Some(cidr)) = (subnet.subnetpool_id, subnet.cidr) {
                by_pool.entry(pool).or_default().push(cidr);
            }
        }
        let ids: Vec<SubnetPoolId> = by_pool.keys().copied().collect();
        for pool in store::subnetpool_get_all_held(tx, &ids).await? {
            for prefix in by_pool.remove(&pool.id).unwrap_or_default() {
                take_back(&pool, tx, prefix).await?;
            }
        }
        Ok(())
    }
}

/// The pool that a request names, or the default one that it leaves the choice to.
async fn pool_asked_for(
    tx: &mut Tx,
    draft: &SubnetDraft,
    cidr: Option<IpNet>,
    ip_version: i64,
) -> Result<Option<SubnetPoolId>> {
    let named = draft.subnetpool_id.get().copied();
    if !draft.use_default_subnetpool.get().copied().unwrap_or_default() {
        return Ok(named);
    }
    if named.is_some() {
        return Err(bad_request(
            "subnetpool_id and use_default_subnetpool cannot both be specified",
        ));
    }
    let version = cidr.map_or(ip_version, |cidr| if cidr.addr().is_ipv4() { 4 } else { 6 });
    match store::subnetpool_default(tx, version).await? {
        Some(pool) => Ok(Some(pool.id)),
        None => Err(bad_request(&format!("No default subnetpool found for IPv{version}"))),
    }
}

fn wanted(draft: &SubnetDraft, pool: &SubnetPool) -> Result<Wanted> {
    if let Some(cidr) = draft.cidr.get() {
        return Ok(Wanted::This(*cidr));
    }
    let length = draft.prefixlen.get().copied().unwrap_or(pool.default_prefixlen.0.into());
    let Some(&gateway) = draft.gateway_ip.get() else { return Ok(Wanted::Any(length)) };
    // A gateway says where the subnet is.
    check_length(pool, length)?;
    let prefix = u8::try_from(length).ok().and_then(|length| IpNet::new(gateway, length).ok());
    prefix.map_or_else(|| Err(not_available()), |prefix| Ok(Wanted::This(prefix.trunc())))
}

/// Takes a prefix out of the pool, which is held.
async fn cut(pool: &SubnetPool, tx: &mut Tx, wanted: &Wanted, project: &str) -> Result<IpNet> {
    let length = match wanted {
        Wanted::Any(length) => *length,
        Wanted::This(prefix) => prefix.prefix_len().into(),
    };
    let length = check_length(pool, length)?;
    check_quota(pool, tx, length, project).await?;
    let (block, prefix) = match wanted {
        Wanted::Any(_) => find_any(pool, tx, length).await?,
        Wanted::This(prefix) => find(pool, tx, *prefix).await?,
    };
    store::subnetpool_free_delete(tx, pool.id, &[block]).await?;
    store::subnetpool_free_insert(tx, pool.id, &blocks::rest_of(block, prefix)).await?;
    Ok(prefix)
}

async fn find_any(pool: &SubnetPool, tx: &mut Tx, length: u8) -> Result<(IpNet, IpNet)> {
    let bits = pool.address_bits().saturating_sub(length);
    let block = store::subnetpool_free_fit(tx, pool.id, bits).await?;
    let found = block.and_then(|block| Some((block, blocks::first_in(block, length)?)));
    found.ok_or_else(|| {
        allocation_error(&format!("Insufficient prefix space to allocate subnet size /{length}"))
    })
}

async fn find(pool: &SubnetPool, tx: &mut Tx, prefix: IpNet) -> Result<(IpNet, IpNet)> {
    let found = store::subnetpool_free_among(tx, pool.id, blocks::around(prefix)).await?;
    found.first().map(|block| (*block, prefix)).ok_or_else(not_available)
}

async fn take_back(pool: &SubnetPool, tx: &mut Tx, prefix: IpNet) -> Result<()> {
    let free = store::subnetpool_free_among(tx, pool.id, blocks::siblings(prefix)).await?;
    let grown = blocks::grow(prefix, |block| free.contains(block));
    if !grown.swallowed.is_empty() {
        store::subnetpool_free_delete(tx, pool.id, &grown.swallowed).await?;
    }
    Ok(store::subnetpool_free_insert(tx, pool.id, &[grown.block]).await?)
}

/// Adds to the free blocks what the pool has more than before, without what is `taken` at once. The pool is held.
pub(super) async fn free_grown(
    pool: &SubnetPool,
    tx: &mut Tx,
    before: &SubnetPool,
    taken: &[IpNet],
) -> Result<()> {
    if pool.prefixes == before.prefixes && taken.is_empty() {
        return Ok(());
    }
    let was = store::subnetpool_free_list(tx, pool.id).await?;
    let mut all = blocks::without(&pool.prefixes, &before.prefixes);
    all.extend(&was);
    free_replace(pool, tx, &was, &blocks::without(&all, taken)).await
}

/// Writes the difference between two sets of free blocks.
pub(super) async fn free_replace(
    pool: &SubnetPool,
    tx: &mut Tx,
    was: &[IpNet],
    free: &[IpNet],
) -> Result<()> {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (was.iter().copied().collect(), free.iter().copied().collect());
    let gone: Vec<IpNet> = old.difference(&new).copied().collect();
    let come: Vec<IpNet> = new.difference(&old).copied().collect();
    store::subnetpool_free_delete(tx, pool.id, &gone).await?;
    Ok(store::subnetpool_free_insert(tx, pool.id, &come).await?)
}

fn check_length(pool: &SubnetPool, length: i64) -> Result<u8> {
    let (min, max) = (pool.min_prefixlen, pool.max_prefixlen);
    let refused = |name, what, limit| {
        Err(Error::invalid(
            name,
            format!(
                "Unable to allocate subnet with prefix length {length}, {what} allowed prefix \
                 is {limit}."
            ),
        ))
    };
    if length > i64::from(max.0) {
        return refused("MaxPrefixSubnetAllocationError", "maximum", max);
    }
    match u8::try_from(length) {
        Ok(length) if length >= min.0 => Ok(length),
        _ => refused("MinPrefixSubnetAllocationError", "minimum", min),
    }
}

/// What the subnets of one project may cover: so many addresses of IPv4, so many prefixes of length 64 of IPv6. A
/// quota of nothing is none.
async fn check_quota(pool: &SubnetPool, tx: &mut Tx, length: u8, project: &str) -> Result<()> {
    let quota = u128::try_from(pool.default_quota.unwrap_or(0)).unwrap_or(0);
    if quota == 0 {
        return Ok(());
    }
    let unit_bits = if pool.ip_version == 4 { 0 } else { 64 };
    let taken = store::subnetpool_taken(tx, pool.id, Some(project)).await?;
    let used = taken.iter().map(IpNet::prefix_len).chain([length]);
    let used = used.map(|length| addresses(pool.address_bits().saturating_sub(length)));
    if used.fold(0u128, u128::saturating_add) > quota << unit_bits {
        return Err(Error::conflict(
            "SubnetPoolQuotaExceeded",
            "Per-project subnet pool prefix quota exceeded.",
        ));
    }
    Ok(())
}

/// How many there are of so many bits; `u128::MAX` stands for all 2^128.
fn addresses(bits: u8) -> u128 {
    1u128.checked_shl(bits.into()).unwrap_or(u128::MAX)
}

impl Cut {
    /// A prefix that a request names, out of no pool.
    pub(crate) fn named(prefix: IpNet) -> Self {
        Self { prefix, pool: None, chosen: false, neighbours: Vec::new() }
    }

    /// The subnets of one family on a network come from one pool, or from pools of one address scope, or from none.
    pub(crate) fn check_affinity(&self, others: &[Subnet]) -> Result<()> {
        let is_ipv4 = self.prefix.addr().is_ipv4();
        let alike = || others.iter().filter(|other| (other.ip_version == 4) == is_ipv4);
        let scope_of = |id| self.neighbours.iter().find(|pool| pool.id == id)?.address_scope_id;
        let network_scope = alike().filter_map(|other| other.subnetpool_id).find_map(scope_of);
        let own_scope = self.pool.as_ref().and_then(|pool| pool.address_scope_id);
        if network_scope.is_some() && network_scope != own_scope {
            return Err(scope_affinity());
        }
        let own_pool = self.pool.as_ref().map(|pool| pool.id);
        if network_scope.is_none() && alike().any(|other| other.subnetpool_id != own_pool) {
            return Err(Error::invalid(
                "NetworkSubnetPoolAffinityError",
                "Subnets hosted on the same network must be allocated from the same subnet pool.",
            ));
        }
        Ok(())
    }
}

fn allocation_error(reason: &str) -> Error {
    Error::conflict("SubnetAllocationError", format!("Failed to allocate subnet: {reason}."))
}

fn not_available() -> Error {
    allocation_error("Cannot allocate requested subnet from the available set of prefixes")
}

fn bad_request(reason: &str) -> Error {
    Error::invalid("BadRequest", format!("Bad subnets request: {reason}."))
}
