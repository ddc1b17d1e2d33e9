//! Random PKIs: the search finds a path exactly where trying every sequence of certificates finds one.

use std::time::Duration;

use proptest::prelude::*;

use super::make::{DAY, key, name};
use super::*;

/// One CA certificate, as its maker knows it.
#[derive(Clone, Debug)]
struct Node {
    /// Name and key of the subject, name and key of whoever signed.
    subject: usize,
    key: usize,
    issuer: usize,
    signer: usize,
    expired: bool,
    is_ca: bool,
    path_len: Option<u8>,
    /// Below it only DNS names under this one.
    permits: Option<usize>,
    /// Key identifiers say something that is not so.
    misleads: bool,
    anchor: bool,
}

const NAMES: usize = 4;
const KEYS: usize = 4;
const HOSTS: [&str; 3] = ["example", "a.example", "b.example"];

fn node() -> impl Strategy<Value = Node> {
    let who = (0..NAMES, 0..KEYS, 0..NAMES, 0..KEYS);
    let faults = (prop::bool::weighted(0.1), prop::bool::weighted(0.9), prop::option::weighted(0.2, 0..3u8), prop::option::weighted(0.15, 0..3usize));
    (who, faults, prop::bool::weighted(0.2), prop::bool::weighted(0.15)).prop_map(
        |((subject, key, issuer, signer), (expired, is_ca, path_len, permits), misleads, anchor)| Node {
            subject,
            key,
            issuer,
            signer,
            expired,
            is_ca,
            path_len,
            permits,
            misleads,
            anchor,
        },
    )
}

fn key_name(index: usize) -> String {
    format!("graph key {index}")
}

impl Node {
    fn made(&self) -> Vec<u8> {
        let base = if self.is_ca { ca } else { leaf };
        let made = base("x", "y").with(|made| {
            made.subject = name(&format!("name {}", self.subject));
            made.issuer = name(&format!("name {}", self.issuer));
            made.spki = key(&key_name(self.key)).public_key().spki_der().to_vec();
            made.unset(crate::x509::extension::SUBJECT_ALT_NAME);
            if self.expired {
                made.validity.not_after = NOW.minus(Duration::from_secs(1));
            }
            if let (Some(most), true) = (self.path_len, self.is_ca) {
                made.path_len(most);
            }
            if let (Some(host), true) = (self.permits, self.is_ca) {
                made.constrain(&[(0x82, HOSTS[host].as_bytes())], &[]);
            }
            made.subject_key(&[u8::try_from(self.key).unwrap()]);
            made.authority_key(&[if self.misleads { 77 } else { u8::try_from(self.signer).unwrap() }]);
        });
        made.sign(&key_name(self.signer))
    }

    fn self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    fn signed(&self, subject: usize, signer: usize) -> bool {
        self.subject == subject && self.key == signer
    }
}

/// The leaf: whose name and key signed it, and which host it names.
type Leaf = (usize, usize, usize);

/// Whether some sequence of distinct certificates leads from the leaf to an anchor and keeps the rules, which are written
/// here a second time, from the anchor down.
fn brute_force(nodes: &[Node], leaf: Leaf, path: &mut Vec<usize>) -> bool {
    let (issuer, signer) = path.last().map_or((leaf.0, leaf.1), |top| (nodes[*top].issuer, nodes[*top].signer));
    if path.last().is_some_and(|top| nodes[*top].anchor) {
        return keeps_the_rules(nodes, leaf, path);
    }
    (0..nodes.len()).any(|next| {
        if path.contains(&next) || !nodes[next].signed(issuer, signer) {
            return false;
        }
        path.push(next);
        let found = brute_force(nodes, leaf, path);
        path.pop();
        found
    })
}

fn keeps_the_rules(nodes: &[Node], leaf: Leaf, path: &[usize]) -> bool {
    let covers = |host: usize| HOSTS[leaf.2] == HOSTS[host] || HOSTS[leaf.2].ends_with(&format!(".{}", HOSTS[host]));
    path.iter().enumerate().all(|(height, index)| {
        let node = &nodes[*index];
        let below = path[..height].iter().filter(|index| !nodes[**index].self_issued()).count();
        !node.expired && node.is_ca && node.path_len.is_none_or(|most| below <= usize::from(most)) && node.permits.is_none_or(covers)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn a_path_is_found_exactly_where_there_is_one(nodes in prop::collection::vec(node(), 1..9), leaf_ in (0..NAMES, 0..KEYS, 0..HOSTS.len())) {
        let end = leaf("leaf", "y").with(|made| {
            made.issuer = name(&format!("name {}", leaf_.0));
            made.alt_names(&[(0x82, HOSTS[leaf_.2].as_bytes())]);
        });
        let end = end.sign(&key_name(leaf_.1));
        let certificates: Vec<Vec<u8>> = nodes.iter().map(Node::made).collect();
        let of = |anchor: bool| certificates.iter().zip(&nodes).filter(move |(_, node)| node.anchor == anchor).map(|(der, _)| der);
        let pool: Vec<&[u8]> = of(false).map(Vec::as_slice).collect();
        let anchors: Vec<&[u8]> = of(true).map(Vec::as_slice).collect();

        let found = pkix(&end, &pool, &anchors);
        let expected = brute_force(&nodes, leaf_, &mut Vec::new());
        prop_assert_eq!(found.is_ok(), expected, "{:?}", found.err().map(|e| e.to_string()));
        if let Ok(path) = found {
            prop_assert!(anchors.contains(&path.certificates().last().unwrap().der()));
            prop_assert_eq!(path.not_after(), NOW.plus(DAY));
        }
    }
}
