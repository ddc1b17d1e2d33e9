use core::cell::Cell;

use crate::key::{Crypto, PublicKey, SignatureAlgorithm};
use crate::time::Timestamp;

/// Signatures verified and private keys loaded for one input: a real one has a handful. RSA-8192 takes about a
/// millisecond each.
const ARITHMETIC: u32 = 256;

/// What every description needs, and the bound on its work.
pub(super) struct Context<'a> {
    pub(super) crypto: &'a Crypto,
    pub(super) now: Timestamp,
    left: Cell<u32>,
}

impl<'a> Context<'a> {
    pub(super) fn new(crypto: &'a Crypto, now: Timestamp) -> Self {
        Self { crypto, now, left: Cell::new(ARITHMETIC) }
    }

    /// Whether one more operation may be done.
    pub(super) fn spend(&self) -> bool {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                true
            }
            None => false,
        }
    }

    /// Whether the key made the signature; `None` when there is nothing left to find out with.
    pub(super) fn verifies(&self, key: &PublicKey, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Option<bool> {
        self.spend().then(|| self.crypto.verify(key, algorithm, message, signature).is_ok())
    }

    /// Whether the key's point lies on its curve; `true` when there is nothing left to find out with.
    pub(super) fn is_on_curve(&self, key: &PublicKey) -> bool {
        !self.spend() || self.crypto.check_public_key(key).is_ok()
    }
}
