use meshroot::key::{Crypto, KeyError, PrivateKey};

use crate::{assert_code, contains};

/// A key that was imported, in whatever format, is written in one form that is read as the same key; its two halves
/// belong together; and no error shows any of it.
pub fn private_key(data: &[u8]) {
    let crypto = Crypto::ring();
    // Without a password the parameters of an encrypted key are read and judged, and no work is done.
    let der = PrivateKey::from_der(data, None, &crypto);
    if let Ok(key) = &der {
        claims_nothing_else(key, data);
    }
    for read in [der, PrivateKey::from_pem(data, None, &crypto)] {
        match read {
            Ok(key) => check(&key, &crypto),
            Err(e) => silent(&e, data),
        }
    }
}

fn check(key: &PrivateKey, crypto: &Crypto) {
    for again in [
        PrivateKey::from_der(key.pkcs8_der(), None, crypto).expect("our PKCS#8 is read"),
        PrivateKey::from_pem(key.to_pkcs8_pem().as_bytes(), None, crypto).expect("our PEM is read"),
    ] {
        assert_eq!(again.pkcs8_der(), key.pkcs8_der());
        assert_eq!(again.public_key(), key.public_key());
    }
    crypto.check_public_key(key.public_key()).expect("a key we accept is a key we would accept from others");
    // ring checks RSA keys but signs only with some sizes; it says so.
    if let Ok(signer) = key.signer(crypto) {
        assert_eq!(signer.public_key(), key.public_key());
        let signature = signer.sign(b"message").expect("a loaded key signs");
        crypto.verify(key.public_key(), signer.algorithm(), b"message", &signature).expect("the halves belong together");
        assert!(crypto.verify(key.public_key(), signer.algorithm(), b"massage", &signature).is_err());
    }
}

/// The public half that PKCS#8 of version 2 (RFC 5958) has in `[1]` is the key's own. An Ed25519 key needs none, so only
/// we can notice.
fn claims_nothing_else(key: &PrivateKey, der: &[u8]) {
    const START: &[u8] = b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    if let Some(claimed) = der.strip_prefix(START).and_then(|rest| rest.get(32..)).and_then(|rest| rest.strip_prefix(b"\x81\x21\x00")) {
        assert_eq!(claimed, key.public_key().key_bytes(), "a key with another public half");
    }
}

fn silent(e: &KeyError, data: &[u8]) {
    assert_code(e.code(), &["key", "pem"]);
    let message = e.to_string();
    assert!(message.len() < 1024, "{} bytes of message", message.len());
    // The content of a block must not get into logs; its label may. Our own words are shorter than a line of base64.
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let (labels, content): (Vec<_>, Vec<_>) = data.split(|byte| *byte == b'\n').partition(|line| contains(line, b"-----"));
    for word in content.into_iter().flat_map(|line| line.split(|byte| !is_base64(byte))).filter(|word| word.len() >= 24) {
        let shown = core::str::from_utf8(word).is_ok_and(|word| message.contains(word));
        assert!(!shown || labels.iter().any(|label| contains(label, word)), "{message}");
    }
}
