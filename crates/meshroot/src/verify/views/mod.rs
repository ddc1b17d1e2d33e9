#![doc = include_str!("views.md")]

mod algorithms;
mod certificate;
mod departures;
mod encodings;
mod engine;
mod issuers;
mod leniency;
mod lists;
mod presented;
mod reading;
mod symptom;
mod table;

use core::fmt;

pub(super) use certificate::{check_ca, check_leaf, in_time};
pub(super) use departures::Departures;
pub(super) use issuers::Wanted;
pub(super) use leniency::alt_names;
pub(super) use presented::{check_chain, check_leaf_key, forget_unread, leaf_is_anchor};
pub(super) use table::Departure;

pub use engine::as_others_see;

use super::Rejection;
use crate::time::Timestamp;

/// A path validator that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Implementation {
    /// Go's crypto/x509, under go-spiffe, istiod and most of what is written for Kubernetes.
    Go,
    /// BoringSSL as Envoy drives it: the sidecars of a mesh.
    BoringSsl,
    /// rustls with rustls-webpki and ring's algorithms, CRLs taken as ztunnel takes them: ambient meshes, linkerd.
    RustlsWebpki,
    /// OpenSSL, as `openssl verify` has it without `-x509_strict`.
    OpenSsl,
}

impl Implementation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Go, Self::BoringSsl, Self::RustlsWebpki, Self::OpenSsl];

    /// A short stable name: `go`, `boringssl`, `rustls`, `openssl`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::BoringSsl => "boringssl",
            Self::RustlsWebpki => "rustls",
            Self::OpenSsl => "openssl",
        }
    }

    /// What it is, for people: the library and who uses it.
    pub const fn product(self) -> &'static str {
        match self {
            Self::Go => "Go crypto/x509 (go-spiffe, istiod)",
            Self::BoringSsl => "BoringSSL (Envoy)",
            Self::RustlsWebpki => "rustls-webpki (ztunnel)",
            Self::OpenSsl => "OpenSSL",
        }
    }
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.product())
    }
}

impl core::str::FromStr for Implementation {
    type Err = UnknownImplementation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str() == name).ok_or_else(|| UnknownImplementation(name.to_owned()))
    }
}

/// No implementation has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no validator that we know: go, boringssl, rustls or openssl")]
pub struct UnknownImplementation(String);

impl UnknownImplementation {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "verify.unknown_implementation"
    }
}

/// One way in which an implementation judges otherwise than we do, shown on the real one by a case in this project's tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// A stable name, like `boringssl.ed25519_leaf`.
    pub code: &'static str,
    /// Who differs.
    pub implementation: Implementation,
    /// Which way.
    pub kind: Kind,
    /// What it does, in a sentence or two; "it" is the implementation.
    pub what: &'static str,
    /// Where that is written: files and functions of its source.
    pub source: &'static str,
    departure: Departure,
}

/// Which way a difference goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It accepts more than we do.
    Laxer,
    /// It accepts less than we do.
    Stricter,
    /// Either, as the case may be.
    Other,
}

impl Kind {
    /// `laxer`, `stricter` or `other`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Laxer => "laxer",
            Self::Stricter => "stricter",
            Self::Other => "other",
        }
    }
}

/// Every difference that is known.
pub fn differences() -> &'static [Difference] {
    table::DIFFERENCES
}

/// What one implementation makes of a chain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct View {
    /// Who judges.
    pub implementation: Implementation,
    /// What it says.
    pub verdict: Verdict,
    /// What made this verdict another than ours; empty where both agree.
    pub because: Vec<&'static Difference>,
}

/// What an implementation would say.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It accepts the chain.
    Accepts {
        /// The last second in which it does, CRLs left aside.
        not_after: Timestamp,
    },
    /// It refuses the chain.
    Refuses(Rejection),
    /// It reads or computes what we cannot: here we stopped.
    CannotSay(Rejection),
}

impl Verdict {
    /// Whether it accepts; `None` when we cannot say.
    pub fn accepts(&self) -> Option<bool> {
        match self {
            Self::Accepts { .. } => Some(true),
            Self::Refuses(_) => Some(false),
            Self::CannotSay(_) => None,
        }
    }

    /// Why not, or where we stopped.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Accepts { .. } => None,
            Self::Refuses(rejection) | Self::CannotSay(rejection) => Some(rejection),
        }
    }
}

impl View {
    /// What a person sees when it refuses, word for word where we know it: Go's error, Envoy's
    /// `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%`, webpki's error, OpenSSL's verify error.
    pub fn symptom(&self) -> Option<String> {
        match &self.verdict {
            Verdict::Refuses(rejection) => symptom::of(self.implementation, rejection),
            _ => None,
        }
    }
}

impl fmt::Display for View {
    /// One sentence: `BoringSSL (Envoy) would accept this, because …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Accepts { .. } => write!(f, "{} would accept this", self.implementation)?,
            Verdict::Refuses(rejection) => write!(f, "{} would not accept this: {}", self.implementation, rejection)?,
            Verdict::CannotSay(rejection) => write!(f, "what {} would say, we cannot: {}", self.implementation, rejection)?,
        }
        for (index, difference) in self.because.iter().enumerate() {
            write!(f, "{} {} [{}]", if index == 0 { ". This differs because:" } else { ";" }, difference.what, difference.code)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Crypto;
    use crate::verify::{PathQuery, Rules};

    #[test]
    fn every_implementation_is_found_by_its_name() {
        for one in Implementation::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
            assert!(differences().iter().any(|difference| difference.implementation == one && difference.code.starts_with(one.as_str())));
        }
        assert!("java".parse::<Implementation>().is_err());
    }

    #[test]
    fn every_difference_fits_the_set_and_our_own_rules_have_none() {
        assert!(Rules::spiffe().departures.is_empty() && Rules::pkix().departures.is_empty());
        for difference in differences() {
            assert!(Departures::of(difference.implementation).has(difference.departure), "{}", difference.code);
            assert!((difference.departure as u32) < u128::BITS);
        }
    }

    #[test]
    fn nothing_that_is_presented_makes_a_view_fail() {
        let query = PathQuery::new(Timestamp::from_unix(1_800_000_000));
        let rubbish: [&[Vec<u8>]; 4] = [&[], &[vec![]], &[vec![0x30, 0x80, 0, 0]], &[vec![0xff; 300], vec![0x30; 300]]];
        for chain in rubbish {
            let views = as_others_see(chain, &[], &query, &Crypto::ring());
            assert_eq!(views.len(), Implementation::ALL.len());
            for view in views {
                assert_ne!(view.verdict.accepts(), Some(true), "{view}");
                assert!(!view.to_string().is_empty());
            }
        }
    }
}
