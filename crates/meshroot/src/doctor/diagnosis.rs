use core::fmt;
use std::time::Duration;

use super::{Breaks, Verdict, Warning};
use crate::bundle::BundleMap;
use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::x509::{Certificate, DistinguishedName};

/// What a diagnosis is told besides the evidence.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The mesh's trust domain, for clusters of which no certificate says one. Without it, that of the others is taken, else
    /// `cluster.local`, and the diagnosis says so.
    pub trust_domain: Option<TrustDomain>,
    /// A CA that expires within this time is warned about.
    pub horizon: Duration,
    /// A CRL that is due within this time is warned about.
    pub crl_horizon: Duration,
}

impl Default for Settings {
    /// 60 days for CAs: enough to rotate a root through a mesh. A day for CRLs.
    fn default() -> Self {
        Self { trust_domain: None, horizon: Duration::from_secs(60 * 86_400), crl_horizon: Duration::from_secs(86_400) }
    }
}

/// Who is accepted where, until when, and what is wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The time at which everything was judged.
    pub now: Timestamp,
    /// The clusters, in the order of the evidence.
    pub clusters: Vec<Cluster>,
    /// One cell for each ordered pair and data plane: row by row, in a row column by column, in a column the sidecars first.
    /// Clusters that have nothing to send make no row, those that say nothing of their trust no column.
    pub cells: Vec<Cell>,
    /// What ends trust between pairs that have it, the earliest first.
    pub forecast: Vec<Breaks>,
    /// What is wrong or will be, the worst first.
    pub warnings: Vec<Warning>,
    /// What was assumed, and what cannot be seen from here; sentences.
    pub notes: Vec<String>,
}

impl Diagnosis {
    /// Whether every pair trusts each other in both data planes, of which there is at least one.
    pub fn every_pair_trusts(&self) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(|cell| matches!(cell.verdict, Verdict::Yes { .. }))
    }

    /// One cell.
    pub fn cell(&self, row: &str, column: &str, plane: Plane) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.plane == plane && cell.row == row && cell.column == column)
    }
}

/// A cluster, or whoever stands for one: an endpoint, a bundle's consumer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cluster {
    /// Its name, which no other has.
    pub name: String,
    /// Where the name comes from, in words: `given`, `the folder of west/cacerts`.
    pub named_by: String,
    /// The trust domain of its workloads; `None` only where none can be assumed.
    pub trust_domain: Option<TrustDomain>,
    /// Where the trust domain comes from, in words.
    pub trust_domain_by: String,
    /// What its istiod signs with, if it is known.
    pub signing_ca: Option<Certificate>,
    /// What goes along with every leaf, as sent.
    pub chain: Vec<Certificate>,
    /// How many real leaf certificates of it were looked at.
    pub leaves: usize,
    /// The roots that its workloads trust.
    pub roots: Vec<Certificate>,
    /// The bundle map that its sidecars go by instead, if there is one.
    pub bundles: Option<BundleMap>,
    /// The CRLs that its workloads check; `None` when they check none.
    pub crls: Option<Vec<CrlSummary>>,
    /// The evidence that it was made of.
    pub sources: Vec<String>,
}

/// A CRL, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrlSummary {
    /// Whose it is.
    pub issuer: DistinguishedName,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due, if it says so.
    pub next_update: Option<Timestamp>,
    /// How many certificates are revoked by it.
    pub entries: usize,
    /// The evidence that it is from.
    pub source: String,
}

/// Would a workload of `row` be accepted in `column`?
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cell {
    /// The cluster whose workload presents its certificate.
    pub row: String,
    /// The cluster whose workload judges it.
    pub column: String,
    /// By whose rules.
    pub plane: Plane,
    /// The answer.
    pub verdict: Verdict,
}

/// The two data planes of Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Envoy: BoringSSL; every CA on the path needs a current CRL once there are CRLs.
    Sidecar,
    /// ztunnel: rustls and webpki; the peer's trust domain must be its own.
    Ambient,
}

impl Plane {
    /// Both, in the order of the cells.
    pub const ALL: [Self; 2] = [Self::Sidecar, Self::Ambient];

    /// The stable name that machines read: `sidecar`, `ambient`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::Ambient => "ambient",
        }
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
