//! The store in one SQLite file.

pub(crate) mod ca_requests;
mod commit;
mod create;
mod delta;
mod export;
mod failure;
pub(crate) mod idempotency;
mod inventory;
pub(crate) mod load;
pub(crate) mod log;
mod migrate;
mod open;
mod references;
pub(crate) mod revocations;
#[cfg(all(test, feature = "scale"))]
mod scale;
mod search;
mod segments;
pub(crate) mod serials;
mod standing;
mod state;
mod submit;
#[cfg(test)]
mod tests;
pub(crate) mod tokens;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::export::{Export, Header, Sink};
use crate::{
    CaAnswer, CaRequest, CaRequestId, Change, Found, IssuanceRow, JoinToken, Loaded, LogExtent, Maintained, Meta, NewStore, Outcome, Query, Recorded,
    Restoration, Restored, RevocationChange, Revocations, Search, Seen, Standing, Store, StoreError, Submission, TokenDigest, Unexpired,
};
use failure::Context;
use state::{State, Writes};

/// "MRST" in the file's header, so that neither `file` nor we take another database for a store.
const APPLICATION_ID: i32 = 0x4d52_5354;

/// What the name of a store's mark ends with.
const MARK_SUFFIX: &str = "-mark";

/// How long to wait for another writer. Every transaction is over in milliseconds; who waits this long waits for ever.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A store in one file, with SQLite: a write-ahead log, synced at every commit.
///
/// The file may be open in several processes at once. Beside it lie, while it is open, `-wal` and `-shm` files that
/// belong to it: whoever copies a store copies them too, or closes it first. A `-mark` file always lies beside it, and says
/// how far the store has got: it stays where it is when an older copy is put back, and moves along when the store moves.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    meta: Meta,
    state: Mutex<State>,
    /// For long reads; opened with the first.
    reader: Mutex<Option<Connection>>,
}

/// Where the mark of the store at `path` lies.
fn mark_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(MARK_SUFFIX);
    PathBuf::from(name)
}

impl SqliteStore {
    /// Makes a store, 0600, in a folder that is made if need be, 0700.
    ///
    /// A crash leaves either nothing at `path` or a whole store.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Remnant`], or what the operating system has to say. No store is made then.
    pub fn create(path: &Path, new: &NewStore) -> Result<Self, StoreError> {
        create::create(path, new, &mut |_| ())?;
        Self::open(path)
    }

    /// Opens a store, and brings an older format up to date.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NotAStore`] (and the file is not touched), [`StoreError::Damaged`],
    /// [`StoreError::TooNew`], [`StoreError::Busy`], or what the operating system has to say.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        open::open(path, migrate::MIGRATIONS)
    }

    /// Makes a store of an export, all or nothing.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`StoreError::BadExport`] or [`StoreError::Damaged`] when the export is not what was
    /// once written.
    pub fn import(path: &Path, export: &Export) -> Result<Self, StoreError> {
        let new = export.header().new_store().ok_or_else(|| StoreError::NotFound(path.to_owned()))?;
        create::create_with(path, &new, &mut |connection, context| export::import(connection, context, export), &mut |_| ())?;
        Self::open(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside a transaction has rolled it back: the connection is as good as before.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self, action: &'static str) -> Context<'_> {
        Context { action, path: &self.path }
    }

    /// Reads at one moment.
    fn read<T>(&self, action: &'static str, read: impl FnOnce(&Transaction<'_>, &Context<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let context = self.context(action);
        let mut state = self.state();
        let transaction = state.connection.transaction().map_err(|e| context.failed(e))?;
        read(&transaction, &context)
    }

    /// Reads at one moment, for longer than writers could wait.
    fn read_long<T>(&self, action: &'static str, read: impl FnOnce(&Connection, &Context<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let context = self.context(action);
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut connection = match reader.take() {
            Some(connection) => connection,
            None => open::reader(&self.path)?,
        };
        let transaction = connection.transaction().map_err(|e| context.failed(e))?;
        let found = read(&transaction, &context);
        drop(transaction);
        *reader = Some(connection);
        found
    }

    /// Writes all or nothing.
    fn write<T>(&self, action: &'static str, write: impl FnOnce(&Transaction<'_>, &Context<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.write_what(Writes::State, action, |transaction, context, _| write(transaction, context))
    }

    fn write_what<T>(
        &self,
        what: Writes,
        action: &'static str,
        write: impl FnOnce(&Transaction<'_>, &Context<'_>, Duration) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let context = self.context(action);
        self.state().write(what, &self.meta.id, &context, write)
    }
}

impl Store for SqliteStore {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn load(&self) -> Result<Loaded, StoreError> {
        self.read("read", |transaction, context| load::load(transaction, context))
    }

    fn version(&self) -> Result<u64, StoreError> {
        self.read("read", |transaction, context| load::version(transaction, context))
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        let context = self.context("write to");
        let mut state = self.state();
        if state.stopped {
            return Err(StoreError::Stopped(self.path.clone()));
        }
        state.is_newest(&self.meta.id, &context)?;
        // Immediate takes the write lock, and a no-op update needs a page to be written; dropped, both are taken back.
        let transaction = state.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| context.failed(e))?;
        transaction.execute("UPDATE store SET version = version", []).map_err(|e| context.failed(e))?;
        Ok(())
    }

    fn commit(&self, change: &Change) -> Result<u64, StoreError> {
        let write = |transaction: &Transaction<'_>, context: &Context<'_>, delay| commit::commit(transaction, context, change, delay);
        self.write_what(if change.bundle.is_some() { Writes::Bundle } else { Writes::State }, "write to", write)
    }

    fn sealed_key(&self, trust_domain: &TrustDomain, authority: &AuthorityId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read("read a key from", |transaction, context| load::sealed_key(transaction, context, trust_domain, authority))
    }

    fn wrapped_data_key(&self) -> Result<Vec<u8>, StoreError> {
        self.read("read the data key from", |transaction, context| Ok(load::store_row(transaction, context)?.wrapped_data_key))
    }

    fn submit(&self, batch: Vec<Submission>) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let context = self.context("record in");
        let mut state = self.state();
        // Taken out: when the transaction fails they are forgotten.
        let (mut recent, mut references) = (std::mem::take(&mut state.recent), std::mem::take(&mut state.references));
        let places = state.append(&self.meta.id, &context, |transaction, context| {
            let mut tail = log::Tail::find(transaction, context, &mut recent, &mut references)?;
            let places = batch.iter().map(|submission| submit::submit(transaction, context, &mut tail, submission)).collect::<Result<Vec<_>, _>>()?;
            if let Some(last) = batch.last() {
                tail.finish(transaction, context, last.issuance.at)?;
            }
            Ok((places, tail.newest()))
        })?;
        (state.recent, state.references) = (recent, references);
        drop(state);
        // Only now, behind the commit, is anything recorded.
        let outcome = |(submission, place): (Submission, Result<submit::Place, StoreError>)| {
            Ok(match place? {
                submit::Place::New(position) => Outcome::Recorded(Recorded::new(submission.issuance.issued, position)),
                submit::Place::Before(position) => Outcome::Answered(position),
            })
        };
        Ok(batch.into_iter().zip(places).map(outcome).collect())
    }

    fn answered(&self, caller: &str, key: &str) -> Result<Option<(u64, [u8; 32])>, StoreError> {
        self.read("read", |transaction, context| idempotency::find(transaction, context, caller, key))
    }

    fn add_token(&self, token: &JoinToken) -> Result<(), StoreError> {
        self.write("write a token to", |transaction, context| tokens::add(transaction, context, token))
    }

    fn token(&self, digest: &TokenDigest) -> Result<Option<JoinToken>, StoreError> {
        self.read("read a token from", |transaction, context| tokens::find(transaction, context, digest))
    }

    fn tokens(&self) -> Result<Vec<JoinToken>, StoreError> {
        self.read("read the tokens of", |transaction, context| tokens::all(transaction, context))
    }

    fn withdraw_token(&self, digest: &TokenDigest) -> Result<bool, StoreError> {
        self.write("withdraw a token from", |transaction, context| tokens::withdraw(transaction, context, digest))
    }

    fn issuances(&self, query: &Query) -> Result<Vec<IssuanceRow>, StoreError> {
        self.read("read the issuance log of", |transaction, context| log::issuances(transaction, context, query))
    }

    fn find(&self, certificate: &Certificate) -> Result<Option<IssuanceRow>, StoreError> {
        let context = self.context("read the issuance log of");
        let mut state = self.state();
        let State { connection, recent, .. } = &mut *state;
        let transaction = connection.transaction().map_err(|e| context.failed(e))?;
        log::find(&transaction, &context, recent, certificate)
    }

    fn last_expiry(&self, trust_domain: &TrustDomain, authority: &AuthorityId, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read("read", |transaction, context| log::last_expiry(transaction, context, trust_domain, authority, now))
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        self.read_long("search", |connection, context| search::search(connection, context, search))
    }

    fn unexpired(&self, now: Timestamp) -> Result<Vec<Unexpired>, StoreError> {
        self.read_long("search", |connection, context| search::unexpired(connection, context, now))
    }

    fn log_extent(&self) -> Result<LogExtent, StoreError> {
        self.read_long("read the issuance log of", search::extent)
    }

    fn maintain(&self, now: Timestamp, retention: Duration) -> Result<Maintained, StoreError> {
        let context = self.context("tidy");
        let mut state = self.state();
        // Taken out: what a transaction that failed had in hand is begun anew.
        let mut maintenance = std::mem::take(&mut state.maintenance);
        let done = state
            .write(Writes::Projection, &self.meta.id, &context, |transaction, context, _| maintenance.step(transaction, context, now, retention))?;
        state.maintenance = maintenance;
        Ok(done)
    }

    fn standing(&self) -> Result<Standing, StoreError> {
        let context = self.context("read");
        self.state().standing(&self.meta.id, &context)
    }

    fn doubt(&self, seen: &Seen) -> Result<bool, StoreError> {
        let write = |transaction: &Transaction<'_>, context: &Context<'_>, _| standing::doubt(transaction, context, seen);
        self.write_what(Writes::Doubt, "write to", write)
    }

    fn restored(&self, restoration: &Restoration) -> Result<Restored, StoreError> {
        let context = self.context("write to");
        self.state().restored(&self.meta.id, &context, restoration)
    }

    fn commit_revocations(&self, change: &RevocationChange) -> Result<u64, StoreError> {
        self.write("write to", |transaction, context| revocations::commit(transaction, context, change))
    }

    fn revocations(&self, unexpired_at: Timestamp) -> Result<Revocations, StoreError> {
        self.read("read the revocations of", |transaction, context| revocations::load(transaction, context, unexpired_at))
    }

    fn revocations_version(&self) -> Result<u64, StoreError> {
        self.read("read", |transaction, context| revocations::version(transaction, context))
    }

    fn export(&self, sink: &mut Sink<'_>) -> Result<Header, StoreError> {
        self.read_long("export", |connection, context| export::export(connection, context, &self.meta, sink))
    }

    fn add_ca_request(&self, request: &CaRequest) -> Result<u64, StoreError> {
        self.write("write to", |transaction, context| ca_requests::add(transaction, context, request))
    }

    fn ca_request(&self, id: &CaRequestId) -> Result<Option<CaRequest>, StoreError> {
        self.read("read", |transaction, context| ca_requests::find(transaction, context, id))
    }

    fn ca_request_of(&self, token: &TokenDigest) -> Result<Option<CaRequest>, StoreError> {
        self.read("read", |transaction, context| ca_requests::of_token(transaction, context, token))
    }

    fn waiting_ca_requests(&self) -> Result<Vec<CaRequest>, StoreError> {
        self.read("read", |transaction, context| ca_requests::waiting(transaction, context))
    }

    fn answer_ca_request(&self, id: &CaRequestId, answer: &CaAnswer, change: &Change) -> Result<u64, StoreError> {
        let write =
            |transaction: &Transaction<'_>, context: &Context<'_>, delay| ca_requests::answer(transaction, context, id, answer, change, delay);
        self.write_what(if change.bundle.is_some() { Writes::Bundle } else { Writes::State }, "write to", write)
    }
}
