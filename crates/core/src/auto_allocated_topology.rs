//! Topologies made on demand: a network of the project's own with a subnet from each default pool, and a router that leads
//! it to the default external network. All of it is made, or taken away, in one transaction.

use nucleon_db::auto_allocated_topology::{self as store, Topology};
use nucleon_db::{Tx, network as networks, subnet as subnets, subnetpool as pools};
use nucleon_model::router::{GatewayRequest, WantedGateway};
use nucleon_model::{
    Field, NetworkDraft, NetworkId, Resource as _, Router, RouterDraft, RouterId, SubnetDraft,
    SubnetId, SubnetPool, Timestamp,
};

use crate::{Caller, Core, Error, Kind, Precondition, Result, entity};

impl Core {
    /// The network that was made for the project, now if not before. The project may be named `None`: the caller's.
    pub async fn auto_allocated_topology_show(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<NetworkId> {
        let project = self.topology_project(caller, project, "get_auto_allocated_topology")?;
        let input = (caller.clone(), project, self.now());
        self.write("auto allocation", input, |core, tx, (caller, project, now)| {
            Box::pin(async move {
                if let Some(topology) = store::topology_get(tx, &project).await? {
                    return Ok(topology.network_id);
                }
                let making = Making { core: &core, caller: &caller, project: &project, now };
                Ok(making.topology(tx).await?.network_id)
            })
        })
        .await
    }

    /// Whether a topology could be made: answers with the project, or with what is lacking.
    pub async fn auto_allocated_topology_check(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<String> {
        let project = self.topology_project(caller, project, "get_auto_allocated_topology")?;
        let read = self.store().read(|tx| {
            Box::pin(async move {
                external(tx).await?;
                if default_pools(tx).await?.is_empty() {
                    return Err(failure("No default subnetpools defined"));
                }
                Ok::<_, Error>(())
            })
        });
        read.await?;
        Ok(project)
    }

    /// Takes away what was made for the project; nothing, if there is nothing.
    pub async fn auto_allocated_topology_delete(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<()> {
        let project = self.topology_project(caller, project, "delete_auto_allocated_topology")?;
        let input = (caller.clone(), project, self.now());
        self.write("auto allocation delete", input, |core, tx, (caller, project, now)| {
            Box::pin(async move {
                let Some(topology) = store::topology_get(tx, &project).await? else {
                    return Ok(());
                };
                store::topology_delete(tx, &project).await?;
                let making = Making { core: &core, caller: &caller, project: &project, now };
                making.undone(tx, topology).await
            })
        })
        .await
    }

    /// The project that a request is about, if the caller may do there what the rule says.
    fn topology_project(&self, caller: &Caller, asked: &str, rule: &str) -> Result<String> {
        let project = if asked == "None" { caller.project_id() } else { asked };
        if !caller.is_admin() && project != caller.project_id() {
            return Err(Error::new(Kind::Forbidden, "NotAuthorized", "Not authorized."));
        }
        self.permit_in(caller, rule, project)?;
        Ok(project.to_owned())
    }
}

fn failure(reason: &str) -> Error {
    Error::conflict("AutoAllocationFailure", format!("Deployment error: {reason}."))
}

/// What a part of a topology cannot be made of is told as one; faults of ours, and collisions, stay what they are.
fn failed_as(error: Error, reason: &str) -> Error {
    let unmet = match error.kind() {
        Kind::Invalid | Kind::NotFound => true,
        Kind::Conflict => error.name() == "SubnetAllocationError",
        _ => false,
    };
    if !unmet || error.is_collided() {
        return error;
    }
    tracing::warn!(%error, "no topology: {reason}");
    failure(reason)
}

async fn external(tx: &mut Tx) -> Result<NetworkId> {
    let found = networks::network_default(tx).await?;
    found.ok_or_else(|| failure("No default router:external network"))
}

async fn default_pools(tx: &mut Tx) -> Result<Vec<SubnetPool>> {
    let mut found = Vec::new();
    for version in [4, 6] {
        found.extend(pools::subnetpool_default(tx, version).await?);
    }
    Ok(found)
}

/// The making of one project's topology.
struct Making<'m> {
    core: &'m Core,
    caller: &'m Caller,
    project: &'m str,
    now: Timestamp,
}

impl Making<'_> {
    async fn topology(&self, tx: &mut Tx) -> Result<Topology> {
        let external = external(tx).await?;
        let inside = self.inside(tx).await;
        let (network, subnets) =
            inside.map_err(|e| failed_as(e, "Unable to provide project private network"))?;
        let outside = self.outside(tx, external, &subnets).await;
        let router =
            outside.map_err(|e| failed_as(e, "Unable to provide external connectivity"))?;
        let topology = Topology { network_id: network, router_id: router };
        if store::topology_insert(tx, self.project, topology).await? {
            Ok(topology)
        } else {
            // Another request was faster; ours is undone, and finds the other's.
            Err(Error::collided())
        }
    }

    fn owner(&self) -> Field<String> {
        Field::Value(self.project.to_owned())
    }

    /// The network, and its subnets.
    async fn inside(&self, tx: &mut Tx) -> Result<(NetworkId, Vec<SubnetId>)> {
        let pools = default_pools(tx).await?;
        if pools.is_empty() {
            return Err(Error::not_found(SubnetPool::DECL, "default"));
        }
        let wanted = NetworkDraft {
            name: Field::Value("auto_allocated_network".to_owned()),
            project_id: self.owner(),
            ..NetworkDraft::default()
        };
        let network = self.core.network_create(tx, self.caller, wanted, self.now).await?;
        let mut made = Vec::new();
        for pool in pools {
            let wanted = SubnetDraft {
                name: Field::Value(format!("auto_allocated_subnet_v{}", pool.ip_version)),
                project_id: self.owner(),
                network_id: Field::Value(network.id),
                ip_version: Field::Value(pool.ip_version),
                subnetpool_id: Field::Value(pool.id),
                ..SubnetDraft::default()
            };
            made.push(self.core.subnet_create(tx, self.caller, wanted, self.now).await?.id);
        }
        Ok((network.id, made))
    }

    /// The router, from the subnets to the external network.
    async fn outside(
        &self,
        tx: &mut Tx,
        external: NetworkId,
        subnets: &[SubnetId],
    ) -> Result<RouterId> {
        let gateway = WantedGateway {
            network_id: external,
            external_fixed_ips: Vec::new(),
            enable_snat: None,
            qos_policy_id: Field::Absent,
        };
        let wanted = RouterDraft {
            name: Field::Value("auto_allocated_router".to_owned()),
            project_id: self.owner(),
            external_gateway_info: Field::Value(GatewayRequest { wanted: Some(gateway) }),
            ..RouterDraft::default()
        };
        let router: Router = entity::create(self.core, tx, self.caller, &wanted, self.now).await?;
        for subnet in subnets {
            self.core.router_join(tx, self.caller, router.id, *subnet, self.now).await?;
        }
        Ok(router.id)
    }

    async fn undone(&self, tx: &mut Tx, topology: Topology) -> Result<()> {
        for subnet in subnets::subnet_list_of(tx, &[topology.network_id]).await? {
            let left =
                self.core.router_leave(tx, self.caller, topology.router_id, subnet.id, self.now);
            unless_gone(left.await)?;
        }
        let router: Router =
            entity::load_held(self.core, tx, self.caller, topology.router_id).await?;
        entity::remove(self.core, tx, self.caller, &router, self.now).await?;
        let network = topology.network_id;
        self.core.network_delete(tx, self.caller, network, Precondition::default()).await
    }
}

/// What its owner took away already is no obstacle.
fn unless_gone<T>(result: Result<T>) -> Result<()> {
    match result {
        Err(error) if error.kind() != Kind::NotFound => Err(error),
        _ => Ok(()),
    }
}
