#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod any_client;
mod config;
mod credential;
mod folder;
mod identity;
mod peer;
mod peers;
mod refused;
mod remembered;
mod trust;
mod verifier;

pub use any_client::AnyClientCertificate;
pub use config::{client_config, server_config};
pub use credential::{Credential, CredentialError};
pub use folder::{Folder, FolderError};
pub use identity::Identity;
pub use peer::peer_id;
pub use peers::Peers;
pub use refused::Refused;
/// The version whose types are in the interface.
pub use rustls;
pub use trust::{BundleRefused, Trust};
pub use verifier::PeerVerifier;
