use std::sync::Arc;

use super::authorized::Subject;
use super::linted_tbs::IssuerAt;
use super::tbs::Content;
use super::{Authorized, IssueError, Issued, LifetimeCut, LintedTbs};
use crate::bundle::Bundle;
use crate::key::{Crypto, Entropy, KeyId, Signer};
use crate::lint::Linted;
use crate::profile::{Profile, ProfileKind};
use crate::spiffe::TrustDomain;
use crate::time::{Timestamp, Validity};
use crate::verify::CaPath;
use crate::x509::{Certificate, DistinguishedName, SerialNumber};

/// A CA that issues: its chain up to an anchor of its trust domain's bundle, verified, and its signer.
#[derive(Clone, Debug)]
pub struct Issuer {
    trust_domain: TrustDomain,
    path: CaPath,
    name: DistinguishedName,
    key_id: KeyId,
    signer: Arc<dyn Signer>,
    crypto: Crypto,
}

impl Issuer {
    /// A CA with this chain (its own certificate first, then upward; the anchor may be left out) that issues for the
    /// bundle's trust domain. The chain is verified against the bundle, once; when a new bundle is published, make a
    /// new issuer.
    ///
    /// # Errors
    /// [`IssueError::Issuer`] when the chain does not lead to the bundle, [`IssueError::SignerMismatch`],
    /// [`IssueError::ClockBeforeCa`], [`IssueError::CaExpired`].
    pub fn new(chain: &[Certificate], bundle: &Bundle, signer: Arc<dyn Signer>, crypto: Crypto, now: Timestamp) -> Result<Self, IssueError> {
        let (own, above) = chain.split_first().ok_or(IssueError::SignerMismatch("(none)".into()))?;
        if own.public_key() != signer.public_key() {
            return Err(IssueError::SignerMismatch(own.subject().to_string()));
        }
        let path = CaPath::find(own, above, bundle.x509_authorities(), &crypto, now).map_err(|rejection| match rejection.reason {
            crate::verify::Reason::NotYetValid { not_before, now } => IssueError::ClockBeforeCa { from: not_before, now },
            crate::verify::Reason::Expired { not_after, now } => {
                let ca = rejection.certificate.map_or_else(String::new, |at| at.subject.to_string());
                IssueError::CaExpired { ca, at: not_after, now }
            }
            _ => IssueError::Issuer(rejection),
        })?;
        Ok(Self {
            trust_domain: bundle.trust_domain().clone(),
            name: own.subject().clone(),
            key_id: own.subject_key_id().cloned().unwrap_or_else(|| own.public_key().key_id(&crypto)),
            path,
            signer,
            crypto,
        })
    }

    /// The trust domain it issues for.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Its chain: its own certificate first, the trust anchor last.
    pub fn path(&self) -> &CaPath {
        &self.path
    }

    /// Issues a certificate: one signature, one verification.
    ///
    /// # Errors
    /// Every variant of [`IssueError`]; nothing that could be used has left then.
    pub fn issue(&self, grant: Authorized, profile: &Profile, entropy: &dyn Entropy, now: Timestamp) -> Result<Issued, IssueError> {
        let serial = SerialNumber::generate(entropy)?;
        self.prepare(grant, profile, serial, now)?.sign(&*self.signer)
    }

    /// The first of two steps: everything but the signature, for signers that are elsewhere.
    ///
    /// # Errors
    /// Every variant of [`IssueError`] but those of signing.
    pub fn prepare(&self, grant: Authorized, profile: &Profile, serial: SerialNumber, now: Timestamp) -> Result<LintedTbs, IssueError> {
        // A root signs itself; what somebody else signs is not one.
        if !grant.fits(profile.kind()) || profile.kind() == ProfileKind::RootCa {
            return Err(IssueError::ProfileMismatch(profile.kind()));
        }
        // SPIFFE lets a CA sign for other trust domains; a bundle that validates only its own makes that useless.
        if let Some(asked) = grant.trust_domain().filter(|asked| *asked != self.trust_domain) {
            return Err(IssueError::ForeignTrustDomain { ours: self.trust_domain.clone(), asked: asked.to_owned() });
        }
        let above = self.path.validity();
        let (validity, lifetime_cut) = self.validity(profile, above, now)?;
        let subject_key = grant.key_id(&self.crypto);
        let content = Content {
            serial: &serial,
            signature: self.signer.algorithm(),
            issuer: &self.name,
            authority_key: Some(&self.key_id),
            validity,
            subject_key: &subject_key,
            grant: &grant,
            profile,
        };
        let linted = Linted::certificate(content.encode(), profile.kind()).map_err(IssueError::Lint)?;
        Ok(LintedTbs {
            linted,
            kind: profile.kind(),
            algorithm: self.signer.algorithm(),
            issuer: IssuerAt::Path { path: self.path.clone(), trust_domain: self.trust_domain.clone() },
            subject_key: grant.public_key,
            serial,
            validity,
            lifetime_cut,
            crypto: self.crypto.clone(),
            now,
        })
    }

    /// Cross-signs another root of the trust domain: its name and key, below this CA. Peers that know only this CA's
    /// anchor then find a path to certificates below the other.
    ///
    /// # Errors
    /// When `root` did not sign itself (so nobody has proven its key), or as [`issue`](Self::issue).
    pub fn cross_sign(&self, root: &Certificate, profile: &Profile, entropy: &dyn Entropy, now: Timestamp) -> Result<Issued, IssueError> {
        CaPath::self_signed(root, &self.crypto, now).map_err(IssueError::NotValid)?;
        let subject = Subject::Authority {
            trust_domain: self.trust_domain.clone(),
            name: root.subject().clone(),
            key_id: root.subject_key_id().cloned(),
            subordinate: true,
        };
        let grant = Authorized { public_key: root.public_key().clone(), subject };
        self.issue(grant, profile, entropy, now)
    }

    /// Never longer than any issuer up to the root, and the reason when that cuts it.
    fn validity(&self, profile: &Profile, above: Validity, now: Timestamp) -> Result<(Validity, Option<LifetimeCut>), IssueError> {
        if now < above.not_before {
            return Err(IssueError::ClockBeforeCa { from: above.not_before, now });
        }
        let first = self.path.first_to_expire();
        let by = first.map_or_else(|| self.name.clone(), |ca| ca.subject().clone());
        if now >= above.not_after {
            return Err(IssueError::CaExpired { ca: by.to_string(), at: above.not_after, now });
        }
        let (asked, validity) = wanted(profile, now)?;
        let not_after = validity.not_after.min(above.not_after);
        let not_before = backdated(profile, now, not_after).max(above.not_before);
        let cut = not_after < validity.not_after;
        let validity = Validity { not_before, not_after };
        if !cut {
            return Ok((validity, None));
        }
        Ok((validity, Some(LifetimeCut { asked, got: validity.remaining(now), by, until: above.not_after })))
    }
}

/// Makes a root: a CA certificate that its own key signs.
///
/// # Errors
/// Every variant of [`IssueError`].
pub fn self_sign(
    grant: Authorized,
    profile: &Profile,
    signer: &dyn Signer,
    crypto: &Crypto,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Certificate, IssueError> {
    let Subject::Authority { name, .. } = &grant.subject else { return Err(IssueError::ProfileMismatch(profile.kind())) };
    if profile.kind() != ProfileKind::RootCa || !grant.fits(profile.kind()) {
        return Err(IssueError::ProfileMismatch(profile.kind()));
    }
    if grant.public_key() != signer.public_key() {
        return Err(IssueError::SignerMismatch(name.to_string()));
    }
    let (_, validity) = wanted(profile, now)?;
    let serial = SerialNumber::generate(entropy)?;
    let subject_key = grant.key_id(crypto);
    let content = Content {
        serial: &serial,
        signature: signer.algorithm(),
        issuer: name,
        authority_key: None,
        validity,
        subject_key: &subject_key,
        grant: &grant,
        profile,
    };
    let linted = Linted::certificate(content.encode(), profile.kind()).map_err(IssueError::Lint)?;
    let tbs = LintedTbs {
        linted,
        kind: profile.kind(),
        algorithm: signer.algorithm(),
        issuer: IssuerAt::Itself,
        subject_key: grant.public_key,
        serial,
        validity,
        lifetime_cut: None,
        crypto: crypto.clone(),
        now,
    };
    Ok(Certificate::from_der(&tbs.sign(signer)?.der)?)
}

/// What the profile asks for.
fn wanted(profile: &Profile, now: Timestamp) -> Result<(std::time::Duration, Validity), IssueError> {
    if profile.lifetime().as_secs() == 0 {
        return Err(IssueError::NoLifetime);
    }
    let not_after = now.plus(profile.lifetime());
    Ok((profile.lifetime(), Validity { not_before: backdated(profile, now, not_after), not_after }))
}

/// By a tenth of the life at most: who renews at half of the whole validity, as ztunnel does, would ask without end when that
/// half lies in the past.
fn backdated(profile: &Profile, now: Timestamp, not_after: Timestamp) -> Timestamp {
    let tenth = not_after.since(now).checked_div(10).unwrap_or_default();
    now.minus(profile.backdate().min(std::time::Duration::from_secs(tenth.as_secs())))
}
