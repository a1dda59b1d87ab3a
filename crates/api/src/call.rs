//! A request as handlers see it: who asks, and for what.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header, request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use nucleon_core::{Caller, Error, Precondition};
use serde_json::Value;

use crate::app::Api;
use crate::edge::Arrival;
use crate::fault::Fault;
use crate::links;
use crate::query::{Params, bad_request};

/// One request, its caller known.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) params: Params,
    parts: request::Parts,
    body: Body,
}

impl Call {
    /// Takes a request in, whose sender is known: what it accepts must be JSON.
    pub(crate) fn receive(request: Request) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        if !accepts_json(&parts.headers) {
            return Err(Fault::not_acceptable());
        }
        let caller = parts.extensions.remove::<Caller>();
        let caller = caller.ok_or_else(|| Error::internal("nobody looked at who asks"))?;
        Ok(Self { caller, params: Params::of(&parts.uri), parts, body })
    }

    /// The body as JSON. Its size is bounded by configuration, its depth by the parser (128).
    pub(crate) async fn json(&mut self, api: &Api) -> Result<Value, Fault> {
        let limit = api.options().body_limit;
        let announced = self
            .parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced
            .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit))
        {
            return Err(Fault::body_too_large());
        }
        let body = Limited::new(std::mem::take(&mut self.body), limit).collect();
        match api.clock().timeout(api.options().body_timeout, body).await {
            None => Err(Fault::body_too_slow()),
            Some(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::body_too_large()),
            // The connection broke off: nobody will read this.
            Some(Err(_)) => Err(invalid_body().into()),
            Some(Ok(body)) => {
                serde_json::from_slice(&body.to_bytes()).map_err(|_| invalid_body().into())
            }
        }
    }

    /// `If-Match: revision_number=N`; any other form says nothing about revisions.
    pub(crate) fn precondition(&self) -> Precondition {
        Precondition { revision: revision(&self.parts.headers) }
    }

    /// The address that the client used, without parameters.
    pub(crate) fn address(&self, api: &Api) -> String {
        let path = self.parts.extensions.get::<Arrival>().map_or("", |arrival| &arrival.path);
        format!("{}{path}", links::base(&self.parts, api.options()))
    }
}

pub(crate) fn invalid_body() -> nucleon_core::Error {
    bad_request("Body contains invalid data")
}

fn revision(headers: &HeaderMap) -> Option<i64> {
    headers.get_all(header::IF_MATCH).iter().find_map(|value| {
        let text = value.to_str().ok()?.trim().trim_matches('"');
        text.strip_prefix("revision_number=")?.trim().parse().ok()
    })
}

/// Whether an answer in JSON is welcome; it is unless the client wants only other things.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return true;
    }
    ranges.any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts
            .filter_map(|part| part.strip_prefix("q="))
            .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        matches!(kind.as_str(), "*/*" | "application/*" | "application/json") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn json_is_welcome_unless_only_other_things_are() {
        for accept in [
            &[][..],
            &[""],
            &["*/*"],
            &["application/json"],
            &["Application/JSON; charset=utf-8"],
            &["text/html, application/xhtml+xml, */*;q=0.8"],
            &["application/xml", "application/*;q=0.1"],
        ] {
            assert!(accepts_json(&headers(&header::ACCEPT, accept)), "{accept:?}");
        }
        for accept in ["application/xml", "text/html", "application/json;q=0", "image/*"] {
            assert!(!accepts_json(&headers(&header::ACCEPT, &[accept])), "{accept}");
        }
    }

    #[test]
    fn only_a_revision_makes_a_precondition() {
        let of = |value| revision(&headers(&header::IF_MATCH, &[value]));
        assert_eq!(of("revision_number=77"), Some(77));
        assert_eq!(of("\"revision_number=77\""), Some(77));
        for other in ["garbage", "*", "revision_number=x", "revision=1", "\"etag\""] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(revision(&HeaderMap::new()), None);
    }
}
