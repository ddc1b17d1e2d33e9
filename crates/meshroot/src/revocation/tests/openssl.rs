//! CRLs that OpenSSL made (`testdata/revocation/make.sh`), and what it says of certificates with them.

use std::fs;
use std::path::PathBuf;

use super::*;

/// 2026-02-10T00:00:00Z, between thisUpdate and nextUpdate of them all.
const WHILE_CURRENT: Timestamp = Timestamp::from_unix(1_770_681_600);

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/revocation")
}

fn crl(name: &str) -> Crl {
    let text = fs::read(testdata().join(format!("{name}.crl.pem"))).unwrap();
    Crl::from_pem(&text).unwrap().remove(0)
}

fn certificate(name: &str) -> Certificate {
    let text = fs::read(testdata().join(format!("{name}.pem"))).unwrap();
    crate::pem::certificates(&text).unwrap().remove(0)
}

fn ask(crls: &[&str], subject: &str, issuer: &str, now: Timestamp) -> Status {
    let set = CrlSet::new(crls.iter().map(|name| crl(name)).collect());
    set.status(&Subject::of(&certificate(subject)), &certificate(issuer), &crypto(), now)
}

#[test]
fn all_of_them_are_read_and_written_back() {
    let mut count = 0;
    for file in fs::read_dir(testdata()).unwrap() {
        let path = file.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".crl.pem")) else { continue };
        assert_eq!(crl(name).to_pem(), fs::read_to_string(&path).unwrap(), "{name}");
        count += 1;
    }
    assert_eq!(count, 16);
}

#[test]
fn reasons_and_dates_are_those_that_openssl_was_told() {
    let reasons = crl("reasons");
    let said = |leaf: &str| reasons.get(certificate(leaf).serial()).map(|entry| (entry.at.to_string(), entry.reason, entry.invalid_since));
    let at = "2026-01-20T00:00:00Z".to_owned();
    assert_eq!(said("compromised"), Some((at.clone(), Some(RevocationReason::KeyCompromise), None)));
    assert_eq!(said("on-hold"), Some((at.clone(), Some(RevocationReason::CertificateHold), None)));
    let since = "2026-01-15T12:00:00Z".parse().unwrap();
    assert_eq!(said("dated"), Some((at, Some(RevocationReason::KeyCompromise), Some(since))));
    assert_eq!(said("good"), None);
    assert_eq!((crl("empty").number(), reasons.number()), (Some(&CrlNumber::from(1)), Some(&CrlNumber::from(3))));
}

#[test]
fn statuses_are_those_of_openssl_where_it_is_right() {
    let good = Status::Good { until: Some("2026-03-01T00:00:00Z".parse().unwrap()) };
    let now = WHILE_CURRENT;
    for crl in ["empty", "one", "reasons", "only-user", "without-authority-key"] {
        assert_eq!(ask(&[crl], "good", "ca", now), good, "{crl}");
    }
    for leaf in ["compromised", "on-hold", "dated"] {
        assert!(matches!(ask(&["reasons"], leaf, "ca", now), Status::Revoked { .. }), "{leaf}");
    }
    assert_eq!(ask(&["only-point"], "with-point", "ca", now), good);
    for (crl, code) in [
        ("only-ca", "crl.out_of_scope"),
        ("only-point", "crl.out_of_scope"),
        ("unknown-critical", "crl.unknown_critical_extension"),
        ("indirect", "crl.indirect"),
        ("some-reasons", "crl.only_some_reasons"),
    ] {
        let Status::Unusable(problem) = ask(&[crl], "good", "ca", now) else { panic!("{crl}") };
        assert_eq!(problem.code(), code);
        assert!(problem.source_of_rule().starts_with("RFC 5280 §"));
    }
    assert_eq!(ask(&["rsa", "renewed"], "good", "ca", now), Status::Missing, "of other CAs");
    assert!(ask(&["renewed"], "good", "ca-renewed", now).is_acceptable());
    assert_eq!(ask(&["without-crl-sign"], "good", "ca-without-crl-sign", now), Status::Unusable(CrlProblem::SignerLacksCrlSign));
    let [first, last] = ["2026-02-01T00:00:00Z", "2026-02-28T23:59:59Z"].map(|t| t.parse::<Timestamp>().unwrap());
    let second = Duration::from_secs(1);
    assert_eq!(ask(&["empty"], "good", "ca", first), good);
    assert_eq!(ask(&["empty"], "good", "ca", last), good);
    assert!(matches!(ask(&["empty"], "good", "ca", first.minus(second)), Status::NotYetValid { .. }));
    assert!(matches!(ask(&["empty"], "good", "ca", last.plus(second)), Status::Stale { .. }));
}

/// What OpenSSL lets pass: a delta for a whole list, and no number. The latter can be waived.
#[test]
fn where_openssl_is_laxer_we_say_why() {
    assert_eq!(ask(&["delta"], "good", "ca", WHILE_CURRENT), Status::Unusable(CrlProblem::Delta));
    for name in ["version-1", "without-number"] {
        assert_eq!(ask(&[name], "good", "ca", WHILE_CURRENT), Status::Unusable(CrlProblem::NumberMissing));
        let lenient = CrlSet::new(vec![crl(name)]).with_conformance(Conformance::Lenient);
        assert!(lenient.status(&Subject::of(&certificate("good")), &certificate("ca"), &crypto(), WHILE_CURRENT).is_acceptable());
    }
}

#[test]
fn an_rsa_signature_is_verified() {
    assert!(crl("rsa").verify_signature(certificate("ca-rsa").public_key(), &crypto()).is_ok());
    assert!(crl("rsa").verify_signature(certificate("ca").public_key(), &crypto()).is_err());
}
