//! The second round trip of a batch: everything that it writes, and the commit.

use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use super::failure::Fault;
use super::line::judge;
use super::session::Session;
use super::submit::{APPEND, FORGOTTEN_AT_ONCE, Plan, STATEMENTS, USE_SERIALS};
use super::{idempotency, log, tokens};
use crate::sqlite::idempotency::checksum as name_checksum;
use crate::sqlite::log::Entry;
use crate::sqlite::tokens::checksum as token_checksum;

/// Writes and commits.
pub(super) async fn seal(session: &Session, plan: &Plan<'_>) -> Result<(), Fault> {
    if plan.entries.is_empty() {
        // Nothing is to be kept but what was forgotten. The lock on the log's end was written down, so even this is acknowledged
        // only after every entry that it has seen.
        return judge(Ok(()), session.run("COMMIT").await);
    }
    // It was prepared with these before; if not, nothing may go out in the wrong order.
    session.prepare(STATEMENTS).await?;
    let (appended, used, consumed, remembered, expiries, moved, committed) = tokio::join!(
        biased;
        append(session, plan),
        use_serials(session, plan),
        consume(session, plan),
        remember(session, plan),
        log::raise_expiries(session, &plan.entries),
        plan.head.store(session),
        session.run("COMMIT"),
    );
    let statements = [appended, used, consumed, remembered, expiries, moved].into_iter().collect::<Result<Vec<()>, Error>>();
    judge(statements.map(drop), committed)
}

fn column<'p, T>(plan: &'p Plan<'_>, value: impl Fn(&'p Entry<'_>) -> T) -> Vec<T> {
    plan.entries.iter().map(value).collect()
}

async fn append(session: &Session, plan: &Plan<'_>) -> Result<(), Error> {
    let values: [&(dyn ToSql + Sync); 14] = [
        &plan.head.part,
        &column(plan, |entry| entry.position),
        &column(plan, |entry| entry.trust_domain),
        &column(plan, |entry| entry.authority),
        &column(plan, |entry| entry.kind),
        &column(plan, |entry| entry.caller),
        &column(plan, |entry| entry.spiffe_id),
        &column(plan, |entry| entry.serial),
        &column(plan, |entry| entry.not_before),
        &column(plan, |entry| entry.not_after),
        &column(plan, |entry| entry.at),
        &column(plan, |entry| entry.since),
        &column(plan, |entry| entry.certificate),
        &column(plan, |entry| entry.checksum()),
    ];
    session.execute(APPEND, &values).await.map(drop)
}

async fn use_serials(session: &Session, plan: &Plan<'_>) -> Result<(), Error> {
    let values: [&(dyn ToSql + Sync); 6] = [
        &plan.head.part,
        &column(plan, |entry| entry.serial),
        &plan.issuers,
        &column(plan, |entry| entry.trust_domain),
        &column(plan, |entry| entry.not_after),
        &column(plan, |entry| entry.position),
    ];
    session.execute(USE_SERIALS, &values).await.map(drop)
}

async fn consume(session: &Session, plan: &Plan<'_>) -> Result<(), Error> {
    if plan.tokens.is_empty() {
        return Ok(());
    }
    let digests: Vec<&[u8]> = plan.tokens.iter().map(|token| token.digest.0.as_slice()).collect();
    let positions: Vec<i64> = plan.tokens.iter().map(crate::sqlite::tokens::used).collect();
    let checksums: Vec<i64> = plan.tokens.iter().zip(&plan.token_domains).map(|(token, domain)| token_checksum(*domain, token)).collect();
    session.execute(tokens::CONSUME, &[&digests, &positions, &checksums]).await.map(drop)
}

async fn remember(session: &Session, plan: &Plan<'_>) -> Result<(), Error> {
    let kept: Vec<_> = plan
        .names
        .iter()
        .filter_map(|(at, digest, position)| {
            let submission = plan.batch.get(*at)?.submission;
            Some((digest.as_slice(), submission.idempotency.as_ref()?, *position, submission.issuance.at))
        })
        .collect();
    let Some(now) = kept.iter().map(|(.., at)| *at).min() else { return Ok(()) };
    let names: Vec<&[u8]> = kept.iter().map(|(digest, ..)| *digest).collect();
    let callers: Vec<&str> = kept.iter().map(|(_, name, ..)| name.caller.as_str()).collect();
    let keys: Vec<&str> = kept.iter().map(|(_, name, ..)| name.key.as_str()).collect();
    let requests: Vec<&[u8]> = kept.iter().map(|(_, name, ..)| name.request.as_slice()).collect();
    let positions: Vec<i64> = kept.iter().map(|(_, _, position, _)| *position).collect();
    let expiries: Vec<i64> = kept.iter().map(|(_, name, ..)| name.expires_at.unix()).collect();
    let checksums: Vec<i64> =
        kept.iter().map(|(_, name, position, _)| name_checksum(&name.caller, &name.key, &name.request, *position, name.expires_at.unix())).collect();
    let at_most = FORGOTTEN_AT_ONCE.saturating_mul(i64::try_from(kept.len()).unwrap_or(i64::MAX));
    let (forgotten, remembered) = tokio::join!(
        biased;
        async { session.execute(idempotency::FORGET, &[&now.unix(), &at_most]).await },
        async { session.execute(idempotency::REMEMBER, &[&names, &callers, &keys, &requests, &positions, &expiries, &checksums]).await },
    );
    forgotten.and(remembered).map(drop)
}
