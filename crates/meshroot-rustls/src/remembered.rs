use std::sync::{Mutex, PoisonError};

use meshroot::verify::CaLinks;

/// CA links that earlier handshakes verified, for one state of trust.
///
/// Handshakes run in parallel, and a validation takes a whole signature verification: so each borrows links of its own
/// instead of waiting for a lock, and puts them back. Each set soon knows every CA; there are as many as handshakes at
/// a time, and no more than [`MOST`](Self::MOST) are kept.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Vec<CaLinks>>);

impl Remembered {
    /// More than machines have cores.
    const MOST: usize = 64;

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut CaLinks) -> T) -> T {
        let mut links = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let result = work(&mut links);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < Self::MOST {
            kept.push(links);
        }
        result
    }

    /// How many CA paths the set knows that is used next.
    #[cfg(test)]
    pub(crate) fn paths(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().map_or(0, CaLinks::len)
    }
}
