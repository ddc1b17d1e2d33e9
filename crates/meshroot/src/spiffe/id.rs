use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use super::syntax::{SCHEME, check_id, check_path, check_segment};
use super::{SpiffeIdError, TrustDomainRef};

/// A SPIFFE ID, borrowed: `spiffe://mesh.example/ns/shop/sa/cart` (SPIFFE-ID §2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeIdRef<'a> {
    text: &'a str,
    path_at: usize,
}

impl<'a> SpiffeIdRef<'a> {
    /// Reads an ID without copying it. Works at compile time:
    ///
    /// ```
    /// use meshroot::spiffe::SpiffeIdRef;
    /// const ISTIOD: SpiffeIdRef<'static> = match SpiffeIdRef::parse("spiffe://mesh.example/ns/istio-system/sa/istiod") {
    ///     Ok(id) => id,
    ///     Err(_) => panic!("not a SPIFFE ID"),
    /// };
    /// assert_eq!(ISTIOD.path(), "/ns/istio-system/sa/istiod");
    /// ```
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2 that is broken, and where.
    pub const fn parse(text: &'a str) -> Result<Self, SpiffeIdError> {
        match check_id(text.as_bytes()) {
            Ok(path_at) => Ok(Self { text, path_at }),
            Err(e) => Err(e),
        }
    }

    /// The whole ID.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> TrustDomainRef<'a> {
        let name = self.text.get(SCHEME.len()..self.path_at).unwrap_or_default();
        // Checked when the ID was read; the empty name cannot come out of that.
        TrustDomainRef::parse(name).unwrap_or_else(|_| unreachable_trust_domain())
    }

    /// The path: empty for a trust domain's own ID, else it starts with `/`.
    pub fn path(&self) -> &'a str {
        self.text.get(self.path_at..).unwrap_or_default()
    }

    /// A copy that owns its text.
    pub fn to_owned(self) -> SpiffeId {
        SpiffeId { text: self.text.into(), path_at: self.path_at }
    }
}

/// What an impossible state shows: a name that no certificate can carry a workload of.
fn unreachable_trust_domain() -> TrustDomainRef<'static> {
    const INVALID: TrustDomainRef<'static> = match TrustDomainRef::parse("invalid") {
        Ok(name) => name,
        Err(_) => panic!("a constant"),
    };
    INVALID
}

impl fmt::Display for SpiffeIdRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

impl fmt::Debug for SpiffeIdRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// A SPIFFE ID: `spiffe://mesh.example/ns/shop/sa/cart` (SPIFFE-ID §2). At most 2048 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: Box<str>,
    path_at: usize,
}

impl SpiffeId {
    /// Reads an ID.
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2 that is broken, and where.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        SpiffeIdRef::parse(text).map(SpiffeIdRef::to_owned)
    }

    /// The ID with this path in a trust domain; the path is empty or starts with `/`.
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2.2 that the path breaks; the offset counts from the path's start.
    pub fn from_path(trust_domain: TrustDomainRef<'_>, path: &str) -> Result<Self, SpiffeIdError> {
        check_path(path.as_bytes())?;
        Self::parse(&format!("{SCHEME}{trust_domain}{path}"))
    }

    /// The ID with these path segments in a trust domain.
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2.2 that a segment breaks; the offset counts from that segment's start.
    pub fn from_segments<'s>(trust_domain: TrustDomainRef<'_>, segments: impl IntoIterator<Item = &'s str>) -> Result<Self, SpiffeIdError> {
        let mut path = String::new();
        for segment in segments {
            Self::check_segment(segment)?;
            path.push('/');
            path.push_str(segment);
        }
        Self::from_path(trust_domain, &path)
    }

    /// This ID with `path` (starting with `/`, or empty) behind its own.
    ///
    /// # Errors
    /// As [`from_path`](Self::from_path).
    pub fn append_path(&self, path: &str) -> Result<Self, SpiffeIdError> {
        check_path(path.as_bytes())?;
        Self::parse(&format!("{self}{path}"))
    }

    /// This ID with `path` instead of its own.
    ///
    /// # Errors
    /// As [`from_path`](Self::from_path).
    pub fn replace_path(&self, path: &str) -> Result<Self, SpiffeIdError> {
        Self::from_path(self.trust_domain(), path)
    }

    /// Whether `segment` may stand between two slashes of a path.
    ///
    /// # Errors
    /// The rule of SPIFFE-ID §2.2 that is broken.
    pub fn check_segment(segment: &str) -> Result<(), SpiffeIdError> {
        check_segment(segment.as_bytes())
    }

    pub(super) fn from_valid(text: String, path_at: usize) -> Self {
        Self { text: text.into(), path_at }
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> TrustDomainRef<'_> {
        self.as_ref().trust_domain()
    }

    /// The path: empty for a trust domain's own ID, else it starts with `/`.
    pub fn path(&self) -> &str {
        self.as_ref().path()
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> SpiffeIdRef<'_> {
        SpiffeIdRef { text: &self.text, path_at: self.path_at }
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl Borrow<str> for SpiffeId {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use super::SpiffeId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    impl Serialize for SpiffeId {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_str(&self.text)
        }
    }

    impl<'de> Deserialize<'de> for SpiffeId {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spiffe::{MAX_ID_BYTES, MAX_TRUST_DOMAIN_BYTES, SpiffeIdErrorKind as Kind};
    use proptest::prelude::*;

    fn kind(text: &str) -> (Kind, usize) {
        let e = SpiffeId::parse(text).unwrap_err();
        (e.kind(), e.offset())
    }

    #[test]
    fn every_rule_names_itself_and_the_place() {
        assert_eq!(kind(""), (Kind::Empty, 0));
        assert_eq!(kind("SPIFFE://td/a"), (Kind::WrongScheme, 0));
        assert_eq!(kind("spiffe:/td"), (Kind::WrongScheme, 8));
        assert_eq!(kind("spiffe:///a"), (Kind::MissingTrustDomain, 9));
        assert_eq!(kind("spiffe://Td/a"), (Kind::BadTrustDomainByte, 9));
        assert_eq!(kind("spiffe://td:8080/a"), (Kind::BadTrustDomainByte, 11));
        assert_eq!(kind("spiffe://td/"), (Kind::TrailingSlash, 11));
        assert_eq!(kind("spiffe://td/a/"), (Kind::TrailingSlash, 13));
        assert_eq!(kind("spiffe://td/a//b"), (Kind::EmptySegment, 14));
        assert_eq!(kind("spiffe://td/./b"), (Kind::DotSegment, 12));
        assert_eq!(kind("spiffe://td/a/.."), (Kind::DotSegment, 14));
        assert_eq!(kind("spiffe://td/a%20b"), (Kind::BadPathByte, 13));
        assert_eq!(kind("spiffe://td/a#"), (Kind::BadPathByte, 13));
    }

    #[test]
    fn the_limits_are_exact() {
        let td = "a".repeat(MAX_TRUST_DOMAIN_BYTES);
        assert!(SpiffeId::parse(&format!("spiffe://{td}/p")).is_ok());
        assert_eq!(kind(&format!("spiffe://{td}a/p")).0, Kind::TrustDomainTooLong);
        let path = "p".repeat(MAX_ID_BYTES - "spiffe://td/".len());
        assert!(SpiffeId::parse(&format!("spiffe://td/{path}")).is_ok());
        assert_eq!(kind(&format!("spiffe://td/{path}p")).0, Kind::TooLong);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_text(text in ".{0,64}") {
            if let Ok(id) = SpiffeId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn parts_make_the_whole(td in "[a-z0-9._-]{1,255}", path in "(/[a-zA-Z0-9_-]{1,9}){0,9}") {
            let id = SpiffeId::parse(&format!("spiffe://{td}{path}")).unwrap();
            let domain = id.trust_domain();
            prop_assert_eq!(domain.as_str(), &td);
            prop_assert_eq!(id.path(), &path);
            prop_assert_eq!(SpiffeId::from_path(id.trust_domain(), id.path()).unwrap(), id);
        }
    }
}
