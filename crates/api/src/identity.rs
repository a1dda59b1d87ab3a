//! Who asks: the seam for identity services, and the one that believes whoever comes.

use std::fmt;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use futures::future::{BoxFuture, FutureExt as _};
use nucleon_core::Caller;

/// Tells from a request who sent it.
///
/// Implementations may ask a service and keep its answers; the body of the request is none of their business.
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// The caller, who carries `request_id` along into logs and the journal.
    fn identify<'a>(
        &'a self,
        parts: &'a Parts,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Caller, AuthError>>;
}

/// Why nobody was recognised.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No credentials, or wrong ones.
    #[error("the request carries no valid credentials")]
    Unauthorized(Challenge),
    /// The identity service could not be asked.
    #[error("the identity service is not to be had")]
    Unavailable {
        /// For the client.
        message: &'static str,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What a client is told that is not recognised: by each identity service in its own way.
#[derive(Debug, Clone, Default)]
pub struct Challenge {
    /// `WWW-Authenticate`.
    pub scheme: Option<HeaderValue>,
    /// A JSON body; a page of HTML without one.
    pub body: Option<Bytes>,
}

/// `auth_strategy = noauth`: the headers say who asks, and without any it is the administrator.
///
/// Project and roles come from `X-Project-Id` (or `X-Tenant-Id`) and `X-Roles`; a request that names no roles is an
/// administrator's, and may do what only services may. To be used behind loopback or a proxy that sets these headers.
#[derive(Debug, Default)]
pub struct NoAuth;

impl Authenticator for NoAuth {
    fn identify<'a>(
        &'a self,
        parts: &'a Parts,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        let headers = &parts.headers;
        let project = text(headers, "x-project-id")
            .or_else(|| text(headers, "x-tenant-id"))
            .unwrap_or_default();
        let roles = text(headers, "x-roles").map_or_else(everything, roles);
        std::future::ready(Ok(Caller::new(project.to_owned(), roles, request_id.to_owned())))
            .boxed()
    }
}

/// The roles of whoever comes without any: an administrator, who also does what the other services do.
fn everything() -> Vec<String> {
    ["admin", "service"].map(str::to_owned).to_vec()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn roles(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn caller(headers: &[(&str, &str)]) -> Caller {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        NoAuth.identify(&parts, "req-7").await.unwrap()
    }

    #[tokio::test]
    async fn without_headers_the_administrator_asks() {
        let caller = caller(&[]).await;
        assert!(caller.is_admin());
        assert_eq!((caller.project_id(), caller.request_id()), ("", "req-7"));
    }

    #[tokio::test]
    async fn project_and_roles_come_from_headers() {
        let caller = caller(&[("X-Project-Id", "p1"), ("X-Roles", "member, reader,")]).await;
        assert_eq!(caller.project_id(), "p1");
        assert!(caller.credentials().roles == ["member", "reader"] && !caller.is_admin());
    }

    #[tokio::test]
    async fn no_roles_in_the_header_are_no_roles() {
        let caller = caller(&[("X-Tenant-Id", "p2"), ("X-Roles", "")]).await;
        assert_eq!(caller.project_id(), "p2");
        assert!(!caller.is_admin());
    }
}
