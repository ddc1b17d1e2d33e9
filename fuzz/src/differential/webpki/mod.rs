//! rustls-webpki, what ztunnel and linkerd verify with.

mod allowed;

use std::sync::LazyLock;
use std::time::Duration;

use meshroot::key::Crypto;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::ring as algorithms;
use webpki::{EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, anchor_from_trusted_cert};

use super::features::read_all;
use super::ours;
use super::report::Outcome;
use super::world::{Case, Purpose, World};

static CRYPTO: LazyLock<Crypto> = LazyLock::new(Crypto::ring);

const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 4] =
    [algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA384, algorithms::ED25519, algorithms::RSA_PKCS1_2048_8192_SHA256];

/// What no allowed difference explains stops the fuzzer.
pub fn differential_webpki(data: &[u8]) {
    compare_webpki(data).assert();
}

/// We and rustls-webpki judge the same case.
pub fn compare_webpki(data: &[u8]) -> Outcome {
    let mut case = World::from_bytes(data).build();
    // Revocation is OpenSSL's part: webpki asks one CRL an issuer, the first that fits.
    case.crls.clear();
    match (ours::judge(&case, &CRYPTO), judge(&case)) {
        (Ok(_), Ok(_)) => Outcome::BothAccept,
        (Err(_), Err(_)) => Outcome::BothRefuse,
        (Err(first), Ok(path)) => match ours::judge_path(&case.narrowed(&path), &CRYPTO) {
            // Nothing is left to choose on one path: that we find it only now is a fault of our search.
            Ok(_) => Outcome::finding(&case, (first.code(), &first), ("webpki", &"accepted, by a path that we accept when we are shown no other")),
            Err(refusal) => match allowed::stricter(&refusal, &read_all(&path)) {
                Some(allowed) => Outcome::Allowed(allowed),
                None => Outcome::finding(&case, (refusal.code(), &refusal), ("webpki", &"accepted")),
            },
        },
        (Ok(path), Err(first)) => match judge(&case.narrowed(&path)) {
            Ok(_) if matches!(first, Error::MaximumSignatureChecksExceeded | Error::MaximumPathBuildCallsExceeded) => {
                Outcome::Allowed(&allowed::BUDGET)
            }
            Ok(_) => Outcome::finding(&case, ("accepted", &"as it does when it is shown no other path"), ("webpki", &first)),
            Err(error) => match allowed::laxer(&error, &read_all(&path)) {
                Some(allowed) => Outcome::Allowed(allowed),
                None => Outcome::finding(&case, ("accepted", &path.len()), ("webpki", &error)),
            },
        },
    }
}

/// webpki's verdict: the path in DER, the leaf first and the anchor last.
fn judge(case: &Case) -> Result<Vec<Vec<u8>>, Error> {
    let leaf = CertificateDer::from(case.leaf.as_slice());
    let sent: Vec<_> = case.intermediates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let trusted: Vec<_> = case.anchors.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let mut unreadable = None;
    let mut anchors = Vec::new();
    for der in &trusted {
        match anchor_from_trusted_cert(der) {
            Ok(anchor) => anchors.push((anchor, der)),
            Err(error) => unreadable = Some(error),
        }
    }
    // With no anchor left, that is the reason.
    if let (Some(error), true) = (unreadable, anchors.is_empty()) {
        return Err(error);
    }
    let only: Vec<_> = anchors.iter().map(|(anchor, _)| anchor.clone()).collect();
    let end_entity = EndEntityCert::try_from(&leaf)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(case.now).unwrap_or(0)));
    let path = end_entity.verify_for_usage(&ALGORITHMS, &only, &sent, time, Usage(case.purpose), None, None)?;
    let anchor = anchors.iter().find(|(anchor, _)| anchor == path.anchor()).map(|(_, der)| der.to_vec());
    let mut ders = vec![case.leaf.clone()];
    ders.extend(path.intermediate_certificates().map(|certificate| certificate.der().to_vec()));
    ders.extend(anchor);
    Ok(ders)
}

/// webpki has no purpose `Any` of its own.
struct Usage(Purpose);

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self.0 {
            Purpose::Any => Ok(()),
            Purpose::Server => KeyUsage::server_auth().validate(purposes),
            Purpose::Client => KeyUsage::client_auth().validate(purposes),
        }
    }
}
