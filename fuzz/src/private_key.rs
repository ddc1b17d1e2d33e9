use meshroot::key::{Crypto, KeyError, PrivateKey};

use crate::{assert_code, contains};

/// A key that was imported, in whatever format, is written in one form that is read as the same key; its two halves
/// belong together; and no error shows any of it.
pub fn private_key(data: &[u8]) {
    let crypto = Crypto::ring();
    // Without a password the parameters of an encrypted key are read and judged, and no work is done.
    for read in [PrivateKey::from_der(data, None, &crypto), PrivateKey::from_pem(data, None, &crypto)] {
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
