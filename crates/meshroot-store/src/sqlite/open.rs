use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;

use meshroot::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::failure::Context;
use super::references::References;
use super::serials::Recent;
use super::{APPLICATION_ID, BUSY_TIMEOUT, SqliteStore, State, load, migrate, segments};
use crate::mark::Reached;
use crate::{Meta, StoreError, StoreKind};

/// Small tables, checked as a whole, indexes included (a row that its index does not know is not found), whenever a store is opened. The issuance log is not: it may have millions of rows,
/// each with a checksum that is compared when it is read.
const CHECKED: &[&str] = &[
    "store",
    "trust_domains",
    "commits",
    "events",
    "bundles",
    "sealed_keys",
    "last_expiries",
    "join_tokens",
    "segments",
    "standing",
    "restorations",
    "revocation_changes",
    "revocations",
    "denials",
    "denial_lifts",
    "crls",
    "ca_requests",
];

pub(super) fn open(path: &Path, migrations: &[&str]) -> Result<SqliteStore, StoreError> {
    let context = Context { action: "open", path };
    recognise(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|e| context.failed(e))?;
    configure(&connection).map_err(|e| context.failed(e))?;
    let (found, known) = (migrate::version(&connection).map_err(|e| context.failed(e))?, migrate::newest(migrations));
    if found > known {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    }
    if found < 1 {
        return Err(context.damaged(format!("it has the format {found}, which never was")));
    }
    migrate::migrate(&mut connection, migrations, &context)?;
    check(&connection, migrations, &context)?;
    let row = load::store_row(&connection, &context)?;
    let meta = Meta {
        id: row.id.parse().map_err(|_| context.damaged("its identifier is none"))?,
        kind: StoreKind::parse(&row.kind).ok_or_else(|| context.damaged("it is of an unknown kind"))?,
        schema: known,
        created_at: Timestamp::from_unix(row.created_at),
    };
    let mut state = State {
        connection,
        stopped: false,
        mark: None,
        older: None,
        lost: Reached::default(),
        recent: Recent::default(),
        references: References::default(),
        maintenance: Default::default(),
    };
    state.compare_with_mark(&meta.id, &context)?;
    Ok(SqliteStore { path: path.to_owned(), meta, state: Mutex::new(state), reader: Mutex::new(None) })
}

/// Whether the file is a store at all, found out without touching it or anything beside it.
fn recognise(path: &Path) -> Result<(), StoreError> {
    let not = |why: &str| StoreError::NotAStore { path: path.to_owned(), why: why.to_owned() };
    let metadata = fs::metadata(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => StoreError::NotFound(path.to_owned()),
        _ => StoreError::io("open", path, e),
    })?;
    if metadata.is_dir() {
        return Err(not("it is a folder; give the file in it"));
    }
    if !metadata.is_file() {
        return Err(not("it is no regular file"));
    }
    if metadata.len() == 0 {
        return Err(not("it is empty"));
    }
    match application_id(path) {
        Ok(APPLICATION_ID) => Ok(()),
        Ok(_) => Err(not("it is another program's database")),
        Err(rusqlite::Error::SqliteFailure(e, _)) if e.code == ErrorCode::NotADatabase => Err(not("it is no SQLite database")),
        Err(e) => Err(Context { action: "open", path }.failed(e)),
    }
}

/// The mark in the file's header. Read by SQLite and not by us: closing a file that we had opened ourselves would, by
/// the rules of POSIX, drop the locks that another connection of this process has on it.
fn application_id(path: &Path) -> rusqlite::Result<i32> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02x}");
        }
    }
    // Immutable: no lock, no journal, no file beside it.
    uri.push_str("?mode=ro&immutable=1");
    let connection =
        Connection::open_with_flags(uri, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // A store whose last pages are still in its log looks truncated from here; this lets SQLite read the header of a
    // file that is shorter than it says. Nothing can be written through this connection.
    connection.pragma_update(None, "writable_schema", true)?;
    connection.query_row("PRAGMA application_id", [], |row| row.get(0))
}

/// A further connection, for long reads: they neither wait for writers nor hold them up.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let context = Context { action: "open", path };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| context.failed(e))?;
    configure(&connection).and_then(|()| connection.pragma_update(None, "query_only", true)).map_err(|e| context.failed(e))?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A search goes through the segments of the log, with statements of its own for each.
    connection.set_prepared_statement_cache_capacity(256);
    // A database that somebody prepared can neither call functions from its schema, nor is its schema ours to rewrite.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A plan stays as it is whatever is bound; otherwise a statement with a bound range is compiled anew every time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // With a write-ahead log, NORMAL would sync only at checkpoints: a power cut could lose what was acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")
}

/// Whether the structure is sound and the schema is ours, to the letter.
fn check(connection: &Connection, migrations: &[&str], context: &Context<'_>) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let found = migrate::schema(connection).map_err(failed)?;
    let has = |table: &str| found.iter().any(|(kind, name, _)| kind == "table" && name == table);
    // Without the list of segments the comparison fails anyhow.
    let segments = if has("segments") { segments::all(connection, context)? } else { Vec::new() };
    let expected = migrate::expected_schema(migrations, &segments).map_err(failed)?;
    if found != expected {
        return Err(context.damaged("its tables are not those that this program makes"));
    }
    is_all_there(connection, context)?;
    for table in CHECKED {
        let verdict: String = connection.query_row(&format!("PRAGMA integrity_check({table})"), [], |row| row.get(0)).map_err(failed)?;
        if verdict != "ok" {
            return Err(context.damaged(format!("table {table}: {}", verdict.lines().last().unwrap_or_default())));
        }
    }
    Ok(())
}

/// Whether the file is as long as its own header says. Tables that may be large are not read through for that. While a
/// write-ahead log lies beside the file, pages may be in there instead.
fn is_all_there(connection: &Connection, context: &Context<'_>) -> Result<(), StoreError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| context.failed(e));
    let expected = u64::try_from(number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?)).unwrap_or(u64::MAX);
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
    let mut log = context.path.as_os_str().to_owned();
    log.push("-wal");
    if length(Path::new(&log)).is_ok_and(|length| length > 0) {
        return Ok(());
    }
    let found = length(context.path).map_err(|e| StoreError::io("open", context.path, e))?;
    if found < expected {
        return Err(context.damaged(format!("it was cut off: it has {found} of {expected} octets")));
    }
    Ok(())
}
