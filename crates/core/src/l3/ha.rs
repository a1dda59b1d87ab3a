//! What highly available routers hear of each other by: a network for all of a project, and on it a port for each agent that
//! carries one of them.
//!
//! Neither is the project's: it does not see them.

use nucleon_db::{Tx, network as networks, router as routers};
use nucleon_model::router::OWNER_HA;
use nucleon_model::{
    Field, Network, NetworkDraft, NetworkId, Port, Router, SubnetDraft, Timestamp,
};
use nucleon_net::IpNet;

use crate::{Caller, Core, Precondition, Result};

/// `[DEFAULT] l3_ha_net_cidr`, Neutron's default: link-local addresses (RFC 3927).
const PREFIX: &str = "169.254.192.0/18";

impl Core {
    /// The network of a project's highly available routers, made where there is none yet.
    async fn ha_network(&self, tx: &mut Tx, project: &str, now: Timestamp) -> Result<NetworkId> {
        if let Some(id) = networks::network_of_ha(tx, project).await? {
            return Ok(id);
        }
        let server = Caller::server_for(project, "HA network");
        let wanted = NetworkDraft {
            name: Field::Value(format!("HA network tenant {project}")),
            project_id: Field::Value(String::new()),
            ha: Field::Value(true),
            ..NetworkDraft::default()
        };
        let network: Network = self.network_create(tx, &server, wanted, now).await?;
        let wanted = SubnetDraft {
            network_id: Field::Value(network.id),
            name: Field::Value(format!("HA subnet tenant {project}")),
            project_id: Field::Value(String::new()),
            ip_version: Field::Value(4),
            cidr: PREFIX.parse::<IpNet>().map_or(Field::Absent, Field::Value),
            enable_dhcp: Field::Value(false),
            gateway_ip: Field::Null,
            ..SubnetDraft::default()
        };
        self.subnet_create(tx, &server, wanted, now).await?;
        Ok(network.id)
    }

    /// Gives an agent that carries a highly available router a port to be heard by.
    pub(super) async fn ha_port_make(
        &self,
        tx: &mut Tx,
        router: &Router,
        host: &str,
        now: Timestamp,
    ) -> Result<()> {
        let project = router.project_id.as_str();
        let port = Port {
            network_id: self.ha_network(tx, project, now).await?,
            name: format!("HA port tenant {project}"),
            device_id: router.id.to_string(),
            device_owner: OWNER_HA.to_owned(),
            host: host.to_owned(),
            ..Port::default()
        };
        let server = Caller::server("HA port");
        let port = self.port_make(tx, &server, port, &Field::Absent, now).await?;
        routers::router_port_add(tx, router.id, port.id, OWNER_HA);
        Ok(())
    }

    /// Takes away the ports by which a router is heard on a host, or anywhere.
    pub(super) async fn ha_ports_remove(
        &self,
        tx: &mut Tx,
        router: &Router,
        host: Option<&str>,
    ) -> Result<()> {
        let server = Caller::server("HA port");
        for (port, owner) in routers::router_ports(tx, router.id).await? {
            if owner == OWNER_HA && host.is_none_or(|host| port.host == host) {
                self.port_remove(tx, &server, &port).await?;
            }
        }
        Ok(())
    }

    /// Takes away the network of a project's highly available routers, if this was the last of them and nobody else uses it.
    pub(crate) async fn ha_network_leave(&self, tx: &mut Tx, router: &Router) -> Result<()> {
        let project = router.project_id.as_str();
        if routers::router_has_ha_beside(tx, project, router.id).await? {
            return Ok(());
        }
        let Some(id) = networks::network_of_ha(tx, project).await? else { return Ok(()) };
        let server = Caller::server("HA network");
        match self.network_delete(tx, &server, id, Precondition::default()).await {
            // Found before anything is written; a router does not stay for a stranger's port.
            Err(error) if matches!(error.name(), "NetworkInUse" | "NetworkNotFound") => Ok(()),
            deleted => deleted,
        }
    }
}
