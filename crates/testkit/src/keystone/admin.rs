//! What the administrator does in a Keystone: projects, users, roles, tokens, the catalog.

use std::sync::PoisonError;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Keystone;
use crate::http::{self, Answer};

/// Somebody who asks for a token.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// A user of the default domain.
    pub user: &'a str,
    pub password: &'a str,
    pub scope: Scope<'a>,
}

/// What a token is for.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    Unscoped,
    System,
    /// The default domain.
    Domain,
    /// A project of the default domain.
    Project(&'a str),
}

impl Scope<'_> {
    fn json(self) -> Value {
        match self {
            Self::Unscoped => json!("unscoped"),
            Self::System => json!({"system": {"all": true}}),
            Self::Domain => json!({"domain": {"id": "default"}}),
            Self::Project(name) => json!({"project": {"name": name, "domain": {"id": "default"}}}),
        }
    }
}

impl Keystone {
    /// One request, with a token where it needs one.
    pub fn call(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let headers: Vec<(&str, &str)> =
            token.map(|token| ("X-Auth-Token", token)).into_iter().collect();
        http::ask(self.port(), method, path, &headers, body)
    }

    /// As [`Keystone::call`] by the administrator; an answer that is no success is an error.
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.call(Some(&self.admin_token()?), method, path, body)?;
        ensure!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        Ok(answer.body)
    }

    /// A token of the administrator, for the project `admin`; the same each time.
    pub fn admin_token(&self) -> Result<String> {
        let mut known = self.admin_token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = known.as_ref() {
            return Ok(token.clone());
        }
        let scope = Scope::Project("admin");
        let token = self.token(&Login { user: "admin", password: Self::ADMIN_PASSWORD, scope })?;
        *known = Some(token.clone());
        Ok(token)
    }

    /// A token got by password.
    pub fn token(&self, login: &Login<'_>) -> Result<String> {
        let user = json!({
            "name": login.user,
            "domain": {"id": "default"},
            "password": login.password,
        });
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": login.scope.json(),
        }});
        let answer = self.call(None, "POST", "/v3/auth/tokens", Some(&body))?;
        let token = answer.header("X-Subject-Token").map(str::to_owned);
        token.with_context(|| format!("no token for {}: {answer:?}", login.user))
    }

    /// Makes a token worthless.
    pub fn revoke(&self, token: &str) -> Result<()> {
        let admin = self.admin_token()?;
        let headers = [("X-Auth-Token", admin.as_str()), ("X-Subject-Token", token)];
        let answer = http::ask(self.port(), "DELETE", "/v3/auth/tokens", &headers, None)?;
        ensure!(answer.status == 204, "revoking a token: {answer:?}");
        Ok(())
    }

    /// The id of a project of the default domain, which is made where there is none.
    pub fn project(&self, name: &str) -> Result<String> {
        let project = json!({"name": name, "domain_id": "default"});
        self.find_or_create("project", &format!("name={name}&domain_id=default"), &project)
    }

    /// The id of a user of the default domain, who is made, with this password, where there is none.
    pub fn user(&self, name: &str, password: &str) -> Result<String> {
        let user = json!({"name": name, "domain_id": "default", "password": password});
        self.find_or_create("user", &format!("name={name}&domain_id=default"), &user)
    }

    /// The id of a role, which is made where there is none.
    pub fn role(&self, name: &str) -> Result<String> {
        self.find_or_create("role", &format!("name={name}"), &json!({"name": name}))
    }

    /// Gives a user a role in a project, all by their ids but the role.
    pub fn grant(&self, user: &str, project: &str, role: &str) -> Result<()> {
        let role = self.role(role)?;
        let path = format!("/v3/projects/{project}/users/{user}/roles/{role}");
        self.admin("PUT", &path, None).map(drop)
    }

    /// A user with a role in a project, each made where there is none. Answers with the ids of user and project.
    pub fn member(
        &self,
        user: &str,
        password: &str,
        project: &str,
        role: &str,
    ) -> Result<(String, String)> {
        let (user, project) = (self.user(user, password)?, self.project(project)?);
        self.grant(&user, &project, role)?;
        Ok((user, project))
    }

    /// Puts a service into the catalog, at one address for everybody; a service that is there gets the address.
    pub fn endpoint(&self, kind: &str, name: &str, url: &str) -> Result<()> {
        let service = json!({"type": kind, "name": name});
        let service = self.find_or_create("service", &format!("type={kind}"), &service)?;
        for interface in ["public", "internal", "admin"] {
            let endpoint = json!({
                "service_id": service,
                "interface": interface,
                "region_id": "RegionOne",
                "url": url,
            });
            let query = format!("service_id={service}&interface={interface}");
            let id = self.find_or_create("endpoint", &query, &endpoint)?;
            let body = json!({"endpoint": {"url": url}});
            self.admin("PATCH", &format!("/v3/endpoints/{id}"), Some(&body))?;
        }
        Ok(())
    }

    fn find_or_create(&self, kind: &str, query: &str, body: &Value) -> Result<String> {
        let id = |found: &Value| found.get("id").and_then(Value::as_str).map(str::to_owned);
        let found = self.admin("GET", &format!("/v3/{kind}s?{query}"), None)?;
        if let Some(id) = found.pointer(&format!("/{kind}s/0")).and_then(id) {
            return Ok(id);
        }
        let made = self.admin("POST", &format!("/v3/{kind}s"), Some(&json!({kind: body})))?;
        made.get(kind).and_then(id).with_context(|| format!("no id of a {kind} in {made}"))
    }
}
