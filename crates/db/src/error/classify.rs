//! From a driver's error to ours: the codes of three databases in one place.

use std::sync::Arc;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::error::{Error, RetryReason};

/// Longest piece of SQL that is quoted in an error.
const QUOTED: usize = 200;

/// What a unique key's violation says of it, before the schema is asked for the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violated {
    Named(String),
    /// SQLite: `ports.network_id, ports.mac_address`.
    Columns(String),
}

pub(crate) enum Classified {
    Final(Error),
    Unique(Violated),
}

pub(crate) fn classify(error: sqlx::Error, sql: &str) -> Classified {
    let database = match error {
        sqlx::Error::Database(database) => database,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => {
            return Classified::Final(Error::retry(RetryReason::Connection, error));
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::BeginFailed => {
            return Classified::Final(Error::Down { detail: error.to_string() });
        }
        other => return Classified::Final(refused(other, sql)),
    };
    if database.kind() == ErrorKind::UniqueViolation {
        return Classified::Unique(violated(database.as_ref(), sql));
    }
    if database.kind() == ErrorKind::ForeignKeyViolation {
        let constraint = reference(database.as_ref());
        return Classified::Final(Error::Reference { constraint });
    }
    let known = by_code(database.as_ref());
    Classified::Final(known.unwrap_or_else(|| refused(sqlx::Error::Database(database), sql)))
}

/// Whether an error that was not classified yet asks for another attempt.
pub(crate) fn retry_reason(error: &sqlx::Error) -> Option<RetryReason> {
    by_code(error.as_database_error()?)?.retry_reason()
}

fn by_code(error: &dyn DatabaseError) -> Option<Error> {
    if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
        mysql(error)
    } else if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        postgres(error)
    } else if let Some(error) = error.try_downcast_ref::<SqliteError>() {
        sqlite(error)
    } else {
        None
    }
}

fn refused(error: sqlx::Error, sql: &str) -> Error {
    let statement = sql.chars().take(QUOTED).collect();
    Error::Database { statement, source: Arc::new(error) }
}

fn mysql(error: &MySqlDatabaseError) -> Option<Error> {
    let reason = match error.number() {
        1213 => RetryReason::Deadlock,
        // The savepoint around the whole transaction is gone.
        1305 => RetryReason::Undone,
        1205 => RetryReason::LockTimeout,
        1020 => RetryReason::Serialization,
        // Killed by an idle limit, an operator, or a node that leaves: 1317, 1927, 4031, 1028-like codes of MariaDB.
        1317 | 1927 | 4031 => RetryReason::Connection,
        // Too many connections; shutting down; Galera: not prepared for use, or no quorum.
        1040 | 1053 | 1047 | 1203 => {
            return Some(Error::Down { detail: error.to_string() });
        }
        _ => return None,
    };
    Some(Error::retry(reason, error))
}

fn postgres(error: &PgDatabaseError) -> Option<Error> {
    let reason = match error.code() {
        "40001" => RetryReason::Serialization,
        "40P01" => RetryReason::Deadlock,
        "55P03" => RetryReason::LockTimeout,
        // Terminated: by idle limits, or because the server restarts.
        "25P03" | "57P01" | "57P02" | "57P05" => RetryReason::Connection,
        "57P03" | "53300" => return Some(Error::Down { detail: error.to_string() }),
        _ => return None,
    };
    Some(Error::retry(reason, error))
}

fn sqlite(error: &SqliteError) -> Option<Error> {
    let code: i32 = error.code()?.parse().ok()?;
    match code & 0xff {
        // SQLITE_BUSY and SQLITE_LOCKED with all their extended codes.
        5 | 6 => Some(Error::retry(RetryReason::Busy, error)),
        // IOERR, FULL, CANTOPEN, NOMEM: the machine, not the statement.
        7 | 10 | 13 | 14 => Some(Error::Down { detail: error.to_string() }),
        // A statement that would write on a connection set to query_only.
        8 => Some(Error::ReadOnly),
        _ => None,
    }
}

fn violated(error: &dyn DatabaseError, sql: &str) -> Violated {
    if let Some(name) = error.constraint() {
        return Violated::Named(name.to_owned());
    }
    let message = error.message();
    if let Some(columns) = message.strip_prefix("UNIQUE constraint failed: ") {
        return Violated::Columns(columns.to_owned());
    }
    // MariaDB: Duplicate entry 'a-b' for key 'ports_mac_uq'; MySQL 8 puts the table before it.
    let key = message.rsplit(" for key ").next().unwrap_or_default().trim_matches('\'');
    let key = key.rsplit('.').next().unwrap_or_default();
    if key == "PRIMARY" {
        return Violated::Named(format!("{}_pkey", first_table(sql)));
    }
    Violated::Named(key.to_owned())
}

/// The first quoted name of an `INSERT INTO` or `UPDATE`: its table.
fn first_table(sql: &str) -> &str {
    sql.split('`').nth(1).unwrap_or_default()
}

fn reference(error: &dyn DatabaseError) -> Option<String> {
    if let Some(name) = error.constraint() {
        return Some(name.to_owned());
    }
    // MariaDB: ... (`db`.`ports`, CONSTRAINT `ports_network_fk` FOREIGN KEY ...).
    let (_, rest) = error.message().split_once("CONSTRAINT `")?;
    rest.split('`').next().map(ToOwned::to_owned)
}
