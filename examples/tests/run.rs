//! Every example program is run, and is short enough to be read.

#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test is for, in its helpers too")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Each program, and lines that its output has: the promises of its first comment.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    (
        "make_a_hierarchy",
        env!("CARGO_BIN_EXE_make_a_hierarchy"),
        &["mesh.example", "CN=west CA", "bundle 1 with 1 root", "-----BEGIN CERTIFICATE-----"],
    ),
    (
        "issue_from_a_csr",
        env!("CARGO_BIN_EXE_issue_from_a_csr"),
        &["issued ", "-----BEGIN CERTIFICATE-----", "denied [denial.other_identity]: the request asks for spiffe://mesh.example/ns/shop/sa/cart"],
    ),
    (
        "validate_a_peer",
        env!("CARGO_BIN_EXE_validate_a_peer"),
        &[
            "accepted spiffe://mesh.example/ns/shop/sa/cart",
            "may read the shop's price list",
            "[verify.unknown_issuer; ",
            "[verify.unknown_trust_domain; ",
            "[verify.expired; ",
        ],
    ),
    (
        "exchange_bundles",
        env!("CARGO_BIN_EXE_exchange_bundles"),
        &[
            "imported bundle Some(2) of mesh.example with 2 roots",
            "1 root added, 0 removed",
            "kept what we hold [bundle.rollback.older]",
            "1 root left; ignored: ",
            "refused [bundle.malformed]",
            "a map of mesh.example and partner.example",
        ],
    ),
    (
        "sign_elsewhere",
        env!("CARGO_BIN_EXE_sign_elsewhere"),
        &["the KMS signed the root 'CN=Root CA", "completed: valid until", "refused [issue.not_valid]"],
    ),
    (
        "write_cacerts",
        env!("CARGO_BIN_EXE_write_cacerts"),
        &["west: ca-cert.pem (", "between the clusters: 0 findings", "  name: cacerts", "[istio.key_mismatch] ca-key.pem: "],
    ),
    (
        "cross_sign_a_root",
        env!("CARGO_BIN_EXE_cross_sign_a_root"),
        &[
            "same key: true",
            "a peer with the new bundle accepts the plain chain, 2 CA certificates above the leaf",
            "a peer with the old bundle refuses the plain chain [verify.unknown_issuer]",
            "a peer with the old bundle accepts the crossed chain, 3 CA certificates above the leaf",
        ],
    ),
];

/// Run against each other by `tests/tls.rs`.
const PAIRED: [&str; 2] = ["spiffe_tls_client", "spiffe_tls_server"];

#[test]
fn every_program_does_what_it_says() {
    for (name, program, expected) in PROGRAMS {
        let output = Command::new(program).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{name}: {}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        for line in *expected {
            assert!(text.lines().any(|found| found.contains(line)), "{name} did not print '{line}':\n{text}");
        }
    }
}

#[test]
fn every_program_is_run_by_a_test() {
    let mut known: Vec<_> = PROGRAMS.iter().map(|(name, ..)| *name).chain(PAIRED).map(str::to_owned).collect();
    known.sort();
    let mut found: Vec<_> = sources().iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(found, known);
    assert!(known.len() >= 6);
}

#[test]
fn every_program_has_under_80_lines() {
    for path in sources() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines < 80, "{} has {lines} lines", path.display());
    }
}

/// An example is copied into somebody's program, so none of them may show them a way to panic.
#[test]
fn no_program_unwraps() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for bad in [".unwrap()", ".expect(", "panic!", "unreachable!", "todo!", "process::exit"] {
            assert!(!text.contains(bad), "{}: {bad}", path.display());
        }
        assert!(text.contains("fn main() -> Result<(), Box<dyn Error>> {"), "{}", path.display());
    }
}

fn sources() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(rust).collect()
}
