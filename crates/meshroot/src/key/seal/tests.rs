use std::sync::Mutex;

use super::wrap::Cost;
use super::*;
use crate::key::{Crypto, Entropy, KeyAlgorithm, KeyError, PrivateKey};
use proptest::prelude::*;

const KEY: &[u8] = include_bytes!("../../../testdata/keys/p256-pkcs8.pem");

/// For tests of what does not depend on how slow the derivation is.
const CHEAP: Cost = Cost { log_n: 4, r: 8, p: 1 };

/// 0, 1, 2 and so on: for known answers.
#[derive(Default)]
struct Counting(Mutex<u8>);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
        let mut next = self.0.lock().unwrap();
        for byte in out {
            *byte = *next;
            *next = next.wrapping_add(1);
        }
        Ok(())
    }
}

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), KeyError> {
        Err(KeyError::NoEntropy)
    }
}

fn setup() -> (Crypto, DataKey, PrivateKey) {
    let crypto = Crypto::ring();
    let data_key = DataKey::generate(crypto.entropy()).unwrap();
    let key = PrivateKey::from_pem(KEY, None, &crypto).unwrap();
    (crypto, data_key, key)
}

fn passphrase(text: &str) -> UnlockSecret {
    UnlockSecret::Passphrase(text.as_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_sealed_key_opens_in_its_place() {
    let (crypto, data_key, key) = setup();
    let context = SealContext { store: "s", authority: "west", public_key: key.public_key() };
    let sealed = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap();
    let again = SealedKey::from_bytes(&sealed.to_bytes()).unwrap();
    assert_eq!(again, sealed);
    assert_eq!(data_key.open(&crypto, &context, &again).unwrap().pkcs8_der(), key.pkcs8_der());
    let twice = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap();
    assert_ne!(sealed, twice, "nonces are fresh");
    assert!(!sealed.to_bytes().windows(8).any(|part| key.pkcs8_der().windows(8).any(|window| window == part)));
}

#[test]
fn a_sealed_key_opens_nowhere_else() {
    let (crypto, data_key, key) = setup();
    let other_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
    let context = SealContext { store: "s", authority: "west", public_key: key.public_key() };
    let sealed = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap();
    for wrong in [
        SealContext { store: "t", ..context },
        SealContext { authority: "east", ..context },
        SealContext { public_key: other_key.public_key(), ..context },
        // The same letters, cut elsewhere.
        SealContext { store: "sw", authority: "est", ..context },
    ] {
        let error = data_key.open(&crypto, &wrong, &sealed).unwrap_err();
        assert!(matches!(error, SealError::CannotOpen { .. }), "{error}");
    }
    let other_data_key = DataKey::generate(crypto.entropy()).unwrap();
    assert_eq!(other_data_key.open(&crypto, &context, &sealed).unwrap_err(), SealError::CannotOpen { authority: "west".into() });
    let error = data_key.seal(&crypto, crypto.entropy(), &context, &other_key).unwrap_err();
    assert_eq!(error, SealError::OtherKey { authority: "west".into() });
}

/// The answers were computed once more with Python (hashlib and cryptography), from the description of the formats.
#[test]
fn stored_bytes_of_the_first_version_open_for_ever() {
    let (crypto, _, key) = setup();
    let entropy = Counting::default();
    let data_key = DataKey::generate(&entropy).unwrap();
    let context = SealContext { store: "store-1", authority: "west", public_key: key.public_key() };
    let sealed = data_key.seal(&crypto, &entropy, &context, &key).unwrap().to_bytes();
    assert_eq!(hex(&crypto.sha256(&sealed)), SEALED_SHA256);
    assert_eq!(hex(&sealed[..13]), "01202122232425262728292a2b");

    let file = UnlockSecret::generate_file(&entropy).unwrap();
    assert_eq!(file.to_file().unwrap().as_str(), UNLOCK_FILE);
    let by_file = WrappedDataKey::wrap(&data_key, &file, "store-1", &crypto, &entropy).unwrap();
    let by_passphrase = WrappedDataKey::wrap_at(CHEAP, &data_key, &passphrase("sesame"), "store-1", &crypto, &entropy).unwrap();
    assert_eq!((hex(&by_file.to_bytes()).as_str(), hex(&by_passphrase.to_bytes()).as_str()), (WRAPPED_BY_FILE, WRAPPED_BY_PASSPHRASE));
}

const SEALED_SHA256: &str = "199f627e1c03555066d49b6aacb0df92f5aa2b078240692d822dbdab68eae3a8";
const UNLOCK_FILE: &str = "meshroot-unlock-v1 2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b\n";
const WRAPPED_BY_FILE: &str = "01014c4d4e4f505152535455565719e82ea99efe412a990197c657890f2f5fedc772723614ff5531ad418bd9bab22dab4bd1e3d3817c5a2fa9e337eb\
    094c0e04bb5a8b568a67a4f2fb57e1ecda633334ab98f207589f33253eaec6900fcf";
const WRAPPED_BY_PASSPHRASE: &str = "010204080158595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283189ea575c6640d69ece1f6\
    4477298e80cefe5c283e7912186b080c95af350e6374d0fd16f15f15de5a591993339ad09ff02db4f52a8c30a8f167a47f8b2648a8536096992d8006\
    fa9a7ce5d93f7baffa";

#[test]
fn a_file_unlocks_its_own_store_only() {
    let (crypto, data_key, _) = setup();
    let secret = UnlockSecret::generate_file(crypto.entropy()).unwrap();
    let wrapped = WrappedDataKey::wrap(&data_key, &secret, "store-1", &crypto, crypto.entropy()).unwrap();
    let wrapped = WrappedDataKey::from_bytes(&wrapped.to_bytes()).unwrap();
    assert_eq!(wrapped.unwrap(&secret, "store-1", &crypto).unwrap().0, data_key.0);
    let wrong = SealError::WrongUnlock(UnlockKind::File);
    let other = UnlockSecret::generate_file(crypto.entropy()).unwrap();
    assert_eq!(wrapped.unwrap(&other, "store-1", &crypto).unwrap_err(), wrong);
    assert_eq!(wrapped.unwrap(&secret, "store-2", &crypto).unwrap_err(), wrong);
    let needed = SealError::OtherUnlock { needed: UnlockKind::File, given: UnlockKind::Passphrase };
    assert_eq!(wrapped.unwrap(&passphrase("sesame"), "store-1", &crypto).unwrap_err(), needed);
}

#[test]
fn a_passphrase_unlocks_at_full_cost() {
    let (crypto, data_key, _) = setup();
    let wrapped = WrappedDataKey::wrap(&data_key, &passphrase("sesame"), "store-1", &crypto, crypto.entropy()).unwrap();
    let bytes = wrapped.to_bytes();
    assert_eq!(&bytes[..5], &[1, 2, 17, 8, 1], "version 1, passphrase, scrypt with N=2^17, r=8, p=1");
    assert_eq!(WrappedDataKey::from_bytes(&bytes).unwrap().unwrap(&passphrase("sesame"), "store-1", &crypto).unwrap().0, data_key.0);
}

#[test]
fn a_wrong_passphrase_is_told_from_damage() {
    let (crypto, data_key, _) = setup();
    let secret = passphrase("sesame");
    let wrapped = WrappedDataKey::wrap_at(CHEAP, &data_key, &secret, "s", &crypto, crypto.entropy()).unwrap();
    let wrong = SealError::WrongUnlock(UnlockKind::Passphrase);
    for text in ["Sesame", "sesame\n", "sesam"] {
        assert_eq!(wrapped.unwrap(&passphrase(text), "s", &crypto).unwrap_err(), wrong);
    }
    assert_eq!(WrappedDataKey::wrap_at(CHEAP, &data_key, &passphrase(""), "s", &crypto, crypto.entropy()).unwrap_err(), SealError::EmptyPassphrase);
    // Every byte behind version, kind and scrypt's parameters, which have errors of their own.
    let bytes = wrapped.to_bytes();
    for at in 5..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let error = WrappedDataKey::from_bytes(&changed).unwrap().unwrap(&secret, "s", &crypto).unwrap_err();
        assert!(matches!(error, SealError::Damaged { .. }), "byte {at}: {error}");
    }
}

#[test]
fn an_attacker_with_a_right_checksum_gains_nothing() {
    let (crypto, data_key, _) = setup();
    let secret = passphrase("sesame");
    let bytes = WrappedDataKey::wrap_at(CHEAP, &data_key, &secret, "s", &crypto, crypto.entropy()).unwrap().to_bytes();
    // Parameters (N halved), salt, nonce, ciphertext, tag.
    for at in [2, 5, 37, 49, 96] {
        let mut changed = bytes[..bytes.len() - 32].to_vec();
        changed[at] ^= if at == 2 { 7 } else { 1 };
        let checksum = crypto.sha256(&changed);
        changed.extend_from_slice(&checksum);
        let error = WrappedDataKey::from_bytes(&changed).unwrap().unwrap(&secret, "s", &crypto).unwrap_err();
        assert_eq!(error, SealError::WrongUnlock(UnlockKind::Passphrase), "byte {at}");
    }
}

#[test]
fn bytes_of_other_versions_kinds_and_lengths_are_refused() {
    let (crypto, data_key, key) = setup();
    let secret = passphrase("sesame");
    let bytes = WrappedDataKey::wrap_at(CHEAP, &data_key, &secret, "s", &crypto, crypto.entropy()).unwrap().to_bytes();
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = bytes.clone();
        change(&mut changed);
        WrappedDataKey::from_bytes(&changed).unwrap_err().code()
    };
    assert_eq!(refused(&|b| b[0] = 2), "seal.newer");
    assert_eq!(refused(&|b| b[1] = 3), "seal.newer");
    // 512 MiB of scrypt, r = 9, three passes, and zeros.
    for (at, value) in [(2, 19), (2, 64), (2, 0), (3, 9), (3, 0), (4, 3), (4, 0)] {
        assert_eq!(refused(&|b| b[at] = value), "seal.damaged");
    }
    assert_eq!(refused(&|b| b.push(0)), "seal.damaged");
    for length in 0..bytes.len() {
        assert_eq!(refused(&|b| b.truncate(length)), "seal.damaged", "{length} bytes");
    }

    let context = SealContext { store: "s", authority: "west", public_key: key.public_key() };
    let sealed = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap().to_bytes();
    for length in 0..30 {
        assert_eq!(SealedKey::from_bytes(&sealed[..length]).unwrap_err().code(), "seal.damaged");
    }
    assert_eq!(SealedKey::from_bytes(&[&[9], &sealed[1..]].concat()).unwrap_err().code(), "seal.newer");
}

#[test]
fn unlock_files_are_read_as_written_and_nothing_else() {
    let crypto = Crypto::ring();
    let secret = UnlockSecret::generate_file(crypto.entropy()).unwrap();
    let text = secret.to_file().unwrap();
    assert_eq!(text.len(), 84);
    let same = |content: &str| assert_eq!(UnlockSecret::from_file(content.as_bytes()).unwrap().to_file(), secret.to_file());
    same(&text);
    same(text.trim_end());
    same(&text.replace('\n', "\r\n"));
    same(&text.to_uppercase().replace("MESHROOT-UNLOCK-V1", "meshroot-unlock-v1"));
    assert!(passphrase("sesame").to_file().is_none());

    for (content, reason) in [
        (String::new(), "empty"),
        ("\n \n".into(), "empty"),
        ("hunter2".into(), "does not begin"),
        ("-----BEGIN PRIVATE KEY-----".into(), "does not begin"),
        (text.replace("-v1", "-v2"), "newer"),
        (text.replace("v1 ", "v1"), "no blank"),
        ("meshroot-unlock-v1\n".into(), "no blank"),
        (text.trim_end()[..text.len() - 2].to_owned(), "64 digits"),
        (format!("{}0", text.trim_end()), "64 digits"),
        (text.repeat(2), "64 digits"),
        (format!("{}g", &text.trim_end()[..82]), "not hexadecimal"),
        ("x".repeat(257), "too long"),
    ] {
        let error = UnlockSecret::from_file(content.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(reason), "{content}: {error}");
        assert!(!error.to_string().contains("hunter2"), "what stands in the file may be a secret");
    }
}

#[test]
fn without_randomness_nothing_is_made() {
    let (crypto, data_key, key) = setup();
    let context = SealContext { store: "s", authority: "west", public_key: key.public_key() };
    let none = SealError::Key(KeyError::NoEntropy);
    assert_eq!(DataKey::generate(&NoEntropy).unwrap_err(), none);
    assert_eq!(UnlockSecret::generate_file(&NoEntropy).unwrap_err(), none);
    assert_eq!(data_key.seal(&crypto, &NoEntropy, &context, &key).unwrap_err(), none);
    assert_eq!(WrappedDataKey::wrap(&data_key, &UnlockSecret::File([1; 32]), "s", &crypto, &NoEntropy).unwrap_err(), none);
    assert_eq!(key.to_encrypted_pem(b"sesame", &NoEntropy).unwrap_err(), KeyError::NoEntropy);
}

#[test]
fn nothing_prints_a_secret() {
    let (crypto, _, key) = setup();
    let data_key = DataKey(zeroize::Zeroizing::new([0xab; 32]));
    let file = UnlockSecret::File([0xab; 32]);
    let wrapped = WrappedDataKey::wrap(&data_key, &file, "s", &crypto, crypto.entropy()).unwrap();
    let context = SealContext { store: "s", authority: "west", public_key: key.public_key() };
    let sealed = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap();
    let printed = format!("{data_key:?} {file:?} {:?} {wrapped:?} {sealed:?} {context:?}", passphrase("sesame"));
    assert_eq!(
        printed,
        "DataKey(redacted) UnlockSecret(unlock file, redacted) UnlockSecret(passphrase, redacted) \
         WrappedDataKey(by unlock file) SealedKey(154 bytes) \
         SealContext { store: \"s\", authority: \"west\", public_key: PublicKey(ECDSA P-256, 91 bytes) }"
    );
}

proptest! {
    #[test]
    fn no_changed_byte_opens(at in any::<proptest::sample::Index>(), change in 1u8..) {
        let (crypto, data_key, key) = setup();
        let context = SealContext { store: "s", authority: "west", public_key: key.public_key() };
        let mut bytes = data_key.seal(&crypto, crypto.entropy(), &context, &key).unwrap().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let opened = SealedKey::from_bytes(&bytes).and_then(|sealed| data_key.open(&crypto, &context, &sealed));
        prop_assert!(opened.is_err(), "byte {}", at);
    }

    #[test]
    fn no_changed_context_opens(store in "[a-z]{0,3}", authority in "[a-z]{0,3}", other_store in "[a-z]{0,3}", other_authority in "[a-z]{0,3}") {
        let (crypto, data_key, key) = setup();
        let sealed_in = SealContext { store: &store, authority: &authority, public_key: key.public_key() };
        let opened_in = SealContext { store: &other_store, authority: &other_authority, public_key: key.public_key() };
        let sealed = data_key.seal(&crypto, crypto.entropy(), &sealed_in, &key).unwrap();
        let same = (&store, &authority) == (&other_store, &other_authority);
        prop_assert_eq!(data_key.open(&crypto, &opened_in, &sealed).is_ok(), same);
    }

    #[test]
    fn no_stored_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = SealedKey::from_bytes(&bytes);
        let _ = WrappedDataKey::from_bytes(&bytes);
        let _ = UnlockSecret::from_file(&bytes);
    }
}
