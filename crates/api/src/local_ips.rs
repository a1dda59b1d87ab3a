//! The ports that answer a local IP: `/v2.0/local-ips/{id}/port_associations`, each under the identifier of the port.

use nucleon_core::{Caller, ChildNoun as _, Core, Error, Precondition, Result};
use nucleon_model::{
    ListQuery, LocalIp, LocalIpAssociation, LocalIpAssociationDraft, Resource as _,
};

use crate::resource::Door;

/// Below a local IP.
#[derive(Debug)]
pub(crate) struct ByPort(String);

impl Door<LocalIpAssociation> for ByPort {
    type Collection = String;
    type Member = (String, String);

    fn path() -> String {
        format!("/v2.0/{}/{{parent}}/{}", LocalIp::DECL.path, LocalIpAssociation::DECL.path)
    }

    fn at(local_ip: String) -> Self {
        Self(local_ip)
    }

    fn member((local_ip, port): (String, String)) -> (Self, String) {
        (Self(local_ip), port)
    }

    async fn create(
        &self,
        core: &Core,
        caller: &Caller,
        drafts: Vec<LocalIpAssociationDraft>,
    ) -> Result<Vec<LocalIpAssociation>> {
        LocalIpAssociation::create_under(core, caller, &self.0, drafts).await
    }

    async fn list(
        &self,
        core: &Core,
        caller: &Caller,
        query: ListQuery,
    ) -> Result<Vec<LocalIpAssociation>> {
        LocalIpAssociation::list_under(core, caller, &self.0, query).await
    }

    async fn show(&self, core: &Core, caller: &Caller, port: &str) -> Result<LocalIpAssociation> {
        core.local_ip_association(caller, &self.0, port).await
    }

    async fn update(
        &self,
        _: &Core,
        _: &Caller,
        port: &str,
        _: LocalIpAssociationDraft,
        _: Precondition,
    ) -> Result<LocalIpAssociation> {
        // Not among the operations.
        Err(Error::not_found(LocalIpAssociation::DECL, port))
    }

    async fn delete(
        &self,
        core: &Core,
        caller: &Caller,
        port: &str,
        precondition: Precondition,
    ) -> Result<()> {
        core.local_ip_association_delete(caller, &self.0, port, precondition).await
    }
}
