use rusqlite::Connection;

use super::failure::Context;
use super::log::Tail;
use super::{idempotency, log, tokens};
use crate::{StoreError, Submission};

/// Where a submission ended up.
pub(super) enum Place {
    /// A new entry of the log.
    New(u64),
    /// The entry that answered the same request before.
    Before(u64),
}

/// Records one submission. The outer error fails the batch, the inner one this submission, of which nothing is left then.
pub(super) fn submit(
    connection: &Connection,
    context: &Context<'_>,
    tail: &mut Tail<'_>,
    submission: &Submission,
) -> Result<Result<Place, StoreError>, StoreError> {
    // A request that was answered is answered again, used-up token or not: the answer may have been lost on its way.
    if let Some(name) = &submission.idempotency
        && let Some((position, request)) = idempotency::find(connection, context, &name.caller, &name.key)?
    {
        return Ok(if request == name.request { Ok(Place::Before(position)) } else { Err(StoreError::IdempotencyMismatch) });
    }
    if submission.idempotency.is_none() && submission.consumes.is_none() {
        return Ok(log::append(connection, context, tail, &submission.issuance)?.map(Place::New));
    }
    let failed = |e| context.failed(e);
    // Several rows belong together: all or none of them, and the batch goes on either way.
    connection.execute_batch("SAVEPOINT submission").map_err(failed)?;
    let before = tail.next;
    let outcome = together(connection, context, tail, submission)?;
    if outcome.is_err() {
        tail.take_back(before);
        connection.execute_batch("ROLLBACK TO submission").map_err(failed)?;
    }
    connection.execute_batch("RELEASE submission").map_err(failed)?;
    Ok(outcome.map(Place::New))
}

fn together(
    connection: &Connection,
    context: &Context<'_>,
    tail: &mut Tail<'_>,
    submission: &Submission,
) -> Result<Result<u64, StoreError>, StoreError> {
    let now = submission.issuance.at;
    let position = match log::append(connection, context, tail, &submission.issuance)? {
        Ok(position) => position,
        Err(e) => return Ok(Err(e)),
    };
    if let Some(digest) = &submission.consumes
        && let Err(e) = tokens::consume(connection, context, digest, position, now)?
    {
        return Ok(Err(e));
    }
    if let Some(name) = &submission.idempotency {
        idempotency::remember(connection, context, name, position, now)?;
    }
    Ok(Ok(position))
}
