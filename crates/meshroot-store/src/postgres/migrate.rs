use tokio_postgres::Row;

use super::failure::{Context, Fault};
use super::rows::int;
use super::session::Session;
use crate::StoreError;
use crate::checksum::Checksum;

/// What makes the format of each version out of the one before; the first makes it out of nothing. Only ever appended
/// to: stores of every version are out there.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("schema-1.sql")];

/// Which format the tables have, and what they looked like when they were made.
const FORMAT: &str = "CREATE TABLE format (one bigint PRIMARY KEY CHECK (one = 1), version bigint NOT NULL, fingerprint bigint NOT NULL)";

/// The format that these migrations lead to.
pub(super) fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Waits until nobody else makes or changes the tables of this schema, and keeps others from it until the transaction
/// ends.
pub(super) async fn lock(session: &Session, schema: &str) -> Result<(), Fault> {
    let number = Checksum::of("meshroot: making tables").text(schema).finish();
    session.query("SELECT pg_advisory_xact_lock($1)", &[&number]).await?;
    Ok(())
}

/// Whether the schema holds a store, and otherwise whether it holds anything.
pub(super) async fn is_there(session: &Session, schema: &str) -> Result<Option<bool>, Fault> {
    let sql = "SELECT coalesce(bool_or(relname = 'format'), false), count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace \
               WHERE nspname = $1 AND relkind IN ('r', 'p', 'v', 'm', 'f')";
    let Some(row) = session.one(sql, &[&schema]).await? else { return Ok(None) };
    Ok(match (row.try_get(0)?, int(&row, 1)?) {
        (true, _) => Some(true),
        (false, 0) => None,
        (false, _) => Some(false),
    })
}

/// The format of the tables.
pub(super) async fn version(session: &Session, context: &Context<'_>) -> Result<(i64, i64), Fault> {
    let row = session.one("SELECT version, fingerprint FROM format", &[]).await?;
    let row = row.ok_or_else(|| context.damaged("it does not say which format it has"))?;
    Ok((int(&row, 0)?, int(&row, 1)?))
}

/// Makes the tables. Call it in a transaction that holds the [`lock`].
pub(super) async fn make(session: &Session, context: &Context<'_>, schema: &str) -> Result<(), Fault> {
    let exists = session.one("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?.is_some();
    if !exists {
        session.run(&format!("CREATE SCHEMA \"{schema}\"")).await?;
    }
    session.run(FORMAT).await?;
    session.execute("INSERT INTO format (one, version, fingerprint) VALUES (1, 0, 0)", &[]).await?;
    apply(session, context, schema, MIGRATIONS, 0).await
}

/// Brings an older format up to date, or leaves it as it is.
pub(super) async fn migrate(session: &Session, context: &Context<'_>, schema: &str, migrations: &[&str]) -> Result<(), Fault> {
    lock(session, schema).await?;
    // Read again: another replica may have been at it.
    let (found, known) = (version(session, context).await?.0, newest(migrations));
    if found > known {
        return Err(StoreError::TooNew { path: context.name.to_owned(), found, known }.into());
    }
    apply(session, context, schema, migrations, found).await
}

async fn apply(session: &Session, context: &Context<'_>, schema: &str, migrations: &[&str], found: i64) -> Result<(), Fault> {
    let skip = usize::try_from(found).map_err(|_| context.damaged(format!("it has the format {found}, which never was")))?;
    for migration in migrations.iter().skip(skip) {
        session.run(migration).await?;
    }
    let fingerprint = fingerprint(session, schema).await?;
    session.execute("UPDATE format SET version = $1, fingerprint = $2", &[&newest(migrations), &fingerprint]).await?;
    Ok(())
}

/// Columns, constraints, indexes, triggers and functions, from the catalogue's own fields: how the server spells
/// definitions may change with its version. The parts of the log come and go, and are not in it.
const CATALOGUE: &str = "
SELECT 'column', relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull::text || ' ' || relkind::text
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = $1 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT relispartition AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint', relname || '.' || conname || ' ' || contype::text || ' ' || coalesce(conkey::text, '') || ' ' || convalidated::text
  FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE nspname = $1 AND NOT relispartition AND contype IN ('p', 'u', 'f', 'c')
UNION ALL
SELECT 'index', index.relname || ' ' || owner.relname || ' ' || indkey::text || ' ' || indisunique::text || ' ' || indisvalid::text
  FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid JOIN pg_class AS owner ON owner.oid = indrelid
  JOIN pg_namespace ON pg_namespace.oid = owner.relnamespace
  WHERE nspname = $1 AND NOT owner.relispartition
UNION ALL
SELECT 'trigger', relname || '.' || tgname || ' ' || tgtype::text || ' ' || tgenabled::text || ' ' || proname
  FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_proc ON pg_proc.oid = tgfoid
  WHERE nspname = $1 AND NOT relispartition AND NOT tgisinternal
UNION ALL
SELECT 'function', proname || ' ' || prosrc FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname = $1
ORDER BY 1, 2";

/// How many triggers are missing or off on the parts of the log: each has two.
const UNGUARDED: &str = "
SELECT count(*) FROM pg_inherits JOIN pg_class AS parent ON parent.oid = inhparent JOIN pg_namespace ON pg_namespace.oid = parent.relnamespace
  WHERE nspname = $1 AND parent.relname = 'issuances'
  AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = inhrelid AND tgenabled = 'O' AND tgname IN ('stay', 'stay_all')) <> 2";

/// What the tables look like, as a number.
pub(super) async fn fingerprint(session: &Session, schema: &str) -> Result<i64, Fault> {
    let rows = session.query(CATALOGUE, &[&schema]).await?;
    let mut sum = Checksum::of("format");
    for row in &rows {
        sum = sum.text(field(row, 0)?).text(field(row, 1)?);
    }
    Ok(sum.finish())
}

fn field(row: &Row, column: usize) -> Result<&str, Fault> {
    Ok(row.try_get(column)?)
}

/// Whether the tables are still those that were made.
pub(super) async fn check(session: &Session, context: &Context<'_>, schema: &str, expected: i64) -> Result<(), Fault> {
    let unguarded = session.one(UNGUARDED, &[&schema]).await?.map(|row| int(&row, 0)).transpose()?;
    if fingerprint(session, schema).await? != expected || unguarded != Some(0) {
        return Err(context.damaged("its tables are not those that this program makes").into());
    }
    Ok(())
}
