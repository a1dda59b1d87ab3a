//! Cross-origin requests: which web pages may use the API from a browser. As oslo.middleware has it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

/// `[cors]`.
#[derive(Debug, Clone, Default)]
pub struct CorsOptions {
    /// `https://horizon.example.com`; `*` for any.
    pub allowed_origin: Vec<String>,
    pub allow_credentials: bool,
    pub expose_headers: Vec<String>,
    /// In seconds; 0 says nothing.
    pub max_age: u32,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
}

/// Headers that any page may send.
const SIMPLE: &[&str] = &[
    "accept",
    "accept-language",
    "content-type",
    "cache-control",
    "content-language",
    "expires",
    "last-modified",
    "pragma",
];

/// The answer to `OPTIONS`: always a success without a body, and what may be done where the page's origin is allowed.
/// Nothing is looked at behind it, since browsers ask without credentials.
pub(crate) fn preflight(options: &CorsOptions, asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    if let Some(allowed) = allowed(options, asked) {
        response.headers_mut().extend(allowed);
    }
    response
}

fn allowed(options: &CorsOptions, asked: &HeaderMap) -> Option<HeaderMap> {
    let origin = origin(options, asked.get(header::ORIGIN)?)?;
    let method = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    if !options.allow_methods.iter().any(|allowed| allowed.as_bytes() == method.as_bytes()) {
        return None;
    }
    let names = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let names: Vec<&str> = match names {
        Some(names) => names.to_str().ok()?.split(',').map(str::trim).collect(),
        None => Vec::new(),
    };
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    let permitted =
        || options.allow_headers.iter().map(String::as_str).chain(SIMPLE.iter().copied());
    if !names.iter().all(|name| permitted().any(|known| known.eq_ignore_ascii_case(name))) {
        return None;
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    mark_credentials(options, &mut headers);
    if options.max_age > 0 {
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, options.max_age.into());
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    if !names.is_empty() {
        insert(&mut headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &names.join(","));
    }
    Some(headers)
}

/// Lets the page that asked read an answer, where its origin is allowed.
pub(crate) fn mark(options: &CorsOptions, asked_by: Option<&HeaderValue>, answer: &mut HeaderMap) {
    let Some(origin) = asked_by.and_then(|asked_by| origin(options, asked_by)) else { return };
    answer.append(header::VARY, HeaderValue::from_static("Origin"));
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    mark_credentials(options, answer);
    if !options.expose_headers.is_empty() {
        insert(answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &options.expose_headers.join(","));
    }
}

/// The origin as the answer names it, if it is allowed.
fn origin(options: &CorsOptions, asked_by: &HeaderValue) -> Option<HeaderValue> {
    let mut allowed = options.allowed_origin.iter();
    if allowed.clone().any(|allowed| allowed.as_bytes() == asked_by.as_bytes()) {
        return Some(asked_by.clone());
    }
    allowed.any(|allowed| allowed == "*").then(|| HeaderValue::from_static("*"))
}

fn mark_credentials(options: &CorsOptions, headers: &mut HeaderMap) {
    if options.allow_credentials {
        let value = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, value);
    }
}

/// What the configuration holds and no header can is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(origins: &[&str]) -> CorsOptions {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        CorsOptions {
            allowed_origin: list(origins),
            allow_credentials: true,
            expose_headers: list(&["X-Auth-Token", "X-OpenStack-Request-ID"]),
            max_age: 3600,
            allow_methods: list(&["GET", "PUT"]),
            allow_headers: list(&["X-Auth-Token"]),
        }
    }

    const HORIZON: &str = "https://horizon.example.com";

    fn ask(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn preflight_of(origin: &str, method: &str, names: &str) -> HeaderMap {
        let asked = ask(&[
            (header::ORIGIN, origin),
            (header::ACCESS_CONTROL_REQUEST_METHOD, method),
            (header::ACCESS_CONTROL_REQUEST_HEADERS, names),
        ]);
        let response = preflight(&options(&[HORIZON]), &asked);
        assert_eq!(response.status(), 200);
        response.headers().clone()
    }

    #[test]
    fn an_allowed_page_is_told_what_it_may_do() {
        let headers = preflight_of(HORIZON, "PUT", "x-auth-token, Content-Type");
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HORIZON),
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "PUT"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "x-auth-token,Content-Type"),
            (header::ACCESS_CONTROL_MAX_AGE, "3600"),
            (header::VARY, "Origin"),
        ] {
            assert_eq!(headers[name], value);
        }
    }

    #[test]
    fn another_page_method_or_header_is_told_nothing() {
        for (origin, method, names) in [
            ("https://evil.example.com", "PUT", ""),
            ("null", "PUT", ""),
            (HORIZON, "DELETE", ""),
            (HORIZON, "put", ""),
            (HORIZON, "PUT", "X-Auth-Token, X-Evil"),
        ] {
            assert!(preflight_of(origin, method, names).is_empty(), "{origin} {method} {names}");
        }
        let no_method = ask(&[(header::ORIGIN, HORIZON)]);
        assert!(preflight(&options(&[HORIZON]), &no_method).headers().is_empty());
        assert!(preflight(&CorsOptions::default(), &HeaderMap::new()).headers().is_empty());
    }

    fn marked(origins: &[&str], asked_by: &str) -> HeaderMap {
        let mut answer = HeaderMap::new();
        mark(&options(origins), Some(&asked_by.parse().unwrap()), &mut answer);
        answer
    }

    #[test]
    fn an_allowed_page_may_read_the_answer() {
        let headers = marked(&[HORIZON], HORIZON);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], HORIZON);
        let exposed = &headers[header::ACCESS_CONTROL_EXPOSE_HEADERS];
        assert_eq!(exposed, "X-Auth-Token,X-OpenStack-Request-ID");
        assert_eq!(headers[header::VARY], "Origin");
        assert!(marked(&[HORIZON], "https://evil.example.com").is_empty());
        assert_eq!(marked(&["*"], "https://any")[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let mut answer = HeaderMap::new();
        mark(&options(&[HORIZON]), None, &mut answer);
        assert!(answer.is_empty(), "no page asked");
    }
}
