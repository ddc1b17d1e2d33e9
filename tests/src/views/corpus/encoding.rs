//! What is not DER.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::cert::{Extension, id};
use crate::views::der::{TRUE, int, seq, signature_at, tlv};

fn patched(mut der: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der.windows(from.len()).position(|w| w == from).unwrap();
    der[at..at + from.len()].copy_from_slice(to);
    der
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("encoding.{name}"), change);
    vec![
        case("critical_true_is_01", |m| m.leaf.get(id::KEY_USAGE).critical = vec![1, 1, 1]),
        case("critical_false_spelled_out", |m| m.leaf.get(id::SKI).critical = vec![1, 1, 0]),
        case("ca_false_spelled_out", |m| m.leaf.set(Extension::critical(id::BASIC, seq(&[&[1, 1, 0]])))),
        case("ca_true_is_01", |m| m.ca.set(Extension::critical(id::BASIC, seq(&[&[1, 1, 1]])))),
        case("key_usage_trailing_zero_bits", |m| m.leaf.set(Extension::critical(id::KEY_USAGE, tlv(0x03, &[0, 0x80])))),
        case("key_usage_unused_bits_set", |m| m.leaf.set(Extension::critical(id::KEY_USAGE, tlv(0x03, &[7, 0xff])))),
        case("key_usage_two_octets", |m| m.leaf.set(Extension::critical(id::KEY_USAGE, tlv(0x03, &[7, 0x80, 0x80])))),
        case("key_usage_empty_value", |m| m.leaf.set(Extension::critical(id::KEY_USAGE, vec![]))),
        case("extension_value_trailing_bytes", |m| m.leaf.get(id::BASIC).value.extend([5, 0])),
        case("san_trailing_bytes", |m| m.leaf.get(id::SAN).value.extend([5, 0])),
        case("eku_trailing_bytes", |m| m.leaf.get(id::EKU).value.extend([5, 0])),
        case("basic_constraints_not_a_sequence", |m| m.leaf.get(id::BASIC).value = int(&[1])),
        case("eku_not_a_sequence", |m| m.leaf.get(id::EKU).value = int(&[1])),
        case("name_constraints_unreadable", |m| m.ca.set(Extension::critical(id::NAME_CONSTRAINTS, seq(&[&TRUE])))),
        case("trailing_bytes", |m| m.leaf.change = Some(|der| [der, vec![0]].concat())),
        case("ca_trailing_bytes", |m| m.ca.change = Some(|der| [der, vec![0]].concat())),
        case("cut", |m| {
            m.leaf.change = Some(|mut der| {
                der.truncate(der.len() - 1);
                der
            });
        }),
        case("long_length", |m| {
            // The outer length in three octets where two are enough.
            m.leaf.change = Some(|der| [&[0x30, 0x83, 0][..], &der[2..]].concat());
        }),
        case("indefinite_length", |m| m.leaf.change = Some(|der| [&[0x30, 0x80], &der[4..], &[0, 0]].concat())),
        case("signature_non_minimal", |m| {
            // ECDSA-Sig-Value's SEQUENCE length in long form: not DER, and what the signature covers stays the same.
            m.leaf.change = Some(|der| {
                let at = signature_at(&der);
                let signature = &der[at + 3..];
                let longer = [&[0x30, 0x81, signature[1]], &signature[2..]].concat();
                let inner_from = 4;
                seq(&[&der[inner_from..at], &crate::views::der::bits(&longer)])
            });
        }),
        case("oid_padded", |m| {
            m.leaf.set(Extension::plain(id::UNKNOWN, vec![5, 0]));
            m.leaf.change = Some(|der| patched(der, &[0x82, 0xa4, 0x64], &[0x80, 0x80, 0x64]));
        }),
        case("constructed_octet_string", |m| m.leaf.set(Extension::plain(id::UNKNOWN, vec![0x24, 0x80, 0, 0]))),
    ]
}
