use super::*;

fn problem(forge: Forge) -> Option<CrlProblem> {
    forge.read().problem()
}

#[test]
fn an_unknown_critical_extension_makes_a_crl_unusable() {
    let oid = [0x2a, 3, 4];
    let named = CrlProblem::UnknownCriticalExtension { oid: "1.2.3.4".into() };
    assert_eq!(problem(ca("west").crl().extension(extension_of(&oid, true, &[5, 0]))), Some(named));
    assert_eq!(problem(ca("west").crl().extension(extension_of(&oid, false, &[5, 0]))), None);
    let freshest = CrlProblem::UnknownCriticalExtension { oid: "2.5.29.46".into() };
    assert_eq!(problem(ca("west").crl().extension(extension(46, true, &[0x30, 0]))), Some(freshest));
    assert_eq!(problem(ca("west").crl().extension(extension(46, false, &[0x30, 0]))), None, "freshestCRL only says where deltas are");
}

#[test]
fn a_delta_crl_is_unusable() {
    for critical in [true, false] {
        assert_eq!(problem(ca("west").crl().extension(extension(27, critical, &[2, 1, 1]))), Some(CrlProblem::Delta));
    }
}

#[test]
fn a_number_is_there_and_not_critical() {
    let west = ca("west");
    assert_eq!(problem(west.crl().without(20)), Some(CrlProblem::NumberMissing));
    assert_eq!(problem(west.crl().without(20).extension(extension(20, true, &[2, 1, 7]))), Some(CrlProblem::NumberCritical));
    let twenty = [&[2, 20, 0x7f], &[0xff; 19][..]].concat();
    assert_eq!(problem(west.crl().without(20).extension(extension(20, false, &twenty))), None);
    let zero = west.crl().without(20).extension(extension(20, false, &[2, 1, 0])).read();
    assert_eq!(zero.number(), Some(&CrlNumber::from(0)));
    for wrong in [&[2, 1, 0x80][..], &[2, 0], &[2, 2, 0, 1], &[4, 1, 1], &[2, 1, 1, 0], &[&[2, 21, 1][..], &[0; 20]].concat()] {
        assert!(west.crl().without(20).extension(extension(20, false, wrong)).fails().contains("cRLNumber"), "{wrong:02x?}");
    }
}

#[test]
fn an_extension_stands_there_once() {
    let forge = ca("west").crl().extension(extension(20, false, &[2, 1, 8]));
    assert!(forge.fails().contains("2.5.29.20 stands there twice"));
}

#[test]
fn an_authority_key_identifier_is_well_formed_or_not_there() {
    let west = ca("west");
    assert_eq!(west.crl().without(35).read().authority_key_id(), None);
    assert!(west.crl().without(35).extension(extension(35, false, &[4, 0])).fails().contains("authorityKeyIdentifier"));
}
