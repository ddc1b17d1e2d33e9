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
fn many_broken_blocks_are_counted() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".repeat(500);
    let diagnosis = look(vec![Evidence::new("roots.pem", EvidenceKind::RootConfigMap { cluster: None, pem: pem.into_bytes() })]);
    assert_eq!(codes(&diagnosis), ["doctor.unreadable"; 6]);
}
