//! How close issuing comes to the signature operations that it cannot do without. `cargo bench -p meshroot --bench issue`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark measures time and may stop"
)]

#[path = "../tests/common/mod.rs"]
mod common;
mod turns;

use std::hint::black_box;

use common::{Mesh, crypto, id, now};
use meshroot::csr::Csr;
use meshroot::issue::Authorized;
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use turns::{BATCH, take_turns};

fn main() {
    let mesh = Mesh::new(&["west"]);
    println!("{:<44} {:>10} {:>10} {:>8} {:>8}", "path (one core)", "floor /s", "ours /s", "ratio", "budget");
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        issuing(&mesh, algorithm);
    }
}

/// Fresh CSR bytes in, linted and validated leaf out, against verify + sign + verify with the same keys.
fn issuing(mesh: &Mesh, algorithm: KeyAlgorithm) {
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

    let [floor, ours] = take_turns([
        &mut |_| {
            verify(&*key, &request, &request_signature);
            let signature = ca_key.sign(&tbs).unwrap();
            verify(&*ca_key, &tbs, &signature);
        },
        &mut |i| {
            let request = Csr::from_der(&csrs[i]).unwrap().prove(&crypto).unwrap();
            let grant = Authorized::workload(request, name.clone()).unwrap();
            black_box(mesh.issuer("west").issue(grant, &Profile::workload(), crypto.entropy(), now()).unwrap());
        },
    ]);
    let path = format!("issue: {algorithm} CSR in, P-256 leaf out");
    println!("{path:<44} {:>10.0} {:>10.0} {:>8.3} {:>8}", 1.0 / floor.seconds, 1.0 / ours.seconds, ours.of_floor, "≥ 0.95");
}
