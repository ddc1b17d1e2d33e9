use super::*;

fn with_crls(name: &str, ca: &Ca, root: &Ca, crls: &[String]) -> Evidence {
    let mut files = set(&[ca], &[root]);
    files.set("ca-crl.pem", crls.concat());
    with_files(name, files)
}

#[test]
fn a_partial_crl_set_cuts_the_other_cluster_off_in_sidecars_alone() {
    let root = root("root");
    let (west, east) = (below(&root, "west"), below(&root, "east"));
    let of = |ca: &Ca| crl(ca, 9 * DAY, &[]);
    let diagnosis =
        look(vec![with_crls("west", &west, &root, &[of(&root), of(&west)]), with_crls("east", &east, &root, &[of(&root), of(&east), of(&west)])]);
    assert_eq!(
        said(&diagnosis).iter().filter(|line| line.ends_with("no")).collect::<Vec<_>>(),
        ["east>west sidecar no"],
        "east has all of them, and ztunnel takes what there is"
    );
    let (cause, symptom, mend, otherwise) = no(&diagnosis, "east", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.crl_missing");
    assert!(symptom.log.contains("depth 0: certificate revocation check against provided CRLs failed: unable to get certificate CRL"), "{symptom:?}");
    let [step] = mend else { panic!("{mend:?}") };
    let Mend::AddCrls { cluster, crls } = &step.mend else { panic!("{step:?}") };
    assert_eq!((cluster.as_str(), crls.len()), ("west", 1));
    assert_eq!(crate::revocation::Crl::from_der(&crls[0]).unwrap().issuer(), east.cert.subject());
    assert!(matches!(otherwise, [Step { mend: Mend::RemoveCrls { .. }, .. }]));
    assert!(warning(&diagnosis, "doctor.crl_partial").message.contains("CN=east"));

    let mended = look(vec![
        with_crls("west", &west, &root, &[of(&root), of(&west), of(&east)]),
        with_crls("east", &east, &root, &[of(&root), of(&east), of(&west)]),
    ]);
    assert!(mended.every_pair_trusts());
    assert_eq!(until(&mended, "west", "east", Plane::Sidecar), (NOW.plus(9 * DAY).minus(Duration::from_secs(1)), ExpiringKind::Crl));
    assert_eq!(until(&mended, "west", "east", Plane::Ambient).1, ExpiringKind::SigningCa, "ztunnel takes CRLs of any age");
    assert!(!codes(&mended).contains(&"doctor.crl_partial"));
}

#[test]
fn a_crl_that_nobody_has_is_to_be_made() {
    let root = root("root");
    let (west, east) = (below(&root, "west"), below(&root, "east"));
    let of = |ca: &Ca| crl(ca, 9 * DAY, &[]);
    let diagnosis = look(vec![with_crls("west", &west, &root, &[of(&root), of(&west)]), cacerts("east", &[&east], &[&root])]);
    let (_, _, mend, _) = no(&diagnosis, "east", "west", Plane::Sidecar);
    let [step] = mend else { panic!("{mend:?}") };
    assert_eq!(step.mend, Mend::IssueCrl { cluster: "west".into(), issuer: east.cert.clone() });
}

#[test]
fn crls_of_strangers_alone_still_demand_one_of_everybody() {
    let root = root("root");
    let west = below(&root, "west");
    let diagnosis = look(vec![with_crls("west", &west, &root, &[crl(&super::root("stranger"), 9 * DAY, &[])])]);
    let (cause, ..) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.crl_missing");
    let Verdict::No { certificate: Some(blamed), .. } = &diagnosis.cell("west", "west", Plane::Sidecar).unwrap().verdict else { panic!() };
    assert_eq!((blamed.role, &blamed.subject), ("signing CA", west.cert.subject()), "the CA whose CRL is missing");
}

#[test]
fn stale_crls_are_a_total_outage_of_sidecars() {
    let root = root("root");
    let west = below(&root, "west");
    let of = |ca: &Ca| crl_due(ca, NOW.minus(DAY), &[]);
    let diagnosis = look(vec![with_crls("west", &west, &root, &[of(&root), of(&west)])]);
    let (cause, symptom, mend, _) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.crl_stale");
    assert!(symptom.log.contains("depth 0: certificate revocation check against provided CRLs failed: CRL has expired"), "{symptom:?}");
    assert_eq!(mend.len(), 2, "one of each CA: {mend:?}");
    assert_eq!(diagnosis.cell("west", "west", Plane::Ambient).unwrap().verdict.as_str(), "yes");
}

#[test]
fn a_ca_without_crl_sign_can_have_no_crls_so_they_have_to_go() {
    let root = root_with("root", |p| p.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign]);
    let west = below_with(&root, "west", |p| p.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign]);
    // rcgen itself refuses to sign with such a CA.
    let mut lying = Ca { params: west.params.clone(), key: rcgen::KeyPair::generate().unwrap(), cert: west.cert.clone() };
    lying.params.key_usages.push(rcgen::KeyUsagePurpose::CrlSign);
    lying.key = rcgen::KeyPair::from_pem(&west.key.serialize_pem()).unwrap();
    let diagnosis = look(vec![with_crls("west", &west, &root, &[crl(&lying, 9 * DAY, &[])])]);
    let (cause, symptom, mend, otherwise) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.crl_unusable");
    assert!(symptom.log.contains("depth 0: key usage does not include CRL signing"), "{symptom:?}");
    assert!(matches!(mend, [Step { mend: Mend::RemoveCrls { .. }, .. }]), "{mend:?}");
    let instead: Vec<_> = otherwise.iter().map(|step| (step.mend.as_str(), step.mend.cluster().unwrap())).collect();
    assert_eq!(instead, [("reissue_authority", "west"), ("reissue_authority", "west"), ("issue_crl", "west")], "the root has no CRL yet");
    let (_, symptom, ..) = no(&diagnosis, "west", "west", Plane::Ambient);
    assert!(symptom.log.contains("IssuerInvalidForCrl"), "{symptom:?}");
    assert!(warning(&diagnosis, "doctor.crl_issuer").message.contains("cRLSign"));
}

#[test]
fn a_revoked_ca_is_replaced() {
    let root = root("root");
    let (west, east) = (below(&root, "west"), below(&root, "east"));
    let crls = [crl(&root, 9 * DAY, &[&east]), crl(&west, 9 * DAY, &[]), crl(&east, 9 * DAY, &[])];
    let diagnosis = look(vec![with_crls("west", &west, &root, &crls), cacerts("east", &[&east], &[&root])]);
    for plane in Plane::ALL {
        let (cause, _, mend, otherwise) = no(&diagnosis, "east", "west", plane);
        assert_eq!(cause.code(), "verify.revoked");
        assert_eq!(mend[0].mend, Mend::ReplaceAuthority { cluster: "east".into(), certificate: east.cert.clone() });
        assert!(otherwise.is_empty(), "a revoked CA is not let in by taking the CRL away");
    }
}

#[test]
fn crls_of_the_config_map_are_those_that_count() {
    let root = root("root");
    let west = below(&root, "west");
    let of = |ca: &Ca, due: Timestamp| crl_due(ca, due, &[]);
    let old = [of(&root, NOW.minus(DAY)), of(&west, NOW.minus(DAY))].concat();
    let new = [of(&root, NOW.plus(DAY)), of(&west, NOW.plus(DAY))];
    let map = Evidence::new("west/istio-ca-crl.yaml", EvidenceKind::CrlConfigMap { cluster: None, pem: old.into_bytes() });
    let diagnosis = look(vec![with_crls("west", &west, &root, &new), map]);
    assert_eq!(no(&diagnosis, "west", "west", Plane::Sidecar).0.code(), "verify.crl_stale");
    assert_eq!(warning(&diagnosis, "doctor.crls_disagree").clusters, ["west"]);
}
