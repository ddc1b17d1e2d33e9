use core::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Works, and worth knowing.
    Notice,
    /// A recommendation is not followed, or some verifier will refuse it.
    Warning,
    /// A standard forbids it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing the linter has to say about a certificate or a CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable, machine-readable code, like `lint.key_usage_missing`.
    pub code: &'static str,
    /// The field, by its name in RFC 5280.
    pub field: &'static str,
    /// What is wrong, in words.
    pub message: String,
    /// Where the rule is written.
    pub source: &'static str,
}

impl Finding {
    pub(crate) fn new(severity: Severity, code: &'static str, field: &'static str, message: impl Into<String>, source: &'static str) -> Self {
        Self { severity, code, field, message: message.into(), source }
    }

    pub(super) fn error(code: &'static str, field: &'static str, message: impl Into<String>, source: &'static str) -> Self {
        Self::new(Severity::Error, code, field, message, source)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {} [{}; {}]", self.severity, self.field, self.message, self.code, self.source)
    }
}
