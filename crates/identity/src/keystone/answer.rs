//! What Keystone says of a token.

use std::sync::Arc;

use nucleon_obs::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::access_rules::{AccessRule, Restriction};
use crate::identity::{Account, Named, Scope, Subject};

/// A token that Keystone knows.
#[derive(Debug, Clone)]
pub(super) struct Validated {
    pub(super) subject: Arc<Subject>,
    pub(super) expires_at: Timestamp,
    pub(super) restriction: Option<Arc<Restriction>>,
}

/// What the service user learns at its own login.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) expires_at: Timestamp,
    pub(super) catalog: Vec<Service>,
}

/// A service in the catalog.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Endpoint {
    pub(super) interface: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) region: Option<String>,
    #[serde(default)]
    pub(super) region_id: Option<String>,
}

/// An answer that says nothing about a token.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Unreadable {
    /// The parser's place in the text, never the text.
    #[error("it is no token's description (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("expires_at is no time")]
    Expiry,
    #[error("the token is bound to something that cannot be checked")]
    Bound,
}

#[derive(Deserialize)]
struct Envelope<T> {
    token: T,
}

#[derive(Deserialize)]
struct Token {
    user: User,
    expires_at: String,
    #[serde(default)]
    project: Option<Project>,
    #[serde(default)]
    domain: Option<Name>,
    #[serde(default)]
    system: Option<System>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    is_admin_project: Option<bool>,
    #[serde(default)]
    application_credential: Option<Credential>,
    #[serde(default)]
    catalog: Vec<Kind>,
    #[serde(default)]
    bind: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    name: String,
    domain: Name,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    name: String,
    domain: Name,
}

/// The domain of domains has no name.
#[derive(Deserialize)]
struct Name {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct System {
    #[serde(default)]
    all: bool,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

#[derive(Deserialize)]
struct Credential {
    #[serde(default)]
    access_rules: Option<Vec<AccessRule>>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Login {
    expires_at: String,
    /// A login that Keystone counts as one has a user.
    #[serde(rename = "user")]
    _user: IgnoredAny,
    #[serde(default)]
    catalog: Vec<Service>,
}

impl Validated {
    /// Reads the answer to a question about a token. `service` is this service's type.
    pub(super) fn read(body: &[u8], service: Option<&str>) -> Result<Self, Unreadable> {
        let Envelope { token } = parse::<Token>(body)?;
        if token.bind.is_some_and(|bind| !bind.is_empty()) {
            return Err(Unreadable::Bound);
        }
        let expires_at = time(&token.expires_at)?;
        let in_catalog = token.catalog.iter().any(|found| Some(found.kind.as_str()) == service);
        let rules = token.application_credential.and_then(|credential| credential.access_rules);
        let scope = match (token.project, token.domain, token.system) {
            (Some(project), ..) => Scope::Project {
                project: Named { id: project.id, name: project.name },
                domain: project.domain.into(),
            },
            (None, Some(domain), _) => Scope::Domain(domain.into()),
            (None, None, Some(System { all: true })) => Scope::System,
            (None, None, _) => Scope::Unscoped,
        };
        let User { id, name, domain } = token.user;
        let subject = Subject {
            user: Account { id, name, domain: domain.into() },
            scope,
            roles: token.roles.into_iter().map(|role| role.name).collect(),
            expires_at: Some(expires_at),
            is_admin_project: token.is_admin_project,
        };
        Ok(Self {
            subject: Arc::new(subject),
            expires_at,
            restriction: rules.map(|rules| Arc::new(Restriction::new(rules, in_catalog))),
        })
    }

    /// Roughly, in bytes.
    pub(super) fn weight(&self) -> usize {
        let named = |named: &Named| named.id.len() + named.name.len();
        let subject = &self.subject;
        let scope = match &subject.scope {
            Scope::Unscoped | Scope::System => 0,
            Scope::Domain(domain) => named(domain),
            Scope::Project { project, domain } => named(project) + named(domain),
        };
        let Account { id, name, domain } = &subject.user;
        let roles = subject.roles.iter().map(|role| role.len() + size_of::<String>());
        let restriction = self.restriction.as_deref().map_or(0, Restriction::weight);
        size_of::<Subject>()
            + id.len()
            + name.len()
            + named(domain)
            + scope
            + roles.sum::<usize>()
            + restriction
    }
}

impl LoggedIn {
    /// Reads the answer to a login.
    pub(super) fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let Envelope { token } = parse::<Login>(body)?;
        Ok(Self { expires_at: time(&token.expires_at)?, catalog: token.catalog })
    }
}

fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<Envelope<T>, Unreadable> {
    serde_json::from_slice(body)
        .map_err(|error| Unreadable::Json { line: error.line(), column: error.column() })
}

fn time(text: &str) -> Result<Timestamp, Unreadable> {
    text.parse().map_err(|_| Unreadable::Expiry)
}

impl From<Name> for Named {
    fn from(name: Name) -> Self {
        Self { id: name.id.unwrap_or_default(), name: name.name.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::{Value, json};

    use super::*;

    fn token(more: &Value) -> Vec<u8> {
        let mut token = json!({
            "methods": ["password"],
            "user": {"id": "u1", "name": "ann", "domain": {"id": "default", "name": "Default"}},
            "audit_ids": ["x"],
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2026-01-01T01:00:00.500000Z",
        });
        let more = more.as_object().unwrap().clone();
        token.as_object_mut().unwrap().extend(more);
        json!({"token": token}).to_string().into_bytes()
    }

    fn read(more: &Value) -> Result<Validated, Unreadable> {
        Validated::read(&token(more), Some("network"))
    }

    #[test]
    fn a_token_for_a_project_says_who_where_and_with_what_roles() {
        let validated = read(&json!({
            "project": {"id": "p1", "name": "garden", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
            "is_domain": false,
            "is_admin_project": false,
        }))
        .unwrap();
        let subject = &validated.subject;
        assert_eq!((subject.user.id.as_str(), subject.user.name.as_str()), ("u1", "ann"));
        assert_eq!(subject.user.domain.id, "default");
        assert_eq!(subject.scope.project_id(), "p1");
        assert_eq!(subject.roles, ["member", "reader"]);
        assert_eq!(subject.is_admin_project, Some(false));
        assert_eq!(validated.expires_at.to_string(), "2026-01-01T01:00:00.500000Z");
        assert!(validated.restriction.is_none());
    }

    #[test]
    fn other_scopes_are_told_apart_and_none_is_a_project() {
        let scope = |more: Value| read(&more).unwrap().subject.scope.clone();
        assert_eq!(scope(json!({})), Scope::Unscoped);
        assert_eq!(scope(json!({"system": {"all": true}})), Scope::System);
        assert_eq!(scope(json!({"system": {}})), Scope::Unscoped);
        let domain = scope(json!({"domain": {"id": "d", "name": "D"}}));
        assert_eq!(domain, Scope::Domain(Named { id: "d".to_owned(), name: "D".to_owned() }));
        assert_eq!(domain.project_id(), "");
        // A project that acts as a domain hangs below the domain of domains.
        let top =
            json!({"project": {"id": "d", "name": "D", "domain": {"id": null, "name": null}}});
        assert_eq!(scope(top).project_id(), "d");
    }

    #[test]
    fn access_rules_bind_where_the_catalog_knows_the_service() {
        let allowed = |catalog: Value| {
            let rule =
                json!({"id": "1", "service": "network", "method": "GET", "path": "/v2.0/**"});
            let credential = json!({"id": "c", "name": "c", "access_rules": [rule]});
            let more = json!({"application_credential": credential, "catalog": catalog});
            let restriction = read(&more).unwrap().restriction.unwrap();
            restriction.allows(Some("network"), &Method::GET, "/v2.0/ports", false)
        };
        assert!(allowed(json!([{"type": "network", "name": "neutron", "endpoints": []}])));
        assert!(!allowed(json!([{"type": "compute"}])));
        let free =
            json!({"application_credential": {"id": "c", "name": "c", "access_rules": null}});
        assert!(read(&free).unwrap().restriction.is_none());
    }

    #[test]
    fn what_says_nothing_of_a_token_is_not_taken_for_one() {
        for body in ["", "null", "{}", "[]", "<html>", "{\"token\": {}}", "{\"token\": \"secret\"}"]
        {
            let error = Validated::read(body.as_bytes(), None).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(matches!(read(&json!({"expires_at": "tomorrow"})), Err(Unreadable::Expiry)));
        assert!(matches!(read(&json!({"user": {"id": "u1"}})), Err(Unreadable::Json { .. })));
        let bind = json!({"bind": {"kerberos": "ann@REALM"}});
        assert!(matches!(read(&bind), Err(Unreadable::Bound)));
    }

    #[test]
    fn a_login_brings_the_catalog() {
        let endpoint = json!({
            "interface": "internal", "url": "http://k/v3", "region": "One", "region_id": "One",
        });
        let catalog = json!([{"type": "identity", "endpoints": [endpoint]}]);
        let login = LoggedIn::read(&token(&json!({"catalog": catalog}))).unwrap();
        assert_eq!(login.catalog[0].endpoints[0].url, "http://k/v3");
        assert!(LoggedIn::read(&token(&json!({}))).unwrap().catalog.is_empty());
    }

    #[test]
    fn more_that_is_kept_weighs_more() {
        let roles =
            |count| (0..count).map(|n| json!({"name": format!("role-{n}")})).collect::<Vec<_>>();
        let weight = |count| read(&json!({"roles": roles(count)})).unwrap().weight();
        assert!(weight(1000) > weight(1) + 1000 * size_of::<String>());
    }
}
