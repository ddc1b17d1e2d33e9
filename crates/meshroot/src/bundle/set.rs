use std::collections::HashSet;
use std::time::Duration;

use super::authority::check_authority;
use super::write::{self, Form};
use super::{BundleError, JwtAuthority, MAX_REFRESH_HINT};
use crate::spiffe::TrustDomain;
use crate::x509::Certificate;

/// The trust bundle of one trust domain: the keys its identities are validated with (Trust Domain and Bundle §4).
///
/// It holds each authority once, in the order they came, and only certificates that may sign others. It changes only by
/// [`add`](Self::add) and [`remove`](Self::remove), which make a new one whose sequence number is one higher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    pub(super) trust_domain: TrustDomain,
    pub(super) sequence: Option<u64>,
    pub(super) refresh_hint: Option<Duration>,
    pub(super) x509: Vec<Certificate>,
    pub(super) jwt: Vec<JwtAuthority>,
}

/// A bundle to be: give it its authorities.
#[derive(Clone, Debug)]
#[must_use = "a bundle comes to be with its authorities"]
pub struct NewBundle {
    trust_domain: TrustDomain,
}

impl NewBundle {
    /// The bundle with these X.509 authorities, without a sequence number yet.
    ///
    /// # Errors
    /// One is no CA certificate, or is there twice; or there is none.
    pub fn with_x509_authorities(self, certificates: impl IntoIterator<Item = Certificate>) -> Result<Bundle, BundleError> {
        let mut bundle = Bundle::empty_on_purpose(self.trust_domain);
        let mut seen = HashSet::new();
        for certificate in certificates {
            if !seen.insert(Box::<[u8]>::from(certificate.der())) {
                return Err(BundleError::AlreadyThere(certificate.subject().to_string()));
            }
            require_authority(&certificate)?;
            bundle.x509.push(certificate);
        }
        if bundle.is_empty() { Err(BundleError::WouldBeEmpty) } else { Ok(bundle) }
    }
}

impl Bundle {
    /// Starts a bundle.
    ///
    /// ```no_run
    /// # fn example(root: meshroot::x509::Certificate) -> Result<(), Box<dyn std::error::Error>> {
    /// use meshroot::bundle::Bundle;
    /// use meshroot::spiffe::TrustDomain;
    /// let bundle = Bundle::new(TrustDomain::parse("mesh.example")?).with_x509_authorities([root])?.with_sequence(1);
    /// println!("{}", bundle.to_spiffe_json());
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::new_ret_no_self, reason = "a bundle without authorities exists only on purpose")]
    pub fn new(trust_domain: TrustDomain) -> NewBundle {
        NewBundle { trust_domain }
    }

    /// The bundle that makes every identity of the trust domain invalid (Trust Domain and Bundle §4.1.3). Envoy and
    /// Istio refuse it and keep what they had.
    pub fn empty_on_purpose(trust_domain: TrustDomain) -> Self {
        Self { trust_domain, sequence: None, refresh_hint: None, x509: Vec::new(), jwt: Vec::new() }
    }

    /// The same content under this sequence number (§4.1.1): for a first bundle, and for a restored store, which jumps.
    #[must_use]
    pub fn with_sequence(self, sequence: u64) -> Self {
        Self { sequence: Some(sequence), ..self }
    }

    /// The same content with this refresh hint (§4.1.2), in whole seconds, held between 1 second and
    /// [`MAX_REFRESH_HINT`]. Without one, SPIRE polls a long-lived root every few months.
    #[must_use]
    pub fn with_refresh_hint(self, hint: Duration) -> Self {
        let whole = Duration::from_secs(hint.as_secs());
        Self { refresh_hint: Some(whole.clamp(Duration::from_secs(1), MAX_REFRESH_HINT)), ..self }
    }

    /// The same bundle with these JWT authorities instead of its own.
    ///
    /// # Errors
    /// Two keys have the same key ID.
    pub fn with_jwt_authorities(self, authorities: impl IntoIterator<Item = JwtAuthority>) -> Result<Self, BundleError> {
        let mut jwt: Vec<JwtAuthority> = Vec::new();
        let mut kids = HashSet::new();
        for authority in authorities {
            if !kids.insert(authority.kid().to_owned()) {
                return Err(BundleError::AlreadyThere(authority.kid().into()));
            }
            jwt.push(authority);
        }
        Ok(Self { jwt, ..self })
    }

    /// The trust domain whose identities it validates, and no other's (SPIFFE Federation §7.3).
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The sequence number, if the document had one.
    pub fn sequence(&self) -> Option<u64> {
        self.sequence
    }

    /// How often to look for a newer one: whole seconds, 1 to 30 days.
    pub fn refresh_hint(&self) -> Option<Duration> {
        self.refresh_hint
    }

    /// The CA certificates, expired ones too.
    pub fn x509_authorities(&self) -> &[Certificate] {
        &self.x509
    }

    /// The keys of JWT-SVIDs.
    pub fn jwt_authorities(&self) -> &[JwtAuthority] {
        &self.jwt
    }

    /// Whether there is no authority of any kind.
    pub fn is_empty(&self) -> bool {
        self.x509.is_empty() && self.jwt.is_empty()
    }

    /// The bundle with one more authority, and the next sequence number.
    ///
    /// # Errors
    /// It is no CA certificate, or there already; the sequence number is at its end.
    pub fn add(&self, certificate: Certificate) -> Result<Self, BundleError> {
        let mut changed = self.next()?;
        require_authority(&certificate)?;
        if self.x509.contains(&certificate) {
            return Err(BundleError::AlreadyThere(certificate.subject().to_string()));
        }
        changed.x509.push(certificate);
        Ok(changed)
    }

    /// The bundle without this authority, and the next sequence number.
    ///
    /// # Errors
    /// It is not there, or the last X.509 authority; the sequence number is at its end.
    pub fn remove(&self, certificate: &Certificate) -> Result<Self, BundleError> {
        let mut changed = self.next()?;
        changed.x509.retain(|held| held != certificate);
        if changed.x509.len() == self.x509.len() {
            return Err(BundleError::NotThere(certificate.subject().to_string()));
        }
        if changed.x509.is_empty() { Err(BundleError::WouldBeEmpty) } else { Ok(changed) }
    }

    /// The document (§4): what go-spiffe, SPIRE and Istio read. The same content always has the same bytes.
    pub fn to_spiffe_json(&self) -> String {
        write::bundle(self, Form::Document)
    }

    fn next(&self) -> Result<Self, BundleError> {
        let next = self.sequence.unwrap_or(0).checked_add(1).ok_or(BundleError::SequenceExhausted)?;
        Ok(self.clone().with_sequence(next))
    }
}

fn require_authority(certificate: &Certificate) -> Result<(), BundleError> {
    check_authority(certificate).map_err(|reason| BundleError::NotAnAuthority { subject: certificate.subject().to_string(), reason })
}
