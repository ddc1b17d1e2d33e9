//! What the fuzz targets assert. Each function takes any bytes and panics when an invariant does not hold; that the
//! library itself does not panic is only the least of them.
#![forbid(unsafe_code)]

mod bundle;
mod certificate;
mod chain;
mod credulous;
mod crl;
mod csr;
mod differential;
mod grpc;
// The service's own file: see grpc.rs.
#[path = "../../crates/meshroot-service/src/json.rs"]
mod json;
mod log_difference;
mod pem;
mod pods;
mod policy;
mod private_key;
mod root_files;
mod secret_manifest;
mod service_account_token;
mod spiffe_id;
mod store_export;
mod store_header;

pub use bundle::{bundle_json, bundle_map};
pub use certificate::certificate;
pub use chain::validate_chain;
pub use crl::crl;
pub use csr::csr;
pub use differential::{EDITS, Outcome, compare_openssl, compare_webpki, differential_openssl, differential_webpki, seeds};
pub use grpc::{grpc, grpc_seeds};
pub use log_difference::{log_difference, log_difference_seeds};
pub use pem::pem;
pub use pods::pods;
pub use policy::policy;
pub use private_key::private_key;
pub use root_files::{root_files, root_files_seeds};
pub use secret_manifest::secret_manifest;
pub use service_account_token::service_account_token;
pub use spiffe_id::spiffe_id;
pub use store_export::{store_export, store_export_seeds};
pub use store_header::{store_header, store_header_seeds};
// Where the store's own files look for them.
use store_header::meta::{Meta, NewStore, StoreKind};

/// When everything in `data/` and in the seeds was made: 2026-11-22T12:00:00Z.
pub const NOW: i64 = 1_795_348_800;

/// Nothing at all stands everywhere: a serial number of zero, a URI of no characters.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}

/// Codes are for machines: `module.snake_case`, at most one level more.
fn assert_code(code: &str, modules: &[&str]) {
    let words: Vec<_> = code.split('.').collect();
    assert!((2..=3).contains(&words.len()) && modules.contains(&words[0]), "unexpected code {code}");
    assert!(words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))), "code {code}");
}
