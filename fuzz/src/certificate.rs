use meshroot::key::Crypto;
use meshroot::lint::check_certificate;
use meshroot::x509::Certificate;

use crate::{assert_code, contains};

/// A certificate is kept byte for byte and read the same again; whatever it says stands in its bytes; the linter and the
/// reader agree on what is a certificate; no extension, however broken, makes an accessor panic.
pub fn certificate(data: &[u8]) {
    let linted = check_certificate(data);
    let read = Certificate::from_der(data);
    match (&linted, &read) {
        (Ok(_), Ok(_)) => {}
        (Err(a), Err(b)) => assert_eq!(a, b),
        // The linter also judges certificates whose key we would never use.
        (Ok(_), Err(e)) => assert_code(e.code(), &["key"]),
        (Err(e), Ok(_)) => panic!("read, but not judged: {e}"),
    }
    for finding in linted.into_iter().flatten() {
        assert_code(finding.code, &["lint"]);
        assert!(!finding.field.is_empty() && !finding.message.is_empty() && !finding.source.is_empty(), "{finding:?}");
    }
    let Ok(certificate) = read else { return };

    assert_eq!(certificate.der(), data);
    let pem = certificate.to_pem();
    assert_eq!(meshroot::pem::certificates(pem.as_bytes()).unwrap().as_slice(), core::slice::from_ref(&certificate));

    for part in [certificate.public_key().spki_der(), certificate.serial().as_bytes(), certificate.issuer().as_der(), certificate.subject().as_der()]
    {
        assert!(contains(data, part), "{part:02x?} does not stand in the certificate");
    }
    assert_eq!(certificate.is_self_issued(), certificate.issuer().as_der() == certificate.subject().as_der());
    for name in certificate.alt_names().map(|names| names.uris).unwrap_or_default() {
        assert!(contains(data, name.as_bytes()));
    }
    assert_eq!(certificate.is_ca(), certificate.basic_constraints().is_some_and(|constraints| constraints.ca));
    let _ = (certificate.key_usage(), certificate.extended_key_usage(), certificate.has_name_constraints(), certificate.signature_algorithm());
    let _ = (certificate.subject_key_id(), certificate.authority_key_id(), certificate.subject().to_string(), format!("{certificate:?}"));
    let crypto = Crypto::ring();
    assert_eq!(certificate.fingerprint(&crypto), crypto.sha256(data));
}
