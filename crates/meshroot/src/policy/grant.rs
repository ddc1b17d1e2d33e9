use core::fmt;
use core::net::IpAddr;
use std::time::Duration;

use super::duration;
use crate::hierarchy::ClusterName;
use crate::key::KeyAlgorithm;
use crate::profile::Profile;
use crate::spiffe::{SpiffeId, TrustDomain};

/// What a policy grants. It cannot be made elsewhere:
///
/// ```compile_fail,E0451
/// use meshroot::policy::{Grant, Granted};
/// fn forge(grant: Grant, id: meshroot::spiffe::SpiffeId) -> Grant {
///     Grant { granted: Granted::Workload(id), ..grant }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(super) cluster: ClusterName,
    pub(super) trust_domain: TrustDomain,
    pub(super) granted: Granted,
    pub(super) key: KeyAlgorithm,
    pub(super) lifetime: Duration,
    pub(super) cut: Option<PolicyCut>,
    pub(super) rule: String,
}

/// The names of the certificate that is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Granted {
    /// An X.509-SVID of this identity.
    Workload(SpiffeId),
    /// A server certificate.
    Server {
        /// Its SPIFFE ID, if it has one.
        id: Option<SpiffeId>,
        /// Its DNS names, as asked for.
        dns: Vec<String>,
        /// Its addresses, as asked for.
        ips: Vec<IpAddr>,
    },
    /// The cluster's CA.
    ClusterCa,
}

/// A lifetime that a policy cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyCut {
    /// What was asked for.
    pub asked: Duration,
    /// What the rule allows, and what is granted.
    pub max: Duration,
    /// The rule.
    pub rule: String,
}

impl fmt::Display for PolicyCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (asked, max) = (duration::write(self.asked), duration::write(self.max));
        write!(f, "asked for {asked}, and the rule {} allows at most {max}", self.rule)
    }
}

impl Grant {
    /// The cluster whose CA is to issue it.
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// The cluster's trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The names.
    pub fn granted(&self) -> &Granted {
        &self.granted
    }

    /// The SPIFFE ID, if the certificate will have one of a workload.
    pub fn id(&self) -> Option<&SpiffeId> {
        match &self.granted {
            Granted::Workload(id) => Some(id),
            Granted::Server { id, .. } => id.as_ref(),
            Granted::ClusterCa => None,
        }
    }

    /// The kind of key that it was decided for.
    pub fn key(&self) -> KeyAlgorithm {
        self.key
    }

    /// How long the certificate may live; its issuers may cut it further.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Why that is less than was asked for.
    pub fn lifetime_cut(&self) -> Option<&PolicyCut> {
        self.cut.as_ref()
    }

    /// The rule that granted it: `west/workloads/teams`.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The profile of the certificate, with the granted lifetime.
    pub fn profile(&self) -> Profile {
        let profile = match self.granted {
            Granted::Workload(_) => Profile::workload(),
            Granted::Server { .. } => Profile::server(),
            Granted::ClusterCa => Profile::cluster_ca(),
        };
        profile.with_lifetime(self.lifetime)
    }
}
