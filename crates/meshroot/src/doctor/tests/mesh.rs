use super::*;
use crate::bundle::{Bundle, BundleMap};
use crate::spiffe::TrustDomain;
use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};

fn domain(name: &str) -> TrustDomain {
    TrustDomain::parse(name).unwrap()
}

fn in_domain(above: &Ca, name: &str, edit: crate::istio::testing::Edit) -> Ca {
    below_with(above, name, edit)
}

fn west_and_east() -> (Ca, Ca, Ca, Ca) {
    let uri = |text: &str| vec![SanType::URI(text.try_into().unwrap())];
    let (a, b) = (root("a"), root("b"));
    let west = in_domain(&a, "west", |p| p.subject_alt_names = vec![SanType::URI("spiffe://west.example".try_into().unwrap())]);
    let east = in_domain(&b, "east", |p| p.subject_alt_names = vec![SanType::URI("spiffe://east.example".try_into().unwrap())]);
    let _ = uri;
    (a, b, west, east)
}

fn map(members: &[(&str, &Ca)]) -> BundleMap {
    let mut map = BundleMap::new();
    for (name, root) in members {
        map.insert(Bundle::new(domain(name)).with_x509_authorities([root.cert.clone()]).unwrap());
    }
    map
}

fn of(cluster: &str, map: BundleMap) -> Evidence {
    Evidence::new(format!("{cluster}/map.json"), EvidenceKind::BundleMap { cluster: Some(cluster.into()), map })
}

/// A leaf under this CA with this SPIFFE ID, and the chain it is sent with.
pub(super) fn leaf(ca: &Ca, id: &str) -> Vec<Vec<u8>> {
    let mut params = rcgen::CertificateParams::default();
    params.not_before = at(NOW.minus(Duration::from_secs(3600)));
    params.not_after = at(NOW.plus(DAY));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
    params.use_authority_key_identifier_extension = true;
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &ca.issuer()).unwrap();
    vec![leaf.der().to_vec(), ca.cert.der().to_vec()]
}

#[test]
fn federated_clusters_judge_each_trust_domain_by_its_own_roots() {
    let (a, b, west, east) = west_and_east();
    let both = || map(&[("west.example", &a), ("east.example", &b)]);
    let federated = look(vec![cacerts("west", &[&west], &[&a]), cacerts("east", &[&east], &[&b]), of("west", both()), of("east", both())]);
    let sidecars: Vec<_> = federated.cells.iter().filter(|cell| cell.plane == Plane::Sidecar).map(|cell| cell.verdict.as_str()).collect();
    assert_eq!(sidecars, ["yes"; 4]);
    // ztunnel knows neither maps nor other trust domains.
    let (cause, ..) = no(&federated, "west", "east", Plane::Ambient);
    assert_eq!(cause.code(), "verify.unknown_issuer");
    assert_eq!(federated.clusters[0].trust_domain, Some(domain("west.example")));

    // The other's root in one's own bundle does not let it in.
    let wrong = map(&[("west.example", &a), ("east.example", &a)]);
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a]), cacerts("east", &[&east], &[&b]), of("west", wrong)]);
    let (_, _, mend, _) = no(&diagnosis, "east", "west", Plane::Sidecar);
    assert_eq!(mend[0].mend, Mend::AddRoots { cluster: "west".into(), trust_domain: Some(domain("east.example")), roots: certs(&[&b]) });
    assert_eq!(mend[1].mend, Mend::LetIn { cluster: "west".into(), trust_domain: domain("east.example") });

    let without = look(vec![cacerts("west", &[&west], &[&a]), cacerts("east", &[&east], &[&b]), of("west", map(&[("west.example", &a)]))]);
    let (cause, _, mend, _) = no(&without, "east", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.unknown_trust_domain");
    assert_eq!(mend[0].mend, Mend::AddRoots { cluster: "west".into(), trust_domain: Some(domain("east.example")), roots: certs(&[&b]) });
}

#[test]
fn ztunnel_refuses_another_trust_domain_where_envoy_goes_by_the_roots() {
    let (a, b, west, east) = west_and_east();
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a, &b]), cacerts("east", &[&east], &[&a, &b])]);
    assert_eq!(diagnosis.cell("west", "east", Plane::Sidecar).unwrap().verdict.as_str(), "yes");
    let (cause, symptom, mend, _) = no(&diagnosis, "west", "east", Plane::Ambient);
    assert_eq!(cause.code(), "doctor.other_trust_domain");
    assert!(symptom.log.contains("SanTrustDomainError"), "{symptom:?}");
    assert_eq!(mend[0].mend, Mend::ChangeTrustDomain { cluster: "west".into(), trust_domain: domain("east.example") });
    assert!(diagnosis.notes.iter().any(|note| note.contains("trustDomainAliases")), "{:?}", diagnosis.notes);
}

#[test]
fn a_leaf_finds_its_cluster_and_is_judged_with_it() {
    let root = root("root");
    let west = below(&root, "west");
    let chain = leaf(&west, "spiffe://mesh.example/ns/a/sa/b");
    let sent = |chain: Vec<Vec<u8>>| {
        Evidence::new(
            "tls://10.0.0.1:443",
            EvidenceKind::Endpoint { cluster: None, address: "10.0.0.1:443".into(), chain, negotiated: String::new() },
        )
    };
    let diagnosis = look(vec![sent(chain.clone()), cacerts("west", &[&west], &[&root])]);
    assert_eq!(diagnosis.clusters.len(), 1);
    assert_eq!((diagnosis.clusters[0].name.as_str(), diagnosis.clusters[0].leaves), ("west", 1));
    assert_eq!(diagnosis.clusters[0].trust_domain, Some(domain("mesh.example")));
    assert!(diagnosis.every_pair_trusts(), "{:?}", diagnosis.cells);

    // What is really sent may be worse than what would be.
    let diagnosis = look(vec![sent(chain[..1].to_vec()), cacerts("west", &[&west], &[&root])]);
    let (cause, _, mend, _) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.unknown_issuer");
    assert_eq!(mend[0].mend, Mend::AddToChain { cluster: "west".into(), certificates: certs(&[&west]) });

    // Nobody's leaf is a row of its own.
    let stranger = look(vec![sent(leaf(&below(&super::root("x"), "north"), "spiffe://mesh.example/a")), cacerts("west", &[&west], &[&root])]);
    assert_eq!(said(&stranger)[0], "10.0.0.1:443>west sidecar no");
    assert_eq!(stranger.cells.len(), 4);
}

#[test]
fn a_bundle_is_a_column_and_a_chain_a_row() {
    let root = root("root");
    let west = below(&root, "west");
    let bundle = Bundle::new(domain("mesh.example")).with_x509_authorities([root.cert.clone()]).unwrap();
    let evidence = vec![
        Evidence::new("bundle.json", EvidenceKind::Bundle { cluster: None, bundle }),
        Evidence::new("chain.pem", EvidenceKind::Chain { cluster: None, chain: leaf(&west, "spiffe://mesh.example/a") }),
    ];
    let diagnosis = look(evidence);
    assert_eq!(said(&diagnosis), ["chain.pem>bundle of mesh.example sidecar yes", "chain.pem>bundle of mesh.example ambient yes"]);
    assert_eq!(until(&diagnosis, "chain.pem", "bundle of mesh.example", Plane::Sidecar), (NOW.plus(DAY), ExpiringKind::Leaf));
}

#[test]
fn evidence_of_one_cluster_comes_together_and_contradictions_are_told() {
    let (a, b) = (root("a"), root("b"));
    let west = below(&a, "west");
    // The ConfigMap shows that istiod never took the new roots.
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a, &b]), root_config_map("west", &[&a])]);
    assert_eq!(diagnosis.clusters.len(), 1);
    assert_eq!(diagnosis.clusters[0].roots, certs(&[&a]), "what is handed out counts");
    assert!(warning(&diagnosis, "doctor.roots_disagree").message.contains("ISTIO_MULTIROOT_MESH"));

    let chain = leaf(&below(&a, "older"), "spiffe://mesh.example/a");
    let endpoint = Evidence::new(
        "tls://w:443",
        EvidenceKind::Endpoint { cluster: Some("west".into()), address: "w:443".into(), chain, negotiated: String::new() },
    );
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a]), endpoint]);
    assert_eq!(warning(&diagnosis, "doctor.other_ca_in_use").clusters, ["west"]);

    let named = |source: &str, ca: &Ca| {
        let kind = EvidenceKind::Cacerts { cluster: Some("west".into()), files: set(&[ca], &[&a]), manifest: false };
        Evidence::new(source, kind)
    };
    let diagnosis = look(vec![named("x", &west), named("y", &below(&a, "other"))]);
    assert_eq!(diagnosis.clusters.len(), 1);
    assert_eq!(warning(&diagnosis, "doctor.two_cas").severity, crate::lint::Severity::Warning);

    let store = EvidenceKind::Store {
        trust_domain: domain("mesh.example"),
        clusters: vec![StoredCluster { name: "west".into(), chain: certs(&[&below(&a, "newer")]) }],
        bundle: Bundle::new(domain("mesh.example")).with_x509_authorities([a.cert.clone()]).unwrap(),
    };
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a]), Evidence::new("mesh/mesh.db", store)]);
    assert_eq!(diagnosis.clusters.len(), 1);
    assert_eq!(warning(&diagnosis, "doctor.store_differs").clusters, ["west"]);
    assert_eq!(diagnosis.clusters[0].signing_ca.as_ref(), Some(&west.cert));

    let diagnosis = look(vec![cacerts("west", &[&west], &[&a]), self_signed("west", &b)]);
    assert_eq!(diagnosis.clusters.len(), 1);
    assert_eq!(warning(&diagnosis, "doctor.leftover_self_signed").severity, crate::lint::Severity::Notice);
    assert!(!codes(&diagnosis).contains(&"doctor.roots_disagree"));
}

#[test]
fn names_are_unique_and_come_from_somewhere() {
    let root = root("root");
    let (west, east) = (below(&root, "west 1a2b3c4d"), below(&root, "east"));
    let secret =
        |n: u8, ca: &Ca| Evidence::new(format!("all.yaml#{n}"), EvidenceKind::Cacerts { cluster: None, files: set(&[ca], &[&root]), manifest: true });
    let diagnosis = look(vec![secret(1, &west), secret(2, &east), secret(3, &below(&root, "east"))]);
    let names: Vec<_> = diagnosis.clusters.iter().map(|cluster| (cluster.name.as_str(), cluster.named_by.as_str())).collect();
    let by = "the common name of its CA";
    assert_eq!(names, [("west", by), ("east", by), ("east-2", by)]);
}

#[test]
fn the_layout_of_kubernetes_tls_secrets_is_read_too_and_has_no_crls() {
    let root = root("root");
    let west = below(&root, "west");
    let mut files = CacertsFiles::default();
    files.set("tls.crt", west.pem());
    files.set("tls.key", west.key.serialize_pem());
    files.set("ca.crt", root.pem());
    files.set("ca-crl.pem", crl(&super::root("stranger"), DAY, &[]));
    let diagnosis = look(vec![with_files("west", files)]);
    assert!(diagnosis.every_pair_trusts(), "{:?}", said(&diagnosis));
    assert_eq!(diagnosis.clusters[0].chain, certs(&[&west, &root]));
    assert!(diagnosis.clusters[0].crls.is_none());
    assert_eq!(warning(&diagnosis, "istio.crl_ignored").clusters, ["west"]);
}

#[test]
fn roots_of_nobody_belong_to_whoever_has_the_same() {
    let (a, b) = (root("a"), root("b"));
    let unnamed = |roots: &[&Ca]| Evidence { source: "-#2".into(), ..root_config_map("x", roots) };
    let of = |n: u8, ca: &Ca, roots: &[&Ca]| {
        Evidence::new(format!("-#{n}"), EvidenceKind::Cacerts { cluster: None, files: set(&[ca], roots), manifest: true })
    };
    let (west, east) = (below(&a, "west"), below(&b, "east"));
    let diagnosis = look(vec![of(1, &west, &[&a]), of(3, &east, &[&b]), unnamed(&[&b])]);
    assert_eq!(diagnosis.clusters.iter().map(|cluster| cluster.sources.len()).collect::<Vec<_>>(), [1, 2]);
    let diagnosis = look(vec![of(1, &west, &[&a]), of(3, &below(&a, "east"), &[&a]), unnamed(&[&a])]);
    assert_eq!(diagnosis.clusters.len(), 2);
    assert!(diagnosis.notes.iter().any(|note| note.contains("says nothing new")), "{:?}", diagnosis.notes);
    let diagnosis = look(vec![of(1, &west, &[&a]), unnamed(&[&b])]);
    assert_eq!(said(&diagnosis)[2..], ["west>-#2 sidecar no", "west>-#2 ambient no"], "a consumer of its own");
}
