use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use meshroot::csr::Csr;
use meshroot::hierarchy::{AuthorityId, ClusterName, Hierarchy, Role, ca_name};
use meshroot::issue::{Authorized, IssueError, Issuer};
use meshroot::key::seal::{DataKey, SealContext, SealedKey, UnlockSecret, WrappedDataKey};
use meshroot::key::{Crypto, Signer};
use meshroot::profile::ProfileKind;
use meshroot::revocation::{Crl, RevocationList, RevocationReason};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, SerialNumber};
use meshroot_store::{
    Idempotency, Issuance, Outcome, PublishedCrl, Query, Revocation, RevocationChange, SqliteStore, Store, StoreError, StoreKind, Submission,
};

use super::{ClusterCaAsk, CrlAsk, RootAnswer, RootError, RootRequest, SignedCa, profile_of};
use crate::config::RootStore;
use crate::mesh::crls;

/// How long a root's CRL is good for: its key may be away for months. What it revokes is on the next one at once, however long
/// the one before would have been good.
const LIFE: Duration = Duration::from_secs(365 * 86_400);

/// How old a root's CRL may become before the next one is made, where the root is at hand.
pub(crate) const AGE: Duration = Duration::from_secs(30 * 86_400);

/// How long the root remembers which request it signed: longer than a cluster's CA lives.
const REMEMBERED: Duration = Duration::from_secs(10 * 366 * 86_400);

/// How often a CRL is decided anew because another process used the same root at the same time.
const ATTEMPTS: usize = 8;

/// A root with its key at hand: its own store, unlocked.
pub struct RootKeeper {
    store: Arc<dyn Store>,
    hierarchy: Hierarchy,
    authority: AuthorityId,
    certificate: Certificate,
    signer: Arc<dyn Signer>,
    crypto: Crypto,
}

impl RootKeeper {
    /// Opens the active root in a root's store.
    ///
    /// # Errors
    /// [`RootError::NotARoot`], or when the store or the key cannot be opened.
    pub fn open(store: Arc<dyn Store>, data_key: &DataKey, crypto: Crypto) -> Result<Self, RootError> {
        if store.meta().kind != StoreKind::Root {
            return Err(RootError::NotARoot);
        }
        let held = store.load()?.trust_domains.into_iter().next().ok_or(RootError::NotARoot)?;
        let hierarchy = Hierarchy::replay(held.trust_domain, &held.events);
        let root = hierarchy.active_root().ok_or(RootError::NotARoot)?;
        let (authority, certificate) = (root.id().clone(), root.certificate().ok_or(RootError::NotARoot)?.clone());
        let sealed = store.sealed_key(hierarchy.trust_domain(), &authority)?.ok_or(RootError::NotARoot)?;
        let context = SealContext { store: store.meta().id.as_str(), authority: authority.as_str(), public_key: certificate.public_key() };
        let signer = data_key.open(&crypto, &context, &SealedKey::from_bytes(&sealed)?)?.signer(&crypto)?;
        Ok(Self { store, hierarchy, authority, certificate, signer, crypto })
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        self.hierarchy.trust_domain()
    }

    /// The root's name in its hierarchy.
    pub fn authority(&self) -> &AuthorityId {
        &self.authority
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Signs what a request asks for, all or nothing of it: everything is looked at before anything is signed. What is signed
    /// is on record in the root's own store before it leaves; asked again, the same comes out again.
    ///
    /// # Errors
    /// [`RootError::OtherRoot`], [`RootError::Unfit`], or when the store or the key fails.
    pub fn sign(&self, request: &RootRequest, now: Timestamp) -> Result<RootAnswer, RootError> {
        if request.trust_domain != *self.trust_domain() || request.root != self.authority {
            let found = format!("{} of {}", self.authority, self.trust_domain());
            return Err(RootError::OtherRoot { wanted: format!("{} of {}", request.root, request.trust_domain), found });
        }
        let asked = request.cluster_cas.iter().map(|ask| self.look_at(ask)).collect::<Result<Vec<_>, _>>()?;
        let revoked = request.crl.as_ref().map(|crl| self.revoked_of(crl)).transpose()?;
        let signed = request.cluster_cas.iter().zip(asked).map(|(ask, authorized)| self.cluster_ca(ask, authorized, now));
        let signed = signed.collect::<Result<Vec<_>, _>>()?;
        let crl = request.crl.as_ref().zip(revoked).map(|(ask, revoked)| self.crl(&revoked, ask.number_above, now)).transpose()?;
        Ok(RootAnswer::new(self.trust_domain().clone(), self.authority.clone(), now, signed, crl.map(|crl| crl.to_pem())))
    }

    /// Whether a request for a CA is what it says it is.
    fn look_at(&self, ask: &ClusterCaAsk) -> Result<Asked, RootError> {
        let unfit = |why: String| RootError::Unfit { request: ask.request.clone(), why };
        let csr = Csr::from_pem_or_der(ask.csr.as_bytes()).map_err(|e| unfit(e.to_string()))?;
        let digest: String = self.crypto.sha256(csr.der()).iter().map(|octet| format!("{octet:02x}")).collect();
        if digest != ask.csr_sha256 {
            return Err(unfit("the signing request in it has another digest than it says".into()));
        }
        let cluster = ClusterName::parse(&ask.cluster).map_err(|e| unfit(e.to_string()))?;
        let profile = profile_of(&ask.profile).ok_or_else(|| unfit(format!("there is no profile '{}'", ask.profile.escape_debug())))?;
        let profile = profile.with_lifetime(Duration::from_secs(ask.lifetime_seconds));
        let bound = [csr.der(), ask.cluster.as_bytes(), ask.profile.as_bytes(), &ask.lifetime_seconds.to_be_bytes()].concat();
        let request = csr.prove(&self.crypto).map_err(|e| unfit(e.to_string()))?;
        let name = ca_name(self.trust_domain(), &Role::Cluster(cluster), request.public_key(), &self.crypto);
        let authorized = match profile.kind() {
            ProfileKind::SubordinateCa => Authorized::subordinate_authority(request, self.trust_domain().clone(), name),
            _ => Authorized::authority(request, self.trust_domain().clone(), name),
        };
        Ok(Asked { authorized: authorized.map_err(|e| unfit(e.to_string()))?, profile, digest: self.crypto.sha256(&bound) })
    }

    fn cluster_ca(&self, ask: &ClusterCaAsk, asked: Asked, now: Timestamp) -> Result<SignedCa, RootError> {
        let bundle = self.hierarchy.bundle()?;
        let issuer = Issuer::new(core::slice::from_ref(&self.certificate), &bundle, Arc::clone(&self.signer), self.crypto.clone(), now)?;
        let kind = asked.profile.kind().to_string();
        let issued = issuer.issue(asked.authorized, &asked.profile, self.crypto.entropy(), now)?;
        let issuance = Issuance {
            issued,
            trust_domain: self.trust_domain().clone(),
            authority: self.authority.clone(),
            kind,
            caller: format!("request {} by {}", ask.request, ask.asked_by),
            at: now,
            since: now,
        };
        let name = Idempotency { caller: "root".into(), key: ask.request.clone(), request: asked.digest, expires_at: now.plus(REMEMBERED) };
        let outcome = self.store.submit(vec![Submission { idempotency: Some(name), ..issuance.into() }])?.pop();
        let lost = || StoreError::IdempotencyMismatch;
        let der = match outcome.ok_or_else(lost)? {
            Ok(Outcome::Recorded(recorded)) => recorded.der().to_vec(),
            Ok(Outcome::Answered(position)) => {
                let query = Query { after: position.saturating_sub(1), limit: 1, ..Query::default() };
                let row = self.store.issuances(&query)?.pop().filter(|row| row.position == position);
                row.ok_or_else(|| RootError::AnsweredOtherwise(ask.request.clone()))?.certificate
            }
            Err(StoreError::IdempotencyMismatch) => {
                let why = "another request with the same name was signed before".into();
                return Err(RootError::Unfit { request: ask.request.clone(), why });
            }
            Err(e) => return Err(e.into()),
        };
        let certificate = Certificate::from_der(&der).map_err(IssueError::from)?;
        Ok(SignedCa { request: ask.request.clone(), certificate: certificate.to_pem() })
    }

    fn revoked_of(&self, ask: &CrlAsk) -> Result<Vec<Revocation>, RootError> {
        let unfit = |why: String| RootError::Unfit { request: "for a CRL".into(), why };
        let read = |one: &super::RevokedAsk| {
            let serial = SerialNumber::from_hex(&one.serial).ok_or_else(|| unfit(format!("'{}' is no serial number", one.serial.escape_debug())))?;
            let reason: RevocationReason = one.reason.parse().map_err(|e: meshroot::revocation::InvalidReason| unfit(e.to_string()))?;
            if serial == *self.certificate.serial() {
                return Err(unfit("no CRL revokes the root that signs it".into()));
            }
            let (trust_domain, authority) = (self.trust_domain().clone(), self.authority.clone());
            Ok(Revocation { trust_domain, authority, serial, id: None, not_after: one.not_after, reason, at: one.at, by: one.by.clone() })
        };
        ask.revoked.iter().map(read).collect()
    }

    /// The root's next CRL, with these and with all that it revoked before; on record in its store before it leaves.
    ///
    /// # Errors
    /// When it cannot be made or recorded.
    pub(crate) fn crl(&self, revoked: &[Revocation], number_above: u64, now: Timestamp) -> Result<Crl, RootError> {
        for _ in 0..ATTEMPTS {
            let held = self.store.revocations(now.minus(crls::KEPT))?;
            let before = held.crls.iter().find(|crl| crl.authority == self.authority).map(|published| &published.crl);
            let all = held.revoked.iter().chain(revoked).filter(|one| one.not_after >= now.minus(crls::KEPT));
            let list: RevocationList = crls::next(before, Some(number_above), all, LIFE, now).ok_or(crate::MeshError::CrlNumbersUsedUp)?;
            let crl = list.sign(&self.certificate, &*self.signer, &self.crypto)?;
            let published = PublishedCrl { trust_domain: self.trust_domain().clone(), authority: self.authority.clone(), crl: crl.clone() };
            let change = RevocationChange { revoked: revoked.to_vec(), crls: vec![published], ..RevocationChange::new(held.version, now) };
            match self.store.commit_revocations(&change) {
                Err(StoreError::Conflict { .. }) => continue,
                other => other?,
            };
            return Ok(crl);
        }
        Err(crate::MeshError::Contended.into())
    }

    /// The root's first CRL, or the next one if that is old: for stores that the root is beside.
    ///
    /// # Errors
    /// When it cannot be made or recorded, there or here.
    pub fn publish_crl(&self, mesh: &dyn Store, now: Timestamp) -> Result<(), RootError> {
        for _ in 0..ATTEMPTS {
            let held = mesh.revocations(now.minus(crls::KEPT))?;
            let own = |published: &&PublishedCrl| published.authority == self.authority && published.trust_domain == *self.trust_domain();
            let before = held.crls.iter().find(own).map(|published| &published.crl);
            let revoked: Vec<_> = crls::of(held.revoked.iter(), self.trust_domain(), &self.authority).cloned().collect();
            let untold = revoked.iter().any(|one| before.is_none_or(|crl| crl.get(&one.serial).is_none()));
            if !untold && !crls::is_due(before, AGE, now) {
                return Ok(());
            }
            let above = before.and_then(Crl::number).and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
            let crl = self.crl(&revoked, above, now)?;
            let published = PublishedCrl { trust_domain: self.trust_domain().clone(), authority: self.authority.clone(), crl };
            // A service on the same store makes its CRLs at the same time.
            match mesh.commit_revocations(&RevocationChange { crls: vec![published], ..RevocationChange::new(held.version, now) }) {
                Err(StoreError::Conflict { .. }) => continue,
                other => other?,
            };
            return Ok(());
        }
        Err(crate::MeshError::Contended.into())
    }
}

/// A request for a CA that is what it says.
struct Asked {
    authorized: Authorized,
    profile: meshroot::profile::Profile,
    /// Of all that the certificate depends on.
    digest: [u8; 32],
}

/// Opens the root that the settings name.
pub(crate) fn read(settings: &RootStore, crypto: &Crypto) -> Result<RootKeeper, RootError> {
    let store = SqliteStore::open(&settings.store)?;
    let content = std::fs::read(&settings.unlock).map_err(|source| RootError::Unreadable { path: settings.unlock.clone(), source })?;
    let secret = UnlockSecret::from_file(&zeroize::Zeroizing::new(content))?;
    let wrapped = WrappedDataKey::from_bytes(&store.wrapped_data_key()?)?;
    let data_key = wrapped.unwrap(&secret, store.meta().id.as_str(), crypto)?;
    RootKeeper::open(Arc::new(store), &data_key, crypto.clone())
}

impl fmt::Debug for RootKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeeper({} of {})", self.authority, self.trust_domain())
    }
}
