//! The subports of a trunk: `PUT /v2.0/trunks/{id}/add_subports` and `…/remove_subports`, `GET …/get_subports`.

use axum::Router;
use nucleon_model::Trunk;

use crate::action::{self, Action};
use crate::app::Api;

pub(crate) const ADD: Action = Action::put("add_subports", "trunk", "Put ports onto a trunk");

pub(crate) const REMOVE: Action = Action::put("remove_subports", "trunk", "Take ports off a trunk");

pub(crate) const GET: Action = Action::get("get_subports", "trunk", "The ports on a trunk");

pub(crate) fn add(action: &Action) -> Router<Api> {
    action::put_plain::<Trunk, _, _, _>(action, |core, caller, id, body| async move {
        core.trunk_subports_add(&caller, &id, &body).await
    })
}

pub(crate) fn remove(action: &Action) -> Router<Api> {
    action::put_plain::<Trunk, _, _, _>(action, |core, caller, id, body| async move {
        core.trunk_subports_remove(&caller, &id, &body).await
    })
}

pub(crate) fn get(action: &Action) -> Router<Api> {
    action::get_plain::<Trunk, _, _, _>(action, |core, caller, id| async move {
        core.trunk_subports(&caller, &id).await
    })
}
