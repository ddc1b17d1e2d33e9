//! What this process has seen of the store. A server has no place beside it for a mark that outlives a backup put back; whoever
//! uses it has, so each replica keeps a mark of its own, and refuses a database that has got less far.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::mark::{Found, Mark, Reached, Server};
use crate::{StoreError, StoreId};

/// What people know the mark as. It may be another replica's: a doubt is said in every process.
const MARK: &str = "the mark of a replica";

/// Where the mark lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: what was seen is forgotten when the process ends.
    #[default]
    Nowhere,
    /// In this folder if that can be.
    IfPossible(PathBuf),
    /// In this folder, or nothing is done at all.
    In(PathBuf),
}

/// The memory of one process, which all its connections share.
#[derive(Debug)]
pub(super) struct Witness {
    place: Place,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whose store it is, once that is known.
    id: Option<StoreId>,
    seen: Option<Reached>,
    mark: Option<Mark>,
    /// What is wrong with the mark that lies there.
    unusable: Option<String>,
    /// Why there is no mark.
    missing: Option<String>,
    /// Grows when every connection has to be judged anew.
    generation: u64,
}

/// What was seen before a database is asked how far it has got. Taken before, because what others commit meanwhile is no reason to
/// doubt the answer.
#[derive(Clone, Debug)]
pub(super) struct Before {
    seen: Option<Reached>,
    unusable: Option<String>,
    pub(super) generation: u64,
}

impl Witness {
    pub(super) fn new(place: Place) -> Self {
        Self { place, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls to mind what was seen of the store with this identifier. Every connection is judged anew from then on.
    ///
    /// # Errors
    /// When its mark has to be kept, and what lies there cannot be opened.
    pub(super) fn recall(&self, id: &StoreId) -> Result<(), StoreError> {
        let mut state = self.state();
        state.generation = state.generation.saturating_add(1);
        state.id = Some(id.clone());
        self.read(&mut state)
    }

    fn read(&self, state: &mut State) -> Result<(), StoreError> {
        let Some(id) = &state.id else { return Ok(()) };
        state.unusable = None;
        let path = match &self.place {
            Place::Nowhere => {
                state.missing = Some("no folder was named for it".into());
                return Ok(());
            }
            Place::IfPossible(folder) | Place::In(folder) => path_of(folder, id),
        };
        match Mark::open(&path, id) {
            Ok((mark, found)) => {
                state.mark = mark;
                match found {
                    // It is laid when something was seen.
                    Found::Nothing => {}
                    Found::Mark(reached) => state.seen = Some(reached),
                    Found::Unusable(what) => state.unusable = Some(format!("the mark {} {what}", path.display())),
                }
            }
            Err(e) if matches!(self.place, Place::In(_)) => return Err(e),
            Err(e) => state.missing = Some(e.to_string()),
        }
        Ok(())
    }

    /// Whether the mark is there, if it has to be.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) fn is_kept(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        if !matches!(self.place, Place::In(_)) || state.mark.is_some() {
            return Ok(());
        }
        let Some((id, seen)) = state.id.clone().zip(state.seen) else { return Ok(()) };
        state.mark = self.lay(&id, &seen)?;
        state.missing = None;
        Ok(())
    }

    fn lay(&self, id: &StoreId, reached: &Reached) -> Result<Option<Mark>, StoreError> {
        match &self.place {
            Place::Nowhere => Ok(None),
            Place::IfPossible(folder) | Place::In(folder) => Mark::lay(&path_of(folder, id), id, reached).map(Some),
        }
    }

    /// Why the mark is kept nowhere but in this process, if so.
    pub(super) fn is_forgetful(&self) -> Option<String> {
        self.state().missing.clone()
    }

    /// Whether it knows which store it watches, and nothing of it yet.
    pub(super) fn has_seen_nothing(&self) -> bool {
        let state = self.state();
        state.id.is_some() && state.seen.is_none()
    }

    /// Whether it knows which store it watches.
    pub(super) fn knows_whose(&self) -> bool {
        self.state().id.is_some()
    }

    pub(super) fn before(&self) -> Before {
        let mut state = self.state();
        if state.unusable.is_some() {
            // Somebody may have brought another one, or taken it away.
            let _ = self.read(&mut state);
        }
        Before { seen: state.seen, unusable: state.unusable.clone(), generation: state.generation }
    }

    /// Why a database that has got so far is an older copy. When it is none, it is remembered how far it has got.
    pub(super) fn judge(&self, before: &Before, reached: &Reached) -> Option<String> {
        let older = before.unusable.clone().or_else(|| reached.behind(before.seen.as_ref()?, MARK));
        if older.is_none() {
            // Others' entries of the log may be there before they are acknowledged, and never be: whoever recorded them knows.
            let known = before.seen.is_some_and(|seen| seen.epoch == reached.epoch);
            self.see(&Reached { position: if known { 0 } else { reached.position }, ..*reached }, false);
        }
        older
    }

    /// Whether it is only this replica's mark that cannot be used: no reason for others to stop.
    pub(super) fn is_unusable(&self) -> bool {
        self.state().unusable.is_some()
    }

    /// Remembers that the store has got so far, and perhaps farther. `durable` waits for this machine's disk.
    pub(super) fn see(&self, reached: &Reached, durable: bool) {
        let mut state = self.state();
        let Some(id) = state.id.clone() else { return };
        let seen = state.seen.map_or(*reached, |seen| seen.or(*reached));
        state.seen = Some(seen);
        if let Some(mark) = &mut state.mark {
            // A mark that cannot be moved on says too little and never too much, and the next one makes it good.
            let _ = mark.advance(reached, durable);
        } else if state.missing.is_none() && state.unusable.is_none() {
            // Where none is, who comes first takes the database at its word.
            match self.lay(&id, &seen) {
                Ok(mark) => state.mark = mark,
                Err(e) => state.missing = Some(e.to_string()),
            }
        }
    }

    /// Remembers that the log has got so far.
    pub(super) fn see_position(&self, position: i64) {
        let seen = self.state().seen;
        if let Some(seen) = seen {
            self.see(&Reached { position, server: None, version: 0, writes: 0, sequence: 0, epoch: seen.epoch }, false);
        }
    }

    /// How far the store had got that was forgotten.
    pub(super) fn lost(&self) -> Reached {
        self.state().seen.unwrap_or_default()
    }

    /// An operator has said that the store counts as it is: nothing that was seen before does.
    pub(super) fn begin_anew(&self, reached: &Reached) {
        let mut state = self.state();
        let Some(id) = state.id.clone() else { return };
        state.generation = state.generation.saturating_add(1);
        state.seen = Some(*reached);
        state.unusable = None;
        if state.missing.is_none() {
            match self.lay(&id, reached) {
                Ok(mark) => state.mark = mark,
                // What is on record is on record. An old mark says too little, and is of an epoch that is over.
                Err(e) => state.missing = Some(e.to_string()),
            }
        }
    }

    /// Has every connection judged anew.
    pub(super) fn look_again(&self) {
        let mut state = self.state();
        state.generation = state.generation.saturating_add(1);
    }

    /// Whether a connection that was judged in this generation, to this server, can be used as it was judged.
    pub(super) fn trusts(&self, generation: u64, server: Option<Server>) -> bool {
        let state = self.state();
        let succeeded = server.zip(state.seen.and_then(|seen| seen.server)).is_some_and(|(its, newest)| its.is_succeeded_by(newest));
        generation == state.generation && !succeeded
    }
}

/// Where the mark of a store lies in a folder, which may have those of others.
fn path_of(folder: &Path, id: &StoreId) -> PathBuf {
    folder.join(format!("store-{id}.mark"))
}
