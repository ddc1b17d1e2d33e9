//! rustls-webpki, as rustls drives it with ring's algorithms: the path, then the leaf's signature in the handshake.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy, anchor_from_trusted_cert, ring as ours,
};

use super::{Case, Role};
use crate::exhibits::now;

/// rustls' ring provider: `SUPPORTED_SIG_ALGS`.
const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 14] = [
    ours::ECDSA_P256_SHA256,
    ours::ECDSA_P256_SHA384,
    ours::ECDSA_P384_SHA256,
    ours::ECDSA_P384_SHA384,
    ours::ED25519,
    ours::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    ours::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    ours::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    ours::RSA_PKCS1_2048_8192_SHA256,
    ours::RSA_PKCS1_2048_8192_SHA384,
    ours::RSA_PKCS1_2048_8192_SHA512,
    ours::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    ours::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    ours::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
];

/// How rustls treats a certificate without a CRL: ztunnel allows it, rustls by itself does not.
pub use webpki::UnknownStatusPolicy as Unknown;

/// The verdict, with webpki's error.
pub fn verdict(case: &Case, unknown: UnknownStatusPolicy) -> Result<(), String> {
    judge(case, unknown).map_err(|e| format!("{e:?}"))
}

fn judge(case: &Case, unknown: UnknownStatusPolicy) -> Result<(), webpki::Error> {
    let anchors: Vec<CertificateDer<'_>> = case.anchors.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let anchors = anchors.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>()?;
    let chain: Vec<CertificateDer<'_>> = case.chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let leaf = EndEntityCert::try_from(&chain[0])?;
    let crls = case.crls.iter().map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from)).collect::<Result<Vec<_>, _>>()?;
    let crls: Vec<&CertRevocationList<'_>> = crls.iter().collect();
    let revocation = (!crls.is_empty()).then(|| {
        let options = RevocationOptionsBuilder::new(&crls).unwrap();
        options.with_depth(RevocationCheckDepth::Chain).with_status_policy(unknown).with_expiration_policy(ExpirationPolicy::Ignore).build()
    });
    let seconds = case.at.unwrap_or(now().unix());
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap()));
    let usage = if case.role == Role::Client { KeyUsage::client_auth() } else { KeyUsage::server_auth() };
    leaf.verify_for_usage(&ALGORITHMS, &anchors, &chain[1..], time, usage, revocation, None)?;

    let message = b"what a handshake signs";
    let signature = case.key.sign(case.key.algorithm(), message);
    let mut outcome = Err(webpki::Error::InvalidSignatureForPublicKey);
    for algorithm in ALGORITHMS {
        match leaf.verify_signature(algorithm, message, &signature) {
            Ok(()) => return Ok(()),
            Err(e) => outcome = Err(e),
        }
    }
    outcome
}
