use super::*;

#[test]
fn two_clusters_under_one_root_trust_each_other_until_the_first_ca_expires() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.not_after = at(NOW.plus(100 * DAY)));
    let east = below_with(&root, "east", |p| p.not_after = at(NOW.plus(200 * DAY)));
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), cacerts("east", &[&east], &[&root])]);
    assert!(diagnosis.every_pair_trusts());
    assert_eq!(diagnosis.cells.len(), 8);
    assert_eq!(said(&diagnosis)[..3], ["west>west sidecar yes", "west>west ambient yes", "west>east sidecar yes"]);
    assert_eq!(until(&diagnosis, "west", "east", Plane::Sidecar), (NOW.plus(100 * DAY), ExpiringKind::SigningCa));
    assert_eq!(until(&diagnosis, "east", "west", Plane::Ambient), (NOW.plus(200 * DAY), ExpiringKind::SigningCa));
    let [first, second] = diagnosis.forecast.as_slice() else { panic!("{:?}", diagnosis.forecast) };
    assert_eq!(first.expiry.source, "west/cacerts: ca-cert.pem");
    assert_eq!(first.pairs, [("west".into(), "west".into()), ("west".into(), "east".into())]);
    assert_eq!(first.planes, Plane::ALL);
    assert_eq!(second.expiry.at, NOW.plus(200 * DAY));
}

#[test]
fn two_istiods_left_to_themselves_do_not_trust_each_other_and_exchanging_roots_mends_it() {
    let lonely = |p: &mut rcgen::CertificateParams| {
        p.distinguished_name = rcgen::DistinguishedName::new();
        p.distinguished_name.push(rcgen::DnType::OrganizationName, "cluster.local");
        p.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    };
    let (west, east) = (root_with("west", lonely), root_with("east", lonely));
    let diagnosis = look(vec![self_signed("west", &west), self_signed("east", &east)]);
    assert_eq!(
        said(&diagnosis),
        [
            "west>west sidecar yes",
            "west>west ambient yes",
            "west>east sidecar no",
            "west>east ambient no",
            "east>west sidecar no",
            "east>west ambient no",
            "east>east sidecar yes",
            "east>east ambient yes",
        ]
    );
    let (cause, symptom, mend, _) = no(&diagnosis, "west", "east", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.bad_signature");
    assert!(symptom.log.contains("verification error at depth 1: self signed certificate in certificate chain"), "{symptom:?}");
    assert_eq!(symptom.counter, "ssl.fail_verify_error");
    let [step] = mend else { panic!("{mend:?}") };
    assert_eq!(step.mend, Mend::AddRoots { cluster: "east".into(), trust_domain: None, roots: certs(&[&west]) });
    assert!(step.text.contains("meshroot quickstart"), "{}", step.text);

    let both = look(vec![
        self_signed("west", &west),
        self_signed("east", &east),
        root_config_map("west", &[&west, &east]),
        root_config_map("east", &[&east, &west]),
    ]);
    assert!(both.every_pair_trusts(), "{:?}", said(&both));
}

#[test]
fn a_chain_without_the_intermediate_is_refused_by_everybody_and_the_step_puts_it_in() {
    let root = root("root");
    let west = below(&root, "west");
    let mut files = set(&[&west], &[&root]);
    files.set("cert-chain.pem", root.pem());
    let diagnosis = look(vec![with_files("west", files.clone())]);
    let (cause, symptom, mend, _) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.unknown_issuer");
    assert!(symptom.log.contains("depth 0: unable to get local issuer certificate"), "{symptom:?}");
    assert_eq!(mend[0].mend, Mend::AddToChain { cluster: "west".into(), certificates: certs(&[&west]) });
    assert_eq!(mend.len(), 1, "{mend:?}");
    let Verdict::No { certificate: Some(blamed), .. } = &diagnosis.cell("west", "west", Plane::Sidecar).unwrap().verdict else { panic!() };
    assert_eq!((blamed.position, blamed.role, &blamed.subject), (0, "leaf by the signing CA", west.cert.subject()));
    files.set("cert-chain.pem", format!("{}{}", west.pem(), root.pem()));
    assert!(look(vec![with_files("west", files)]).every_pair_trusts());
}

#[test]
fn an_intermediate_that_lies_in_another_clusters_files_is_found_there() {
    let root = root("root");
    let region = below(&root, "region");
    let west = below_with(&region, "west", |p| p.not_after -= time::Duration::DAY);
    let east = below_with(&region, "east", |p| p.not_after -= time::Duration::DAY);
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root]), cacerts("east", &[&east, &region], &[&root])]);
    let (_, _, mend, _) = no(&diagnosis, "west", "east", Plane::Ambient);
    assert_eq!(mend[0].mend, Mend::AddToChain { cluster: "west".into(), certificates: certs(&[&region]) });
    assert_eq!(mend.len(), 1);
    assert!(look(vec![cacerts("west", &[&west, &region], &[&root]), cacerts("east", &[&east, &region], &[&root])]).every_pair_trusts());

    let alone = look(vec![cacerts("west", &[&west], &[&root])]);
    let (_, _, mend, _) = no(&alone, "west", "west", Plane::Sidecar);
    assert_eq!(mend[0].mend, Mend::FindIssuer { cluster: "west".into(), issuer: region.cert.subject().clone() });
}

#[test]
fn an_expired_intermediate_is_named_and_what_else_is_wrong_is_mended_too() {
    let (a, b) = (root("a"), root("b"));
    let west = below_with(&a, "west", |p| p.not_after = at(NOW.minus(DAY)));
    let east = below(&b, "east");
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a]), cacerts("east", &[&east], &[&b])]);
    let (cause, symptom, mend, _) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.expired");
    assert!(symptom.log.contains("depth 1: certificate has expired"), "{symptom:?}");
    assert!(symptom.caller.ends_with("connection termination"), "{symptom:?}");
    assert_eq!(
        mend.iter().map(|step| step.mend.clone()).collect::<Vec<_>>(),
        [Mend::RenewAuthority { cluster: "west".into(), certificate: west.cert.clone() }]
    );
    let Verdict::No { certificate: Some(blamed), .. } = &diagnosis.cell("west", "west", Plane::Ambient).unwrap().verdict else { panic!() };
    assert_eq!((blamed.position, blamed.role, blamed.source.as_str()), (1, "signing CA", "west/cacerts: ca-cert.pem"));
    assert_eq!(blamed.serial.as_ref(), Some(west.cert.serial()));

    let (_, _, mend, _) = no(&diagnosis, "west", "east", Plane::Sidecar);
    assert_eq!(mend.len(), 2, "{mend:?}");
    assert!(mend.iter().any(|step| step.mend == Mend::AddRoots { cluster: "east".into(), trust_domain: None, roots: certs(&[&a]) }));
    assert!(mend.iter().any(|step| matches!(step.mend, Mend::RenewAuthority { .. })));
}

#[test]
fn a_ca_that_may_not_sign_is_made_again() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature]);
    let diagnosis = look(vec![cacerts("west", &[&west], &[&root])]);
    let (cause, _, mend, _) = no(&diagnosis, "west", "west", Plane::Sidecar);
    assert_eq!(cause.code(), "verify.key_usage_lacks");
    assert_eq!(mend[0].mend, Mend::ReissueAuthority { cluster: "west".into(), certificate: west.cert.clone(), change: Reissue::KeyUsage });
}

#[test]
fn yes_lasts_as_long_as_any_path_does() {
    let root = root("root");
    let old = below_with(&root, "west", |p| p.not_after = at(NOW.plus(10 * DAY)));
    // Renewed with its key, and still beside the old one.
    let mut params = old.params.clone();
    params.not_after = at(NOW.plus(300 * DAY));
    params.serial_number = Some(rcgen::SerialNumber::from(99u64));
    let renewed = Certificate::from_der(params.signed_by(&old.key, &root.issuer()).unwrap().der()).unwrap();
    let mut files = set(&[&old], &[&root]);
    files.set("cert-chain.pem", format!("{}{}", old.pem(), renewed.to_pem()));
    let diagnosis = look(vec![with_files("west", files)]);
    assert_eq!(until(&diagnosis, "west", "west", Plane::Sidecar), (NOW.plus(300 * DAY), ExpiringKind::SigningCa));
}

#[test]
fn a_ca_that_never_expires_breaks_nothing() {
    let forever = root_with("root", |p| p.not_after = rcgen::date_time_ymd(9999, 12, 31) + time::Duration::seconds(86_399));
    let diagnosis = look(vec![cacerts("west", &[&forever], &[&forever])]);
    assert_eq!(until(&diagnosis, "west", "west", Plane::Sidecar), (Timestamp::MAX, ExpiringKind::Nothing));
    assert!(diagnosis.forecast.is_empty());
}

#[test]
fn a_name_from_somebodys_certificate_is_no_part_of_a_command() {
    let (a, b) = (root("a"), root("b"));
    let west = below_with(&a, "west", |p| p.distinguished_name.push(rcgen::DnType::LocalityName, "x$(reboot)"));
    let secret = |n: u8, ca: &Ca, root: &Ca| {
        Evidence::new(format!("all.yaml#{n}"), EvidenceKind::Cacerts { cluster: None, files: set(&[ca], &[root]), manifest: true })
    };
    let diagnosis = look(vec![secret(1, &west, &a), secret(2, &below(&b, "east"), &b)]);
    assert_eq!(diagnosis.clusters[0].name, "x$(reboot)");
    let (_, _, mend, _) = no(&diagnosis, "east", "x$(reboot)", Plane::Sidecar);
    assert!(!mend[0].commands.is_empty());
    assert!(mend.iter().flat_map(|step| &step.commands).all(|command| command.contains("CLUSTER") && !command.contains("reboot")), "{mend:?}");
}

#[cfg(feature = "serde")]
#[test]
fn the_diagnosis_has_a_json_form() {
    let (a, b) = (root("a"), root("b"));
    let diagnosis = look(vec![cacerts("west", &[&below(&a, "west")], &[&a]), cacerts("east", &[&below(&b, "east")], &[&b])]);
    let json = serde_json::to_value(&diagnosis).unwrap();
    assert_eq!(json["now"], "2026-12-01T00:00:00Z");
    assert_eq!(json["every_pair_trusts"], false);
    assert_eq!(json["clusters"][0]["name"], "west");
    assert!(json["clusters"][0]["roots"][0]["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    let (yes, no) = (&json["cells"][0], &json["cells"][2]);
    assert_eq!((&yes["row"], &yes["column"], &yes["plane"], &yes["verdict"]), (&"west".into(), &"west".into(), &"sidecar".into(), &"yes".into()));
    assert_eq!(yes["until"], yes["first_to_break"]["at"]);
    assert_eq!(yes["first_to_break"]["kind"], "signing_ca");
    assert_eq!((&no["verdict"], &no["cause"]["code"]), (&"no".into(), &"verify.unknown_issuer".into()));
    assert_eq!(no["symptom"]["counter"], "ssl.fail_verify_error");
    assert_eq!(no["mend"][0]["mend"]["change"], "add_roots");
    assert_eq!(no["mend"][0]["mend"]["roots"][0]["certificate"], a.cert.to_pem());
    assert_eq!(json["forecast"][0]["pairs"][0], serde_json::json!({"row": "east", "column": "east"}));
    assert!(json["warnings"].as_array().unwrap().iter().all(|warning| warning["code"].is_string() && warning["severity"].is_string()));
    assert!(!json.to_string().contains("PRIVATE"));
}
