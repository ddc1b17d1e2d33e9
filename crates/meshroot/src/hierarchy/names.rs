use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::InvalidClusterName;

/// The name of a cluster, as Istio's `clusterName` and remote secrets use it: 1 to 63 of `a-z A-Z 0-9 . _ -`, starting
/// with a letter or digit. It becomes a folder's name and part of a CA's subject. Copies share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(Arc<str>);

impl ClusterName {
    /// Reads a name.
    ///
    /// # Errors
    /// When it is too long, or has a character that a folder's or a Kubernetes object's name may not have.
    pub fn parse(name: &str) -> Result<Self, InvalidClusterName> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if first && name.len() <= 63 && name.bytes().all(good) {
            Ok(Self(name.into()))
        } else {
            Err(InvalidClusterName(name.chars().take(80).collect()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClusterName {
    type Err = InvalidClusterName;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl Borrow<str> for ClusterName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use super::ClusterName;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    impl Serialize for ClusterName {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_str(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for ClusterName {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
        }
    }
}
