//! Name constraints.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::cert::{directory_name, general_name, id, ip_name, name_constraints, san, uris};
use crate::views::der::{name, seq, tlv};

/// The cluster CA is constrained to (or against) one URI host; the leaf has this SPIFFE ID.
fn uri(case: &str, permitted: Option<&str>, excluded: Option<&str>, leaf: &str) -> Case {
    with(&format!("uri_constraint.{case}"), |mesh| {
        let list = |host: Option<&str>| host.map(|host| general_name('U', host)).into_iter().collect::<Vec<_>>();
        mesh.ca.set(name_constraints(&list(permitted), &list(excluded)));
        mesh.leaf.set(uris(&[leaf]));
        leaf.trim_start_matches("spiffe://").split('/').next().unwrap().clone_into(&mut mesh.trust_domain);
    })
}

fn constrained(case: &str, change: impl FnOnce(&mut Mesh)) -> Case {
    with(&format!("name_constraint.{case}"), change)
}

pub(super) fn cases() -> Vec<Case> {
    let (own, west) = ("spiffe://mesh.example/w", "spiffe://west.mesh.example/w");
    let dns = |text| general_name('D', text);
    let url = |text| general_name('U', text);
    let mail = |text| general_name('E', text);
    let directory = |parts: &[(&str, &str)]| directory_name(&name(parts));
    let subject = |mesh: &mut Mesh| mesh.leaf.subject = name(&[("O", "mesh.example"), ("CN", "cart")]);
    vec![
        uri("exact", Some("mesh.example"), None, own),
        uri("sub_domain", Some("mesh.example"), None, west),
        uri("dotted", Some(".mesh.example"), None, west),
        uri("dotted_deep", Some(".mesh.example"), None, "spiffe://a.west.mesh.example/w"),
        uri("dotted_itself", Some(".mesh.example"), None, own),
        uri("other", Some("other.example"), None, own),
        uri("excluded", None, Some("mesh.example"), own),
        uri("excluded_sub_domain", None, Some("mesh.example"), west),
        uri("excluded_dotted", None, Some(".mesh.example"), west),
        uri("excluded_other", None, Some("other.example"), own),
        uri("excluded_ip", None, Some("192.0.2.9"), own),
        uri("upper_case", Some("Mesh.Example"), None, own),
        uri("full_uri", Some("spiffe://mesh.example"), None, own),
        uri("empty", Some(""), None, own),
        uri("dot", Some("."), None, own),
        uri("ip_trust_domain", Some("192.0.2.1"), None, "spiffe://192.0.2.1/w"),
        uri("ip_trust_domain_other", Some("mesh.example"), None, "spiffe://192.0.2.1/w"),
        uri("ip_trust_domain_excluded_other", None, Some("other.example"), "spiffe://192.0.2.1/w"),
        uri("underscore", Some("my_mesh"), None, "spiffe://my_mesh/w"),
        uri("single_label", Some("mesh"), None, "spiffe://mesh/w"),
        with("uri_constraint.on_root", |mesh| mesh.root.set(name_constraints(&[url("mesh.example")], &[]))),
        with("uri_constraint.on_root_other", |mesh| mesh.root.set(name_constraints(&[url("other.example")], &[]))),
        with("uri_constraint.not_critical", |mesh| {
            mesh.ca.set(name_constraints(&[url("other.example")], &[]));
            mesh.ca.get(id::NAME_CONSTRAINTS).critical.clear();
        }),
        with("uri_constraint.no_uri_in_leaf", |mesh| {
            mesh.ca.set(name_constraints(&[url("other.example")], &[]));
            mesh.leaf.set(san(&[dns("cart.mesh.example")]));
        }),
        with("uri_constraint.ca_has_other", |mesh| {
            mesh.root.set(name_constraints(&[url("mesh.example")], &[]));
            mesh.ca.set(uris(&["spiffe://other.example"]));
            mesh.ca.get(id::SAN).critical.clear();
        }),
        constrained("dns", |mesh| {
            mesh.ca.set(name_constraints(&[dns("mesh.example")], &[]));
            mesh.leaf.set(san(&[dns("cart.mesh.example"), url(own)]));
        }),
        constrained("dns_other", |mesh| {
            mesh.ca.set(name_constraints(&[dns("other.example")], &[]));
            mesh.leaf.set(san(&[dns("cart.mesh.example"), url(own)]));
        }),
        constrained("dns_none_in_leaf", |mesh| mesh.ca.set(name_constraints(&[dns("other.example")], &[]))),
        constrained("dns_leading_dot", |mesh| {
            mesh.ca.set(name_constraints(&[dns(".mesh.example")], &[]));
            mesh.leaf.set(san(&[dns("cart.mesh.example"), url(own)]));
        }),
        constrained("dns_leading_dot_itself", |mesh| {
            mesh.ca.set(name_constraints(&[dns(".mesh.example")], &[]));
            mesh.leaf.set(san(&[dns("mesh.example"), url(own)]));
        }),
        constrained("dns_wildcard_leaf", |mesh| {
            mesh.ca.set(name_constraints(&[dns("mesh.example")], &[]));
            mesh.leaf.set(san(&[dns("*.mesh.example"), url(own)]));
        }),
        constrained("dns_wildcard_excluded", |mesh| {
            mesh.ca.set(name_constraints(&[], &[dns("cart.mesh.example")]));
            mesh.leaf.set(san(&[dns("*.mesh.example"), url(own)]));
        }),
        constrained("dns_common_name_only", |mesh| {
            mesh.ca.set(name_constraints(&[dns("other.example")], &[]));
            mesh.leaf.subject = name(&[("CN", "cart.mesh.example")]);
        }),
        constrained("dns_common_name_no_san", |mesh| {
            mesh.ca.set(name_constraints(&[dns("other.example")], &[]));
            mesh.leaf.subject = name(&[("CN", "cart.mesh.example")]);
            mesh.leaf.remove(id::SAN);
        }),
        constrained("ip", |mesh| {
            mesh.ca.set(name_constraints(&[ip_name(&[10, 0, 0, 0, 255, 0, 0, 0])], &[]));
            mesh.leaf.set(san(&[ip_name(&[10, 1, 2, 3]), url(own)]));
        }),
        constrained("ip_other", |mesh| {
            mesh.ca.set(name_constraints(&[ip_name(&[10, 0, 0, 0, 255, 0, 0, 0])], &[]));
            mesh.leaf.set(san(&[ip_name(&[192, 0, 2, 1]), url(own)]));
        }),
        constrained("ip_mask_with_holes", |mesh| {
            mesh.ca.set(name_constraints(&[ip_name(&[10, 0, 0, 0, 255, 0, 255, 0])], &[]));
            mesh.leaf.set(san(&[ip_name(&[10, 1, 0, 3]), url(own)]));
        }),
        constrained("ip_version_6_in_leaf", |mesh| {
            mesh.ca.set(name_constraints(&[ip_name(&[10, 0, 0, 0, 255, 0, 0, 0])], &[]));
            mesh.leaf.set(san(&[ip_name(&[0; 16]), url(own)]));
        }),
        constrained("mail", |mesh| {
            mesh.ca.set(name_constraints(&[mail("mesh.example")], &[]));
            mesh.leaf.set(san(&[mail("cart@mesh.example"), url(own)]));
        }),
        constrained("mail_other", |mesh| {
            mesh.ca.set(name_constraints(&[mail("other.example")], &[]));
            mesh.leaf.set(san(&[mail("cart@mesh.example"), url(own)]));
        }),
        constrained("directory", |mesh| {
            mesh.ca.set(name_constraints(&[directory(&[("O", "mesh.example")])], &[]));
            subject(mesh);
        }),
        constrained("directory_other", |mesh| {
            mesh.ca.set(name_constraints(&[directory(&[("O", "other.example")])], &[]));
            subject(mesh);
        }),
        constrained("directory_empty_subject", |mesh| mesh.ca.set(name_constraints(&[directory(&[("O", "other.example")])], &[]))),
        constrained("directory_excluded", |mesh| {
            mesh.ca.set(name_constraints(&[], &[directory(&[("O", "mesh.example")])]));
            subject(mesh);
        }),
        constrained("directory_excluded_other", |mesh| {
            mesh.ca.set(name_constraints(&[], &[directory(&[("O", "other.example")])]));
            subject(mesh);
        }),
        constrained("directory_on_root", |mesh| {
            mesh.root.set(name_constraints(&[directory(&[("O", "mesh.example")])], &[]));
        }),
        constrained("registered_id", |mesh| mesh.ca.set(name_constraints(&[tlv(0x88, &[0x2a, 3, 4])], &[]))),
        constrained("other_name", |mesh| {
            let other = tlv(0xa0, &[crate::views::der::oid("1.2.3.4"), tlv(0xa0, &tlv(0x0c, b"x"))].concat());
            mesh.ca.set(name_constraints(&[other], &[]));
        }),
        constrained("minimum", |mesh| {
            let subtree = seq(&[&dns("mesh.example"), &tlv(0x80, &[1])]);
            mesh.ca.set(name_constraints(&[], &[]));
            mesh.ca.get(id::NAME_CONSTRAINTS).value = seq(&[&tlv(0xa0, &subtree)]);
            mesh.leaf.set(san(&[dns("cart.mesh.example"), url(own)]));
        }),
        constrained("nothing_in_it", |mesh| mesh.ca.set(name_constraints(&[], &[]))),
        constrained("in_leaf", |mesh| mesh.leaf.set(name_constraints(&[url("mesh.example")], &[]))),
    ]
}
