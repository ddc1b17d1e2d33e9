//! Recording a batch: one transaction, two round trips.
//!
//! The first locks the end of the log and reads what the decisions depend on; while the lock is held nobody else appends,
//! uses a serial number, a token or an idempotency key up, so what was read stays true until the commit. The second
//! writes everything and commits.

use std::collections::HashSet;

use meshroot::issue::Issued;
use meshroot::time::Timestamp;

use super::decide::{Known, decide};
use super::failure::{Context, Fault};
use super::head::{self, Head};
use super::rows::{maybe, text};
use super::session::Session;
use super::{idempotency, log, revocations, tokens};
use crate::sqlite::log::Entry;
use crate::sqlite::serials::REMEMBERED;
use crate::{JoinToken, StoreError, Submission};

/// How many expired serial numbers, or idempotency keys, are forgotten with each record. More than one, so that the tables
/// shrink; few, so that no batch pays for all.
pub(super) const FORGOTTEN_AT_ONCE: i64 = 4;

/// What is asked for, read through before anything is locked.
pub(super) struct Candidate<'a> {
    pub(super) submission: &'a Submission,
    /// The number of its trust domain, or why it can never be recorded.
    pub(super) trust_domain: Result<i64, StoreError>,
    pub(super) name: Option<[u8; 32]>,
}

/// Where a submission ended up.
pub(super) enum Place {
    /// A new entry of the log.
    New(u64),
    /// The entry that answered the same request before.
    Before(u64),
    /// It is refused.
    Refused(StoreError),
    /// It can never be recorded, for the reason that its [`Candidate`] has.
    Unfit,
}

/// What the second round trip writes.
pub(super) struct Plan<'a> {
    pub(super) places: Vec<Place>,
    pub(super) head: Head,
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) issuers: Vec<&'a [u8]>,
    pub(super) names: Vec<(usize, [u8; 32], i64)>,
    pub(super) tokens: Vec<JoinToken>,
    pub(super) token_domains: Vec<i64>,
    pub(super) batch: &'a [Candidate<'a>],
}

impl<'a> Candidate<'a> {
    /// Reads a submission; `number_of` knows the trust domains of the store.
    pub(super) fn new(submission: &'a Submission, number_of: impl Fn(&str) -> Option<i64>) -> Self {
        let issuance = &submission.issuance;
        let name = submission.idempotency.as_ref();
        let number = || {
            // PostgreSQL's texts hold every character but this one; the whole batch would fail with it.
            let texts =
                [Some(issuance.kind.as_str()), Some(&issuance.caller), name.map(|name| name.caller.as_str()), name.map(|name| name.key.as_str())];
            if texts.into_iter().flatten().any(|text| text.contains('\0')) {
                let detail = "a text with a NUL character cannot be stored".to_owned();
                return Err(StoreError::Database { action: "record in", path: "the store".into(), detail });
            }
            number_of(issuance.trust_domain.as_str()).ok_or_else(|| StoreError::UnknownTrustDomain(issuance.trust_domain.clone()))
        };
        Self { submission, trust_domain: number(), name: name.map(|name| idempotency::digest_of(&name.caller, &name.key)) }
    }
}

const FORGET_SERIALS: &str =
    "DELETE FROM serials WHERE ctid = ANY(ARRAY(SELECT ctid FROM serials WHERE expires_at < $1 ORDER BY expires_at LIMIT $2))";
const USED_SERIALS: &str = "SELECT ordinal FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) WITH ORDINALITY AS asked (serial, issuer, trust_domain, ordinal) \
    JOIN serials USING (serial, issuer, trust_domain)";
pub(super) const APPEND: &str = "INSERT INTO issuances (part, position, trust_domain, authority, kind, caller, spiffe_id, serial, not_before, not_after, at, since, certificate, checksum) \
    SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[], \
    $12::bigint[], $13::bytea[], $14::bigint[])";
pub(super) const USE_SERIALS: &str = "INSERT INTO serials (part, serial, issuer, trust_domain, expires_at, position) \
    SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[])";

/// All of them: one that had to be prepared on the way would come after what is sent behind it, and after the commit.
pub(super) const STATEMENTS: &[&str] = &[
    head::LOCK,
    FORGET_SERIALS,
    USED_SERIALS,
    tokens::LOCK,
    idempotency::FIND,
    APPEND,
    USE_SERIALS,
    tokens::CONSUME,
    idempotency::FORGET,
    idempotency::REMEMBER,
    revocations::DENIES,
    log::RAISE,
    head::MOVE,
];

/// The first round trip.
pub(super) async fn prepare<'a>(session: &Session, context: &Context<'_>, batch: &'a [Candidate<'a>]) -> Result<Plan<'a>, Fault> {
    session.prepare(STATEMENTS).await?;
    let fit = |(at, one): (usize, &'a Candidate<'a>)| Some((at, &one.submission.issuance.issued, *one.trust_domain.as_ref().ok()?));
    let fit: Vec<(usize, &Issued, i64)> = batch.iter().enumerate().filter_map(fit).collect();
    let serials: Vec<&[u8]> = fit.iter().map(|(_, issued, _)| issued.serial().as_bytes()).collect();
    let issuers: Vec<&[u8]> = fit.iter().map(|(_, issued, _)| issued.issuer().as_der()).collect();
    let domains: Vec<i64> = fit.iter().map(|(_, _, trust_domain)| *trust_domain).collect();
    let digests: Vec<&[u8]> = batch.iter().filter_map(|one| Some(one.submission.consumes.as_ref()?.0.as_slice())).collect();
    let names: Vec<&[u8]> = batch.iter().filter_map(|one| Some(one.name.as_ref()?.as_slice())).collect();
    // Only what is expired for all of them is forgotten.
    let now = batch.iter().map(|one| one.submission.issuance.at).min();
    let forget_before = now.map_or(0, |now| now.minus(REMEMBERED).unix());
    let forget_at_most = FORGOTTEN_AT_ONCE.saturating_mul(i64::try_from(batch.len()).unwrap_or(i64::MAX));

    let ids: Vec<&str> = fit.iter().filter_map(|(_, issued, _)| Some(issued.id()?.as_str())).collect();

    let (head, forgotten, used, tokens, names, denials) = tokio::join!(
        biased;
        session.one(head::LOCK, &[]),
        async { session.execute(FORGET_SERIALS, &[&forget_before, &forget_at_most]).await },
        async { session.query(USED_SERIALS, &[&serials, &issuers, &domains]).await },
        async { if digests.is_empty() { Ok(Vec::new()) } else { session.query(tokens::LOCK, &[&digests]).await } },
        async { if names.is_empty() { Ok(Vec::new()) } else { session.query(idempotency::FIND, &[&names]).await } },
        async { session.query(revocations::DENIES, &[&ids]).await },
    );
    let mut head = Head::read(head?, context)?;
    forgotten?;
    let mut used_serials = HashSet::new();
    for row in used? {
        let ordinal = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default();
        used_serials.extend(ordinal.checked_sub(1).and_then(|at| fit.get(at)).map(|(at, ..)| *at));
    }
    let mut known = Known { used_serials, ..Known::default() };
    for row in tokens? {
        let (token, trust_domain) = tokens::read(&row, context)?;
        known.tokens.insert(token.digest, (token, trust_domain));
    }
    for row in names? {
        let (name, position, request) = idempotency::read(&row, context)?;
        known.names.insert(name, (position, request));
    }
    for row in denials? {
        known.denials.push((text(&row, 0)?, maybe(&row, 1)?));
    }
    let decided = decide(batch, head, known);
    if let Some(now) = decided.entries.first().map(|entry| Timestamp::from_unix(entry.at))
        && head.needs_part(now)
    {
        head = head::begin_part(session, head, head.position.saturating_add(1), now).await?;
    }
    let (position, last) = (decided.head.position, decided.entries.iter().map(|entry| entry.not_after).max());
    let part_last_expiry = head.part_last_expiry.max(last.unwrap_or_default());
    Ok(Plan { head: Head { position, part_last_expiry, ..head }, ..decided })
}
