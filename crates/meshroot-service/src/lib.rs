//! The signing service: a mesh's certificate authorities over HTTP.
//!
//! ```text
//! net   accepts connections: limits, TLS, HTTP/1.1 and h2 on one port, graceful shutdown
//! http  the interface: routes, problem documents, bundles, health
//! grpc  Istio's signing API, on the same port and the same issuing path
//! caller   who is asking, decided with every request
//! discovery  clusters' token keys, fetched where they publish them
//! review  whether a token still counts, asked of its API server
//! permission  who may have what: the policy and the clusters' token keys, swapped as a whole
//! pods  which pods run where: whom a node proxy may ask for
//! limits  how much one caller, one cluster, one address may ask for
//! issuing  from an authorised request to a certificate on record: the one way for every interface
//! mesh  what is served: the store's state as one immutable snapshot, swapped when the store changes
//! tls   the service's own certificate, and client certificates: asked for, never demanded
//! ```
//!
//! The decisions are the library's ([`meshroot`]), the memory is the store's ([`meshroot_store`]); this crate carries
//! bytes between them and the network. It never reads a clock but through [`Clock`].

mod administration;
pub mod agent;
mod audit;
mod caller;
mod clock;
pub mod config;
mod discovery;
mod front;
mod grpc;
mod http;
mod https;
mod issuing;
mod limits;
mod log;
mod mesh;
mod metrics;
mod net;
mod permission;
mod pods;
mod review;
mod revoking;
pub mod root;
mod service;
mod tls;

pub use administration::Administration;
pub use caller::OperatorError;
pub use clock::{Clock, SystemClock};
pub use config::{Config, ConfigError, Limits};
pub use discovery::DiscoveryError;
pub use log::log_to_stderr;
pub use mesh::{MeshError, restoration};
pub use permission::{PermissionError, read_cases, read_policy};
pub use pods::PodsError;
pub use service::{Parts, Service, ServiceError};
pub use tls::TlsFileError;
