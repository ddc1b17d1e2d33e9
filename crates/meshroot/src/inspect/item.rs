use core::fmt;

use crate::lint::{Finding, Severity};

/// What something is; the name of a kind is stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An X.509 certificate.
    Certificate,
    /// Several certificates in one file, as a peer would send them.
    Chain,
    /// Several CA certificates in one file, none of them about the others.
    TrustAnchors,
    /// A PKCS#10 certificate signing request.
    Request,
    /// A private key, encrypted or not.
    PrivateKey,
    /// A public key alone.
    PublicKey,
    /// A certificate revocation list.
    Crl,
    /// A SPIFFE trust bundle.
    Bundle,
    /// The bundles of several trust domains.
    BundleMap,
    /// A Kubernetes Secret.
    Secret,
    /// A file that unlocks a store.
    UnlockFile,
    /// Something that is known by name only.
    Other,
    /// A part that is broken, among others that are not.
    Broken,
}

impl Kind {
    /// The stable name that machines read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Chain => "chain",
            Self::TrustAnchors => "trust_anchors",
            Self::Request => "certificate_request",
            Self::PrivateKey => "private_key",
            Self::PublicKey => "public_key",
            Self::Crl => "crl",
            Self::Bundle => "bundle",
            Self::BundleMap => "bundle_map",
            Self::Secret => "secret",
            Self::UnlockFile => "unlock_file",
            Self::Other => "other",
            Self::Broken => "broken",
        }
    }
}

/// One thing worth knowing about an item. The value is one line without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// What it is, like `valid until`; the same word always means the same.
    pub name: &'static str,
    /// In words.
    pub value: String,
}

/// One thing that was found, described.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// What it is, for machines.
    pub kind: Kind,
    /// What it is, in words.
    pub title: String,
    /// Where it stands in the input, like `line 20` or `keys[0]`; empty when it is all of it.
    pub place: String,
    /// Its content, in the order in which people read it.
    pub fields: Vec<Field>,
    /// What is wrong with it or worth knowing, the worst first.
    pub problems: Vec<Finding>,
}

impl Item {
    pub(super) fn new(kind: Kind, place: impl Into<String>, title: impl Into<String>) -> Self {
        Self { kind, title: title.into(), place: place.into(), fields: Vec::new(), problems: Vec::new() }
    }

    pub(super) fn field(&mut self, name: &'static str, value: impl Into<String>) {
        self.fields.push(Field { name, value: value.into() });
    }

    pub(super) fn problem(&mut self, severity: Severity, code: &'static str, field: &'static str, message: impl Into<String>, source: &'static str) {
        self.problems.push(Finding::new(severity, code, field, message, source));
    }

    /// The value of a field, if the item has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// How bad its worst problem is.
    pub fn worst(&self) -> Option<Severity> {
        self.problems.iter().map(|problem| problem.severity).max()
    }
}

/// The title, then a line for each field and each problem, indented; ends in a line break.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        writeln!(f, "{}", self.title)?;
        let width = self.fields.iter().map(|field| field.name.len()).max().unwrap_or(0);
        self.fields.iter().try_for_each(|field| writeln!(f, "  {:width$}  {}", field.name, field.value))?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}
