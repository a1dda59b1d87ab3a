//! `/v2.0/auto-allocated-topology/{project}`: a network with all that is needed, for a project that has none.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use serde_json::json as value;

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::openapi::{Special, enveloped, texts};
use crate::query::bad_request;
use crate::resource::{Id, no_content};

/// The field that asks whether a topology could be made.
const DRY_RUN: &str = "dry-run";

const PATH: &str = "/v2.0/auto-allocated-topology/{id}";

pub(crate) const OPERATIONS: &[Special] = &[
    Special::get(PATH, "show_auto_allocated_topology", "Show or make a project's network", || {
        enveloped("auto_allocated_topology", &texts(&["id", "project_id", "tenant_id"]))
    }),
    Special::delete(PATH, "delete_auto_allocated_topology", "Delete a project's network"),
];

pub(crate) fn routes() -> Router<Api> {
    Router::new().route(PATH, any(one))
}

async fn one(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(project) = id.map_err(|_| Fault::no_such_path())?;
    let core = api.core();
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let fields: Vec<&str> = call.params.all("fields").filter(|it| !it.is_empty()).collect();
            if fields.contains(&DRY_RUN) {
                let project = core.auto_allocated_topology_check(&call.caller, &project).await?;
                return answer("dry-run=pass", &project);
            }
            if !fields.is_empty() {
                return Err(bad_request("Bad auto_allocate request: Unrecognized field.").into());
            }
            let network = core.auto_allocated_topology_show(&call.caller, &project).await?;
            let own = call.caller.project_id();
            answer(&network.to_string(), if project == "None" { own } else { &project })
        }
        Method::DELETE => {
            let call = Call::receive(request)?;
            core.auto_allocated_topology_delete(&call.caller, &project).await?;
            Ok(no_content())
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

fn answer(id: &str, project: &str) -> Answer {
    let topology = value!({"id": id, "project_id": project, "tenant_id": project});
    let body = value!({"auto_allocated_topology": topology});
    Ok(json(StatusCode::OK, serde_json::to_vec(&body)?))
}
