//! Finding a path: depth first from the leaf to an anchor. One engine for every question; [`PathQuery`] says how to judge.

mod child;
mod closeness;

use core::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use child::{Child, Hint};
use closeness::{Closeness, Stage};

use crate::key::{Crypto, PublicKey};
use crate::revocation::VerifiedCrls;
use crate::time::{Timestamp, Validity};
use crate::x509::wire::{CertRef, TbsRef};
use crate::x509::{AltNames, Certificate, DistinguishedName};

use super::names::{Rdns, rdns, same_name};
use super::path::CaPath;
use super::pool::Pool;
use super::reason::{CertificateAt, Reason, Rejection};
use super::revoked::check_status;
use super::rules::{CaRules, alt_names, at, check_bare_anchor, check_ca, in_time};
use super::work::Work;
use super::{MAX_PATH, PathQuery, Rules, policy};

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
    /// The folded subject of each candidate, once it was asked for.
    folded: HashMap<usize, Option<Rdns>>,
    signatures: Vec<Link<'a>>,
    closest: Option<(Closeness, Rejection)>,
}

/// A candidate that was found to be a CA.
struct Ca<'a> {
    rules: CaRules,
    alt_names: Option<AltNames<'a>>,
    /// It says nothing that makes policies matter.
    no_policies: bool,
}

/// One certificate of the path that is being built.
struct Step<'a> {
    /// Anchors are counted first, the pool after them.
    number: usize,
    certificate: &'a Certificate,
    ca: Rc<Ca<'a>>,
    /// Whether it is self-issued (RFC 5280 §3.2), once something depends on it.
    self_issued: OnceCell<bool>,
}

impl<'a> Step<'a> {
    fn new(number: usize, certificate: &'a Certificate, ca: Rc<Ca<'a>>) -> Self {
        Self { number, certificate, ca, self_issued: OnceCell::new() }
    }

    fn self_issued(&self, rules: &Rules) -> bool {
        *self.self_issued.get_or_init(|| is_self_issued(self.certificate, rules))
    }
}

fn is_self_issued(certificate: &Certificate, rules: &Rules) -> bool {
    certificate.is_self_issued() || rules.fold_names && same_name(certificate.subject().as_der(), certificate.issuer().as_der())
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

impl<'a> Search<'a> {
    pub(super) fn new(ground: Ground<'a>, below: Below<'a>, crls: &'a mut VerifiedCrls) -> Self {
        let work = Work::from(ground.query.budget);
        Self {
            ground,
            below,
            work,
            crls,
            pass: Pass::Hinted,
            passed_over: false,
            judged: HashMap::new(),
            folded: HashMap::new(),
            signatures: Vec::new(),
            closest: None,
        }
    }

    /// The first path from the leaf up.
    pub(super) fn run(mut self) -> Result<CaPath, Rejection> {
        self.passes(None)
    }

    /// The first path from `signing` up, which is part of it.
    pub(super) fn run_from(mut self, signing: &'a Certificate) -> Result<CaPath, Rejection> {
        let anchor = self.ground.anchors.iter().position(|anchor| anchor == signing);
        let number = anchor.unwrap_or(usize::MAX);
        let refuse = |reason| Rejection { certificate: Some(certificate_at(signing, 1)), reason };
        let ca = self.judge(number, signing, anchor.is_some()).map_err(refuse)?;
        if anchor.is_none() {
            self.count_intermediates(&[], signing).map_err(refuse)?;
        }
        let mut path = Vec::new();
        self.check_names(&path, &ca).map_err(|(_, rejection)| rejection)?;
        path.push(Step::new(number, signing, ca));
        if anchor.is_some() { self.conclude(&path) } else { self.passes(Some(path)) }
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
        // The leaf, what is there, and one more.
        let length = height.saturating_add(2);
        if length > MAX_PATH {
            self.failed(false, height, Stage::NoCandidate, Rejection::whole(Reason::ChainTooLong { found: length, most: MAX_PATH }));
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
            path.push(Step::new(number, certificate, ca));
            let found = if is_anchor { self.concluded(path) } else { self.extend(path)? };
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
        // Bytes differ more often than not: what is folded is kept.
        let issuer = if self.pass == Pass::Folded { rdns(top.issuer()) } else { None };
        let mut found = Vec::new();
        for (number, certificate) in anchors.iter().chain(&pool.certificates).enumerate() {
            let subject = certificate.subject().as_der();
            let named = top.issuer() == subject || issuer.is_some() && *self.folded.entry(number).or_insert_with(|| rdns(subject)) == issuer;
            // The same name with the same key again is a loop, whatever the certificates around it; what lies between
            // the two only constrains.
            let is_loop = || {
                path.iter()
                    .any(|step| step.certificate.public_key() == certificate.public_key() && step.certificate.subject() == certificate.subject())
            };
            if !named || is_loop() {
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
        let known = self.signatures.iter().find(|link| link.child == child && link.key == issuer.public_key()).map(|link| link.good);
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
        if let Some(allowed) = ca.rules.path_len {
            let below = path.iter().filter(|step| !step.self_issued(&self.ground.query.rules)).count();
            if below > usize::from(allowed) {
                return Err(at_issuer(Stage::Path, Reason::PathLength { allowed, found: below }));
            }
        }
        if !is_anchor {
            self.count_intermediates(path, issuer).map_err(|reason| at_issuer(Stage::Path, reason))?;
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
            let parsed = CertRef::parse(certificate.der()).map_err(Reason::Malformed)?;
            let tbs = &parsed.tbs;
            if anchor && rules.anchor_is_name_and_key {
                return Ok(Rc::new(Ca { rules: check_bare_anchor(tbs)?, alt_names: None, no_policies: true }));
            }
            in_time(tbs, *now)?;
            let no_policies = !rules.process_policies || policy::is_silent(tbs);
            Ok(Rc::new(Ca { rules: check_ca(tbs, anchor, rules, *purpose)?, alt_names: alt_names(tbs)?, no_policies }))
        };
        let judged: Result<_, Reason> = judge();
        self.judged.insert(number, judged.clone());
        judged
    }

    fn count_intermediates(&self, path: &[Step<'a>], next: &Certificate) -> Result<(), Reason> {
        let Some(most) = self.ground.query.max_intermediates else { return Ok(()) };
        let rules = &self.ground.query.rules;
        let below = path.iter().filter(|step| !step.self_issued(rules)).count();
        let found = below.saturating_add(usize::from(!is_self_issued(next, rules)));
        if found > most { Err(Reason::TooManyIntermediates { found, most }) } else { Ok(()) }
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
        for (index, step) in path.iter().enumerate().filter(|(_, step)| !step.self_issued(&self.ground.query.rules)) {
            let (subject, names) = (step.certificate.subject().as_der(), step.ca.alt_names.as_ref());
            let certificate = || Some(certificate_at(step.certificate, index.saturating_add(1)));
            constraints.check(subject, names, &mut self.work).map_err(|reason| refuse(certificate(), reason))?;
        }
        Ok(())
    }

    fn concluded(&mut self, path: &[Step<'a>]) -> Option<CaPath> {
        match self.conclude(path) {
            Ok(found) => Some(found),
            Err(rejection) => {
                self.failed(true, path.len(), Stage::Policies, rejection);
                None
            }
        }
    }

    /// The rules that need the whole path.
    fn conclude(&self, path: &[Step<'a>]) -> Result<CaPath, Rejection> {
        let query = self.ground.query;
        let explicit = query.policies.explicit && self.ground.query.rules.process_policies;
        // A leaf that demands a policy demands it of itself (RFC 5280 §6.1.5 (b)).
        let leaf_demands = query.rules.process_policies && self.below.leaf.is_some_and(|leaf| !policy::is_silent(&leaf.tbs));
        let with_policies = explicit || leaf_demands || path.iter().any(|step| !step.ca.no_policies);
        if with_policies {
            let certificates = path.iter().map(|step| step.certificate);
            policy::check_path(certificates, self.below.leaf, &query.rules, &query.policies)?;
        }

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
        Ok(CaPath::verified(certificates, names, validity, with_policies))
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

pub(super) fn certificate_at(certificate: &Certificate, position: usize) -> CertificateAt {
    CertificateAt { position, subject: certificate.subject().clone(), serial: certificate.serial().clone() }
}

/// Judges one certificate with its parsed parts at hand.
pub(super) fn with_tbs(certificate: &Certificate, position: usize, check: impl FnOnce(&TbsRef<'_>) -> Result<(), Reason>) -> Result<(), Rejection> {
    let parsed = CertRef::parse(certificate.der()).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
    check(&parsed.tbs).map_err(|reason| Rejection { certificate: Some(certificate_at(certificate, position)), reason })
}
