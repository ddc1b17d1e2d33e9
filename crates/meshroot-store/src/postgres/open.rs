use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use meshroot::time::Timestamp;
use tokio::runtime::{Handle, Runtime};

use super::address::PostgresAddress;
use super::failure::{Context, Fault};
use super::head::Head;
use super::line::Line;
use super::session::{Patience, Session};
use super::witness::Witness;
use super::{PostgresStore, export, load, migrate, standing};
use crate::export::Export;
use crate::sqlite::load::StoreRow;
use crate::{Meta, NewStore, StoreError, StoreKind};

/// The runtime that serves the sockets, and the connections on it.
pub(super) struct Lines {
    /// Only to be ended.
    runtime: Option<Runtime>,
    handle: Handle,
    pub(super) address: Arc<PostgresAddress>,
    /// What stands for the store's path in messages.
    pub(super) name: PathBuf,
    pub(super) writer: Line,
    pub(super) reader: Line,
    pub(super) scanner: Line,
    pub(super) witness: Arc<Witness>,
}

impl Lines {
    pub(super) fn new(address: &PostgresAddress) -> Result<Self, StoreError> {
        // Before anything else: what must not be connected to is not.
        address.tls()?;
        let name = PathBuf::from(address.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("postgres").enable_all().build();
        let runtime = runtime.map_err(|source| StoreError::Io { action: "start a thread for", path: name.clone(), source })?;
        let address = Arc::new(address.clone());
        let witness = Arc::new(Witness::new(address.marks().clone()));
        let line = |patience| Line::new(Arc::clone(&address), runtime.handle().clone(), patience, Arc::clone(&witness));
        let (writer, reader, scanner) = (line(Patience::Short), line(Patience::Short), line(Patience::Long));
        let handle = runtime.handle().clone();
        Ok(Self { address, name, writer, reader, scanner, witness, handle, runtime: Some(runtime) })
    }

    /// A connection for work without a limit.
    pub(super) fn mover(&self) -> Line {
        Line::new(Arc::clone(&self.address), self.handle.clone(), Patience::Endless, Arc::clone(&self.witness))
    }

    pub(super) fn context(&self, action: &'static str) -> Context<'_> {
        Context { action, name: &self.name, address: &self.address }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Ending a runtime waits for it, which is forbidden within another one. There is nothing to wait for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl core::fmt::Debug for Lines {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Lines").field("address", &self.name).finish_non_exhaustive()
    }
}

/// Makes the tables and the first rows, and fills them with what an export has; all or nothing.
pub(super) fn create(lines: &Lines, new: &NewStore, export: Option<&Export>) -> Result<(), StoreError> {
    let context = lines.context("create");
    let schema = lines.address.schema();
    // Moving a whole store takes its time.
    let mover = lines.mover();
    let line = if export.is_some() { &mover } else { &lines.writer };
    line.write(&context, async |session| {
        migrate::lock(session, schema).await?;
        match migrate::is_there(session, schema).await? {
            Some(true) => return Err(StoreError::Exists(lines.name.clone()).into()),
            Some(false) => {
                let why = format!("the schema '{schema}' holds tables of something else: name another one with ?schema=NAME");
                return Err(StoreError::NotAStore { path: lines.name.clone(), why }.into());
            }
            None => {}
        }
        migrate::make(session, &context, schema).await?;
        let row = StoreRow {
            id: new.id.as_str().to_owned(),
            kind: new.kind.as_str().to_owned(),
            created_at: new.at.unix(),
            wrapped_data_key: new.wrapped_data_key.clone(),
            version: 0,
        };
        let sql = "INSERT INTO store (one, id, kind, created_at, wrapped_data_key, version, checksum) VALUES (1, $1, $2, $3, $4, $5, $6)";
        session.execute(sql, &[&row.id, &row.kind, &row.created_at, &row.wrapped_data_key, &row.version, &row.checksum()]).await?;
        first_rows(session).await?;
        match export {
            Some(export) => export::import(session, &context, export).await,
            None => Ok(()),
        }
    })
}

/// The rows that tables of one row begin with.
pub(super) async fn first_rows(session: &Session) -> Result<(), Fault> {
    let sql = "INSERT INTO log_head (one, position, part, part_first, part_started_at, part_last_expiry, checksum) VALUES (1, 0, 0, 0, 0, 0, 0)";
    session.execute(sql, &[]).await?;
    Head::EMPTY.store(session).await?;
    session.execute("INSERT INTO inventory_head (one, known) VALUES (1, 0)", &[]).await?;
    session.execute("INSERT INTO standing (one, epoch, seen, checksum) VALUES (1, 0, 0, 0)", &[]).await?;
    standing::Row { epoch: 0, doubt: None, seen: 0 }.write(session).await
}

pub(super) fn open(lines: Lines, migrations: &[&str]) -> Result<PostgresStore, StoreError> {
    let context = lines.context("open");
    let schema = lines.address.schema();
    let known = migrate::newest(migrations);
    let (found, id) = lines.writer.read(&context, async |session| {
        match migrate::is_there(session, schema).await? {
            Some(true) => {}
            Some(false) => return Err(StoreError::NotAStore { path: lines.name.clone(), why: "it is something else's".into() }.into()),
            None => return Err(StoreError::NotFound(lines.name.clone()).into()),
        }
        Ok((migrate::version(session, &context).await?.0, load::identifier(session, &context).await?))
    })?;
    if found > known {
        return Err(StoreError::TooNew { path: lines.name.clone(), found, known });
    }
    if found < 1 {
        return Err(context.damaged(format!("it has the format {found}, which never was")));
    }
    // From here on it matters which of several hosts has the newest.
    lines.witness.recall(&id)?;
    if found < known {
        // Before anything can be said about an older copy, it has to be readable.
        lines.writer.write_regardless(&context, async |session| migrate::migrate(session, &context, schema, migrations).await)?;
    }
    let row = lines.writer.read(&context, async |session| {
        let (_, fingerprint) = migrate::version(session, &context).await?;
        migrate::check(session, &context, schema, fingerprint).await?;
        load::store_row(session, &context).await
    })?;
    lines.witness.is_kept()?;
    let meta = Meta {
        id,
        kind: StoreKind::parse(&row.kind).ok_or_else(|| context.damaged("it is of an unknown kind"))?,
        schema: known,
        created_at: Timestamp::from_unix(row.created_at),
    };
    Ok(PostgresStore { lines, meta, numbers: Mutex::default() })
}
