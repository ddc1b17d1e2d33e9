//! A node proxy that asks for certificates as ztunnel 1.30 does in shared mode, after `src/identity/manager.rs`, `src/identity/caclient.rs`,
//! `src/tls/csr.rs`, `src/tls/certificate.rs` and `src/tls/control.rs` of istio/ztunnel.
//!
//! One difference: ztunnel also offers X25519MLKEM768, which ring does not have.

mod ca_client;
mod node;
mod retries;
mod workload_certificate;

pub use ca_client::{CaClient, Failure, Settings};
pub use node::{Node, State};
pub use workload_certificate::{Request, WorkloadCertificate};
