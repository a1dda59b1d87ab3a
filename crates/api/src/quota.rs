//! `/v2.0/quotas`: how much projects may have, and have.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::{Error, Usage};
use serde_json::{Map, Value, json as value};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::openapi::{Special, enveloped, listed, texts};
use crate::query::bad_request;
use crate::resource::{Id, no_content};

const ALL: &str = "/v2.0/quotas";
const TENANT: &str = "/v2.0/quotas/tenant";
const PROJECT: &str = "/v2.0/quotas/project";
const ONE: &str = "/v2.0/quotas/{id}";
const DEFAULT: &str = "/v2.0/quotas/{id}/default";
const DETAILS: &str = "/v2.0/quotas/{id}/details";

pub(crate) const OPERATIONS: &[Special] = &[
    Special::get(ALL, "list_quotas", "List the limits of projects that have their own", || {
        let mut quota = texts(&["project_id", "tenant_id"]);
        quota["additionalProperties"] = limit_schema();
        listed("quotas", &quota)
    }),
    Special::get(TENANT, "show_quota_tenant", "Show whose the request is", || {
        enveloped("tenant", &texts(&["tenant_id"]))
    }),
    Special::get(PROJECT, "show_quota_project", "Show whose the request is", || {
        enveloped("project", &texts(&["project_id"]))
    }),
    Special::get(ONE, "show_quota", "Show the limits of a project", quota_schema),
    Special {
        method: "put",
        path: ONE,
        id: "update_quota",
        summary: "Limit what a project may have",
        body: Some(quota_schema),
        status: "200",
        answer: Some(quota_schema),
    },
    Special::delete(ONE, "delete_quota", "Let the usual limits hold for a project"),
    Special::get(DEFAULT, "show_quota_default", "Show the usual limits", quota_schema),
    Special::get(DETAILS, "show_quota_details", "Show limits and what there is", || {
        let number = value!({"type": "integer"});
        let detail = value!({
            "type": "object", "required": ["limit", "used", "reserved"], "additionalProperties": false,
            "properties": {"limit": number, "used": number, "reserved": number},
        });
        enveloped("quota", &value!({"type": "object", "additionalProperties": detail}))
    }),
];

fn quota_schema() -> Value {
    enveloped("quota", &value!({"type": "object", "additionalProperties": limit_schema()}))
}

/// A number of objects; -1 is no limit.
fn limit_schema() -> Value {
    value!({"type": "integer", "minimum": -1, "maximum": i32::MAX})
}

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route(ALL, any(all))
        .route(TENANT, any(tenant))
        .route(PROJECT, any(project))
        .route(ONE, any(one))
        .route("/v2.0/quotas/{id}/{view}", any(view))
}

async fn all(State(api): State<Api>, request: Request) -> Answer {
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let listed = api.core().quota_list(&call.caller).await?;
            let quotas: Vec<Value> = listed
                .into_iter()
                .map(|(project, usages)| {
                    let mut quota = limits(&usages);
                    quota.insert("project_id".to_owned(), project.clone().into());
                    quota.insert("tenant_id".to_owned(), project.into());
                    Value::Object(quota)
                })
                .collect();
            answer(&value!({"quotas": quotas}))
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn tenant(request: Request) -> Answer {
    whose(request, "tenant")
}

async fn project(request: Request) -> Answer {
    whose(request, "project")
}

/// The caller's project, under one of its two names.
fn whose(request: Request, name: &str) -> Answer {
    if request.method() != Method::GET {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let project = call.caller.project_id();
    if project.is_empty() {
        let text = "Tenant-id was missing from quota request.";
        return Err(Error::invalid("QuotaMissingTenant", text).into());
    }
    answer(&value!({name: {format!("{name}_id"): project}}))
}

async fn one(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(id) = id.map_err(|_| Fault::no_such_path())?;
    let core = api.core();
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            answer(&value!({"quota": limits(&core.quota_show(&call.caller, &id).await?)}))
        }
        Method::PUT => {
            let mut call = Call::receive(request)?;
            let body = call.json(&api).await?;
            let asked = body.get("quota").and_then(Value::as_object);
            let asked =
                asked.ok_or_else(|| bad_request("Unable to find 'quota' in request body"))?;
            let usages = core.quota_update(&call.caller, &id, asked).await?;
            answer(&value!({"quota": limits(&usages)}))
        }
        Method::DELETE => {
            let call = Call::receive(request)?;
            core.quota_delete(&call.caller, &id).await?;
            Ok(no_content())
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn view(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let Path((id, view)) = path.map_err(|_| Fault::no_such_path())?;
    if !matches!(view.as_str(), "default" | "details") {
        return Err(Fault::no_such_path());
    }
    if request.method() != Method::GET {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let quota = if view == "default" {
        limits(&api.core().quota_defaults(&call.caller, &id)?)
    } else {
        details(&api.core().quota_details(&call.caller, &id).await?)
    };
    answer(&value!({"quota": quota}))
}

fn limits(usages: &[Usage]) -> Map<String, Value> {
    usages.iter().map(|usage| (usage.resource.to_owned(), usage.limit.into())).collect()
}

/// Nothing is ever reserved: what is counted is there.
fn details(usages: &[Usage]) -> Map<String, Value> {
    let detail = |usage: &Usage| value!({"limit": usage.limit, "used": usage.used, "reserved": 0});
    usages.iter().map(|usage| (usage.resource.to_owned(), detail(usage))).collect()
}

fn answer(body: &Value) -> Answer {
    Ok(json(StatusCode::OK, serde_json::to_vec(body)?))
}
