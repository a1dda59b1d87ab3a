//! Where the database is.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{FromText, Invalid};

/// `[database] connection`, in SQLAlchemy's URL forms; its text may hold a password, so that
/// `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:////path` or `sqlite:///path`. A path of one part alone (`sqlite:///neutron.sqlite`)
    /// lies in `state_path`: SQLAlchemy would take it from the working directory, which for a
    /// service says nothing.
    Sqlite(PathBuf),
    /// `sqlite://`: gone with the process.
    SqliteMemory,
    /// MariaDB and MySQL, as `mysql://…`.
    Mysql(String),
    /// As `postgresql://…`.
    Postgresql(String),
}

const FORMS: &str =
    "sqlite:///path, mysql+pymysql://user:password@host/database, mysql://… or postgresql://…";

impl DatabaseUrl {
    /// The whole URL, with its password, as the database drivers read it.
    pub fn expose(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::SqliteMemory => "sqlite::memory:".to_owned(),
            Self::Mysql(url) | Self::Postgresql(url) => url.clone(),
        }
    }

    /// The same with relative SQLite paths moved to `state_path`.
    #[must_use]
    pub(crate) fn placed_in(self, state_path: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(state_path.join(path)),
            other => other,
        }
    }
}

impl FromText for DatabaseUrl {
    const KIND: &'static str = "database URL";
    const SECRET: bool = true;

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let (scheme, rest) = text.split_once("://").ok_or(Invalid::Form(FORMS))?;
        // `dialect+driver`: which Python driver is of no concern here.
        let dialect = scheme.split_once('+').map_or(scheme, |(dialect, _)| dialect);
        match dialect {
            "sqlite" => sqlite(rest),
            "mysql" | "mariadb" => server(rest).map(|rest| Self::Mysql(format!("mysql://{rest}"))),
            "postgresql" | "postgres" => {
                server(rest).map(|rest| Self::Postgresql(format!("postgresql://{rest}")))
            }
            _ => Err(Invalid::Form(FORMS)),
        }
    }
}

fn sqlite(rest: &str) -> Result<DatabaseUrl, Invalid> {
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    match path {
        "" | "/" | "/:memory:" | ":memory:" => Ok(DatabaseUrl::SqliteMemory),
        _ => {
            let path = path.strip_prefix('/').ok_or(Invalid::Form(FORMS))?;
            let named = path.trim_start_matches('/');
            if named.is_empty() || named.ends_with('/') {
                return Err(Invalid::Form(FORMS));
            }
            let absolute = named.contains('/') || path.starts_with('/');
            let path = if absolute { format!("/{named}") } else { named.to_owned() };
            Ok(DatabaseUrl::Sqlite(path.into()))
        }
    }
}

/// `user:password@host:port/database?…`, where a database must be named.
fn server(rest: &str) -> Result<&str, Invalid> {
    let address = rest.split_once('?').map_or(rest, |(address, _)| address);
    let database = address.rsplit_once('/').map_or("", |(_, database)| database);
    if database.is_empty() || rest.chars().any(char::is_whitespace) {
        return Err(Invalid::Form(FORMS));
    }
    Ok(rest)
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.expose();
        let hidden = url.split_once("://").and_then(|(scheme, rest)| {
            let (user, host) = rest.rsplit_once('@')?;
            let (name, _) = user.split_once(':')?;
            Some(format!("{scheme}://{name}:***@{host}"))
        });
        // A password may also stand behind the question mark.
        let shown = hidden.unwrap_or(url);
        f.write_str(shown.split_once('?').map_or(&*shown, |(before, _)| before))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn sqlalchemy_s_forms_become_the_drivers() {
        for (text, url) in [
            ("sqlite:////var/lib/x/n.sqlite", "sqlite:///var/lib/x/n.sqlite"),
            ("sqlite:///var/lib/x/n.sqlite", "sqlite:///var/lib/x/n.sqlite"),
            ("sqlite:///n.sqlite", "sqlite:///state/n.sqlite"),
            ("sqlite://", "sqlite::memory:"),
            ("sqlite:///:memory:", "sqlite::memory:"),
            ("mysql+pymysql://u:p@h/neutron?charset=utf8", "mysql://u:p@h/neutron?charset=utf8"),
            ("mysql://u@h:3306/neutron", "mysql://u@h:3306/neutron"),
            ("mariadb+pymysql://u@h/neutron", "mysql://u@h/neutron"),
            ("postgresql+psycopg2://u:p@h/neutron", "postgresql://u:p@h/neutron"),
            ("postgres://h/neutron", "postgresql://h/neutron"),
        ] {
            let parsed: DatabaseUrl = parsed(text).unwrap();
            assert_eq!(parsed.placed_in(Path::new("/state")).expose(), url, "{text}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for text in [
            "mysql://u:s3cret@h/neutron",
            "postgresql://u:s3:c@ret@h/n",
            "postgresql://h/n?password=s3cret",
        ] {
            let url: DatabaseUrl = parsed(text).unwrap();
            assert!(!format!("{url} {url:?}").contains("ret@"), "{url}");
            assert!(!format!("{url} {url:?}").contains("s3"), "{url}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "neutron.sqlite",
            "oracle://u@h/n",
            "mysql://h",
            "mysql://h/",
            "postgresql://u:p w@h/n",
            "sqlite:///a/",
            "sqlite://relative",
        ] {
            assert!(parsed::<DatabaseUrl>(text).is_err(), "{text}");
        }
    }
}
