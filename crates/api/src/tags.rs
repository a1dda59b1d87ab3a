//! Tags as a sub-resource: `/v2.0/ports/{id}/tags` and `/v2.0/ports/{id}/tags/{tag}`.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::routing::any;
use nucleon_core::{Error, Tagged};
use nucleon_model::{AttrValue as _, Invalid, Rule};
use serde_json::{Value, json};

use crate::app::Api;
use crate::call::Call;
use crate::edge::Answer;
use crate::fault::{self, Fault};
use crate::filter::convert;
use crate::resource::{Id, no_content};

/// The longest tag, in characters.
const LONGEST: usize = 255;

pub(crate) fn routes<T: Tagged>() -> Router<Api> {
    routes_at::<T>(&format!("/v2.0/{}", T::DECL.path))
}

/// The tags of the members of a collection.
pub(crate) fn routes_at<T: Tagged>(collection: &str) -> Router<Api> {
    let path = format!("{collection}/{{id}}/tags");
    Router::new().route(&path, any(tags::<T>)).route(&format!("{path}/{{tag}}"), any(tag::<T>))
}

async fn tags<T: Tagged>(State(api): State<Api>, id: Id, request: Request) -> Answer {
    let Path(id) = id.map_err(|_| Fault::no_such_path())?;
    let method = request.method().clone();
    if !matches!(method, Method::GET | Method::PUT | Method::POST | Method::DELETE) {
        return Err(Fault::method_not_allowed());
    }
    let mut call = Call::receive(request)?;
    let (core, caller) = (api.core(), call.caller.clone());
    match method {
        Method::GET => Ok(shown(&core.tags_list::<T>(&caller, &id).await?)),
        Method::PUT => {
            let wanted = wanted(&call.json(&api).await?)?;
            Ok(shown(&core.tags_replace::<T>(&caller, &id, wanted).await?))
        }
        Method::POST => {
            let wanted = wanted(&call.json(&api).await?)?;
            // The answer names what was asked for, not all that there is.
            core.tags_add::<T>(&caller, &id, wanted.clone()).await?;
            Ok(shown(&wanted))
        }
        _ => {
            core.tags_clear::<T>(&caller, &id).await?;
            Ok(no_content())
        }
    }
}

async fn tag<T: Tagged>(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Answer {
    let Path((id, tag)) = path.map_err(|_| Fault::no_such_path())?;
    let method = request.method().clone();
    if !matches!(method, Method::GET | Method::PUT | Method::DELETE) {
        return Err(Fault::method_not_allowed());
    }
    let call = Call::receive(request)?;
    let (core, caller) = (api.core(), &call.caller);
    match method {
        Method::GET => {
            core.tag_exists::<T>(caller, &id, &tag).await?;
            Ok(no_content())
        }
        Method::PUT => {
            let tags = read(&json!([tag]))?;
            core.tags_add::<T>(caller, &id, tags).await?;
            Ok(fault::json(StatusCode::CREATED, "null"))
        }
        _ => {
            core.tags_remove::<T>(caller, &id, tag).await?;
            Ok(no_content())
        }
    }
}

fn shown(tags: &[String]) -> axum::response::Response {
    fault::json(StatusCode::OK, json!({"tags": tags}).to_string())
}

/// The tags in a body `{"tags": […]}`.
fn wanted(body: &Value) -> Result<Vec<String>, Error> {
    let tags = body
        .get("tags")
        .ok_or_else(|| convert(&Invalid::Convert("Invalid tags body".to_owned())))?;
    read(tags)
}

fn read(tags: &Value) -> Result<Vec<String>, Error> {
    Vec::<String>::from_json(tags, &Rule::UniqueTexts(LONGEST)).map_err(|invalid| convert(&invalid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &Value) -> String {
        let error = wanted(body).unwrap_err();
        assert_eq!(error.name(), "InvalidInput");
        error.message().to_owned()
    }

    #[test]
    fn tags_come_in_a_list_under_their_name() {
        assert_eq!(wanted(&json!({"tags": ["a", "b"]})).unwrap(), ["a", "b"]);
        assert_eq!(wanted(&json!({"tags": []})).unwrap(), Vec::<String>::new());
        for body in [json!({}), json!([]), json!("tags")] {
            assert_eq!(refusal(&body), "Invalid input for operation: Invalid tags body.");
        }
    }

    #[test]
    fn tags_are_texts_of_some_length_each_once() {
        let long = "x".repeat(256);
        assert_eq!(
            refusal(&json!({"tags": [long]})),
            format!("Invalid input for operation: '{long}' exceeds maximum length of 255.")
        );
        assert_eq!(
            refusal(&json!({"tags": [5]})),
            "Invalid input for operation: '5' is not a valid string."
        );
        assert_eq!(
            refusal(&json!({"tags": ["a", "a"]})),
            "Invalid input for operation: Duplicate items in the list: '['a', 'a']'."
        );
        assert_eq!(
            refusal(&json!({"tags": "a"})),
            "Invalid input for operation: 'a' is not a list."
        );
    }
}
