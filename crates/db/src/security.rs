//! How a connection to a database server is secured, by the options that SQLAlchemy hands to the drivers in a URL.

use std::path::PathBuf;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::url::InvalidUrl;

/// TLS, and whom it is believed to lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    pub mode: Mode,
    /// `ssl_ca`, `sslrootcert`: whose servers are believed; this machine's authorities where there is none.
    pub authority: Option<PathBuf>,
    /// `ssl_cert`, `sslcert`: the own certificate.
    pub certificate: Option<PathBuf>,
    /// `ssl_key`, `sslkey`: its key.
    pub key: Option<PathBuf>,
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    Off,
    /// TLS where the server offers it, whoever it is.
    #[default]
    Offered,
    /// TLS, whoever the server is.
    Required,
    /// The server has a certificate of the authority's.
    Authority,
    /// That certificate bears the name or address that was connected to.
    Identity,
}

/// The options as they are written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    security: Security,
    mode: Option<Mode>,
    verify_certificate: Option<bool>,
    verify_identity: Option<bool>,
}

impl Written {
    /// Takes an option in; `false` when it is none of these.
    pub(crate) fn option(&mut self, name: &str, value: &str) -> Result<bool, InvalidUrl> {
        let path = || Some(PathBuf::from(value));
        match name {
            "ssl_ca" | "sslrootcert" => self.security.authority = path(),
            "ssl_cert" | "sslcert" => self.security.certificate = path(),
            "ssl_key" | "sslkey" => self.security.key = path(),
            "ssl_verify_cert" => self.verify_certificate = Some(truth(name, value)?),
            "ssl_verify_identity" | "ssl_check_hostname" => {
                self.verify_identity = Some(truth(name, value)?);
            }
            "ssl_disabled" if truth(name, value)? => self.mode = Some(Mode::Off),
            "ssl_disabled" => {}
            "sslmode" | "ssl_mode" => self.mode = Some(mode(name, value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What they ask for together.
    ///
    /// Without a mode it is what PyMySQL does: any of these options makes TLS a must, an authority is there to be
    /// asked, and the name counts where it is said to. Where libpq would ask an authority but go on without TLS, this
    /// does not.
    pub(crate) fn settle(self) -> Security {
        let Self { mut security, mode, verify_certificate, verify_identity } = self;
        let asks = security.authority.is_some() || verify_certificate == Some(true);
        let asked = asks
            || security.certificate.is_some()
            || verify_certificate.is_some()
            || verify_identity.is_some();
        security.mode = match (mode, verify_identity) {
            // As libpq: with an authority, "require" asks it.
            (Some(Mode::Offered | Mode::Required), _) if asks => Mode::Authority,
            (Some(mode), _) => mode,
            (None, Some(true)) => Mode::Identity,
            (None, _) if verify_certificate == Some(false) => Mode::Required,
            (None, _) if asks => Mode::Authority,
            (None, _) if asked => Mode::Required,
            (None, _) => Mode::Offered,
        };
        security
    }
}

fn truth(name: &str, value: &str) -> Result<bool, InvalidUrl> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(InvalidUrl::Option { name: name.to_owned(), value: value.to_owned() }),
    }
}

/// PostgreSQL's `sslmode` and MySQL's `ssl_mode`.
fn mode(name: &str, value: &str) -> Result<Mode, InvalidUrl> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Ok(Mode::Off),
        "allow" | "prefer" | "preferred" => Ok(Mode::Offered),
        "require" | "required" => Ok(Mode::Required),
        "verify-ca" => Ok(Mode::Authority),
        "verify-full" | "verify-identity" => Ok(Mode::Identity),
        _ => Err(InvalidUrl::Option { name: name.to_owned(), value: value.to_owned() }),
    }
}

impl Security {
    pub(crate) fn mysql(&self, mut connect: MySqlConnectOptions) -> MySqlConnectOptions {
        if let Some(authority) = &self.authority {
            connect = connect.ssl_ca(authority);
        }
        if let Some(certificate) = &self.certificate {
            connect = connect.ssl_client_cert(certificate);
        }
        if let Some(key) = &self.key {
            connect = connect.ssl_client_key(key);
        }
        connect.ssl_mode(match self.mode {
            Mode::Off => MySqlSslMode::Disabled,
            Mode::Offered => MySqlSslMode::Preferred,
            Mode::Required => MySqlSslMode::Required,
            Mode::Authority => MySqlSslMode::VerifyCa,
            Mode::Identity => MySqlSslMode::VerifyIdentity,
        })
    }

    pub(crate) fn postgres(&self, mut connect: PgConnectOptions) -> PgConnectOptions {
        if let Some(authority) = &self.authority {
            connect = connect.ssl_root_cert(authority);
        }
        if let Some(certificate) = &self.certificate {
            connect = connect.ssl_client_cert(certificate);
        }
        if let Some(key) = &self.key {
            connect = connect.ssl_client_key(key);
        }
        connect.ssl_mode(match self.mode {
            Mode::Off => PgSslMode::Disable,
            Mode::Offered => PgSslMode::Prefer,
            Mode::Required => PgSslMode::Require,
            Mode::Authority => PgSslMode::VerifyCa,
            Mode::Identity => PgSslMode::VerifyFull,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(options: &[(&str, &str)]) -> Security {
        let mut written = Written::default();
        for (name, value) in options {
            assert!(written.option(name, value).unwrap(), "{name}");
        }
        written.settle()
    }

    #[test]
    fn options_together_say_how_much_is_asked_for() {
        for (options, mode) in [
            (&[][..], Mode::Offered),
            (&[("ssl_ca", "/ca")], Mode::Authority),
            (&[("ssl_ca", "/ca"), ("ssl_verify_identity", "true")], Mode::Identity),
            (&[("ssl_ca", "/ca"), ("ssl_check_hostname", "false")], Mode::Authority),
            (&[("ssl_ca", "/ca"), ("ssl_verify_cert", "false")], Mode::Required),
            (&[("ssl_verify_cert", "true")], Mode::Authority),
            (&[("ssl_cert", "/c"), ("ssl_key", "/k")], Mode::Required),
            (&[("ssl_disabled", "True"), ("ssl_ca", "/ca")], Mode::Off),
            (&[("ssl_mode", "VERIFY_IDENTITY"), ("ssl_ca", "/ca")], Mode::Identity),
            (&[("sslmode", "disable")], Mode::Off),
            (&[("sslmode", "prefer")], Mode::Offered),
            (&[("sslmode", "require")], Mode::Required),
            (&[("sslmode", "require"), ("sslrootcert", "/ca")], Mode::Authority),
            (&[("sslrootcert", "/ca")], Mode::Authority),
            (&[("sslmode", "verify-ca"), ("sslrootcert", "/ca")], Mode::Authority),
            (&[("sslmode", "verify-full"), ("sslrootcert", "/ca")], Mode::Identity),
        ] {
            assert_eq!(settle(options).mode, mode, "{options:?}");
        }
        let own = settle(&[("sslcert", "/c"), ("sslkey", "/k")]);
        assert_eq!((own.certificate, own.key), (Some("/c".into()), Some("/k".into())));
    }

    #[test]
    fn what_is_no_security_is_left_to_others_and_what_is_wrong_is_named() {
        let mut written = Written::default();
        assert_eq!(written.option("charset", "utf8"), Ok(false));
        for (name, value) in
            [("sslmode", "maybe"), ("ssl_verify_cert", "perhaps"), ("ssl_disabled", "")]
        {
            let error = written.option(name, value).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
