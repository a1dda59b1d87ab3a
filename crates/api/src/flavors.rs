//! What is below a flavor: the service profiles that it is bound to, and who would provide its service.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::{Error, Operations};
use nucleon_model::{FlavorProfile, Resource as _};
use serde_json::json as value;

use crate::app::Api;
use crate::call::Call;
use crate::draft::{self, Bulk, Wanted};
use crate::edge::Answer;
use crate::fault::{Fault, json};
use crate::openapi::{Special, listed, texts};
use crate::render;
use crate::resource::{Id, no_content};

/// The flavor and the profile in an address.
type Place = Result<Path<(String, String)>, PathRejection>;

/// Of the profiles that a flavor is bound to, and what can be done there.
pub(crate) const PLACE: (&str, Operations) = (
    "/v2.0/flavors/{parent}/service_profiles",
    Operations::SHOW.union(Operations::CREATE).union(Operations::DELETE),
);

const NEXT_PROVIDERS: &str = "/v2.0/flavors/{id}/next_providers";

pub(crate) const NEXT: &[Special] = &[Special::get(
    NEXT_PROVIDERS,
    "show_next_providers",
    "Show who would provide a flavor",
    || listed("next_providers", &texts(&["provider", "driver"])),
)];

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/v2.0/flavors/{id}/service_profiles", any(profiles))
        .route("/v2.0/flavors/{id}/service_profiles/{profile}", any(profile))
}

pub(crate) fn next_routes() -> Router<Api> {
    Router::new().route(NEXT_PROVIDERS, any(next_providers))
}

async fn profiles(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(flavor) = id.map_err(|_| Fault::no_such_path())?;
    if request.method() != Method::POST {
        return Err(Fault::method_not_allowed());
    }
    let mut call = Call::receive(request)?;
    let body = call.json(&api).await?;
    let enabled = api.enabled(FlavorProfile::DECL);
    let wanted = draft::create::<FlavorProfile>(&body, enabled, &call.caller, Bulk::Refused)?;
    let Wanted::One(draft) = wanted else {
        return Err(Error::internal("several profiles were read where one was").into());
    };
    let bound = api.core().flavor_profile_bind(&call.caller, &flavor, &draft).await?;
    Ok(json(StatusCode::CREATED, render::member(&bound, enabled)?))
}

async fn profile(State(api): State<Api>, place: Place, request: Request) -> Answer {
    let Path((flavor, profile)) = place.map_err(|_| Fault::no_such_path())?;
    let core = api.core();
    match *request.method() {
        Method::GET => {
            let call = Call::receive(request)?;
            let bound = core.flavor_profile_show(&call.caller, &flavor, &profile).await?;
            let body = render::member(&bound, api.enabled(FlavorProfile::DECL))?;
            Ok(json(StatusCode::OK, body))
        }
        Method::DELETE => {
            let call = Call::receive(request)?;
            core.flavor_profile_unbind(&call.caller, &flavor, &profile).await?;
            Ok(no_content())
        }
        _ => Err(Fault::method_not_allowed()),
    }
}

async fn next_providers(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(flavor) = id.map_err(|_| Fault::no_such_path())?;
    if request.method() != Method::GET {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let provider = api.core().flavor_next_provider(&call.caller, &flavor).await?;
    let next = value!({"provider": provider.name, "driver": provider.driver});
    let body = value!({"next_providers": [next]});
    Ok(json(StatusCode::OK, serde_json::to_vec(&body)?))
}
