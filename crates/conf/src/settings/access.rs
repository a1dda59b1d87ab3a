//! Options of the API's door: who is let in, from where, and over what.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::option::options;
use crate::value::{AuthType, CacheTime, Interface, Secret, TlsVersion};

options! {
    /// How callers are told apart by Keystone's tokens (auth_strategy = keystone).
    pub struct KeystoneAuthtoken in "keystone_authtoken" {
        /// Where clients are told to get a token; auth_url where it is not set.
        www_authenticate_uri: Option<String> = "", former ["auth_uri"];
        /// Where this service gets its own token, with a version (/v3) or without.
        auth_url: Option<String> = "";
        /// How this service proves who it is.
        auth_type: Option<AuthType> = "", former ["auth_plugin"];
        /// This service's user: its name, with its domain.
        username: Option<String> = "", former ["user_name"];
        /// This service's user: its id, instead of its name.
        user_id: Option<String> = "";
        /// The user's password.
        password: Option<Secret> = "";
        /// The domain of the user's name, by its id.
        user_domain_id: Option<String> = "";
        /// The domain of the user's name, by its name.
        user_domain_name: Option<String> = "";
        /// The project in which the user has the role service or admin: its name, with its domain.
        project_name: Option<String> = "", former ["tenant_name"];
        /// That project's id, instead of its name.
        project_id: Option<String> = "", former ["tenant_id"];
        /// The domain of the project's name, by its id.
        project_domain_id: Option<String> = "";
        /// The domain of the project's name, by its name.
        project_domain_name: Option<String> = "";
        /// The domain, by its id, of user and project where they name none.
        default_domain_id: Option<String> = "";
        /// The domain, by its name, of user and project where they name none.
        default_domain_name: Option<String> = "";
        /// all for a token of the whole system instead of a project's.
        system_scope: Option<String> = "";
        /// The application credential of auth_type = v3applicationcredential.
        application_credential_id: Option<String> = "";
        /// Its secret.
        application_credential_secret: Option<Secret> = "";
        /// Which of Keystone's addresses in the catalog is asked about tokens.
        interface: Interface = "internal";
        /// The region of that address; any where it is not set.
        region_name: Option<String> = "";
        /// The authorities that Keystone's certificate is believed by, as PEM. The default is this
        /// machine's.
        cafile: Option<PathBuf> = "";
        /// This service's certificate chain, where Keystone asks for one, as PEM.
        certfile: Option<PathBuf> = "";
        /// That certificate's private key, as PEM.
        keyfile: Option<PathBuf> = "";
        /// Believe any certificate of Keystone's.
        insecure: bool = "false";
        /// How long a token is believed without asking again, in seconds; -1 for not at all. A token
        /// that is revoked in Keystone is good for so much longer.
        token_cache_time: CacheTime = "300";
        /// How long Keystone may take over an answer, in seconds; 20 where it is not set.
        http_connect_timeout: Option<Duration> = "", within (1, 600);
        /// How often Keystone is asked again when it cannot be reached.
        http_request_max_retries: u32 = "3", within (0, 20);
        /// Refuse as Neutron behind the middleware does, not as the middleware itself.
        delay_auth_decision: bool = "false";
        /// Ask for the catalog where access rules need it; without it, tokens with access rules are
        /// refused.
        include_service_catalog: bool = "true";
        /// The roles that make a service token: with one of them, a user's token may have expired.
        service_token_roles: Vec<String> = "service";
        /// Refuse requests whose service token has none of these roles.
        service_token_roles_required: bool = "true";
        /// What this service is called in the catalog and in access rules, usually network.
        service_type: Option<String> = "";
    }
}

options! {
    /// Users in a file (auth_strategy = http_basic), bodies, and proxies in front.
    pub struct OsloMiddleware in "oslo_middleware" {
        /// Users and bcrypt hashes of their passwords, as htpasswd -B writes them. Read again when it
        /// changes.
        http_basic_auth_user_file: PathBuf = "/etc/htpasswd";
        /// The longest body of a request, in bytes. (Neutron itself sets no limit.)
        max_request_body_size: u32 = "1048576", within (1024, 1073741824);
        /// Believe what trusted_proxies say in Forwarded and X-Forwarded-* about the client's side:
        /// scheme, host, path and address.
        enable_proxy_headers_parsing: bool = "false";
        /// The addresses or networks of the proxies in front. Nobody else's headers are believed.
        trusted_proxies: Vec<IpNet> = "", ours true;
    }
}

options! {
    /// What the users of auth_strategy = http_basic are.
    pub struct HttpBasic in "http_basic" {
        /// The project of what they make.
        project_id: String = "admin", ours true;
        /// Their roles.
        roles: Vec<String> = "admin,manager,member,reader", ours true;
    }
}

options! {
    /// Web pages that may use the API from a browser.
    pub struct Cors in "cors" {
        /// The pages' origins, each with scheme, host and port; * for any.
        allowed_origin: Vec<String> = "";
        /// Let them send credentials.
        allow_credentials: bool = "true";
        /// The headers of answers that they may read.
        expose_headers: Vec<String> = "X-Auth-Token,X-Subject-Token,X-Service-Token,X-OpenStack-Request-ID,OpenStack-Volume-microversion";
        /// How long a browser may remember what is allowed, in seconds.
        max_age: u32 = "3600";
        /// The methods that they may use.
        allow_methods: Vec<String> = "GET,PUT,POST,DELETE,PATCH";
        /// The headers that they may send.
        allow_headers: Vec<String> = "X-Auth-Token,X-Identity-Status,X-Roles,X-Service-Catalog,X-User-Id,X-Tenant-Id,X-OpenStack-Request-ID";
    }
}

options! {
    /// TLS for the API (use_ssl = true). Files are read again when they change.
    pub struct Ssl in "ssl" {
        /// The API's certificate chain, as PEM.
        cert_file: Option<PathBuf> = "", former ["DEFAULT/ssl_cert_file"];
        /// Its private key, as PEM.
        key_file: Option<PathBuf> = "", former ["DEFAULT/ssl_key_file"];
        /// Let only clients in that have a certificate of these authorities.
        ca_file: Option<PathBuf> = "", former ["DEFAULT/ssl_ca_file"];
        /// The versions of TLS that are spoken: 1.2 and 1.3 where it is not set.
        version: Option<TlsVersion> = "";
        /// The ciphers of TLS 1.2, by OpenSSL's names, separated by colons.
        ciphers: Option<String> = "";
    }
}
