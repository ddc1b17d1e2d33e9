//! Finding a path: depth first from the leaf to an anchor. One engine for every question; [`PathQuery`] says how to judge.

use std::collections::HashMap;
use std::rc::Rc;

use crate::key::{Crypto, PublicKey, SignatureAlgorithm};
use crate::revocation::{Subject, VerifiedCrls};
use crate::time::{Timestamp, Validity};
use crate::x509::extension::AUTHORITY_KEY_IDENTIFIER;
use crate::x509::wire::{CertRef, TbsRef};
use crate::x509::{AltNames, Certificate, DistinguishedName};

use super::names::same_name;
use super::path::CaPath;
use super::pool::Pool;
use super::reason::{CertificateAt, Reason, Rejection};
use super::revoked::check_status;
use super::rules::{CaRules, alt_names, at, check_bare_anchor, check_ca, in_time};
use super::views::{self, Departure};
use super::work::Work;
use super::{MAX_PATH, PathQuery};

/// CA certificates in the longest path that others follow.
const LONGEST_PATH: usize = 101;

/// What a path is looked for in, and how.
pub(super) struct Ground<'a> {
    pub(super) pool: &'a Pool,
    pub(super) anchors: &'a [Certificate],
    pub(super) crypto: &'a Crypto,
    pub(super) query: &'a PathQuery<'a>,
}

/// What stands below the CAs.
#[derive(Default)]
pub(super) struct Below<'a> {
    /// The leaf, when there is one whose signature counts.
    pub(super) leaf: Option<&'a CertRef<'a>>,
    /// The leaf's subject and other names, or those of one that might be.
    pub(super) names: Option<(&'a [u8], Option<AltNames<'a>>)>,
}

impl<'a> Below<'a> {
    pub(super) fn leaf(leaf: &'a CertRef<'a>) -> Result<Self, Reason> {
        Ok(Self { leaf: Some(leaf), names: Some((leaf.tbs.subject, alt_names(&leaf.tbs)?)) })
    }
}

pub(super) struct Search<'a> {
    ground: Ground<'a>,
    below: Below<'a>,
    work: Work,
    crls: &'a mut VerifiedCrls,
    pass: Pass,
    /// A candidate was passed over that a later pass may try.
    passed_over: bool,
    /// What each candidate is on its own, once it was looked at.
    judged: HashMap<usize, Result<Rc<Ca<'a>>, Reason>>,
    signatures: Vec<Link<'a>>,
    closest: Option<(Closeness, Rejection)>,
}

/// A candidate that was found to be a CA.
struct Ca<'a> {
    rules: CaRules,
    alt_names: Option<AltNames<'a>>,
    self_issued: bool,
}

/// One certificate of the path that is being built.
struct Step<'a> {
    /// Anchors are counted first, the pool after them.
    number: usize,
    certificate: &'a Certificate,
    ca: Rc<Ca<'a>>,
}

/// A signature that was verified: by the child's number (0 is the leaf) and the key, since certificates share keys.
struct Link<'a> {
    child: usize,
    key: &'a PublicKey,
    good: bool,
}

/// Key identifiers and the spelling of names are hints to be tried first. None of them is evidence: only the signature is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Issuers with the very name, whose key identifier does not differ.
    Hinted,
    /// Issuers whose key identifier differs from what the certificate says, too.
    Misled,
    /// Issuers whose name is only the same when case and white space are folded (RFC 5280 §7.1), too.
    Folded,
}

/// How close a failure came: to have reached an anchor is more than height, and height more than the stage of a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Closeness {
    anchor: bool,
    height: usize,
    stage: Stage,
}

/// Steps in judging one link, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    NoCandidate,
    /// The issuer that is named cannot be used at all.
    UnusableCandidate,
    /// A key that the certificate does not even name.
    OtherKey,
    Signature,
    Certificate,
    Path,
    Names,
    Revocation,
}

impl<'a> Search<'a> {
    pub(super) fn new(ground: Ground<'a>, below: Below<'a>, crls: &'a mut VerifiedCrls) -> Self {
        let work = Work::from(ground.query.budget);
        Self { ground, below, work, crls, pass: Pass::Hinted, passed_over: false, judged: HashMap::new(), signatures: Vec::new(), closest: None }
    }

    /// The first path from the leaf up.
    pub(super) fn from_leaf(mut self) -> Result<CaPath, Rejection> {
        self.passes(None)
    }

    /// The first path from `signing` up, which is part of it.
    pub(super) fn from_ca(mut self, signing: &'a Certificate) -> Result<CaPath, Rejection> {
        let anchor = self.ground.anchors.iter().position(|anchor| anchor == signing);
        let number = anchor.unwrap_or(usize::MAX);
        let refuse = |reason| Rejection { certificate: Some(certificate_at(signing, 1)), reason };
        let ca = self.judge(number, signing, anchor.is_some()).map_err(refuse)?;
        if anchor.is_none() {
            self.count_intermediates(&[], &ca).map_err(refuse)?;
        }
        let mut path = Vec::new();
        self.check_names(&path, &ca).map_err(|(_, rejection)| rejection)?;
        path.push(Step { number, certificate: signing, ca });
        if anchor.is_some() { Ok(self.conclude(&path)) } else { self.passes(Some(path)) }
    }

    fn passes(&mut self, start: Option<Vec<Step<'a>>>) -> Result<CaPath, Rejection> {
        let mut path = start.unwrap_or_default();
        for pass in [Pass::Hinted, Pass::Misled, Pass::Folded] {
            if pass == Pass::Folded && !self.ground.query.rules.fold_names || pass == Pass::Misled && !self.passed_over {
                continue;
            }
            self.pass = pass;
            match self.extend(&mut path) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(exhausted) => return Err(Rejection::whole(exhausted)),
            }
        }
        Err(self.closest.take().map_or_else(|| Rejection::whole(Reason::EmptyChain), |(_, rejection)| rejection))
    }

    /// Tries every issuer of the path's top. An error is an exhausted budget, and ends the search.
    fn extend(&mut self, path: &mut Vec<Step<'a>>) -> Result<Option<CaPath>, Reason> {
        let height = path.len();
        let most = if self.departs(Departure::LongPaths) { LONGEST_PATH } else { MAX_PATH };
        if height >= most {
            self.failed(false, height, Stage::NoCandidate, Rejection::whole(Reason::ChainTooLong { found: height.saturating_add(1), most }));
            return Ok(None);
        }
        let candidates = self.candidates(path)?;
        if candidates.is_empty() {
            self.unknown_issuer(path);
        }
        for (hint, number, certificate) in candidates {
            let is_anchor = number < self.ground.anchors.len();
            let ca = match self.link(path, hint, number, certificate) {
                Ok(ca) => ca,
                Err((_, Rejection { reason: exhausted @ Reason::BudgetExhausted { .. }, .. })) => return Err(exhausted),
                Err((stage, rejection)) => {
                    self.failed(is_anchor && stage > Stage::Signature, height, stage, rejection);
                    continue;
                }
            };
            path.push(Step { number, certificate, ca });
            let concludes = is_anchor && (!self.departs(Departure::WholeChain) || certificate.is_self_issued());
            let found = if concludes { Some(self.conclude(path)) } else { self.extend(path)? };
            if found.is_some() {
                return Ok(found);
            }
            path.pop();
        }
        Ok(None)
    }

    /// The certificates that may have signed the path's top: those whose key it names first, anchors first among equals.
    fn candidates(&mut self, path: &[Step<'a>]) -> Result<Vec<(Hint, usize, &'a Certificate)>, Reason> {
        let Ground { pool, anchors, .. } = self.ground;
        self.work.candidates(anchors.len().saturating_add(pool.certificates.len()))?;
        let Some(top) = Child::of(path, &self.below) else { return Ok(Vec::new()) };
        if self.departs(Departure::FirstIssuer) || self.departs(Departure::FirstValidIssuer) {
            return Ok(self.only_candidate(path, &top));
        }
        let mut found = Vec::new();
        for (number, certificate) in anchors.iter().chain(&pool.certificates).enumerate() {
            let named = top.issuer() == certificate.subject().as_der()
                || self.pass == Pass::Folded && same_name(top.issuer(), certificate.subject().as_der());
            // The same name with the same key again is a loop, whatever the certificates around it; what lies between
            // the two only constrains.
            let is_loop = || {
                path.iter()
                    .any(|step| step.certificate.public_key() == certificate.public_key() && step.certificate.subject() == certificate.subject())
            };
            if !named || is_loop() {
                continue;
            }
            if self.departs(Departure::KeyIdentifierBinds) && !top.wants().key_identifier_fits(certificate, &self.ground.query.rules) {
                continue;
            }
            let hint = Hint::of(&top, certificate);
            if hint == Hint::Differs && self.pass == Pass::Hinted {
                self.passed_over = true;
                continue;
            }
            found.push((hint, number, certificate));
        }
        found.sort_by_key(|(hint, ..)| *hint);
        Ok(found)
    }

    /// The one issuer that others try.
    fn only_candidate(&self, path: &[Step<'a>], top: &Child<'_, 'a>) -> Vec<(Hint, usize, &'a Certificate)> {
        let Ground { pool, anchors, query, .. } = self.ground;
        let used = |certificate: &Certificate| path.iter().any(|step| step.certificate == certificate);
        let candidates = anchors.iter().chain(&pool.certificates).enumerate().filter(|(_, certificate)| !used(certificate));
        let chosen = top.wants().choose(candidates, &query.rules, query.now);
        chosen.map(|(number, certificate)| (Hint::of(top, certificate), number, certificate)).into_iter().collect()
    }

    fn departs(&self, departure: Departure) -> bool {
        self.ground.query.rules.departures.has(departure)
    }

    /// Whether `issuer` may stand above the path's top: signature, its own rules, length, names, revocation of the top.
    fn link(&mut self, path: &[Step<'a>], hint: Hint, number: usize, issuer: &'a Certificate) -> Result<Rc<Ca<'a>>, (Stage, Rejection)> {
        let height = path.len();
        let is_anchor = number < self.ground.anchors.len();
        let Some(top) = Child::of(path, &self.below) else { return Err((Stage::NoCandidate, Rejection::whole(Reason::EmptyChain))) };
        let at_top = |stage, reason| (stage, Rejection { certificate: Some(top.at(height)), reason });
        let at_issuer = |stage, reason| (stage, Rejection { certificate: Some(certificate_at(issuer, height.saturating_add(1))), reason });

        if top.algorithm().is_none() {
            return Err(at_top(Stage::Signature, Reason::SignatureAlgorithm));
        }
        let stage = if hint == Hint::Differs { Stage::OtherKey } else { Stage::Signature };
        let child = path.last().map_or(0, |step| step.number.saturating_add(1));
        let known = self
            .signatures
            .iter()
            .find(|link| link.child == child && link.key == issuer.public_key())
            .map(|link| link.good)
            .filter(|_| !self.departs(Departure::SignatureLimit));
        let good = match known {
            Some(good) => good,
            None => {
                self.work.signature().map_err(|reason| at_top(stage, reason))?;
                let good = top.is_signed_by(issuer.public_key(), self.ground.crypto);
                self.signatures.push(Link { child, key: issuer.public_key(), good });
                good
            }
        };
        if !good {
            return Err(at_top(stage, Reason::BadSignature));
        }

        let ca = self.judge(number, issuer, is_anchor).map_err(|reason| at_issuer(Stage::Certificate, reason))?;
        let count_all = self.departs(Departure::CountSelfIssued);
        let below = path.iter().filter(|step| count_all || !step.ca.self_issued).count();
        if let Some(allowed) = ca.rules.path_len.filter(|allowed| below > usize::from(*allowed)) {
            return Err(at_issuer(Stage::Path, Reason::PathLength { allowed, found: below }));
        }
        if !is_anchor {
            self.count_intermediates(path, &ca).map_err(|reason| at_issuer(Stage::Path, reason))?;
        }
        self.check_names(path, &ca)?;
        if let Some(crls) = self.ground.query.crls.filter(|crls| !crls.is_empty()) {
            let Some(top) = Child::of(path, &self.below) else { return Ok(ca) };
            check_status(crls, &top.subject(), issuer, self.ground.crypto, self.ground.query.now, self.crls)
                .map_err(|reason| (Stage::Revocation, Rejection { certificate: Some(top.at(height)), reason }))?;
        }
        Ok(ca)
    }

    /// What one certificate is on its own, as a CA.
    fn judge(&mut self, number: usize, certificate: &'a Certificate, anchor: bool) -> Result<Rc<Ca<'a>>, Reason> {
        if let Some(judged) = self.judged.get(&number) {
            return judged.clone();
        }
        let PathQuery { rules, purpose, now, .. } = self.ground.query;
        let judge = || {
            let mut parsed = CertRef::parse(certificate.der()).map_err(Reason::Malformed)?;
            views::forget_unread(&mut parsed.tbs, rules);
            let tbs = &parsed.tbs;
            if anchor && rules.anchor_is_name_and_key {
                return Ok(Rc::new(Ca { rules: check_bare_anchor(tbs, rules)?, alt_names: None, self_issued: true }));
            }
            let departs = !rules.departures.is_empty();
            if departs {
                views::in_time(tbs, rules, *now)?
            } else {
                in_time(tbs, *now)?
            }
            let self_issued = tbs.self_issued() || rules.fold_names && same_name(tbs.subject, tbs.issuer);
            let check = if departs { views::check_ca } else { check_ca };
            Ok(Rc::new(Ca { rules: check(tbs, anchor, rules, *purpose)?, alt_names: alt_names(tbs)?, self_issued }))
        };
        let judged: Result<_, Reason> = judge();
        self.judged.insert(number, judged.clone());
        judged
    }

    fn count_intermediates(&self, path: &[Step<'a>], next: &Ca<'_>) -> Result<(), Reason> {
        let own = path.iter().map(|step| step.ca.self_issued).chain([next.self_issued]).filter(|self_issued| !self_issued).count();
        match self.ground.query.max_intermediates {
            Some(most) if own > most => Err(Reason::TooManyIntermediates { found: own, most }),
            _ => Ok(()),
        }
    }

    /// The names of everything below against the constraints of a CA above. Self-issued certificates are exempt, unless
    /// they are the last (RFC 5280 §6.1.3 (b)).
    fn check_names(&mut self, path: &[Step<'a>], above: &Ca<'_>) -> Result<(), (Stage, Rejection)> {
        let Some(constraints) = &above.rules.names else { return Ok(()) };
        let refuse = |certificate, reason| (Stage::Names, Rejection { certificate, reason });
        if let Some((subject, names)) = &self.below.names {
            let leaf = self.below.leaf.map(|leaf| at(0, &leaf.tbs));
            constraints.check(subject, names.as_ref(), &mut self.work).map_err(|reason| refuse(leaf, reason))?;
        }
        for (index, step) in path.iter().enumerate().filter(|(_, step)| !step.ca.self_issued) {
            let (subject, names) = (step.certificate.subject().as_der(), step.ca.alt_names.as_ref());
            let certificate = || Some(certificate_at(step.certificate, index.saturating_add(1)));
            constraints.check(subject, names, &mut self.work).map_err(|reason| refuse(certificate(), reason))?;
        }
        Ok(())
    }

    fn conclude(&self, path: &[Step<'a>]) -> CaPath {
        let mut validity = Validity { not_before: Timestamp::MIN, not_after: Timestamp::MAX };
        for step in path {
            // An anchor of which only name and key count has no end.
            if !(step.number < self.ground.anchors.len() && self.ground.query.rules.anchor_is_name_and_key) {
                let own = step.certificate.validity();
                validity.not_before = validity.not_before.max(own.not_before);
                validity.not_after = validity.not_after.min(own.not_after);
            }
        }
        let certificates = path.iter().map(|step| step.certificate.clone()).collect();
        let names = path.iter().filter_map(|step| step.ca.rules.names.clone()).collect();
        CaPath::verified(certificates, names, validity)
    }

    fn unknown_issuer(&mut self, path: &[Step<'a>]) {
        let height = path.len();
        let Some(top) = Child::of(path, &self.below) else { return };
        let (stage, rejection) = match self.ground.pool.unusable(top.issuer(), height.saturating_add(1)) {
            Some(rejection) => (Stage::UnusableCandidate, rejection),
            None => {
                let reason = Reason::UnknownIssuer { issuer: DistinguishedName::from_der_unchecked(top.issuer()) };
                (Stage::NoCandidate, Rejection { certificate: Some(top.at(height)), reason })
            }
        };
        self.failed(false, height, stage, rejection);
    }

    /// Keeps the failure that came closest; of equal ones the first.
    fn failed(&mut self, anchor: bool, height: usize, stage: Stage, rejection: Rejection) {
        let closeness = Closeness { anchor, height, stage };
        if self.closest.as_ref().is_none_or(|(held, _)| closeness > *held) {
            self.closest = Some((closeness, rejection));
        }
    }
}

/// The path's top: the certificate whose issuer is looked for.
enum Child<'p, 'a> {
    Leaf(&'a CertRef<'a>),
    Ca(&'p Step<'a>),
}

impl<'p, 'a> Child<'p, 'a> {
    fn of(path: &'p [Step<'a>], below: &Below<'a>) -> Option<Self> {
        path.last().map(Self::Ca).or(below.leaf.map(Self::Leaf))
    }

    fn issuer(&self) -> &'a [u8] {
        match self {
            Self::Leaf(leaf) => leaf.tbs.issuer,
            Self::Ca(step) => step.certificate.issuer().as_der(),
        }
    }

    fn authority_key_id(&self) -> Option<&'a [u8]> {
        match self {
            Self::Leaf(leaf) => leaf.tbs.authority_key_id(),
            Self::Ca(step) => step.certificate.authority_key_id().map(|id| id.as_bytes()),
        }
    }

    fn wants(&self) -> views::Wanted<'a> {
        let (name, authority) = match self {
            Self::Leaf(leaf) => (leaf.tbs.issuer, leaf.tbs.extension(AUTHORITY_KEY_IDENTIFIER).map(|e| e.value)),
            Self::Ca(step) => {
                let parsed = CertRef::parse(step.certificate.der()).ok();
                let authority = parsed.and_then(|parsed| parsed.tbs.extension(AUTHORITY_KEY_IDENTIFIER)).map(|e| e.value);
                (step.certificate.issuer().as_der(), authority)
            }
        };
        views::Wanted { name, authority }
    }

    fn algorithm(&self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Leaf(leaf) => crate::x509::signature_algorithm(leaf.signature_algorithm),
            Self::Ca(step) => step.certificate.signature_algorithm(),
        }
    }

    fn is_signed_by(&self, key: &PublicKey, crypto: &Crypto) -> bool {
        match self {
            Self::Leaf(leaf) => self.algorithm().is_some_and(|algorithm| crypto.verify(key, algorithm, leaf.tbs.raw, leaf.signature).is_ok()),
            Self::Ca(step) => step.certificate.verify_signature(key, crypto).is_ok(),
        }
    }

    fn at(&self, position: usize) -> CertificateAt {
        match self {
            Self::Leaf(leaf) => at(position, &leaf.tbs),
            Self::Ca(step) => certificate_at(step.certificate, position),
        }
    }

    fn subject(&self) -> Subject<'a> {
        match self {
            Self::Leaf(leaf) => Subject::of_tbs(&leaf.tbs),
            Self::Ca(step) => Subject::of(step.certificate),
        }
    }
}

/// What the key identifiers say about a link (RFC 5280 §4.2.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hint {
    Agrees,
    Silent,
    Differs,
}

impl Hint {
    fn of(child: &Child<'_, '_>, issuer: &Certificate) -> Self {
        match (issuer.subject_key_id(), child.authority_key_id()) {
            (Some(subject), Some(authority)) if subject.as_bytes() == authority => Self::Agrees,
            (Some(_), Some(_)) => Self::Differs,
            _ => Self::Silent,
        }
    }
}

pub(super) fn certificate_at(certificate: &Certificate, position: usize) -> CertificateAt {
    CertificateAt { position, subject: certificate.subject().clone(), serial: certificate.serial().clone() }
}

/// Judges one certificate with its parsed parts at hand.
pub(super) fn with_tbs(certificate: &Certificate, position: usize, check: impl FnOnce(&TbsRef<'_>) -> Result<(), Reason>) -> Result<(), Rejection> {
    let parsed = CertRef::parse(certificate.der()).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
    check(&parsed.tbs).map_err(|reason| Rejection { certificate: Some(certificate_at(certificate, position)), reason })
}
