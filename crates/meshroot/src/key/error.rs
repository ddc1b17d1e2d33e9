use super::{KeyAlgorithm, SignatureAlgorithm};
use crate::pem::PemError;

/// A signature that the public key did not make over this message.
///
/// It says no more, on purpose: which step of a verification failed is of use to nobody but an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature was not made with this key over these bytes")]
pub struct BadSignature;

impl BadSignature {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "key.bad_signature"
    }
}

/// What can be wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are no SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    #[error("not a public key: the SubjectPublicKeyInfo is malformed ({0})")]
    MalformedPublicKey(String),
    /// A key of a kind that no profile allows.
    #[error("keys of the kind {0} are not supported: use ECDSA P-256, P-384, Ed25519 or RSA")]
    UnsupportedAlgorithm(String),
    /// The key works only with RSASSA-PSS signatures.
    #[error("RSA-PSS keys are not supported, since most TLS stacks of a mesh refuse them: use an ordinary RSA key (rsaEncryption), or ECDSA P-256")]
    RsaPss,
    /// RSA keys under 2048 bits can be broken; over 8192 they only cost time.
    #[error("an RSA key of {bits} bits is not accepted: it must have 2048 to 8192, a multiple of 8")]
    RsaSize {
        /// Bits of the modulus.
        bits: u32,
    },
    /// An RSA public exponent that makes the key useless or weak.
    #[error("the RSA public exponent is not accepted ({0}): use 65537")]
    RsaExponent(&'static str),
    /// The modulus is even, so it is no product of two large primes.
    #[error("the RSA modulus is even: this is no RSA key")]
    RsaModulus,
    /// The point of an elliptic curve key does not lie on its curve.
    #[error("the public key of this {0} key is no point on its curve")]
    PointNotOnCurve(KeyAlgorithm),
    /// The elliptic curve point is compressed, hybrid, or of the wrong length.
    #[error(
        "the point of this {algorithm} key has {found} bytes starting with {first:#04x}: it must be uncompressed, {expected} bytes starting with 0x04 (RFC 5480 §2.2)"
    )]
    PointEncoding {
        /// The curve.
        algorithm: KeyAlgorithm,
        /// Bytes found.
        found: usize,
        /// First byte found, zero if there is none.
        first: u8,
        /// Bytes needed.
        expected: usize,
    },
    /// An Ed25519 key of the wrong length or of small order, with which anybody's signature verifies.
    #[error("the Ed25519 public key is unusable: {0}")]
    Ed25519(&'static str),
    /// The bytes are no private key in any format we read.
    #[error("not a private key: {0}")]
    MalformedPrivateKey(String),
    /// The text is no PEM.
    #[error("the private key cannot be read: {0}")]
    Pem(#[source] Box<PemError>),
    /// The PEM text holds no private key.
    #[error("no private key was found: a PEM block like -----BEGIN PRIVATE KEY----- is expected")]
    NoPrivateKey,
    /// The PEM text holds something else, too.
    #[error("line {line}: a block {label} instead of a private key: {advice}")]
    NotAPrivateKey {
        /// The line of the BEGIN, from 1.
        line: usize,
        /// The block's label.
        label: String,
        /// What to do.
        advice: &'static str,
    },
    /// The PEM text holds more than one private key.
    #[error("line {line}: a second private key: put each key in a file of its own")]
    SeveralPrivateKeys {
        /// The line of the second one, from 1.
        line: usize,
    },
    /// An elliptic curve key without its public half (RFC 5915 makes it optional), which ring cannot compute.
    #[error("this {0} private key comes without its public key: add it with `openssl ec -in KEY.pem -out NEW.pem`")]
    PublicKeyMissing(KeyAlgorithm),
    /// The private key is encrypted and no password was given.
    #[error("the private key is encrypted: a password is needed")]
    PasswordNeeded,
    /// The password does not open the key, or the file was changed.
    #[error("the private key cannot be decrypted: the password is wrong, or the file is damaged")]
    WrongPassword,
    /// The key is encrypted in a way that we do not read.
    #[error("the private key is encrypted with {0}, which is not supported: convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`")]
    UnsupportedEncryption(String),
    /// The file asks for more work before anybody can know whether the password is right than we do for a stranger.
    #[error("the private key's encryption asks for {0}: encrypt it again with `openssl pkcs8 -topk8 -scrypt`")]
    TooExpensive(String),
    /// A password of no characters protects nothing.
    #[error("the password is empty: give one, or write the key unencrypted on purpose")]
    EmptyPassword,
    /// The private key does not belong to its public key.
    #[error("the private key does not belong to the public key stored beside it")]
    InconsistentKeyPair,
    /// The backend cannot make keys of this kind.
    #[error("{backend} cannot generate {algorithm} keys: {advice}")]
    CannotGenerate {
        /// Name of the backend.
        backend: &'static str,
        /// What was asked for.
        algorithm: KeyAlgorithm,
        /// What to do instead.
        advice: &'static str,
    },
    /// The backend cannot sign with this key, though others may.
    #[error("{backend} cannot sign with this {algorithm} key: {advice}")]
    CannotSign {
        /// Name of the backend.
        backend: &'static str,
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// What it could sign with.
        advice: &'static str,
    },
    /// The signer's key cannot make signatures of this kind.
    #[error("{algorithm} keys cannot sign with {signature}")]
    WrongSignatureAlgorithm {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// The signature asked for.
        signature: SignatureAlgorithm,
    },
    /// The operating system, an HSM or a KMS failed.
    #[error("the signer failed: {0}")]
    SignerFailed(String),
    /// No randomness is to be had.
    #[error("the source of randomness failed")]
    NoEntropy,
}

impl KeyError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedPublicKey(_) => "key.malformed_public_key",
            Self::UnsupportedAlgorithm(_) => "key.unsupported_algorithm",
            Self::RsaPss => "key.rsa_pss",
            Self::RsaSize { .. } => "key.rsa_size",
            Self::RsaExponent(_) => "key.rsa_exponent",
            Self::RsaModulus => "key.rsa_modulus",
            Self::PointNotOnCurve(_) => "key.point_not_on_curve",
            Self::PointEncoding { .. } => "key.point_encoding",
            Self::Ed25519(_) => "key.ed25519",
            Self::MalformedPrivateKey(_) => "key.malformed_private_key",
            Self::Pem(e) => e.code(),
            Self::NoPrivateKey => "key.no_private_key",
            Self::NotAPrivateKey { .. } => "key.not_a_private_key",
            Self::SeveralPrivateKeys { .. } => "key.several_private_keys",
            Self::PublicKeyMissing(_) => "key.public_key_missing",
            Self::PasswordNeeded => "key.password_needed",
            Self::WrongPassword => "key.wrong_password",
            Self::UnsupportedEncryption(_) => "key.unsupported_encryption",
            Self::TooExpensive(_) => "key.too_expensive",
            Self::EmptyPassword => "key.empty_password",
            Self::InconsistentKeyPair => "key.inconsistent_pair",
            Self::CannotGenerate { .. } => "key.cannot_generate",
            Self::CannotSign { .. } => "key.cannot_sign",
            Self::WrongSignatureAlgorithm { .. } => "key.wrong_signature_algorithm",
            Self::SignerFailed(_) => "key.signer_failed",
            Self::NoEntropy => "key.no_entropy",
        }
    }
}
