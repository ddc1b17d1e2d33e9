use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::failure::Context;
use super::segments::{self, Segment};
use crate::StoreError;

/// What makes the format of each version out of the one before; the first makes it out of nothing. Only ever appended
/// to: stores of every version are out there.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema-1.sql"),
    include_str!("schema-2.sql"),
    // One for each part of the format that came with it.
    concat!(include_str!("schema-3-inventory.sql"), include_str!("schema-3-revocations.sql"), include_str!("schema-3-hot-path.sql")),
    include_str!("schema-4.sql"),
];

/// The format that these migrations lead to.
pub(super) fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// The format of a database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings an older format up to date, or leaves it as it is.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str], context: &Context<'_>) -> Result<(), StoreError> {
    if version(connection).map_err(|e| context.failed(e))? == newest(migrations) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| context.failed(e))?;
    // Read again: another process may have been at it.
    let found = version(&transaction).map_err(|e| context.failed(e))?;
    apply(&transaction, migrations, found).map_err(|e| context.failed(e))?;
    transaction.commit().map_err(|e| context.failed(e))
}

/// Applies what comes after version `found`.
pub(super) fn apply(transaction: &Transaction<'_>, migrations: &[&str], found: i64) -> rusqlite::Result<()> {
    let skip = usize::try_from(found).unwrap_or(0);
    for migration in migrations.iter().skip(skip) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", newest(migrations))
}

/// All tables, indexes and triggers, as the text that made them.
pub(super) fn schema(connection: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut statement = connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

/// What [`schema`] answers for a store with these segments of the issuance log.
pub(super) fn expected_schema(migrations: &[&str], segments: &[Segment]) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut memory = Connection::open_in_memory()?;
    let transaction = memory.transaction()?;
    apply(&transaction, migrations, 0)?;
    for segment in segments {
        match (segment.number, segment.dropped) {
            (1, true) => transaction.execute_batch(&segments::without(1))?,
            (1, false) | (_, true) => {}
            (number, false) => transaction.execute_batch(&segments::text(number))?,
        }
    }
    transaction.commit()?;
    schema(&memory)
}
