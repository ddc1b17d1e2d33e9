//! The store in a PostgreSQL database, for several replicas that share one logical CA.

mod address;
mod binding;
mod ca_requests;
mod commit;
mod decide;
mod durability;
mod export;
mod failure;
mod head;
mod idempotency;
mod inventory;
mod line;
mod load;
mod log;
mod migrate;
mod open;
mod reached;
mod record;
mod revocations;
mod rows;
mod search;
mod session;
mod standing;
mod submit;
mod tls;
mod tokens;
mod wait;
mod witness;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

pub use address::PostgresAddress;

use crate::export::{Export, Header, Sink};
use crate::{
    CaAnswer, CaRequest, CaRequestId, Change, Durability, Found, IssuanceRow, JoinToken, Loaded, LogExtent, Maintained, Meta, NewStore, Outcome,
    Query, Recorded, Restoration, Restored, RevocationChange, Revocations, Search, Seen, Standing, Store, StoreError, Submission, TokenDigest,
    Unexpired,
};
use failure::{Context, Fault};
use open::Lines;
use session::Session;
use submit::{Candidate, Place};

/// A store in a PostgreSQL database, which several processes on several machines may have open.
///
/// It can be used from any thread, within an async runtime or without one: its sockets are served by a thread of its
/// own. A database that does not answer is an error after seconds ([`StoreError::Unavailable`]), and is tried again by
/// the next call, with a back-off. Of several hosts in the address the one that takes writes is used.
#[derive(Debug)]
pub struct PostgresStore {
    lines: Lines,
    meta: Meta,
    /// Trust domains are never removed or renumbered, so they are asked for once.
    numbers: Mutex<HashMap<String, i64>>,
}

/// The most entries of the log that are read on the connection that others wait for, too.
const FEW: u32 = 16;

impl PostgresStore {
    /// Makes a store: the schema, if it is not there, and the tables in it. All or nothing.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::NotAStore`] when the schema is used by something else,
    /// [`StoreError::Address`], [`StoreError::Unavailable`], or what the database has to say.
    pub fn create(address: &PostgresAddress, new: &NewStore) -> Result<Self, StoreError> {
        let lines = Lines::new(address)?;
        open::create(&lines, new, None)?;
        open::open(lines, migrate::MIGRATIONS)
    }

    /// Makes a store of an export, all or nothing.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`StoreError::BadExport`] or [`StoreError::Damaged`] when the export is not what was
    /// once written.
    pub fn import(address: &PostgresAddress, export: &Export) -> Result<Self, StoreError> {
        let lines = Lines::new(address)?;
        let new = export.header().new_store().ok_or_else(|| StoreError::NotFound(lines.name.clone()))?;
        open::create(&lines, &new, Some(export))?;
        open::open(lines, migrate::MIGRATIONS)
    }

    /// Opens a store, and brings an older format up to date.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NotAStore`], [`StoreError::Damaged`], [`StoreError::TooNew`],
    /// [`StoreError::Address`], [`StoreError::Unavailable`], or what the database has to say.
    pub fn open(address: &PostgresAddress) -> Result<Self, StoreError> {
        open::open(Lines::new(address)?, migrate::MIGRATIONS)
    }

    /// Writes all or nothing, and remembers how far the store has got with it.
    fn write<T>(&self, context: &Context<'_>, work: impl AsyncFn(&Session) -> Result<T, Fault>) -> Result<T, StoreError> {
        let (done, reached) = self.lines.writer.write(context, async |session| {
            let done = work(session).await?;
            Ok((done, reached::reached(session).await?))
        })?;
        self.lines.witness.see(&reached, true);
        Ok(done)
    }

    /// The number of a trust domain in this store; `None` if it is not known there.
    fn number_of(&self, trust_domain: &str) -> Result<Option<i64>, StoreError> {
        let numbers = || self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = numbers().get(trust_domain) {
            return Ok(Some(*number));
        }
        let context = self.lines.context("read");
        let number = self.lines.reader.read(&context, async |session| Ok(load::number_of(session, trust_domain).await?))?;
        if let Some(number) = number {
            numbers().insert(trust_domain.to_owned(), number);
        }
        Ok(number)
    }
}

impl Store for PostgresStore {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn load(&self) -> Result<Loaded, StoreError> {
        let context = self.lines.context("read");
        self.lines.writer.read_together(&context, async |session| load::load(session, &context).await)
    }

    fn version(&self) -> Result<u64, StoreError> {
        let context = self.lines.context("read");
        self.lines.reader.read(&context, async |session| load::version(session, &context).await)
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        let context = self.lines.context("write to");
        // Locks what every commit locks, and is committed as everything is: a standby that has to confirm it may be away.
        self.lines.writer.write(&context, async |session| {
            standing::is_newest(session, &context).await?;
            session.execute("UPDATE store SET version = version", &[]).await?;
            Ok(())
        })
    }

    fn durability(&self) -> Result<Durability, StoreError> {
        let context = self.lines.context("read the settings of");
        self.lines.reader.read(&context, async |session| durability::durability(session, &self.lines.witness).await)
    }

    fn commit(&self, change: &Change) -> Result<u64, StoreError> {
        let context = self.lines.context("write to");
        self.write(&context, async |session| commit::commit(session, &context, change).await)
    }

    fn sealed_key(&self, trust_domain: &TrustDomain, authority: &AuthorityId) -> Result<Option<Vec<u8>>, StoreError> {
        let context = self.lines.context("read a key from");
        self.lines.reader.read(&context, async |session| load::sealed_key(session, &context, trust_domain, authority).await)
    }

    fn wrapped_data_key(&self) -> Result<Vec<u8>, StoreError> {
        let context = self.lines.context("read the data key from");
        self.lines.reader.read(&context, async |session| Ok(load::store_row(session, &context).await?.wrapped_data_key))
    }

    fn submit(&self, batch: Vec<Submission>) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let mut numbers = HashMap::new();
        for submission in &batch {
            let name = submission.issuance.trust_domain.as_str();
            if !numbers.contains_key(name) {
                numbers.insert(name, self.number_of(name)?);
            }
        }
        let candidates: Vec<Candidate<'_>> =
            batch.iter().map(|submission| Candidate::new(submission, |name| numbers.get(name).copied().flatten())).collect();
        let context = self.lines.context("record in");
        let plan = self.lines.writer.write_in_two(
            &context,
            async |session| {
                line::is_newest(session, &context)?;
                submit::prepare(session, &context, &candidates).await
            },
            async |session, plan| record::seal(session, plan).await,
        )?;
        self.lines.witness.see_position(plan.head.position);
        let places = plan.places;
        let reasons: Vec<_> = candidates.into_iter().map(|candidate| candidate.trust_domain.err()).collect();
        // Only now, behind the commit, is anything recorded.
        let outcome = |((submission, place), reason): ((Submission, Place), Option<StoreError>)| match place {
            Place::New(position) => Ok(Outcome::Recorded(Recorded::new(submission.issuance.issued, position))),
            Place::Before(position) => Ok(Outcome::Answered(position)),
            Place::Refused(e) => Err(e),
            Place::Unfit => Err(reason.unwrap_or(StoreError::TokenUnknown)),
        };
        Ok(batch.into_iter().zip(places).zip(reasons).map(outcome).collect())
    }

    fn answered(&self, caller: &str, key: &str) -> Result<Option<(u64, [u8; 32])>, StoreError> {
        let context = self.lines.context("read");
        let found = self.lines.reader.read(&context, async |session| idempotency::find(session, &context, caller, key).await)?;
        if found.is_some() {
            // An entry that no standby has can be seen when its server has given up waiting for one, and must not be given to
            // anybody. What is written after it is acknowledged after it.
            self.lines.writer.write_regardless(&context, async |session| {
                session.execute("UPDATE log_head SET position = position", &[]).await?;
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn add_token(&self, token: &JoinToken) -> Result<(), StoreError> {
        let context = self.lines.context("write a token to");
        self.write(&context, async |session| tokens::add(session, &context, token).await)
    }

    fn token(&self, digest: &TokenDigest) -> Result<Option<JoinToken>, StoreError> {
        let context = self.lines.context("read a token from");
        self.lines.reader.read(&context, async |session| tokens::find(session, &context, digest).await)
    }

    fn tokens(&self) -> Result<Vec<JoinToken>, StoreError> {
        let context = self.lines.context("read the tokens of");
        self.lines.scanner.read_together(&context, async |session| tokens::all(session, &context).await)
    }

    fn withdraw_token(&self, digest: &TokenDigest) -> Result<bool, StoreError> {
        let context = self.lines.context("withdraw a token from");
        self.write(&context, async |session| tokens::withdraw(session, &context, digest).await)
    }

    fn issuances(&self, query: &Query) -> Result<Vec<IssuanceRow>, StoreError> {
        let context = self.lines.context("read the issuance log of");
        let filtered = query.trust_domain.is_some() || query.id.is_some() || query.authority.is_some() || query.serial.is_some();
        if query.limit <= FEW && !filtered {
            return self.lines.reader.read(&context, async |session| log::issuances(session, &context, query, false).await);
        }
        self.lines.scanner.read_together(&context, async |session| log::issuances(session, &context, query, true).await)
    }

    fn find(&self, certificate: &Certificate) -> Result<Option<IssuanceRow>, StoreError> {
        let context = self.lines.context("read the issuance log of");
        self.lines.reader.read(&context, async |session| log::find(session, &context, certificate).await)
    }

    fn last_expiry(&self, trust_domain: &TrustDomain, authority: &AuthorityId, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let context = self.lines.context("read");
        self.lines.reader.read(&context, async |session| log::last_expiry(session, &context, trust_domain, authority, now).await)
    }

    fn search(&self, search: &Search) -> Result<Found, StoreError> {
        let context = self.lines.context("search");
        let found = self.lines.scanner.read_together(&context, async |session| search::search(session, &context, search).await);
        // Whoever searches waits for nobody, so what took too long was the search itself.
        found.map_err(|e| if matches!(e, StoreError::Busy(_)) { StoreError::TooBroad } else { e })
    }

    fn unexpired(&self, now: Timestamp) -> Result<Vec<Unexpired>, StoreError> {
        let context = self.lines.context("search");
        self.lines.scanner.read_together(&context, async |session| search::unexpired(session, &context, now).await)
    }

    fn log_extent(&self) -> Result<LogExtent, StoreError> {
        let context = self.lines.context("read the issuance log of");
        self.lines.reader.read(&context, async |session| search::extent(session, &context).await)
    }

    fn maintain(&self, now: Timestamp, retention: Duration) -> Result<Maintained, StoreError> {
        let context = self.lines.context("tidy");
        self.lines.scanner.write(&context, async |session| inventory::maintain(session, &context, now, retention).await)
    }

    fn standing(&self) -> Result<Standing, StoreError> {
        let context = self.lines.context("read");
        let (row, held, older) = self.lines.reader.read(&context, async |session| {
            // Before it is asked: what is committed meanwhile is no reason to doubt the answer.
            let before = self.lines.witness.before();
            let ((row, held), reached) = (standing::Row::read(session, &context).await?, reached::reached(session).await?);
            let older = session.older().map(ToOwned::to_owned).or_else(|| {
                let older = self.lines.witness.judge(&before, &reached);
                // Somebody has replaced what is in the database, under our hands.
                older.inspect(|_| self.lines.witness.look_again())
            });
            Ok((row, held, older))
        })?;
        let number = |n: i64| u64::try_from(n).unwrap_or_default();
        let lost = if older.is_some() { self.lines.witness.lost().sequence } else { 0 };
        if let (Some(why), None) = (&older, &row.doubt)
            && !self.lines.witness.is_unusable()
        {
            // When it cannot be noted, it is noticed all the same.
            let _ = self.lines.writer.write_regardless(&context, async |session| standing::note(session, &context, why).await);
        }
        Ok(Standing { epoch: number(row.epoch), older: row.doubt.or(older), seen: number(row.seen.max(held).max(lost)) })
    }

    fn doubt(&self, seen: &Seen) -> Result<bool, StoreError> {
        let context = self.lines.context("write to");
        self.lines.writer.write_regardless(&context, async |session| standing::doubt(session, &context, seen).await)
    }

    fn restored(&self, restoration: &Restoration) -> Result<Restored, StoreError> {
        let context = self.lines.context("write to");
        let lost = self.lines.witness.lost();
        let (restored, reached) = self.lines.writer.write_regardless(&context, async |session| {
            let restored = standing::restored(session, &context, restoration, &lost).await?;
            Ok((restored, reached::reached(session).await?))
        })?;
        self.lines.witness.begin_anew(&reached);
        Ok(restored)
    }

    fn commit_revocations(&self, change: &RevocationChange) -> Result<u64, StoreError> {
        let context = self.lines.context("write to");
        self.write(&context, async |session| {
            standing::is_newest(session, &context).await?;
            revocations::commit(session, &context, change).await
        })
    }

    fn revocations(&self, unexpired_at: Timestamp) -> Result<Revocations, StoreError> {
        let context = self.lines.context("read the revocations of");
        self.lines.writer.read_together(&context, async |session| revocations::load(session, &context, unexpired_at).await)
    }

    fn add_ca_request(&self, request: &CaRequest) -> Result<u64, StoreError> {
        let context = self.lines.context("write to");
        self.write(&context, async |session| ca_requests::add(session, &context, request).await)
    }

    fn ca_request(&self, id: &CaRequestId) -> Result<Option<CaRequest>, StoreError> {
        let context = self.lines.context("read");
        self.lines.reader.read(&context, async |session| ca_requests::find(session, &context, id).await)
    }

    fn ca_request_of(&self, token: &TokenDigest) -> Result<Option<CaRequest>, StoreError> {
        let context = self.lines.context("read");
        self.lines.reader.read(&context, async |session| ca_requests::of_token(session, &context, token).await)
    }

    fn waiting_ca_requests(&self) -> Result<Vec<CaRequest>, StoreError> {
        let context = self.lines.context("read");
        self.lines.scanner.read_together(&context, async |session| ca_requests::waiting(session, &context).await)
    }

    fn answer_ca_request(&self, id: &CaRequestId, answer: &CaAnswer, change: &Change) -> Result<u64, StoreError> {
        let context = self.lines.context("write to");
        self.write(&context, async |session| ca_requests::answer(session, &context, id, answer, change).await)
    }

    fn export(&self, sink: &mut Sink<'_>) -> Result<Header, StoreError> {
        let context = self.lines.context("export");
        let (sink, begun) = (RefCell::new(sink), Cell::new(false));
        self.lines.mover().read_together(&context, async |session| {
            // The rows of a first attempt are gone: there is no second one.
            if begun.replace(true) {
                return Err(export::interrupted(&context).into());
            }
            export::export(session, &context, &self.meta, &sink).await
        })
    }

    fn revocations_version(&self) -> Result<u64, StoreError> {
        let context = self.lines.context("read");
        self.lines.reader.read(&context, async |session| revocations::version(session, &context).await)
    }
}
