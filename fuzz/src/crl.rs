use std::sync::LazyLock;

use meshroot::key::Crypto;
use meshroot::lint::check_crl;
use meshroot::revocation::{Conformance, Coverage, Crl, CrlSet, Expiry, RevocationList, ScopeOf, Status, Subject, VerifiedCrls};
use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, SerialNumber};

use crate::credulous::Credulous;
use crate::{NOW, assert_code, contains};

/// A certificate of the root's. The seeds are CRLs of the root.
static KNOWN: LazyLock<(Certificate, Certificate)> = LazyLock::new(|| {
    let root = Certificate::from_der(include_bytes!("../data/crl-issuer.der")).unwrap();
    let ca = Certificate::from_der(include_bytes!("../data/crl-subject.der")).unwrap();
    assert_eq!(ca.issuer(), root.subject());
    (root, ca)
});

/// A CRL is kept byte for byte, in PEM too; a lookup finds what a scan finds; the linter judges all that is read; no CRL
/// that is not signed says anything, and where signatures are believed, a certificate is revoked exactly when a usable
/// CRL lists it, and good only when one covers it now. What is made of one again is the same list.
pub fn crl(data: &[u8]) {
    let codes = ["crl", "pem"];
    let linted = check_crl(data);
    let crl = match Crl::from_der(data) {
        Ok(crl) => crl,
        Err(e) => {
            assert_code(e.code(), &codes);
            match Crl::from_pem_or_der(data) {
                Ok(crls) => assert!(!crls.is_empty()),
                Err(e) => assert_code(e.code(), &codes),
            }
            return;
        }
    };
    for finding in linted.expect("what is read is judged") {
        assert_code(finding.code, &["lint"]);
        assert!(!finding.field.is_empty() && !finding.message.is_empty() && !finding.source.is_empty(), "{finding:?}");
        assert!(finding.message.len() < 1000, "{finding}");
    }
    assert_eq!(crl.der(), data);
    assert_eq!(Crl::from_pem(crl.to_pem().as_bytes()).as_deref(), Ok(core::slice::from_ref(&crl)));
    assert_eq!(Crl::from_pem_or_der(data).as_deref(), Ok(core::slice::from_ref(&crl)));
    assert!(contains(data, crl.issuer().as_der()));
    assert!(crl.number().is_none_or(|number| number.as_bytes().len() <= 20));

    let entries: Vec<_> = crl.entries().collect();
    assert_eq!((entries.len(), entries.is_empty()), (crl.len(), crl.is_empty()));
    for entry in &entries {
        let first = entries.iter().find(|other| other.serial == entry.serial).cloned();
        assert_eq!(crl.get(&entry.serial), first);
    }
    for serial in [SerialNumber::from_bytes(&[]), SerialNumber::from_bytes(&[0x80; 21])] {
        assert_eq!(crl.get(&serial), entries.iter().find(|other| other.serial == serial).cloned());
    }
    judge(&crl);
    again(&crl);
}

fn judge(crl: &Crl) {
    let (root, ca) = &*KNOWN;
    let (subject, now) = (Subject::of(ca), Timestamp::from_unix(NOW));
    let credulous = Credulous::new();
    let set = CrlSet::new(vec![crl.clone()]);
    let named = crl.issuer() == root.subject();
    let other_key = crl.authority_key_id().is_some_and(|id| Some(id) != root.subject_key_id());
    let listed = crl.get(ca.serial());
    let current = crl.this_update() <= now && crl.next_update().is_none_or(|next| now < next);
    for (set, usable) in [
        (set.clone(), crl.problem().is_none()),
        (set.clone().with_conformance(Conformance::Lenient).with_coverage(Coverage::WhatIsThere), true),
        (set.with_expiry(Expiry::Ignored), crl.problem().is_none()),
    ] {
        let mut memo = VerifiedCrls::new();
        let status = set.status_with(&subject, root, &credulous.crypto(), now, &mut memo);
        assert_eq!(status, set.status_with(&subject, root, &credulous.crypto(), now, &mut memo));
        assert_eq!(status, set.status(&subject, root, &credulous.crypto(), now));
        match &status {
            Status::Good { until } => {
                assert!(named && !other_key && usable && listed.is_none() && ca.is_ca());
                assert!(until.is_none() || current && *until == crl.next_update());
            }
            Status::Revoked { at, reason } => {
                assert!(named && !other_key && usable);
                assert_eq!(Some((*at, *reason)), listed.as_ref().map(|entry| (entry.at, entry.reason)));
            }
            Status::Stale { .. } | Status::NotYetValid { .. } => assert!(!current && listed.is_none()),
            Status::Missing => assert!(!named || other_key),
            Status::NotAsked => assert!(!named || other_key || crl.scope().of_distribution_point || crl.scope().of != ScopeOf::All),
            Status::Unusable(problem) => {
                assert_code(problem.code(), &["crl"]);
                assert!(problem.source_of_rule().starts_with("RFC 5280"));
                assert!(problem.to_string().len() < 500, "{problem}");
            }
            other => panic!("{other:?}"),
        }
        // Nobody signed it: then it says nothing.
        let honest = set.status(&subject, root, &Crypto::ring(), now);
        assert!(crl.verify_signature(root.public_key(), &Crypto::ring()).is_ok() || !matches!(honest, Status::Good { .. } | Status::Revoked { .. }));
    }
}

/// The list after this one, made by us.
fn again(crl: &Crl) {
    let (root, _) = &*KNOWN;
    let next = Timestamp::MAX;
    let this = crl.entries().map(|entry| entry.at).max().unwrap_or(crl.this_update()).max(crl.this_update());
    let Some(list) = RevocationList::after(crl, this, next) else { return };
    let Ok(linted) = list.prepare(root, root.public_key().algorithm().signature(), &Credulous::new().crypto()) else { return };
    let made = linted.complete(&[0x30, 0]).expect("what was linted is read");
    assert_eq!(made.problem(), None);
    assert!(check_crl(made.der()).as_ref().is_ok_and(Vec::is_empty));
    assert!(made.number() > crl.number() && made.issuer() == root.subject());
    for entry in crl.entries() {
        assert!(made.get(&entry.serial).is_some_and(|kept| kept.at <= entry.at));
    }
    assert_eq!(Crl::from_pem(made.to_pem().as_bytes()), Ok(vec![made]));
}
