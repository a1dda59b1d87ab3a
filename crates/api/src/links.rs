//! The addresses that answers point to.

use std::borrow::Cow;

use axum::http::request::Parts;
use serde::Serialize;

use crate::client::{Connection, Seen};
use crate::options::ApiOptions;
use crate::query::Params;

/// One entry of a `links` list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    pub(crate) rel: &'static str,
    pub(crate) href: String,
}

/// The address under which the client reached the server, up to the path: `http://127.0.0.1:9696`.
pub(crate) fn base(parts: &Parts, options: &ApiOptions) -> String {
    if let Some(prefix) = &options.link_prefix {
        return prefix.trim_end_matches('/').to_owned();
    }
    let connection = parts.extensions.get::<Connection>();
    let Seen { scheme, host, prefix } =
        Seen::of(&parts.headers, connection, &options.trusted_proxies);
    let host =
        host.filter(|host| is_host(host)).map_or_else(|| options.bind.to_string(), Cow::into_owned);
    let sound = prefix.starts_with('/') && prefix.bytes().all(|byte| byte == b'/' || is_safe(byte));
    let prefix = if sound { prefix.trim_end_matches('/') } else { "" };
    format!("{scheme}://{host}{prefix}")
}

/// The links of one page: `next` and `previous` as the page's ends and direction allow.
///
/// Going forward there is a next page where this one is full, and always a previous one; going backward it is the other
/// way round. From an empty page the way back has no marker: it leads to the last page, or the first. All other
/// parameters of the request are copied.
pub(crate) fn page(address: &str, params: &Params, ends: &Ends) -> Vec<Link> {
    let mut kept = String::new();
    for (name, value) in params.iter() {
        if !matches!(name, "marker" | "page_reverse") {
            push_pair(&mut kept, name, value);
        }
    }
    let link = |rel, marker: &Option<String>, reverse| {
        let mut query = kept.clone();
        if let Some(marker) = marker {
            push_pair(&mut query, "marker", marker);
        }
        if reverse {
            push_pair(&mut query, "page_reverse", "True");
        }
        Link { rel, href: format!("{address}?{query}") }
    };
    let mut links = Vec::new();
    if ends.full || ends.reverse {
        links.push(link("next", &ends.last, false));
    }
    if ends.full || !ends.reverse {
        links.push(link("previous", &ends.first, true));
    }
    links
}

/// What the links of a page are made from.
#[derive(Debug)]
pub(crate) struct Ends {
    /// The identifier of the first object; `None` for an empty page.
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    /// Whether the page holds as many objects as were asked for.
    pub(crate) full: bool,
    pub(crate) reverse: bool,
}

/// Whether a text can stand as the host and port of a link; clients choose it, and others may read it.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|byte| {
            matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']') || byte.is_ascii_alphanumeric()
        })
}

fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    push_quoted(query, name);
    query.push('=');
    push_quoted(query, value);
}

/// Quotes as HTML forms do, with `+` for a space.
fn push_quoted(query: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if is_safe(byte) {
            query.push(char::from(byte));
        } else if byte == b' ' {
            query.push('+');
        } else {
            let digit = |nibble: u8| {
                DIGITS.get(usize::from(nibble)).map_or('0', |&digit| char::from(digit))
            };
            query.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

const fn is_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const ADDRESS: &str = "http://127.0.0.1:9696/v2.0/networks";

    fn links(query: &str, first: &str, last: &str, full: bool) -> Vec<(&'static str, String)> {
        let params = Params::parse(query);
        let ends = Ends {
            first: (!first.is_empty()).then(|| first.to_owned()),
            last: (!last.is_empty()).then(|| last.to_owned()),
            full,
            reverse: params.last("page_reverse").is_some_and(|value| value == "True"),
        };
        page(ADDRESS, &params, &ends)
            .into_iter()
            .map(|link| (link.rel, link.href.replace(ADDRESS, "")))
            .collect()
    }

    #[test]
    fn a_full_page_has_both_neighbours_and_keeps_the_other_parameters() {
        assert_eq!(
            links("limit=2&sort_key=name&sort_dir=asc&fields=name&fields=id", "a", "b", true),
            [
                ("next", "?limit=2&sort_key=name&sort_dir=asc&fields=name&fields=id&marker=b".to_owned()),
                (
                    "previous",
                    "?limit=2&sort_key=name&sort_dir=asc&fields=name&fields=id&marker=a&page_reverse=True"
                        .to_owned()
                ),
            ]
        );
    }

    #[test]
    fn the_last_page_has_no_next_one() {
        let links = links("limit=2&marker=x", "a", "a", false);
        assert_eq!(links, [("previous", "?limit=2&marker=a&page_reverse=True".to_owned())]);
    }

    #[test]
    fn a_short_page_going_backward_has_only_a_next_one() {
        let links = links("limit=2&page_reverse=True&marker=x", "a", "b", false);
        assert_eq!(links, [("next", "?limit=2&marker=b".to_owned())]);
    }

    #[test]
    fn an_empty_page_leads_back() {
        let forward = links("limit=2&marker=x", "", "", false);
        assert_eq!(forward, [("previous", "?limit=2&page_reverse=True".to_owned())]);
        let backward = links("limit=2&marker=x&page_reverse=True", "", "", false);
        assert_eq!(backward, [("next", "?limit=2".to_owned())]);
    }

    #[test]
    fn copied_parameters_are_quoted_again() {
        let links = links("provider%3Anetwork_type=a+b%26c&limit=1", "i", "i", false);
        let (_, href) = &links[0];
        assert_eq!(href, "?provider%3Anetwork_type=a+b%26c&limit=1&marker=i&page_reverse=True");
    }

    fn base_of(headers: &[(&str, &str)], options: &ApiOptions) -> String {
        let mut request = Request::builder().uri("/v2.0/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        base(&request.body(()).unwrap().into_parts().0, options)
    }

    #[test]
    fn links_start_with_the_address_that_the_client_used() {
        let options = ApiOptions::default();
        assert_eq!(
            base_of(&[("host", "cloud.example:9696")], &options),
            "http://cloud.example:9696"
        );
        assert_eq!(base_of(&[("host", "[::1]:9696")], &options), "http://[::1]:9696");
    }

    #[test]
    fn a_host_that_is_none_gives_way_to_the_servers_own_address() {
        let options = ApiOptions::default();
        for host in ["", "a/b", "x y", "<script>"] {
            assert_eq!(base_of(&[("host", host)], &options), "http://127.0.0.1:9696", "{host}");
        }
        assert_eq!(base_of(&[], &options), "http://127.0.0.1:9696");
    }

    #[test]
    fn links_start_with_what_a_believed_proxy_says_and_with_the_configured_prefix_before_all() {
        let headers = [
            ("host", "inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer"),
            ("x-forwarded-prefix", "/networking/"),
        ];
        let peer = "10.0.0.1".parse().unwrap();
        let base_at = |options: &ApiOptions| {
            let mut request = Request::builder().uri("/v2.0/");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(Connection { peer, tls: false });
            base(&parts, options)
        };
        let mut options = ApiOptions::default();
        assert_eq!(base_at(&options), "http://inner");
        options.trusted_proxies = vec!["10.0.0.0/24".parse().unwrap()];
        assert_eq!(base_at(&options), "https://outer/networking");
        options.link_prefix = Some("https://api.example/net/".to_owned());
        assert_eq!(base_at(&options), "https://api.example/net");
    }
}
