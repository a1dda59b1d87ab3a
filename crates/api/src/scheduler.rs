//! Which DHCP agents serve which networks: `/v2.0/agents/{id}/dhcp-networks` and `/v2.0/networks/{id}/dhcp-agents`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::Noun;
use nucleon_model::{Agent, Network};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::query::{self, bad_request};
use crate::resource::{Id, many, no_content};
use crate::seam;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/v2.0/agents/{id}/dhcp-networks", any(networks))
        .route("/v2.0/agents/{id}/dhcp-networks/{network}", any(network))
        .route("/v2.0/networks/{id}/dhcp-agents", any(agents))
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
            let body = call.json(&api).await?;
            let network = body
                .get("network_id")
                .and_then(serde_json::Value::as_str)
                .ok_or_else(|| bad_request("Unable to find 'network_id' in request body"))?;
            seam::dhcp_network_add(api.core(), &call.caller, &agent, network).await?;
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
    if request.method() != Method::DELETE {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    seam::dhcp_network_remove(api.core(), &call.caller, &agent, &network).await?;
    Ok(no_content())
}

async fn agents(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(network) = id.map_err(|_| Fault::no_such_path())?;
    if request.method() != Method::GET {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let agents = seam::dhcp_agents(api.core(), &call.caller, &network).await?;
    listed::<Agent>(&api, call, agents).await
}

async fn listed<T: Noun>(api: &Api, call: Call, records: Vec<T>) -> Answer {
    let fields = query::fields(T::DECL, api.enabled(T::DECL), &call.params);
    many(api, call.caller, records, fields, Vec::new()).await
}
