//! What identifies a server's end of a TLS connection: the digest of its certificate (RFC 5929 §4.1).

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// The digest, with the hash of the certificate's own signature but at least SHA-256; `None` where the standard leaves
/// it open, as with Ed25519, or the certificate cannot be read. The login then goes on without.
pub(super) fn of(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(digest(hash_of(signature_algorithm(certificate)?)?, certificate).as_ref().to_vec())
}

/// The contents of the signature algorithm's object identifier: `Certificate ::= SEQUENCE { tbs, algorithm, … }`.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (_, body, _) = value(certificate, 0x30)?;
    let (_, _, after_tbs) = value(body, 0x30)?;
    let (whole, algorithm, _) = value(after_tbs, 0x30)?;
    let (oid, contents, _) = value(algorithm, 0x06)?;
    // With parameters when these decide about the hash.
    Some(if contents == RSASSA_PSS { whole } else { oid })
}

/// The first value, which has this tag: as a whole, its contents, and what follows.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (octets.iter().fold(0usize, |length, octet| (length << 8) | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    let (contents, after) = rest.split_at_checked(length)?;
    let (whole, _) = der.split_at_checked(der.len().checked_sub(after.len())?)?;
    (found == tag).then_some((whole, contents, after))
}

/// 1.2.840.113549.1.1.10
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

fn hash_of(algorithm: &[u8]) -> Option<&'static Algorithm> {
    // 1.2.840.113549.1.1.x, RSA with PKCS #1 padding.
    const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    // 1.2.840.10045.4.3.x, ECDSA with SHA-2.
    const ECDSA: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    match (algorithm.strip_prefix(RSA), algorithm.strip_prefix(ECDSA)) {
        // MD5, SHA-1, SHA-256: never less than SHA-256.
        (Some([4 | 5 | 11]), _) | (_, Some([2])) => Some(&SHA256),
        (Some([12]), _) | (_, Some([3])) => Some(&SHA384),
        (Some([13]), _) | (_, Some([4])) => Some(&SHA512),
        _ => pss(algorithm),
    }
}

/// The hash in RSASSA-PSS's parameters: 2.16.840.1.101.3.4.2.x.
fn pss(algorithm: &[u8]) -> Option<&'static Algorithm> {
    const SHA2: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let at = algorithm.windows(SHA2.len()).position(|octets| octets == SHA2)?;
    match algorithm.get(at.checked_add(SHA2.len())?)? {
        1 => Some(&SHA256),
        2 => Some(&SHA384),
        3 => Some(&SHA512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate's outline: an empty TBS, this algorithm, an empty signature.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let inner = [&[0x30, 0x00, 0x30, algorithm.len() as u8], algorithm, &[0x03, 0x01, 0x00]].concat();
        [&[0x30, inner.len() as u8][..], &inner].concat()
    }

    #[test]
    fn the_digest_is_that_of_the_signature_and_never_weaker_than_sha_256() {
        let rsa = |last| vec![0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last, 0x05, 0x00];
        let ecdsa = |last| vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last];
        for (algorithm, length) in [(rsa(5), 32), (rsa(11), 32), (rsa(12), 48), (rsa(13), 64), (ecdsa(2), 32), (ecdsa(3), 48), (ecdsa(4), 64)] {
            assert_eq!(of(&certificate(&algorithm)).map(|digest| digest.len()), Some(length), "{algorithm:02x?}");
        }
        let ed25519 = [0x06, 0x03, 0x2b, 0x65, 0x70];
        assert_eq!(of(&certificate(&ed25519)), None);
    }

    #[test]
    fn broken_bytes_have_no_digest_and_do_no_harm() {
        let whole = certificate(&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 2]);
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]), None);
        }
        assert_eq!(of(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
