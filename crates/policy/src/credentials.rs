//! Who asks.

use std::borrow::Cow;

use crate::target::{Lookup, Target};

/// Who asks, in the terms of oslo.context's policy values. An empty text stands for a value that is not there: it
/// equals nothing, also no other value that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "oslo.context's values: none excludes another")]
pub struct Credentials {
    pub user_id: String,
    pub user_name: String,
    pub user_domain_id: String,
    pub project_id: String,
    pub project_name: String,
    pub project_domain_id: String,
    /// The domain that the token is for, if it is for one.
    pub domain_id: String,
    /// `all` for a token of the whole system.
    pub system_scope: String,
    /// Compared without regard to case.
    pub roles: Vec<String>,
    pub service_user_id: String,
    pub service_user_domain_id: String,
    pub service_project_id: String,
    pub service_project_domain_id: String,
    pub service_roles: Vec<String>,
    pub is_admin_project: bool,
    /// What [`crate::Policy::identify`] finds out by the rules `context_is_admin`, `service_api` and `context_is_advsvc`,
    /// `context_with_global_access`, `context_can_set_project_id`.
    pub is_admin: bool,
    pub is_service: bool,
    pub has_global_access: bool,
    pub can_set_project_id: bool,
}

impl Credentials {
    /// What the token is for.
    pub fn scope(&self) -> Scope {
        if !self.system_scope.is_empty() {
            Scope::System
        } else if !self.domain_id.is_empty() {
            Scope::Domain
        } else {
            Scope::Project
        }
    }
}

/// What a token is for, and what kinds of token a rule is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Project,
    Domain,
    System,
}

impl Scope {
    /// As oslo.policy calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Domain => "domain",
            Self::System => "system",
        }
    }
}

/// A value of the credentials that rules can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    UserId,
    UserName,
    UserDomainId,
    ProjectId,
    ProjectName,
    ProjectDomainId,
    DomainId,
    SystemScope,
    Roles,
    ServiceUserId,
    ServiceUserDomainId,
    ServiceProjectId,
    ServiceProjectDomainId,
    ServiceRoles,
    IsAdminProject,
    IsAdmin,
    HasGlobalAccess,
    CanSetProjectId,
}

/// A value of the credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held<'a> {
    Text(&'a str),
    Flag(bool),
    List(&'a [String]),
}

impl Credential {
    /// By the names of today and those that oslo.context has kept from before.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "user_id" | "user" => Self::UserId,
            "user_name" => Self::UserName,
            "user_domain_id" | "user_domain" => Self::UserDomainId,
            "project_id" | "tenant_id" | "tenant" => Self::ProjectId,
            "project_name" => Self::ProjectName,
            "project_domain_id" | "project_domain" => Self::ProjectDomainId,
            "domain_id" | "domain" => Self::DomainId,
            "system_scope" | "system" => Self::SystemScope,
            "roles" => Self::Roles,
            "service_user_id" => Self::ServiceUserId,
            "service_user_domain_id" => Self::ServiceUserDomainId,
            "service_project_id" => Self::ServiceProjectId,
            "service_project_domain_id" => Self::ServiceProjectDomainId,
            "service_roles" => Self::ServiceRoles,
            "is_admin_project" => Self::IsAdminProject,
            "is_admin" => Self::IsAdmin,
            "has_global_access" => Self::HasGlobalAccess,
            "can_set_project_id" => Self::CanSetProjectId,
            _ => return None,
        })
    }

    /// By its name of today.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::UserId => "user_id",
            Self::UserName => "user_name",
            Self::UserDomainId => "user_domain_id",
            Self::ProjectId => "project_id",
            Self::ProjectName => "project_name",
            Self::ProjectDomainId => "project_domain_id",
            Self::DomainId => "domain_id",
            Self::SystemScope => "system_scope",
            Self::Roles => "roles",
            Self::ServiceUserId => "service_user_id",
            Self::ServiceUserDomainId => "service_user_domain_id",
            Self::ServiceProjectId => "service_project_id",
            Self::ServiceProjectDomainId => "service_project_domain_id",
            Self::ServiceRoles => "service_roles",
            Self::IsAdminProject => "is_admin_project",
            Self::IsAdmin => "is_admin",
            Self::HasGlobalAccess => "has_global_access",
            Self::CanSetProjectId => "can_set_project_id",
        }
    }

    pub(crate) fn of(self, who: &Credentials) -> Held<'_> {
        match self {
            Self::UserId => Held::Text(&who.user_id),
            Self::UserName => Held::Text(&who.user_name),
            Self::UserDomainId => Held::Text(&who.user_domain_id),
            Self::ProjectId => Held::Text(&who.project_id),
            Self::ProjectName => Held::Text(&who.project_name),
            Self::ProjectDomainId => Held::Text(&who.project_domain_id),
            Self::DomainId => Held::Text(&who.domain_id),
            Self::SystemScope => Held::Text(&who.system_scope),
            Self::Roles => Held::List(&who.roles),
            Self::ServiceUserId => Held::Text(&who.service_user_id),
            Self::ServiceUserDomainId => Held::Text(&who.service_user_domain_id),
            Self::ServiceProjectId => Held::Text(&who.service_project_id),
            Self::ServiceProjectDomainId => Held::Text(&who.service_project_domain_id),
            Self::ServiceRoles => Held::List(&who.service_roles),
            Self::IsAdminProject => Held::Flag(who.is_admin_project),
            Self::IsAdmin => Held::Flag(who.is_admin),
            Self::HasGlobalAccess => Held::Flag(who.has_global_access),
            Self::CanSetProjectId => Held::Flag(who.can_set_project_id),
        }
    }
}

/// Rules about callers as such (`context_is_admin` and its like) are asked with the caller as the target.
impl Target for Credentials {
    fn value(&self, name: &str) -> Lookup<'_> {
        match Credential::named(name).map(|credential| credential.of(self)) {
            Some(Held::Text("")) => Lookup::Null,
            Some(Held::Text(text)) => Lookup::Text(Cow::Borrowed(text)),
            Some(Held::Flag(flag)) => Lookup::Bool(flag),
            Some(Held::List(_)) | None => Lookup::Missing,
        }
    }
}
