//! What an operator can set about the API.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::time::Duration;

use ipnet::IpNet;
use nucleon_tls::ServerOptions as TlsOptions;

use crate::cors::CorsOptions;

/// The options of the API, by the names that the configuration file gives them where it has any.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// `bind_host` and `bind_port`; port 0 takes any free one.
    pub bind: SocketAddr,
    /// `filter_validation`: whether a filter that means nothing is refused or passed over.
    pub unknown_filters: UnknownFilters,
    /// `allow_bulk`, and the most objects that one request may create.
    pub bulk_limit: Option<NonZeroU64>,
    /// `pagination_max_limit`; `None` for any.
    pub page_limit: Option<NonZeroU64>,
    /// `network_link_prefix`: what links start with in place of the address that the client used.
    pub link_prefix: Option<String>,
    /// The proxies in front, which are believed in what they say of the client's side in `Forwarded` and
    /// `X-Forwarded-*`. Nobody else is.
    pub trusted_proxies: Vec<IpNet>,
    /// `use_ssl` and `[ssl]`; `None` for plain HTTP.
    pub tls: Option<TlsOptions>,
    /// `[cors]`.
    pub cors: CorsOptions,
    /// `max_request_body_size`, in bytes.
    pub body_limit: usize,
    /// Connections served at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// How long a client may take over the head of a request, and a kept connection may be idle.
    pub head_timeout: Duration,
    /// How long a client may take over the body of a request.
    pub body_timeout: Duration,
    /// How long an answer may take to come about.
    pub answer_timeout: Duration,
    /// How long requests under way may still take once the server is told to stop.
    pub drain_timeout: Duration,
}

/// What becomes of a filter by something that cannot be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownFilters {
    Refused,
    Ignored,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 9696)),
            unknown_filters: UnknownFilters::Refused,
            bulk_limit: NonZeroU64::new(10_000),
            page_limit: None,
            link_prefix: None,
            trusted_proxies: Vec::new(),
            tls: None,
            cors: CorsOptions::default(),
            body_limit: 1024 * 1024,
            connections: 10_000,
            head_timeout: Duration::from_mins(1),
            body_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_mins(2),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
