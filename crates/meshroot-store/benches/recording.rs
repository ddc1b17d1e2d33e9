//! What a recorded certificate costs in SQLite: the time of the thread that records, and octets written to the disk.
//!
//! ```sh
//! cargo bench -p meshroot-store --bench recording              # batches of 8, as with 8 callers
//! cargo bench -p meshroot-store --bench recording -- 1 8 32    # others
//! ```
//!
//! Processor time is the thread's own, the kernel's work for it included, so other programs lengthen it little; octets are what the
//! kernel counts for the process, pages that it writes more than once included.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a benchmark may be blunt")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::time::Duration;

use meshroot::x509::SerialNumber;
use meshroot_store::{Change, Issuance, NewStore, RenderedBundle, SqliteStore, Store, StoreKind, Submission};
use support::{Mesh, NOW};

/// Enough for several checkpoints, and for the index of serial numbers to be written once.
const CERTIFICATES: usize = 12_288;

/// As many as a service issues in a second: their expiry moves on so often.
const A_SECOND: usize = 4_096;

fn main() {
    let batches: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let mesh = Mesh::new("mesh.example");
    println!("{:>6} {:>14} {:>16} {:>16} {:>16} {:>16}", "batch", "", "recording, µs", "its octets", "inventory, µs", "its octets");
    for batch in if batches.is_empty() { vec![8] } else { batches } {
        measure(&mesh, batch);
    }
}

fn measure(mesh: &Mesh, batch: usize) {
    let folder = tempfile::tempdir_in(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let id = "00112233445566778899aabbccddeeff".parse().unwrap();
    let new = NewStore { id, kind: StoreKind::Mesh, wrapped_data_key: b"wrapped".to_vec(), at: NOW };
    let store = SqliteStore::create(&folder.path().join("mesh.db"), &new).unwrap();
    let bundle = RenderedBundle { sequence: 1, bytes: mesh.bundle.to_spiffe_json().into_bytes() };
    let (trust_domain, events) = (mesh.trust_domain.clone(), mesh.events.clone());
    store.commit(&Change { expected_version: 0, trust_domain, events, sealed_keys: Vec::new(), bundle: Some(bundle), at: NOW }).unwrap();
    let mut submissions = submissions(mesh).into_iter();
    let before = Spent::until_now();
    let mut recorded = 0;
    while submissions.len() > 0 {
        let outcomes = store.submit(submissions.by_ref().take(batch).collect()).unwrap();
        recorded += outcomes.into_iter().filter(Result::is_ok).count();
    }
    let recording = Spent::until_now();
    assert_eq!(recorded, CERTIFICATES);
    while store.maintain(NOW, Duration::from_secs(90 * 86_400)).unwrap().more {}
    let inventory = Spent::until_now();
    let each = |amount: u64| amount as f64 / CERTIFICATES as f64;
    println!(
        "{batch:>6} {:>14} {:>16.2} {:>16.0} {:>16.2} {:>16.0}",
        "a certificate:",
        each(recording.nanoseconds - before.nanoseconds) / 1e3,
        each(recording.octets - before.octets),
        each(inventory.nanoseconds - recording.nanoseconds) / 1e3,
        each(inventory.octets - recording.octets),
    );
}

/// Certificates of a hundred workloads, as a service issues them for tokens.
fn submissions(mesh: &Mesh) -> Vec<Submission> {
    let issue = |n: usize| {
        let at = NOW.plus(Duration::from_secs((n / A_SECOND) as u64));
        let serial = SerialNumber::from_bytes(&serial(n));
        let issued = mesh.issue_to_another(&format!("/ns/namespace-{}/sa/app-{:02}", n % 10, n % 100), serial, at);
        let caller = format!("west/namespace-{}/app-{:02} pod 0f5a6c1e-4f7e-4a8e-9c5d-2f0f{:08x}", n % 10, n % 100, n);
        let (trust_domain, authority) = (mesh.trust_domain.clone(), mesh.west.clone());
        Issuance { issued, trust_domain, authority, kind: "workload".into(), caller, at, since: at }.into()
    };
    (0..CERTIFICATES).map(issue).collect()
}

/// Looks random, and is the same in every run.
fn serial(n: usize) -> [u8; 20] {
    let mut serial = [0u8; 20];
    let mut state = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    for part in serial.chunks_mut(8) {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        part.copy_from_slice(&state.to_be_bytes()[..part.len()]);
    }
    serial[0] = (serial[0] | 0x40) & 0x7f;
    serial
}

/// What this thread and this process have used up.
struct Spent {
    nanoseconds: u64,
    octets: u64,
}

impl Spent {
    fn until_now() -> Self {
        let time = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let io = std::fs::read_to_string("/proc/self/io").unwrap();
        let octets = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
        Self { nanoseconds: time.split(' ').next().unwrap().parse().unwrap(), octets: octets.parse().unwrap() }
    }
}
