//! Extensions as such, versions, serial numbers, names, key identifiers.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::cert::{Extension, id};
use crate::views::der::{int, name, name_as, oid, seq, tlv};

pub(super) fn cases() -> Vec<Case> {
    let mut all = extensions();
    all.extend(versions_and_serials());
    all.extend(names());
    all.extend(identifiers());
    all
}

fn extensions() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("extension.{name}"), change);
    let again = |m: &mut Mesh, oid: &str| {
        let one = m.leaf.get(oid).clone();
        m.leaf.extensions.push(one);
    };
    vec![
        case("unknown_critical_in_leaf", |m| m.leaf.set(Extension::critical(id::UNKNOWN, vec![5, 0]))),
        case("unknown_critical_in_ca", |m| m.ca.set(Extension::critical(id::UNKNOWN, vec![5, 0]))),
        case("unknown_critical_in_root", |m| m.root.set(Extension::critical(id::UNKNOWN, vec![5, 0]))),
        case("unknown_in_leaf", |m| m.leaf.set(Extension::plain(id::UNKNOWN, vec![5, 0]))),
        with("extension.san_twice", |m| again(m, id::SAN)),
        with("extension.key_usage_twice", |m| again(m, id::KEY_USAGE)),
        with("extension.ski_twice", |m| again(m, id::SKI)),
        case("unknown_twice", |m| {
            for _ in 0..2 {
                m.leaf.extensions.push(Extension::plain(id::UNKNOWN, vec![5, 0]));
            }
        }),
        case("basic_constraints_twice_in_ca", |m| {
            let one = m.ca.get(id::BASIC).clone();
            m.ca.extensions.push(one);
        }),
        case("unknown_twice_in_root", |m| {
            for _ in 0..2 {
                m.root.extensions.push(Extension::plain(id::UNKNOWN, vec![5, 0]));
            }
        }),
        case("issuer_alt_name_critical", |m| m.leaf.set(Extension::critical(id::IAN, seq(&[&tlv(0x82, b"ca.example")])))),
        case("crl_distribution_points_critical", |m| {
            let point = seq(&[&tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://ca.example/crl")))]);
            m.leaf.set(Extension::critical(id::CRL_DP, seq(&[&point])));
        }),
        case("policies_critical", |m| m.leaf.set(Extension::critical(id::POLICIES, seq(&[&seq(&[&oid("1.2.3.4")])])))),
        case("policy_constraints_unmet", |m| {
            m.ca.set(Extension::critical(id::POLICY_CONSTRAINTS, seq(&[&tlv(0x80, &[0])])));
        }),
        case("policy_constraints_met", |m| {
            let policies = Extension::plain(id::POLICIES, seq(&[&seq(&[&oid("1.2.3.4")])]));
            m.ca.set(Extension::critical(id::POLICY_CONSTRAINTS, seq(&[&tlv(0x80, &[0])])));
            m.ca.set(policies.clone());
            m.leaf.set(policies);
        }),
        case("policy_mappings_critical", |m| {
            let mapping = seq(&[&oid("1.2.3.4"), &oid("1.2.3.5")]);
            m.ca.set(Extension::plain(id::POLICIES, seq(&[&seq(&[&oid("1.2.3.4")])])));
            m.ca.set(Extension::critical(id::POLICY_MAPPINGS, seq(&[&mapping])));
        }),
        case("inhibit_any_policy", |m| m.ca.set(Extension::critical(id::INHIBIT_ANY, int(&[0])))),
        case("ski_critical", |m| m.leaf.get(id::SKI).critical = crate::views::der::TRUE.to_vec()),
        case("aki_critical", |m| m.leaf.get(id::AKI).critical = crate::views::der::TRUE.to_vec()),
        case("ca_ski_critical", |m| m.ca.get(id::SKI).critical = crate::views::der::TRUE.to_vec()),
        case("ca_aki_critical", |m| m.ca.get(id::AKI).critical = crate::views::der::TRUE.to_vec()),
        case("empty_list", |m| {
            m.leaf.extensions.clear();
            m.leaf.unique_ids = tlv(0xa3, &tlv(0x30, &[]));
        }),
        case("many", |m| {
            m.leaf.set(Extension::plain(id::UNKNOWN, vec![0x41; 20_000]));
        }),
    ]
}

fn versions_and_serials() -> Vec<Case> {
    let version = |name: &str, change: fn(&mut Mesh)| with(&format!("version.{name}"), change);
    let serial = |name: &str, content: Vec<u8>| with(&format!("serial.{name}"), |m| m.leaf.serial = content);
    let high = [[0x80].as_slice(), &[1; 19]].concat();
    vec![
        version("ca_1", |m| {
            m.ca.version.clear();
            m.ca.extensions.clear();
            m.leaf.remove(id::AKI);
        }),
        version("root_1", |m| {
            m.root.version.clear();
            m.root.extensions.clear();
            m.ca.remove(id::AKI);
        }),
        version("leaf_1", |m| {
            m.leaf.version.clear();
            m.leaf.extensions.clear();
        }),
        version("leaf_1_with_extensions", |m| m.leaf.version.clear()),
        version("leaf_2_with_extensions", |m| m.leaf.version = tlv(0xa0, &int(&[1]))),
        version("leaf_3_without_extensions", |m| m.leaf.extensions.clear()),
        version("leaf_4", |m| m.leaf.version = tlv(0xa0, &int(&[3]))),
        version("leaf_1_spelled_out", |m| {
            m.leaf.version = tlv(0xa0, &int(&[0]));
            m.leaf.extensions.clear();
        }),
        version("ca_1_with_extensions", |m| m.ca.version.clear()),
        serial("zero", vec![0]),
        serial("negative", vec![0x80]),
        serial("20_octets", vec![0x7f; 20]),
        serial("20_octets_and_sign", [&[0], high.as_slice()].concat()),
        serial("21_octets", vec![0x7f; 21]),
        serial("leading_zero", vec![0, 1]),
        serial("empty", vec![]),
        with("serial.ca_zero", |m| m.ca.serial = vec![0]),
        with("serial.ca_negative", |m| m.ca.serial = vec![0x80]),
        with("serial.ca_21_octets", |m| m.ca.serial = vec![0x7f; 21]),
        with("serial.root_zero", |m| m.root.serial = vec![0]),
    ]
}

fn names() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("name.{name}"), change);
    vec![
        case("ca_subject_empty", |m| m.ca.subject = seq(&[])),
        case("root_subject_empty", |m| m.root.subject = seq(&[])),
        case("issuer_other_string_type", |m| m.leaf.issuer = Some(name_as(0x13, &[("O", "mesh.example"), ("CN", "CA west")]))),
        case("issuer_other_case", |m| m.leaf.issuer = Some(name(&[("O", "Mesh.Example"), ("CN", "CA west")]))),
        case("issuer_more_space", |m| m.leaf.issuer = Some(name(&[("O", "mesh.example"), ("CN", "CA  west")]))),
        case("issuer_other_order", |m| m.leaf.issuer = Some(name(&[("CN", "CA west"), ("O", "mesh.example")]))),
        case("leaf_organisation_of_no_length", |m| m.leaf.subject = name_as(0x13, &[("O", "")])),
        case("leaf_subject_is_the_cas", |m| m.leaf.subject = m.ca.subject.clone()),
        case("leaf_subject_printable_with_wrong_letters", |m| m.leaf.subject = name_as(0x13, &[("CN", "a@b_c*")])),
        case("leaf_subject_teletex", |m| m.leaf.subject = name_as(0x14, &[("CN", "cart")])),
        case("leaf_subject_utf8_wrong", |m| {
            m.leaf.subject = seq(&[&tlv(0x31, &seq(&[&oid("2.5.4.3"), &tlv(0x0c, &[0xff, 0xfe])]))]);
        }),
        case("leaf_subject_empty_rdn", |m| m.leaf.subject = seq(&[&tlv(0x31, &[])])),
        case("leaf_common_name_65", |m| m.leaf.subject = name(&[("CN", &"c".repeat(65))])),
        case("leaf_set_in_wrong_order", |m| {
            let [a, b] = ["2.5.4.3", "2.5.4.10"].map(|kind| seq(&[&oid(kind), &tlv(0x0c, b"x")]));
            m.leaf.subject = seq(&[&tlv(0x31, &[b, a].concat())]);
        }),
    ]
}

fn identifiers() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("key_id.{name}"), change);
    vec![
        case("leaf_without_aki", |m| m.leaf.remove(id::AKI)),
        case("leaf_aki_wrong", |m| m.leaf.get(id::AKI).value = seq(&[&tlv(0x80, &[1; 20])])),
        case("ca_aki_wrong", |m| m.ca.get(id::AKI).value = seq(&[&tlv(0x80, &[1; 20])])),
        case("leaf_aki_wrong_serial", |m| {
            let issuer = tlv(0xa1, &tlv(0xa4, &m.root.subject));
            m.leaf.get(id::AKI).value = seq(&[&tlv(0x80, &m.ca.key.identifier()), &issuer, &tlv(0x82, &[9])]);
        }),
        case("leaf_aki_serial", |m| {
            let issuer = tlv(0xa1, &tlv(0xa4, &m.root.subject));
            m.leaf.get(id::AKI).value = seq(&[&issuer, &tlv(0x82, &m.ca.serial)]);
        }),
        case("leaf_aki_empty", |m| m.leaf.get(id::AKI).value = seq(&[])),
        case("leaf_aki_unreadable", |m| m.leaf.get(id::AKI).value = vec![4, 0x7f]),
        case("leaf_without_ski", |m| m.leaf.remove(id::SKI)),
        case("leaf_ski_unreadable", |m| m.leaf.get(id::SKI).value = vec![4, 0x7f]),
        case("ca_without_ski", |m| m.ca.remove(id::SKI)),
        case("ca_without_aki", |m| m.ca.remove(id::AKI)),
        case("root_without_ski", |m| m.root.remove(id::SKI)),
        case("root_with_aki", |m| m.root.set(Extension::plain(id::AKI, vec![]))),
    ]
}
