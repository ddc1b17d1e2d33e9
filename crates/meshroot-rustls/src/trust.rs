use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use meshroot::bundle::{Bundle, BundleMap, Rollback};
use meshroot::key::Crypto;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::{Rejection, ValidatedSvid, Validator};

use crate::remembered::Remembered;

/// Whom to believe: the bundles of one or several trust domains, revocation lists, and the time. Configurations share
/// it, and what is replaced here counts from the next handshake on.
pub struct Trust {
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    crypto: Crypto,
    state: ArcSwap<State>,
    /// The newest bundle of every trust domain that was ever held; locked while something is replaced.
    newest: Mutex<BundleMap>,
}

/// What one handshake judges by.
#[derive(Debug)]
struct State {
    bundles: BundleMap,
    validator: Validator,
    crls: CrlSet,
    /// Belongs to the state, so that what was remembered for other anchors and lists goes with them.
    remembered: Remembered,
}

/// A bundle goes back, or its content changed under the same sequence number. What was held is held on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bundle of '{trust_domain}' is not taken over: {reason}")]
pub struct BundleRefused {
    /// Whose bundle it is.
    pub trust_domain: TrustDomain,
    /// What is wrong with it.
    pub reason: Rollback,
}

impl BundleRefused {
    /// A stable, machine-readable code: that of the [`Rollback`].
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }
}

impl Trust {
    /// Believes these bundles, by the machine's clock, and asks for no revocation. An empty map accepts nobody.
    pub fn new(bundles: BundleMap, crypto: Crypto) -> Self {
        Self::with_clock(bundles, crypto, machine_clock)
    }

    /// As [`new`](Self::new), with another clock. It is read once in each handshake.
    pub fn with_clock(bundles: BundleMap, crypto: Crypto, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let newest = Mutex::new(bundles.clone());
        let state = ArcSwap::from_pointee(State::new(bundles, CrlSet::empty(), &crypto));
        Self { now: Box::new(now), crypto, state, newest }
    }

    /// Takes over these bundles, all or none. A trust domain that is not among them is not believed any more; its
    /// sequence number stays known, should it come back.
    ///
    /// # Errors
    /// A bundle goes back (SPIFFE Trust Domain and Bundle §4.1.1); nothing was changed.
    pub fn replace(&self, bundles: BundleMap) -> Result<(), BundleRefused> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        for (trust_domain, offered) in bundles.iter() {
            if let Some(held) = newest.get(trust_domain.as_ref()) {
                offered.supersedes(held).map_err(|reason| BundleRefused { trust_domain: trust_domain.clone(), reason })?;
            }
        }
        self.store(&mut newest, bundles);
        Ok(())
    }

    /// As [`replace`](Self::replace), without asking: for an operator who knows that the publisher was restored from a
    /// backup. What comes after is measured by these bundles.
    pub fn replace_even_by_older(&self, bundles: BundleMap) {
        self.store(&mut self.newest.lock().unwrap_or_else(PoisonError::into_inner), bundles);
    }

    /// Asks these lists about every certificate below an anchor, instead of the lists before; [`CrlSet::empty`] asks
    /// for no revocation.
    pub fn replace_crls(&self, crls: CrlSet) {
        let _one_at_a_time = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let bundles = self.state.load().bundles.clone();
        self.state.store(Arc::new(State::new(bundles, crls, &self.crypto)));
    }

    /// The bundles that are believed now.
    pub fn bundles(&self) -> BundleMap {
        self.state.load().bundles.clone()
    }

    /// Validates a chain as a handshake does: the leaf first, each certificate in DER. Also good for a certificate of
    /// one's own, before it is shown to others.
    ///
    /// # Errors
    /// As [`Validator::validate`].
    pub fn validate(&self, chain: &[impl AsRef<[u8]>]) -> Result<ValidatedSvid, Rejection> {
        let state = self.state.load_full();
        let now = (self.now)();
        state.remembered.with(|links| state.validator.validate_with(chain, &state.crls, now, links))
    }

    fn store(&self, newest: &mut BundleMap, bundles: BundleMap) {
        for (_, bundle) in bundles.iter() {
            newest.insert(Bundle::clone(bundle));
        }
        let crls = self.state.load().crls.clone();
        self.state.store(Arc::new(State::new(bundles, crls, &self.crypto)));
    }
}

impl State {
    fn new(bundles: BundleMap, crls: CrlSet, crypto: &Crypto) -> Self {
        Self { validator: Validator::new(&bundles, crypto.clone()), bundles, crls, remembered: Remembered::default() }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.load();
        let names: Vec<_> = state.bundles.iter().map(|(name, bundle)| (name.as_str(), bundle.sequence())).collect();
        f.debug_struct("Trust").field("bundles", &names).field("crls", &state.crls.len()).finish_non_exhaustive()
    }
}

#[expect(clippy::disallowed_methods, reason = "the default of a clock that callers may inject")]
fn machine_clock() -> Timestamp {
    // A clock before 1970 reads as 1970: nothing is valid then.
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
