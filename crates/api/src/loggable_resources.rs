//! `/v2.0/log/loggable-resources`: what may be logged.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use serde_json::{Value, json as value};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::openapi::{Special, listed, texts};

const PATH: &str = "/v2.0/log/loggable-resources";

pub(crate) const OPERATIONS: &[Special] =
    &[Special::get(PATH, "list_loggable_resources", "List what may be logged", || {
        listed("loggable_resources", &texts(&["type"]))
    })];

pub(crate) fn routes() -> Router<Api> {
    Router::new().route(PATH, any(all))
}

async fn all(State(api): State<Api>, request: Request) -> Answer {
    if request.method() != Method::GET {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let kinds = api.core().loggable_resources(&call.caller);
    let kinds: Vec<Value> = kinds.iter().map(|kind| value!({"type": kind})).collect();
    let body = value!({"loggable_resources": kinds});
    Ok(json(StatusCode::OK, serde_json::to_vec(&body)?))
}
