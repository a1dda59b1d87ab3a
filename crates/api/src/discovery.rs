//! The documents by which clients find their way, and operators the state of the server.

use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::any;
use nucleon_obs::EXPOSITION_TYPE;
use serde::Serialize;
use serde_json::json;

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::extensions::Shown;
use crate::fault::{self, Fault};
use crate::links::{self, Link};
use crate::seam;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/", any(versions))
        .route("/v2.0/", any(resources))
        .route("/v2.0/extensions", any(extensions))
        .route("/v2.0/extensions/{alias}", any(extension))
        .route("/healthcheck", any(healthcheck))
        .route("/metrics", any(metrics))
        .route("/openapi.json", any(openapi))
        .fallback(nothing)
}

/// A database that takes longer is as good as none.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

/// Resources that the root document lists: the core API's, not those of extensions.
const CORE: &[&str] = &["networks", "subnets", "subnetpools", "ports"];

#[derive(Serialize)]
struct Root {
    name: &'static str,
    collection: &'static str,
    links: [Link; 1],
}

async fn nothing(request: Request) -> Fault {
    let path = request.uri().path();
    if path == "/v2.0" || path.starts_with("/v2.0/") {
        return Fault::no_such_path();
    }
    Fault::no_such_page("")
}

/// Open to all: clients look here before they know how to authenticate.
async fn versions(State(api): State<Api>, request: Request) -> Answer {
    get_only(&request)?;
    let (parts, _) = request.into_parts();
    let href = format!("{}/v2.0/", links::base(&parts, api.options()));
    let link = Link { rel: "self", href };
    document(&json!({"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]}))
}

async fn resources(State(api): State<Api>, request: Request) -> Answer {
    get_only(&request)?;
    let call = Call::receive(request)?;
    let base = call.address(&api);
    let resources: Vec<Root> = api
        .served()
        .iter()
        .filter(|served| CORE.contains(&served.decl.collection))
        .map(|served| Root {
            name: served.decl.name,
            collection: served.decl.collection,
            links: [Link { rel: "self", href: format!("{base}{}", served.decl.collection) }],
        })
        .collect();
    document(&json!({"resources": resources}))
}

async fn extensions(State(api): State<Api>, request: Request) -> Answer {
    get_only(&request)?;
    Call::receive(request)?;
    let extensions: Vec<Shown> = api.extensions().iter().map(Shown::from).collect();
    document(&json!({"extensions": extensions}))
}

async fn extension(
    State(api): State<Api>,
    alias: Result<Path<String>, PathRejection>,
    request: Request,
) -> Answer {
    get_only(&request)?;
    Call::receive(request)?;
    let Path(alias) = alias.map_err(|_| Fault::no_such_path())?;
    let Some(extension) = api.extensions().find(&alias) else {
        return Err(Fault::no_such_page(format!("Extension with alias {alias} does not exist")));
    };
    document(&json!({"extension": Shown::from(extension)}))
}

async fn healthcheck(State(api): State<Api>, request: Request) -> Answer {
    get_only(&request)?;
    let sick = match api.clock().timeout(HEALTH_TIMEOUT, seam::health(api.core())).await {
        Some(Ok(())) => return Ok("OK".into_response()),
        Some(Err(error)) => error.to_string(),
        None => format!("no answer within {HEALTH_TIMEOUT:?}"),
    };
    tracing::warn!(reason = sick, "not healthy");
    Ok((StatusCode::SERVICE_UNAVAILABLE, "NOT OK").into_response())
}

async fn metrics(State(api): State<Api>, request: Request) -> Answer {
    get_only(&request)?;
    Ok(([(header::CONTENT_TYPE, EXPOSITION_TYPE)], api.registry().encode()).into_response())
}

async fn openapi(State(api): State<Api>, request: Request) -> Answer {
    get_only(&request)?;
    Ok(fault::json(StatusCode::OK, api.openapi()))
}

fn get_only(request: &Request) -> Result<(), Fault> {
    if request.method() == Method::GET { Ok(()) } else { Err(Fault::method_not_allowed()) }
}

fn document(value: &serde_json::Value) -> Answer {
    Ok(fault::json(StatusCode::OK, serde_json::to_vec(value)?))
}
