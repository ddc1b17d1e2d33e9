use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::address::PostgresAddress;
use super::failure::{Context, Fault, in_words, is_lost};
use super::session::{Patience, Session, at_most};
use super::standing::older;
use super::wait::wait;
use super::witness::Witness;
use crate::StoreError;

/// A little longer than the server's own limits: its reason is the better one.
const SHORT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(65);
const ENDLESS: Duration = Duration::from_secs(7 * 86_400);

/// After a failure to connect, others fail at once for this long; the double with each failure.
const BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(2);

/// One connection for one kind of work, made when it is needed and made again when it is lost.
#[derive(Debug)]
pub(super) struct Line {
    address: Arc<PostgresAddress>,
    runtime: Handle,
    patience: Patience,
    witness: Arc<Witness>,
    held: Mutex<Held>,
    /// For work that needs the connection for itself.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    session: Option<Arc<Session>>,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Failure {
    until: Instant,
    wait: Duration,
    detail: String,
}

impl Line {
    pub(super) fn new(address: Arc<PostgresAddress>, runtime: Handle, patience: Patience, witness: Arc<Witness>) -> Self {
        Self { address, runtime, patience, witness, held: Mutex::default(), turn: Mutex::default() }
    }

    /// Asks on the connection that others ask on at the same time: for single statements that read.
    pub(super) fn read<T>(&self, context: &Context<'_>, work: impl AsyncFn(&Session) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.attempt(context, |session| self.wait_for(context, &session, work(&session)))
    }

    /// Reads at one moment, with the connection for itself.
    pub(super) fn read_together<T>(&self, context: &Context<'_>, work: impl AsyncFn(&Session) -> Result<T, Fault>) -> Result<T, StoreError> {
        let _turn = self.turn();
        self.attempt(context, |session| {
            let reading = async {
                session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                let read = work(&session).await?;
                session.run("COMMIT").await?;
                Ok(read)
            };
            self.wait_for(context, &session, reading).inspect_err(|_| self.take_back(&session))
        })
    }

    /// Writes all or nothing; nothing to an older copy of the store.
    pub(super) fn write<T>(&self, context: &Context<'_>, work: impl AsyncFn(&Session) -> Result<T, Fault>) -> Result<T, StoreError> {
        let work = async |session: &Session| {
            is_newest(session, context)?;
            work(session).await
        };
        self.write_regardless(context, work)
    }

    /// Writes all or nothing, be it to an older copy.
    pub(super) fn write_regardless<T>(&self, context: &Context<'_>, work: impl AsyncFn(&Session) -> Result<T, Fault>) -> Result<T, StoreError> {
        self.write_in_two(context, work, async |session: &Session, _: &T| seal(session, Ok(())).await)
    }

    /// Writes all or nothing: what comes `before` may be done over on another connection; what `seals` it ends with the
    /// commit, and is done once.
    pub(super) fn write_in_two<T>(
        &self,
        context: &Context<'_>,
        before: impl AsyncFn(&Session) -> Result<T, Fault>,
        seals: impl AsyncFn(&Session, &T) -> Result<(), Fault>,
    ) -> Result<T, StoreError> {
        let _turn = self.turn();
        let (session, prepared) = self.attempt(context, |session| {
            let beginning = async {
                // In one go; what fails after a BEGIN that failed tells less than that.
                let (begun, prepared) = tokio::join!(biased; session.run("BEGIN"), before(&session));
                begun?;
                prepared
            };
            let prepared = self.wait_for(context, &session, beginning).inspect_err(|_| self.take_back(&session))?;
            Ok((session, prepared))
        })?;
        let warnings = session.warnings();
        let unknown = |detail: String| {
            self.lose(&session);
            context.failed(Fault::Unknown(detail))
        };
        match wait(seals(&session, &prepared), self.limit()) {
            None => Err(unknown("the database did not answer in time".into())),
            Some(Ok(())) if session.warnings() != warnings => {
                Err(unknown("the database warned while it committed: a standby may not have what it acknowledged".into()))
            }
            Some(Ok(())) => Ok(prepared),
            Some(Err(Fault::Unknown(detail))) => Err(unknown(detail)),
            Some(Err(fault)) => {
                self.take_back(&session);
                Err(context.failed(fault))
            }
        }
    }

    /// Does what leaves no trace until it is committed; once more, when the connection turns out to be a dead one.
    fn attempt<T>(&self, context: &Context<'_>, work: impl Fn(Arc<Session>) -> Result<T, Attempt>) -> Result<T, StoreError> {
        let (session, fresh) = self.session()?;
        match work(session) {
            Err(Attempt::Lost(fault)) if fresh => Err(context.failed(fault)),
            Err(Attempt::Lost(_)) => {
                let (session, _) = self.session()?;
                work(session).map_err(|failed| failed.into_error(context))
            }
            done => done.map_err(|failed| failed.into_error(context)),
        }
    }

    fn wait_for<T>(&self, context: &Context<'_>, session: &Arc<Session>, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Attempt> {
        match wait(work, self.limit()) {
            Some(Ok(done)) => Ok(done),
            Some(Err(Fault::Postgres(e))) if is_lost(&e) => {
                self.lose(session);
                Err(Attempt::Lost(Fault::Postgres(e)))
            }
            Some(Err(fault)) => Err(Attempt::Failed(context.failed(fault))),
            None => {
                self.lose(session);
                let detail = "it did not answer in time".to_owned();
                Err(Attempt::Failed(StoreError::Unavailable { address: self.address.to_string(), detail }))
            }
        }
    }

    /// Ends a transaction that failed, so that the connection can be used on.
    fn take_back(&self, session: &Arc<Session>) {
        let held = self.held().session.as_ref().is_some_and(|current| Arc::ptr_eq(current, session));
        if held && !session.is_closed() && !matches!(wait(session.run("ROLLBACK"), SHORT), Some(Ok(()))) {
            self.lose(session);
        }
    }

    /// The connection, and whether it was made just now.
    #[allow(clippy::disallowed_methods, reason = "it measures how long it backs off; what is stored does not depend on it")]
    fn session(&self) -> Result<(Arc<Session>, bool), StoreError> {
        let mut held = self.held();
        if let Some(session) = held.session.as_ref().filter(|session| session.is_fit(&self.witness)) {
            return Ok((Arc::clone(session), false));
        }
        held.session = None;
        let unavailable = |detail: String| StoreError::Unavailable { address: self.address.to_string(), detail };
        if let Some(failure) = held.failure.as_ref().filter(|failure| Instant::now() < failure.until) {
            return Err(unavailable(failure.detail.clone()));
        }
        let (address, patience, witness) = (Arc::clone(&self.address), self.patience, Arc::clone(&self.witness));
        let opening = self.runtime.spawn(async move { Session::open(&address, patience, &witness).await });
        let opened = match wait(opening, at_most(&self.address)) {
            Some(Ok(opened)) => opened,
            Some(Err(e)) => Err(unavailable(e.to_string())),
            None => Err(unavailable("it did not answer in time".into())),
        };
        match opened {
            Ok(session) => {
                let session = Arc::new(session);
                *held = Held { session: Some(Arc::clone(&session)), failure: None };
                Ok((session, true))
            }
            Err(e) => {
                let wait = held.failure.as_ref().map_or(BACK_OFF, |failure| failure.wait.saturating_mul(2).min(LONGEST_BACK_OFF));
                let detail = if let StoreError::Unavailable { detail, .. } = &e { detail.clone() } else { e.to_string() };
                let now = Instant::now();
                held.failure = Some(Failure { until: now.checked_add(wait).unwrap_or(now), wait, detail });
                Err(e)
            }
        }
    }

    /// Does not use this connection again.
    fn lose(&self, session: &Arc<Session>) {
        let mut held = self.held();
        if held.session.as_ref().is_some_and(|current| Arc::ptr_eq(current, session)) {
            held.session = None;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limit(&self) -> Duration {
        match self.patience {
            Patience::Short => SHORT,
            Patience::Long => LONG,
            Patience::Endless => ENDLESS,
        }
    }
}

/// Refuses when the database at the other end has got less far than what was seen of the store.
pub(super) fn is_newest(session: &Session, context: &Context<'_>) -> Result<(), StoreError> {
    session.older().map_or(Ok(()), |why| Err(older(context, why.to_owned())))
}

/// How an attempt failed.
enum Attempt {
    /// With its connection, and nothing was done.
    Lost(Fault),
    Failed(StoreError),
}

impl Attempt {
    fn into_error(self, context: &Context<'_>) -> StoreError {
        match self {
            Self::Lost(fault) => context.failed(fault),
            Self::Failed(e) => e,
        }
    }
}

/// Commits, given what became of the statements before it that went out together with it.
///
/// A statement that the server refused has taken the transaction with it, and `COMMIT` then answers as if all were well:
/// so all of them are looked at, and any other failure leaves the outcome open.
pub(super) async fn seal(session: &Session, statements: Result<(), tokio_postgres::Error>) -> Result<(), Fault> {
    judge(statements, session.run("COMMIT").await)
}

/// What became of a transaction whose statements and commit went out together.
pub(super) fn judge(statements: Result<(), tokio_postgres::Error>, commit: Result<(), tokio_postgres::Error>) -> Result<(), Fault> {
    match (statements, commit) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(e), _) if super::failure::is_refusal(&e) => Err(Fault::Postgres(e)),
        (Err(e), _) | (Ok(()), Err(e)) => Err(Fault::Unknown(in_words(&e))),
    }
}
