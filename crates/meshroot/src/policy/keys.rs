use core::fmt;

use crate::key::KeyAlgorithm;

/// A kind of key as policies name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    P256,
    P384,
    Ed25519,
    /// RSA with at least this many bits.
    Rsa(u16),
}

impl KeyKind {
    /// What a policy that names none allows: all that the profiles allow.
    pub(super) const ALL: [Self; 4] = [Self::P256, Self::P384, Self::Ed25519, Self::Rsa(2048)];

    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "p256" => Some(Self::P256),
            "p384" => Some(Self::P384),
            "ed25519" => Some(Self::Ed25519),
            "rsa" | "rsa2048" => Some(Self::Rsa(2048)),
            "rsa3072" => Some(Self::Rsa(3072)),
            "rsa4096" => Some(Self::Rsa(4096)),
            _ => None,
        }
    }

    pub(super) fn allows(self, key: KeyAlgorithm) -> bool {
        match (self, key) {
            (Self::P256, KeyAlgorithm::EcdsaP256) | (Self::P384, KeyAlgorithm::EcdsaP384) | (Self::Ed25519, KeyAlgorithm::Ed25519) => true,
            (Self::Rsa(least), KeyAlgorithm::Rsa(bits)) => bits >= least,
            _ => false,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("p256"),
            Self::P384 => f.write_str("p384"),
            Self::Ed25519 => f.write_str("ed25519"),
            Self::Rsa(2048) => f.write_str("rsa"),
            Self::Rsa(least) => write!(f, "rsa{least}"),
        }
    }
}
