use core::net::IpAddr;
use std::time::Duration;

use crate::hierarchy::ClusterName;
use crate::key::KeyAlgorithm;
use crate::spiffe::SpiffeId;

/// What a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The cluster that shall issue: an administrator has to say, for everybody else it is their own.
    pub cluster: Option<ClusterName>,
    /// The kind of certificate, and the names in it.
    pub wanted: Wanted,
    /// The kind of the proven key.
    pub key: KeyAlgorithm,
    /// How long it shall live; without, what the policy says.
    pub lifetime: Option<Duration>,
}

/// The kind of certificate asked for, and the names in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// An X.509-SVID. The ID is for callers that may have several, and for everybody to be contradicted.
    Workload {
        /// The identity, if the caller says so.
        id: Option<SpiffeId>,
    },
    /// A server certificate.
    Server {
        /// The identity, if the caller says so.
        id: Option<SpiffeId>,
        /// DNS names.
        dns: Vec<String>,
        /// Addresses.
        ips: Vec<IpAddr>,
    },
    /// The certificate of the cluster's CA.
    ClusterCa,
}

impl Requested {
    /// A workload's certificate for a key of this kind, with all the rest left to the policy.
    pub fn workload(key: KeyAlgorithm) -> Self {
        Self { cluster: None, wanted: Wanted::Workload { id: None }, key, lifetime: None }
    }
}
