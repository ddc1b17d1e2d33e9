//! Keys and signature algorithms.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::der::{bits, oid, seq, signature_at, tlv};
use crate::views::keys::{Algorithm, Key};

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![];
    for kind in ["p384", "p521", "secp256k1", "ed25519", "rsa1024", "rsa2048", "rsa4096"] {
        all.push(with(&format!("algorithm.leaf_{kind}"), |m| m.leaf.with_key(Key::fixture(kind))));
        if kind != "secp256k1" {
            all.push(with(&format!("algorithm.ca_{kind}"), |m| {
                m.ca.with_key(Key::fixture(kind));
                m.leaf.with_key(Key::fixture("p256"));
            }));
        }
    }
    all.push(with("algorithm.root_rsa1024", |m| {
        m.root.with_key(Key::fixture("rsa1024"));
        m.ca.with_key(Key::fixture("p256"));
    }));
    all.push(with("algorithm.root_ed25519", |m| m.root.with_key(Key::fixture("ed25519"))));
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("algorithm.{name}"), change);
    all.extend([
        case("leaf_rsa_sha1", |m| {
            m.ca.with_key(Key::fixture("rsa2048"));
            m.leaf.with_key(Key::fixture("p256"));
            m.leaf.signed_with = Some(Algorithm::RsaSha1);
        }),
        case("leaf_ecdsa_sha1", |m| {
            m.ca.with_key(Key::fixture("p256"));
            m.leaf.with_key(Key::fixture("p384"));
            m.leaf.signed_with = Some(Algorithm::EcdsaSha1);
        }),
        case("ca_rsa_sha1", |m| {
            m.root.with_key(Key::fixture("rsa2048"));
            m.ca.with_key(Key::fixture("p256"));
            m.ca.signed_with = Some(Algorithm::RsaSha1);
        }),
        case("root_signed_itself_with_sha1", |m| {
            m.root.with_key(Key::fixture("rsa2048"));
            m.root.signed_with = Some(Algorithm::RsaSha1);
        }),
        case("root_own_signature_wrong", |m| m.root.forged = true),
        case("leaf_rsa_pss", |m| {
            m.ca.with_key(Key::fixture("rsa2048"));
            m.leaf.signed_with = Some(Algorithm::RsaPssSha256);
        }),
        case("p256_with_sha384", |m| {
            m.ca.with_key(Key::fixture("p256"));
            m.leaf.with_key(Key::fixture("p384"));
            m.leaf.signed_with = Some(Algorithm::EcdsaSha384);
        }),
        case("p256_with_sha512", |m| {
            m.ca.with_key(Key::fixture("p256"));
            m.leaf.with_key(Key::fixture("p384"));
            m.leaf.signed_with = Some(Algorithm::EcdsaSha512);
        }),
        case("p384_with_sha256", |m| {
            m.ca.with_key(Key::fixture("p384"));
            m.leaf.with_key(Key::fixture("p256"));
            m.leaf.signed_with = Some(Algorithm::EcdsaSha256);
        }),
        case("ecdsa_with_null_parameters", |m| m.leaf.inner_algorithm = Some(seq(&[&oid("1.2.840.10045.4.3.2"), &[5, 0]]))),
        case("rsa_without_parameters", |m| {
            m.ca.with_key(Key::fixture("rsa2048"));
            m.leaf.inner_algorithm = Some(seq(&[&oid("1.2.840.113549.1.1.11")]));
        }),
        case("inner_and_outer_differ", |m| m.leaf.outer_algorithm = Some(seq(&[&oid("1.2.840.10045.4.3.3")]))),
        case("unknown", |m| m.leaf.inner_algorithm = Some(seq(&[&oid("1.3.6.1.4.1.37476.9000.64.2")]))),
        case("bad_signature_on_leaf", |m| m.leaf.forged = true),
        case("bad_signature_on_ca", |m| m.ca.forged = true),
        case("leaf_key_unknown", |m| {
            let algorithm = seq(&[&oid("1.3.6.1.4.1.37476.9000.64.3")]);
            m.leaf.spki = Some(seq(&[&algorithm, &bits(&[4; 32])]));
        }),
        case("leaf_point_off_curve", |m| {
            let mut spki = m.leaf.key.spki.clone();
            *spki.last_mut().unwrap() ^= 1;
            m.leaf.spki = Some(spki);
        }),
        case("leaf_point_compressed", |m| {
            let spki = &m.leaf.key.spki;
            let point = &spki[spki.len() - 64..];
            let compressed = [&[2 + (point[63] & 1)], &point[..32]].concat();
            let algorithm = seq(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
            m.leaf.spki = Some(seq(&[&algorithm, &bits(&compressed)]));
        }),
        case("leaf_rsa_key_without_parameters", |m| {
            m.leaf.with_key(Key::fixture("rsa2048"));
            let spki = &m.leaf.key.spki;
            let from = spki.windows(4).position(|w| w == [0x03, 0x82, 0x01, 0x0f]).unwrap();
            m.leaf.spki = Some(seq(&[&seq(&[&oid("1.2.840.113549.1.1.1")]), &spki[from..]]));
        }),
        case("signature_unused_bits", |m| {
            m.leaf.change = Some(|mut der| {
                let at = signature_at(&der);
                der[at + 2] = 1;
                // DER wants the unused bit to be 0.
                *der.last_mut().unwrap() |= 1;
                der
            });
        }),
        case("leaf_unique_ids", |m| m.leaf.unique_ids = tlv(0x82, &[0, 1])),
    ]);
    all
}
