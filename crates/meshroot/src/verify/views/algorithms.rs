//! Which algorithms and keys others know that we do not compute with.

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::key::KeyError;
use crate::x509::wire::CertRef;

use super::Implementation;

const ECDSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const RSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// sha256WithRSAEncryption, and with SHA-384 and SHA-512.
const RSA: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
];
/// ecdsa-with-SHA256, SHA384 and SHA512.
const ECDSA: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
];

/// Whether it knows the algorithm of this signature; unknown to us which one, it may.
pub(super) fn knows(who: Implementation, certificate: Option<CertRef<'_>>) -> bool {
    let Some(certificate) = certificate else { return true };
    let Ok(algorithm) = AlgorithmIdentifierRef::from_der(certificate.signature_algorithm) else { return who == Implementation::OpenSsl };
    match algorithm.oid {
        RSA_SHA1 | ECDSA_SHA1 => matches!(who, Implementation::BoringSsl | Implementation::OpenSsl),
        RSA_PSS => true,
        oid if RSA.contains(&oid) => true,
        oid => who != Implementation::RustlsWebpki && ECDSA.contains(&oid),
    }
}

/// Whether it can use a key that we refuse.
pub(super) fn knows_key(who: Implementation, e: &KeyError, in_leaf: bool) -> bool {
    let curve = |kind: &str| kind.starts_with("elliptic curve");
    match (who, e) {
        (_, KeyError::PointNotOnCurve(_)) | (Implementation::RustlsWebpki, _) => false,
        // A leaf's key of a kind that Go does not know is kept unread; one that it knows must be right.
        (Implementation::Go, KeyError::UnsupportedAlgorithm(kind)) if in_leaf => !curve(kind),
        (Implementation::Go, _) if in_leaf => false,
        // A leaf's key is used in the handshake, and was judged.
        (Implementation::BoringSsl, _) if in_leaf => false,
        (Implementation::OpenSsl, KeyError::UnsupportedAlgorithm(kind)) if in_leaf => curve(kind),
        _ => true,
    }
}
