//! Ports that answer local IPs.

use nucleon_db::local_ip::ASSOCIATION_KEY;
use nucleon_db::{Tx, local_ip as store, port as ports, resource as rows};
use nucleon_model::view::Scope;
use nucleon_model::{
    LocalIp, LocalIpAssociation, LocalIpAssociationDraft, LocalIpId, PortId, Resource as _,
};

use super::{address_of, own_port};
use crate::child::{self, Child};
use crate::entity::Entity;
use crate::{Caller, ChildNoun as _, Core, Error, Kind, Operations, Precondition, Result};

impl Child for LocalIpAssociation {
    type Parent = LocalIp;

    const PARENT_COLUMN: &'static str = "local_ip_id";

    fn parent_id(&self) -> LocalIpId {
        self.local_ip_id
    }

    fn set_parent_id(&mut self, id: LocalIpId) {
        self.local_ip_id = id;
    }
}

impl Entity for LocalIpAssociation {
    const OPERATIONS: Operations = Operations::LIST
        .union(Operations::SHOW)
        .union(Operations::CREATE)
        .union(Operations::DELETE)
        .union(Operations::BULK);

    fn of(draft: &LocalIpAssociationDraft) -> Self {
        Self {
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            fixed_port_id: draft.fixed_port_id.get().copied().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn load_parents(tx: &mut Tx, associations: &mut [Self]) -> Result<()> {
        child::load_parents(tx, associations).await
    }

    async fn prepare(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &LocalIpAssociationDraft,
    ) -> Result<()> {
        let port = own_port(tx, caller, Self::DECL.ruled, self.fixed_port_id).await?;
        self.fixed_ip = Some(address_of(&port, draft.fixed_ip.get().copied())?);
        let local_ip: Option<LocalIp> = rows::get(tx, self.local_ip_id.to_string()).await?;
        self.local_ip_address = local_ip.and_then(|local_ip| local_ip.local_ip_address);
        self.host = port.host;
        Ok(())
    }

    async fn complete(_: &Core, tx: &mut Tx, _: &Caller, associations: &mut [Self]) -> Result<()> {
        let ids: Vec<PortId> = associations.iter().map(|one| one.fixed_port_id).collect();
        let found = ports::port_get_all(tx, &ids).await?;
        for association in associations {
            let port = found.iter().find(|port| port.id == association.fixed_port_id);
            association.host = port.map(|port| port.host.clone()).unwrap_or_default();
        }
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        if self.host.is_empty() { Vec::new() } else { vec![Scope::Host(self.host.clone())] }
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        if !error.is_conflict_on(ASSOCIATION_KEY) {
            return error.into();
        }
        Error::conflict(
            "NeutronDbObjectDuplicateEntry",
            format!(
                "Failed to create a duplicate LocalIPAssociation: for attribute(s) ['local_ip_id', 'fixed_port_id'] \
                 with value(s) {}-{}",
                self.local_ip_id, self.fixed_port_id
            ),
        )
    }
}

impl Core {
    /// The association of a local IP with a port, both by identifier.
    pub async fn local_ip_association(
        &self,
        caller: &Caller,
        local_ip: &str,
        port: &str,
    ) -> Result<LocalIpAssociation> {
        let id = self.local_ip_association_id(local_ip, port).await?;
        LocalIpAssociation::show_under(self, caller, local_ip, &id).await
    }

    /// Ends it.
    pub async fn local_ip_association_delete(
        &self,
        caller: &Caller,
        local_ip: &str,
        port: &str,
        precondition: Precondition,
    ) -> Result<()> {
        let id = self.local_ip_association_id(local_ip, port).await?;
        LocalIpAssociation::delete_under(self, caller, local_ip, &id, precondition).await
    }

    /// What the store knows an association by; whether the caller may see it is asked where it is used.
    async fn local_ip_association_id(&self, local_ip: &str, port: &str) -> Result<String> {
        let missing = || {
            Error::new(
                Kind::NotFound,
                "LocalIPAssociationNotFound",
                format!("Local IP {local_ip} association with port {port} could not be found."),
            )
        };
        let (Ok(local_ip_id), Ok(port_id)) = (local_ip.parse(), port.parse()) else {
            return Err(missing());
        };
        let found = self.store().read(|tx| {
            Box::pin(async move {
                Ok::<_, Error>(store::local_ip_association_of(tx, local_ip_id, port_id).await?)
            })
        });
        found.await?.map(|association| association.id.to_string()).ok_or_else(missing)
    }
}
