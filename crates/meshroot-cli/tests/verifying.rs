//! `verify` with CRLs: revoked, stale and missing are different answers, each with its exit code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{Answer, ID, Place};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

const SERIAL: u64 = 4711;

/// Roots, a chain of one, and CRLs that say this and that of it.
fn place() -> Place {
    let place = Place::new();
    let root = ca("root");
    fs::write(place.path("root.pem"), root.pem()).unwrap();
    fs::write(place.path("other.pem"), ca("other").pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(ID.try_into().unwrap())];
    params.serial_number = Some(SerialNumber::from(SERIAL));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2030, 1, 1);
    fs::write(place.path("leaf.pem"), params.signed_by(&key, &root).unwrap().pem()).unwrap();
    crl(&place, "good", &root, &[], 2029);
    crl(&place, "revoked", &root, &[SERIAL], 2029);
    crl(&place, "stale", &root, &[], 2027);
    crl(&place, "strange", &ca("other"), &[], 2029);
    place
}

fn ca(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = vec![SanType::URI("spiffe://mesh.example".try_into().unwrap())];
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2035, 1, 1);
    params.custom_extensions = Vec::<CustomExtension>::new();
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn crl(place: &Place, name: &str, issuer: &CertifiedIssuer<'static, KeyPair>, revoked: &[u64], until: i32) {
    let revoked = revoked.iter().map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2026, 6, 1),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 6, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = params.signed_by(issuer).unwrap();
    fs::write(place.path(&format!("{name}.crl")), list.pem().unwrap()).unwrap();
    fs::write(place.path(&format!("{name}.der")), list.der()).unwrap();
}

fn verify(place: &Place, more: &[&str]) -> Answer {
    place.run(&[&["verify", "--bundle", "root.pem", "--chain", "leaf.pem", "--at", "2028-01-01T00:00:00Z"], more].concat())
}

#[test]
fn revoked_stale_and_missing_are_different_answers() {
    let place = place();
    verify(&place, &[]).ok().says(&format!("valid: {ID}"));
    verify(&place, &["--crl", "good.crl"]).ok().says("CRL         of CN=root, 0 revoked, next update 2029-01-01T00:00:00Z");
    verify(&place, &["--crl", "good.der"]).ok();
    for (crl, code, said) in [
        ("revoked.crl", "verify.revoked", "2026-06-01T00:00:00Z"),
        ("stale.crl", "verify.crl_stale", "2027-01-01T00:00:00Z"),
        ("strange.crl", "verify.crl_missing", "CN=root"),
    ] {
        let answer = verify(&place, &["--crl", crl]);
        assert_eq!(answer.code, 1, "{answer:?}");
        answer.says("not valid").says(said).says("found ").says("needed ");
        let document = verify(&place, &["--crl", crl, "--json"]).json();
        assert_eq!((&document["valid"], &document["reason"]["code"]), (&false.into(), &code.into()));
        assert!(document["reason"]["found"].is_string() && document["reason"]["needed"].is_string(), "{document}");
        assert_eq!(document["crls"].as_array().unwrap().len(), 1);
    }
    // Several may be given, and a revocation counts from any of them.
    verify(&place, &["--crl", "strange.crl", "--crl", "good.crl"]).ok();
    assert_eq!(verify(&place, &["--crl", "revoked.crl", "--crl", "good.crl"]).code, 1);
}

#[test]
fn what_is_no_crl_is_bad_input() {
    let place = place();
    verify(&place, &["--crl", "leaf.pem"]).fails(3).says("leaf.pem: block 1, line 1: CERTIFICATE instead of X509 CRL");
    verify(&place, &["--crl", "missing"]).fails(4).says("missing");
    let mut cut = place.read("good.crl");
    cut.truncate(cut.len() / 2);
    fs::write(place.path("cut.crl"), cut).unwrap();
    verify(&place, &["--crl", "cut.crl"]).fails(3).says("cut off");
    let mut der = place.read("good.der");
    der.push(0);
    fs::write(place.path("long.der"), der).unwrap();
    verify(&place, &["--crl", "long.der"]).fails(3).says("1 bytes follow");
}

#[test]
fn doctor_reads_the_crls_of_a_cluster() {
    let place = place();
    let run = |sources: &[&str]| place.run(&[&["doctor", "--at", "2028-01-01T00:00:00Z"], sources].concat());
    run(&["west=root.pem", "west=leaf.pem"]).ok();
    run(&["west=root.pem", "west=leaf.pem", "west=good.crl"]).ok().says("checks      CRL of CN=root");
    run(&["west=root.pem", "west=leaf.pem", "west=good.der"]).ok();
    for (crl, said) in [("revoked.crl", "revoked"), ("stale.crl", "2027-01-01"), ("strange.crl", "CRL")] {
        let answer = run(&["west=root.pem", "west=leaf.pem", &format!("west={crl}")]);
        assert_eq!(answer.code, 1, "{answer:?}");
        answer.says("west in itself").says(said).says("ssl.fail_verify_error").says("do ");
    }
}

#[test]
fn who_judges_otherwise_is_named_with_the_difference() {
    let place = place();
    verify(&place, &["--crl", "good.crl"]).ok().says("likewise    Go crypto/x509");
    // ztunnel does not look at the dates of CRLs, and Go at no CRL.
    let answer = verify(&place, &["--crl", "stale.crl"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    let line = answer.stdout.lines().find(|line| line.contains("rustls-webpki (ztunnel) would accept")).unwrap_or_else(|| panic!("{answer:?}"));
    assert!(line.trim_start().starts_with("otherwise") && line.contains("[rustls."), "{line}");
    answer.says("likewise    BoringSSL (Envoy)");
    let views = verify(&place, &["--crl", "stale.crl", "--json"]).json()["views"].clone();
    let view = |who: &str| views.as_array().unwrap().iter().find(|view| view["as"] == who).unwrap().clone();
    assert_eq!((&view("rustls")["verdict"], &view("boringssl")["verdict"]), (&"accepts".into(), &"refuses".into()));
    assert!(view("rustls")["because"][0]["source"].is_string());
}

#[test]
fn the_judge_that_is_asked_for_decides() {
    let place = place();
    let ask = |who: &str, more: &[&str]| verify(&place, &[&["--crl", "stale.crl", "--as", who], more].concat());
    ask("rustls", &[]).ok().says("valid as rustls-webpki (ztunnel) sees it").says("differs ").says("ours        not valid");
    for (who, said) in [("boringssl", "CRL_has_expired"), ("openssl", "CRL has expired"), ("spiffe", "verify.crl_stale")] {
        let answer = ask(who, &[]);
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(!answer.stdout.contains("otherwise"), "{answer:?}");
        answer.says(said);
    }
    let document = ask("rustls", &["--json"]).ok().json();
    assert_eq!((&document["valid"], &document["as"], &document["ours"]["valid"]), (&true.into(), &"rustls".into(), &false.into()));
    assert_eq!(document["ours"]["reason"]["code"], "verify.crl_stale");
    assert_eq!(ask("java", &[]).code, 2);
    // Nobody makes anything of half a certificate.
    fs::write(place.path("leaf.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    ask("go", &[]).fails(3);
}

#[test]
fn what_is_no_chain_or_no_bundle_is_called_what_it_is() {
    let place = place();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path(name), bytes).unwrap();
    let der = meshroot::pem::certificates(&place.read("root.pem")).unwrap().remove(0).der().to_vec();
    write("root.der", &der);
    write("broken.der", &der[..der.len() - 1]);
    write("empty", b"");
    write("text", b"hello\nworld\n");
    write("junk", b"\x00\x01\x02");
    write("array.json", b"[1]");
    write("odd.json", br#"{"keys":[{"kty":"RSA"}]}"#);
    write("bundle.json", br#"{"keys":[],"spiffe_sequence":1}"#);
    place.run(&["quickstart", "west", "--trust-domain", "mesh.example", "--out", "mesh"]).ok();
    fs::copy(place.path("mesh/unlock.key"), place.path("unlock")).unwrap();
    write("utf16", b"\xff\xfea\0");
    write("\u{1b}[2J", b"hello");
    for (name, as_chain, as_bundle) in [
        ("empty", "it is empty; what is wanted is a certificate chain", "it is empty; what is wanted is a trust bundle"),
        (
            "text",
            "text of an unknown kind (2 lines); what is wanted is a certificate chain",
            "text of an unknown kind (2 lines); what is wanted is a trust bundle",
        ),
        ("junk", "binary data of an unknown kind", "binary data of an unknown kind"),
        ("array.json", "it looks like JSON, and cannot be read: line 1, column 1", "it looks like JSON, and cannot be read: line 1, column 1"),
        ("bundle.json", "this is a SPIFFE trust bundle", ""),
        ("odd.json", "SPIFFE trust bundle", "nothing in this bundle can be used: keys[0]: its member 'use' is missing"),
        ("broken.der", "it looks like a certificate, and cannot be read", "it looks like a certificate, and cannot be read"),
        ("utf16", "UTF-16", "UTF-16"),
        ("unlock", "this is an unlock file of a meshroot store", "this is an unlock file of a meshroot store"),
        ("\u{1b}[2J", "\\u{1b}[2J: text of an unknown kind (1 line)", "\\u{1b}[2J: text of an unknown kind (1 line)"),
    ] {
        let chain = place.run(&["verify", "--bundle", "root.pem", "--chain", name]);
        assert!(chain.code == 3 && chain.stderr.contains(as_chain), "{name}: {}", chain.stderr);
        if !as_bundle.is_empty() {
            let bundle = place.run(&["verify", "--bundle", name, "--chain", "leaf.pem"]);
            assert!(bundle.code == 3 && bundle.stderr.contains(as_bundle), "{name}: {}", bundle.stderr);
            assert!(!bundle.stderr.contains('\u{1b}'), "{:?}", bundle.stderr);
        }
    }
    // One root in DER is a bundle like the same in PEM.
    for root in ["root.pem", "root.der"] {
        let valid = place.run(&["verify", "--bundle", root, "--chain", "leaf.pem", "--trust-domain", "mesh.example", "--at", "2028-01-01T00:00:00Z"]);
        assert!(valid.code == 0 && valid.stdout.contains("valid: spiffe://"), "{root}: {}{}", valid.stdout, valid.stderr);
    }
}
