//! Finding free addresses: a handful is drawn and asked for at once; nearly full subnets are walked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use nucleon_db::{Tx, allocation};
use nucleon_model::{FixedIp, NetworkId, Port, Subnet, SubnetId, port};
use nucleon_net::{IpRange, MacAddr};

use super::is_router;
use crate::port::qos::Rules;
use crate::{Core, Result};

/// Addresses that one question asks for on behalf of a large request, at most.
const MOST_DRAWN: usize = 512;

/// What one transaction knows of addresses: those that it has given to its ports, and free ones left over from its
/// questions; and of the QoS policies that its ports come under.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(in crate::port) macs: BTreeSet<(NetworkId, MacAddr)>,
    given: BTreeSet<FixedIp>,
    spare: BTreeMap<SubnetId, VecDeque<IpAddr>>,
    /// Subnets where a draw found nothing: they are nearly full.
    crowded: BTreeSet<SubnetId>,
    pub(in crate::port) qos: Rules,
    /// How many ports the transaction is about.
    ports: usize,
}

impl Found {
    pub(in crate::port) fn for_ports(ports: usize) -> Self {
        Self { ports, ..Self::default() }
    }

    pub(in crate::port) fn give(&mut self, fixed_ips: &[FixedIp]) {
        self.given.extend(fixed_ips.iter().copied());
    }

    pub(in crate::port) fn is_given(&self, fixed_ip: &FixedIp) -> bool {
        self.given.contains(fixed_ip)
    }

    fn take_spare(&mut self, subnet: SubnetId) -> Option<FixedIp> {
        let spare = self.spare.get_mut(&subnet)?;
        while let Some(ip_address) = spare.pop_front() {
            let fixed_ip = FixedIp { subnet_id: subnet, ip_address };
            if self.given.insert(fixed_ip) {
                return Some(fixed_ip);
            }
        }
        None
    }

    fn has_spare(&self, subnet: SubnetId) -> bool {
        self.spare.get(&subnet).is_some_and(|spare| !spare.is_empty())
    }

    fn given_in(&self, subnet: SubnetId, range: &IpRange) -> impl Iterator<Item = IpAddr> {
        let first = FixedIp { subnet_id: subnet, ip_address: range.start() };
        let last = FixedIp { subnet_id: subnet, ip_address: range.end() };
        self.given.range(first..=last).map(|fixed_ip| fixed_ip.ip_address)
    }
}

/// The network's own services get the lowest address, as in Neutron; machines get any.
fn takes_lowest(port: &Port) -> bool {
    port.device_owner == port::OWNER_DHCP || is_router(port)
}

impl Core {
    /// Draws addresses of subnets and asks which are free, in one question, where none is known yet.
    pub(super) async fn look_for_free(
        &self,
        tx: &mut Tx,
        subnets: &[&Subnet],
        port: &Port,
        found: &mut Found,
    ) -> Result<()> {
        if takes_lowest(port) {
            return Ok(());
        }
        let count = (found.ports * 2).clamp(nucleon_ipam::DRAW, MOST_DRAWN);
        let unknown =
            |subnet: &&&Subnet| !found.has_spare(subnet.id) && !found.crowded.contains(&subnet.id);
        let draw = |subnet: &&Subnet| {
            let drawn = self.random().with(|rng| {
                let mut rng = rng;
                nucleon_ipam::draw(&subnet.allocation_pools, count, &mut rng)
            });
            (subnet.id, drawn)
        };
        let drawn: BTreeMap<_, _> = subnets.iter().filter(unknown).map(draw).collect();
        let drawn: Vec<_> = drawn.into_iter().collect();
        let taken = allocation::allocation_taken(tx, &drawn).await?;
        let taken: BTreeSet<FixedIp> = taken.into_iter().collect();
        for (subnet_id, addresses) in drawn {
            let free = |&ip_address: &IpAddr| {
                let fixed_ip = FixedIp { subnet_id, ip_address };
                !taken.contains(&fixed_ip) && !found.is_given(&fixed_ip)
            };
            let spare: VecDeque<IpAddr> = addresses.into_iter().filter(free).collect();
            if spare.is_empty() {
                found.crowded.insert(subnet_id);
            }
            found.spare.insert(subnet_id, spare);
        }
        Ok(())
    }

    /// A free address of a subnet, or `None` if there is none; it counts as given from here on.
    pub(crate) async fn free_address(
        &self,
        tx: &mut Tx,
        subnet: &Subnet,
        port: &Port,
        found: &mut Found,
    ) -> Result<Option<FixedIp>> {
        self.look_for_free(tx, &[subnet], port, found).await?;
        if !takes_lowest(port)
            && let Some(fixed_ip) = found.take_spare(subnet.id)
        {
            return Ok(Some(fixed_ip));
        }
        for pool in &subnet.allocation_pools {
            if let Some(ip_address) = self.walk(tx, subnet, *pool, port, found).await? {
                let fixed_ip = FixedIp { subnet_id: subnet.id, ip_address };
                found.give(&[fixed_ip]);
                return Ok(Some(fixed_ip));
            }
        }
        Ok(None)
    }

    /// Walks a pool, window by window, to the first that has a free address.
    async fn walk(
        &self,
        tx: &mut Tx,
        subnet: &Subnet,
        pool: IpRange,
        port: &Port,
        found: &Found,
    ) -> Result<Option<IpAddr>> {
        let mut rest = Some(pool);
        while let Some(range) = rest {
            let limit = nucleon_ipam::WINDOW;
            let mut taken = allocation::allocation_window(tx, subnet.id, range, limit).await?;
            let end = taken.last().copied().filter(|_| taken.len() as u64 == limit);
            // Beyond the last address of a full window nothing is known yet.
            let known = match end {
                Some(end) => IpRange::new(range.start(), end).unwrap_or(range),
                None => range,
            };
            taken.extend(found.given_in(subnet.id, &known));
            taken.sort_unstable();
            taken.dedup();
            let free = known.size().saturating_sub(taken.len() as u128);
            if free > 0 {
                // Any of them, for whoever walks here at the same time wants one too.
                let place = if takes_lowest(port) {
                    0
                } else {
                    self.random().below(u64::try_from(free).unwrap_or(u64::MAX))
                };
                return Ok(nucleon_ipam::nth_free(&known, &taken, place.into()));
            }
            rest = end.and_then(|end| nucleon_ipam::rest_after(&range, end));
        }
        Ok(None)
    }
}
