use core::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::failure::Context;
use super::inventory::Maintenance;
use super::references::References;
use super::serials::Recent;
use super::{mark_of, standing};
use crate::mark::{Found, Mark, Reached};
use crate::{Restoration, Restored, Standing, StoreError, StoreId, VISIBLE_AFTER};

/// What people know it as.
const MARK: &str = "the mark beside it";

/// An open store's connection, and what is known of the file beside what is in it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: Connection,
    /// A write failed on the disk.
    pub(super) stopped: bool,
    /// `None` when there is none that could be used.
    pub(super) mark: Option<Mark>,
    /// Why the mark says that this is an older copy.
    pub(super) older: Option<String>,
    /// How far the newest copy had got, as far as the mark says.
    pub(super) lost: Reached,
    /// The newest serial numbers.
    pub(super) recent: Recent,
    /// By which the next certificates are kept.
    pub(super) references: References,
    pub(super) maintenance: Maintenance,
}

/// What a transaction writes, which decides what else happens with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    /// Certificates: counted by their positions, and the mark does not wait for the disk.
    Records,
    /// Anything else that must not be forgotten.
    State,
    /// The same, with a bundle.
    Bundle,
    /// What can be made again from the log.
    Projection,
    /// A doubt, which an older copy takes too.
    Doubt,
}

impl State {
    /// Compares the store with its mark: when it is opened, and again as long as it seems to be an older copy.
    pub(super) fn compare_with_mark(&mut self, id: &StoreId, context: &Context<'_>) -> Result<(), StoreError> {
        // The mark first: it never says more than the store held at that moment, so what the store says then can only be
        // less if it is another copy.
        let (mark, found) = Mark::open(&mark_of(context.path), id)?;
        self.mark = mark;
        let row = standing::Row::read(&self.connection, context)?;
        let reached = standing::reached(&self.connection, context)?;
        self.lost = Reached::default();
        self.older = match found {
            Found::Mark(held) => {
                self.lost = held;
                let behind = reached.behind(&held, MARK);
                if let (None, Some(mark)) = (&behind, &mut self.mark) {
                    mark.advance(&reached, false).map_err(|e| StoreError::io("write", &mark_of(context.path), e))?;
                }
                behind
            }
            Found::Nothing if !row.marked => {
                self.lay_first(id, context)?;
                None
            }
            Found::Nothing => {
                Some("the mark that belongs beside it is not there: it was copied without it, or put back from a backup in another place".into())
            }
            Found::Unusable(what) => Some(format!("{MARK} {what}")),
        };
        Ok(())
    }

    /// A store that never had a mark gets one.
    fn lay_first(&mut self, id: &StoreId, context: &Context<'_>) -> Result<(), StoreError> {
        let Self { connection, mark, .. } = self;
        *mark = Some(write_in(connection, context, |transaction, context| {
            let mut row = standing::Row::read(transaction, context)?;
            if row.marked {
                // Another process was as quick.
                let (mark, _) = Mark::open(&mark_of(context.path), id)?;
                return mark.ok_or_else(|| context.damaged("its mark was taken away while it was opened"));
            }
            row.marked = true;
            row.write(transaction, context)?;
            Mark::lay(&mark_of(context.path), id, &standing::reached(transaction, context)?)
        })?);
        Ok(())
    }

    /// Whether anything may be written.
    pub(super) fn is_newest(&mut self, id: &StoreId, context: &Context<'_>) -> Result<(), StoreError> {
        if self.older.is_some() {
            // The operator may have said so to another process, or brought the mark.
            self.compare_with_mark(id, context)?;
        }
        match &self.older {
            Some(why) => Err(older(context, why.clone())),
            None => standing::Row::read(&self.connection, context)?.doubt.map_or(Ok(()), |why| Err(older(context, why))),
        }
    }

    pub(super) fn standing(&mut self, id: &StoreId, context: &Context<'_>) -> Result<Standing, StoreError> {
        if self.older.is_some() {
            self.compare_with_mark(id, context)?;
        }
        let row = standing::Row::read(&self.connection, context)?;
        let seen = row.seen.max(self.lost.sequence);
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Standing { epoch: number(row.epoch), older: self.older.clone().or(row.doubt), seen: number(seen) })
    }

    /// Writes all or nothing.
    pub(super) fn write<T>(
        &mut self,
        what: Writes,
        id: &StoreId,
        context: &Context<'_>,
        write: impl FnOnce(&Transaction<'_>, &Context<'_>, Duration) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transact(what, id, context, |transaction, context, _, delay| {
            let written = write(transaction, context, delay)?;
            let reached = match what {
                // Certificates move the mark where they are appended.
                Writes::Projection | Writes::Doubt | Writes::Records => None,
                Writes::State | Writes::Bundle => {
                    standing::count(transaction, context)?;
                    Some(standing::reached(transaction, context)?)
                }
            };
            Ok((written, reached))
        })
    }

    /// Writes certificates, all or nothing; `write` also answers the position of the log's newest entry then.
    pub(super) fn append<T>(
        &mut self,
        id: &StoreId,
        context: &Context<'_>,
        write: impl FnOnce(&Transaction<'_>, &Context<'_>) -> Result<(T, i64), StoreError>,
    ) -> Result<T, StoreError> {
        self.transact(Writes::Records, id, context, |transaction, context, row, _| {
            let (written, position) = write(transaction, context)?;
            Ok((written, Some(Reached { epoch: row.epoch, position, ..Reached::default() })))
        })
    }

    fn transact<T>(
        &mut self,
        what: Writes,
        id: &StoreId,
        context: &Context<'_>,
        write: impl FnOnce(&Transaction<'_>, &Context<'_>, &standing::Row, Duration) -> Result<(T, Option<Reached>), StoreError>,
    ) -> Result<T, StoreError> {
        if self.stopped {
            return Err(StoreError::Stopped(context.path.to_owned()));
        }
        if what != Writes::Doubt && self.older.is_some() {
            self.is_newest(id, context)?;
        }
        let Self { connection, mark, .. } = self;
        let written = write_in(connection, context, |transaction, context| {
            let row = standing::Row::read(transaction, context)?;
            if let Some(why) = row.doubt.as_ref().filter(|_| what != Writes::Doubt) {
                return Err(older(context, why.clone()));
            }
            write(transaction, context, &row, delay(what, mark.as_ref()))
        });
        self.after(what, written)
    }

    /// Puts it on record that this copy counts from now on.
    pub(super) fn restored(&mut self, id: &StoreId, context: &Context<'_>, restoration: &Restoration) -> Result<Restored, StoreError> {
        if self.stopped {
            return Err(StoreError::Stopped(context.path.to_owned()));
        }
        let why = self.standing(id, context)?.older.unwrap_or_else(|| "nothing seemed to be wrong".into());
        let Self { connection, mark, lost, .. } = self;
        let written = write_in(connection, context, |transaction, context| {
            let delay = delay(Writes::Bundle, mark.as_ref());
            let restored = standing::restored(transaction, context, restoration, &why, lost, delay)?;
            standing::count(transaction, context)?;
            Ok((restored, Some(standing::reached(transaction, context)?)))
        });
        if let Ok((_, Some(reached))) = &written
            && self.older.is_some()
        {
            // Let go of first: whoever holds it alone would wait for itself.
            drop(self.mark.take());
            self.mark = Some(Mark::lay(&mark_of(context.path), id, reached)?);
            self.older = None;
        }
        self.after(Writes::Bundle, written)
    }

    /// Moves the mark on.
    fn after<T>(&mut self, what: Writes, written: Result<(T, Option<Reached>), StoreError>) -> Result<T, StoreError> {
        if let Some(mark) = self.mark.as_mut() {
            if what == Writes::Bundle {
                mark.not_alone();
            }
            if let Ok((_, Some(reached))) = &written {
                // What is written is written. A mark that cannot be moved on says too little and never too much, and the
                // next one makes it good.
                let _ = mark.advance(reached, what != Writes::Records);
            }
        }
        self.stopped = matches!(written, Err(StoreError::Disk { .. }));
        written.map(|(written, _)| written)
    }
}

/// How long after a change its bundle is served.
fn delay(what: Writes, mark: Option<&Mark>) -> Duration {
    match mark {
        _ if what != Writes::Bundle => Duration::ZERO,
        Some(mark) if mark.alone() => Duration::ZERO,
        _ => VISIBLE_AFTER,
    }
}

fn older(context: &Context<'_>, why: String) -> StoreError {
    StoreError::OlderCopy { path: context.path.to_owned(), why }
}

fn write_in<T>(
    connection: &mut Connection,
    context: &Context<'_>,
    write: impl FnOnce(&Transaction<'_>, &Context<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // Immediate: a transaction that begins by reading and then finds another writer ahead of it could not go on.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| context.failed(e))?;
    let written = write(&transaction, context)?;
    transaction.commit().map_err(|e| context.failed(e))?;
    Ok(written)
}
