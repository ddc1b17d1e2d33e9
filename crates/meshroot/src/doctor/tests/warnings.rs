use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData};

use super::mesh::leaf;
use super::*;
use crate::lint::Severity;

/// A cluster whose CA is this one.
fn with(root: &Ca, ca: &Ca) -> Diagnosis {
    look(vec![cacerts("west", &[ca], &[root])])
}

#[track_caller]
fn warns(diagnosis: &Diagnosis, code: &str, severity: Severity, words: &str) {
    let found = warning(diagnosis, code);
    assert_eq!(found.severity, severity, "{found}");
    assert!(found.message.contains(words), "{found}");
    assert!(!found.remedy.is_empty() && !found.source.is_empty() || !found.clusters.is_empty(), "{found:?}");
}

fn with_key(above: &Ca, name: &str, key: KeyPair) -> Ca {
    let sound = below(above, name);
    let cert = Certificate::from_der(sound.params.signed_by(&key, &above.issuer()).unwrap().der()).unwrap();
    Ca { params: sound.params, key, cert }
}

#[test]
fn a_sound_mesh_has_no_warnings() {
    let root = root("root");
    let ca = |name| below_with(&root, name, |p| p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0)));
    let diagnosis = look(vec![cacerts("west", &[&ca("west")], &[&root]), cacerts("east", &[&ca("east")], &[&root])]);
    assert_eq!(codes(&diagnosis), Vec::<&str>::new());
}

#[test]
fn what_a_ca_may_be_used_for() {
    let root = root("root");
    let usages = |usages: &[KeyUsagePurpose]| {
        let mut params = below(&root, "west").params;
        params.key_usages = usages.to_vec();
        let key = KeyPair::generate().unwrap();
        let cert = Certificate::from_der(params.signed_by(&key, &root.issuer()).unwrap().der()).unwrap();
        with(&root, &Ca { params, key, cert })
    };
    warns(&usages(&[KeyUsagePurpose::KeyCertSign]), "doctor.no_crl_sign", Severity::Warning, "may not sign CRLs");
    warns(&usages(&[KeyUsagePurpose::CrlSign]), "doctor.no_key_cert_sign", Severity::Error, "may not sign certificates");
    warns(&usages(&[]), "doctor.no_key_usage", Severity::Warning, "no keyUsage");
    assert_eq!(warning(&usages(&[KeyUsagePurpose::KeyCertSign]), "doctor.no_crl_sign").source, "west/cacerts: ca-cert.pem");
    warns(&with(&root, &below(&root, "west")), "doctor.no_path_length", Severity::Notice, "pathLenConstraint");
    let none = below_with(&root, "west", |p| p.is_ca = rcgen::IsCa::ExplicitNoCa);
    warns(&with(&root, &none), "doctor.not_a_ca", Severity::Error, "is none");
}

/// An RSA key as big as Istio's Makefile makes it; nobody has the private half.
struct Rsa(Vec<u8>);

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

#[test]
fn keys_that_cost() {
    let root = root("root");
    let p384 = with_key(&root, "west", KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    warns(&with(&root, &p384), "doctor.p384", Severity::Notice, "P-384");
    let ed25519 = with_key(&root, "west", KeyPair::generate_for(&PKCS_ED25519).unwrap());
    warns(&with(&root, &ed25519), "doctor.ed25519", Severity::Warning, "Ed25519");

    let modulus = [vec![0x00], vec![0xc3; 512]].concat();
    let key = [&[0x30, 0x82, 0x02, 0x0a, 0x02, 0x82, 0x02, 0x01], modulus.as_slice(), &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
    let rsa = below(&root, "west").params.signed_by(&Rsa(key), &root.issuer()).unwrap();
    let mut files = CacertsFiles::default();
    for (name, pem) in [("ca-cert.pem", rsa.pem()), ("cert-chain.pem", rsa.pem()), ("root-cert.pem", root.pem())] {
        files.set(name, pem);
    }
    let diagnosis = look(vec![with_files("west", files)]);
    warns(&diagnosis, "doctor.rsa_4096", Severity::Warning, "RSA-4096");
    assert!(!codes(&diagnosis).contains(&"istio.incomplete"), "whoever shows no key did right: {:?}", codes(&diagnosis));
}

#[test]
fn dates() {
    let root = root("root");
    let ca = |edit: crate::istio::testing::Edit| with(&root, &below_with(&root, "west", edit));
    warns(&ca(|p| p.not_before = rcgen::date_time_ymd(1950, 1, 1)), "doctor.odd_dates", Severity::Warning, "1950-01-01");
    let forever = root_with("root", |p| p.not_after = rcgen::date_time_ymd(9999, 12, 31));
    warns(
        &with(&forever, &below_with(&forever, "west", |p| p.not_after = rcgen::date_time_ymd(2030, 1, 1))),
        "doctor.never_expires",
        Severity::Warning,
        "9999",
    );
    warns(&ca(|p| p.not_after = at(NOW.minus(DAY))), "doctor.expired", Severity::Error, "expired at");
    warns(&ca(|p| p.not_before = at(NOW.plus(DAY))), "doctor.not_yet_valid", Severity::Warning, "in 1d");
    warns(&ca(|p| p.not_after = at(NOW.plus(40 * DAY))), "doctor.expires_soon", Severity::Warning, "in 40d");
    let old = root_with("old", |p| p.not_after = at(NOW.plus(10 * DAY)));
    let diagnosis = look(vec![cacerts("west", &[&below(&root, "west")], &[&root, &old])]);
    assert!(warning(&diagnosis, "doctor.expires_soon").remedy.contains("publish a new root"));
}

#[test]
fn shapes_that_break_somebody() {
    let root = root("root");
    let limited = below_with(&root, "west", |p| {
        // SEQUENCE { [0] { SEQUENCE { [6] "a.b" } } }
        let mut limit =
            rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], [&[0x30, 9, 0xa0, 7, 0x30, 5, 0x86, 3], b"a.b".as_slice()].concat());
        limit.set_criticality(true);
        p.custom_extensions.push(limit);
    });
    warns(&with(&root, &limited), "doctor.uri_constraint", Severity::Warning, "permitted 'a.b'");
    warns(&look(vec![cacerts("west", &[&root], &[&root])]), "doctor.self_signed", Severity::Warning, "root that signs workloads itself");

    // ecdsa-with-SHA256 becomes an algorithm that nobody knows.
    let mut der = below(&root, "west").cert.der().to_vec();
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let places: Vec<usize> = der.windows(8).enumerate().filter(|(_, bytes)| *bytes == oid).map(|(at, _)| at).collect();
    places.iter().for_each(|at| der[at + 7] = 0x09);
    let mut files = CacertsFiles::default();
    let pem = crate::istio::testing::pem_of(&[&der]);
    for (name, pem) in [("ca-cert.pem", &pem), ("cert-chain.pem", &pem), ("root-cert.pem", &root.pem())] {
        files.set(name, pem.as_str());
    }
    warns(&look(vec![with_files("west", files)]), "doctor.weak_signature", Severity::Error, "unknown or too weak");
}

#[test]
fn what_clusters_should_not_share() {
    let root = root("root");
    let (west, east) = (below(&root, "Intermediate CA"), below(&root, "Intermediate CA"));
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), cacerts("east", &[&east], &[&root])]);
    warns(&diagnosis, "doctor.same_subject", Severity::Warning, "2 CAs with different keys");
    assert_eq!(warning(&diagnosis, "doctor.same_subject").clusters, ["west", "east"]);
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), cacerts("east", &[&west], &[&root])]);
    warns(&diagnosis, "doctor.shared_key", Severity::Warning, "west, east sign with the same key");
    assert!(!codes(&diagnosis).contains(&"doctor.same_subject"));
}

#[test]
fn several_trust_domains_in_a_flat_list() {
    let (a, b) = (root("a"), root("b"));
    let of = |above: &Ca, name: &str| {
        let mut params = below(above, name).params;
        params.subject_alt_names = vec![rcgen::SanType::URI(format!("spiffe://{name}.example").try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        let cert = Certificate::from_der(params.signed_by(&key, &above.issuer()).unwrap().der()).unwrap();
        Ca { params, key, cert }
    };
    let (west, east) = (of(&a, "west"), of(&b, "east"));
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a, &b]), cacerts("east", &[&east], &[&a, &b])]);
    warns(&diagnosis, "doctor.flat_bundle", Severity::Warning, "east.example, west.example");
    warns(&diagnosis, "doctor.trust_domains_differ", Severity::Notice, "west.example (west)");
    let apart = look(vec![cacerts("west", &[&west], &[&a]), cacerts("east", &[&east], &[&b])]);
    assert!(!codes(&apart).contains(&"doctor.flat_bundle"));
}

#[test]
fn keys_that_can_be_read() {
    let root = root("root");
    let west = below(&root, "west");
    let secret = EvidenceKind::Cacerts { cluster: None, files: set(&[&west], &[&root]), manifest: true };
    let diagnosis = look(vec![Evidence::new("west.yaml", secret)]);
    warns(&diagnosis, "doctor.key_in_manifest", Severity::Warning, "base64");
    assert!(!codes(&diagnosis).contains(&"doctor.root_key"));
    warns(&look(vec![self_signed("west", &root)]), "doctor.root_key", Severity::Warning, "private key of a root");
    assert!(!codes(&with(&root, &west)).contains(&"doctor.key_in_manifest"), "a folder is where keys lie");
    let text = format!("{diagnosis:?}");
    assert!(!text.contains("PRIVATE"), "nothing of a key is kept");
}

#[test]
fn a_key_among_the_roots() {
    let root = root("root");
    let pem = format!("{}{}", root.pem(), root.key.serialize_pem()).into_bytes();
    let diagnosis = look(vec![Evidence::new("roots.yaml", EvidenceKind::RootConfigMap { cluster: Some("west".into()), pem })]);
    warns(&diagnosis, "doctor.key_published", Severity::Error, "block 2");
    let half = EvidenceKind::RootConfigMap { cluster: Some("west".into()), pem: root.pem().as_bytes()[..200].to_vec() };
    warns(&look(vec![Evidence::new("roots.yaml", half)]), "doctor.damaged_pem", Severity::Error, "damaged");
}

#[test]
fn crls_that_are_due_strange_or_nobodys() {
    let root = root("root");
    let (west, stranger) = (below(&root, "west"), super::root("stranger"));
    let with = |extra: String| {
        let mut files = set(&[&west], &[&root]);
        files.set("ca-crl.pem", format!("{}{}{extra}", crl(&root, 9 * DAY, &[]), crl(&west, Duration::from_secs(7200), &[])));
        look(vec![with_files("west", files)])
    };
    let diagnosis = with(crl(&stranger, 9 * DAY, &[]));
    assert!(diagnosis.every_pair_trusts());
    warns(&diagnosis, "doctor.crl_due", Severity::Warning, "in 2h");
    warns(&diagnosis, "doctor.crl_of_nobody", Severity::Notice, "CN=stranger");
    let stale = with(crl_due(&west, NOW.minus(DAY), &[]));
    warns(&stale, "doctor.crl_stale", Severity::Error, "out of date since");
    assert!(stale.every_pair_trusts(), "there is a current one too");

    // Without a cRLNumber, since its identifier became another.
    let mut der = crate::revocation::Crl::from_pem(crl(&west, 9 * DAY, &[]).as_bytes()).unwrap()[0].der().to_vec();
    let place = der.windows(3).rposition(|bytes| bytes == [0x55, 0x1d, 0x14]).unwrap();
    der[place + 2] = 0x63;
    warns(&with(crate::pem::encode("X509 CRL", &der)), "doctor.crl_unusable", Severity::Error, "cRLNumber");

    let homeless = Evidence::new("ca-crl.pem", EvidenceKind::CrlConfigMap { cluster: None, pem: crl(&root, DAY, &[]).into_bytes() });
    let east = below(&root, "east");
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), cacerts("east", &[&east], &[&root]), homeless]);
    warns(&diagnosis, "doctor.whose", Severity::Warning, "which cluster");
}

#[test]
fn a_leaf_that_is_not_renewed_and_one_that_stands_last() {
    let root = root("root");
    let west = below(&root, "west");
    let chain = leaf(&west, "spiffe://mesh.example/a");
    let kind = |chain: Vec<Vec<u8>>| EvidenceKind::Chain { cluster: Some("west".into()), chain };
    let late = diagnose(
        vec![cacerts("west", &[&west], &[&root]), Evidence::new("leaf.pem", kind(chain.clone()))],
        &Settings::default(),
        &crypto(),
        NOW.plus(Duration::from_secs(22 * 3600)),
    );
    warns(&late, "doctor.not_renewed", Severity::Warning, "in 2h");
    let turned: Vec<_> = chain.into_iter().rev().collect();
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), Evidence::new("leaf.pem", kind(turned))]);
    warns(&diagnosis, "doctor.chain_order", Severity::Error, "wrong order");
    assert!(diagnosis.every_pair_trusts());
    assert!(!codes(&diagnosis).contains(&"doctor.not_renewed"));
}

#[test]
fn what_istiod_says_to_a_set_is_passed_on_once() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let mut files = set(&[&west], &[&root]);
    files.set("ca-key.pem", root.key.serialize_pem());
    files.set("cert-chain.pem", root.pem());
    let diagnosis = look(vec![with_files("west", files)]);
    warns(&diagnosis, "istio.key_mismatch", Severity::Error, "istiod says: the cert does not match the key");
    warns(&diagnosis, "istio.chain_without_ca", Severity::Error, "no peer finds the way");
    assert!(!codes(&diagnosis).contains(&"istio.no_crl_sign"), "said by doctor.no_crl_sign");
    let severities: Vec<_> = diagnosis.warnings.iter().map(|warning| warning.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b), "the worst first: {severities:?}");
}

/// The codes that a Rust source names.
fn codes_in(text: &str) -> Vec<String> {
    let quoted = text.split('"').skip(1).step_by(2).filter(|text| text.starts_with("doctor."));
    quoted.filter(|code| code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_'))).map(str::to_owned).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_warning_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor");
    let (tests, code): (Vec<_>, Vec<_>) = sources(&folder).into_iter().partition(|path| path.starts_with(folder.join("tests")));
    let read = |paths: Vec<PathBuf>| paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<String>();
    let (tests, known) = (read(tests), codes_in(&read(code)));
    assert!(known.len() > 40, "{known:?}");
    let untested: Vec<_> = known.iter().filter(|code| !tests.contains(&format!("\"{code}\""))).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
