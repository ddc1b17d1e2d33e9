//! How close validating comes to the signature verifications that it cannot do without, beside rustls-webpki on the same
//! chains and with the same ring; and what chains made to be slow cost. `cargo bench -p meshroot --bench verify`.

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
use std::time::{Duration, Instant};

use common::{Mesh, crypto, now};
use meshroot::key::{KeyAlgorithm, PrivateKey, SignatureAlgorithm};
use meshroot::revocation::CrlSet;
use meshroot::time::Timestamp;
use meshroot::verify::{CaLinks, PathQuery, Purpose, Rules, Validator, validate_path};
use meshroot::x509::Certificate;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use turns::{BATCH, Measured, Side, take_turns};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring as algorithms};

const CART: &str = "spiffe://mesh.example/ns/shop/sa/cart";
const CLUSTERS: usize = 20;

type Chains = Vec<Vec<Vec<u8>>>;

fn main() {
    let names: Vec<String> = (0..CLUSTERS).map(|n| format!("cluster-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mesh = Mesh::new(&names);
    let validator = Validator::new(&mesh.map(), crypto());
    let issued = |cluster: &str| mesh.issue(cluster, KeyAlgorithm::EcdsaP256, CART).chain_der().iter().map(|der| der.to_vec()).collect();
    let of_one: Chains = (0..BATCH).map(|_| issued(names[0])).collect();
    let of_many: Chains = (0..BATCH).map(|n| issued(names[n % CLUSTERS])).collect();
    let root = mesh.root_issuer().path().signing().unwrap().der().to_vec();

    println!("{:<46} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7}", "a P-256 leaf (one core)", "floor /s", "ours /s", "webpki /s", "ours", "webpki", "budget");
    let mut webpki = |i: usize| assert!(webpki_accepts(&of_one[i], &root, now()));
    let mut afresh = |i: usize| drop(black_box(validator.validate(&of_one[i], &CrlSet::empty(), now()).unwrap()));
    report("leaf and cluster CA, verified afresh", 2, &mut afresh, &mut webpki);
    let mut links = CaLinks::new();
    let mut kept = |i: usize| drop(black_box(validator.validate_with(&of_one[i], &CrlSet::empty(), now(), &mut links).unwrap()));
    report("the same, CA links remembered", 1, &mut kept, &mut webpki);
    let mut links = CaLinks::new();
    let mut webpki = |i: usize| assert!(webpki_accepts(&of_many[i], &root, now()));
    let mut stream = |i: usize| drop(black_box(validator.validate_with(&of_many[i], &CrlSet::empty(), now(), &mut links).unwrap()));
    report(&format!("a stream of leaves of {CLUSTERS} clusters, remembered"), 1, &mut stream, &mut webpki);
    let anchors = [Certificate::from_der(&root).unwrap()];
    let query = PathQuery::new(now()).rules(Rules::pkix()).purpose(Purpose::ServerAuth);
    let mut generic = |i: usize| drop(black_box(validate_path(&of_one[i][0], &of_one[i][1..], &anchors, &crypto(), &query).unwrap()));
    let mut webpki = |i: usize| assert!(webpki_accepts(&of_one[i], &root, now()));
    report("any X.509 path (validate_path), afresh", 2, &mut generic, &mut webpki);
    slow_chains();
}

/// Floor: so many verifications of messages as long as a certificate's signed part. Ratios are the floor's time by
/// theirs: 0.91 is 1.1 times as long.
fn report(what: &str, verifications: usize, ours: Side<'_>, webpki: Side<'_>) {
    let crypto = crypto();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let signature = key.sign(&[2u8; 480]).unwrap();
    let mut floor = |_: usize| {
        for _ in 0..verifications {
            crypto.verify(key.public_key(), SignatureAlgorithm::EcdsaSha256, &[2u8; 480], &signature).unwrap();
        }
    };
    let [floor, ours, webpki] = take_turns([&mut floor, ours, webpki]);
    let rate = |side: &Measured| 1.0 / side.seconds;
    let (own, theirs) = (ours.of_floor, webpki.of_floor);
    println!("{what:<46} {:>9.0} {:>9.0} {:>9.0} {own:>7.3} {theirs:>7.3} {:>7}", rate(&floor), rate(&ours), rate(&webpki), "≥ 0.91");
}

/// Everything that a TLS server does with a client's chain, but for the root, which it has read before.
fn webpki_accepts(chain: &[Vec<u8>], root: &[u8], now: Timestamp) -> bool {
    const ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 3] =
        [algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA384, algorithms::RSA_PKCS1_2048_8192_SHA256];
    let root = CertificateDer::from(root);
    let (leaf, sent) = chain.split_first().unwrap();
    let leaf = CertificateDer::from(leaf.as_slice());
    let sent: Vec<_> = sent.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let Ok(anchor) = anchor_from_trusted_cert(&root) else { return false };
    let Ok(leaf) = EndEntityCert::try_from(&leaf) else { return false };
    let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.unix()).unwrap()));
    leaf.verify_for_usage(&ALGORITHMS, &[anchor], &sent, time, KeyUsage::server_auth(), None, None).is_ok()
}

/// x509-limbo's chains that are made to be slow, from the repository's vectors; a package has none.
fn slow_chains() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/limbo-visible.json");
    let Ok(text) = std::fs::read(file) else { return };
    let suite: serde_json::Value = serde_json::from_slice(&text).unwrap();
    println!("\n{:<62} {:>6} {:>12} {:>12}", "x509-limbo", "sent", "ours", "webpki");
    for case in suite["testcases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let pem = |text: &serde_json::Value| meshroot::pem::certificates(text.as_str().unwrap().as_bytes()).unwrap_or_default();
        let all = |list: &serde_json::Value| list.as_array().unwrap().iter().flat_map(pem).collect::<Vec<_>>();
        let sent = all(&case["untrusted_intermediates"]);
        if !id.starts_with("pathological::") && sent.len() < 30 {
            continue;
        }
        let (leaf, anchors) = (pem(&case["peer_certificate"]), all(&case["trusted_certs"]));
        let (Some(leaf), Some(anchor)) = (leaf.first(), anchors.first()) else { continue };
        let at = leaf.validity().not_before.plus(Duration::from_secs(1));
        let query = PathQuery::new(at).rules(Rules::pkix()).purpose(Purpose::ServerAuth);
        let ders: Vec<&[u8]> = sent.iter().map(Certificate::der).collect();
        let chain: Vec<Vec<u8>> = std::iter::once(leaf).chain(&sent).map(|certificate| certificate.der().to_vec()).collect();
        let ours = fastest(|| drop(black_box(validate_path(leaf.der(), &ders, &anchors, &crypto(), &query))));
        let webpki = fastest(|| _ = black_box(webpki_accepts(&chain, anchor.der(), at)));
        println!("{id:<62} {:>6} {:>9.2} ms {:>9.2} ms", sent.len(), ours.as_secs_f64() * 1e3, webpki.as_secs_f64() * 1e3);
    }
}

/// Of five runs the fastest: what it takes when nothing else happens.
fn fastest(mut run: impl FnMut()) -> Duration {
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..5).map(once).min().unwrap_or_default()
}
