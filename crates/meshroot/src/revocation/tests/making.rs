use super::*;
use crate::key::{KeyAlgorithm, KeyError, SignatureAlgorithm};
use crate::lint::{Linted, Severity, check_crl};

fn list() -> RevocationList {
    RevocationList::new(CrlNumber::from(7), NOW, NOW.plus(7 * DAY))
}

fn sign(list: &RevocationList, ca: &Ca) -> Result<Crl, CrlIssueError> {
    list.sign(&ca.cert, &*ca.signer, &crypto())
}

#[test]
fn a_crl_says_what_it_was_made_to_say() {
    let west = ca("west");
    let dated = RevokedEntry { serial: serial(300), at: NOW.minus(DAY), reason: None, invalid_since: Some(NOW.minus(2 * DAY)) };
    let list = list().revoke(serial(0x80), NOW, Some(RevocationReason::KeyCompromise)).revoke(serial(5), NOW, None).with(dated.clone());
    let crl = sign(&list, &west).unwrap();
    assert_eq!((crl.version(), crl.issuer(), crl.authority_key_id()), (2, west.cert.subject(), west.cert.subject_key_id()));
    assert_eq!((crl.this_update(), crl.next_update(), crl.number()), (NOW, Some(NOW.plus(7 * DAY)), Some(&CrlNumber::from(7))));
    assert_eq!((crl.len(), list.len(), crl.problem()), (3, 3, None));
    assert_eq!(crl.get(&serial(300)), Some(dated));
    assert_eq!(crl.get(&serial(0x80)).unwrap().reason, Some(RevocationReason::KeyCompromise));
    assert_eq!(check_crl(crl.der()), Ok(vec![]));
    let set = CrlSet::new(vec![crl]);
    let ask = |serial| set.status(&Subject::of(&west.leaf(serial)), &west.cert, &crypto(), NOW);
    assert!(ask(6).is_acceptable());
    assert_eq!(ask(5), Status::Revoked { at: NOW, reason: None });
}

#[test]
fn an_empty_list_is_left_out() {
    let (west, empty) = (ca("west"), list());
    assert!(empty.is_empty());
    let crl = sign(&empty, &west).unwrap();
    assert!(crl.is_empty());
    assert_eq!(check_crl(crl.der()), Ok(vec![]));
}

#[test]
fn unspecified_is_said_by_saying_nothing() {
    let crl = sign(&list().revoke(serial(5), NOW, Some(RevocationReason::Unspecified)), &ca("west")).unwrap();
    assert_eq!(crl.get(&serial(5)).unwrap().reason, None);
}

#[test]
fn the_earlier_of_two_revocations_stays() {
    let early = NOW.minus(DAY);
    let superseded = Some(RevocationReason::Superseded);
    for list in [
        list().revoke(serial(5), NOW, None).revoke(serial(5), early, superseded),
        list().revoke(serial(5), early, superseded).revoke(serial(5), NOW, None),
    ] {
        let entry = sign(&list, &ca("west")).unwrap().get(&serial(5)).unwrap();
        assert_eq!((entry.at, entry.reason), (early, superseded));
    }
}

#[test]
fn the_next_crl_keeps_what_the_last_one_revoked() {
    let west = ca("west");
    let first = sign(&list().revoke(serial(5), NOW, Some(RevocationReason::KeyCompromise)), &west).unwrap();
    let next = RevocationList::after(&first, NOW.plus(DAY), NOW.plus(8 * DAY)).unwrap().revoke(serial(6), NOW.plus(DAY), None);
    let next = sign(&next, &west).unwrap();
    assert_eq!((next.number(), next.len()), (Some(&CrlNumber::from(8)), 2));
    assert_eq!(next.get(&serial(5)), first.get(&serial(5)));
    assert!(RevocationList::after(&west.crl().without(20).read(), NOW, NOW).is_none(), "nobody knows the number");
}

#[test]
fn every_kind_of_key_signs() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        let signer = PrivateKey::generate(algorithm, &crypto()).unwrap().signer(&crypto()).unwrap();
        let td = crate::spiffe::TrustDomain::parse("mesh.example").unwrap();
        let path = crate::hierarchy::create_root(&td, &crate::profile::Profile::root_ca(), &*signer, &crypto(), NOW).unwrap();
        let crl = list().sign(path.signing().unwrap(), &*signer, &crypto()).unwrap();
        assert_eq!(crl.signature_algorithm(), Some(algorithm.signature()));
    }
}

#[test]
fn only_a_ca_with_crl_sign_makes_crls() {
    let makefile = ca_with("west", |params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    assert_eq!(sign(&list(), &makefile), Err(CrlIssueError::NoCrlSign("CN=west".into())));
    let leaf = ca_with("west", |params| params.is_ca = IsCa::ExplicitNoCa);
    assert_eq!(sign(&list(), &leaf), Err(CrlIssueError::NotACa("CN=west".into())));
}

#[test]
fn the_signer_holds_the_cas_key() {
    let (west, other) = (ca("west"), ca("west"));
    assert_eq!(list().sign(&west.cert, &*other.signer, &crypto()), Err(CrlIssueError::SignerMismatch("CN=west".into())));
}

#[test]
fn a_device_signs_in_two_steps_and_is_not_believed() {
    let (west, other) = (ca("west"), ca("west"));
    let prepare = || list().revoke(serial(5), NOW, None).prepare(&west.cert, SignatureAlgorithm::EcdsaSha256, &crypto()).unwrap();
    let linted = prepare();
    let signature = west.signer.sign(linted.message()).unwrap();
    assert_eq!(linted.algorithm(), SignatureAlgorithm::EcdsaSha256);
    assert_eq!(linted.complete(&signature).unwrap().len(), 1);
    for wrong in [other.signer.sign(prepare().message()).unwrap(), west.signer.sign(b"another message").unwrap(), vec![]] {
        assert_eq!(prepare().complete(&wrong), Err(CrlIssueError::NotValid("CN=west".into())));
    }
}

/// A device that does not answer.
#[derive(Debug)]
struct Broken(crate::key::PublicKey);

impl Signer for Broken {
    fn public_key(&self) -> &crate::key::PublicKey {
        &self.0
    }
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::NoEntropy)
    }
}

#[test]
fn a_signer_that_fails_is_heard() {
    let west = ca("west");
    let broken = Broken(west.cert.public_key().clone());
    assert_eq!(list().sign(&west.cert, &broken, &crypto()), Err(CrlIssueError::Key(KeyError::NoEntropy)));
}

#[test]
fn what_the_linter_refuses_is_not_signed() {
    let west = ca("west");
    let codes = |list: RevocationList| match sign(&list, &west) {
        Err(CrlIssueError::Lint(findings)) => findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(codes(RevocationList::new(CrlNumber::from(1), NOW, NOW)), ["lint.crl_validity_reversed"]);
    assert_eq!(codes(RevocationList::new(CrlNumber::from(0), NOW, NOW.plus(DAY))), ["lint.crl_number_zero"]);
    assert_eq!(codes(list().revoke(serial(0), NOW, None)), ["lint.crl_serial_zero"]);
    assert_eq!(codes(list().revoke(SerialNumber::from_bytes(&[1; 21]), NOW, None)), ["lint.crl_serial_long"]);
    assert_eq!(codes(list().revoke(SerialNumber::from_bytes(&[0xff; 20]), NOW, None)), ["lint.crl_serial_long"], "with its sign octet");
    assert_eq!(codes(list().revoke(serial(5), NOW.plus(DAY), None)), ["lint.crl_revoked_later"]);
    assert_eq!(codes(list().revoke(serial(5), NOW, Some(RevocationReason::RemoveFromCrl))), ["lint.crl_remove_from_crl"]);
    let nameless = ca_with("west", |params| params.distinguished_name = rcgen::DistinguishedName::new());
    assert!(matches!(sign(&list(), &nameless), Err(CrlIssueError::Lint(_))));
}

#[test]
fn the_linter_judges_bytes_and_not_how_they_were_made() {
    let west = ca("west");
    let judge = |forge: &Forge| -> Vec<&'static str> {
        let others = check_crl(&forge.der()).unwrap_or_default();
        let ours = Linted::crl(forge.tbs()).err().unwrap_or_default();
        for finding in others.iter().filter(|finding| finding.severity == Severity::Error) {
            assert!(ours.contains(finding), "{finding}");
        }
        ours.into_iter().map(|finding| finding.code).collect()
    };
    let early = |tag: u8, digits: &[u8]| [&[tag, digits.len() as u8], digits].concat();
    let sound = || west.crl();
    let of_entry = |extensions: &[Vec<u8>]| west.crl().entry(entry(&[5], NOW.minus(DAY), extensions));
    assert_eq!(judge(&sound()), Vec::<&str>::new());
    assert_eq!(judge(&sound().revoking(5).revoking(6)), Vec::<&str>::new());
    let general = early(0x18, b"20261202000000Z");
    for (forge, code) in [
        (sound().with(|crl| crl.next_update.clear()), "lint.crl_next_update_missing"),
        (sound().valid(NOW, NOW), "lint.crl_validity_reversed"),
        (sound().with(|crl| crl.next_update = general.clone()), "lint.crl_time_encoding"),
        (sound().with(|crl| crl.this_update = early(0x18, b"20261130000000Z")), "lint.crl_time_encoding"),
        (sound().with(|crl| crl.issuer = vec![0x30, 0]), "lint.crl_issuer_empty"),
        (sound().without(20), "lint.crl_number_missing"),
        (sound().without(20).extension(extension(20, true, &[2, 1, 7])), "lint.crl_number_critical"),
        (sound().without(20).extension(extension(20, false, &[2, 1, 0])), "lint.crl_number_zero"),
        (sound().without(20).extension(extension(20, false, &[2, 1, 0x80])), "lint.crl_number_negative"),
        (sound().without(20).extension(extension(20, false, &[&[2, 21], &[1; 21][..]].concat())), "lint.crl_number_long"),
        (sound().without(20).extension(extension(20, false, &[2, 1, 7, 0])), "lint.crl_number_malformed"),
        (sound().without(35), "lint.crl_aki_missing"),
        (sound().without(35).extension(extension(35, true, &[0x30, 3, 0x80, 1, 1])), "lint.crl_aki_critical"),
        (sound().without(35).extension(extension(35, false, &[0x30, 0])), "lint.crl_aki_no_key"),
        (sound().without(35).extension(extension(35, false, &[0x30, 2, 0x80, 0])), "lint.crl_aki_no_key"),
        (sound().without(35).extension(extension(35, false, &[4, 0])), "lint.crl_aki_malformed"),
        (sound().extension(extension(99, true, &[5, 0])), "lint.crl_unknown_critical"),
        (sound().extension(extension(27, true, &[2, 1, 1])), "lint.crl_delta"),
        (sound().extension(extension(28, true, &[0x30, 3, 0x81, 1, 0xff])), "lint.crl_partial"),
        (sound().extension(extension(46, true, &[0x30, 0])), "lint.crl_freshest_critical"),
        (sound().with(|crl| crl.revoked = Some(vec![])), "lint.crl_revoked_empty"),
        (sound().revoking(5).revoking(5), "lint.crl_serial_twice"),
        (sound().revoking(0), "lint.crl_serial_zero"),
        (sound().entry(entry(&[1; 21], NOW.minus(DAY), &[])), "lint.crl_serial_long"),
        (sound().entry(sequence(|out| out.extend([&[2, 1, 0x80][..], &der_time(NOW.minus(DAY))].concat()))), "lint.crl_serial_negative"),
        (sound().entry(sequence(|out| out.extend([&[2, 1, 5][..], &early(0x18, b"20261130000000Z")].concat()))), "lint.crl_entry_time_encoding"),
        (sound().entry(entry(&[5], NOW, &[])), "lint.crl_revoked_later"),
        (of_entry(&[reason(0)]), "lint.crl_reason_unspecified"),
        (of_entry(&[reason(8)]), "lint.crl_remove_from_crl"),
        (of_entry(&[reason(7)]), "lint.malformed"),
        (of_entry(&[reason(11)]), "lint.malformed"),
        (of_entry(&[extension(21, true, &[0x0a, 1, 1])]), "lint.crl_entry_critical"),
        (of_entry(&[extension(99, true, &[5, 0])]), "lint.crl_entry_unknown_critical"),
        (of_entry(&[extension(29, true, &[0x30, 0])]), "lint.crl_certificate_issuer"),
    ] {
        assert_eq!(judge(&forge), [code]);
    }
    let two = |forge| judge(&forge);
    assert_eq!(
        two(sound().with(|crl| (crl.version, crl.extensions) = (vec![], vec![]))),
        ["lint.crl_version", "lint.crl_number_missing", "lint.crl_aki_missing"]
    );
    assert_eq!(two(sound().extension(extension(27, false, &[2, 1, 1]))), ["lint.crl_delta_not_critical", "lint.crl_delta"]);
    assert_eq!(two(sound().extension(extension(28, false, &[0x30, 3, 0x81, 1, 0xff]))), ["lint.crl_idp_not_critical", "lint.crl_partial"]);
    assert_eq!(two(sound().extension(extension(28, true, &[0x30, 0]))), ["lint.crl_idp_empty", "lint.crl_partial"]);
    assert_eq!(two(of_entry(&[extension(29, false, &[0x30, 0])])), ["lint.crl_certificate_issuer", "lint.crl_entry_critical"]);
    let sha1 = [&[0x30, 0x09, 0x06, 0x07], &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01][..]].concat();
    let tbs = sound().with(|crl| crl.algorithm = sha1.clone()).tbs();
    assert_eq!(Linted::crl(tbs.clone()).unwrap_err()[0].code, "lint.crl_signature_algorithm");
    assert_eq!(check_crl(&assemble(&tbs, &sha1, &[1])).unwrap()[0].code, "lint.crl_signature_algorithm");
    assert_eq!(Linted::crl(vec![0x30, 0]).unwrap_err()[0].code, "lint.malformed");
}

#[test]
fn a_fault_of_many_entries_is_told_once_and_the_worst_comes_first() {
    let forge = ca("west").crl().entry(entry(&[4], NOW, &[])).entry(entry(&[5], NOW, &[])).revoking(0).revoking(0);
    let codes: Vec<_> = check_crl(&forge.der()).unwrap().iter().map(|finding| (finding.severity, finding.code)).collect();
    let warning = Severity::Warning;
    assert_eq!(codes, [(Severity::Error, "lint.crl_serial_zero"), (warning, "lint.crl_revoked_later"), (warning, "lint.crl_serial_twice")]);
    assert!(check_crl(&[0x30, 0]).is_err());
}

#[test]
fn rcgen_makes_what_passes() {
    let west = ca("west");
    let at = |t: Timestamp| OffsetDateTime::from_unix_timestamp(t.unix()).unwrap();
    let params = rcgen::CertificateRevocationListParams {
        this_update: at(NOW),
        next_update: at(NOW.plus(DAY)),
        crl_number: 9u64.into(),
        issuing_distribution_point: None,
        revoked_certs: vec![rcgen::RevokedCertParams {
            serial_number: 5u64.into(),
            revocation_time: at(NOW),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: Some(at(NOW.minus(DAY))),
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let made = params.signed_by(&Issuer::from_params(&west.params, &west.key)).unwrap();
    let crl = Crl::from_der(made.der()).unwrap();
    assert_eq!(check_crl(crl.der()), Ok(vec![]));
    let entry = crl.get(&serial(5)).unwrap();
    assert_eq!((entry.reason, entry.invalid_since), (Some(RevocationReason::KeyCompromise), Some(NOW.minus(DAY))));
    let status = CrlSet::new(vec![crl]).status(&Subject::of(&west.leaf(5)), &west.cert, &crypto(), NOW);
    assert!(matches!(status, Status::Revoked { .. }));
}
