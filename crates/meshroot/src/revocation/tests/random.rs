use super::*;
use proptest::prelude::*;

fn ca_once() -> &'static Ca {
    static CA: std::sync::OnceLock<Ca> = std::sync::OnceLock::new();
    CA.get_or_init(|| ca("west"))
}

/// A few bytes changed, put in or taken away.
fn damaged(der: &[u8], edits: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut der = der.to_vec();
    for (at, kind, byte) in edits {
        let at = at % der.len();
        match kind % 3 {
            0 => der[at] = *byte,
            1 => der.insert(at, *byte),
            _ => _ = der.remove(at),
        }
    }
    der
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _: Result<Crl, CrlError> = Crl::from_der(&bytes);
        let _: Result<Vec<Crl>, CrlError> = Crl::from_pem_or_der(&bytes);
    }

    #[test]
    fn a_damaged_crl_never_panics_and_never_verifies(edits in proptest::collection::vec(any::<(usize, u8, u8)>(), 1..4)) {
        let ca = ca_once();
        let whole = ca.crl().entry(entry(&[5], NOW, &[reason(1)])).extension(extension(28, true, &[0x30, 3, 0x81, 1, 0xff])).der();
        let der = damaged(&whole, &edits);
        if let Ok(crl) = Crl::from_der(&der) {
            prop_assert_eq!(crl.der(), &der);
            prop_assert_eq!(crl.entries().count(), crl.len());
            let _: Option<CrlProblem> = crl.problem();
            if der != whole {
                prop_assert!(crl.verify_signature(ca.cert.public_key(), &crypto()).is_err());
            }
        }
    }

    #[test]
    fn a_lookup_finds_what_a_scan_finds(
        listed in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..4), 0u8..7), 0..60),
        asked in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut forge = ca_once().crl();
        for (serial, number) in &listed {
            forge = forge.entry(entry(serial, NOW, &[reason(*number)]));
        }
        let crl = forge.read();
        prop_assert_eq!(crl.len(), listed.len());
        for serial in listed.iter().map(|(serial, _)| serial).chain([&asked]) {
            let serial = SerialNumber::from_bytes(serial);
            prop_assert_eq!(crl.get(&serial), crl.entries().find(|entry| entry.serial == serial));
        }
    }
}
