use super::*;
use crate::key::SignatureAlgorithm;
use crate::x509::encode::{self, bytes, element};
use proptest::prelude::*;

macro_rules! key_file {
    ($name:literal) => {
        include_bytes!(concat!("../../../testdata/keys/", $name)).as_slice()
    };
}

fn load(text: &[u8]) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(text, None, &Crypto::ring())
}

fn load_with(text: &[u8], password: &str) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(text, Some(password.as_bytes()), &Crypto::ring())
}

fn der_of(text: &[u8]) -> Vec<u8> {
    pem::parse(text).unwrap().last().unwrap().der.clone()
}

/// The key signs, and its public half verifies.
fn assert_works(key: &PrivateKey) {
    let crypto = Crypto::ring();
    let signer = key.signer(&crypto).unwrap();
    let signature = signer.sign(b"message").unwrap();
    assert_eq!(signer.public_key(), key.public_key());
    crypto.verify(key.public_key(), signer.algorithm(), b"message", &signature).unwrap();
    crypto.check_public_key(key.public_key()).unwrap();
}

const P256: &[u8] = key_file!("p256-pkcs8.pem");
const ED25519: &[u8] = key_file!("ed25519-pkcs8.pem");
const RSA: &[u8] = key_file!("rsa2048-pkcs8.pem");

#[test]
fn every_format_of_openssl_gives_the_same_key() {
    for (files, algorithm) in [
        (&[P256, key_file!("p256-sec1.pem")][..], KeyAlgorithm::EcdsaP256),
        (&[key_file!("p384-pkcs8.pem"), key_file!("p384-sec1.pem")], KeyAlgorithm::EcdsaP384),
        (&[ED25519], KeyAlgorithm::Ed25519),
        (&[RSA, key_file!("rsa2048-pkcs1.pem")], KeyAlgorithm::Rsa(2048)),
    ] {
        let first = load(files[0]).unwrap();
        assert_eq!(first.public_key().algorithm(), algorithm);
        assert_works(&first);
        for file in files {
            let (from_pem, from_der) = (load(file).unwrap(), PrivateKey::from_der(&der_of(file), None, &Crypto::ring()).unwrap());
            for key in [from_pem, from_der] {
                assert_eq!(key.pkcs8_der(), first.pkcs8_der());
                assert_eq!(key.public_key(), first.public_key());
            }
        }
        // What OpenSSL wrote as PKCS#8 is what we write.
        assert_eq!(first.to_pkcs8_pem().as_bytes(), files[0]);
    }
}

#[test]
fn the_public_half_is_the_one_of_openssls_certificate() {
    let certificates = pem::certificates(key_file!("certificate.pem")).unwrap();
    assert_eq!(load(P256).unwrap().public_key(), certificates[0].public_key());
}

#[test]
fn curve_parameters_in_front_of_a_key_are_skipped() {
    let text = key_file!("p256-sec1-parameters.pem");
    assert_eq!(pem::parse(text).unwrap()[0].label, "EC PARAMETERS");
    assert_works(&load(text).unwrap());
}

#[test]
fn encrypted_keys_open_with_their_password_only() {
    let plain = load(P256).unwrap();
    for text in [key_file!("p256-pbkdf2-aes256.pem"), key_file!("p256-pbkdf2-sha512-aes128.pem"), key_file!("p256-scrypt.pem")] {
        assert_eq!(load_with(text, "sesame").unwrap().pkcs8_der(), plain.pkcs8_der());
        assert_eq!(PrivateKey::from_der(&der_of(text), Some(b"sesame"), &Crypto::ring()).unwrap().pkcs8_der(), plain.pkcs8_der());
        assert_eq!(load(text).unwrap_err(), KeyError::PasswordNeeded);
        for wrong in ["Sesame", "", "sesame "] {
            assert_eq!(load_with(text, wrong).unwrap_err(), KeyError::WrongPassword);
        }
    }
}

#[test]
fn what_decrypts_to_noise_had_the_wrong_password() {
    let crypto = Crypto::ring();
    let noise = encrypted::encrypt(b"noise", b"sesame", crypto.entropy()).unwrap();
    assert_eq!(PrivateKey::from_der(&noise, Some(b"sesame"), &crypto).unwrap_err(), KeyError::WrongPassword);
}

#[test]
fn legacy_encryption_is_refused_by_name() {
    for (text, name) in [
        (key_file!("p256-pbes1.pem"), "pbeWithSHA1And3-KeyTripleDES-CBC"),
        (key_file!("p256-pbkdf2-sha1.pem"), "HMAC-SHA-1"),
        (key_file!("p256-pbkdf2-des3.pem"), "triple DES"),
        (key_file!("rsa2048-pkcs1-legacy-encrypted.pem"), "Proc-Type"),
    ] {
        let error = load_with(text, "sesame").unwrap_err();
        assert!(matches!(&error, KeyError::UnsupportedEncryption(what) if what.contains(name)), "{error}");
    }
}

#[test]
fn what_is_exported_is_imported() {
    let crypto = Crypto::ring();
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm, &crypto).unwrap();
        assert_eq!(key.public_key().algorithm(), algorithm);
        assert_works(&key);
        assert_eq!(load(key.to_pkcs8_pem().as_bytes()).unwrap().pkcs8_der(), key.pkcs8_der());
        let encrypted = key.to_encrypted_pem(b"sesame", crypto.entropy()).unwrap();
        assert_eq!(load_with(encrypted.as_bytes(), "sesame").unwrap().pkcs8_der(), key.pkcs8_der());
        assert_ne!(encrypted, key.to_encrypted_pem(b"sesame", crypto.entropy()).unwrap(), "salt and IV are fresh");
    }
    let rsa = load(RSA).unwrap();
    let encrypted = rsa.to_encrypted_pem(b"sesame", crypto.entropy()).unwrap();
    assert_eq!(load_with(encrypted.as_bytes(), "sesame").unwrap().pkcs8_der(), rsa.pkcs8_der());
    assert_eq!(rsa.to_encrypted_pem(b"", crypto.entropy()).unwrap_err(), KeyError::EmptyPassword);
}

#[test]
fn ed25519_loads_with_and_without_its_public_half() {
    let v1 = load(ED25519).unwrap();
    let public: [u8; 32] = v1.public_key().key_bytes().try_into().unwrap();
    let v2 = version_2(&v1.pkcs8_der()[5..], &public).unwrap();
    assert_eq!(v2.pkcs8_der(), v1.pkcs8_der(), "the form that OpenSSL, Go and Java read");
}

#[test]
fn a_curve_key_needs_its_public_half_somewhere() {
    let missing = KeyError::PublicKeyMissing(KeyAlgorithm::EcdsaP256);
    assert_eq!(load(key_file!("p256-sec1-no-public.pem")).unwrap_err(), missing);
    assert_eq!(load(key_file!("p256-pkcs8-no-public.pem")).unwrap_err(), missing);

    // RFC 5958 has a place for it outside the ECPrivateKey.
    let inside = der_of(key_file!("p256-pkcs8-no-public.pem"));
    let whole = load(P256).unwrap();
    assert_eq!(version_2(&inside[5..], whole.public_key().key_bytes()).unwrap().pkcs8_der(), whole.pkcs8_der());
}

/// PKCS#8 of version 2: these fields behind the version, and this public key.
fn version_2(fields: &[u8], public: &[u8]) -> Result<PrivateKey, KeyError> {
    let mut der = Vec::new();
    element(&mut der, encode::SEQUENCE, |out| {
        bytes(out, encode::INTEGER, &[1]);
        out.extend_from_slice(fields);
        element(out, encode::implicit(1), |out| {
            out.push(0);
            out.extend_from_slice(public);
        });
    });
    PrivateKey::from_der(&der, None, &Crypto::ring())
}

#[test]
fn a_public_key_beside_the_private_one_must_belong_to_it() {
    let crypto = Crypto::ring();
    let other = |algorithm| PrivateKey::generate(algorithm, &crypto).unwrap().public_key().key_bytes().to_vec();
    // Where the fields behind the version begin.
    for (text, fields, other) in [
        (key_file!("p256-pkcs8-no-public.pem"), 5, other(KeyAlgorithm::EcdsaP256)),
        (P256, 6, other(KeyAlgorithm::EcdsaP256)),
        (ED25519, 5, other(KeyAlgorithm::Ed25519)),
        (RSA, 7, vec![0x30, 0x00]),
    ] {
        assert_eq!(version_2(&der_of(text)[fields..], &other).unwrap_err(), KeyError::InconsistentKeyPair);
    }
    let rsa = load(RSA).unwrap();
    assert_eq!(version_2(&rsa.pkcs8_der()[7..], rsa.public_key().key_bytes()).unwrap().pkcs8_der(), rsa.pkcs8_der());
}

/// An `EC PRIVATE KEY` with these fields.
fn sec1(version: u8, scalar: &[u8], curve: Option<&[u8]>, point: &[u8]) -> Vec<u8> {
    let mut der = Vec::new();
    element(&mut der, encode::SEQUENCE, |out| {
        bytes(out, encode::INTEGER, &[version]);
        bytes(out, encode::OCTET_STRING, scalar);
        if let Some(curve) = curve {
            element(out, encode::explicit(0), |out| bytes(out, encode::OID, curve));
        }
        element(out, encode::explicit(1), |out| {
            bytes(out, encode::BIT_STRING, &[&[0], point].concat());
        });
    });
    der
}

const P256_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384_OID: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// Where the scalar stands in our PKCS#8 of P-256.
const P256_SCALAR: core::ops::Range<usize> = 36..68;

#[test]
fn scalars_of_sloppy_writers_get_their_length_back() {
    let crypto = Crypto::ring();
    let key = load(P256).unwrap();
    let (scalar, point) = (&key.pkcs8_der()[P256_SCALAR], key.public_key().key_bytes());
    let read = |scalar: &[u8]| PrivateKey::from_der(&sec1(1, scalar, Some(P256_OID), point), None, &crypto);
    assert_eq!(read(scalar).unwrap().pkcs8_der(), key.pkcs8_der());
    assert_eq!(read(&[&[0], scalar].concat()).unwrap().pkcs8_der(), key.pkcs8_der());
    assert!(matches!(read(&[&[1], scalar].concat()).unwrap_err(), KeyError::MalformedPrivateKey(_)));
    assert!(matches!(read(&[]).unwrap_err(), KeyError::MalformedPrivateKey(_)));
    assert_eq!(read(&scalar[1..]).unwrap_err(), KeyError::InconsistentKeyPair);
    assert!(matches!(read(&[0; 32]).unwrap_err(), KeyError::MalformedPrivateKey(_)));

    // A key whose scalar begins with a zero byte, and the same without it.
    let short = (0..10_000)
        .map(|_| PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap())
        .find(|key| key.pkcs8_der()[P256_SCALAR.start] == 0)
        .unwrap();
    let der = sec1(1, &short.pkcs8_der()[P256_SCALAR][1..], Some(P256_OID), short.public_key().key_bytes());
    assert_eq!(PrivateKey::from_der(&der, None, &crypto).unwrap().pkcs8_der(), short.pkcs8_der());
}

#[test]
fn curve_keys_that_do_not_fit_together_are_refused() {
    let crypto = Crypto::ring();
    let (key, other) = (load(P256).unwrap(), PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap());
    let (scalar, point) = (&key.pkcs8_der()[P256_SCALAR], key.public_key().key_bytes());
    let read = |version, curve, point: &[u8]| PrivateKey::from_der(&sec1(version, scalar, curve, point), None, &crypto).unwrap_err();
    assert_eq!(read(1, Some(P256_OID), other.public_key().key_bytes()), KeyError::InconsistentKeyPair);
    assert!(matches!(read(2, Some(P256_OID), point), KeyError::MalformedPrivateKey(_)));
    assert!(matches!(read(1, None, point), KeyError::MalformedPrivateKey(_)), "no curve named");
    assert!(matches!(read(1, Some(P384_OID), point), KeyError::PointEncoding { .. }));

    // PKCS#8 says P-256, the ECPrivateKey inside says P-384.
    let mut two_curves = Vec::new();
    element(&mut two_curves, encode::SEQUENCE, |out| {
        out.extend_from_slice(&key.pkcs8_der()[3..27]);
        bytes(out, encode::OCTET_STRING, &sec1(1, scalar, Some(P384_OID), point));
    });
    let error = PrivateKey::from_der(&two_curves, None, &crypto).unwrap_err();
    assert!(error.to_string().contains("two curves"), "{error}");
}

#[test]
fn keys_of_other_kinds_are_refused_in_words() {
    let unsupported = |text: &[u8], word: &str| {
        let error = load(text).unwrap_err();
        assert!(matches!(&error, KeyError::UnsupportedAlgorithm(what) if what.contains(word)), "{error}");
    };
    unsupported(key_file!("p521-pkcs8.pem"), "1.3.132.0.35");
    unsupported(key_file!("p256-sec1-explicit.pem"), "explicit parameters");
    unsupported(key_file!("rsa2048-three-primes.pem"), "more than two primes");
    assert_eq!(load(key_file!("rsa-pss-pkcs8.pem")).unwrap_err(), KeyError::RsaPss);
    assert_eq!(load(key_file!("rsa1024-pkcs8.pem")).unwrap_err(), KeyError::RsaSize { bits: 1024 });
    assert_eq!(load(key_file!("rsa2048-e3.pem")).unwrap_err(), KeyError::RsaExponent("it is smaller than 65537"));
    assert!(matches!(load(key_file!("rsa6144.pem")).unwrap_err(), KeyError::CannotSign { algorithm: KeyAlgorithm::Rsa(6144), .. }));
    assert!(matches!(load(key_file!("p256-sec1-compressed.pem")).unwrap_err(), KeyError::PointEncoding { found: 33, .. }));
}

#[test]
fn an_rsa_key_whose_numbers_do_not_fit_is_refused() {
    let der = der_of(key_file!("rsa2048-pkcs1.pem"));
    let mut inconsistent = 0;
    // In the middle of n, d, p, q, dP, dQ and qInv; d is of no use to a signer that has the rest.
    for at in [100, 600, 700, 850, 950, 1100] {
        let mut changed = der.clone();
        changed[at] ^= 1;
        match PrivateKey::from_der(&changed, None, &Crypto::ring()) {
            Err(KeyError::InconsistentKeyPair | KeyError::MalformedPrivateKey(_)) => inconsistent += 1,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("byte {at} was changed without notice"),
        }
    }
    assert_eq!(inconsistent, 6);
}

#[test]
fn a_file_holds_one_private_key_and_nothing_else() {
    let certificate = key_file!("certificate.pem");
    assert_eq!(load(b"").unwrap_err(), KeyError::NoPrivateKey);
    assert_eq!(load(&[P256, ED25519].concat()).unwrap_err(), KeyError::SeveralPrivateKeys { line: 6 });
    assert!(matches!(load(&[P256, certificate].concat()).unwrap_err(), KeyError::NotAPrivateKey { line: 6, .. }));
    let openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    assert!(load(openssh).unwrap_err().to_string().contains("ssh-keygen"));
    assert_eq!(load(b"-----BEGIN PRIVATE KEY-----\n!\n").unwrap_err().code(), "pem.character");
}

#[test]
fn a_label_must_fit_the_content() {
    let text = String::from_utf8_lossy(P256).replace("PRIVATE KEY", "EC PRIVATE KEY");
    let error = load(text.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("labelled EC PRIVATE KEY"), "{error}");
}

#[test]
fn der_ends_where_the_key_ends() {
    let crypto = Crypto::ring();
    for text in [P256, key_file!("p256-sec1.pem"), ED25519, key_file!("rsa2048-pkcs1.pem"), key_file!("p256-scrypt.pem")] {
        let mut der = der_of(text);
        der.push(0);
        let error = PrivateKey::from_der(&der, Some(b"sesame"), &crypto).unwrap_err();
        assert!(matches!(error, KeyError::MalformedPrivateKey(_)), "{error}");
    }
    let mut key = load(P256).unwrap().pkcs8_der().to_vec();
    key.push(0);
    assert!(PrivateKey::from_pkcs8(Zeroizing::new(key), &*crypto).is_err());
    assert!(PrivateKey::from_der(&vec![0; 70_000], None, &crypto).unwrap_err().to_string().contains("70000 bytes"));
}

#[test]
fn what_is_no_private_key_is_named() {
    let certificate = der_of(key_file!("certificate.pem"));
    let error = PrivateKey::from_der(&certificate, None, &Crypto::ring()).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let key = load(P256).unwrap();
    let error = PrivateKey::from_der(key.public_key().spki_der(), None, &Crypto::ring()).unwrap_err();
    assert!(error.to_string().contains("public key"), "{error}");
}

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// An encrypted key that asks for this derivation.
fn asking_for(derivation: &[u8], parameters: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut der = Vec::new();
    element(&mut der, encode::SEQUENCE, |out| {
        element(out, encode::SEQUENCE, |out| {
            bytes(out, encode::OID, PBES2);
            element(out, encode::SEQUENCE, |out| {
                element(out, encode::SEQUENCE, |out| {
                    bytes(out, encode::OID, derivation);
                    element(out, encode::SEQUENCE, parameters);
                });
                element(out, encode::SEQUENCE, |out| {
                    bytes(out, encode::OID, AES_256_CBC);
                    bytes(out, encode::OCTET_STRING, &[0; 16]);
                });
            });
        });
        bytes(out, encode::OCTET_STRING, &[0; 48]);
    });
    der
}

fn open_scrypt(n: u64, r: u64, p: u64) -> KeyError {
    let der = asking_for(SCRYPT, |out| {
        bytes(out, encode::OCTET_STRING, &[7; 16]);
        for number in [n, r, p] {
            encode::positive_integer(out, &number.to_be_bytes());
        }
    });
    PrivateKey::from_der(&der, Some(b"sesame"), &Crypto::ring()).unwrap_err()
}

fn open_pbkdf2(iterations: u64) -> KeyError {
    let der = asking_for(PBKDF2, |out| {
        bytes(out, encode::OCTET_STRING, &[7; 16]);
        encode::positive_integer(out, &iterations.to_be_bytes());
        element(out, encode::SEQUENCE, |out| {
            bytes(out, encode::OID, HMAC_SHA256);
            bytes(out, 0x05, &[]);
        });
    });
    PrivateKey::from_der(&der, Some(b"sesame"), &Crypto::ring()).unwrap_err()
}

#[test]
fn a_hostile_file_buys_no_unbounded_work() {
    assert_eq!(open_scrypt(1 << 10, 8, 1), KeyError::WrongPassword);
    assert_eq!(open_pbkdf2(2048), KeyError::WrongPassword);
    // One step over 256 MiB; one pass too many; the largest numbers there are.
    for (n, r, p) in [(1 << 18, 9, 1), (1 << 21, 1, 1), (1 << 17, 8, 9), (2, 65535, 65535), (1 << 63, 65535, 65535)] {
        assert!(matches!(open_scrypt(n, r, p), KeyError::TooExpensive(_)), "N={n} r={r} p={p}");
    }
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (1 << 10, 0, 1), (1 << 10, 8, 0), (1 << 10, 65536, 1)] {
        assert!(matches!(open_scrypt(n, r, p), KeyError::MalformedPrivateKey(_)), "N={n} r={r} p={p}");
    }
    for iterations in [10_000_001, u64::from(u32::MAX)] {
        assert!(matches!(open_pbkdf2(iterations), KeyError::TooExpensive(_)));
    }
    for iterations in [0, u64::MAX] {
        assert!(matches!(open_pbkdf2(iterations), KeyError::MalformedPrivateKey(_)));
    }
    let long_salt = asking_for(PBKDF2, |out| {
        bytes(out, encode::OCTET_STRING, &[7; 33]);
        encode::positive_integer(out, &[1]);
    });
    assert!(PrivateKey::from_der(&long_salt, Some(b"sesame"), &Crypto::ring()).is_err());
}

#[test]
fn rsa_signs_with_pkcs1_and_sha256() {
    let signer = load(RSA).unwrap().signer(&Crypto::ring()).unwrap();
    assert_eq!(signer.algorithm(), SignatureAlgorithm::RsaPkcs1Sha256);
}

/// Whether any 4 bytes in a row of `secret` stand in `text`, as they are, in hexadecimal, decimal or base64.
fn leaks(text: &str, secret: &[u8]) -> bool {
    use base64::Engine;
    let lower = text.to_lowercase();
    let base64 = (0..3).any(|skip| {
        let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&secret[skip..]);
        encoded.as_bytes().windows(6).any(|part| text.as_bytes().windows(6).any(|window| window == part))
    });
    base64
        || secret.windows(4).any(|part| {
            let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
            let decimal = part.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
            lower.contains(&hex) || text.contains(&decimal) || text.as_bytes().windows(4).any(|window| window == part)
        })
}

#[test]
fn nothing_prints_a_private_key() {
    let crypto = Crypto::ring();
    for text in [P256, ED25519, RSA] {
        let key = load(text).unwrap();
        assert!(leaks(key.to_pkcs8_pem().lines().nth(1).unwrap(), key.pkcs8_der()), "the detector works");
        assert!(leaks(&format!("{:?}", &key.pkcs8_der()[..20]), key.pkcs8_der()), "the detector works");
        let secret = match key.public_key().algorithm() {
            KeyAlgorithm::EcdsaP256 => &key.pkcs8_der()[P256_SCALAR],
            KeyAlgorithm::Ed25519 => &key.pkcs8_der()[16..],
            _ => &key.pkcs8_der()[300..],
        };
        let block = &pem::parse(text).unwrap()[0];
        for printed in [format!("{key:?} {key:#?}"), format!("{block:?}"), format!("{:?}", key.signer(&crypto).unwrap()), format!("{crypto:?}")] {
            assert!(!leaks(&printed, secret), "{printed}");
        }
    }
    assert_eq!(format!("{:?}", load(P256).unwrap()), "PrivateKey(ECDSA P-256, redacted)");
}

#[test]
fn errors_quote_nothing_of_a_broken_key() {
    let crypto = Crypto::ring();
    for text in [P256, key_file!("p256-sec1.pem"), ED25519, key_file!("rsa2048-pkcs1.pem")] {
        let der = der_of(text);
        for at in (0..der.len()).step_by(1 + der.len() / 60) {
            let mut changed = der.clone();
            changed[at] ^= 0x55;
            if let Err(error) = PrivateKey::from_der(&changed[..changed.len() - at % 2], None, &crypto) {
                assert!(!leaks(&format!("{error} {error:?}"), &der[20..]), "{error:?}");
            }
        }
    }
    let text = String::from_utf8_lossy(P256);
    for at in (28..text.len() - 26).step_by(9) {
        let changed = format!("{}*{}", &text[..at], &text[at + 1..]);
        let error = load(changed.as_bytes()).unwrap_err();
        assert!(!leaks(&format!("{error} {error:?}"), &der_of(P256)[20..]), "{error:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(der in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = PrivateKey::from_der(&der, Some(b"sesame"), &Crypto::ring());
    }

    #[test]
    fn no_change_to_a_key_makes_it_panic(file in 0usize..5, at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let files = [P256, ED25519, key_file!("p256-sec1.pem"), key_file!("rsa2048-pkcs1.pem"), key_file!("p256-pbkdf2-aes256.pem")];
        let mut der = der_of(files[file]);
        let at = at.index(der.len());
        der[at] = byte;
        // An iteration count in the millions is allowed, and too slow here: the ciphertext alone is left to change.
        prop_assume!(file != 4 || at > 100);
        let _ = PrivateKey::from_der(&der, Some(b"sesame"), &Crypto::ring());
    }
}
