//! From configuration to the API's socket: TLS, the proxies in front, web pages.

use anyhow::Context;
use ipnet::IpNet;
use nucleon_api::CorsOptions;
use nucleon_conf::Settings;
use nucleon_conf::settings::{Cors, OsloMiddleware};
use nucleon_conf::value::TlsVersion;
use nucleon_tls::{Certificate, Clients, ServerOptions, Versions, unknown_ciphers};

/// How the API speaks TLS; not at all without `use_ssl`.
pub(crate) fn tls(settings: &Settings) -> anyhow::Result<Option<ServerOptions>> {
    if !settings.api.use_ssl {
        return Ok(None);
    }
    let ssl = &settings.ssl;
    let chain = ssl.cert_file.clone().context("[ssl] cert_file is needed for use_ssl = true")?;
    let key = ssl.key_file.clone().context("[ssl] key_file is needed for use_ssl = true")?;
    let clients = ssl.ca_file.clone().map_or(Clients::Anybody, Clients::Of);
    if let Some(unknown) =
        ssl.ciphers.as_deref().map(unknown_ciphers).filter(|list| !list.is_empty())
    {
        let unknown = unknown.join(" ");
        tracing::warn!("[ssl] ciphers: these are not spoken here and are left out: {unknown}");
    }
    Ok(Some(ServerOptions {
        own: Certificate { chain, key },
        clients,
        versions: match ssl.version {
            None | Some(TlsVersion::Both) => Versions::Tls12And13,
            Some(TlsVersion::Tls12) => Versions::Tls12,
            Some(TlsVersion::Tls13) => Versions::Tls13,
        },
        ciphers: ssl.ciphers.clone(),
    }))
}

/// Whose headers are believed; nobody's where that is not asked for.
pub(crate) fn trusted_proxies(middleware: &OsloMiddleware) -> Vec<IpNet> {
    if middleware.enable_proxy_headers_parsing {
        middleware.trusted_proxies.clone()
    } else {
        Vec::new()
    }
}

pub(crate) fn cors(cors: &Cors) -> CorsOptions {
    CorsOptions {
        allowed_origin: cors.allowed_origin.clone(),
        allow_credentials: cors.allow_credentials,
        expose_headers: cors.expose_headers.clone(),
        max_age: cors.max_age,
        allow_methods: cors.allow_methods.clone(),
        allow_headers: cors.allow_headers.clone(),
    }
}
