use super::*;
use crate::key::{Backend, BadSignature, Entropy, KeyAlgorithm, KeyError, PublicKey, SignatureAlgorithm};
use crate::x509::wire::CertRef;
use std::sync::atomic::{AtomicUsize, Ordering};

fn ask(crls: Vec<Crl>, subject: &Certificate, issuer: &Ca, now: Timestamp) -> Status {
    CrlSet::new(crls).status(&Subject::of(subject), &issuer.cert, &crypto(), now)
}

#[test]
fn good_revoked_and_missing_are_different_answers() {
    let west = ca("west");
    let crl = west.crl().entry(entry(&[5], NOW.minus(DAY), &[reason(4)])).read();
    assert_eq!(ask(vec![crl.clone()], &west.leaf(6), &west, NOW), Status::Good { until: Some(NOW.plus(DAY)) });
    let revoked = Status::Revoked { at: NOW.minus(DAY), reason: Some(RevocationReason::Superseded) };
    assert_eq!(ask(vec![crl.clone()], &west.leaf(5), &west, NOW), revoked);
    let east = ca("east");
    assert_eq!(ask(vec![crl], &east.leaf(5), &east, NOW), Status::Missing, "the same serial of another CA");
    assert_eq!(ask(vec![], &west.leaf(5), &west, NOW), Status::NotAsked);
}

#[test]
fn among_many_issuers_each_finds_its_own() {
    let mut cas: Vec<Ca> = ["d", "a", "e", "c", "b"].map(ca).into();
    for _ in 0..cas.len() {
        cas.rotate_left(1);
        let set = CrlSet::new(cas.iter().map(|ca| ca.crl().revoking(5).read()).collect());
        assert_eq!((set.len(), set.iter().count(), set.is_empty()), (5, 5, false));
        for ca in &cas {
            let status = |serial| set.status(&Subject::of(&ca.leaf(serial)), &ca.cert, &crypto(), NOW);
            assert!(matches!(status(5), Status::Revoked { .. }) && status(6).is_acceptable());
        }
    }
}

#[test]
fn the_subject_is_the_same_borrowed_or_not() {
    let west = ca("west");
    let (leaf, set) = (west.leaf(200), CrlSet::new(vec![west.crl().revoking(200).read()]));
    let parsed = CertRef::parse(leaf.der()).unwrap();
    assert_eq!(parsed.tbs.serial, [0, 200], "with its sign octet");
    let [one, other] = [Subject::of(&leaf), Subject::of_tbs(&parsed.tbs)].map(|subject| set.status(&subject, &west.cert, &crypto(), NOW));
    assert_eq!(one, other);
    assert!(matches!(one, Status::Revoked { .. }));
}

#[test]
fn a_crl_is_current_from_its_first_second_to_the_last_before_next_update() {
    let (west, second) = (ca("west"), Duration::from_secs(1));
    let leaf = west.leaf(6);
    let (from, until) = (NOW.minus(DAY), NOW.plus(DAY));
    let at = |now| ask(vec![west.crl().valid(from, until).read()], &leaf, &west, now);
    assert_eq!(at(from.minus(second)), Status::NotYetValid { this_update: from });
    assert_eq!(at(from), Status::Good { until: Some(until) });
    assert_eq!(at(until.minus(second)), Status::Good { until: Some(until) });
    assert_eq!(at(until), Status::Stale { next_update: until }, "as OpenSSL, BoringSSL and webpki have it");
}

#[test]
fn an_out_of_date_crl_still_revokes() {
    let west = ca("west");
    let old = west.crl().revoking(5).valid(NOW.minus(2 * DAY), NOW.minus(DAY)).read();
    let early = west.crl().revoking(5).valid(NOW.plus(DAY), NOW.plus(2 * DAY)).read();
    for crl in [old, early] {
        assert!(matches!(ask(vec![crl.clone()], &west.leaf(5), &west, NOW), Status::Revoked { .. }));
        // And were a newer one to say nothing of it.
        assert!(matches!(ask(vec![crl, west.crl().read()], &west.leaf(5), &west, NOW), Status::Revoked { .. }));
    }
}

#[test]
fn of_several_crls_the_newest_counts() {
    let west = ca("west");
    let (old, older) = (NOW.minus(DAY), NOW.minus(2 * DAY));
    let crl = |from, until| west.crl().valid(from, until).read();
    let (stale, staler) = (crl(NOW.minus(3 * DAY), old), crl(NOW.minus(3 * DAY), older));
    let (current, longer, early) = (crl(old, NOW.plus(DAY)), crl(old, NOW.plus(2 * DAY)), crl(NOW.plus(DAY), NOW.plus(2 * DAY)));
    let leaf = west.leaf(6);
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let ask = |crls: [&Crl; 3]| ask(order.map(|n: usize| crls[n].clone()).to_vec(), &leaf, &west, NOW);
        assert_eq!(ask([&stale, &current, &early]), Status::Good { until: Some(NOW.plus(DAY)) });
        assert_eq!(ask([&stale, &current, &longer]), Status::Good { until: Some(NOW.plus(2 * DAY)) });
        assert_eq!(ask([&stale, &staler, &early]), Status::Stale { next_update: old });
    }
}

#[test]
fn a_crl_that_another_key_signed_is_not_the_issuers() {
    let (west, other) = (ca("west"), ca("west"));
    let leaf = west.leaf(5);
    // Another CA of the same name, which names its own key: not ours, and no reason to refuse.
    assert_eq!(ask(vec![other.crl().revoking(5).read()], &leaf, &west, NOW), Status::Missing);
    // It claims to be ours, or does not say: then nobody can tell a forgery from another key's.
    let forged = west.crl().revoking(5).with(|crl| crl.signer = Arc::clone(&other.signer));
    assert_eq!(ask(vec![forged.read()], &leaf, &west, NOW), Status::Unusable(CrlProblem::Signature));
    let silent = other.crl().without(35).revoking(5).read();
    assert_eq!(ask(vec![silent.clone()], &leaf, &west, NOW), Status::Unusable(CrlProblem::Signature));
    // Beside the right one neither harms.
    let good = Status::Good { until: Some(NOW.plus(DAY)) };
    assert_eq!(ask(vec![silent, forged.read(), west.crl().read()], &leaf, &west, NOW), good);
}

#[test]
fn a_renewed_ca_with_the_same_name_keeps_its_own_list() {
    let (old, new) = (ca("west"), ca("west"));
    let crls = vec![old.crl().revoking(5).read(), new.crl().read()];
    assert!(matches!(ask(crls.clone(), &old.leaf(5), &old, NOW), Status::Revoked { .. }));
    assert!(ask(crls, &new.leaf(5), &new, NOW).is_acceptable());
    let crls = vec![old.crl().without(35).revoking(5).read(), new.crl().without(35).read()];
    assert!(matches!(ask(crls.clone(), &old.leaf(5), &old, NOW), Status::Revoked { .. }));
    assert!(ask(crls, &new.leaf(5), &new, NOW).is_acceptable(), "the signature tells");
}

#[test]
fn a_ca_without_crl_sign_has_no_crls() {
    let makefile = ca_with("west", |params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let lacks = Status::Unusable(CrlProblem::SignerLacksCrlSign);
    assert_eq!(ask(vec![makefile.crl().read()], &makefile.leaf(6), &makefile, NOW), lacks);
    assert_eq!(ask(vec![makefile.crl().revoking(5).read()], &makefile.leaf(5), &makefile, NOW), lacks, "not even to revoke");
    let silent = ca_with("west", |params| params.key_usages = vec![]);
    assert!(ask(vec![silent.crl().read()], &silent.leaf(6), &silent, NOW).is_acceptable(), "no keyUsage forbids nothing");
    let broken = ca_with("west", |params| {
        params.key_usages = vec![];
        params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 1])];
    });
    assert_eq!(ask(vec![broken.crl().read()], &broken.leaf(6), &broken, NOW), lacks, "a keyUsage that cannot be read");
}

#[test]
fn an_unusable_crl_revokes_nothing_and_vouches_for_nothing() {
    let west = ca("west");
    let unknown = west.crl().revoking(5).extension(extension(99, true, &[])).read();
    let problem = Status::Unusable(CrlProblem::UnknownCriticalExtension { oid: "2.5.29.99".into() });
    for serial in [5, 6] {
        assert_eq!(ask(vec![unknown.clone()], &west.leaf(serial), &west, NOW), problem);
        assert!(ask(vec![unknown.clone(), west.crl().read()], &west.leaf(serial), &west, NOW).is_acceptable());
    }
    let stale = west.crl().valid(NOW.minus(2 * DAY), NOW.minus(DAY)).read();
    assert_eq!(ask(vec![unknown, stale], &west.leaf(6), &west, NOW), Status::Stale { next_update: NOW.minus(DAY) }, "what to renew");
}

#[test]
fn ztunnel_takes_what_is_there_and_does_not_look_at_the_clock() {
    let (west, east) = (ca("west"), ca("east"));
    let old = west.crl().revoking(5).valid(NOW.minus(2 * DAY), NOW.minus(DAY)).read();
    let ask = |set: &CrlSet, ca: &Ca, serial| set.status(&Subject::of(&ca.leaf(serial)), &ca.cert, &crypto(), NOW);
    let ztunnel = CrlSet::new(vec![old]).with_coverage(Coverage::WhatIsThere).with_expiry(Expiry::Ignored);
    assert_eq!(ask(&ztunnel, &west, 6), Status::Good { until: None });
    assert!(matches!(ask(&ztunnel, &west, 5), Status::Revoked { .. }));
    assert_eq!(ask(&ztunnel, &east, 5), Status::NotAsked);
    assert_eq!(ask(&ztunnel.clone().with_expiry(Expiry::Enforced), &west, 6), Status::Stale { next_update: NOW.minus(DAY) });
    assert_eq!(ask(&ztunnel.with_coverage(Coverage::EveryCertificate), &east, 5), Status::Missing);
    let early = CrlSet::new(vec![west.crl().valid(NOW.plus(DAY), NOW.plus(2 * DAY)).read()]).with_expiry(Expiry::Ignored);
    assert_eq!(ask(&early, &west, 6), Status::Good { until: None });
    // What somebody else signed is no unknown status.
    let forged = CrlSet::new(vec![west.crl().with(|crl| crl.signer = Arc::clone(&east.signer)).read()]).with_coverage(Coverage::WhatIsThere);
    assert_eq!(ask(&forged, &west, 6), Status::Unusable(CrlProblem::Signature));
}

#[test]
fn what_rfc_5280_demands_of_cas_can_be_waived() {
    let west = ca("west");
    let critical = west.crl().without(20).extension(extension(20, true, &[2, 1, 7]));
    for (crl, problem) in [
        (west.crl().without(20), CrlProblem::NumberMissing),
        (critical, CrlProblem::NumberCritical),
        (west.crl().with(|crl| crl.next_update.clear()), CrlProblem::NextUpdateMissing),
    ] {
        let set = CrlSet::new(vec![crl.read()]);
        let ask = |set: &CrlSet| set.status(&Subject::of(&west.leaf(6)), &west.cert, &crypto(), NOW);
        assert_eq!(ask(&set), Status::Unusable(problem));
        assert_eq!(ask(&set.with_conformance(Conformance::Lenient)), Status::Good { until: crl.read().next_update() });
    }
}

#[test]
fn a_name_may_be_spelled_otherwise_in_the_certificate() {
    // The CA calls itself one thing, its leaf and its CRL call it another: the caller found them to match.
    let (west, alias) = (ca("west"), ca("WEST"));
    let leaf = alias.leaf(5);
    let crl = alias.crl().revoking(5).without(35).with(|crl| crl.signer = Arc::clone(&west.signer)).read();
    assert!(matches!(ask(vec![crl], &leaf, &west, NOW), Status::Revoked { .. }));
}

/// ring, with every verification counted.
#[derive(Debug)]
struct Counting(Crypto, Arc<AtomicUsize>);

impl Backend for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }
    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.0.sha256(data)
    }
    fn verify(&self, key: &PublicKey, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.verify(key, algorithm, message, signature)
    }
    fn check_public_key(&self, key: &PublicKey) -> Result<(), KeyError> {
        self.0.check_public_key(key)
    }
    fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey, KeyError> {
        self.0.generate(algorithm)
    }
    fn public_key(&self, pkcs8_der: &[u8]) -> Result<PublicKey, KeyError> {
        self.0.public_key(pkcs8_der)
    }
    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyError> {
        self.0.signer(key)
    }
    fn seal(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.seal(key, nonce, associated_data, plaintext)
    }
    fn open(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.0.open(key, nonce, associated_data, ciphertext)
    }
    fn entropy(&self) -> &dyn Entropy {
        self.0.entropy()
    }
}

#[test]
fn a_steady_stream_of_certificates_pays_for_a_crl_once() {
    let (west, east, other, verified) = (ca("west"), ca("east"), ca("west"), Arc::new(AtomicUsize::new(0)));
    let counting = Crypto::new(Arc::new(Counting(crypto(), Arc::clone(&verified))));
    let set = CrlSet::new(vec![west.crl().revoking(5).read(), east.crl().revoking(5).read()]);
    let mut memo = VerifiedCrls::new();
    assert!(memo.is_empty());
    for round in 1..=3 {
        for (ca, serial, good) in [(&west, 5, false), (&west, 6, true), (&east, 6, true), (&east, 5, false)] {
            let status = set.clone().status_with(&Subject::of(&ca.leaf(serial)), &ca.cert, &counting, NOW, &mut memo);
            assert_eq!(status.is_acceptable(), good);
        }
        assert_eq!((verified.load(Ordering::Relaxed), memo.len()), (2, 2), "round {round}");
    }
    // What is remembered of one CRL and one key says nothing of another: neither of a forgery that is equal but for its
    // signature, nor of another CA with the same name.
    let forged = west.crl().with(|crl| crl.signer = Arc::clone(&other.signer)).read();
    let of =
        |ca: &Ca, crl: Crl, memo: &mut VerifiedCrls| CrlSet::new(vec![crl]).status_with(&Subject::of(&ca.leaf(6)), &ca.cert, &counting, NOW, memo);
    assert_eq!(of(&west, forged, &mut memo), Status::Unusable(CrlProblem::Signature));
    let silent = west.crl().without(35).read();
    assert!(of(&west, silent.clone(), &mut memo).is_acceptable());
    assert_eq!(of(&other, silent.clone(), &mut memo), Status::Unusable(CrlProblem::Signature));
    let before = verified.load(Ordering::Relaxed);
    assert_eq!(of(&other, silent, &mut memo), Status::Unusable(CrlProblem::Signature));
    assert_eq!(verified.load(Ordering::Relaxed), before, "refusals are remembered, too");
}

#[test]
fn the_memory_of_signatures_is_bounded() {
    let (west, mut memo) = (ca("west"), VerifiedCrls::new());
    let subject = west.leaf(6);
    for _ in 0..50 {
        let set = CrlSet::new(vec![west.crl().read()]);
        assert!(set.status_with(&Subject::of(&subject), &west.cert, &crypto(), NOW, &mut memo).is_acceptable());
        assert!((1..=16).contains(&memo.len()));
    }
}
