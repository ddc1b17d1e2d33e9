//! rustls-webpki, what ztunnel and linkerd verify with, judges everything that we issue.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use meshroot::key::Crypto;
use meshroot::x509::Certificate;
use meshroot_tests::exhibits::{self, Exhibit, Kind, now};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring as algorithms};

fn der(pem: &str) -> Vec<CertificateDer<'static>> {
    if pem.is_empty() {
        return Vec::new();
    }
    meshroot::pem::certificates(pem.as_bytes()).unwrap().iter().map(|c: &Certificate| CertificateDer::from(c.der().to_vec())).collect()
}

/// webpki's verdict, as a client and as a server.
fn verdict(leaf: &str, intermediates: &str, root: &str) -> Result<(), webpki::Error> {
    let (leaf, intermediates, root) = (der(leaf), der(intermediates), der(root));
    let anchors = [anchor_from_trusted_cert(&root[0])?];
    let end_entity = EndEntityCert::try_from(&leaf[0])?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now().unix()).unwrap()));
    for usage in [KeyUsage::client_auth(), KeyUsage::server_auth()] {
        end_entity.verify_for_usage(
            &[algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA384, algorithms::ED25519, algorithms::RSA_PKCS1_2048_8192_SHA256],
            &anchors,
            &intermediates,
            time,
            usage,
            None,
            None,
        )?;
    }
    Ok(())
}

fn leaves() -> Vec<Exhibit> {
    exhibits::all(&Crypto::ring()).into_iter().filter(|e| matches!(e.kind, Kind::Workload | Kind::Server)).collect()
}

#[test]
fn webpki_accepts_every_leaf_below_every_kind_of_ca() {
    let leaves = leaves();
    assert_eq!(leaves.len(), 50);
    for exhibit in leaves {
        verdict(&exhibit.leaf, &exhibit.intermediates, &exhibit.root).unwrap_or_else(|e| panic!("{}: {e}", exhibit.name));
    }
}

#[test]
fn webpki_refuses_what_is_planted() {
    let leaves = leaves();
    let [first, .., last] = leaves.as_slice() else { panic!("leaves") };
    assert!(verdict(&first.leaf, "", &first.root).is_err(), "a missing intermediate");
    assert!(verdict(&first.leaf, &first.intermediates, &last.root).is_err(), "another root");
    assert!(verdict(&first.intermediates, "", &first.root).is_err(), "a CA as the leaf");
}
