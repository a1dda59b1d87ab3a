//! The bindings of a port: `/v2.0/ports/{id}/bindings`, each under the name of its host.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::{Error, Operations};
use nucleon_model::{AttrSet, Cell, Direction, Filter, ListQuery, PortBinding, Resource as _};

use crate::action::Action;
use crate::app::Api;
use crate::call::Call;
use crate::draft::{self, Bulk, Wanted};
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::resource::{Id, no_content};
use crate::{query, render};

/// The port and the host in an address.
type Place = Result<Path<(String, String)>, PathRejection>;

/// Of the collection, and what can be done there.
pub(crate) const PLACE: (&str, Operations) = (
    "/v2.0/ports/{parent}/bindings",
    Operations::LIST
        .union(Operations::SHOW)
        .union(Operations::CREATE)
        .union(Operations::UPDATE)
        .union(Operations::DELETE),
);

pub(crate) const ACTIVATE: Action =
    Action::put("activate", "binding-extended", "Make a binding the one that the port shows");

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/v2.0/ports/{id}/bindings", any(all))
        .route("/v2.0/ports/{id}/bindings/{host}", any(one))
}

pub(crate) fn activation(action: &Action) -> Router<Api> {
    let path = format!("/v2.0/ports/{{id}}/bindings/{{host}}/{}", action.name);
    Router::new().route(&path, any(activate))
}

async fn all(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(port) = id.map_err(|_| Fault::no_such_path())?;
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let query = query::list(PortBinding::DECL, enabled(&api), &call.params, api.options())?;
            let bindings = api.core().port_bindings(&call.caller, &port).await?;
            let bindings = asked_for(bindings, &query);
            let body = render::collection(&bindings, |_| query.fields, &[])?;
            Ok(json(StatusCode::OK, body))
        }
        Method::POST => {
            let mut call = Call::receive(request)?;
            let body = call.json(&api).await?;
            let wanted =
                draft::create::<PortBinding>(&body, enabled(&api), &call.caller, Bulk::Refused)?;
            let Wanted::One(draft) = wanted else {
                return Err(Error::internal("several bindings were read where one was").into());
            };
            let binding = api.core().port_binding_create(&call.caller, &port, draft).await?;
            Ok(json(StatusCode::CREATED, render::member(&binding, shown(&api))?))
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn one(State(api): State<Api>, place: Place, request: Request) -> Answer {
    let Path((port, host)) = place.map_err(|_| Fault::no_such_path())?;
    let core = api.core();
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let fields = query::fields(PortBinding::DECL, enabled(&api), &call.params);
            let binding = core.port_binding(&call.caller, &port, &host).await?;
            Ok(json(StatusCode::OK, render::member(&binding, fields)?))
        }
        Method::PUT => {
            let mut call = Call::receive(request)?;
            let body = call.json(&api).await?;
            let draft = draft::update::<PortBinding>(&body, enabled(&api), &call.caller)?;
            let binding = core.port_binding_update(&call.caller, &port, &host, draft).await?;
            Ok(json(StatusCode::OK, render::member(&binding, shown(&api))?))
        }
        Method::DELETE => {
            let call = Call::receive(request)?;
            core.port_binding_delete(&call.caller, &port, &host).await?;
            Ok(no_content())
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

/// The answer is the binding without an envelope, as of all that is done to a member.
async fn activate(State(api): State<Api>, place: Place, request: Request) -> Answer {
    let Path((port, host)) = place.map_err(|_| Fault::no_such_path())?;
    if request.method() != Method::PUT {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let binding = api.core().port_binding_activate(&call.caller, &port, &host).await?;
    let body = serde_json::to_vec(&render::Object::new(&binding, shown(&api)))?;
    Ok(json(StatusCode::OK, body))
}

fn enabled(api: &Api) -> AttrSet {
    api.enabled(PortBinding::DECL)
}

fn shown(api: &Api) -> AttrSet {
    PortBinding::DECL.visible().and(enabled(api))
}

/// A port has a handful of bindings: they are one page, and chosen from here.
fn asked_for(mut bindings: Vec<PortBinding>, query: &ListQuery) -> Vec<PortBinding> {
    let fact = |binding: &PortBinding, index| binding.fact(index).unwrap_or_default().into_owned();
    bindings.retain(|binding| {
        query.filters.iter().all(|filter| match filter {
            Filter::Attribute { index, values } => {
                values.contains(&Cell::Text(fact(binding, *index)))
            }
            Filter::FixedIps(_) | Filter::Tags(..) => false,
        })
    });
    for (index, direction) in query.sort.iter().rev() {
        bindings.sort_by(|a, b| {
            let order = fact(a, *index).cmp(&fact(b, *index));
            if *direction == Direction::Ascending { order } else { order.reverse() }
        });
    }
    bindings
}
