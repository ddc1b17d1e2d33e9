//! The requests and keys of every real client, and those of nobody honest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::csr::Csr;
use meshroot::issue::Authorized;
use meshroot::key::{Crypto, PrivateKey, PublicKey};
use meshroot::profile::Profile;
use meshroot::spiffe::SpiffeId;
use meshroot::x509::Certificate;
use meshroot_tests::exhibits::{self, WORKLOAD, now};
use meshroot_tests::fixtures::{bytes, index, text};

/// A request's way to a certificate; the name of the step that refuses it, with the code and the words.
fn issue(request: &[u8], issuer: &meshroot::issue::Issuer, crypto: &Crypto) -> Result<(PublicKey, Vec<u8>), (&'static str, String, String)> {
    let refused = |step, code: &str, words: String| (step, code.to_owned(), words);
    let csr =
        Csr::from_pem_or_der(request).map_err(|e| refused(if e.code().starts_with("key.") { "key" } else { "parse" }, e.code(), e.to_string()))?;
    let key = csr.public_key().clone();
    let proven = csr.prove(crypto).map_err(|e| refused(if e.code().starts_with("key.") { "key" } else { "proof" }, e.code(), e.to_string()))?;
    let grant = Authorized::workload(proven, SpiffeId::parse(WORKLOAD).unwrap()).map_err(|e| refused("grant", e.code(), e.to_string()))?;
    let issued = issuer.issue(grant, &Profile::workload(), crypto.entropy(), now()).map_err(|e| refused("issue", e.code(), e.to_string()))?;
    Ok((key, issued.der().to_vec()))
}

#[test]
fn every_client_gets_a_certificate_with_exactly_its_key_and_nobody_else_gets_one() {
    let crypto = Crypto::ring();
    let mesh = exhibits::mesh("p256", &crypto);
    let (mut accepted, mut refused) = (0, 0);
    for entry in index("csr") {
        let file = text(&entry, "file");
        let outcome = issue(&bytes(&format!("csr/{file}")), &mesh.cluster, &crypto);
        match (text(&entry, "expect"), outcome) {
            ("ok", Ok((key, der))) => {
                accepted += 1;
                let certificate = Certificate::from_der(&der).unwrap();
                assert_eq!(certificate.public_key().spki_der(), key.spki_der(), "{file}");
                let names = certificate.alt_names().unwrap();
                assert_eq!(names.uris, [WORKLOAD], "{file}");
                assert!(names.dns.is_empty() && names.ips.is_empty() && names.emails.is_empty(), "{file}: names of the request were copied");
                assert!(!certificate.is_ca(), "{file}");
            }
            ("refuse", Err((step, code, words))) => {
                refused += 1;
                assert!(words.len() > 20 && words.len() < 500, "{file}: {words}");
                assert!(code.contains('.'), "{file}: {code}");
                let expected = text(&entry, "refused_by");
                assert_eq!(step, expected, "{file} ({}): {code}: {words}", text(&entry, "what"));
            }
            (expected, outcome) => panic!("{file} ({}): expected {expected}, found {outcome:?}", text(&entry, "what")),
        }
    }
    assert!(accepted > 15 && refused > 30, "{accepted} accepted, {refused} refused");
}

#[test]
fn rcgen_gets_a_certificate_too() {
    let crypto = Crypto::ring();
    let mesh = exhibits::mesh("p256", &crypto);
    for algorithm in ["p256", "p384", "ed25519"] {
        let key = PrivateKey::generate(algorithm.parse().unwrap(), &crypto).unwrap().signer(&crypto).unwrap();
        let csr = Csr::for_workload(&*key, &SpiffeId::parse(WORKLOAD).unwrap()).unwrap();
        assert_eq!(csr.uris(), [WORKLOAD]);
        let (found, _) = issue(csr.to_pem().as_bytes(), &mesh.cluster, &crypto).unwrap();
        assert_eq!(found.spki_der(), key.public_key().spki_der());
    }
}

#[test]
fn keys_come_in_as_people_have_them() {
    let crypto = Crypto::ring();
    for entry in index("keys") {
        let file = text(&entry, "file");
        let password = entry["password"].as_str().map(str::as_bytes);
        let outcome = PrivateKey::from_pem(&bytes(&format!("keys/{file}")), password, &crypto);
        match (text(&entry, "expect"), outcome) {
            ("ok", Ok(key)) => {
                let signer = key.signer(&crypto).unwrap();
                let signature = signer.sign(b"a message").unwrap();
                crypto.verify(key.public_key(), signer.algorithm(), b"a message", &signature).unwrap();
            }
            ("refuse", Err(e)) => assert!(e.code().starts_with("key."), "{file}: {e}"),
            (expected, outcome) => panic!("{file} ({}): expected {expected}, found {outcome:?}", text(&entry, "what")),
        }
    }
}
