//! Which agents serve what: `/v2.0/agents/{id}/dhcp-networks` and `/v2.0/networks/{id}/dhcp-agents`,
//! `/v2.0/agents/{id}/l3-routers` and `/v2.0/routers/{id}/l3-agents`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::Noun;
use nucleon_model::{self as model, Agent, Network};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::extensions::Extensions;
use crate::fault::{Fault, json};
use crate::query::{self, bad_request};
use crate::resource::{Id, many, no_content};
use crate::seam;

pub(crate) fn routes(extensions: &Extensions) -> Router<Api> {
    let mut router = Router::new()
        .route("/v2.0/agents/{id}/dhcp-networks", any(networks))
        .route("/v2.0/agents/{id}/dhcp-networks/{network}", any(network))
        .route("/v2.0/networks/{id}/dhcp-agents", any(dhcp_agents));
    if extensions.find("l3_agent_scheduler").is_some() {
        router = router
            .route("/v2.0/agents/{id}/l3-routers", any(routers))
            .route("/v2.0/agents/{id}/l3-routers/{router}", any(router_of_agent))
            .route("/v2.0/routers/{id}/l3-agents", any(l3_agents));
    }
    router
}

async fn networks(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(agent) = id.map_err(|_| Fault::no_such_path())?;
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let networks = seam::dhcp_networks(api.core(), &call.caller, &agent).await?;
            listed::<Network>(&api, call, networks).await
        }
        Method::POST => {
            let mut call = Call::receive(request)?;
            let network = named(&api, &mut call, "network_id").await?;
            seam::dhcp_network_add(api.core(), &call.caller, &agent, &network).await?;
            Ok(json(StatusCode::CREATED, "null"))
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn network(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let Path((agent, network)) = path.map_err(|_| Fault::no_such_path())?;
    let call = receive(request, &Method::DELETE)?;
    seam::dhcp_network_remove(api.core(), &call.caller, &agent, &network).await?;
    Ok(no_content())
}

async fn dhcp_agents(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(network) = id.map_err(|_| Fault::no_such_path())?;
    let call = receive(request, &Method::GET)?;
    let agents = seam::dhcp_agents(api.core(), &call.caller, &network).await?;
    listed::<Agent>(&api, call, agents).await
}

async fn routers(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(agent) = id.map_err(|_| Fault::no_such_path())?;
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let routers = seam::l3_routers(api.core(), &call.caller, &agent).await?;
            listed::<model::Router>(&api, call, routers).await
        }
        Method::POST => {
            let mut call = Call::receive(request)?;
            let router = named(&api, &mut call, "router_id").await?;
            seam::l3_router_add(api.core(), &call.caller, &agent, &router).await?;
            Ok(json(StatusCode::CREATED, "null"))
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn router_of_agent(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let Path((agent, router)) = path.map_err(|_| Fault::no_such_path())?;
    let call = receive(request, &Method::DELETE)?;
    seam::l3_router_remove(api.core(), &call.caller, &agent, &router).await?;
    Ok(no_content())
}

async fn l3_agents(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(router) = id.map_err(|_| Fault::no_such_path())?;
    let call = receive(request, &Method::GET)?;
    let agents = seam::l3_agents(api.core(), &call.caller, &router).await?;
    listed::<Agent>(&api, call, agents).await
}

/// A call of the one method that an address knows.
fn receive(request: Request, method: &Method) -> Result<Call, Fault> {
    if request.method() == method {
        Call::receive(request)
    } else {
        Err(Fault::method_not_allowed())
    }
}

/// The identifier that a body holds under a name.
async fn named(api: &Api, call: &mut Call, name: &str) -> Result<String, Fault> {
    let body = call.json(api).await?;
    let id = body.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Ok(id.ok_or_else(|| bad_request(format!("Unable to find '{name}' in request body")))?)
}

async fn listed<T: Noun>(api: &Api, call: Call, records: Vec<T>) -> Answer {
    let fields = query::fields(T::DECL, api.enabled(T::DECL), &call.params);
    many(api, call.caller, records, fields, Vec::new()).await
}
