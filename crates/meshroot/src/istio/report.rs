use super::{Finding, Severity};
use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// What a cacerts set is made of and everything found wrong with it, the worst first.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) findings: Vec<Finding>,
    pub(super) signing_ca: Option<Certificate>,
    pub(super) chain: Vec<Certificate>,
    pub(super) roots: Vec<Certificate>,
    pub(super) path: Vec<Certificate>,
    pub(super) trust_domain: Option<TrustDomain>,
}

impl Report {
    /// Whether istiod would start with the set and the mesh would work: nothing worse than [`Severity::Hurts`].
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Hurts)
    }

    /// All that was found, the worst first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The certificate that istiod signs with, if it can be read.
    pub fn signing_ca(&self) -> Option<&Certificate> {
        self.signing_ca.as_ref()
    }

    /// What can be read of the chain that goes along with every leaf.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// What can be read of the roots that workloads trust.
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    /// From the signing CA up to the root that vouches for it, both included; empty if there is no such path.
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The trust domain, if a CA certificate on the path names one in a `spiffe://` name.
    pub fn trust_domain(&self) -> Option<&TrustDomain> {
        self.trust_domain.as_ref()
    }

    /// When the first certificate of the path expires, and with it everything that istiod signs.
    pub fn expires(&self) -> Option<Timestamp> {
        self.path.iter().map(|cert| cert.validity().not_after).min()
    }
}
