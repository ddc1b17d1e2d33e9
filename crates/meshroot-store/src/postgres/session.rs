use std::collections::HashMap;
use std::future::poll_fn;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Row, Statement};
use zeroize::Zeroizing;

use super::address::{Host, PostgresAddress};
use super::failure::Context;
use super::reached;
use super::tls::Tls;
use super::witness::Witness;
use crate::StoreError;
use crate::mark::Server;

/// The oldest server that has what is used here: `client_connection_check_interval`.
const OLDEST: i32 = 140_000;

/// How long one host may take to answer, and to say what it has. There may be several.
const CONNECT: Duration = Duration::from_secs(3);

/// How long [`Session::open`] may take, with a moment to spare.
pub(super) fn at_most(address: &PostgresAddress) -> Duration {
    // Each host in its turn, and all of them together before that.
    let turns = u32::try_from(address.hosts().len()).unwrap_or(u32::MAX).saturating_add(1);
    CONNECT.saturating_mul(turns).saturating_add(Duration::from_secs(1))
}

/// After this time an older copy of the store is looked at again: an operator may have spoken, or the newest come back.
const DOUBTED: Duration = Duration::from_secs(1);

/// The most octets of a password file.
const PASSWORD: u64 = 64 << 10;

/// Parameters of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// One connection to the database. Dropped, it is closed at once.
pub(super) struct Session {
    client: Client,
    driver: JoinHandle<()>,
    /// How many warnings the server has sent.
    warnings: Arc<AtomicU64>,
    statements: Mutex<HashMap<&'static str, Statement>>,
    server: Option<Server>,
    verdict: Verdict,
}

/// What was made of the database at the other end.
#[derive(Debug)]
struct Verdict {
    /// Why it is an older copy of the store.
    older: Option<String>,
    /// The witness's, when it was judged.
    generation: u64,
    at: Instant,
}

/// What a session may wait for, server side.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// Every statement is over in milliseconds.
    Short,
    /// A page of a log with millions of entries.
    Long,
    /// Moving a whole store.
    Endless,
}

impl Session {
    /// Connects to the first of the hosts that takes writes and is no older copy of the store, and sets what an acknowledged commit
    /// depends on. If there are only older copies, to the first of those. Call it within the store's runtime.
    pub(super) async fn open(address: &PostgresAddress, patience: Patience, witness: &Witness) -> Result<Self, StoreError> {
        if address.hosts().len() > 1 && witness.has_seen_nothing() {
            Self::survey(address, witness).await;
        }
        let (mut older, mut failures) = (None, Vec::new());
        for host in address.hosts() {
            // A machine that stands still takes connections and says nothing: the others must have their turn.
            let opened = tokio::time::timeout(CONNECT, Self::open_at(address, host, patience, witness)).await;
            match opened.unwrap_or_else(|_| Err(silent(address))) {
                Ok(session) if session.verdict.older.is_none() => return Ok(session),
                Ok(session) => {
                    older.get_or_insert(session);
                }
                Err(e) => failures.push((host, e)),
            }
        }
        older.ok_or_else(|| joined(address, failures))
    }

    /// Asks all hosts how far they have got, when whatever takes writes would do. The one that took over last is the one that was
    /// seen, however far others have got since.
    async fn survey(address: &PostgresAddress, witness: &Witness) {
        let mut asking = JoinSet::new();
        for host in address.hosts() {
            let (address, host) = (address.clone(), host.clone());
            asking.spawn(tokio::time::timeout(CONNECT, async move {
                let mut session = Self::connect(&address, &host).await.ok()?;
                session.configure(&address, Patience::Short).await.ok()?;
                session.server = reached::server(&session).await;
                reached::reached(&session).await.ok()
            }));
        }
        let mut found = Vec::new();
        while let Some(asked) = asking.join_next().await {
            found.extend(asked.ok().and_then(Result::ok).flatten());
        }
        let newest = found.into_iter().max_by_key(|reached| (reached.epoch, reached.server.map(|server| server.timeline), reached.position));
        if let Some(newest) = newest {
            witness.see(&newest, false);
        }
    }

    #[allow(clippy::disallowed_methods, reason = "it measures how old a verdict is; what is stored does not depend on it")]
    async fn open_at(address: &PostgresAddress, host: &Host, patience: Patience, witness: &Witness) -> Result<Self, StoreError> {
        let before = witness.before();
        let mut session = Self::connect(address, host).await?;
        session.configure(address, patience).await?;
        session.server = reached::server(&session).await;
        session.verdict = Verdict { older: None, generation: before.generation, at: Instant::now() };
        if witness.knows_whose() {
            let name = PathBuf::from(address.to_string());
            let context = Context { action: "open", name: &name, address };
            let reached = reached::reached(&session).await.map_err(|fault| context.failed(fault))?;
            session.verdict.older = witness.judge(&before, &reached);
        }
        Ok(session)
    }

    #[allow(clippy::disallowed_methods, reason = "it measures how old a verdict is; what is stored does not depend on it")]
    async fn connect(address: &PostgresAddress, host: &Host) -> Result<Self, StoreError> {
        let unavailable = |e: &Error| StoreError::unavailable(address, e);
        let mut config = Config::new();
        config.user(address.user()).dbname(address.database()).application_name("meshroot").connect_timeout(CONNECT);
        // A peer whose machine is gone is noticed in seconds, and not by the next packet's many retries.
        config.keepalives_idle(Duration::from_secs(5)).keepalives_interval(Duration::from_secs(2)).keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(10));
        // The one that takes writes, after a failover too.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite).host(&host.name).port(host.port);
        if let Some(path) = address.password_file() {
            config.password(&*password(path)?);
        }
        let warnings = Arc::new(AtomicU64::new(0));
        let (client, driver) = match address.tls()? {
            None => {
                let (client, connection) = config.ssl_mode(SslMode::Disable).connect(NoTls).await.map_err(|e| unavailable(&e))?;
                (client, tokio::spawn(drive(connection, Arc::clone(&warnings))))
            }
            Some(roots) => {
                // Read anew for each connection: roots are rotated, too.
                let tls = Tls::trusting(roots)?;
                let (client, connection) = config.ssl_mode(SslMode::Require).connect(tls).await.map_err(|e| unavailable(&e))?;
                (client, tokio::spawn(drive(connection, Arc::clone(&warnings))))
            }
        };
        let verdict = Verdict { older: None, generation: 0, at: Instant::now() };
        Ok(Self { client, driver, warnings, statements: Mutex::default(), server: None, verdict })
    }

    async fn configure(&self, address: &PostgresAddress, patience: Patience) -> Result<(), StoreError> {
        let unavailable = |e: &Error| StoreError::unavailable(address, e);
        let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('server_version')";
        let row = self.client.query_typed_one(sql, &[]).await.map_err(|e| unavailable(&e))?;
        let server = || -> Result<(i32, String, String), Error> { Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)) };
        let (number, encoding, version) = server().map_err(|e| unavailable(&e))?;
        let unfit = |why: String| StoreError::Unavailable { address: address.to_string(), detail: why };
        if number < OLDEST {
            return Err(unfit(format!("it is PostgreSQL {version}, and 14 or newer is needed")));
        }
        if encoding != "UTF8" {
            return Err(unfit(format!("its encoding is {encoding}, and a store needs UTF8: create the database with ENCODING 'UTF8'")));
        }
        let (statement, plan) = match patience {
            Patience::Short => ("8s", "auto"),
            // What is searched for differs so much that a plan for all of it fits nothing.
            Patience::Long => ("60s", "force_custom_plan"),
            Patience::Endless => ("0", "auto"),
        };
        // synchronous_commit: what the server's own settings say is not asked; a commit that was acknowledged is on its
        // disk, and on those of the synchronous standbys if there are any. The others keep a dead replica from holding
        // locks, and a busy server from holding us.
        let sql = format!(
            "SET search_path = \"{}\", pg_temp; SET synchronous_commit = on; SET statement_timeout = '{statement}'; SET lock_timeout = '4s'; SET plan_cache_mode = {plan}; \
             SET idle_in_transaction_session_timeout = '10s'; SET client_connection_check_interval = '2s'; \
             SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning; SET jit = off",
            address.schema()
        );
        self.client.batch_execute(&sql).await.map_err(|e| unavailable(&e))
    }

    /// Whether it is gone for certain.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The server at the other end, if it says which.
    pub(super) fn server(&self) -> Option<Server> {
        self.server
    }

    /// Why the database at the other end is an older copy of the store, if it is one.
    pub(super) fn older(&self) -> Option<&str> {
        self.verdict.older.as_deref()
    }

    /// Whether it can be used as it was judged.
    pub(super) fn is_fit(&self, witness: &Witness) -> bool {
        let doubted = self.verdict.older.is_some() && self.verdict.at.elapsed() > DOUBTED;
        !self.is_closed() && !doubted && witness.trusts(self.verdict.generation, self.server)
    }

    /// How many warnings there were so far.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::SeqCst)
    }

    /// Runs statements without parameters.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// The rows of a statement, which is prepared once.
    pub(super) async fn query(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql).await?;
        self.client.query(&statement, values).await
    }

    /// The rows of a statement that is not worth keeping.
    pub(super) async fn query_once(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        self.client.query(sql, values).await
    }

    /// The only row, if there is one.
    pub(super) async fn one(&self, sql: &'static str, values: Values<'_>) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values).await?.pop())
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(&self, sql: &'static str, values: Values<'_>) -> Result<u64, Error> {
        let statement = self.statement(sql).await?;
        self.client.execute(&statement, values).await
    }

    /// Prepares these, so that what follows them goes out without waiting.
    pub(super) async fn prepare(&self, statements: &[&'static str]) -> Result<(), Error> {
        for sql in statements {
            self.statement(sql).await?;
        }
        Ok(())
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement, Error> {
        let held = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = held().get(sql).cloned() {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        held().insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The server ends what it is doing for a client that is gone.
        self.driver.abort();
    }
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// Serves a connection's socket until it ends.
async fn drive<S, T>(mut connection: Connection<S, T>, warnings: Arc<AtomicU64>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(move |context| {
        while let Some(Ok(message)) = ready!(connection.poll_message(context)) {
            // A server that gives up waiting for its standby says so with a warning, and acknowledges the commit all the
            // same.
            if let AsyncMessage::Notice(notice) = message
                && notice.parsed_severity().is_none_or(|severity| severity == Severity::Warning)
            {
                warnings.fetch_add(1, Ordering::SeqCst);
            }
        }
        Poll::Ready(())
    })
    .await;
}

fn silent(address: &PostgresAddress) -> StoreError {
    StoreError::Unavailable { address: address.to_string(), detail: "it did not answer in time".into() }
}

/// Why none of the hosts can be used.
fn joined(address: &PostgresAddress, mut failures: Vec<(&Host, StoreError)>) -> StoreError {
    let telling = |(host, e): &(&Host, StoreError)| match e {
        StoreError::Unavailable { detail, .. } => format!("{}:{}: {detail}", host.name, host.port),
        e => format!("{}:{}: {e}", host.name, host.port),
    };
    match failures.pop() {
        Some((_, e)) if failures.is_empty() => e,
        Some(last) => {
            failures.push(last);
            let detail = failures.iter().map(telling).collect::<Vec<_>>().join("; ");
            StoreError::Unavailable { address: address.to_string(), detail }
        }
        None => silent(address),
    }
}

/// The password, without the line's end.
fn password(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let failed = |source| StoreError::Io { action: "read the password file", path: path.to_owned(), source };
    let mut content = Zeroizing::new(Vec::with_capacity(256));
    std::fs::File::open(path).map_err(failed)?.take(PASSWORD).read_to_end(&mut content).map_err(failed)?;
    while content.last().is_some_and(|octet| matches!(octet, b'\n' | b'\r')) {
        content.pop();
    }
    Ok(content)
}
