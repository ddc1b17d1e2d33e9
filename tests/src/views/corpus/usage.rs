//! basicConstraints, keyUsage, extKeyUsage.

use crate::views::case::{Mesh, with};
use crate::views::cert::{
    ANY, CLIENT, CODE, CRL_SIGN, DIGITAL_SIGNATURE, Extension, KEY_AGREEMENT, KEY_CERT_SIGN, KEY_ENCIPHERMENT, SERVER, Spec, ca, eku, id, key_usage,
    not_ca,
};
use crate::views::der::{TRUE, int, seq, tlv};
use crate::views::{Case, Role};

pub(super) fn cases() -> Vec<Case> {
    let mut all = key_usages();
    all.extend(basic_constraints());
    all.extend(purposes());
    all
}

fn key_usages() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("key_usage.{name}"), change);
    vec![
        case("leaf_without", |m| m.leaf.remove(id::KEY_USAGE)),
        case("leaf_not_critical", |m| m.leaf.get(id::KEY_USAGE).critical.clear()),
        case("leaf_agreement_only", |m| m.leaf.set(key_usage(KEY_AGREEMENT))),
        case("leaf_encipherment_only", |m| m.leaf.set(key_usage(KEY_ENCIPHERMENT))),
        with("key_usage.leaf_encipherment_only_as_server", |m| {
            m.leaf.set(key_usage(KEY_ENCIPHERMENT));
            m.role = Role::Server;
        }),
        case("leaf_signature_and_encipherment", |m| m.leaf.set(key_usage(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT))),
        case("leaf_cert_sign", |m| m.leaf.set(key_usage(DIGITAL_SIGNATURE | KEY_CERT_SIGN))),
        case("leaf_crl_sign", |m| m.leaf.set(key_usage(DIGITAL_SIGNATURE | CRL_SIGN))),
        case("leaf_no_bits", |m| m.leaf.set(key_usage(0))),
        case("ca_without", |m| m.ca.remove(id::KEY_USAGE)),
        case("ca_not_critical", |m| m.ca.get(id::KEY_USAGE).critical.clear()),
        case("ca_without_cert_sign", |m| m.ca.set(key_usage(CRL_SIGN))),
        case("ca_without_crl_sign", |m| m.ca.set(key_usage(KEY_CERT_SIGN))),
        case("ca_no_bits", |m| m.ca.set(key_usage(0))),
        case("root_without", |m| m.root.remove(id::KEY_USAGE)),
        case("root_without_cert_sign", |m| m.root.set(key_usage(CRL_SIGN))),
    ]
}

fn basic_constraints() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("basic_constraints.{name}"), change);
    let sub_ca = |name: &str, root: Option<u8>, top: Option<u8>, top_self_issued: bool| {
        let mut mesh = Mesh::good();
        mesh.root.set(ca(root));
        let mut above = Spec::ca("CA above", "above");
        above.set(ca(top));
        if top_self_issued {
            above.subject.clone_from(&mesh.root.subject);
        }
        let chain = vec![mesh.leaf_der(), mesh.ca.signed_by(&above), above.signed_by(&mesh.root)];
        mesh.presenting(&format!("basic_constraints.{name}"), chain)
    };
    vec![
        case("leaf_without", |m| m.leaf.remove(id::BASIC)),
        case("leaf_not_critical", |m| m.leaf.get(id::BASIC).critical.clear()),
        case("leaf_is_ca", |m| m.leaf.set(ca(None))),
        case("leaf_is_ca_with_cert_sign", |m| {
            m.leaf.set(ca(None));
            m.leaf.set(key_usage(DIGITAL_SIGNATURE | KEY_CERT_SIGN));
        }),
        case("leaf_path_length", |m| m.leaf.set(Extension::critical(id::BASIC, seq(&[&int(&[0])])))),
        case("ca_without", |m| m.ca.remove(id::BASIC)),
        case("ca_not_critical", |m| m.ca.get(id::BASIC).critical.clear()),
        case("ca_false", |m| m.ca.set(not_ca())),
        case("root_without", |m| m.root.remove(id::BASIC)),
        case("root_false", |m| m.root.set(not_ca())),
        case("root_not_critical", |m| m.root.get(id::BASIC).critical.clear()),
        case("path_length_met", |m| m.root.set(ca(Some(1)))),
        case("path_length_negative", |m| m.ca.set(Extension::critical(id::BASIC, seq(&[&TRUE, &int(&[0xff])])))),
        case("path_length_huge", |m| m.ca.set(Extension::critical(id::BASIC, seq(&[&TRUE, &int(&[0x7f; 12])])))),
        case("ca_path_length_without_cert_sign_key_usage", |m| {
            m.ca.set(ca(Some(0)));
            m.ca.remove(id::KEY_USAGE);
        }),
        case("root_path_length_exceeded", |m| m.root.set(ca(Some(0)))),
        sub_ca("path_length_exceeded", None, Some(0), false),
        sub_ca("root_path_length_exceeded_by_two", Some(1), None, false),
        sub_ca("path_length_self_issued_is_free", Some(1), None, true),
    ]
}

fn purposes() -> Vec<Case> {
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("eku.{name}"), change);
    vec![
        case("leaf_without", |m| m.leaf.remove(id::EKU)),
        case("leaf_critical", |m| m.leaf.get(id::EKU).critical = TRUE.to_vec()),
        case("leaf_server_only_as_client", |m| m.leaf.set(eku(&[SERVER]))),
        case("leaf_client_only_as_client", |m| m.leaf.set(eku(&[CLIENT]))),
        case("leaf_any", |m| m.leaf.set(eku(&[ANY]))),
        case("leaf_any_and_code", |m| m.leaf.set(eku(&[CODE, ANY]))),
        case("leaf_neither", |m| m.leaf.set(eku(&[CODE]))),
        case("leaf_empty", |m| m.leaf.set(Extension::plain(id::EKU, tlv(0x30, &[])))),
        case("ca_both", |m| m.ca.set(eku(&[SERVER, CLIENT]))),
        case("ca_server_only", |m| m.ca.set(eku(&[SERVER]))),
        case("ca_client_only", |m| m.ca.set(eku(&[CLIENT]))),
        case("ca_any", |m| m.ca.set(eku(&[ANY]))),
        case("ca_neither", |m| m.ca.set(eku(&[CODE]))),
        case("root_server_only", |m| m.root.set(eku(&[SERVER]))),
        case("leaf_server_only_as_server", |m| {
            m.leaf.set(eku(&[SERVER]));
            m.role = Role::Server;
        }),
        case("leaf_client_only_as_server", |m| {
            m.leaf.set(eku(&[CLIENT]));
            m.role = Role::Server;
        }),
        case("ca_client_only_as_server", |m| {
            m.ca.set(eku(&[CLIENT]));
            m.role = Role::Server;
        }),
    ]
}
