use super::*;
use crate::istio::testing::report;
use proptest::prelude::*;

/// Bytes of any kind, alone and wrapped as each kind of PEM block.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let raw = prop::collection::vec(any::<u8>(), 0..300);
    let label = prop::sample::select(vec!["CERTIFICATE", "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "X509 CRL", "ENCRYPTED PRIVATE KEY"]);
    prop_oneof![raw.clone(), (label, raw).prop_map(|(label, bytes)| crate::pem::encode(label, &bytes).into_bytes())]
}

proptest! {
    #[test]
    fn arbitrary_files_are_judged_and_nothing_panics(files in prop::collection::vec((prop::sample::select(CacertsFiles::NAMES.to_vec()), anything()), 0..6)) {
        let mut set = CacertsFiles::default();
        for (name, bytes) in files {
            set.set(name, bytes);
        }
        prop_assert!(!report(&set).is_good());
    }

    #[test]
    fn a_changed_byte_is_judged_and_nothing_panics(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mesh = mesh();
        let mut der = mesh.west.cert.der().to_vec();
        let at = at.index(der.len());
        der[at] ^= 1 << bit;
        let mut files = mesh.files();
        let changed = crate::istio::testing::pem_of(&[&der]);
        files.set("ca-cert.pem", changed.clone());
        files.set("cert-chain.pem", changed);
        prop_assert!(!report(&files).findings().is_empty(), "a signature covers every byte");
    }
}

#[test]
fn a_maze_of_look_alikes_costs_a_bounded_number_of_signature_checks() {
    // One name, one key, thirty certificates: each is signed by each, and there are 30^9 ways that all lead nowhere.
    let same = root("same");
    let maze = (1..30u64).map(|serial| {
        let mut params = same.params.clone();
        params.serial_number = Some(rcgen::SerialNumber::from(serial));
        params.self_signed(&same.key).unwrap().pem()
    });
    let west = below(&same, "west");
    let mut files = set(&[&west], &[&root("elsewhere")]);
    files.set("cert-chain.pem", format!("{}{}", west.pem(), maze.collect::<String>()));
    assert_eq!(codes(&files)[0], "M istio.path_too_long");
}

#[test]
fn two_cas_that_signed_each_other_end_the_search() {
    let (a, b) = (root("a"), root("b"));
    let a_by_b = crate::x509::Certificate::from_der(a.params.signed_by(&a.key, &b.issuer()).unwrap().der()).unwrap();
    let b_by_a = crate::x509::Certificate::from_der(b.params.signed_by(&b.key, &a.issuer()).unwrap().der()).unwrap();
    let west = below(&a, "west");
    let mut files = set(&[&west], &[&root("elsewhere")]);
    files.set("cert-chain.pem", format!("{}{}{}", west.pem(), a_by_b.to_pem(), b_by_a.to_pem()));
    let report = report(&files);
    assert_eq!(report.findings()[0].code, "istio.no_path");
    assert!(report.findings()[0].message.contains("circle"), "{}", report.findings()[0]);
}
