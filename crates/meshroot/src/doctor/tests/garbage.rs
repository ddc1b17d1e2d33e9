use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

fn unknown(diagnosis: &Diagnosis) -> &str {
    match &diagnosis.cells[0].verdict {
        Verdict::Unknown { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_read_is_named_and_never_trusted() {
    assert!(!look(Vec::new()).every_pair_trusts());
    let root = root("root");
    let west = below(&root, "west");
    let mut files = set(&[&west], &[&root]);
    let half: String = west.pem().chars().take(300).collect();
    files.set("ca-cert.pem", half);
    let diagnosis = look(vec![with_files("west", files)]);
    assert!(unknown(&diagnosis).ends_with("the text is cut off), in west/cacerts"), "{}", unknown(&diagnosis));
    assert!(!diagnosis.every_pair_trusts());
    assert_eq!(warning(&diagnosis, "istio.damaged_pem").source, "west/cacerts: ca-cert.pem");

    let mut files = set(&[&west], &[&root]);
    files.set("root-cert.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    let diagnosis = look(vec![with_files("west", files)]);
    assert!(unknown(&diagnosis).contains("no root can be read in root-cert.pem"), "{}", unknown(&diagnosis));

    let map = EvidenceKind::RootConfigMap { cluster: Some("west".into()), pem: b"no".to_vec() };
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), Evidence::new("cm.yaml", map)]);
    assert!(unknown(&diagnosis).contains("no root can be read in cm.yaml"), "{}", unknown(&diagnosis));
    assert_eq!(warning(&diagnosis, "doctor.no_pem").source, "cm.yaml");

    let crls = EvidenceKind::CrlConfigMap { cluster: Some("west".into()), pem: b"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n".to_vec() };
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), Evidence::new("crl.yaml", crls)]);
    assert!(unknown(&diagnosis).contains("CRLs cannot be read"), "{}", unknown(&diagnosis));

    let rubbish = |chain| Evidence::new("x.pem", EvidenceKind::Chain { cluster: Some("west".into()), chain });
    let diagnosis = look(vec![rubbish(vec![vec![0x30, 0x80, 1], Vec::new()]), root_config_map("east", &[&root])]);
    assert!(unknown(&diagnosis).contains("nothing can be read in x.pem"), "{}", unknown(&diagnosis));
    assert_eq!(codes(&diagnosis).iter().filter(|code| **code == "doctor.unreadable").count(), 2);
}

#[test]
fn ten_thousand_certificates_in_a_bundle_are_read_and_named() {
    let root = root("root");
    let west = below(&root, "west");
    let mut files = set(&[&west], &[&root]);
    files.set("root-cert.pem", format!("{}{}", root.pem(), super::root("other").pem().repeat(4_000)));
    let diagnosis = look(vec![with_files("west", files)]);
    assert!(diagnosis.every_pair_trusts());
    assert!(warning(&diagnosis, "doctor.many_roots").message.contains("4001"));
    assert!(warning(&diagnosis, "doctor.repeated").message.contains("3999"));
}

#[test]
fn more_clusters_than_a_matrix_shows_are_not_trusted_unseen() {
    let root = root("root");
    let west = below(&root, "west");
    let bundle =
        crate::bundle::Bundle::new(crate::spiffe::TrustDomain::parse("mesh.example").unwrap()).with_x509_authorities([root.cert.clone()]).unwrap();
    let store = |clusters: usize| EvidenceKind::Store {
        trust_domain: bundle.trust_domain().clone(),
        clusters: (0..clusters).map(|n| StoredCluster { name: format!("c{n}"), chain: certs(&[&west]) }).collect(),
        bundle: bundle.clone(),
    };
    let diagnosis = look(vec![Evidence::new("mesh.db", store(1001))]);
    assert!(unknown(&diagnosis).contains("1001 clusters") && !diagnosis.every_pair_trusts());
}

#[test]
fn many_broken_blocks_are_counted() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".repeat(500);
    let diagnosis = look(vec![Evidence::new("roots.pem", EvidenceKind::RootConfigMap { cluster: None, pem: pem.into_bytes() })]);
    assert_eq!(codes(&diagnosis), ["doctor.unreadable"; 6]);
}

/// What a good folder, a chain and CRLs are made of.
fn good() -> &'static [Vec<u8>; 4] {
    static GOOD: OnceLock<[Vec<u8>; 4]> = OnceLock::new();
    GOOD.get_or_init(|| {
        let root = root("root");
        let west = below(&root, "west");
        let crls = [crl(&root, 9 * DAY, &[]), crl(&west, 9 * DAY, &[])].concat();
        [west.pem().into_bytes(), root.pem().into_bytes(), crls.into_bytes(), west.cert.der().to_vec()]
    })
}

fn damaged(mut bytes: Vec<u8>, at: prop::sample::Index, byte: u8) -> Vec<u8> {
    let place = at.index(bytes.len());
    bytes[place] = byte;
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_evidence_makes_it_panic(which in 0usize..4, at: prop::sample::Index, byte: u8, cut: prop::sample::Index, kind in 0usize..7, text in "\\PC{0,12}") {
        let mut bytes = damaged(good()[which].clone(), at, byte);
        if kind > 3 {
            bytes.truncate(cut.index(bytes.len()));
        }
        let mut files = CacertsFiles::default();
        for (name, pem) in ["ca-cert.pem", "cert-chain.pem", "root-cert.pem", "ca-crl.pem"].into_iter().zip([0usize, 0, 1, 2]) {
            files.set(name, if pem == which { bytes.clone() } else { good()[pem].clone() });
        }
        let cluster = (kind % 2 == 0).then(|| text.clone());
        let evidence = [
            EvidenceKind::Cacerts { cluster: cluster.clone(), files: files.clone(), manifest: false },
            EvidenceKind::SelfSignedCa { cluster: cluster.clone(), files, manifest: true },
            EvidenceKind::RootConfigMap { cluster: cluster.clone(), pem: bytes.clone() },
            EvidenceKind::CrlConfigMap { cluster: cluster.clone(), pem: bytes.clone() },
            EvidenceKind::Chain { cluster: cluster.clone(), chain: vec![bytes.clone(), good()[3].clone()] },
            EvidenceKind::Endpoint { cluster, address: text.clone(), chain: vec![bytes], negotiated: text.clone() },
        ];
        let diagnosis = look(evidence.into_iter().map(|kind| Evidence::new(text.clone(), kind)).collect());
        let names: std::collections::HashSet<_> = diagnosis.clusters.iter().map(|cluster| &cluster.name).collect();
        prop_assert_eq!(names.len(), diagnosis.clusters.len());
        prop_assert!(diagnosis.clusters.iter().all(|cluster| !cluster.name.chars().any(char::is_control)));
    }
}
