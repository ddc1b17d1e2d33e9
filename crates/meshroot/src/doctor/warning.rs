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

impl Warning {
    pub(super) fn new(severity: Severity, code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity, code, clusters: Vec::new(), source: String::new(), message: message.into(), remedy: remedy.into() }
    }

    pub(super) fn at(self, source: impl Into<String>) -> Self {
        Self { source: source.into(), ..self }
    }

    pub(super) fn of(self, clusters: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { clusters: clusters.into_iter().map(Into::into).collect(), ..self }
    }
}

/// `warning: west/cacerts: the CA … : make … [doctor.rsa_4096]`
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity)?;
        if !self.source.is_empty() {
            write!(f, "{}: ", self.source)?;
        }
        write!(f, "{}: {} [{}]", self.message, self.remedy, self.code)
    }
}

/// `west, east and 3 more`: what a sentence can hold.
pub(super) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    const LISTED: usize = 5;
    let names: Vec<T> = names.into_iter().collect();
    let shown: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
