//! `inspect` on the requests and keys of every real client, and on those of nobody honest.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::inspect::{Item, inspect};
use meshroot::key::Crypto;
use meshroot::lint::Severity;
use meshroot_tests::exhibits::now;
use meshroot_tests::fixtures::{bytes, index, text};

/// The codes of all errors; of unreadable input, the one of the failure.
fn errors(file: &str) -> Vec<&'static str> {
    let outcome: Result<Vec<Item>, _> = inspect(&bytes(file), file, &Crypto::ring(), now());
    match outcome {
        Ok(items) => items.iter().flat_map(|item| &item.problems).filter(|p| p.severity == Severity::Error).map(|p| p.code).collect(),
        Err(e) => vec![e.code()],
    }
}

#[test]
fn a_request_has_an_error_exactly_when_nobody_would_be_granted_it() {
    // These are wrong only for somebody else, or by a rule of the service and not of the request.
    const FINE_BY_THEMSELVES: [&str; 3] = ["other-id.pem", "other-trust-domain.pem", "pem-twice.pem"];
    for entry in index("csr") {
        let file = text(&entry, "file");
        let found = errors(&format!("csr/{file}"));
        let fine = text(&entry, "expect") == "ok" || FINE_BY_THEMSELVES.contains(&file);
        assert_eq!(found.is_empty(), fine, "{file} ({}): {found:?}", text(&entry, "what"));
    }
}

#[test]
fn a_private_key_has_an_error_exactly_when_it_is_refused() {
    for entry in index("keys") {
        let file = text(&entry, "file");
        let found = errors(&format!("keys/{file}"));
        // What is encrypted is not opened, and a public key is no error here.
        let fine = text(&entry, "expect") == "ok" || file == "public.pem";
        assert_eq!(found.is_empty(), fine, "{file} ({}): {found:?}", text(&entry, "what"));
    }
}
