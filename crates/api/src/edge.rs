//! What happens to every request around its handler: a name, a sender, a deadline, a catcher of panics, a count, a line
//! in the log.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::Response;
use futures::FutureExt as _;
use nucleon_core::Error;
use nucleon_obs::Clock;
use tower::ServiceExt as _;
use tracing::Instrument as _;

use crate::app::Api;
use crate::client::{self, Connection};
use crate::cors;
use crate::fault::Fault;
use crate::metrics::resource_label;
use crate::request_id::{self, RequestId};

/// What is known of a request on its arrival, kept with it.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) request_id: String,
    /// The path as the client wrote it.
    pub(crate) path: String,
}

/// The service around `routes`.
pub(crate) fn wrap(api: Api, routes: Router) -> Router {
    Router::new().fallback(handle).with_state((api, routes))
}

async fn handle(State((api, routes)): State<(Api, Router)>, mut request: Request) -> Response {
    let began = api.clock().mono();
    let RequestId(request_id) = RequestId::new(api.random());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    *request.uri_mut() = normal(request.uri());
    let resource = resource_label(request.uri().path(), api.collections());
    let global = request_id::global(request.headers()).map(str::to_owned);
    let page = request.headers().get(header::ORIGIN).cloned();
    let client = client_of(&api, &request);
    let arrival = Arrival { request_id: request_id.clone(), path: path.clone() };
    request.extensions_mut().insert(arrival);

    let span = tracing::error_span!("request", request.id = request_id, request.global_id = global);
    async {
        let options = api.options();
        let mut response = if method == Method::OPTIONS {
            cors::preflight(&options.cors, request.headers())
        } else {
            let work = admit(&api, routes, request);
            let mut response = answer(api.clock(), options.answer_timeout, work).await;
            cors::mark(&options.cors, page.as_ref(), response.headers_mut());
            response
        };
        // Hexadecimal digits and dashes are a header value.
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(request_id::HEADER, value);
        }
        let duration = api.clock().mono() - began;
        let status = response.status().as_u16();
        api.metrics().answered(&method, resource, status, duration);
        let duration_ms = duration.as_secs_f64() * 1000.0;
        tracing::info!(%method, path, status, duration_ms, client, "request answered");
        response
    }
    .instrument(span)
    .await
}

/// Where a request comes from, for the log.
fn client_of(api: &Api, request: &Request) -> Option<String> {
    let connection = request.extensions().get::<Connection>()?;
    let proxies = &api.options().trusted_proxies;
    Some(client::address(request.headers(), connection.peer, proxies).to_string())
}

/// Lets a request of the API proper in once its sender is known, before it is looked at any further: who has no business
/// here does not learn which paths there are. The documents beside it are open to all.
async fn admit(api: &Api, routes: Router, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    if is_guarded(parts.uri.path()) {
        let request_id =
            parts.extensions.get::<Arrival>().map_or("", |arrival| &arrival.request_id);
        match api.authenticator().identify(&parts, request_id).await {
            Ok(caller) => parts.extensions.insert(api.core().recognised(&caller)),
            Err(error) => return Fault::from(error).answer(),
        };
    }
    match routes.oneshot(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn is_guarded(path: &str) -> bool {
    path.strip_prefix("/v2.0").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn answer(clock: &Clock, limit: Duration, work: impl Future<Output = Response>) -> Response {
    match clock.timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Some(Ok(response)) => response,
        Some(Err(panic)) => Fault::from(Error::internal(panic_text(&*panic))).answer(),
        None => {
            tracing::error!(?limit, "request not answered in time");
            Fault::answer_too_slow().answer()
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("no message"))
}

/// The address without what it may end in: `.json` on any path of the API, and a slash where none is needed.
fn normal(uri: &Uri) -> Uri {
    let path = uri.path();
    let short = match path {
        "/" | "/v2.0/" => path,
        _ => path.trim_end_matches('/'),
    };
    let short = match short.strip_suffix(".json") {
        Some(stem) if short.starts_with("/v2.0/") && !stem.ends_with('/') => stem,
        _ => short,
    };
    if short == path || short.is_empty() {
        return uri.clone();
    }
    let rewritten = match uri.query() {
        Some(query) => format!("{short}?{query}"),
        None => short.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(rewritten).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// What handlers return: the answer, or why there is none.
pub(crate) type Answer = Result<Response, Fault>;

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_panic_is_a_fault_of_ours_and_tells_nothing() {
        let broken = async { panic!("the secret of the house") };
        let response = answer(&Clock::fake(), LIMIT, broken).await;
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("HTTPInternalServerError") && !body.contains("secret"), "{body}");
    }

    #[tokio::test]
    async fn an_answer_is_waited_for_only_so_long() {
        let clock = Clock::fake();
        let slow = async {
            clock.advance(LIMIT);
            std::future::pending().await
        };
        assert_eq!(answer(&clock, LIMIT, slow).await.status(), 504);
    }

    #[test]
    fn all_of_the_api_is_guarded_and_nothing_else() {
        for path in ["/v2.0", "/v2.0/", "/v2.0/networks", "/v2.0/nonsense"] {
            assert!(is_guarded(path), "{path}");
        }
        for path in ["/", "/healthcheck", "/v2.01/networks", "/v2"] {
            assert!(!is_guarded(path), "{path}");
        }
    }

    #[test]
    fn a_suffix_or_slash_at_the_end_does_not_matter() {
        for (uri, expected) in [
            ("/v2.0/networks.json", "/v2.0/networks"),
            ("/v2.0/networks.json?fields=id", "/v2.0/networks?fields=id"),
            ("/v2.0/networks/a.json", "/v2.0/networks/a"),
            ("/v2.0/networks/", "/v2.0/networks"),
            ("/v2.0/networks/a.b", "/v2.0/networks/a.b"),
            ("/v2.0/", "/v2.0/"),
            ("/v2.0", "/v2.0"),
            ("/", "/"),
            ("//", "//"),
            ("/openapi.json", "/openapi.json"),
            ("/v2.0/.json", "/v2.0/.json"),
            ("/v2.0/networks?name=a.json", "/v2.0/networks?name=a.json"),
        ] {
            assert_eq!(normal(&uri.parse().unwrap()).to_string(), expected, "{uri}");
        }
    }
}
