//! Istio's plug-in CA: the files of the Secret `cacerts`, and whether istiod and the mesh can work with them.
//!
//! istiod reads a signing certificate, its key, the chain above it and the trusted roots. It refuses some bad sets when
//! it starts; others it takes, reports itself ready, and no workload ever gets a usable certificate. [`check`] finds
//! both, in files of any origin, and says what istiod would say. [`check_together`] compares the sets of several
//! clusters, which no single istiod ever sees. [`Cacerts`] is a set that passed: there is no other way to write one.
//!
//! What is said about istiod was read in its sources (`security/pkg/pki/util/keycertbundle.go`, `security/pkg/pki/ca`,
//! `pilot/pkg/bootstrap/istio_ca.go`) and measured on istiod 1.30.

mod cacerts;
mod check;
mod files;
mod finding;
mod istiod;
pub mod manifest;
mod report;
#[cfg(test)]
pub(crate) mod testing;
mod together;
mod write;

pub use cacerts::{Cacerts, CacertsError};
pub use check::{check, check_for};
pub use files::{CA_CERT, CA_CRL, CA_KEY, CERT_CHAIN, CacertsFiles, ISTIO_GENERATED, ROOT_CERT, TLS_CA, TLS_CRT, TLS_KEY};
pub use finding::{Finding, Severity};
pub use istiod::{ISTIOD_TLS, IstiodTls, ROOT_CONFIG_MAP, istiod_names, root_config_map};
pub use report::Report;
pub use together::check_together;

/// The name of the Secret that istiod mounts.
pub const SECRET_NAME: &str = "cacerts";
/// The namespace in which istiod looks for it, unless it was installed elsewhere.
pub const DEFAULT_NAMESPACE: &str = "istio-system";
