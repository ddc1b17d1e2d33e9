use super::*;

#[test]
fn a_pem_text_holds_crls_and_nothing_else() {
    let (west, east) = (ca("west"), ca("east"));
    let text = format!("{}{}", west.crl().read().to_pem(), east.crl().read().to_pem());
    let issuers: Vec<_> = Crl::from_pem(text.as_bytes()).unwrap().iter().map(|crl| crl.issuer().clone()).collect();
    assert_eq!(issuers, [west.cert.subject().clone(), east.cert.subject().clone()]);
    assert_eq!(Crl::from_pem(b""), Err(CrlError::NoCrl));
    let message = |text: String| Crl::from_pem(text.as_bytes()).unwrap_err().to_string();
    let third = format!("block 3, line {}", text.lines().count() + 1);
    let other = message(text.clone() + &west.cert.to_pem());
    assert!(other.starts_with(&format!("{third}: CERTIFICATE instead of X509 CRL")), "{other}");
    let broken = text.clone() + &crate::pem::encode("X509 CRL", &[0x30, 0]);
    assert!(message(broken).starts_with(&format!("{third}: not a CRL: tbsCertList is malformed")));
    assert!(message(text.replace("-----END X509 CRL-----", "")).contains("has no END line"));
}

#[test]
fn der_and_pem_are_told_apart() {
    let crl = ca("west").crl().read();
    for bytes in [crl.der(), crl.to_pem().as_bytes(), format!("0 is no DER\n{}", crl.to_pem()).as_bytes()] {
        assert_eq!(Crl::from_pem_or_der(bytes).unwrap(), core::slice::from_ref(&crl));
    }
    assert!(matches!(Crl::from_pem_or_der(&crl.der()[..100]), Err(CrlError::Malformed { .. })));
    assert!(matches!(Crl::from_pem_or_der(&[0x30, 0]), Err(CrlError::Malformed { .. })));
}
