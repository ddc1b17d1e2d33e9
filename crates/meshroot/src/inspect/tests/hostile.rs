//! Whatever the bytes, an answer comes soon, and no part of a secret with it.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::{folder, look};
use crate::pem;
use crate::x509::encode;

/// Far more than any answer takes, even in a debug build on a busy machine.
const SOON: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]
fn answers_soon(bytes: &[u8]) -> String {
    let began = Instant::now();
    let said = match look(bytes) {
        Ok(items) => items.iter().map(ToString::to_string).collect(),
        Err(e) => e.to_string(),
    };
    assert!(began.elapsed() < SOON, "{} bytes took {:?}", bytes.len(), began.elapsed());
    assert!(!said.contains('\u{1b}') && !said.contains('\0'), "{said:?}");
    said
}

/// Every input of the golden tests, and every block of them in DER.
fn good_inputs() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if matches!(path.extension().and_then(|e| e.to_str()), Some("pem" | "der" | "json" | "yaml" | "key")) {
            let bytes = std::fs::read(path).unwrap();
            inputs.extend(pem::parse(&bytes).unwrap_or_default().iter().map(|block| block.der.clone()));
            inputs.push(bytes);
        }
    }
    assert!(inputs.len() > 40);
    inputs
}

#[test]
fn truncated_inputs_are_answered() {
    for bytes in good_inputs() {
        let step = (bytes.len() / 60).max(1);
        for length in (0..bytes.len()).step_by(step) {
            answers_soon(&bytes[..length]);
        }
    }
}

#[test]
fn inputs_with_one_byte_changed_are_answered() {
    for mut bytes in good_inputs() {
        let step = (bytes.len() / 120).max(1);
        for at in (0..bytes.len()).step_by(step) {
            for change in [0x01, 0x80, 0xff] {
                bytes[at] ^= change;
                answers_soon(&bytes);
                bytes[at] ^= change;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        answers_soon(&bytes);
    }

    #[test]
    fn arbitrary_der_is_answered(bytes in proptest::collection::vec(prop_oneof![Just(0x30u8), Just(0x02), Just(0x03), Just(0x04), Just(0x06), Just(0xa0), Just(0x01), Just(0x00), any::<u8>()], 0..200)) {
        let mut der = Vec::new();
        encode::element(&mut der, encode::SEQUENCE, |out| out.extend_from_slice(&bytes));
        answers_soon(&der);
        for label in ["CERTIFICATE", "CERTIFICATE REQUEST", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "X509 CRL", "EC PARAMETERS"] {
            answers_soon(pem::encode(label, &der).as_bytes());
        }
    }

    #[test]
    fn arbitrary_text_is_answered(text in "(\\{|\\[|apiVersion: |kind: |meshroot-unlock-|-----BEGIN |\"keys\":|\"trust_domains\":|[ -~\\n]){0,40}") {
        answers_soon(text.as_bytes());
    }

    #[test]
    fn several_changes_at_once_are_answered(seed in any::<prop::sample::Index>(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let inputs = good_inputs();
        let mut bytes = inputs[seed.index(inputs.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        answers_soon(&bytes);
    }
}

/// Inputs as long as any that is read, each made to be costly in its own way.
#[test]
fn the_longest_inputs_are_answered_soon() {
    let block = |text: &[u8]| pem::parse(text).unwrap().swap_remove(0);
    let chain = std::fs::read(folder().join("svid.pem")).unwrap();
    let key = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys/rsa2048-pkcs8.pem")).unwrap();
    let request = std::fs::read(folder().join("request.pem")).unwrap();
    for text in [&chain, &key, &request] {
        answers_soon(&text.repeat((4 << 20) / text.len()));
    }
    // Distinct certificates of the same names, which might all be each other's issuers.
    let der = block(&chain).der.clone();
    let many: String = (0..4000u32)
        .map(|number| {
            let mut der = der.clone();
            let at = der.len() - 4;
            der[at..].copy_from_slice(&number.to_be_bytes());
            pem::encode_certificate(&der)
        })
        .collect();
    answers_soon(many.as_bytes());

    answers_soon(format!("{{\"keys\":[{}0]}}", "[".repeat(2_000_000)).as_bytes());
    answers_soon(format!("{{\"keys\":[{}{{}}]}}", "{},".repeat(990)).as_bytes());
    let bundle = format!("{{\"keys\":[{}{{}}]}}", "{},".repeat(100));
    let domains: Vec<String> = (0..9_900).map(|number| format!("\"d{number}\":{bundle}")).collect();
    answers_soon(format!("{{\"trust_domains\":{{{}}}}}", domains.join(",")).as_bytes());

    let secret = std::fs::read_to_string(folder().join("cacerts-wrong-key.yaml")).unwrap();
    answers_soon(format!("{secret}---\n").repeat((4 << 20) / (secret.len() + 4)).as_bytes());
    answers_soon(format!("kind: Secret\na: {}", "[".repeat(4_000_000)).as_bytes());
    answers_soon("kind: Secret\n".repeat(300_000).as_bytes());
}

#[test]
fn signatures_beyond_the_budget_are_not_verified_and_the_answer_says_so() {
    let request = std::fs::read(folder().join("request.pem")).unwrap();
    let items = look(&request.repeat(300)).unwrap();
    let proven = items.iter().filter(|item| item.get("proof of possession").is_some()).count();
    let unchecked = items.iter().flat_map(|item| &item.problems).filter(|problem| problem.code == "inspect.not_checked").count();
    assert_eq!((proven, unchecked), (256, 44));
}

/// A certificate of the largest size with as many extensions, or names, as fit.
#[test]
fn certificates_with_thousands_of_parts_are_answered_soon() {
    let der = pem::parse(&std::fs::read(folder().join("svid.pem")).unwrap()).unwrap().swap_remove(0).der.clone();
    let parsed = crate::x509::wire::CertRef::parse(&der).unwrap();
    let tbs = &parsed.tbs;
    let certificate = |extensions: &dyn Fn(&mut Vec<u8>), subject: &[u8]| {
        let mut out = Vec::new();
        encode::element(&mut out, encode::SEQUENCE, |out| {
            encode::element(out, encode::SEQUENCE, |out| {
                encode::element(out, encode::explicit(0), |out| encode::bytes(out, encode::INTEGER, &[2]));
                encode::bytes(out, encode::INTEGER, tbs.serial);
                for part in [tbs.signature_algorithm, tbs.issuer, tbs.validity_der, subject, tbs.spki] {
                    out.extend_from_slice(part);
                }
                encode::element(out, encode::explicit(3), |out| encode::element(out, encode::SEQUENCE, extensions));
            });
            out.extend_from_slice(parsed.signature_algorithm);
            encode::bytes(out, encode::BIT_STRING, &[0, 1]);
        });
        assert!(out.len() <= 65_536, "{}", out.len());
        out
    };
    let extension = |out: &mut Vec<u8>, oid: &[u8], value: &dyn Fn(&mut Vec<u8>)| {
        encode::element(out, encode::SEQUENCE, |out| {
            encode::bytes(out, encode::OID, oid);
            encode::element(out, encode::OCTET_STRING, value);
        });
    };
    let distinct =
        certificate(&|out| (0..5000u32).for_each(|n| extension(out, &[0x2a, 0x81 + (n >> 7) as u8, (n & 0x7f) as u8], &|_| {})), tbs.subject);
    let names = certificate(
        &|out| {
            extension(out, &[0x55, 0x1d, 0x11], &|out| {
                encode::element(out, encode::SEQUENCE, |out| (0..15_000).for_each(|_| encode::bytes(out, 0x82, b"a_")))
            })
        },
        tbs.subject,
    );
    let mut subject = Vec::new();
    encode::element(&mut subject, encode::SEQUENCE, |out| {
        for _ in 0..4000 {
            encode::element(out, encode::SET, |out| {
                encode::element(out, encode::SEQUENCE, |out| {
                    encode::bytes(out, encode::OID, &[0x55, 4, 6]);
                    encode::bytes(out, encode::UTF8_STRING, b"");
                });
            });
        }
    });
    let attributes = certificate(&|out| extension(out, &[0x55, 0x1d, 0x13], &|out| encode::bytes(out, encode::SEQUENCE, &[])), &subject);
    for der in [distinct, names, attributes] {
        let said = answers_soon(&der);
        assert!(said.lines().count() < 60, "{} lines", said.lines().count());
        answers_soon(pem::encode_certificate(&der).repeat(40).as_bytes());
    }
}

/// The lines inside the private keys of a PEM text, or of the values of a manifest.
fn private_lines(text: &str) -> Vec<String> {
    let values = text.lines().filter_map(|line| STANDARD.decode(line.split_once(": ")?.1).ok()).filter_map(|value| String::from_utf8(value).ok());
    let mut lines = Vec::new();
    for text in values.chain([text.to_owned()]) {
        let mut inside = false;
        for line in text.lines() {
            match line {
                _ if line.contains("PRIVATE KEY-----") => inside = line.contains("BEGIN"),
                _ if inside => lines.push(line.to_owned()),
                _ => {}
            }
        }
    }
    lines
}

#[test]
fn no_part_of_a_private_key_is_ever_told() {
    let keys = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys");
    let mut count = 0;
    for entry in std::fs::read_dir(keys).unwrap().chain(std::fs::read_dir(folder()).unwrap()) {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let secrets = private_lines(&text);
        if secrets.is_empty() {
            continue;
        }
        count += 1;
        let said = format!("{}{:?}", answers_soon(text.as_bytes()), look(text.as_bytes()));
        for line in &secrets {
            for part in line.as_bytes().chunks(16).filter(|part| part.len() == 16 && !part.contains(&b' ')) {
                let part = core::str::from_utf8(part).unwrap();
                assert!(!said.contains(part), "{}: {part}", path.display());
                let bytes = STANDARD.decode(part).unwrap_or_default();
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                assert!(hex.len() < 16 || !said.contains(&hex), "{}: {hex}", path.display());
            }
        }
        // Nor when the text is cut or a character wrong, and the reader complains.
        for length in (0..text.len()).step_by((text.len() / 40).max(1)) {
            let said = answers_soon(text.get(..length).unwrap_or_default().as_bytes());
            let last: String = text[..length].lines().last().unwrap_or_default().chars().take(12).collect();
            assert!(last.len() < 12 || last.contains(['-', ' ', ':']) || !said.contains(&last), "{}: {said}", path.display());
        }
    }
    assert!(count > 20, "{count}");
}
