use super::*;

#[test]
fn an_empty_list_is_read() {
    let west = ca("west");
    assert!(west.crl().read().is_empty());
    assert!(west.crl().with(|crl| crl.revoked = Some(vec![])).read().is_empty(), "old CAs write it, RFC 5280 §5.1.2.6 forbids it");
}

#[test]
fn an_entry_says_when_and_why() {
    let since = extension(24, false, &[&[0x18, 15], &b"20260115120000Z"[..]].concat());
    let crl = ca("west").crl().entry(entry(&[0x80, 1], NOW, &[reason(1), since])).read();
    let found = crl.get(&serial(0x8001)).unwrap();
    assert_eq!((found.serial, found.at, found.reason), (serial(0x8001), NOW, Some(RevocationReason::KeyCompromise)));
    assert_eq!(found.invalid_since, Some(Timestamp::from_unix(1_768_478_400)));
    assert_eq!(crl.get(&serial(0x8002)), None);
}

#[test]
fn every_reason_has_its_name() {
    let names: Vec<_> = (0..=11)
        .map(|number| {
            let crl = Crl::from_der(&ca("west").crl().entry(entry(&[5], NOW, &[reason(number)])).der());
            crl.map_or_else(|e| e.to_string(), |crl| crl.get(&serial(5)).unwrap().reason.unwrap().to_string())
        })
        .collect();
    let wrong = "not a CRL: tbsCertList.revokedCertificates[0].reasonCode is malformed (no CRLReason of RFC 5280 §5.3.1)";
    assert_eq!(
        names[..7],
        ["unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold"]
    );
    assert_eq!(names[7..], [wrong, "removeFromCRL", "privilegeWithdrawn", "aACompromise", wrong]);
}

#[test]
fn errors_name_the_entry() {
    let west = ca("west");
    let broken = |entry: Vec<u8>| west.crl().revoking(1).revoking(2).entry(entry).fails();
    let list = "tbsCertList.revokedCertificates[2]";
    assert!(broken(vec![0x31, 0]).contains(&format!("{list} is")));
    assert!(broken(sequence(|out| out.extend([2, 2, 0, 1]))).contains(&format!("{list}.userCertificate is")));
    assert!(broken(entry(&[1; 65], NOW, &[])).contains(&format!("{list}.userCertificate is malformed (it has more than 64 octets)")));
    assert!(broken(sequence(|out| out.extend([2, 1, 1, 5, 0]))).contains(&format!("{list}.revocationDate is")));
    assert!(broken(entry(&[3], NOW, &[extension(24, false, &der_time(NOW))])).contains(&format!("{list}.invalidityDate is")));
    let trailing = [&[0x18, 15], &b"20260115120000Z"[..], &[0]].concat();
    assert!(broken(entry(&[3], NOW, &[extension(24, false, &trailing)])).contains(&format!("{list}.invalidityDate is")));
    assert!(broken(entry(&[3], NOW, &[reason(1), reason(1)])).contains("2.5.29.21 stands there twice"));
    assert!(
        broken(sequence(|out| out.extend([&[2, 1, 3][..], &der_time(NOW), &[0x30, 0]].concat()))).contains(&format!("{list}.crlEntryExtensions is"))
    );
    assert!(broken(sequence(|out| out.extend([&[2, 1, 3][..], &der_time(NOW), &[5, 0]].concat()))).contains(&format!("{list} is")));
    let many: Vec<_> = (0..=64).map(|n| extension(100 + n, false, &[])).collect();
    assert!(broken(entry(&[3], NOW, &many)).contains("more than 64 extensions"));
}

#[test]
fn an_entry_that_is_not_understood_makes_the_crl_unusable() {
    let problem = |extension: Vec<u8>| ca("west").crl().revoking(1).entry(entry(&[5], NOW, &[extension])).read().problem();
    let unknown = CrlProblem::UnknownCriticalEntryExtension { oid: "2.5.29.99".into(), serial: serial(5) };
    assert_eq!(problem(extension(99, true, &[])), Some(unknown));
    assert_eq!(problem(extension(99, false, &[])), None);
    assert_eq!(problem(extension(21, true, &[0x0a, 1, 1])), None, "a critical reason is a reason");
    let issuer = extension(29, true, &sequence(|out| element(out, explicit(4), |out| out.extend(ca("x").cert.subject().as_der()))));
    assert_eq!(problem(issuer), Some(CrlProblem::Indirect));
    assert_eq!(problem(reason(8)), Some(CrlProblem::RemoveFromCrl(serial(5))));
}

#[test]
fn of_two_entries_of_one_serial_the_first_counts() {
    let forge = ca("west").crl().entry(entry(&[5], NOW, &[reason(1)])).revoking(4).entry(entry(&[5], NOW.minus(DAY), &[reason(4)]));
    assert_eq!(forge.read().get(&serial(5)).unwrap().reason, Some(RevocationReason::KeyCompromise));
}

#[test]
fn entries_keep_their_order() {
    let crl = ca("west").crl().revoking(9).revoking(300).revoking(1).read();
    let serials: Vec<_> = crl.entries().map(|entry| entry.serial).collect();
    assert_eq!(serials, [serial(9), serial(300), serial(1)]);
}

/// A mesh that lost a cluster: some hundred thousand entries are read once and then cost a few steps each, and nothing to clone.
#[test]
fn a_large_list_is_read_in_linear_time() {
    let entries: Vec<Vec<u8>> =
        (1..=100_000u64).map(|n| entry(&(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1).to_be_bytes(), NOW, &[reason(1)])).collect();
    let forge = ca("west").crl().with(|crl| crl.revoked = Some(vec![entries.concat()]));
    let crl = forge.read();
    assert_eq!(crl.len(), 100_000);
    assert!((1..=100_000u64).all(|n| crl.get(&serial(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)).is_some()));
    assert!(crl.clone().is(&crl));
}
