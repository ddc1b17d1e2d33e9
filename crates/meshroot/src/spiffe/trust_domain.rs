use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::id::SpiffeIdRef;
use super::syntax::{SCHEME, check_trust_domain};
use super::{SpiffeId, SpiffeIdError};

/// The name of a trust domain, borrowed: `mesh.example` (SPIFFE-ID §2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomainRef<'a>(&'a str);

impl<'a> TrustDomainRef<'a> {
    /// Reads a name. Works at compile time.
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2.1 that is broken, and where.
    pub const fn parse(name: &'a str) -> Result<Self, SpiffeIdError> {
        match check_trust_domain(name.as_bytes()) {
            Ok(()) => Ok(Self(name)),
            Err(e) => Err(e),
        }
    }

    /// Reads a name, or any SPIFFE ID of the trust domain: `mesh.example`, `spiffe://mesh.example/ns/a/sa/b`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse) and [`SpiffeIdRef::parse`].
    pub fn parse_name_or_id(text: &'a str) -> Result<Self, SpiffeIdError> {
        if text.is_empty() {
            return Self::parse(text);
        }
        // Whoever writes a colon and a slash means a URI; the message should speak of URIs then.
        if text.contains(":/") { SpiffeIdRef::parse(text).map(|id| id.trust_domain()) } else { Self::parse(text) }
    }

    /// The name.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// A copy that owns its text.
    pub fn to_owned(self) -> TrustDomain {
        TrustDomain(self.0.into())
    }

    /// The SPIFFE ID of the trust domain itself, which its CA certificates carry: `spiffe://mesh.example`.
    pub fn id(self) -> SpiffeId {
        SpiffeId::from_valid(format!("{SCHEME}{}", self.0), SCHEME.len().saturating_add(self.0.len()))
    }

    /// Whether Go's `crypto/x509` can read certificates of this trust domain: no empty label, so no dot at the start,
    /// at the end, or beside another. The standard allows such names; a mesh with a Go program in it cannot use them.
    pub fn is_readable_by_go(self) -> bool {
        self.0.split('.').all(|label| !label.is_empty())
    }
}

impl fmt::Display for TrustDomainRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for TrustDomainRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The name of a trust domain: `mesh.example` (SPIFFE-ID §2.1). At most 255 bytes of `a-z 0-9 . - _`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Arc<str>);

impl TrustDomain {
    /// Reads a name.
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2.1 that is broken, and where.
    pub fn parse(name: &str) -> Result<Self, SpiffeIdError> {
        TrustDomainRef::parse(name).map(TrustDomainRef::to_owned)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> TrustDomainRef<'_> {
        TrustDomainRef(&self.0)
    }

    /// The SPIFFE ID of the trust domain itself: `spiffe://mesh.example`.
    pub fn id(&self) -> SpiffeId {
        self.as_ref().id()
    }
}

impl FromStr for TrustDomain {
    type Err = SpiffeIdError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl Borrow<str> for TrustDomain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<TrustDomainRef<'_>> for TrustDomain {
    fn eq(&self, other: &TrustDomainRef<'_>) -> bool {
        &*self.0 == other.0
    }
}

impl PartialEq<TrustDomain> for TrustDomainRef<'_> {
    fn eq(&self, other: &TrustDomain) -> bool {
        self.0 == &*other.0
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use super::TrustDomain;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    impl Serialize for TrustDomain {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_str(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for TrustDomain {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
        }
    }
}
