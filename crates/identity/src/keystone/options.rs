//! What is configured about Keystone, by keystonemiddleware's names.

use std::time::Duration;

use http::Uri;
use http::uri::PathAndQuery;
use nucleon_tls::{Certificate, TlsError, Trust};

use crate::secret::Secret;

/// `[keystone_authtoken]`.
#[derive(Debug, Clone)]
pub struct KeystoneOptions {
    /// `auth_url`: where the service user gets its own token; with a version (`/v3`) or without.
    pub auth_url: Uri,
    /// `www_authenticate_uri`: where clients are told to get theirs; `auth_url` where there is none.
    pub www_authenticate_uri: Option<String>,
    pub login: Login,
    /// `interface`: which of Keystone's addresses in the catalog is asked about tokens.
    pub interface: Interface,
    /// `region_name`: of which region.
    pub region: Option<String>,
    /// `token_cache_time`; `None` for no cache.
    pub cache_time: Option<Duration>,
    pub service_roles: ServiceRoles,
    /// `service_type`: what this service is called in the catalog and in access rules.
    pub service_type: Option<String>,
    /// `include_service_catalog`: without the catalog, tokens with access rules are not accepted.
    pub include_catalog: bool,
    pub decision: Decision,
    /// `cafile`, `insecure`.
    pub trust: Trust,
    /// `certfile`, `keyfile`.
    pub own: Option<Certificate>,
    /// `http_connect_timeout`: how long one try may take, from the connection to the answer's end.
    pub timeout: Duration,
    /// `http_request_max_retries`: how often a try that reached nobody is repeated.
    pub retries: u32,
}

/// The service user.
#[derive(Debug, Clone)]
pub enum Login {
    Password { user: UserName, password: Secret, scope: ProjectName },
    ApplicationCredential { id: String, secret: Secret },
}

/// How the service user is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserName {
    Id(String),
    Name { name: String, domain: DomainName },
}

/// What the service user's token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectName {
    Id(String),
    Name { name: String, domain: DomainName },
    System,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainName {
    Id(String),
    Name(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    Public,
    Internal,
    Admin,
}

/// Who may send a request for somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRoles {
    /// `service_token_roles`: any of them makes a service, for whom also expired tokens of users count.
    pub names: Vec<String>,
    /// `service_token_roles_required`: without a role a service token is no good; otherwise it is as good as none.
    pub required: bool,
}

/// `delay_auth_decision`: who refuses a request without a good token. Behind the middleware Neutron refuses it too, in
/// other words, and does not tell a bad token from a Keystone that is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Here,
    Delayed,
}

/// Options that no Keystone can be asked with.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("auth_url: '{0}' is not of the form http://host:port/path or https://…")]
    Url(String),
    #[error("www_authenticate_uri: '{0}' cannot stand in a header")]
    Challenge(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Interface {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// An absolute URL without a user, and without a slash at its end.
pub(super) fn parse_url(text: &str) -> Option<Uri> {
    let uri: Uri = text.trim().parse().ok()?;
    let authority = uri.authority()?;
    let absolute = matches!(uri.scheme_str(), Some("http" | "https"));
    if !absolute || authority.as_str().contains('@') || uri.host().is_none_or(str::is_empty) {
        return None;
    }
    Some(with_path(&uri, uri.path().trim_end_matches('/')))
}

/// The same server, another path.
pub(super) fn with_path(uri: &Uri, path: &str) -> Uri {
    let path = if path.is_empty() { "/" } else { path };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

impl KeystoneOptions {
    /// All that has a default by its default.
    pub fn new(auth_url: &str, login: Login) -> Result<Self, OptionsError> {
        Ok(Self {
            auth_url: parse_url(auth_url).ok_or_else(|| OptionsError::Url(auth_url.to_owned()))?,
            www_authenticate_uri: None,
            login,
            interface: Interface::Internal,
            region: None,
            cache_time: Some(Duration::from_mins(5)),
            service_roles: ServiceRoles { names: vec!["service".to_owned()], required: true },
            service_type: None,
            include_catalog: true,
            decision: Decision::Here,
            trust: Trust::System,
            own: None,
            timeout: Duration::from_secs(20),
            retries: 3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_keystone_is_absolute_and_names_no_user() {
        for (text, url) in [
            ("http://keystone:5000", "http://keystone:5000/"),
            ("http://keystone:5000/v3/", "http://keystone:5000/v3"),
            ("https://cloud.example/identity", "https://cloud.example/identity"),
            (" http://[fd00::1]:5000/ ", "http://[fd00::1]:5000/"),
        ] {
            assert_eq!(parse_url(text).unwrap().to_string(), url, "{text}");
        }
        for text in ["", "keystone:5000", "/v3", "ftp://k/", "http://u:p@k/", "http:///v3"] {
            assert_eq!(parse_url(text), None, "{text}");
        }
    }
}
