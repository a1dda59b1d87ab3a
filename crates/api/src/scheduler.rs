//! Which agents serve what: `/v2.0/agents/{id}/dhcp-networks` and `/v2.0/networks/{id}/dhcp-agents`,
//! `/v2.0/agents/{id}/l3-routers` and `/v2.0/routers/{id}/l3-agents`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::Noun;
use nucleon_model::{self as model, Agent, Network, Resource as _};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::openapi::{Special, many as listed_in, nothing, texts};
use crate::query::{self, bad_request};
use crate::resource::{Id, many, no_content};
use crate::seam;

/// Networks and DHCP agents.
pub(crate) const DHCP: &[Special] = &[
    Special::get(NETWORKS, "list_dhcp_networks", "List the networks of a DHCP agent", || {
        listed_in(Network::DECL)
    }),
    Special {
        method: "post",
        path: NETWORKS,
        id: "create_dhcp_network",
        summary: "Have a DHCP agent serve a network",
        body: Some(|| texts(&["network_id"])),
        status: "201",
        answer: Some(nothing),
    },
    Special::delete(NETWORK, "delete_dhcp_network", "Have a DHCP agent serve a network no longer"),
    Special::get(DHCP_AGENTS, "list_dhcp_agents", "List the DHCP agents of a network", || {
        listed_in(Agent::DECL)
    }),
];

/// Routers and L3 agents.
pub(crate) const L3: &[Special] = &[
    Special::get(ROUTERS, "list_l3_routers", "List the routers of an L3 agent", || {
        listed_in(model::Router::DECL)
    }),
    Special {
        method: "post",
        path: ROUTERS,
        id: "create_l3_router",
        summary: "Have an L3 agent carry a router",
        body: Some(|| texts(&["router_id"])),
        status: "201",
        answer: Some(nothing),
    },
    Special::delete(ROUTER, "delete_l3_router", "Have an L3 agent carry a router no longer"),
    Special::get(L3_AGENTS, "list_l3_agents", "List the L3 agents of a router", || {
        listed_in(Agent::DECL)
    }),
];

const NETWORKS: &str = "/v2.0/agents/{id}/dhcp-networks";
const NETWORK: &str = "/v2.0/agents/{id}/dhcp-networks/{network}";
const DHCP_AGENTS: &str = "/v2.0/networks/{id}/dhcp-agents";
const ROUTERS: &str = "/v2.0/agents/{id}/l3-routers";
const ROUTER: &str = "/v2.0/agents/{id}/l3-routers/{router}";
const L3_AGENTS: &str = "/v2.0/routers/{id}/l3-agents";

pub(crate) fn dhcp_routes() -> Router<Api> {
    Router::new()
        .route(NETWORKS, any(networks))
        .route(NETWORK, any(network))
        .route(DHCP_AGENTS, any(dhcp_agents))
}

pub(crate) fn l3_routes() -> Router<Api> {
    Router::new()
        .route(ROUTERS, any(routers))
        .route(ROUTER, any(router_of_agent))
        .route(L3_AGENTS, any(l3_agents))
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
