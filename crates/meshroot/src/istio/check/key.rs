use super::{Finding, read::Certificates};
use crate::istio::files::Reading;
use crate::key::{Crypto, KeyError, PrivateKey, PublicKey};
use crate::pem;

/// The PEM labels that istiod knows (`ParsePemEncodedKey`); it looks at the first block and no further.
const LABELS: [&str; 3] = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];

/// Whether istiod can read the private key, and whether it is the signing certificate's.
pub(super) fn check(reading: &Reading<'_>, certificates: &Certificates, crypto: &Crypto, findings: &mut Vec<Finding>) {
    let Some(bytes) = reading.key.bytes else { return };
    let file = reading.key.name;
    if contains(bytes, b"Proc-Type:") || contains(bytes, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        findings.push(
            Finding::refused(
                "istio.encrypted_key",
                file,
                "the private key is encrypted, and istiod has no way to ask for a password",
                "write it unencrypted: openssl pkey -in ca-key.pem -out plain.pem",
            )
            .says("failed to parse private key PEM: unsupported PEM block type for a private key: ENCRYPTED PRIVATE KEY"),
        );
        return;
    }
    let label = match pem::parse(bytes).as_deref() {
        Ok([first, ..]) => first.label.clone(),
        Ok([]) => return findings.push(no_pem(file, "no PEM block is in it")),
        Err(e) => return findings.push(no_pem(file, &e.to_string())),
    };
    if !LABELS.contains(&label.as_str()) {
        let label = label.escape_default().to_string();
        let message = format!("the first block is {label}, and istiod looks at no other");
        let says = format!("failed to parse private key PEM: unsupported PEM block type for a private key: {label}");
        findings.push(
            Finding::refused("istio.key_block", file, message, "leave only the private key in it: openssl pkey -in ca-key.pem -out plain.pem")
                .says(says),
        );
        return;
    }
    match PrivateKey::from_pem(bytes, None, crypto) {
        Ok(key) => findings.extend(mismatch(file, key.public_key(), certificates)),
        Err(e @ (KeyError::RsaSize { .. } | KeyError::RsaExponent(_) | KeyError::UnsupportedAlgorithm(_))) => {
            let message = format!("the mesh's TLS libraries refuse the key: {e}");
            findings.push(Finding::breaks("istio.weak_key", file, message, "make the CA again with ECDSA P-256, or RSA of at least 2048 bits"));
        }
        Err(e) => findings.push(
            Finding::refused("istio.key_unreadable", file, e.to_string(), "put the signing certificate's private key here, as PKCS#8 in PEM")
                .says("failed to parse private key PEM: failed to parse the private key: …"),
        ),
    }
}

fn no_pem(file: &'static str, what: &str) -> Finding {
    Finding::refused("istio.key_unreadable", file, what, "put the signing certificate's private key here, as PKCS#8 in PEM")
        .says("failed to parse private key PEM: invalid PEM-encoded key")
}

fn mismatch(file: &'static str, key: &PublicKey, certificates: &Certificates) -> Option<Finding> {
    let first = certificates.signing.first()?;
    if same(first.public_key(), key) {
        return None;
    }
    let owner = |certs: &[crate::x509::Certificate]| certs.iter().position(|cert| same(cert.public_key(), key));
    let (message, remedy) = match (owner(&certificates.signing), owner(&certificates.chain)) {
        (Some(at), _) => (
            format!(
                "it is the key of certificate {} in the signing certificate's file, and istiod reads only the first, {}",
                at.saturating_add(1),
                first.subject()
            ),
            "put the signing certificate first in that file, and nothing else into it",
        ),
        (None, Some(at)) => (
            format!("it is the key of certificate {} in the chain, not of {}, with which istiod is to sign", at.saturating_add(1), first.subject()),
            "use the key that belongs to the signing certificate",
        ),
        (None, None) => (
            format!("the key does not belong to the signing certificate, {}", first.subject()),
            "use the key that belongs to the signing certificate",
        ),
    };
    Some(
        Finding::refused("istio.key_mismatch", file, message, remedy)
            .says("the cert does not match the key: tls: private key does not match public key"),
    )
}

/// The kind and the key alone: the algorithm identifier around it can be spelled in two ways.
fn same(a: &PublicKey, b: &PublicKey) -> bool {
    a.algorithm() == b.algorithm() && a.key_bytes() == b.key_bytes()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
