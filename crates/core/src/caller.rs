//! Who asks.

use std::sync::Arc;

use nucleon_model::Field;
use nucleon_policy::Credentials;

/// The identity behind a request, as the identity service or the request's headers gave it.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    credentials: Credentials,
    request_id: String,
}

impl Caller {
    /// Somebody with these credentials. What they are by the rules about callers (an administrator, a service) is found
    /// out by [`crate::Core::recognised`]; until then it is what the credentials say.
    pub fn of(credentials: Credentials, request_id: String) -> Self {
        Self(Arc::new(Identity { credentials, request_id }))
    }

    /// Somebody with roles in a project: an administrator by the role `admin`, a service by the role `service`, as the
    /// rules have it unless a policy file says otherwise.
    pub fn new(project_id: String, roles: Vec<String>, request_id: String) -> Self {
        let has = |name: &str| roles.iter().any(|role| role.eq_ignore_ascii_case(name));
        let (is_admin, is_service) = (has("admin"), has("service"));
        let credentials = Credentials {
            project_id,
            is_admin,
            is_service,
            has_global_access: is_admin,
            can_set_project_id: is_admin || is_service,
            roles,
            ..Credentials::default()
        };
        Self::of(credentials, request_id)
    }

    /// The server itself, for work that no request asked for.
    pub fn server(reason: &str) -> Self {
        Self::new(String::new(), vec!["admin".to_owned()], reason.to_owned())
    }

    /// The server itself, for work on behalf of a project.
    pub(crate) fn server_for(project: &str, reason: &str) -> Self {
        Self::new(project.to_owned(), vec!["admin".to_owned()], reason.to_owned())
    }

    pub fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    /// Empty for a caller outside any project.
    pub fn project_id(&self) -> &str {
        &self.0.credentials.project_id
    }

    /// The project that a request asks an object for: its own where it names none.
    pub(crate) fn project_of(&self, asked: &Field<String>) -> String {
        asked.get().cloned().unwrap_or_else(|| self.project_id().to_owned())
    }

    pub fn is_admin(&self) -> bool {
        self.0.credentials.is_admin
    }

    /// Whether the caller may ask for objects of other projects than its own.
    pub fn can_set_project_id(&self) -> bool {
        self.0.credentials.can_set_project_id
    }

    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }
}
