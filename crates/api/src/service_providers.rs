//! `/v2.0/service-providers`: who provides which service.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::ServiceProvider;
use serde_json::{Map, Value, json as value};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::openapi::{Special, listed, texts};

const PATH: &str = "/v2.0/service-providers";

pub(crate) const OPERATIONS: &[Special] =
    &[Special::get(PATH, "list_service_providers", "List who provides which service", || {
        let mut provider = texts(&["service_type", "name"]);
        provider["properties"]["default"] = value!({"type": "boolean"});
        // As many of them as are asked for.
        provider["required"] = value!([]);
        listed("service_providers", &provider)
    })];

pub(crate) fn routes() -> Router<Api> {
    Router::new().route(PATH, any(all))
}

async fn all(State(api): State<Api>, request: Request) -> Answer {
    if request.method() != Method::GET {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let fields: Vec<&str> = call.params.all("fields").filter(|name| !name.is_empty()).collect();
    let mut providers: Vec<Map<String, Value>> =
        api.core().service_providers(&call.caller).iter().map(shown).collect();
    for name in ["service_type", "name", "default"] {
        let wanted: Vec<String> = call.params.all(name).map(str::to_lowercase).collect();
        let text = |provider: &Map<String, Value>| match provider.get(name) {
            Some(Value::String(text)) => text.to_lowercase(),
            other => other.map(Value::to_string).unwrap_or_default(),
        };
        providers.retain(|provider| wanted.is_empty() || wanted.contains(&text(provider)));
    }
    for provider in &mut providers {
        provider.retain(|name, _| fields.is_empty() || fields.contains(&name.as_str()));
    }
    let body = value!({"service_providers": providers});
    Ok(json(StatusCode::OK, serde_json::to_vec(&body)?))
}

/// Drivers are not for everybody to see.
fn shown(provider: &ServiceProvider) -> Map<String, Value> {
    [
        ("service_type", Value::from(provider.service_type)),
        ("name", Value::from(provider.name)),
        ("default", Value::from(provider.default)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}
