//! What waits for the root's key, and what came of it.

use std::time::Duration;

use meshroot::csr::Csr;
use meshroot::hierarchy::{Authority, AuthorityId, Command, Event, Hierarchy};
use meshroot::lint::{Severity, check_certificate};
use meshroot::profile::ProfileKind;
use meshroot::revocation::Crl;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::CaPath;
use meshroot::x509::Certificate;
use meshroot_store::{CaAnswer, CaRequest, CaRequestId, PublishedCrl, RevocationChange};

use super::crls::{self, KEPT};
use super::{Domain, Mesh};
use crate::root::{ClusterCaAsk, CrlAsk, RevokedAsk, RootAnswer, RootError, RootRequest, profile_of};

/// How long before the root's CRL is out of date the next one is asked for.
const SOON: Duration = Duration::from_secs(90 * 86_400);

/// How long a request waits: after that it is in no file any more, and its client has to ask anew.
const WAITS: Duration = Duration::from_secs(30 * 86_400);

/// What an answer changed.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Requests that have their certificate now, and the authorities that came of them.
    pub(crate) cas: Vec<(CaRequestId, AuthorityId)>,
    pub(crate) crl: Option<PublishedCrl>,
}

impl Mesh {
    /// What waits for each root's key, a file for each root. Blocks.
    pub(crate) fn root_requests(&self) -> Result<Vec<RootRequest>, RootError> {
        let now = self.clock.now();
        let mut waiting = self.store.waiting_ca_requests()?;
        waiting.retain(|request| now < request.at.plus(WAITS));
        let snapshot = self.now();
        let mut all = Vec::new();
        for domain in snapshot.trust_domains() {
            let trust_domain = domain.hierarchy.trust_domain();
            let Some(root) = domain.hierarchy.active_root() else { continue };
            let asks: Vec<_> = waiting.iter().filter(|request| request.trust_domain == *trust_domain).map(|request| self.ask_of(request)).collect();
            let crl = self.crl_ask(domain, root);
            if !asks.is_empty() || crl.is_some() {
                let store = self.store.meta().id.as_str();
                all.push(RootRequest::new(trust_domain.clone(), root.id().clone(), store, self.clock.now(), asks, crl));
            }
        }
        Ok(all)
    }

    /// One request as a file for the root.
    pub(crate) fn root_request(&self, request: &CaRequest) -> Option<RootRequest> {
        let snapshot = self.now();
        let domain = snapshot.trust_domain(request.trust_domain.as_str())?;
        let root = domain.hierarchy.active_root()?;
        let store = self.store.meta().id.as_str();
        Some(RootRequest::new(request.trust_domain.clone(), root.id().clone(), store, self.clock.now(), vec![self.ask_of(request)], None))
    }

    fn ask_of(&self, request: &CaRequest) -> ClusterCaAsk {
        ClusterCaAsk {
            request: request.id.to_string(),
            cluster: request.cluster.to_string(),
            profile: request.profile.clone(),
            lifetime_seconds: request.lifetime.as_secs(),
            csr_sha256: self.crypto.sha256(&request.csr).iter().map(|octet| format!("{octet:02x}")).collect(),
            csr: Csr::from_der(&request.csr).map(|csr| csr.to_pem()).unwrap_or_default(),
            asked_by: request.caller.clone(),
            asked_at: request.at,
        }
    }

    /// The root's CRL, where it is missing, soon out of date, or does not tell of everything.
    fn crl_ask(&self, domain: &Domain, root: &Authority) -> Option<CrlAsk> {
        let now = self.clock.now();
        let trust_domain = domain.hierarchy.trust_domain();
        let revoked = self.revoked();
        let served = revoked.crls.iter().find(|served| served.trust_domain == *trust_domain && served.authority == *root.id());
        let soon = served.is_none_or(|served| served.crl.next_update().is_none_or(|until| until <= now.plus(SOON)));
        let untold = revoked.untold().any(|one| one.trust_domain == *trust_domain && one.authority == *root.id() && one.not_after >= now);
        if !soon && !untold {
            return None;
        }
        let subject = |serial: &meshroot::x509::SerialNumber| {
            let cas = domain.hierarchy.authorities().iter().flat_map(Authority::certificates);
            let subject = cas.filter(|ca| ca.serial() == serial).map(|ca| ca.subject().to_string()).next();
            subject.unwrap_or_else(|| "a CA that is not known here".into())
        };
        let of_root = crls::of(revoked.revocations(), trust_domain, root.id()).map(|one| RevokedAsk {
            serial: one.serial.to_string(),
            subject: subject(&one.serial),
            not_after: one.not_after,
            at: one.at,
            reason: one.reason.to_string(),
            by: one.by.clone(),
        });
        let mut of_root: Vec<_> = of_root.collect();
        of_root.sort_by(|a, b| a.serial.cmp(&b.serial));
        let number = served.and_then(|served| served.crl.number()).and_then(|number| u64::try_from(number).ok());
        Some(CrlAsk { number_above: number.unwrap_or_default(), revoked: of_root })
    }

    /// Has a request signed, if the root's key is at hand. Blocks.
    pub(crate) fn sign_at_once(&self, request: &CaRequest) -> Result<bool, RootError> {
        let Some(file) = self.root_request(request) else { return Ok(false) };
        let Some(root) = self.root_of(&file.trust_domain, &file.root) else { return Ok(false) };
        let answer = root.sign(&file, self.clock.now())?;
        self.take(&answer, "the root, at hand")?;
        Ok(true)
    }

    /// Takes what a root signed: everything is looked at before anything is stored. Taken twice it is taken once. Blocks.
    pub(crate) fn take(&self, answer: &RootAnswer, by: &str) -> Result<Taken, RootError> {
        let crl = answer.crl.as_ref().map(|pem| self.crl_of_answer(answer, pem)).transpose()?;
        let mut cas = Vec::new();
        for signed in &answer.cluster_cas {
            let unknown = || RootError::NoSuchRequest(signed.request.chars().take(40).collect());
            let id = CaRequestId::parse(&signed.request).ok_or_else(unknown)?;
            let request = self.store.ca_request(&id)?.ok_or_else(unknown)?;
            cas.push((self.look_at(&request, &signed.certificate)?, request));
        }
        let mut taken = Taken::default();
        for (certificate, request) in cas {
            let authority = self.take_ca(&request, &certificate, by)?;
            taken.cas.push((request.id, authority));
        }
        if let Some(published) = crl {
            self.publish(&published)?;
            taken.crl = Some(published);
        }
        Ok(taken)
    }

    /// Whether a certificate is what a request asked for.
    fn look_at(&self, request: &CaRequest, pem: &str) -> Result<Certificate, RootError> {
        let not = |why: String| RootError::NotWhatWasAsked { request: request.id.to_string(), why };
        let mut read = meshroot::pem::certificates(pem.as_bytes()).map_err(|e| not(e.to_string()))?;
        let (Some(certificate), true) = (read.pop(), read.is_empty()) else { return Err(not("it is not one certificate".into())) };
        let csr = Csr::from_der(&request.csr)?;
        if csr.public_key() != certificate.public_key() {
            return Err(not("it is for another key".into()));
        }
        let profile = profile_of(&request.profile).ok_or_else(|| not(format!("there is no profile '{}'", request.profile)))?;
        let path_len = if profile.kind() == ProfileKind::SubordinateCa { 1 } else { 0 };
        if certificate.basic_constraints().is_none_or(|constraints| !constraints.ca || constraints.path_len != Some(path_len)) {
            return Err(not(format!("it is no {}: its pathLenConstraint is not {path_len}", profile.kind())));
        }
        let findings = check_certificate(certificate.der()).map_err(|e| not(e.to_string()))?;
        if let Some(fault) = findings.iter().find(|finding| finding.severity == Severity::Error) {
            return Err(not(fault.to_string()));
        }
        let snapshot = self.now();
        let domain = snapshot.trust_domain(request.trust_domain.as_str()).ok_or_else(|| not("its trust domain is gone".into()))?;
        let anchors = domain.published.bundle.x509_authorities();
        CaPath::find(&certificate, &[], anchors, &self.crypto, self.clock.now()).map_err(|e| not(e.to_string()))?;
        Ok(certificate)
    }

    fn take_ca(&self, request: &CaRequest, certificate: &Certificate, by: &str) -> Result<AuthorityId, RootError> {
        if let Some(answered) = &request.answered {
            let snapshot = self.now();
            let held =
                snapshot.trust_domain(request.trust_domain.as_str()).and_then(|domain| domain.hierarchy.authority(answered.authority.as_str()));
            let same = held.is_some_and(|authority| authority.certificates().contains(certificate));
            return if same { Ok(answered.authority.clone()) } else { Err(RootError::AnsweredOtherwise(request.id.to_string())) };
        }
        let now = self.clock.now();
        let decide = |hierarchy: &Hierarchy| -> Result<Vec<Event>, RootError> {
            let path = CaPath::find(certificate, &[], hierarchy.bundle()?.x509_authorities(), &self.crypto, now)?;
            Ok(hierarchy.decide(&Command::AddCluster { cluster: request.cluster.clone(), path }, &self.crypto, now)?)
        };
        let mut added = None;
        let decide = |hierarchy: &Hierarchy| {
            let events = decide(hierarchy)?;
            added = events.iter().find_map(authority_of);
            Ok::<_, RootError>(events)
        };
        self.change(&request.trust_domain, decide, |change| {
            let authority = change.events.iter().find_map(authority_of);
            // A change that adds nobody answers nothing.
            let Some(authority) = authority else { return self.store.commit(change) };
            self.store.answer_ca_request(&request.id, &CaAnswer { authority, at: now, by: by.to_owned() }, change)
        })?;
        added.ok_or_else(|| RootError::NotWhatWasAsked { request: request.id.to_string(), why: "nothing came of it".into() })
    }

    fn crl_of_answer(&self, answer: &RootAnswer, pem: &str) -> Result<PublishedCrl, RootError> {
        let unfit = |why: String, code| RootError::Crl { why, code };
        let mut read = Crl::from_pem(pem.as_bytes()).map_err(|e| unfit(e.to_string(), e.code()))?;
        let (Some(crl), true) = (read.pop(), read.is_empty()) else { return Err(unfit("it is not one CRL".into(), "crl.several")) };
        let published = PublishedCrl { trust_domain: answer.trust_domain.clone(), authority: answer.root.clone(), crl };
        let held = self.store.revocations(self.clock.now().minus(KEPT))?;
        self.check_crl(&published, &held)?;
        Ok(published)
    }

    /// Publishes a CRL that was made elsewhere, once it was looked at. One that is published already is left alone.
    pub(crate) fn publish(&self, published: &PublishedCrl) -> Result<(), RootError> {
        let now = self.clock.now();
        self.change_revocations::<RootError>(|held| {
            self.check_crl(published, held)?;
            let crls = if held.crls.contains(published) { Vec::new() } else { vec![published.clone()] };
            Ok(RevocationChange { crls, ..RevocationChange::new(0, now) })
        })?;
        Ok(())
    }

    fn check_crl(&self, published: &PublishedCrl, held: &meshroot_store::Revocations) -> Result<(), RootError> {
        let (trust_domain, name) = (&published.trust_domain, &published.authority);
        let snapshot = self.now();
        let unknown = || RootError::OtherRoot { wanted: format!("{name} of {trust_domain}"), found: "no authority of this name".into() };
        let domain = snapshot.trust_domain(trust_domain.as_str()).ok_or_else(unknown)?;
        let authority = domain.hierarchy.authority(name.as_str()).ok_or_else(unknown)?;
        if domain.has_key(name) {
            let why = format!("the CRLs of '{name}' are made here, with its key, and none is taken from elsewhere");
            return Err(RootError::Crl { why, code: "crl.made_here" });
        }
        let revoked = crls::of(held.revoked.iter(), trust_domain, name);
        crls::check(&published.crl, authority, revoked, &self.crypto, self.clock.now())
            .map_err(|unfit| RootError::Crl { why: format!("'{name}': {unfit}"), code: unfit.code() })
    }

    /// The CA that came of a request: its certificate, the bundle's number, and the authority's name.
    pub(crate) fn answered_ca(&self, request: &CaRequest) -> Option<AnsweredCa> {
        let answered = request.answered.as_ref()?;
        let snapshot = self.now();
        let domain = snapshot.trust_domain(request.trust_domain.as_str())?;
        let authority = domain.hierarchy.authority(answered.authority.as_str())?;
        Some(AnsweredCa {
            authority: authority.id().clone(),
            certificate: authority.certificate()?.clone(),
            roots_pem: domain.published.bundle.to_pem(),
            bundle: domain.published.spiffe.body.clone(),
            sequence: domain.published.sequence,
            at: answered.at,
        })
    }
}

/// What a cluster is given.
#[derive(Debug)]
pub(crate) struct AnsweredCa {
    pub(crate) authority: AuthorityId,
    pub(crate) certificate: Certificate,
    pub(crate) roots_pem: String,
    pub(crate) bundle: bytes::Bytes,
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
}

fn authority_of(event: &Event) -> Option<AuthorityId> {
    match event {
        Event::AuthorityAdded { authority, .. } => Some(authority.clone()),
        _ => None,
    }
}

/// For those who look an authority up by its trust domain.
pub(crate) fn trust_domain_of(snapshot: &super::Snapshot, authority: &str) -> Option<(TrustDomain, AuthorityId)> {
    let mut all = snapshot.trust_domains().iter();
    all.find_map(|domain| Some((domain.hierarchy.trust_domain().clone(), domain.hierarchy.authority(authority)?.id().clone())))
}
