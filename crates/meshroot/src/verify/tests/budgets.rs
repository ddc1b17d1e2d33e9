//! No chain buys more work than an honest one needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::make::key;
use super::*;
use crate::key::{Backend, BadSignature, Entropy, KeyAlgorithm, KeyError, PrivateKey, PublicKey, SignatureAlgorithm, Signer};
use zeroize::Zeroizing;

/// Counts verifications.
#[derive(Debug)]
struct Counting {
    inner: Crypto,
    verifications: AtomicU32,
}

impl Backend for Counting {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.inner.sha256(data)
    }
    fn verify(&self, key: &PublicKey, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        self.inner.verify(key, algorithm, message, signature)
    }
    fn check_public_key(&self, key: &PublicKey) -> Result<(), KeyError> {
        self.inner.check_public_key(key)
    }
    fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey, KeyError> {
        self.inner.generate(algorithm)
    }
    fn public_key(&self, pkcs8_der: &[u8]) -> Result<PublicKey, KeyError> {
        self.inner.public_key(pkcs8_der)
    }
    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyError> {
        self.inner.signer(key)
    }
    fn seal(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.inner.seal(key, nonce, associated_data, plaintext)
    }
    fn open(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.inner.open(key, nonce, associated_data, ciphertext)
    }
    fn entropy(&self) -> &dyn Entropy {
        self.inner.entropy()
    }
}

/// How it was judged, and for how many verifications.
fn counted(leaf: &[u8], pool: &[Vec<u8>], anchors: &[Certificate]) -> (Result<ValidatedPath, Rejection>, u32) {
    let counting = Arc::new(Counting { inner: crypto(), verifications: AtomicU32::new(0) });
    let query = PathQuery::new(NOW).rules(Rules::pkix());
    let result = validate_path(leaf, pool, anchors, &Crypto::new(counting.clone()), &query);
    (result, counting.verifications.load(Ordering::Relaxed))
}

fn trusted() -> [Certificate; 1] {
    [certificate(&root("root").sign("root"))]
}

#[test]
fn an_honest_chain_costs_one_verification_a_link() {
    let (result, cost) = counted(&leaf("leaf", "ca").sign("ca"), &[ca("ca", "root").sign("root")], &trusted());
    assert!(result.is_ok());
    assert_eq!(cost, 2);
}

#[test]
fn certificates_that_share_a_key_cost_one_verification() {
    // A CA renewed a hundred times, none of them valid any more.
    let expired = |n: u8| {
        ca("ca", "root").with(|ca| {
            ca.serial = vec![n];
            ca.validity.not_after = NOW.minus(make::DAY);
        })
    };
    let pool: Vec<Vec<u8>> = (1..=100).map(|n| expired(n).sign("root")).collect();
    let (result, cost) = counted(&leaf("leaf", "ca").sign("ca"), &pool, &trusted());
    assert_eq!((refused(result), cost), (("verify.expired", Some(1)), 1));
}

#[test]
fn a_hundred_cas_of_one_name_or_one_key_end_in_a_refusal() {
    let name = |kind: &str, n: usize| if kind.contains("subject") { "ca".to_owned() } else { format!("ca {n}") };
    let signer = |kind: &str, n: usize| if kind.contains("key") { "ca".to_owned() } else { format!("key {n}") };
    for kind in ["", "one subject", "one key", "one subject and one key"] {
        let pool: Vec<Vec<u8>> = (0..100)
            .map(|n| {
                let above = if n == 0 { 0 } else { n - 1 };
                let made = ca(&name(kind, n), &name(kind, above)).with(|ca| ca.spki = key(&signer(kind, n)).public_key().spki_der().to_vec());
                made.sign(&signer(kind, above))
            })
            .collect();
        let (result, cost) = counted(&leaf("leaf", &name(kind, 99)).sign(&signer(kind, 99)), &pool, &trusted());
        let (code, _) = refused(result);
        assert!(matches!(code, "verify.chain_too_long" | "verify.budget_exhausted" | "verify.unknown_issuer"), "{kind}: {code}");
        assert!(cost <= Budget::default().signatures, "{kind}: {cost} verifications");
    }
}

#[test]
fn cas_that_all_sign_each_other_end_in_a_refusal() {
    // More paths than atoms in a hair, and no anchor. Eleven CAs use up the signatures, nine the steps.
    for count in [9, 11] {
        let signed = |a: usize, b: usize| ca(&format!("x{a}"), &format!("x{b}")).sign(&format!("x{b}"));
        let pool: Vec<Vec<u8>> = (0..count).flat_map(|a| (0..count).filter(move |b| *b != a).map(move |b| signed(a, b))).collect();
        let end = leaf("leaf", "x0").sign("x0");
        let (result, cost) = counted(&end, &pool, &trusted());
        assert_eq!(refused(result), ("verify.budget_exhausted", None));
        assert!(cost <= 100, "{cost} verifications");
        // And with a way out the way out is found.
        let way_out = [ca("x7", "root").sign("root")];
        assert!(counted(&end, &[&way_out[..], &pool].concat(), &trusted()).0.is_ok());
    }
}

#[test]
fn names_times_constraints_are_counted_before_any_is_compared() {
    let named = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("h{n}.example")).collect();
        let names: Vec<(u8, &[u8])> = names.iter().map(|name| (0x82, name.as_bytes())).collect();
        leaf("leaf", "root").with(|leaf| leaf.alt_names(&names)).sign("root")
    };
    let anchor = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("x{n}.example")).collect();
        let names: Vec<(u8, &[u8])> = names.iter().map(|name| (0x82, name.as_bytes())).collect();
        root("root").with(|root| root.constrain(&[], &names)).sign("root")
    };
    assert!(pkix(&named(1024), &[], &[&anchor(1024)]).is_ok());
    assert_eq!(refused(pkix(&named(1025), &[], &[&anchor(1024)])), ("verify.budget_exhausted", None));
    let query = PathQuery::new(NOW).rules(Rules::pkix()).budget(Budget { comparisons: 9, ..Budget::default() });
    assert_eq!(refused(with(query, &named(2), &[], &[&anchor(5)])), ("verify.budget_exhausted", None));
    assert!(with(query, &named(3), &[], &[&anchor(3)]).is_ok());
}

#[test]
fn a_path_of_sixteen_is_found_and_of_seventeen_is_not() {
    let chain = |cas: usize| -> Vec<Vec<u8>> {
        let name = |n: usize| if n == 0 { "root".to_owned() } else { format!("c{n}") };
        (1..=cas).map(|n| ca(&name(n), &name(n - 1)).sign(&name(n - 1))).collect()
    };
    let end = |cas: usize| leaf("leaf", &format!("c{cas}")).sign(&format!("c{cas}"));
    assert_eq!(counted(&end(14), &chain(14), &trusted()).0.unwrap().certificates().len(), 16);
    assert_eq!(refused(counted(&end(15), &chain(15), &trusted()).0), ("verify.chain_too_long", None));
}
