//! The tables of `docs/validators.md`: made from the library's list of differences and from what was observed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use meshroot::verify::views::{Implementation, differences};

use super::observed::Table;

const BEGIN: &str = "<!-- made by tests/views.rs; do not edit below -->\n";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/meshroot/docs/validators.md")
}

/// Compares the document with the tables as they should be; with `MESHROOT_RECORD=1` writes them.
///
/// # Panics
/// When it holds others.
pub fn compare(shown: &BTreeMap<&'static str, BTreeMap<String, usize>>, observed: &Table) {
    let text = std::fs::read_to_string(path()).unwrap();
    let (by_hand, made) = text.split_once(BEGIN).expect("the line that says where the tables begin");
    let wanted = tables(shown, observed);
    if std::env::var_os("MESHROOT_RECORD").is_some() {
        std::fs::write(path(), format!("{by_hand}{BEGIN}{wanted}")).unwrap();
    } else {
        assert!(made == wanted, "docs/validators.md is not what the tests see: MESHROOT_RECORD=1 cargo test -p meshroot-tests --test views");
    }
}

fn tables(shown: &BTreeMap<&'static str, BTreeMap<String, usize>>, observed: &Table) -> String {
    let mut out = String::new();
    for implementation in Implementation::ALL {
        let own: Vec<_> = differences().iter().filter(|difference| difference.implementation == implementation).collect();
        writeln!(out, "\n## {implementation}: {} differences\n", own.len()).unwrap();
        out.push_str("| difference | | what it does | shown by | where |\n|---|---|---|---|---|\n");
        for difference in own {
            let cases = &shown[difference.code];
            // The case that shows this one and little else.
            let first = cases.iter().min_by_key(|(case, together)| (**together, case.len())).map_or("", |(case, _)| case);
            let more = if cases.len() > 1 { format!(" and {} more", cases.len() - 1) } else { String::new() };
            let (code, kind, what, source) = (difference.code, difference.kind.as_str(), difference.what, difference.source);
            writeln!(out, "| `{code}` | {kind} | {what} | `{first}`{more} | {source} |").unwrap();
        }
    }
    out.push_str("\n## go-spiffe, on top of Go\n\nWhat go-spiffe's x509svid refuses and crypto/x509 accepts, in its words:\n\n");
    apart(&mut out, observed, "go_spiffe", "go");
    out.push_str("\nWhat it accepts and crypto/x509 refuses for a TLS role, since it asks for no extKeyUsage:\n\n");
    apart(&mut out, observed, "go", "go_spiffe");
    out.push_str("\n## OpenSSL with -x509_strict\n\nWhat it refuses then, and accepts otherwise:\n\n");
    apart(&mut out, observed, "openssl_strict", "openssl");
    out.push_str("\n## rustls without ztunnel's leniency for CRLs\n\nWhat rustls refuses unless it is told to allow unknown revocation status:\n\n");
    apart(&mut out, observed, "rustls_by_default", "rustls");
    out
}

/// The words of `who` where it refuses and `other` does not, each with its cases.
fn apart(out: &mut String, observed: &Table, who: &str, other: &str) {
    let mut by_words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (case, row) in observed {
        if let (Some(said), Some("accept")) = (row.get(who).filter(|said| *said != "accept"), row.get(other).map(String::as_str)) {
            by_words.entry(said).or_default().push(case);
        }
    }
    for (words, cases) in by_words {
        writeln!(out, "- {words}: `{}`", cases.join("`, `")).unwrap();
    }
}
