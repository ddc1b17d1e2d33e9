use core::fmt;

use zeroize::Zeroizing;

use super::{DataKey, SealError, UnlockKind, UnlockSecret, push_field};
use crate::key::{Crypto, Entropy, KeyError};

const WHAT: &str = "wrapped data key";
const VERSION: u8 = 1;
const FILE: u8 = 1;
const PASSPHRASE: u8 = 2;
// 3 is for keys in a PKCS#11 token.

const NONCE: usize = 12;
/// A data key with the tag of AES-256-GCM.
const CIPHERTEXT: usize = 48;
const CHECKSUM: usize = 32;
const SALT: usize = 32;

/// A data key as the store keeps it: encrypted by an [`UnlockSecret`] and bound to the store.
///
/// The bytes are `version | kind | parameters | nonce | ciphertext | SHA-256 of all before`. The checksum keeps
/// damage apart from a wrong secret; it needs no key, for the ciphertext has a tag against those who mean it.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDataKey {
    derivation: Derivation,
    nonce: [u8; NONCE],
    ciphertext: [u8; CIPHERTEXT],
    checksum: [u8; CHECKSUM],
}

/// How the wrapping key comes from the secret.
#[derive(Clone, PartialEq, Eq)]
enum Derivation {
    /// The file's 32 bytes are the key.
    File,
    /// scrypt (RFC 7914) of the passphrase.
    Scrypt { cost: Cost, salt: [u8; SALT] },
}

/// scrypt's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) log_n: u8,
    pub(super) r: u8,
    pub(super) p: u8,
}

impl Cost {
    /// 128 MiB and about half a second, once for each start.
    const STANDARD: Self = Self { log_n: 17, r: 8, p: 1 };

    /// What a damaged or hostile store may ask for: 256 MiB, one or two seconds.
    fn is_bounded(self) -> bool {
        (1..=18).contains(&self.log_n) && (1..=8).contains(&self.r) && (1..=2).contains(&self.p)
    }
}

impl WrappedDataKey {
    /// Wraps the data key of the store with this identifier. With a passphrase this takes about half a second and
    /// 128 MiB (scrypt, N=2^17, r=8, p=1).
    ///
    /// # Errors
    /// [`SealError::EmptyPassphrase`], or a failing source of randomness.
    pub fn wrap(data_key: &DataKey, secret: &UnlockSecret, store_id: &str, crypto: &Crypto, entropy: &dyn Entropy) -> Result<Self, SealError> {
        Self::wrap_at(Cost::STANDARD, data_key, secret, store_id, crypto, entropy)
    }

    pub(super) fn wrap_at(
        cost: Cost,
        data_key: &DataKey,
        secret: &UnlockSecret,
        store_id: &str,
        crypto: &Crypto,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let derivation = match secret {
            UnlockSecret::File(_) => Derivation::File,
            UnlockSecret::Passphrase(passphrase) if passphrase.is_empty() => return Err(SealError::EmptyPassphrase),
            UnlockSecret::Passphrase(_) => {
                let mut salt = [0; SALT];
                entropy.fill(&mut salt)?;
                Derivation::Scrypt { cost, salt }
            }
        };
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce)?;
        let key = derivation.key(secret)?;
        let ciphertext = crypto.seal(&key, nonce, &derivation.associated_data(store_id), data_key.0.as_ref())?;
        let ciphertext = ciphertext.try_into().map_err(|_| KeyError::SignerFailed("AES-256-GCM gave a wrong length".into()))?;
        let mut wrapped = Self { derivation, nonce, ciphertext, checksum: [0; CHECKSUM] };
        wrapped.checksum = crypto.sha256(&wrapped.content());
        Ok(wrapped)
    }

    /// Unwraps the data key of the store with this identifier.
    ///
    /// # Errors
    /// [`SealError::OtherUnlock`] if the store is unlocked in another way, [`SealError::WrongUnlock`] if the secret is
    /// not this store's, [`SealError::Damaged`] if the bytes were changed by accident.
    pub fn unwrap(&self, secret: &UnlockSecret, store_id: &str, crypto: &Crypto) -> Result<DataKey, SealError> {
        let (needed, given) = (self.kind(), secret.kind());
        if crypto.sha256(&self.content()) != self.checksum {
            return Err(SealError::Damaged { what: WHAT, reason: "its checksum is wrong" });
        }
        if needed != given {
            return Err(SealError::OtherUnlock { needed, given });
        }
        let key = self.derivation.key(secret)?;
        let opened =
            crypto.open(&key, self.nonce, &self.derivation.associated_data(store_id), &self.ciphertext).map_err(|_| SealError::WrongUnlock(given))?;
        let mut data_key = DataKey(Zeroizing::new([0; 32]));
        if opened.len() != data_key.0.len() {
            return Err(SealError::Damaged { what: WHAT, reason: "its length is wrong" });
        }
        data_key.0.copy_from_slice(&opened);
        Ok(data_key)
    }

    /// The way the store is unlocked.
    pub fn kind(&self) -> UnlockKind {
        match self.derivation {
            Derivation::File => UnlockKind::File,
            Derivation::Scrypt { .. } => UnlockKind::Passphrase,
        }
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.content()[..], &self.checksum].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. The checksum is compared when unwrapping.
    ///
    /// # Errors
    /// [`SealError::Damaged`], [`SealError::Newer`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        const CUT_OFF: SealError = SealError::Damaged { what: WHAT, reason: "it is cut off" };
        let ([version, kind], rest) = bytes.split_first_chunk().ok_or(CUT_OFF)?;
        if *version != VERSION {
            return Err(SealError::Newer { what: WHAT, found: format!("version {version}") });
        }
        let (derivation, rest) = match *kind {
            FILE => (Derivation::File, rest),
            PASSPHRASE => {
                let ([log_n, r, p], rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
                let cost = Cost { log_n: *log_n, r: *r, p: *p };
                if !cost.is_bounded() {
                    return Err(SealError::Damaged { what: WHAT, reason: "its scrypt parameters are out of bounds" });
                }
                let (salt, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
                (Derivation::Scrypt { cost, salt: *salt }, rest)
            }
            other => return Err(SealError::Newer { what: WHAT, found: format!("kind {other}") }),
        };
        let (nonce, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        let (ciphertext, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        let (checksum, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
        if !rest.is_empty() {
            return Err(SealError::Damaged { what: WHAT, reason: "it is too long" });
        }
        Ok(Self { derivation, nonce: *nonce, ciphertext: *ciphertext, checksum: *checksum })
    }

    /// All but the checksum.
    fn content(&self) -> Vec<u8> {
        [&self.derivation.header()[..], &self.nonce, &self.ciphertext].concat()
    }
}

/// Says how it is unlocked, no more.
impl fmt::Debug for WrappedDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedDataKey(by {})", self.kind())
    }
}

impl Derivation {
    /// Version, kind and parameters.
    fn header(&self) -> Vec<u8> {
        match self {
            Self::File => vec![VERSION, FILE],
            Self::Scrypt { cost, salt } => [&[VERSION, PASSPHRASE, cost.log_n, cost.r, cost.p][..], salt].concat(),
        }
    }

    fn associated_data(&self, store_id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        push_field(&mut out, b"meshroot-data-key");
        push_field(&mut out, &self.header());
        push_field(&mut out, store_id.as_bytes());
        out
    }

    /// The wrapping key.
    fn key(&self, secret: &UnlockSecret) -> Result<Zeroizing<[u8; 32]>, SealError> {
        match (self, secret) {
            (Self::File, UnlockSecret::File(bytes)) => Ok(Zeroizing::new(*bytes)),
            (Self::Scrypt { cost, salt }, UnlockSecret::Passphrase(passphrase)) => {
                let refused = || KeyError::SignerFailed("scrypt refused its parameters".into());
                let params = scrypt::Params::new(cost.log_n, u32::from(cost.r), u32::from(cost.p)).map_err(|_| refused())?;
                let mut key = Zeroizing::new([0; 32]);
                scrypt::scrypt(passphrase, salt, &params, key.as_mut()).map_err(|_| refused())?;
                Ok(key)
            }
            (Self::File, other) => Err(SealError::OtherUnlock { needed: UnlockKind::File, given: other.kind() }),
            (Self::Scrypt { .. }, other) => Err(SealError::OtherUnlock { needed: UnlockKind::Passphrase, given: other.kind() }),
        }
    }
}
