//! What a CRL is made of, but for entries and extensions.

use super::*;
use crate::key::SignatureAlgorithm;
use crate::x509::reader::DerReader;

#[test]
fn a_crl_says_what_stands_in_it() {
    let west = ca("west");
    let forge = west.crl().revoking(5).revoking(300);
    let crl = forge.read();
    assert_eq!(crl.der(), Crl::from_der(crl.der()).unwrap().der());
    assert_eq!((crl.version(), crl.issuer(), crl.len()), (2, west.cert.subject(), 2));
    assert_eq!((crl.this_update(), crl.next_update()), (NOW.minus(DAY), Some(NOW.plus(DAY))));
    assert_eq!((crl.number(), crl.authority_key_id()), (Some(&CrlNumber::from(7)), west.cert.subject_key_id()));
    assert_eq!(crl.signature_algorithm(), Some(SignatureAlgorithm::EcdsaSha256));
    assert_eq!((crl.scope().of, crl.scope().of_distribution_point, crl.problem()), (ScopeOf::All, false, None));
    assert_eq!(format!("{crl:?}"), "Crl(CN=west, 2 entries, from 2026-11-30T00:00:00Z until 2026-12-02T00:00:00Z)");
    assert!(crl.verify_signature(west.cert.public_key(), &crypto()).is_ok());
    assert!(crl.verify_signature(ca("west").cert.public_key(), &crypto()).is_err());
}

#[test]
fn a_version_is_two_or_not_there() {
    let west = ca("west");
    let first = west.crl().with(|crl| (crl.version, crl.extensions) = (vec![], vec![]));
    assert_eq!((first.read().version(), first.read().problem()), (1, Some(CrlProblem::NumberMissing)));
    for version in [vec![INTEGER, 1, 0], vec![INTEGER, 1, 2], vec![INTEGER, 2, 0, 1]] {
        assert!(west.crl().with(|crl| crl.version = version).fails().contains("tbsCertList.version"));
    }
}

#[test]
fn version_one_has_no_extensions() {
    let first = ca("west").crl().with(|crl| crl.version = vec![]);
    assert!(first.fails().contains("version 1 has no extensions"));
    let first = first.with(|crl| crl.extensions.clear());
    assert!(Crl::from_der(&first.clone().revoking(5).der()).is_ok());
    assert!(first.entry(entry(&[5], NOW, &[reason(1)])).fails().contains("version 1 has no extensions of entries"));
}

#[test]
fn the_two_algorithms_agree() {
    let other = SignatureAlgorithm::EcdsaSha384.identifier_der().to_vec();
    let forge = ca("west").crl().with(|crl| crl.algorithm = other);
    assert_eq!(Crl::from_der(&forge.der()), Err(CrlError::AlgorithmsDiffer));
}

#[test]
fn an_unknown_algorithm_makes_a_crl_unusable() {
    let sha1 = [&[0x30, 0x09, 0x06, 0x07], &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01][..]].concat();
    let forge = ca("west").crl().with(|crl| crl.algorithm = sha1.clone());
    let crl = Crl::from_der(&assemble(&forge.tbs(), &sha1, &[1, 2, 3])).unwrap();
    assert_eq!(crl.problem(), Some(CrlProblem::SignatureAlgorithm));
    let west = ca("west");
    assert!(crl.verify_signature(west.cert.public_key(), &crypto()).is_err());
    let silent = west.crl().without(35).with(|crl| crl.algorithm = sha1.clone());
    let set = CrlSet::new(vec![Crl::from_der(&assemble(&silent.tbs(), &sha1, &[1, 2, 3])).unwrap()]);
    let status = set.status(&Subject::of(&west.leaf(5)), &west.cert, &crypto(), NOW);
    assert_eq!(status, Status::Unusable(CrlProblem::SignatureAlgorithm), "which says more than a bad signature");
}

#[test]
fn times_are_utc_time_or_generalized_time_in_seconds() {
    let west = ca("west");
    let far = Timestamp::from_unix(4_102_444_800);
    assert_eq!(west.crl().valid(NOW, far).read().next_update(), Some(far), "2100 is a GeneralizedTime");
    for wrong in [&b"\x17\x0b2612010000Z"[..], b"\x17\x0d261301000000Z", b"\x18\x1120261201000000.5Z", b"\x17\x11261201000000+0100", b"\x13\x00"] {
        let forge = west.crl().with(|crl| crl.this_update = wrong.to_vec());
        assert!(forge.fails().contains("thisUpdate"), "{}", forge.fails());
    }
    assert!(west.crl().with(|crl| crl.next_update = b"\x17\x0d261301000000Z".to_vec()).fails().contains("nextUpdate"));
}

#[test]
fn without_next_update_nobody_knows_when_it_is_out_of_date() {
    let crl = ca("west").crl().with(|crl| crl.next_update.clear()).read();
    assert_eq!((crl.next_update(), crl.problem()), (None, Some(CrlProblem::NextUpdateMissing)));
}

#[test]
fn nothing_follows_a_crl_and_nothing_is_missing() {
    let der = ca("west").crl().revoking(5).der();
    assert_eq!(Crl::from_der(&[&der[..], &[0]].concat()), Err(CrlError::TrailingBytes(1)));
    for cut in 0..der.len() {
        assert!(Crl::from_der(&der[..cut]).is_err(), "{cut} bytes");
    }
    // One field more inside the signed part, or outside.
    let forge = ca("west").crl();
    let with_null = |whole: &[u8]| sequence(|out| out.extend([DerReader::new(whole).element().unwrap().content, &[5, 0]].concat()));
    let message = |der: &[u8]| Crl::from_der(der).unwrap_err().to_string();
    assert!(message(&assemble(&with_null(&forge.tbs()), &forge.algorithm, &[1])).starts_with("not a CRL: tbsCertList is malformed"));
    assert!(message(&with_null(&forge.der())).starts_with("not a CRL: certificateList is malformed"));
}

#[test]
fn a_crl_is_no_longer_than_sixteen_mebibytes() {
    let long = vec![0x30; MAX_CRL_BYTES + 1];
    assert_eq!(Crl::from_der(&long), Err(CrlError::TooLong(MAX_CRL_BYTES + 1)));
}
