//! `[database] connection`, as SQLAlchemy writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::dialect::Dialect;
use crate::security::{Security, Written};

/// Where the database is. Its text form shows no password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:///relative`, `sqlite:////absolute`.
    SqliteFile(PathBuf),
    /// `sqlite://`: gone with the store. For tests.
    SqliteMemory,
    /// `mysql+pymysql://`, `mysql://`, and the other drivers of that dialect.
    MySql(Server),
    /// `postgresql://`, `postgresql+psycopg2://`, and the like.
    Postgres(Server),
}

/// A database server, and who calls.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
    /// `?unix_socket=…` of the MySQL drivers, `?host=/directory` of psycopg2.
    pub socket: Option<PathBuf>,
    /// `?ssl_ca=…`, `?sslmode=…` and the like.
    pub security: Security,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    #[error("{0:?} is not of the form dialect://…")]
    NoScheme(String),
    #[error("{0:?} is not a database that can be used; sqlite, mysql and postgresql are")]
    Scheme(String),
    #[error("the database URL has no host")]
    NoHost,
    #[error("the database URL names no database")]
    NoDatabase,
    #[error("{0:?} is not a port")]
    Port(String),
    #[error("{0:?} is wrongly percent-encoded")]
    Encoding(String),
    #[error("{value:?} is no value of the database URL's {name}")]
    Option { name: String, value: String },
    #[error("sqlite URLs have no host: {0:?} needs three slashes, or four for an absolute path")]
    SqliteHost(String),
}

impl DatabaseUrl {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::SqliteFile(_) | Self::SqliteMemory => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| InvalidUrl::NoScheme(text.to_owned()))?;
        let dialect = scheme.split_once('+').map_or(scheme, |(dialect, _driver)| dialect);
        match dialect {
            "sqlite" => sqlite(rest),
            "mysql" | "mariadb" => Ok(Self::MySql(Server::parse(rest, 3306)?)),
            "postgresql" | "postgres" => Ok(Self::Postgres(Server::parse(rest, 5432)?)),
            _ => Err(InvalidUrl::Scheme(scheme.to_owned())),
        }
    }
}

fn sqlite(rest: &str) -> Result<DatabaseUrl, InvalidUrl> {
    let rest = rest.split_once('?').map_or(rest, |(path, _query)| path);
    if rest.is_empty() || rest == "/" || rest == "/:memory:" {
        return Ok(DatabaseUrl::SqliteMemory);
    }
    let path = rest.strip_prefix('/').ok_or_else(|| InvalidUrl::SqliteHost(rest.to_owned()))?;
    Ok(DatabaseUrl::SqliteFile(PathBuf::from(path)))
}

impl Server {
    fn parse(rest: &str, default_port: u16) -> Result<Self, InvalidUrl> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').ok_or(InvalidUrl::NoDatabase)?;
        if database.is_empty() {
            return Err(InvalidUrl::NoDatabase);
        }
        let (account, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match account.split_once(':') {
            Some((user, password)) => (decode(user)?, Some(decode(password)?)),
            None => (decode(account)?, None),
        };
        let (host, port) = host_and_port(place, default_port)?;
        let mut server = Self {
            host,
            port,
            user,
            password,
            database: decode(database)?,
            socket: None,
            security: Security::default(),
        };
        let mut security = Written::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            if !security.option(name, &value)? {
                server.option(name, value);
            }
        }
        server.security = security.settle();
        if server.host.is_empty() && server.socket.is_none() {
            return Err(InvalidUrl::NoHost);
        }
        Ok(server)
    }

    fn option(&mut self, name: &str, value: String) {
        match name {
            "unix_socket" => self.socket = Some(PathBuf::from(value)),
            "host" if value.starts_with('/') => self.socket = Some(PathBuf::from(value)),
            "host" => self.host = value,
            // We always speak utf8mb4, with whatever driver the file was written for.
            "charset" | "plugin" | "binary_prefix" | "client_encoding" => {}
            _ => tracing::warn!(option = name, "option of the database URL is not known here"),
        }
    }
}

fn host_and_port(place: &str, default_port: u16) -> Result<(String, u16), InvalidUrl> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        None | Some("") => default_port,
        Some(port) => port.parse().map_err(|_| InvalidUrl::Port(port.to_owned()))?,
    };
    Ok((decode(host)?, port))
}

fn decode(text: &str) -> Result<String, InvalidUrl> {
    let wrong = || InvalidUrl::Encoding(text.to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(wrong());
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| wrong())?);
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "sqlite:///{}", path.display()),
            Self::SqliteMemory => f.write_str("sqlite://"),
            Self::MySql(server) => write!(f, "mysql://{server}"),
            Self::Postgres(server) => write!(f, "postgresql://{server}"),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}/{}", self.user, self.host, self.port, self.database)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::Mode;

    fn parse(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn three_slashes_are_relative_and_four_absolute() {
        assert_eq!(parse("sqlite:///a/b.db"), DatabaseUrl::SqliteFile("a/b.db".into()));
        assert_eq!(parse("sqlite:////var/b.db"), DatabaseUrl::SqliteFile("/var/b.db".into()));
    }

    #[test]
    fn no_path_is_memory() {
        for text in ["sqlite://", "sqlite:///:memory:", "sqlite:///"] {
            assert_eq!(parse(text), DatabaseUrl::SqliteMemory, "{text}");
        }
    }

    #[test]
    fn a_file_taken_for_a_host_is_explained() {
        let error = "sqlite://neutron.db".parse::<DatabaseUrl>().unwrap_err();
        assert_eq!(error, InvalidUrl::SqliteHost("neutron.db".into()));
    }

    #[test]
    fn the_usual_neutron_connection_is_understood() {
        let DatabaseUrl::MySql(server) =
            parse("mysql+pymysql://neutron:p%40ss%3Aword@controller/neutron?charset=utf8")
        else {
            panic!("not MySQL");
        };
        assert_eq!(server.user, "neutron");
        assert_eq!(server.password.as_deref(), Some("p@ss:word"));
        assert_eq!((server.host.as_str(), server.port), ("controller", 3306));
        assert_eq!(server.database, "neutron");
    }

    #[test]
    fn an_ipv6_host_stands_in_brackets() {
        let DatabaseUrl::Postgres(server) = parse("postgresql+psycopg2://u@[2001:db8::1]:5433/n")
        else {
            panic!("not PostgreSQL");
        };
        assert_eq!((server.host.as_str(), server.port), ("2001:db8::1", 5433));
        assert_eq!(server.password, None);
    }

    #[test]
    fn a_socket_needs_no_host() {
        let DatabaseUrl::MySql(server) = parse("mysql://root@/n?unix_socket=/run/my.sock") else {
            panic!("not MySQL");
        };
        assert_eq!(server.socket, Some("/run/my.sock".into()));
    }

    #[test]
    fn security_stands_behind_the_question_mark() {
        let DatabaseUrl::MySql(server) = parse(
            "mysql+pymysql://u@h/n?charset=utf8&ssl_ca=/etc/ssl/ca%20one.pem&ssl_verify_identity=true",
        ) else {
            panic!("not MySQL");
        };
        assert_eq!(server.security.authority, Some("/etc/ssl/ca one.pem".into()));
        assert_eq!(server.security.mode, Mode::Identity);
        let DatabaseUrl::Postgres(server) = parse("postgresql://u@h/n?sslmode=disable") else {
            panic!("not PostgreSQL");
        };
        assert_eq!(server.security.mode, Mode::Off);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        use InvalidUrl as E;
        for (text, error) in [
            ("neutron.db", E::NoScheme("neutron.db".into())),
            ("oracle://h/d", E::Scheme("oracle".into())),
            ("mysql://u@h", E::NoDatabase),
            ("mysql://u@h/", E::NoDatabase),
            ("mysql://u@/d", E::NoHost),
            ("mysql://u@h:x/d", E::Port("x".into())),
            ("mysql://u:%zz@h/d", E::Encoding("%zz".into())),
            (
                "mysql://u@h/d?ssl_mode=some",
                E::Option { name: "ssl_mode".into(), value: "some".into() },
            ),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        let url = parse("mysql://u:secret@h/d");
        assert!(!format!("{url} {url:?}").contains("secret"));
    }
}
