//! SPIFFE IDs, and where they stand.

use crate::views::Case;
use crate::views::case::{Mesh, with};
use crate::views::cert::{Extension, general_name, id, san, uris};
use crate::views::der::{name, seq, tlv};

pub(super) fn cases() -> Vec<Case> {
    let long = |n: usize| format!("spiffe://mesh.example/{}", "a".repeat(n - "spiffe://mesh.example/".len()));
    let label = format!("spiffe://{}.example/w", "l".repeat(64));
    let domain = |n: usize| format!("spiffe://{}/w", "abcdefghi.".repeat(30).chars().take(n - 1).chain(['x']).collect::<String>());
    let odd: Vec<(&str, String)> = [
        ("scheme_upper_case", "SPIFFE://mesh.example/w"),
        ("trust_domain_upper_case", "spiffe://Mesh.Example/w"),
        ("no_path", "spiffe://mesh.example"),
        ("slash_only", "spiffe://mesh.example/"),
        ("trailing_slash", "spiffe://mesh.example/w/"),
        ("empty_segment", "spiffe://mesh.example//w"),
        ("dot_segment", "spiffe://mesh.example/./w"),
        ("dot_dot_segment", "spiffe://mesh.example/../w"),
        ("query", "spiffe://mesh.example/w?q"),
        ("empty_query", "spiffe://mesh.example/w?"),
        ("fragment", "spiffe://mesh.example/w#f"),
        ("userinfo", "spiffe://u@mesh.example/w"),
        ("port", "spiffe://mesh.example:80/w"),
        ("empty_port", "spiffe://mesh.example:/w"),
        ("percent_in_path", "spiffe://mesh.example/%77"),
        ("percent_in_trust_domain", "spiffe://mesh%2eexample/w"),
        ("path_with_tilde", "spiffe://mesh.example/~w"),
        ("path_with_space", "spiffe://mesh.example/w w"),
        ("trust_domain_underscore", "spiffe://my_mesh.example/w"),
        ("trust_domain_ip_version_4", "spiffe://192.0.2.1/w"),
        ("trust_domain_ip_version_6", "spiffe://[2001:db8::1]/w"),
        ("trust_domain_leading_dot", "spiffe://.mesh.example/w"),
        ("trust_domain_trailing_dot", "spiffe://mesh.example./w"),
        ("trust_domain_empty_label", "spiffe://mesh..example/w"),
        ("trust_domain_leading_hyphen", "spiffe://-mesh.example/w"),
        ("trust_domain_empty", "spiffe:///w"),
        ("no_scheme", "mesh.example/w"),
        ("no_authority", "spiffe:w"),
        ("https", "https://mesh.example/w"),
        ("empty", ""),
    ]
    .into_iter()
    .map(|(case, uri)| (case, uri.to_owned()))
    .chain([
        ("trust_domain_label_64", label),
        ("trust_domain_255", domain(255)),
        ("trust_domain_256", domain(256)),
        ("length_2048", long(2048)),
        ("length_2049", long(2049)),
    ])
    .collect();
    let mut all: Vec<Case> = odd
        .iter()
        .map(|(case, uri)| {
            with(&format!("spiffe_id.{case}"), |mesh| {
                mesh.leaf.set(uris(&[uri]));
                let domain = uri.strip_prefix("spiffe://").and_then(|rest| rest.split('/').next()).unwrap_or("mesh.example");
                domain.trim_start_matches("u@").split(':').next().unwrap_or_default().clone_into(&mut mesh.trust_domain);
                if mesh.trust_domain.is_empty() || mesh.trust_domain.starts_with('[') {
                    "mesh.example".clone_into(&mut mesh.trust_domain);
                }
            })
        })
        .collect();
    let case = |name: &str, change: fn(&mut Mesh)| with(&format!("san.{name}"), change);
    let own = "spiffe://mesh.example/w";
    all.extend([
        with("spiffe_id.not_ascii", |m| m.leaf.set(san(&[tlv(0x86, b"spiffe://mesh.example/w\xe9")]))),
        with("spiffe_id.nul", |m| m.leaf.set(san(&[tlv(0x86, b"spiffe://mesh.example/w\0x")]))),
        with("spiffe_id.of_another_trust_domain", |m| {
            m.leaf.set(uris(&["spiffe://other.example/w"]));
        }),
        case("two_spiffe_ids", |m| m.leaf.set(uris(&["spiffe://mesh.example/w", "spiffe://mesh.example/x"]))),
        case("same_spiffe_id_twice", |m| m.leaf.set(uris(&["spiffe://mesh.example/w", "spiffe://mesh.example/w"]))),
        case("spiffe_and_https", |m| m.leaf.set(uris(&["spiffe://mesh.example/w", "https://mesh.example/"]))),
        with("san.with_dns", |m| m.leaf.set(san(&[general_name('U', own), general_name('D', "cart.mesh.example")]))),
        case("dns_only", |m| m.leaf.set(san(&[general_name('D', "cart.mesh.example")]))),
        case("missing", |m| m.leaf.remove(id::SAN)),
        case("missing_with_subject", |m| {
            m.leaf.remove(id::SAN);
            m.leaf.subject = name(&[("CN", "cart")]);
        }),
        case("empty", |m| m.leaf.set(san(&[]))),
        case("not_critical_empty_subject", |m| m.leaf.get(id::SAN).critical.clear()),
        case("not_critical_with_subject", |m| {
            m.leaf.get(id::SAN).critical.clear();
            m.leaf.subject = name(&[("CN", "cart")]);
        }),
        case("critical_with_subject", |m| m.leaf.subject = name(&[("CN", "cart")])),
        case("dns_with_underscore", |m| m.leaf.set(san(&[general_name('D', "my_cart.mesh.example"), general_name('U', "spiffe://mesh.example/w")]))),
        case("dns_malformed", |m| m.leaf.set(san(&[general_name('D', "cart mesh"), general_name('U', "spiffe://mesh.example/w")]))),
        case("ip_of_5_octets", |m| m.leaf.set(san(&[tlv(0x87, &[1; 5]), general_name('U', "spiffe://mesh.example/w")]))),
        case("other_name", |m| {
            let other = tlv(0xa0, &[crate::views::der::oid("1.2.3.4"), tlv(0xa0, &tlv(0x0c, b"x"))].concat());
            m.leaf.set(san(&[other, general_name('U', "spiffe://mesh.example/w")]));
        }),
        case("unreadable", |m| m.leaf.set(Extension::critical(id::SAN, seq(&[&[0x86, 0x7f, 0x41]])))),
        case("unknown_kind", |m| m.leaf.set(san(&[tlv(0x89, b"x"), general_name('U', "spiffe://mesh.example/w")]))),
        case("ca_with_path", |m| {
            m.ca.set(uris(&["spiffe://mesh.example/ca"]));
            m.ca.get(id::SAN).critical.clear();
        }),
        case("ca_with_trust_domain", |m| {
            m.ca.set(uris(&["spiffe://mesh.example"]));
            m.ca.get(id::SAN).critical.clear();
        }),
        case("ca_with_two_uris", |m| {
            m.ca.set(uris(&["spiffe://mesh.example", "spiffe://other.example"]));
            m.ca.get(id::SAN).critical.clear();
        }),
        case("ca_with_go_unreadable_uri", |m| {
            m.ca.set(uris(&["spiffe://mesh..example"]));
            m.ca.get(id::SAN).critical.clear();
        }),
    ]);
    all
}
