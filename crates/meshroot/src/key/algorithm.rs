use core::fmt;
use core::str::FromStr;

/// The kind of a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on NIST P-256 (secp256r1), the default of the mesh.
    EcdsaP256,
    /// ECDSA on NIST P-384 (secp384r1).
    EcdsaP384,
    /// Ed25519 (RFC 8410). BoringSSL, and with it Envoy, refuses it in TLS.
    Ed25519,
    /// RSA (`rsaEncryption`) with a modulus of this many bits.
    Rsa(u16),
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ECDSA P-256"),
            Self::EcdsaP384 => f.write_str("ECDSA P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
        }
    }
}

/// A name that is no key algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no key algorithm: write p256, p384, ed25519, rsa2048, rsa3072 or rsa4096")]
pub struct UnknownKeyAlgorithm(String);

impl UnknownKeyAlgorithm {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "key.unknown_algorithm"
    }
}

/// Reads `p256`, `p384`, `ed25519`, `rsa2048`, `rsa3072`, `rsa4096`.
impl FromStr for KeyAlgorithm {
    type Err = UnknownKeyAlgorithm;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "p256" => Ok(Self::EcdsaP256),
            "p384" => Ok(Self::EcdsaP384),
            "ed25519" => Ok(Self::Ed25519),
            "rsa2048" => Ok(Self::Rsa(2048)),
            "rsa3072" => Ok(Self::Rsa(3072)),
            "rsa4096" => Ok(Self::Rsa(4096)),
            _ => Err(UnknownKeyAlgorithm(s.chars().take(40).collect())),
        }
    }
}

impl KeyAlgorithm {
    /// The signature this kind of key makes on the certificates we issue: the digest is as strong as the key
    /// (RFC 5480 §4), and RSA stays with PKCS#1 v1.5, which every verifier of a mesh reads.
    pub fn signature(self) -> SignatureAlgorithm {
        match self {
            Self::EcdsaP256 => SignatureAlgorithm::EcdsaSha256,
            Self::EcdsaP384 => SignatureAlgorithm::EcdsaSha384,
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
            Self::Rsa(_) => SignatureAlgorithm::RsaPkcs1Sha256,
        }
    }
}

/// How a certificate, a CSR or a CRL is signed: the `signatureAlgorithm` field (RFC 5280 §4.1.1.2).
///
/// It says nothing about the key's kind: OpenSSL signs a P-384 CSR with SHA-256 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// `ecdsa-with-SHA256` (RFC 5758 §3.2).
    EcdsaSha256,
    /// `ecdsa-with-SHA384`.
    EcdsaSha384,
    /// Ed25519 (RFC 8410 §3).
    Ed25519,
    /// `sha256WithRSAEncryption` (RFC 4055 §5).
    RsaPkcs1Sha256,
    /// `sha384WithRSAEncryption`.
    RsaPkcs1Sha384,
    /// `sha512WithRSAEncryption`.
    RsaPkcs1Sha512,
}

impl SignatureAlgorithm {
    /// The AlgorithmIdentifier in DER. RSA carries a NULL (RFC 4055 §5), the others carry no parameters
    /// (RFC 5758 §3.2, RFC 8410 §3).
    pub(crate) fn identifier_der(self) -> &'static [u8] {
        match self {
            Self::EcdsaSha256 => &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
            Self::EcdsaSha384 => &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
            Self::Ed25519 => &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70],
            Self::RsaPkcs1Sha256 => &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00],
            Self::RsaPkcs1Sha384 => &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00],
            Self::RsaPkcs1Sha512 => &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00],
        }
    }

    /// Whether keys of this kind can make such signatures.
    pub fn fits(self, key: KeyAlgorithm) -> bool {
        match self {
            Self::EcdsaSha256 | Self::EcdsaSha384 => matches!(key, KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384),
            Self::Ed25519 => key == KeyAlgorithm::Ed25519,
            Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 | Self::RsaPkcs1Sha512 => matches!(key, KeyAlgorithm::Rsa(_)),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaSha256 => "ecdsa-with-SHA256",
            Self::EcdsaSha384 => "ecdsa-with-SHA384",
            Self::Ed25519 => "Ed25519",
            Self::RsaPkcs1Sha256 => "sha256WithRSAEncryption",
            Self::RsaPkcs1Sha384 => "sha384WithRSAEncryption",
            Self::RsaPkcs1Sha512 => "sha512WithRSAEncryption",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Decode;

    #[test]
    fn every_identifier_names_its_own_algorithm() {
        for (algorithm, oid) in [
            (SignatureAlgorithm::EcdsaSha256, "1.2.840.10045.4.3.2"),
            (SignatureAlgorithm::EcdsaSha384, "1.2.840.10045.4.3.3"),
            (SignatureAlgorithm::Ed25519, "1.3.101.112"),
            (SignatureAlgorithm::RsaPkcs1Sha256, "1.2.840.113549.1.1.11"),
            (SignatureAlgorithm::RsaPkcs1Sha384, "1.2.840.113549.1.1.12"),
            (SignatureAlgorithm::RsaPkcs1Sha512, "1.2.840.113549.1.1.13"),
        ] {
            let identifier = x509_cert::spki::AlgorithmIdentifierRef::from_der(algorithm.identifier_der()).unwrap();
            assert_eq!(identifier.oid.to_string(), oid);
            assert_eq!(identifier.parameters.is_some(), algorithm.to_string().contains("RSA"));
        }
    }
}
