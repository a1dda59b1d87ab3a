//! The operations that every resource has, for any of them.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use nucleon_core::{Caller, Error, Noun, Operations};
use nucleon_model::AttrSet;

use crate::app::Api;
use crate::call::Call;
use crate::draft::{self, Bulk, Wanted};
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::links::{self, Ends, Link};
use crate::{query, render};

/// `/v2.0/ports` and `/v2.0/ports/{id}`, for the resource `T`.
pub(crate) fn routes<T: Noun>() -> Router<Api> {
    let path = format!("/v2.0/{}", T::DECL.collection);
    Router::new()
        .route(&path, any(collection::<T>))
        .route(&format!("{path}/{{id}}"), any(member::<T>))
}

/// An identifier out of a path; one that is not even text is nobody's.
pub(crate) type Id = Result<Path<String>, PathRejection>;

async fn collection<T: Noun>(State(api): State<Api>, request: Request) -> Answer {
    let operations = T::OPERATIONS;
    match *request.method() {
        Method::GET if operations.contains(Operations::LIST) => {
            list::<T>(&api, Call::receive(&api, request).await?).await
        }
        Method::POST if operations.contains(Operations::CREATE) => {
            create::<T>(&api, Call::receive(&api, request).await?).await
        }
        // Neutron looks for the object before it finds that no method was meant.
        Method::PUT if operations.contains(Operations::UPDATE) => {
            Err(Error::not_found(T::DECL, "None").into())
        }
        Method::DELETE if operations.contains(Operations::DELETE) => {
            Err(Error::not_found(T::DECL, "None").into())
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn member<T: Noun>(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(id) = id.map_err(|_| Fault::no_such_path())?;
    let operations = T::OPERATIONS;
    match *request.method() {
        Method::GET if operations.contains(Operations::SHOW) => {
            show::<T>(&api, Call::receive(&api, request).await?, &id).await
        }
        Method::PUT if operations.contains(Operations::UPDATE) => {
            update::<T>(&api, Call::receive(&api, request).await?, &id).await
        }
        Method::DELETE if operations.contains(Operations::DELETE) => {
            delete::<T>(&api, Call::receive(&api, request).await?, &id).await
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn list<T: Noun>(api: &Api, call: Call) -> Answer {
    let query = query::list(T::DECL, api.enabled(T::DECL), &call.params, api.options())?;
    let (page, fields) = (query.page.clone(), query.fields);
    let records = T::list(api.core(), &call.caller, query).await?;
    let links = page.map_or_else(Vec::new, |page| {
        let ends = Ends {
            first: records.first().map(T::key),
            last: records.last().map(T::key),
            full: u64::try_from(records.len()).is_ok_and(|len| len >= page.limit),
            reverse: page.reverse,
        };
        links::page(&call.address(api), &call.params, &ends)
    });
    many(api, call.caller, records, fields, links).await
}

async fn create<T: Noun>(api: &Api, mut call: Call) -> Answer {
    let body = call.json(api).await?;
    let bulk = match api.options().bulk_limit {
        Some(most) if T::OPERATIONS.contains(Operations::BULK) => Bulk::UpTo(most.get()),
        _ => Bulk::Refused,
    };
    let enabled = api.enabled(T::DECL);
    let fields = T::DECL.visible().and(enabled);
    let body = match draft::create::<T>(&body, enabled, &call.caller, bulk)? {
        Wanted::One(draft) => {
            let records = T::create(api.core(), &call.caller, vec![draft]).await?;
            let Some(record) = records.first() else {
                return Err(Error::internal("a create of one object gave none").into());
            };
            render::member(record, fields.and(record.shown(api.core(), &call.caller)))?
        }
        Wanted::Many(drafts) => {
            let records = T::create(api.core(), &call.caller, drafts).await?;
            let shown = |record: &T| fields.and(record.shown(api.core(), &call.caller));
            render::collection(&records, shown, &[])?
        }
    };
    Ok(json(StatusCode::CREATED, body))
}

async fn show<T: Noun>(api: &Api, call: Call, id: &str) -> Answer {
    let fields = query::fields(T::DECL, api.enabled(T::DECL), &call.params);
    let record = T::show(api.core(), &call.caller, id).await?;
    one(api, &call, &record, fields)
}

async fn update<T: Noun>(api: &Api, mut call: Call, id: &str) -> Answer {
    let body = call.json(api).await?;
    let enabled = api.enabled(T::DECL);
    let draft = draft::update::<T>(&body, enabled, &call.caller)?;
    let record = T::update(api.core(), &call.caller, id, draft, call.precondition()).await?;
    one(api, &call, &record, T::DECL.visible().and(enabled))
}

async fn delete<T: Noun>(api: &Api, call: Call, id: &str) -> Answer {
    T::delete(api.core(), &call.caller, id, call.precondition()).await?;
    Ok(no_content())
}

/// An answer with one object.
fn one<T: Noun>(api: &Api, call: &Call, record: &T, fields: AttrSet) -> Answer {
    let shown = fields.and(record.shown(api.core(), &call.caller));
    Ok(json(StatusCode::OK, render::member(record, shown)?))
}

/// Records of a list that are written where the request is served: some 200 KB in 0.2 ms. More would keep other
/// requests waiting, 5,000 of them for 9 ms.
const AT_ONCE: usize = 250;

/// An answer with a list.
pub(crate) async fn many<T: Noun>(
    api: &Api,
    caller: Caller,
    records: Vec<T>,
    fields: AttrSet,
    links: Vec<Link>,
) -> Answer {
    let apart = records.len() > AT_ONCE;
    let api = api.clone();
    let write = move || {
        let shown = |record: &T| fields.and(record.shown(api.core(), &caller));
        render::collection(&records, shown, &links)
    };
    let body = if apart {
        tokio::task::spawn_blocking(write).await.map_err(Error::internal)??
    } else {
        write()?
    };
    Ok(json(StatusCode::OK, body))
}

pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
