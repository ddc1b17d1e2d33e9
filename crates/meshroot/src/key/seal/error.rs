use super::UnlockKind;
use crate::key::KeyError;

/// Why a key was not sealed, opened, wrapped or unwrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The stored bytes are not what was written: damaged, cut off, or of something else.
    #[error("the {what} is damaged ({reason}): restore the store from a backup")]
    Damaged {
        /// `sealed private key` or `wrapped data key`.
        what: &'static str,
        /// What does not fit.
        reason: &'static str,
    },
    /// A version, or a way to unlock, that this program does not know.
    #[error("the {what} is of {found}, which this version of meshroot does not know: use a newer one")]
    Newer {
        /// `sealed private key` or `wrapped data key`.
        what: &'static str,
        /// What was found, like `version 7`.
        found: String,
    },
    /// The sealed key does not open in this place.
    #[error(
        "the private key of {authority} does not open: it was changed, or sealed with another data key, \
         for another store, another authority or another public key"
    )]
    CannotOpen {
        /// The authority whose key it should be.
        authority: String,
    },
    /// The key to seal is not the one of the context.
    #[error("the private key does not belong to the public key of {authority}")]
    OtherKey {
        /// The authority whose key it should be.
        authority: String,
    },
    /// The unlock secret is not this store's.
    #[error("the {0} does not unlock this store: it belongs to another one, or is mistyped")]
    WrongUnlock(UnlockKind),
    /// The store is unlocked in another way.
    #[error("this store is unlocked with {needed}, and {given} was given")]
    OtherUnlock {
        /// The way it is unlocked.
        needed: UnlockKind,
        /// The way that was tried.
        given: UnlockKind,
    },
    /// A passphrase of no characters protects nothing.
    #[error("the passphrase is empty: give one")]
    EmptyPassphrase,
    /// The file is no unlock file. Its content is not repeated, since it may be a secret of something else.
    #[error("not an unlock file ({0}): it holds one line, `meshroot-unlock-v1` and 64 hexadecimal digits")]
    UnlockFile(&'static str),
    /// Something is wrong with the key inside, the cryptography or the randomness.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SealError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "seal.damaged",
            Self::Newer { .. } => "seal.newer",
            Self::CannotOpen { .. } => "seal.cannot_open",
            Self::OtherKey { .. } => "seal.other_key",
            Self::WrongUnlock(_) => "seal.wrong_unlock",
            Self::OtherUnlock { .. } => "seal.other_unlock",
            Self::EmptyPassphrase => "seal.empty_passphrase",
            Self::UnlockFile(_) => "seal.unlock_file",
            Self::Key(e) => e.code(),
        }
    }
}
