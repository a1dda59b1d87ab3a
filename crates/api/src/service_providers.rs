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
use crate::extensions::Extensions;
use crate::fault::{Fault, json};

pub(crate) fn routes(extensions: &Extensions) -> Router<Api> {
    if extensions.find("service-type").is_none() {
        return Router::new();
    }
    Router::new().route("/v2.0/service-providers", any(all))
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
