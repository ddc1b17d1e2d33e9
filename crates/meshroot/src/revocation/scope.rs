use core::fmt;

use super::CrlProblem;
use crate::x509::encode::{SEQUENCE, explicit, implicit};
use crate::x509::reader::{DerReader, Element};

/// Which of its issuer's certificates a CRL covers: issuingDistributionPoint (RFC 5280 §5.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Scope {
    /// Which kind of certificates.
    pub of: ScopeOf,
    /// Only those whose cRLDistributionPoints name the same distribution point.
    pub of_distribution_point: bool,
}

/// The kind of certificates that a CRL covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScopeOf {
    /// All of them.
    All,
    /// Those of no CAs.
    UserCertificates,
    /// Those of CAs.
    CaCertificates,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.of {
            ScopeOf::All => "certificates",
            ScopeOf::UserCertificates => "certificates of no CAs",
            ScopeOf::CaCertificates => "certificates of CAs",
        })?;
        if self.of_distribution_point { f.write_str(" that name its distribution point") } else { Ok(()) }
    }
}

/// A decoded issuingDistributionPoint.
#[derive(Clone, Debug)]
pub(super) struct IssuingDistributionPoint<'a> {
    pub(super) scope: Scope,
    /// The GeneralNames of fullName, each with its header.
    pub(super) names: Vec<&'a [u8]>,
    pub(super) problem: Option<CrlProblem>,
}

impl<'a> IssuingDistributionPoint<'a> {
    /// Without the extension: everything.
    pub(super) fn everything() -> Self {
        Self { scope: Scope { of: ScopeOf::All, of_distribution_point: false }, names: Vec::new(), problem: None }
    }

    pub(super) fn decode(value: &'a [u8]) -> der::Result<Self> {
        let mut outer = DerReader::new(value);
        let sequence = outer.required(SEQUENCE)?;
        outer.finish()?;
        let mut fields = sequence.inside();
        let mut idp = Self::everything();
        if let Some(point) = fields.optional(explicit(0))? {
            idp.scope.of_distribution_point = true;
            match full_name(point)? {
                Some(names) => idp.names = names,
                None => idp.problem = Some(CrlProblem::RelativeDistributionPoint),
            }
        }
        let user = flag(&mut fields, 1)?;
        let ca = flag(&mut fields, 2)?;
        let some_reasons = fields.optional(implicit(3))?.is_some();
        let indirect = flag(&mut fields, 4)?;
        let attributes = flag(&mut fields, 5)?;
        fields.finish()?;
        idp.scope.of = match (user, ca, attributes) {
            (false, false, _) => ScopeOf::All,
            (true, false, false) => ScopeOf::UserCertificates,
            (false, true, false) => ScopeOf::CaCertificates,
            // At most one of them may be TRUE.
            _ => return Err(sequence.wrong()),
        };
        let problems =
            [(indirect, CrlProblem::Indirect), (some_reasons, CrlProblem::OnlySomeReasons), (attributes, CrlProblem::OnlyAttributeCertificates)];
        idp.problem = problems.into_iter().find(|(there, _)| *there).map(|(_, problem)| problem).or(idp.problem);
        Ok(idp)
    }
}

/// `[n] IMPLICIT BOOLEAN DEFAULT FALSE`.
fn flag(fields: &mut DerReader<'_>, n: u8) -> der::Result<bool> {
    match fields.optional(implicit(n))? {
        // DER leaves a default value out (X.690 §11.5).
        Some(flag) if !flag.boolean()? => Err(flag.wrong()),
        flag => Ok(flag.is_some()),
    }
}

/// The names of a DistributionPointName; none when it is relative to the issuer.
fn full_name(point: Element<'_>) -> der::Result<Option<Vec<&[u8]>>> {
    let mut choice = point.inside();
    let name = choice.element()?;
    choice.finish()?;
    if name.tag == explicit(1) {
        return Ok(None);
    }
    if name.tag != explicit(0) {
        return Err(name.wrong());
    }
    let mut names = name.inside();
    let mut found = Vec::new();
    while !names.is_finished() {
        found.push(names.element()?.whole);
    }
    if found.is_empty() { Err(name.wrong()) } else { Ok(Some(found)) }
}

/// Whether the content of a certificate's cRLDistributionPoints (RFC 5280 §4.2.1.13) names one of `names`, for all
/// reasons and by its own issuer.
pub(super) fn names_point(distribution_points: &[u8], names: &[Box<[u8]>]) -> bool {
    named(distribution_points, names).unwrap_or(false)
}

fn named(value: &[u8], names: &[Box<[u8]>]) -> der::Result<bool> {
    let mut outer = DerReader::new(value);
    let mut points = outer.required(SEQUENCE)?.inside();
    outer.finish()?;
    while !points.is_finished() {
        let mut point = points.required(SEQUENCE)?.inside();
        let Some(name) = point.optional(explicit(0))? else { continue };
        // `reasons` and `cRLIssuer` make it another list than the one that we look for.
        if !point.is_finished() {
            continue;
        }
        if full_name(name)?.is_some_and(|own| own.iter().any(|name| names.iter().any(|other| **other == **name))) {
            return Ok(true);
        }
    }
    Ok(false)
}
