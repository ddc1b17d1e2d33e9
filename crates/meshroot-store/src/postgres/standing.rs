//! Whether this is the newest copy of the store. It is noticed by who has seen more: a replica, by its mark, or clients.

use tokio_postgres::Row as Columns;

use super::failure::{Context, Fault};
use super::head::{Head, begin_part};
use super::rows::{int, maybe};
use super::session::Session;
use super::{commit, load};
use crate::checksum::Checksum;
use crate::mark::Reached;
use crate::{Restoration, Restored, Seen, StoreError};

/// How far the positions of the issuance log jump: farther than a lost history can have got.
const JUMP: i64 = 1_000_000_000;

const READ: &str = "SELECT epoch, doubt, seen, checksum, (SELECT coalesce(max(sequence), 0) FROM bundles) FROM standing";

/// The row that says it.
pub(super) struct Row {
    pub(super) epoch: i64,
    pub(super) doubt: Option<String>,
    pub(super) seen: i64,
}

impl Row {
    pub(super) fn checksum(&self) -> i64 {
        // No doubt is without words.
        Checksum::of("standing").int(self.epoch).text(self.doubt.as_deref().unwrap_or_default()).int(self.seen).finish()
    }

    /// The row, and the greatest sequence number that is held.
    pub(super) async fn read(session: &Session, context: &Context<'_>) -> Result<(Self, i64), Fault> {
        let columns: Option<Columns> = session.one(READ, &[]).await?;
        let columns = columns.ok_or_else(|| context.damaged("it does not say whether it is the newest copy"))?;
        let row = Self { epoch: int(&columns, 0)?, doubt: maybe(&columns, 1)?, seen: int(&columns, 2)? };
        context.sound(row.checksum() == int(&columns, 3)?, || "whether it is the newest copy".to_owned())?;
        Ok((row, int(&columns, 4)?))
    }

    pub(super) async fn write(&self, session: &Session) -> Result<(), Fault> {
        let sql = "UPDATE standing SET epoch = $1, doubt = $2, seen = $3, checksum = $4";
        session.execute(sql, &[&self.epoch, &self.doubt, &self.seen, &self.checksum()]).await?;
        Ok(())
    }
}

pub(super) fn older(context: &Context<'_>, why: String) -> StoreError {
    StoreError::OlderCopy { path: context.name.to_owned(), why }
}

/// Refuses when the store is an older copy of itself.
pub(super) async fn is_newest(session: &Session, context: &Context<'_>) -> Result<(), Fault> {
    match Row::read(session, context).await?.0.doubt {
        Some(why) => Err(older(context, why).into()),
        None => Ok(()),
    }
}

/// Takes note of a later bundle that somebody has seen. `false` when it is none.
pub(super) async fn doubt(session: &Session, context: &Context<'_>, seen: &Seen) -> Result<bool, Fault> {
    let sequence = i64::try_from(seen.sequence).map_err(|_| StoreError::TooLarge { what: "sequence number", number: seen.sequence })?;
    // Whoever changes bundles holds this lock.
    commit::lock(session, context).await?;
    let number = load::number_of(session, seen.trust_domain.as_str()).await?;
    let number = number.ok_or_else(|| StoreError::UnknownTrustDomain(seen.trust_domain.clone()))?;
    let held = commit::newest_sequence(session, number).await?.unwrap_or(0);
    if sequence <= held {
        return Ok(false);
    }
    let (mut row, _) = Row::read(session, context).await?;
    row.seen = row.seen.max(sequence);
    let words = || format!("{} has seen bundle {sequence} of '{}', and {held} is the newest here; said at {}", seen.by, seen.trust_domain, seen.at);
    row.doubt.get_or_insert_with(words);
    row.write(session).await?;
    Ok(true)
}

/// Takes note of what a replica's mark says, so that replicas without one learn of it. It may be the last thing that is written
/// here, to a server that waits for its standby in vain: it does not.
pub(super) async fn note(session: &Session, context: &Context<'_>, why: &str) -> Result<(), Fault> {
    if session.older().is_none() {
        // Another server than the one that was spoken of.
        return Ok(());
    }
    session.run("SET LOCAL synchronous_commit = local").await?;
    commit::lock(session, context).await?;
    let (mut row, _) = Row::read(session, context).await?;
    row.doubt.get_or_insert_with(|| why.to_owned());
    row.write(session).await
}

/// Puts a restoration on record and lifts every doubt. `lost` is how far the store had got, as far as is known.
pub(super) async fn restored(session: &Session, context: &Context<'_>, restoration: &Restoration, lost: &Reached) -> Result<Restored, Fault> {
    let mut version = u64::try_from(commit::lock(session, context).await?.version).unwrap_or_default();
    let (mut row, _) = Row::read(session, context).await?;
    let why = row.doubt.take().or_else(|| session.older().map(ToOwned::to_owned)).unwrap_or_else(|| "nothing was noticed".to_owned());
    row.epoch = row.epoch.max(lost.epoch).saturating_add(1);
    // First: nothing is written to an older copy.
    row.write(session).await?;
    for change in &restoration.changes {
        version = commit::commit(session, context, change).await?;
    }
    // So that no position ever names two certificates.
    let head = Head::lock(session, context).await?;
    let first = head.position.max(lost.position).saturating_add(JUMP);
    begin_part(session, head, first, restoration.at).await?.store(session).await?;
    let checksum = Checksum::of("restorations").int(row.epoch).int(restoration.at.unix()).text(&restoration.by).text(&why).int(first).finish();
    let sql = "INSERT INTO restorations (epoch, at, restored_by, why, first, checksum) VALUES ($1, $2, $3, $4, $5, $6)";
    session.execute(sql, &[&row.epoch, &restoration.at.unix(), &restoration.by, &why, &first, &checksum]).await?;
    let number = |n: i64| u64::try_from(n).unwrap_or_default();
    Ok(Restored { epoch: number(row.epoch), version, next_position: number(first) })
}
