//! Who sends a request, as an identity service knows it.

use std::sync::Arc;

use nucleon_core::Caller;
use nucleon_obs::Timestamp;
use nucleon_policy::Credentials;

/// The sender of a request: whoever it is about, and the service that sends it for them.
#[derive(Debug, Clone)]
pub struct Identity {
    pub subject: Arc<Subject>,
    pub service: Option<Arc<Subject>>,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub user: Account,
    pub scope: Scope,
    /// The names of roles in that scope.
    pub roles: Vec<String>,
    /// `None` for what holds until it is withdrawn.
    pub expires_at: Option<Timestamp>,
    /// What Keystone says where it is configured to have an administrators' project.
    pub is_admin_project: Option<bool>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    pub name: String,
    pub domain: Named,
}

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Unscoped,
    Project { project: Named, domain: Named },
    Domain(Named),
    System,
}

/// A thing of Keystone's, with its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub name: String,
}

impl Subject {
    pub fn has_any_role(&self, names: &[String]) -> bool {
        self.roles.iter().any(|role| names.contains(role))
    }
}

impl Scope {
    /// Empty outside of any project.
    pub fn project_id(&self) -> &str {
        match self {
            Self::Project { project, .. } => &project.id,
            Self::Unscoped | Self::Domain(_) | Self::System => "",
        }
    }
}

impl Identity {
    /// The caller, as the control plane knows them; what they are by the rules, such as an administrator, is for those to
    /// say. The one place where identities become callers.
    pub fn caller(&self, request_id: &str) -> Caller {
        let Subject { user, scope, roles, is_admin_project, .. } = &*self.subject;
        let mut credentials = Credentials {
            user_id: user.id.clone(),
            user_name: user.name.clone(),
            user_domain_id: user.domain.id.clone(),
            roles: roles.clone(),
            // Where Keystone knows no administrators' project, it is every project.
            is_admin_project: is_admin_project.unwrap_or(true),
            ..Credentials::default()
        };
        match scope {
            Scope::Unscoped => {}
            Scope::System => "all".clone_into(&mut credentials.system_scope),
            Scope::Domain(domain) => credentials.domain_id.clone_from(&domain.id),
            Scope::Project { project, domain } => {
                credentials.project_id.clone_from(&project.id);
                credentials.project_name.clone_from(&project.name);
                credentials.project_domain_id.clone_from(&domain.id);
            }
        }
        if let Some(service) = self.service.as_deref() {
            credentials.service_user_id.clone_from(&service.user.id);
            credentials.service_user_domain_id.clone_from(&service.user.domain.id);
            credentials.service_roles.clone_from(&service.roles);
            if let Scope::Project { project, domain } = &service.scope {
                credentials.service_project_id.clone_from(&project.id);
                credentials.service_project_domain_id.clone_from(&domain.id);
            }
        }
        Caller::of(credentials, request_id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(scope: Scope) -> Arc<Subject> {
        let named = |text: &str| Named { id: format!("{text}-id"), name: text.to_owned() };
        Arc::new(Subject {
            user: Account {
                id: "ann-id".to_owned(),
                name: "ann".to_owned(),
                domain: named("people"),
            },
            scope,
            roles: vec!["member".to_owned()],
            expires_at: None,
            is_admin_project: None,
        })
    }

    fn garden() -> Scope {
        let named = |text: &str| Named { id: format!("{text}-id"), name: text.to_owned() };
        Scope::Project { project: named("garden"), domain: named("land") }
    }

    fn credentials(scope: Scope, service: Option<Arc<Subject>>) -> Credentials {
        let identity = Identity { subject: subject(scope), service };
        let caller = identity.caller("req-1");
        assert_eq!(caller.request_id(), "req-1");
        caller.credentials().clone()
    }

    #[test]
    fn a_caller_has_all_that_rules_can_ask_for() {
        let credentials = credentials(garden(), None);
        assert_eq!(
            credentials,
            Credentials {
                user_id: "ann-id".to_owned(),
                user_name: "ann".to_owned(),
                user_domain_id: "people-id".to_owned(),
                project_id: "garden-id".to_owned(),
                project_name: "garden".to_owned(),
                project_domain_id: "land-id".to_owned(),
                roles: vec!["member".to_owned()],
                is_admin_project: true,
                ..Credentials::default()
            }
        );
    }

    #[test]
    fn a_scope_that_is_no_project_makes_no_project() {
        let system = credentials(Scope::System, None);
        assert_eq!((system.system_scope.as_str(), system.project_id.as_str()), ("all", ""));
        let domain = Named { id: "land-id".to_owned(), name: "land".to_owned() };
        let domain = credentials(Scope::Domain(domain), None);
        assert_eq!((domain.domain_id.as_str(), domain.project_id.as_str()), ("land-id", ""));
        let unscoped = credentials(Scope::Unscoped, None);
        assert_eq!((unscoped.domain_id.as_str(), unscoped.system_scope.as_str()), ("", ""));
    }

    #[test]
    fn a_service_stands_beside_the_user_and_not_in_its_place() {
        let mut nova = Arc::unwrap_or_clone(subject(garden()));
        nova.roles = vec!["service".to_owned()];
        nova.user.id = "nova-id".to_owned();
        let credentials = credentials(Scope::Unscoped, Some(Arc::new(nova)));
        assert_eq!(credentials.service_user_id, "nova-id");
        assert_eq!(credentials.service_project_id, "garden-id");
        assert_eq!(credentials.service_roles, ["service"]);
        assert_eq!((credentials.user_id.as_str(), credentials.project_id.as_str()), ("ann-id", ""));
        assert_eq!(credentials.roles, ["member"]);
    }
}
