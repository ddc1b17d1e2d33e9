use core::fmt;

use crate::lint::Severity;

/// What is wrong although it may work today, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// An error breaks something today; a warning will, or takes something away; a notice is worth knowing.
    pub severity: Severity,
    /// A stable, machine-readable code: `doctor.rsa_4096`, or that of a finding of [`istio::check`](crate::istio::check).
    pub code: &'static str,
    /// The clusters it is about; empty when it is about a source that belongs to none.
    pub clusters: Vec<String>,
    /// The evidence, and the file in it: `west/cacerts: ca-cert.pem`; may be empty.
    pub source: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// `warning: west: the CA … : make … [doctor.rsa_4096]`
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity)?;
        if !self.source.is_empty() {
            write!(f, "{}: ", self.source)?;
        }
        write!(f, "{}: {} [{}]", self.message, self.remedy, self.code)
    }
}
