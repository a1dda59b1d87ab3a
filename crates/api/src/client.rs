//! The client's side of a request: where it is, and what address it used. Behind a proxy only the proxy can tell.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use ipnet::IpNet;

/// What is known of a connection, kept with each of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) peer: IpAddr,
    pub(crate) tls: bool,
}

/// What the client sees of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen<'h> {
    pub(crate) scheme: &'h str,
    pub(crate) host: Option<Cow<'h, str>>,
    /// What stands before the paths of this server.
    pub(crate) prefix: &'h str,
}

/// The client's address: the peer's, or what the proxies in front say of it.
///
/// Each proxy adds the address that it was connected from, so the last one that is no proxy is the client's; what
/// stands before it is the client's own tale.
pub(crate) fn address(headers: &HeaderMap, peer: IpAddr, proxies: &[IpNet]) -> IpAddr {
    if !is_proxy(peer, proxies) {
        return peer;
    }
    let mut client = peer;
    for hop in hops(headers).into_iter().rev() {
        let Some(hop) = hop else { break };
        client = hop;
        if !is_proxy(hop, proxies) {
            break;
        }
    }
    client
}

impl<'h> Seen<'h> {
    /// By the connection and the request's `Host`; by what a proxy says where the peer is one.
    pub(crate) fn of(
        headers: &'h HeaderMap,
        connection: Option<&Connection>,
        proxies: &[IpNet],
    ) -> Self {
        let tls = connection.is_some_and(|connection| connection.tls);
        let believed = connection.is_some_and(|connection| is_proxy(connection.peer, proxies));
        let host = text(headers, header::HOST.as_str()).map(Cow::Borrowed);
        let scheme = if tls { "https" } else { "http" };
        if !believed {
            return Self { scheme, host, prefix: "" };
        }
        // Where there is a `Forwarded`, the older headers do not count (RFC 7239, and oslo.middleware).
        let (said_scheme, said_host) = if let Some(forwarded) = text(headers, "forwarded") {
            (first_of(forwarded, "proto"), first_of(forwarded, "host"))
        } else {
            let plain = |name| text(headers, name).map(Cow::Borrowed);
            (plain("x-forwarded-proto"), plain("x-forwarded-host"))
        };
        let scheme = match said_scheme.as_deref() {
            Some("https") => "https",
            Some("http") => "http",
            _ => scheme,
        };
        let prefix = text(headers, "x-forwarded-prefix").unwrap_or_default();
        Self { scheme, host: said_host.or(host), prefix }
    }
}

fn is_proxy(address: IpAddr, proxies: &[IpNet]) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|network| network.contains(&address))
}

/// The addresses that proxies were connected from, the nearest last; `None` for what is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<_> = values("forwarded")
        .flat_map(|value| value.split(','))
        .map(|element| pair(element, "for").and_then(|node| node_address(&node)))
        .collect();
    if !forwarded.is_empty() {
        return forwarded;
    }
    let older = values("x-forwarded-for").flat_map(|value| value.split(','));
    older.map(node_address).collect()
}

/// `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`, `2001:db8::1`.
fn node_address(node: &str) -> Option<IpAddr> {
    let node = node.trim();
    let bare = match node.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(address, _)| address)?,
        None => node,
    };
    let without_port = || node.rsplit_once(':').and_then(|(address, _)| address.parse().ok());
    bare.parse().ok().or_else(without_port).map(|address: IpAddr| address.to_canonical())
}

/// The value of a name in the first element of a `Forwarded`.
fn first_of<'f>(forwarded: &'f str, name: &str) -> Option<Cow<'f, str>> {
    pair(forwarded.split(',').next()?, name)
}

/// The value of a name in one element: `for=192.0.2.60;proto=http;host="a:1"`.
fn pair<'e>(element: &'e str, name: &str) -> Option<Cow<'e, str>> {
    element.split(';').find_map(|pair| {
        let (found, value) = pair.split_once('=')?;
        if !found.trim().eq_ignore_ascii_case(name) {
            return None;
        }
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        Some(match quoted {
            Some(value) if value.contains('\\') => Cow::Owned(value.replace('\\', "")),
            Some(value) => Cow::Borrowed(value),
            None => Cow::Borrowed(value),
        })
    })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn proxies() -> Vec<IpNet> {
        vec!["10.0.0.0/24".parse().unwrap(), "fd00::/64".parse().unwrap()]
    }

    fn client(peer: &str, list: &[(&'static str, &str)]) -> String {
        address(&headers(list), peer.parse().unwrap(), &proxies()).to_string()
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_no_proxy() {
        let forwarded = |value| [("x-forwarded-for", value)];
        for (peer, list, expected) in [
            ("10.0.0.1", &forwarded("192.0.2.7")[..], "192.0.2.7"),
            ("10.0.0.1", &forwarded("6.6.6.6, 192.0.2.7"), "192.0.2.7"),
            ("10.0.0.1", &forwarded("192.0.2.7, 10.0.0.2"), "192.0.2.7"),
            ("10.0.0.1", &forwarded("192.0.2.7:4711"), "192.0.2.7"),
            ("::ffff:10.0.0.1", &forwarded("192.0.2.7"), "192.0.2.7"),
            ("fd00::1", &forwarded("2001:db8::1"), "2001:db8::1"),
            ("10.0.0.1", &forwarded("unknown"), "10.0.0.1"),
            ("10.0.0.1", &forwarded("6.6.6.6, unknown, 10.0.0.2"), "10.0.0.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=\"[2001:db8::1]:4711\";proto=https")], "2001:db8::1"),
            ("10.0.0.1", &[("forwarded", "for=6.6.6.6, for=192.0.2.7")], "192.0.2.7"),
        ] {
            assert_eq!(client(peer, list), expected, "{peer} {list:?}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        let tale = [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")];
        assert_eq!(client("192.0.2.7", &tale), "192.0.2.7");
        let peer: IpAddr = "192.0.2.7".parse().unwrap();
        let headers = headers(&[
            ("host", "inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-prefix", "/evil"),
        ]);
        let connection = Connection { peer, tls: false };
        let seen = Seen::of(&headers, Some(&connection), &proxies());
        assert_eq!(seen, Seen { scheme: "http", host: Some("inner".into()), prefix: "" });
    }

    fn seen_by_proxy(list: &[(&'static str, &str)]) -> (String, String, String) {
        let connection = Connection { peer: "10.0.0.1".parse().unwrap(), tls: false };
        let headers = headers(list);
        let seen = Seen::of(&headers, Some(&connection), &proxies());
        let host = seen.host.unwrap_or_default().into_owned();
        (seen.scheme.to_owned(), host, seen.prefix.to_owned())
    }

    #[test]
    fn a_proxy_says_what_the_client_used() {
        let expected = |scheme: &str, host: &str, prefix: &str| {
            (scheme.to_owned(), host.to_owned(), prefix.to_owned())
        };
        let older = [
            ("host", "inner"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "outer"),
            ("x-forwarded-prefix", "/networking"),
        ];
        assert_eq!(seen_by_proxy(&older), expected("https", "outer", "/networking"));
        let newer = [
            ("host", "inner"),
            ("x-forwarded-host", "ignored"),
            ("forwarded", "for=1.2.3.4; Proto=https ;host=\"outer:8443\", host=second"),
        ];
        assert_eq!(seen_by_proxy(&newer), expected("https", "outer:8443", ""));
        let silent = [("host", "inner"), ("x-forwarded-proto", "gopher")];
        assert_eq!(seen_by_proxy(&silent), expected("http", "inner", ""));
    }

    #[test]
    fn tls_is_https() {
        let connection = Connection { peer: "192.0.2.7".parse().unwrap(), tls: true };
        let headers = HeaderMap::new();
        let seen = Seen::of(&headers, Some(&connection), &[]);
        assert_eq!((seen.scheme, seen.host), ("https", None));
        assert_eq!(Seen::of(&headers, None, &proxies()).scheme, "http");
    }
}
