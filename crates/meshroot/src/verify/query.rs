use crate::revocation::CrlSet;
use crate::time::Timestamp;

use super::Rules;

/// How much work finding one path may take, so that no chain buys more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Signature verifications.
    pub signatures: u32,
    /// Names compared with name constraints; and, counted for itself, certificates looked at as the issuer of another.
    pub comparisons: u32,
}

impl Default for Budget {
    /// An honest chain needs one verification a certificate; cross-signed roots and reused names a few more. Both numbers
    /// are the field's: Go gives up after 100 signatures, BoringSSL and OpenSSL after 2^20 names times constraints.
    fn default() -> Self {
        Self { signatures: 100, comparisons: 1 << 20 }
    }
}

/// What the leaf is going to be used for (extKeyUsage, RFC 5280 §4.2.1.12). A CA that states purposes passes on no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Anything: extended key usages are not looked at.
    #[default]
    Any,
    /// A TLS server.
    ServerAuth,
    /// A TLS client.
    ClientAuth,
    /// Both, as workloads are.
    Both,
}

/// Which certificate policies a path must have (RFC 5280 §6.1.1 (c), (e) to (g)). The default demands none that no CA of
/// the path demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyInputs<'a> {
    /// The policies that the caller accepts, as object identifiers in dotted form; empty accepts any.
    pub acceptable: &'a [&'a str],
    /// The path must have an accepted policy.
    pub explicit: bool,
    /// CAs may not map policies of theirs to others.
    pub inhibit_mapping: bool,
    /// anyPolicy counts for nothing.
    pub inhibit_any: bool,
}

/// The question that a path answers.
#[derive(Clone, Copy, Debug)]
pub struct PathQuery<'a> {
    /// How to judge.
    pub rules: Rules,
    /// What for.
    pub purpose: Purpose,
    /// CA certificates between leaf and anchor, at most; self-issued ones do not count.
    pub max_intermediates: Option<usize>,
    /// Lists of revoked certificates; `None` and an empty set ask for no revocation.
    pub crls: Option<&'a CrlSet>,
    /// Which certificate policies it must have.
    pub policies: PolicyInputs<'a>,
    /// The work that it may take.
    pub budget: Budget,
    /// When.
    pub now: Timestamp,
}

impl<'a> PathQuery<'a> {
    /// Our own rules for any purpose at this time.
    pub fn new(now: Timestamp) -> Self {
        Self {
            rules: Rules::spiffe(),
            purpose: Purpose::Any,
            max_intermediates: None,
            crls: None,
            policies: PolicyInputs::default(),
            budget: Budget::default(),
            now,
        }
    }

    /// Judges by these rules.
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// For this purpose.
    #[must_use]
    pub fn purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// With at most so many CA certificates between leaf and anchor.
    #[must_use]
    pub fn max_intermediates(self, most: usize) -> Self {
        Self { max_intermediates: Some(most), ..self }
    }

    /// Asks these lists about every certificate below the anchor.
    #[must_use]
    pub fn crls(self, crls: &'a CrlSet) -> Self {
        Self { crls: Some(crls), ..self }
    }

    /// With these certificate policies.
    #[must_use]
    pub fn policies(self, policies: PolicyInputs<'a>) -> Self {
        Self { policies, ..self }
    }

    /// With so much work at most.
    #[must_use]
    pub fn budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }
}
