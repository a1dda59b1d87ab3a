//! Acknowledged means durable, which is partly the database server's to keep: whoever has set it up otherwise is told.

use sea_query::Values;
use sea_query_sqlx::SqlxValues;
use sqlx::SqlSafeStr;

use crate::dialect::Dialect;
use crate::error::Result;
use crate::tx::Tx;

/// Looks at the settings that decide whether a commit survives the machine.
pub(crate) async fn examine(tx: &mut Tx) -> Result<()> {
    let (sql, wanted) = match tx.dialect() {
        // Set by the connection itself.
        Dialect::Sqlite => return Ok(()),
        Dialect::MySql => {
            ("SELECT CAST(@@innodb_flush_log_at_trx_commit AS CHAR)", ["1"].as_slice())
        }
        Dialect::Postgres => (
            "SELECT CURRENT_SETTING('fsync') || '/' || CURRENT_SETTING('synchronous_commit')",
            ["on/on", "on/remote_write", "on/remote_apply", "on/local"].as_slice(),
        ),
    };
    tx.unsettle();
    let rows = tx.fetch_sql(sql.into_sql_str(), SqlxValues(Values(Vec::new()))).await?;
    tx.end("ROLLBACK").await?;
    let found: Option<String> = rows.first().map(|row| row.at(0)).transpose()?;
    if found.as_deref().is_none_or(|found| !wanted.contains(&found)) {
        tracing::warn!(
            setting = found,
            "the database server does not make commits durable: a power failure may lose \
             acknowledged changes (innodb_flush_log_at_trx_commit; fsync/synchronous_commit)"
        );
    }
    Ok(())
}
