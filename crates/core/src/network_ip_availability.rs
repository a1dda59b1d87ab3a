//! How many addresses networks have, and how many of these are in use.

use std::collections::BTreeMap;

use nucleon_db::network_ip_availability as store;
use nucleon_db::{Listed, Tx, subnet as subnets};
use nucleon_model::{
    AddressCount, AvailabilityDetails, Cell, Filter, ListQuery, NetworkId, NetworkIpAvailability,
    Resource, Subnet, SubnetId, SubnetIpAvailability,
};
use nucleon_net::{IpNet, IpRange};

use crate::{Caller, Core, Error, Noun, Operations, Result};

impl Noun for NetworkIpAvailability {
    const OPERATIONS: Operations = Operations::LIST.union(Operations::SHOW);

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        // It is the same for all networks; nothing is counted for nobody.
        if !core.sees(caller, &Self::default()) {
            return Ok(Vec::new());
        }
        let listed = core.store().snapshot(|tx| {
            let query = query.clone();
            Box::pin(async move {
                let mut listed = nucleon_db::list::<Self>(tx, None, &query).await?;
                if let Listed::Records(networks) = &mut listed {
                    count(tx, networks, &versions(&query)).await?;
                }
                Ok::<_, Error>(listed)
            })
        });
        match listed.await? {
            Listed::Records(networks) => Ok(networks),
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let missing = || Error::not_found(Self::DECL, id);
        let key: NetworkId = id.parse().map_err(|_| missing())?;
        if !core.sees(caller, &Self::default()) {
            return Err(missing());
        }
        let found = core.store().snapshot(|tx| {
            Box::pin(async move {
                let found = nucleon_db::resource::get::<Self>(tx, key.to_string()).await?;
                let mut found: Vec<Self> = found.into_iter().collect();
                count(tx, &mut found, &[]).await?;
                Ok::<_, Error>(found.pop())
            })
        });
        found.await?.ok_or_else(missing)
    }
}

/// The IP versions that a list is about; none for all.
fn versions(query: &ListQuery) -> Vec<i64> {
    let place = NetworkIpAvailability::DECL.find("ip_version").map(|(index, _)| index);
    let values = query.filters.iter().filter_map(|filter| match filter {
        Filter::Attribute { index, values } if Some(*index) == place => Some(values),
        _ => None,
    });
    let number = |cell: &Cell| match cell {
        Cell::Int(number) => Some(*number),
        Cell::Text(text) => text.parse().ok(),
        _ => None,
    };
    values.flatten().filter_map(number).collect()
}

/// Counts the addresses of networks: as many statements for one as for a thousand.
async fn count(
    tx: &mut Tx,
    networks: &mut [NetworkIpAvailability],
    versions: &[i64],
) -> Result<()> {
    let ids: Vec<NetworkId> = networks.iter().map(|network| network.id).collect();
    let mut of_them = subnets::subnet_list_of(tx, &ids).await?;
    of_them.retain(|subnet| versions.is_empty() || versions.contains(&subnet.ip_version));
    let used = store::allocation_counts(tx, &of_them).await?;
    let in_pools = store::allocation_counts_in_pools(tx, &of_them).await?;
    let mut by_network: BTreeMap<NetworkId, Vec<SubnetIpAvailability>> = BTreeMap::new();
    let number = |counts: &BTreeMap<SubnetId, u64>, subnet: &Subnet| {
        AddressCount(counts.get(&subnet.id).copied().unwrap_or_default().into())
    };
    for subnet in &of_them {
        let shown = availability(subnet, number(&used, subnet), number(&in_pools, subnet));
        by_network.entry(subnet.network_id).or_default().extend(shown);
    }
    for network in networks {
        for subnet in by_network.remove(&network.id).unwrap_or_default() {
            network.add(subnet);
        }
    }
    Ok(())
}

fn availability(
    subnet: &Subnet,
    used: AddressCount,
    used_in_pools: AddressCount,
) -> Option<SubnetIpAvailability> {
    let cidr = subnet.cidr?;
    let whole = IpRange::from(cidr).size();
    let pools = subnet.allocation_pools.iter().map(IpRange::size);
    let in_pools = pools.fold(0u128, u128::saturating_add);
    let details = AvailabilityDetails {
        total_ips_in_subnet: hosts(cidr, whole),
        total_ips_in_allocation_pool: AddressCount(in_pools),
        used_ips_in_subnet: used,
        used_ips_in_allocation_pool: used_in_pools,
    };
    Some(SubnetIpAvailability {
        subnet_id: subnet.id,
        subnet_name: subnet.name.clone(),
        ip_version: subnet.ip_version,
        cidr,
        total_ips: AddressCount(if subnet.allocation_pools.is_empty() { whole } else { in_pools }),
        used_ips: used,
        ip_availability_details: details,
    })
}

/// Of IPv4 without the addresses of the network and the broadcast.
fn hosts(cidr: IpNet, whole: u128) -> AddressCount {
    AddressCount(if cidr.addr().is_ipv4() { whole.saturating_sub(2) } else { whole })
}
