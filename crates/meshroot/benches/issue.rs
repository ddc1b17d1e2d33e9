//! How close issuing and validating come to the signature operations that they cannot do without.
//!
//! Floor and ours run interleaved in one process, in short batches, and the median of the ratios counts: absolute
//! figures drift with the machine, ratios do not. `cargo bench -p meshroot`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark measures time and may stop"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use common::{Mesh, crypto, id, now};
use meshroot::csr::Csr;
use meshroot::issue::Authorized;
use meshroot::key::{KeyAlgorithm, PrivateKey, SignatureAlgorithm};
use meshroot::profile::Profile;
use meshroot::revocation::CrlSet;
use meshroot::verify::{CaLinks, Validator};

const ROUNDS: usize = 60;
const BATCH: usize = 60;
/// Operations of one side before the other's turn: some milliseconds, shorter than the machine's moods.
const TURN: usize = 20;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = std::env::args().any(|arg| arg == "--test");
    let rounds = if quick { 2 } else { ROUNDS };
    let mesh = Mesh::new(&["west"]);
    let validator = Validator::new(&mesh.map(), crypto());
    println!("{:<44} {:>10} {:>10} {:>8} {:>8}", "path (one core)", "floor /s", "ours /s", "ratio", "budget");
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        issuing(&mesh, algorithm, rounds);
    }
    validating(&mesh, &validator, rounds);
}

/// Fresh CSR bytes in, linted and validated leaf out, against verify + sign + verify with the same keys.
fn issuing(mesh: &Mesh, algorithm: KeyAlgorithm, rounds: usize) {
    let crypto = crypto();
    let key = PrivateKey::generate(algorithm, &crypto).unwrap().signer(&crypto).unwrap();
    let ca_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let name = id("spiffe://mesh.example/ns/shop/sa/cart");
    let csrs: Vec<Vec<u8>> = (0..BATCH).map(|_| Csr::for_workload(&*key, &name).unwrap().der().to_vec()).collect();
    // Messages as long as a request's and a certificate's signed parts: 260 and 480 bytes.
    let (request, tbs) = ([1u8; 260], [2u8; 480]);
    let request_signature = key.sign(&request).unwrap();
    let verify = |key: &dyn meshroot::key::Signer, message: &[u8], signature: &[u8]| {
        crypto.verify(key.public_key(), key.algorithm(), message, signature).unwrap()
    };

    let (floor, ours, ratio) = interleaved(
        rounds,
        || {
            verify(&*key, &request, &request_signature);
            let signature = ca_key.sign(&tbs).unwrap();
            verify(&*ca_key, &tbs, &signature);
        },
        |i| {
            let request = Csr::from_der(&csrs[i]).unwrap().prove(&crypto).unwrap();
            let grant = Authorized::workload(request, name.clone()).unwrap();
            black_box(mesh.issuer("west").issue(grant, &Profile::workload(), crypto.entropy(), now()).unwrap());
        },
    );
    report(&format!("issue: {algorithm} CSR in, P-256 leaf out"), floor, ours, ratio, "≥ 0.95");
}

/// A leaf against a bundle whose CA links are remembered, against one verification.
fn validating(mesh: &Mesh, validator: &Validator, rounds: usize) {
    let crypto = crypto();
    let issued: Vec<_> = (0..BATCH).map(|_| mesh.issue("west", KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/ns/shop/sa/cart")).collect();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let signature = key.sign(&[2u8; 480]).unwrap();
    let mut links = CaLinks::new();
    let (floor, ours, ratio) = interleaved(
        rounds,
        || crypto.verify(key.public_key(), SignatureAlgorithm::EcdsaSha256, &[2u8; 480], &signature).unwrap(),
        |i| {
            black_box(validator.validate_with(&issued[i].chain_der(), &CrlSet::empty(), now(), &mut links).unwrap());
        },
    );
    report("validate: a leaf, CA links remembered", floor, ours, ratio, "≥ 0.91");
    let (floor, ours, ratio) = interleaved(
        rounds,
        || {
            crypto.verify(key.public_key(), SignatureAlgorithm::EcdsaSha256, &[2u8; 480], &signature).unwrap();
            crypto.verify(key.public_key(), SignatureAlgorithm::EcdsaSha256, &[2u8; 480], &signature).unwrap();
        },
        |i| {
            black_box(validator.validate(&issued[i].chain_der(), &CrlSet::empty(), now()).unwrap());
        },
    );
    report("validate: a leaf and its cluster CA, afresh", floor, ours, ratio, "≥ 0.91");
}

/// Seconds per operation of both, and the median over all rounds of floor time by our time.
fn interleaved(rounds: usize, mut floor: impl FnMut(), mut ours: impl FnMut(usize)) -> (f64, f64, f64) {
    let mut pairs = Vec::with_capacity(rounds);
    for round in 0..rounds + 3 {
        let mut floor_time = Duration::ZERO;
        let mut our_time = Duration::ZERO;
        for first in (0..BATCH).step_by(TURN) {
            let start = Instant::now();
            (0..TURN).for_each(|_| floor());
            let middle = Instant::now();
            (first..first + TURN).for_each(&mut ours);
            floor_time += middle - start;
            our_time += middle.elapsed();
        }
        // The first rounds warm caches and the clock of the processor.
        if round >= 3 {
            pairs.push((floor_time.as_secs_f64() / BATCH as f64, our_time.as_secs_f64() / BATCH as f64));
        }
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    (median(pairs.iter().map(|p| p.0).collect()), median(pairs.iter().map(|p| p.1).collect()), median(pairs.iter().map(|p| p.0 / p.1).collect()))
}

fn report(path: &str, floor: f64, ours: f64, ratio: f64, budget: &str) {
    println!("{path:<44} {:>10.0} {:>10.0} {ratio:>8.3} {budget:>8}", 1.0 / floor, 1.0 / ours);
}
