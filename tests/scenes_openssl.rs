//! What the scenes take from OpenSSL, and what OpenSSL says of what we wrote by hand. Run by `tests/interop.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::process::Command;

use meshroot::key::Crypto;
use meshroot::pem::certificates;
use meshroot::x509::Certificate;
use meshroot_tests::exhibits::now;
use meshroot_tests::fixtures;
use meshroot_tests::mint::crls_pem;
use meshroot_tests::scene::revocation;

/// Everything of a certificate but its keys, its serial number and its dates.
fn shape(c: &Certificate) -> String {
    let lifetime = c.validity().not_after.since(c.validity().not_before).as_secs();
    format!(
        "{} from {} for {lifetime}s, {}, {:?}, {:?}, {:?}, EKU {:?}, SKI {}, AKI {}, signed {:?}",
        c.subject(),
        c.issuer(),
        c.public_key().algorithm(),
        c.basic_constraints(),
        c.key_usage(),
        c.alt_names(),
        c.extended_key_usage(),
        c.subject_key_id().is_some(),
        c.authority_key_id().is_some(),
        c.signature_algorithm(),
    )
}

#[test]
fn the_makefile_fixture_is_what_openssl_makes_today() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/makefile-ca.sh");
    let status = Command::new(script).arg(folder.path()).args(["cluster1", "cluster2"]).status().unwrap();
    assert!(status.success());
    for file in ["root-cert.pem", "cluster1/ca-cert.pem", "cluster1/cert-chain.pem", "cluster1/root-cert.pem", "cluster2/cert-chain.pem"] {
        let made = certificates(&std::fs::read(folder.path().join(file)).unwrap()).unwrap();
        let kept = certificates(&fixtures::bytes(&format!("scenes/makefile/{file}"))).unwrap();
        let shapes = |all: &[Certificate]| all.iter().map(shape).collect::<Vec<_>>();
        assert_eq!(shapes(&made), shapes(&kept), "{file}");
    }
}

#[test]
fn openssl_verifies_the_crls_that_we_write() {
    let (crypto, folder) = (Crypto::ring(), tempfile::tempdir().unwrap());
    let scene = revocation::complete(now(), &crypto);
    let west = scene.cluster("west");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("root.pem"), west.roots[0].to_pem()).unwrap();
    std::fs::write(path("ca.pem"), west.signing.certificate.to_pem()).unwrap();
    std::fs::write(path("leaf.pem"), west.workload(now(), &crypto).chain[0].to_pem()).unwrap();
    let verify = |crls: &[Vec<u8>]| {
        std::fs::write(path("crls.pem"), crls_pem(crls)).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["verify", "-x509_strict", "-crl_check_all", "-CAfile"]).arg(path("root.pem")).arg("-untrusted").arg(path("ca.pem"));
        openssl.arg("-CRLfile").arg(path("crls.pem")).arg(path("leaf.pem")).output().unwrap()
    };
    let out = verify(&west.crls);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let out = verify(&west.crls[..1]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("unable to get certificate CRL"), "{out:?}");
    let revoked = revocation::revoked(now(), &crypto);
    std::fs::write(path("ca.pem"), revoked.cluster("east").signing.certificate.to_pem()).unwrap();
    std::fs::write(path("leaf.pem"), revoked.cluster("east").workload(now(), &crypto).chain[0].to_pem()).unwrap();
    std::fs::write(path("root.pem"), revoked.cluster("east").roots[0].to_pem()).unwrap();
    let out = verify(&revoked.cluster("east").crls);
    assert!(String::from_utf8_lossy(&out.stderr).contains("certificate revoked"), "{out:?}");
}
