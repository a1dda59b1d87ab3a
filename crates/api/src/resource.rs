//! The operations that every resource has, for any of them.

use std::future::Future;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use nucleon_core::{
    Caller, ChildNoun, Core, Error, Noun, Operations, Precondition, Result, Viewing,
};
use nucleon_model::{AttrSet, Filter, ListQuery};
use serde::de::DeserializeOwned;

use crate::app::Api;
use crate::call::Call;
use crate::draft::{self, Bulk, Wanted};
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::links::{self, Ends, Link};
use crate::{query, render};

/// Where a resource is found: at an address of its own ([`Top`]), or below another one ([`Under`]).
pub(crate) trait Door<T: Noun>: Sized + Send + Sync + 'static {
    /// What a path without the object's own identifier holds, and with it.
    type Collection: DeserializeOwned + Send;
    type Member: DeserializeOwned + Send;

    fn path() -> String;
    fn at(path: Self::Collection) -> Self;
    /// The identifier, and where it is looked for.
    fn member(path: Self::Member) -> (Self, String);

    fn create(
        &self,
        core: &Core,
        caller: &Caller,
        drafts: Vec<T::Draft>,
    ) -> impl Future<Output = Result<Vec<T>>> + Send;
    fn list(
        &self,
        core: &Core,
        caller: &Caller,
        query: ListQuery,
    ) -> impl Future<Output = Result<Vec<T>>> + Send;
    fn show(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
    ) -> impl Future<Output = Result<T>> + Send;
    fn update(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: T::Draft,
        precondition: Precondition,
    ) -> impl Future<Output = Result<T>> + Send;
    fn delete(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// `/v2.0/ports`
#[derive(Debug)]
pub(crate) struct Top;

impl<T: Noun> Door<T> for Top {
    type Collection = ();
    type Member = String;

    fn path() -> String {
        format!("/v2.0/{}", T::DECL.path)
    }

    fn at((): ()) -> Self {
        Self
    }

    fn member(id: String) -> (Self, String) {
        (Self, id)
    }

    async fn create(&self, core: &Core, caller: &Caller, drafts: Vec<T::Draft>) -> Result<Vec<T>> {
        T::create(core, caller, drafts).await
    }

    async fn list(&self, core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<T>> {
        T::list(core, caller, query).await
    }

    async fn show(&self, core: &Core, caller: &Caller, id: &str) -> Result<T> {
        T::show(core, caller, id).await
    }

    async fn update(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: T::Draft,
        precondition: Precondition,
    ) -> Result<T> {
        T::update(core, caller, id, draft, precondition).await
    }

    async fn delete(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> Result<()> {
        T::delete(core, caller, id, precondition).await
    }
}

/// `/v2.0/routers/{parent}/conntrack_helpers`
#[derive(Debug)]
pub(crate) struct Under(String);

impl<T: ChildNoun> Door<T> for Under {
    type Collection = String;
    type Member = (String, String);

    fn path() -> String {
        format!("/v2.0/{}/{{parent}}/{}", T::PARENT.path, T::DECL.path)
    }

    fn at(parent: String) -> Self {
        Self(parent)
    }

    fn member((parent, id): (String, String)) -> (Self, String) {
        (Self(parent), id)
    }

    async fn create(&self, core: &Core, caller: &Caller, drafts: Vec<T::Draft>) -> Result<Vec<T>> {
        T::create_under(core, caller, &self.0, drafts).await
    }

    async fn list(&self, core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<T>> {
        T::list_under(core, caller, &self.0, query).await
    }

    async fn show(&self, core: &Core, caller: &Caller, id: &str) -> Result<T> {
        T::show_under(core, caller, &self.0, id).await
    }

    async fn update(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: T::Draft,
        precondition: Precondition,
    ) -> Result<T> {
        T::update_under(core, caller, &self.0, id, draft, precondition).await
    }

    async fn delete(
        &self,
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> Result<()> {
        T::delete_under(core, caller, &self.0, id, precondition).await
    }
}

/// A collection and its members, for the resource `T`.
pub(crate) fn routes<T: Noun, D: Door<T>>() -> Router<Api> {
    routes_at::<T, D>(&D::path())
}

/// The same, at an address of one's own choice.
pub(crate) fn routes_at<T: Noun, D: Door<T>>(path: &str) -> Router<Api> {
    Router::new()
        .route(path, any(collection::<T, D>))
        .route(&format!("{path}/{{id}}"), any(member::<T, D>))
}

/// An identifier out of a path; one that is not even text is nobody's.
pub(crate) type Id = std::result::Result<Path<String>, PathRejection>;

async fn collection<T: Noun, D: Door<T>>(
    State(api): State<Api>,
    place: std::result::Result<Path<D::Collection>, PathRejection>,
    request: Request,
) -> Answer {
    let Path(place) = place.map_err(|_| Fault::no_such_path())?;
    let (door, operations) = (D::at(place), T::OPERATIONS);
    match *request.method() {
        Method::GET if operations.contains(Operations::LIST) => {
            list(&api, Call::receive(request)?, &door).await
        }
        Method::POST if operations.contains(Operations::CREATE) => {
            create(&api, Call::receive(request)?, &door).await
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

async fn member<T: Noun, D: Door<T>>(
    State(api): State<Api>,
    place: std::result::Result<Path<D::Member>, PathRejection>,
    request: Request,
) -> Answer {
    let Path(place) = place.map_err(|_| Fault::no_such_path())?;
    let ((door, id), operations) = (D::member(place), T::OPERATIONS);
    match *request.method() {
        Method::GET if operations.contains(Operations::SHOW) => {
            show(&api, Call::receive(request)?, &door, &id).await
        }
        Method::PUT if operations.contains(Operations::UPDATE) => {
            update(&api, Call::receive(request)?, &door, &id).await
        }
        // Also of what cannot be updated Neutron first looks whether it is there.
        Method::PUT if operations.contains(Operations::SHOW) => {
            let call = Call::receive(request)?;
            door.show(api.core(), &call.caller, &id).await?;
            Err(Fault::method_not_allowed())
        }
        Method::DELETE if operations.contains(Operations::DELETE) => {
            delete(&api, Call::receive(request)?, &door, &id).await
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn list<T: Noun>(api: &Api, call: Call, door: &impl Door<T>) -> Answer {
    let mut query = query::list(T::DECL, api.enabled(T::DECL), &call.params, api.options())?;
    let viewing = api.core().viewing::<T>(&call.caller);
    let hidden = |filter: &Filter| matches!(filter, Filter::Attribute { index, .. } if viewing.hides(*index));
    if query.filters.iter().any(hidden) {
        // As if no object had the attribute: what a filter finds would tell of it.
        return many(api, call.caller, Vec::<T>::new(), query.fields, Vec::new()).await;
    }
    query.sort.retain(|(index, _)| !viewing.hides(*index));
    let (page, fields) = (query.page.clone(), query.fields);
    let records = door.list(api.core(), &call.caller, query).await?;
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

async fn create<T: Noun>(api: &Api, mut call: Call, door: &impl Door<T>) -> Answer {
    let body = call.json(api).await?;
    let bulk = match api.options().bulk_limit {
        Some(most) if T::OPERATIONS.contains(Operations::BULK) => Bulk::UpTo(most.get()),
        _ => Bulk::Refused,
    };
    let enabled = api.enabled(T::DECL);
    let fields = T::DECL.visible().and(enabled);
    let body = match draft::create::<T>(&body, enabled, &call.caller, bulk)? {
        Wanted::One(draft) => {
            let records = door.create(api.core(), &call.caller, vec![draft]).await?;
            let Some(record) = records.first() else {
                return Err(Error::internal("a create of one object gave none").into());
            };
            let viewing = api.core().viewing::<T>(&call.caller);
            render::member(record, fields.and(shown(&viewing, record)))?
        }
        Wanted::Many(drafts) => {
            let records = door.create(api.core(), &call.caller, drafts).await?;
            let viewing = api.core().viewing::<T>(&call.caller);
            render::collection(&records, |record| fields.and(shown(&viewing, record)), &[])?
        }
    };
    Ok(json(StatusCode::CREATED, body))
}

async fn show<T: Noun>(api: &Api, call: Call, door: &impl Door<T>, id: &str) -> Answer {
    let fields = query::fields(T::DECL, api.enabled(T::DECL), &call.params);
    let record = door.show(api.core(), &call.caller, id).await?;
    one(api, &call.caller, &record, fields)
}

async fn update<T: Noun>(api: &Api, mut call: Call, door: &impl Door<T>, id: &str) -> Answer {
    let body = call.json(api).await?;
    let enabled = api.enabled(T::DECL);
    let draft = draft::update::<T>(&body, enabled, &call.caller)?;
    let precondition = call.precondition();
    let record = door.update(api.core(), &call.caller, id, draft, precondition).await?;
    one(api, &call.caller, &record, T::DECL.visible().and(enabled))
}

async fn delete<T: Noun>(api: &Api, call: Call, door: &impl Door<T>, id: &str) -> Answer {
    door.delete(api.core(), &call.caller, id, call.precondition()).await?;
    Ok(no_content())
}

/// An answer with one object.
pub(crate) fn one<T: Noun>(api: &Api, caller: &Caller, record: &T, fields: AttrSet) -> Answer {
    let shown = shown(&api.core().viewing::<T>(caller), record);
    Ok(json(StatusCode::OK, render::member(record, fields.and(shown))?))
}

/// What of a record the caller may see, of what it shows at all.
fn shown<T: Noun>(viewing: &Viewing, record: &T) -> AttrSet {
    viewing.shown(record).without(record.concealed())
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
        let viewing = api.core().viewing::<T>(&caller);
        render::collection(&records, |record| fields.and(shown(&viewing, record)), &links)
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
