//! Who asks.

use std::sync::Arc;

use nucleon_model::Field;

/// The identity behind a request, as the identity service or the request's headers gave it.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    project_id: String,
    roles: Vec<String>,
    is_admin: bool,
    request_id: String,
}

impl Caller {
    /// A caller is an administrator by the role `admin` (the rule `context_is_admin`).
    pub fn new(project_id: String, roles: Vec<String>, request_id: String) -> Self {
        let is_admin = roles.iter().any(|role| role.eq_ignore_ascii_case("admin"));
        Self(Arc::new(Identity { project_id, roles, is_admin, request_id }))
    }

    /// The server itself, for work that no request asked for.
    pub fn server(reason: &str) -> Self {
        Self::new(String::new(), vec!["admin".to_owned()], reason.to_owned())
    }

    /// Empty for a caller outside any project.
    pub fn project_id(&self) -> &str {
        &self.0.project_id
    }

    /// The project that a request asks an object for: its own where it names none.
    pub(crate) fn project_of(&self, asked: &Field<String>) -> String {
        asked.get().cloned().unwrap_or_else(|| self.project_id().to_owned())
    }

    pub fn has_role(&self, name: &str) -> bool {
        self.0.roles.iter().any(|role| role.eq_ignore_ascii_case(name))
    }

    pub fn is_admin(&self) -> bool {
        self.0.is_admin
    }

    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }
}
