//! The keys of the scenes, by number.

use meshroot::key::{Crypto, PrivateKey};

use crate::fixtures;

/// The key of every workload: no verifier looks at whether two of them share one.
pub const WORKLOAD: usize = 0;

/// A P-256 key.
pub fn p256(number: usize, crypto: &Crypto) -> PrivateKey {
    numbered("scenes/p256.pem", number, crypto)
}

/// An RSA-2048 key.
pub fn rsa2048(number: usize, crypto: &Crypto) -> PrivateKey {
    numbered("scenes/rsa2048.pem", number, crypto)
}

fn numbered(file: &str, number: usize, crypto: &Crypto) -> PrivateKey {
    const END: &str = "-----END PRIVATE KEY-----\n";
    let text = String::from_utf8(fixtures::bytes(file)).unwrap();
    let pem = text.split_inclusive(END).nth(number).unwrap_or_else(|| panic!("{file} has no key {number}"));
    PrivateKey::from_pem(pem.as_bytes(), None, crypto).unwrap()
}
