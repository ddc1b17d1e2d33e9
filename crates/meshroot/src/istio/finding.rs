use core::fmt;
use std::borrow::Cow;

/// How bad a finding is; a larger one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Works today, and takes something away: revocation, a strict verifier, a later rotation.
    Hurts,
    /// istiod takes it and reports itself ready, and then workloads cannot talk to each other.
    MeshBreaks,
    /// istiod does not start with it, or keeps what it had and logs a line.
    IstiodRefuses,
}

impl Severity {
    /// The stable name that machines read: `hurts`, `mesh_breaks`, `istiod_refuses`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hurts => "hurts",
            Self::MeshBreaks => "mesh_breaks",
            Self::IstiodRefuses => "istiod_refuses",
        }
    }
}

/// In words: `istiod refuses it`.
impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hurts => "works, but hurts later",
            Self::MeshBreaks => "istiod starts, the mesh breaks",
            Self::IstiodRefuses => "istiod refuses it",
        })
    }
}

/// One thing that is wrong with a cacerts set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A stable, machine-readable code, like `istio.key_mismatch`.
    pub code: &'static str,
    /// The file it is about, by the name of its layout.
    pub file: &'static str,
    /// What is wrong and where, for people.
    pub message: String,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
    /// What istiod's log says, as far as the text is known.
    pub istiod_says: Option<String>,
}

impl Finding {
    pub(super) fn refused(code: &'static str, file: &'static str, message: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::IstiodRefuses, code, file, message: message.into(), remedy: remedy.into(), istiod_says: None }
    }

    pub(super) fn breaks(code: &'static str, file: &'static str, message: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::MeshBreaks, ..Self::refused(code, file, message, remedy) }
    }

    pub(super) fn hurts(code: &'static str, file: &'static str, message: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::Hurts, ..Self::refused(code, file, message, remedy) }
    }

    pub(super) fn says(self, text: impl Into<String>) -> Self {
        Self { istiod_says: Some(text.into()), ..self }
    }
}

/// `ca-key.pem: the key belongs to another certificate (istiod refuses it): put …`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}): {}", self.file, self.message, self.severity, self.remedy)
    }
}
