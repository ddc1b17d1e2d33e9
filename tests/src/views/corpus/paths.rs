//! What stands in the chain, and where.

use crate::views::Case;
use crate::views::case::Mesh;
use crate::views::cert::{Spec, id};
use crate::views::der::utc;

/// A straight chain with `n` CAs between the leaf and the root.
fn deep(n: usize) -> Case {
    let mesh = Mesh::good();
    let mut chain = vec![];
    let mut above = mesh.root.clone();
    for level in 1..n {
        let ca = Spec::ca(&format!("CA level {level}"), "level");
        chain.insert(0, ca.signed_by(&above));
        above = ca;
    }
    chain.insert(0, mesh.ca.signed_by(&above));
    chain.insert(0, mesh.leaf_der());
    mesh.presenting(&format!("path.intermediates_{n:03}"), chain)
}

/// The right CA, after `n` others with its name and without key identifiers.
fn decoys(n: usize) -> Case {
    let mut mesh = Mesh::good();
    mesh.leaf.remove(id::AKI);
    mesh.ca.remove(id::SKI);
    let mut chain = vec![mesh.leaf_der()];
    for _ in 0..n {
        let mut decoy = mesh.ca.clone();
        decoy.serial = vec![0x41, (chain.len() >> 7) as u8 & 0x7f, chain.len() as u8 & 0x7f];
        decoy.key = crate::views::keys::Key::p256(&format!("decoy {}", chain.len() % 4));
        chain.push(decoy.signed_by(&mesh.root));
    }
    chain.push(mesh.ca_der());
    mesh.presenting(&format!("path.same_name_decoys_{n:03}"), chain)
}

fn presenting(name: &str, arrange: impl FnOnce(&mut Mesh) -> Vec<Vec<u8>>) -> Case {
    let mut mesh = Mesh::good();
    let chain = arrange(&mut mesh);
    mesh.presenting(&format!("path.{name}"), chain)
}

fn trusting(name: &str, anchors: impl FnOnce(&Mesh) -> Vec<Vec<u8>>, chain: impl FnOnce(&Mesh) -> Vec<Vec<u8>>) -> Case {
    let mesh = Mesh::good();
    let mut case = mesh.presenting(&format!("path.{name}"), chain(&mesh));
    case.anchors = anchors(&mesh);
    case
}

fn other_root() -> Spec {
    let mut root = Spec::root();
    root.with_key(crate::views::keys::Key::p256("other root"));
    root
}

pub(super) fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = [5, 6, 7, 8, 10, 14, 15, 16, 20, 99, 100, 101].map(deep).into();
    all.extend([1, 5, 30, 63, 64, 65, 99, 100, 101, 150].map(decoys));
    all.extend([
        presenting("leaf_only", |m| vec![m.leaf_der()]),
        presenting("root_included", |m| vec![m.leaf_der(), m.ca_der(), m.root_der()]),
        presenting("ca_twice", |m| vec![m.leaf_der(), m.ca_der(), m.ca_der()]),
        presenting("unrelated_included", |m| {
            let mut other = Spec::root();
            other.subject = crate::views::der::name(&[("CN", "unrelated")]);
            other.with_key(crate::views::keys::Key::p256("unrelated"));
            vec![m.leaf_der(), m.ca_der(), other.signed_by(&other)]
        }),
        presenting("unreadable_included", |m| vec![m.leaf_der(), m.ca_der(), vec![0x30, 0x03, 0x02, 0x01, 0x01]]),
        presenting("wrong_order", |m| {
            let above = Spec::ca("CA above", "above");
            vec![m.leaf_der(), above.signed_by(&m.root), m.ca.signed_by(&above)]
        }),
        presenting("leaf_last", |m| {
            let chain = vec![m.ca_der(), m.leaf_der()];
            m.leaf.key = m.ca.key;
            chain
        }),
        presenting("missing_upper_ca", |m| {
            let above = Spec::ca("CA above", "above");
            vec![m.leaf_der(), m.ca.signed_by(&above)]
        }),
        presenting("signed_by_the_root", |m| vec![m.leaf.signed_by(&m.root)]),
        presenting("ca_as_leaf", |m| {
            m.leaf.key = m.ca.key;
            vec![m.ca_der()]
        }),
        presenting("self_signed_leaf", |m| {
            m.leaf.subject = crate::views::der::name(&[("CN", "myself")]);
            vec![m.leaf.signed_by(&m.leaf)]
        }),
        presenting("signed_by_a_leaf", |m| {
            let mut below = Spec::leaf();
            m.leaf.subject = crate::views::der::name(&[("CN", "not a CA")]);
            below.with_key(crate::views::keys::Key::p256("below"));
            let chain = vec![below.signed_by(&m.leaf), m.leaf_der(), m.ca_der()];
            m.leaf.key = below.key;
            chain
        }),
        trusting("other_root", |_| vec![other_root().signed_by(&other_root())], |m| vec![m.leaf_der(), m.ca_der()]),
        trusting("same_name_roots", |m| vec![other_root().signed_by(&other_root()), m.root_der()], |m| vec![m.leaf_der(), m.ca_der()]),
        trusting(
            "same_name_roots_without_hints",
            |m| {
                let mut other = other_root();
                other.remove(id::SKI);
                let mut root = m.root.clone();
                root.remove(id::SKI);
                vec![other.signed_by(&other), root.signed_by(&root)]
            },
            |m| {
                let mut ca = m.ca.clone();
                ca.remove(id::AKI);
                vec![m.leaf_der(), ca.signed_by(&m.root)]
            },
        ),
        trusting("expired_twin_root_first", |m| vec![expired(m), m.root_der()], |m| vec![m.leaf_der(), m.ca_der()]),
        trusting("ca_is_the_anchor", |m| vec![m.ca_der()], |m| vec![m.leaf_der()]),
        trusting("ca_is_the_anchor_and_sent", |m| vec![m.ca_der()], |m| vec![m.leaf_der(), m.ca_der()]),
        trusting("ca_and_root_are_anchors", |m| vec![m.ca_der(), m.root_der()], |m| vec![m.leaf_der(), m.ca_der()]),
        trusting("leaf_is_the_anchor", |m| vec![m.leaf_der()], |m| vec![m.leaf_der(), m.ca_der()]),
        trusting("self_signed_leaf_is_the_anchor", |_| vec![self_signed_leaf()], |_| vec![self_signed_leaf()]),
        presenting("cross_signed", |m| {
            // The CA twice: below a root nobody trusts, and below ours.
            let mut foreign = other_root();
            foreign.subject = crate::views::der::name(&[("CN", "foreign root")]);
            vec![m.leaf_der(), m.ca.signed_by(&foreign), m.ca_der()]
        }),
        presenting("expired_twin_ca_first", |m| {
            let mut old = m.ca.clone();
            old.not_after = utc("210101000000");
            old.serial = vec![0x33];
            vec![m.leaf_der(), old.signed_by(&m.root), m.ca_der()]
        }),
        presenting("constrained_twin_ca_first", |m| {
            let mut strict = m.ca.clone();
            strict.set(crate::views::cert::name_constraints(&[crate::views::cert::general_name('U', "other.example")], &[]));
            strict.serial = vec![0x34];
            vec![m.leaf_der(), strict.signed_by(&m.root), m.ca_der()]
        }),
        presenting("loop", |m| {
            // Two CAs that signed each other, neither below the root.
            let above = Spec::ca("CA above", "above");
            vec![m.leaf_der(), m.ca.signed_by(&above), above.signed_by(&m.ca)]
        }),
        presenting("loop_and_way_out", |m| {
            let above = Spec::ca("CA above", "above");
            vec![m.leaf_der(), m.ca.signed_by(&above), above.signed_by(&m.ca), above.signed_by(&m.root)]
        }),
        presenting("new_root_signed_by_the_old", |m| {
            // A root's link certificate: the new root's key and its own name, signed by the trusted one.
            let mut next = Spec::ca("Root 2", "root 2");
            next.serial = vec![0x35];
            vec![m.leaf_der(), m.ca.signed_by(&next), next.signed_by(&m.root)]
        }),
    ]);
    all
}

fn expired(mesh: &Mesh) -> Vec<u8> {
    let mut old = mesh.root.clone();
    old.not_after = utc("210101000000");
    old.serial = vec![0x32];
    old.signed_by(&old)
}

fn self_signed_leaf() -> Vec<u8> {
    let mut leaf = Spec::leaf();
    leaf.subject = crate::views::der::name(&[("CN", "myself")]);
    leaf.signed_by(&leaf)
}
