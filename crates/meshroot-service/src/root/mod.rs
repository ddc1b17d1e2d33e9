//! What only the root's key can do: certificates for cluster CAs, and the root's CRL. The root may be away, and then what it
//! has to sign becomes a file ([`RootRequest`]) that travels to it, and another ([`RootAnswer`]) that travels back.

mod answer;
mod error;
mod keeper;
mod request;
mod words;

pub use answer::{RootAnswer, SignedCa};
pub use error::RootError;
pub use keeper::RootKeeper;
pub use request::{ClusterCaAsk, CrlAsk, RevokedAsk, RootRequest};

pub(crate) use keeper::{AGE, read as read_keeper};
pub(crate) use request::profile_of;

/// Longer than any request or answer that is written.
const MOST: usize = 16 << 20;
