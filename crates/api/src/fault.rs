//! Errors as the client sees them.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nucleon_core::{Error, Kind};
use serde::Serialize;

use crate::identity::{AuthError, Challenge};

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What the control plane says; also the refusals of parsing.
    Core(Error),
    /// What only HTTP knows.
    Http { status: StatusCode, name: &'static str, message: Cow<'static, str> },
    /// Answers outside the API proper are pages.
    Page { status: StatusCode, text: &'static str, detail: String },
    /// The sender of the request is not known, or cannot be.
    Identity(AuthError),
}

impl From<AuthError> for Fault {
    fn from(error: AuthError) -> Self {
        Self::Identity(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<serde_json::Error> for Fault {
    /// A record that cannot be written.
    fn from(error: serde_json::Error) -> Self {
        Self::Core(Error::internal(error))
    }
}

/// What a client error says where nothing better is known.
const MALFORMED: &str = "The server could not comply with the request since it is either malformed or otherwise incorrect.";
const NOT_FOUND: &str = "The resource could not be found.";
const UNAUTHORIZED: &str = "This server could not verify that you are authorized to access the document you requested. \
     Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply \
     the credentials required.";
const UNAVAILABLE: &str = "The server is currently unavailable. Please try again at a later time.";

impl Fault {
    pub(crate) const fn method_not_allowed() -> Self {
        Self::http(StatusCode::METHOD_NOT_ALLOWED, "HTTPMethodNotAllowed", MALFORMED)
    }

    pub(crate) const fn not_acceptable() -> Self {
        Self::http(StatusCode::NOT_ACCEPTABLE, "HTTPNotAcceptable", MALFORMED)
    }

    pub(crate) const fn no_such_path() -> Self {
        Self::http(StatusCode::NOT_FOUND, "HTTPNotFound", NOT_FOUND)
    }

    pub(crate) const fn body_too_large() -> Self {
        Self::http(
            StatusCode::PAYLOAD_TOO_LARGE,
            "HTTPRequestEntityTooLarge",
            "The body of the request is too large.",
        )
    }

    pub(crate) const fn body_too_slow() -> Self {
        Self::http(
            StatusCode::REQUEST_TIMEOUT,
            "HTTPRequestTimeout",
            "The body of the request did not arrive in time.",
        )
    }

    pub(crate) const fn answer_too_slow() -> Self {
        Self::http(
            StatusCode::GATEWAY_TIMEOUT,
            "HTTPGatewayTimeout",
            "The request could not be answered in time.",
        )
    }

    pub(crate) fn no_such_page(detail: impl Into<String>) -> Self {
        Self::Page { status: StatusCode::NOT_FOUND, text: NOT_FOUND, detail: detail.into() }
    }

    const fn http(status: StatusCode, name: &'static str, message: &'static str) -> Self {
        Self::Http { status, name, message: Cow::Borrowed(message) }
    }

    /// The answer; faults of ours are logged here, once, with what the client is not told.
    pub(crate) fn answer(self) -> Response {
        match self {
            Self::Core(error) => {
                log(&error);
                neutron_error(status(error.kind()), error.name(), error.message())
            }
            Self::Http { status, name, message } => neutron_error(status, name, &message),
            Self::Page { status, text, detail } => page(status, text, &detail),
            Self::Identity(AuthError::Unauthorized(challenge)) => unauthorized(challenge),
            Self::Identity(AuthError::Unavailable { message, source }) => {
                tracing::warn!(source = chain(&*source), "{message}");
                unavailable(message)
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        self.answer()
    }
}

const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn log(error: &Error) {
    let source = std::error::Error::source(error).map(chain);
    let source = source.as_deref().unwrap_or_default();
    match error.kind() {
        Kind::Internal => tracing::error!(source, "{error}"),
        Kind::Unavailable => tracing::warn!(source, "{error}"),
        _ => {}
    }
}

fn unauthorized(challenge: Challenge) -> Response {
    let mut response = match challenge.body {
        Some(body) => json(StatusCode::UNAUTHORIZED, body),
        None => page(StatusCode::UNAUTHORIZED, UNAUTHORIZED, ""),
    };
    if let Some(scheme) = challenge.scheme {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

/// As the libraries below Neutron say it in JSON.
fn unavailable(message: &str) -> Response {
    let body = serde_json::json!({
        "message": format!("{UNAVAILABLE}<br /><br />\n{message}\n\n"),
        "code": "503 Service Unavailable",
        "title": "Service Unavailable",
    });
    json(StatusCode::SERVICE_UNAVAILABLE, body.to_string())
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "NeutronError")]
    error: NeutronError<'a>,
}

#[derive(Serialize)]
struct NeutronError<'a> {
    r#type: &'a str,
    message: &'a str,
    detail: &'static str,
}

/// An error body as every Networking client reads it.
pub(crate) fn neutron_error(status: StatusCode, name: &str, message: &str) -> Response {
    let body = Envelope { error: NeutronError { r#type: name, message, detail: "" } };
    // Three texts: nothing here can fail to be written.
    json(status, serde_json::to_vec(&body).unwrap_or_default())
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn page(status: StatusCode, text: &str, detail: &str) -> Response {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let detail = escaped(detail);
    let body = format!(
        "<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  \
         {text}<br /><br />\n{detail}\n\n\n </body>\n</html>"
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], body).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    async fn read(fault: Fault) -> (u16, String) {
        let response = fault.answer();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn each_kind_has_its_status() {
        for (kind, expected) in [
            (Kind::Invalid, 400),
            (Kind::Forbidden, 403),
            (Kind::NotFound, 404),
            (Kind::Conflict, 409),
            (Kind::Stale, 412),
            (Kind::Unavailable, 503),
            (Kind::Internal, 500),
        ] {
            let (status, body) = read(Error::new(kind, "Name", "text \"quoted\"").into()).await;
            assert_eq!(status, expected);
            assert_eq!(
                serde_json::from_str::<Value>(&body).unwrap(),
                json!({"NeutronError": {"type": "Name", "message": "text \"quoted\"", "detail": ""}})
            );
        }
    }

    #[tokio::test]
    async fn a_fault_of_ours_tells_the_client_nothing_of_its_cause() {
        let (status, body) = read(Error::internal("password=hunter2").into()).await;
        assert_eq!(status, 500);
        assert!(!body.contains("hunter2"), "{body}");
        assert!(
            body.contains("Request Failed: internal server error while processing your request.")
        );
    }

    #[tokio::test]
    async fn outside_the_api_a_missing_thing_is_a_page() {
        assert_eq!(
            read(Fault::no_such_page("Extension with alias nope does not exist")).await,
            (
                404,
                "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
                 The resource could not be found.<br /><br />\nExtension with alias nope does not exist\n\n\n \
                 </body>\n</html>"
                    .to_owned()
            )
        );
    }

    #[tokio::test]
    async fn an_identity_service_that_is_away_is_no_refusal() {
        let message = "The Keystone service is temporarily unavailable.";
        let source = "connection refused to http://inside:5000".into();
        let (status, body) = read(AuthError::Unavailable { message, source }.into()).await;
        assert_eq!(status, 503);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body,
            json!({
                "message": "The server is currently unavailable. Please try again at a later time.\
                            <br /><br />\nThe Keystone service is temporarily unavailable.\n\n",
                "code": "503 Service Unavailable",
                "title": "Service Unavailable",
            })
        );
    }

    #[tokio::test]
    async fn who_is_not_known_is_told_so_in_the_identity_services_own_way() {
        let (status, body) = read(AuthError::Unauthorized(Challenge::default()).into()).await;
        assert_eq!(status, 401);
        assert!(body.contains("<h1>401 Unauthorized</h1>"), "{body}");

        let challenge = Challenge {
            scheme: Some(HeaderValue::from_static("Keystone uri=\"http://k\"")),
            body: Some("{\"error\": 1}".into()),
        };
        let response = Fault::from(AuthError::Unauthorized(challenge)).answer();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Keystone uri=\"http://k\"");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "{\"error\": 1}");
    }

    #[tokio::test]
    async fn a_page_quotes_what_came_from_outside() {
        let (_, body) = read(Fault::no_such_page("<script>")).await;
        assert!(body.contains("&lt;script&gt;") && !body.contains("<script>"));
    }

    #[tokio::test]
    async fn a_method_that_is_not_served_is_malformed() {
        let (status, body) = read(Fault::method_not_allowed()).await;
        assert_eq!(status, 405);
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap()["NeutronError"]["type"],
            "HTTPMethodNotAllowed"
        );
    }
}
