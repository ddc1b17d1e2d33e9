use std::time::Duration;

use bytes::Bytes;
use meshroot::issue::LifetimeCut;
use meshroot::policy::{Grant, PolicyCut};
use meshroot::time::{Timestamp, Validity};
use meshroot::x509::{Certificate, SerialNumber};
use meshroot_store::{IssuanceRow, Query, Recorded};

use super::IssuingError;
use crate::mesh::Mesh;

/// A certificate that is on record, with all that its holder wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Its chain in PEM, a text for each certificate.
    pub(crate) chain: Vec<String>,
    pub(crate) serial: SerialNumber,
    pub(crate) validity: Validity,
    pub(crate) renew_after: Timestamp,
    pub(crate) lifetime_cut: Option<Cut>,
    /// The bundle of its trust domain, as published when it was answered.
    pub(crate) bundle: Bytes,
    pub(crate) sequence: u64,
}

/// Why a certificate lives shorter than was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub(crate) asked: Duration,
    pub(crate) got: Duration,
    pub(crate) reason: String,
}

/// What cut it last counts: the policy before, the CA above it after.
pub(super) fn cut(by_ca: Option<&LifetimeCut>, by_policy: Option<&PolicyCut>) -> Option<Cut> {
    let asked = by_policy.map(|cut| cut.asked);
    match (by_ca, by_policy) {
        (Some(ca), _) => Some(Cut { asked: asked.unwrap_or(ca.asked), got: ca.got, reason: ca.to_string() }),
        (None, Some(policy)) => Some(Cut { asked: policy.asked, got: policy.max, reason: policy.to_string() }),
        (None, None) => None,
    }
}

impl Answer {
    pub(super) fn new(recorded: &Recorded, cut: Option<Cut>, grant: &Grant, now: Timestamp, mesh: &Mesh) -> Result<Self, IssuingError> {
        let (serial, validity) = (recorded.serial(), recorded.validity());
        let answer = Self::of(serial, validity, grant.trust_domain().as_str(), recorded.chain_pems(), now, mesh)?;
        Ok(Self { lifetime_cut: cut, ..answer })
    }

    /// The certificate at this position of the log, with its CA's.
    pub(super) fn again(mesh: &Mesh, position: u64) -> Result<Self, IssuingError> {
        let query = Query { after: position.saturating_sub(1), limit: 1, ..Query::default() };
        let row: IssuanceRow = mesh.store().issuances(&query)?.pop().filter(|row| row.position == position).ok_or(IssuingError::Gone)?;
        let leaf = Certificate::from_der(&row.certificate).map_err(|_| IssuingError::Gone)?;
        if mesh.revoked().find(&row.trust_domain, &row.authority, &row.serial).is_some() {
            return Err(IssuingError::Revoked);
        }
        let snapshot = mesh.now();
        let domain = snapshot.trust_domain(row.trust_domain.as_str()).ok_or(IssuingError::Gone)?;
        let ca = domain.hierarchy.authority(row.authority.as_str()).and_then(|authority| authority.certificate()).ok_or(IssuingError::Gone)?;
        let chain = [&leaf, ca].map(|one| meshroot::pem::encode_certificates([one])).into();
        Self::of(leaf.serial(), leaf.validity(), row.trust_domain.as_str(), chain, row.at, mesh)
    }

    fn of(
        serial: &SerialNumber,
        validity: Validity,
        trust_domain: &str,
        chain: Vec<String>,
        now: Timestamp,
        mesh: &Mesh,
    ) -> Result<Self, IssuingError> {
        let snapshot = mesh.now();
        let published = &snapshot.trust_domain(trust_domain).ok_or(IssuingError::Gone)?.published;
        Ok(Self {
            chain,
            serial: serial.clone(),
            validity,
            renew_after: renew_after(serial, validity, now),
            lifetime_cut: None,
            bundle: published.spiffe.body.clone(),
            sequence: published.sequence,
        })
    }
}

/// Between half and two thirds of the remaining life, spread by the serial number, which is random: those who came at
/// the same moment come back at different ones.
fn renew_after(serial: &SerialNumber, validity: Validity, now: Timestamp) -> Timestamp {
    let life = validity.not_after.since(now);
    let spread = serial.as_bytes().last().copied().unwrap_or_default();
    let sixth = life.checked_div(6).unwrap_or(Duration::ZERO);
    now.plus(life.checked_div(2).unwrap_or(Duration::ZERO)).plus(sixth.mul_f64(f64::from(spread) / 255.0))
}
