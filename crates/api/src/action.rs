//! Operations on a member that are none of the common ones: `PUT /v2.0/routers/{id}/add_router_interface`.

use std::future::Future;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::{Caller, Core, Noun, Result};
use serde::Serialize;
use serde_json::Value;

use crate::app::Api;
use crate::call::Call;
use crate::draft;
use crate::fault::{Fault, json};
use crate::resource::{Id, one};

/// An action, as the API's description has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action {
    pub(crate) method: &'static str,
    pub(crate) name: &'static str,
    /// The extension that brings it.
    pub(crate) alias: &'static str,
    pub(crate) summary: &'static str,
}

impl Action {
    pub(crate) const fn put(
        name: &'static str,
        alias: &'static str,
        summary: &'static str,
    ) -> Self {
        Self { method: "put", name, alias, summary }
    }

    pub(crate) const fn get(
        name: &'static str,
        alias: &'static str,
        summary: &'static str,
    ) -> Self {
        Self { method: "get", name, alias, summary }
    }
}

/// `PUT {resource}/{id}/{name}`: a body goes in, the object as it is then comes out.
pub(crate) fn put<T, F, Done>(action: &Action, work: F) -> Router<Api>
where
    T: Noun,
    F: Fn(Core, Caller, String, Value) -> Done + Clone + Send + Sync + 'static,
    Done: Future<Output = Result<T>> + Send,
{
    let handler = move |State(api): State<Api>, id: Id, request: Request| {
        let work = work.clone();
        async move {
            let Path(id) = id.map_err(|_| Fault::no_such_path())?;
            if request.method() != Method::PUT {
                return Err(Fault::method_not_allowed());
            }
            let mut call = Call::receive(request)?;
            let body = call.json(&api).await?;
            let record = work(api.core().clone(), call.caller.clone(), id, body).await?;
            one(&api, &call.caller, &record, T::DECL.visible().and(api.enabled(T::DECL)))
        }
    };
    Router::new().route(&path::<T>(action), any(handler))
}

/// As [`put`], of a body with attributes, as for an update.
pub(crate) fn put_draft<T, F, Done>(action: &Action, work: F) -> Router<Api>
where
    T: Noun,
    F: Fn(Core, Caller, String, T::Draft) -> Done + Clone + Send + Sync + 'static,
    Done: Future<Output = Result<T>> + Send,
{
    put(action, move |core, caller, id, body: Value| {
        let work = work.clone();
        async move {
            let draft = draft::update::<T>(&body, T::DECL.select(|_| true), &caller)?;
            work(core, caller, id, draft).await
        }
    })
}

/// `PUT {resource}/{id}/{name}` whose answer is a document of its own.
pub(crate) fn put_plain<T, F, Done, Shown>(action: &Action, work: F) -> Router<Api>
where
    T: Noun,
    F: Fn(Core, Caller, String, Value) -> Done + Clone + Send + Sync + 'static,
    Done: Future<Output = Result<Shown>> + Send,
    Shown: Serialize + Send,
{
    let handler = move |State(api): State<Api>, id: Id, request: Request| {
        let work = work.clone();
        async move {
            let Path(id) = id.map_err(|_| Fault::no_such_path())?;
            if request.method() != Method::PUT {
                return Err(Fault::method_not_allowed());
            }
            let mut call = Call::receive(request)?;
            let body = call.json(&api).await?;
            let shown = work(api.core().clone(), call.caller.clone(), id, body).await?;
            Ok(json(StatusCode::OK, serde_json::to_vec(&shown)?))
        }
    };
    Router::new().route(&path::<T>(action), any(handler))
}

/// `GET {resource}/{id}/{name}`: a document of its own about a member.
pub(crate) fn get_plain<T, F, Done, Shown>(action: &Action, work: F) -> Router<Api>
where
    T: Noun,
    F: Fn(Core, Caller, String) -> Done + Clone + Send + Sync + 'static,
    Done: Future<Output = Result<Shown>> + Send,
    Shown: Serialize + Send,
{
    let handler = move |State(api): State<Api>, id: Id, request: Request| {
        let work = work.clone();
        async move {
            let Path(id) = id.map_err(|_| Fault::no_such_path())?;
            if request.method() != Method::GET {
                return Err(Fault::method_not_allowed());
            }
            let call = Call::receive(request)?;
            let shown = work(api.core().clone(), call.caller.clone(), id).await?;
            Ok(json(StatusCode::OK, serde_json::to_vec(&shown)?))
        }
    };
    Router::new().route(&path::<T>(action), any(handler))
}

fn path<T: Noun>(action: &Action) -> String {
    format!("/v2.0/{}/{{id}}/{}", T::DECL.path, action.name)
}
