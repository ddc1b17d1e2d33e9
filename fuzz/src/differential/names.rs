//! The names that cases are made of: few, so that they meet.

use super::blueprint::{common_name, name};
use super::der::{SEQUENCE, element, list};

pub(super) const WORKLOAD: &str = "spiffe://mesh.example/ns/shop/sa/cart";

/// subjectAltName entries, encoded. An index of the table is the argument of an edit: new ones go to the end.
pub(super) fn alt_name(index: u8) -> Vec<u8> {
    let dns = |text: &str| element(0x82, text.as_bytes());
    let uri = |text: &str| element(0x86, text.as_bytes());
    let email = |text: &str| element(0x81, text.as_bytes());
    match index % 28 {
        0 => dns("a.mesh.example"),
        1 => dns("mesh.example"),
        2 => dns("A.Mesh.Example"),
        3 => dns("*.mesh.example"),
        4 => dns("other.example"),
        5 => dns("a.mesh.example."),
        6 => dns("-a.mesh.example"),
        7 => dns(""),
        8 => uri(WORKLOAD),
        9 => uri("spiffe://west.mesh.example/w"),
        10 => uri("https://a.mesh.example:8443/x?y#z"),
        11 => uri("https://user@mesh.example/"),
        12 => uri("urn:uuid:1"),
        13 => uri("https://192.0.2.7/"),
        14 => uri("https://[2001:db8::7]/"),
        15 => element(0x87, &[192, 0, 2, 7]),
        16 => element(0x87, &[10, 1, 2, 3]),
        17 => element(0x87, &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]),
        18 => element(0x87, &[192, 0, 2]),
        19 => email("a@mesh.example"),
        20 => email("A@MESH.example"),
        21 => email("\"b@c\"@other.example"),
        22 => email("nobody"),
        23 => list(0xa4, &[common_name("cart")]),
        24 => list(0xa4, &[name(&[(10, 0x0c, "Mesh"), (3, 0x0c, "cart")])]),
        25 => element(0x88, &[0x2a, 3, 4]),
        26 => list(0xa0, &[element(6, &[0x2a, 3, 4]), list(0xa0, &[element(0x0c, b"x")])]),
        _ => dns("xn--nxasmq6b.mesh.example"),
    }
}

/// The base of a name constraint, encoded.
pub(super) fn base(index: u8) -> Vec<u8> {
    let dns = |text: &str| element(0x82, text.as_bytes());
    let uri = |text: &str| element(0x86, text.as_bytes());
    let email = |text: &str| element(0x81, text.as_bytes());
    match index % 30 {
        0 => dns("mesh.example"),
        1 => dns("a.mesh.example"),
        2 => dns(".mesh.example"),
        3 => dns("other.example"),
        4 => dns(""),
        5 => dns("MESH.EXAMPLE"),
        6 => dns("*.mesh.example"),
        7 => uri("mesh.example"),
        8 => uri(".mesh.example"),
        9 => uri("other.example"),
        10 => uri("https://mesh.example"),
        11 => uri(""),
        12 => element(0x87, &[192, 0, 2, 0, 255, 255, 255, 0]),
        13 => element(0x87, &[10, 0, 0, 0, 255, 0, 0, 0]),
        14 => element(0x87, &[0; 8]),
        15 => element(0x87, &[192, 0, 2, 0, 255, 0, 255, 0]),
        16 => element(0x87, &[[0x20, 1, 0x0d, 0xb8], [0; 4], [0; 4], [0; 4], [255; 4], [0; 4], [0; 4], [0; 4]].concat()),
        17 => element(0x87, &[192, 0, 2, 0]),
        18 => email("mesh.example"),
        19 => email(".mesh.example"),
        20 => email("a@mesh.example"),
        21 => email("other.example"),
        22 => list(0xa4, &[name(&[(10, 0x0c, "Mesh")])]),
        23 => list(0xa4, &[common_name("cart")]),
        24 => list(0xa4, &[common_name("")]),
        25 => list(0xa4, &[name(&[(10, 0x13, "mesh")])]),
        26 => element(0x88, &[0x2a, 3, 4]),
        27 => list(0xa0, &[element(6, &[0x2a, 3, 4]), list(0xa0, &[element(0x0c, b"x")])]),
        28 => dns("example"),
        _ => email(""),
    }
}

/// nameConstraints of permitted and excluded subtrees.
pub(super) fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let subtrees = |tag, bases: &[Vec<u8>]| match bases {
        [] => Vec::new(),
        _ => list(tag, &bases.iter().map(|base| element(SEQUENCE, base)).collect::<Vec<_>>()),
    };
    list(SEQUENCE, &[subtrees(0xa0, permitted), subtrees(0xa1, excluded)])
}

/// Subjects that mean trouble: empty, equal to another but for its encoding, with a host for a common name.
pub(super) fn subject(index: u8) -> Vec<u8> {
    match index % 9 {
        0 => common_name(""),
        1 => common_name("root"),
        2 => common_name("ca 1"),
        3 => common_name("CA 1"),
        4 => name(&[(3, 0x13, "ca 1")]),
        5 => common_name("a.mesh.example"),
        6 => name(&[(10, 0x0c, "Mesh"), (3, 0x0c, "cart")]),
        7 => name(&[(10, 0x0c, "Mesh"), (10, 0x0c, "Mesh"), (3, 0x0c, "ca  1")]),
        _ => common_name("other.example"),
    }
}
