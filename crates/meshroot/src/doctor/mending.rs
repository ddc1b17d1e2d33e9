//! What turns a no into a yes: steps are tried out on the case before they are offered.

use std::collections::HashMap;
use std::sync::Arc;

use crate::revocation::{Crl, Subject};
use crate::time::Timestamp;
use crate::verify::Reason;
use crate::x509::{Certificate, DistinguishedName, KeyUsage};

use super::judge::{AnchorId, Judge, Question, Refused, Row, is_about_revocation};
use super::pool::Pool;
use super::{Plane, Reissue};

/// A change, before it is known which cluster it is for.
#[derive(Clone, Debug)]
pub(super) enum Change {
    AddRoots(Vec<Certificate>),
    AddToChain(Vec<Certificate>),
    FindIssuer(DistinguishedName),
    Renew(Certificate),
    Reissue(Certificate, Reissue),
    Replace(Certificate),
    RenewLeaf(String),
    AddCrls(Vec<Crl>),
    IssueCrl(Certificate),
    RemoveCrls,
    WaitUntil(Timestamp),
    ByHand,
}

/// What mends a case, and another way to do it.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Change>,
    pub(super) otherwise: Vec<Change>,
}

/// Steps that one case takes at most.
const MOST_STEPS: usize = 8;

/// Works plans out, each once.
#[derive(Debug)]
pub(super) struct Mending<'p> {
    pub(super) pool: &'p Pool,
    plans: HashMap<Question, Arc<Plan>>,
}

impl<'p> Mending<'p> {
    pub(super) fn new(pool: &'p Pool) -> Self {
        Self { pool, plans: HashMap::new() }
    }

    pub(super) fn plan(&mut self, judge: &mut Judge<'_>, question: &Question, refused: &Refused) -> Arc<Plan> {
        if let Some(known) = self.plans.get(question) {
            return Arc::clone(known);
        }
        let mut trial = Trial { pool: self.pool, judge, question: question.clone(), more: Vec::new(), at: None, plan: Plan::default() };
        trial.work_out(refused.clone());
        let plan = Arc::new(trial.plan);
        self.plans.insert(question.clone(), Arc::clone(&plan));
        plan
    }

    /// What a column without any root for a row has to be given.
    pub(super) fn root_of(&self, judge: &Judge<'_>, row: usize) -> Option<Certificate> {
        judge.rows.get(row)?.as_ref()?.way_up.last().filter(|top| top.is_self_issued()).cloned()
    }
}

/// A case with the steps so far applied.
struct Trial<'a, 'j> {
    pool: &'a Pool,
    judge: &'a mut Judge<'j>,
    question: Question,
    /// What was added to the chain.
    more: Vec<Certificate>,
    /// The case as of another time, to look past a certificate that is going to be renewed.
    at: Option<Timestamp>,
    plan: Plan,
}

/// Whether the case can be judged again after a step.
enum After {
    TryAgain,
    Done,
}

impl Trial<'_, '_> {
    fn work_out(&mut self, first: Refused) {
        let mut refused = first;
        while self.plan.steps.len() < MOST_STEPS {
            match self.step(&refused) {
                After::Done => return,
                After::TryAgain => {}
            }
            let anchors = self.judge.anchors.get(&self.question.anchors);
            match self.judge.paths(&self.question, &anchors, self.at.unwrap_or(self.judge.now), &self.more) {
                Ok(_) => return,
                // The same again: what was tried does not help, and nobody knows better.
                Err(again) if again.rejection == refused.rejection => return self.push(Change::ByHand),
                Err(next) => refused = next,
            }
        }
    }

    fn push(&mut self, change: Change) {
        self.plan.steps.push(change);
    }

    fn finish(&mut self, change: Change) -> After {
        self.push(change);
        After::Done
    }

    fn row(&self) -> Option<&Row> {
        self.judge.rows.get(self.question.row)?.as_ref()
    }

    fn step(&mut self, refused: &Refused) -> After {
        let blamed = self.blamed(refused);
        match &refused.rejection.reason {
            Reason::UnknownIssuer { .. } | Reason::BadSignature => self.complete_the_path(refused),
            Reason::Expired { .. } => self.renew(refused, blamed),
            Reason::NotYetValid { not_before, .. } => {
                let at = *not_before;
                self.finish(Change::WaitUntil(at))
            }
            Reason::Revoked { .. } => match (blamed, refused.sent) {
                (Some(certificate), None) => self.finish(Change::Replace(certificate)),
                (Some(certificate), Some(_)) if certificate.is_ca() => self.finish(Change::Replace(certificate)),
                _ => self.renew_leaf(refused),
            },
            reason if is_about_revocation(reason) => self.revocation(),
            reason => match (blamed, reissue(reason)) {
                (Some(certificate), change) if certificate.is_ca() => self.finish(Change::Reissue(certificate, change)),
                (None, change) if refused.sent.is_none() => match self.row().and_then(|row| row.signing.clone()) {
                    Some(signing) => self.finish(Change::Reissue(signing, change)),
                    None => self.finish(Change::ByHand),
                },
                _ => self.renew_leaf(refused),
            },
        }
    }

    /// The certificate that a rejection names.
    fn blamed(&self, refused: &Refused) -> Option<Certificate> {
        let anchors = self.judge.anchors.get(&self.question.anchors);
        find_blamed(self.row()?, &anchors, &self.more, refused)
    }

    /// Gives the row's chain what lies between its CA and its root, and the column the root.
    fn complete_the_path(&mut self, refused: &Refused) -> After {
        let Some(row) = self.row() else { return After::Done };
        let start = match refused.sent {
            Some(number) => row.sent.get(number).and_then(|sent| sent.certificates.first()).cloned(),
            None => row.signing.clone(),
        };
        let Some(start) = start else { return self.finish(Change::ByHand) };
        let path = self.pool.climb(&start, self.judge.crypto, self.judge.now);
        let anchors = self.judge.anchors.get(&self.question.anchors);
        // A real chain is what it is; for a leaf to come counts what would go along.
        let presented = match refused.sent {
            Some(number) => row.sent.get(number).map_or(&[][..], |sent| sent.certificates.as_slice()),
            None => row.presented(self.question.plane),
        };
        let known: Vec<&Certificate> = presented.iter().chain(&self.more).chain(&anchors).collect();
        let reached = |certificate: &Certificate| {
            known.iter().any(|other| other.subject() == certificate.subject() && other.public_key() == certificate.public_key())
        };
        let top = path.last().cloned();
        let missing: Vec<Certificate> =
            path.iter().filter(|certificate| certificate.is_ca() && !certificate.is_self_issued() && !reached(certificate)).cloned().collect();
        let Some(top) = top else { return self.finish(Change::ByHand) };
        // A root that the row itself trusts may be signed by somebody else.
        let is_root = top.is_self_issued() || row.presented(Plane::Sidecar).contains(&top) && path.len() > 1;
        let trusted = anchors.contains(&top);
        if !missing.is_empty() {
            self.more.splice(0..0, missing.iter().cloned());
            self.push(Change::AddToChain(missing));
            if trusted || !is_root {
                return After::TryAgain;
            }
        }
        if trusted {
            return if self.plan.steps.is_empty() { self.finish(Change::ByHand) } else { After::TryAgain };
        }
        if !is_root {
            return self.finish(Change::FindIssuer(top.issuer().clone()));
        }
        let id: AnchorId = self.judge.anchors.id(&top);
        self.question.anchors.push(id);
        self.question.anchors.sort_unstable();
        self.push(Change::AddRoots(vec![top]));
        After::TryAgain
    }

    /// Puts a renewed certificate in if some evidence has one; otherwise looks past this one at what else is wrong.
    fn renew(&mut self, refused: &Refused, blamed: Option<Certificate>) -> After {
        let Some(certificate) = blamed else { return self.renew_leaf(refused) };
        if !certificate.is_ca() {
            return self.renew_leaf(refused);
        }
        let now = self.at.unwrap_or(self.judge.now);
        if let Some(renewed) = self.pool.renewed(&certificate, now).cloned() {
            let is_anchor = self.judge.anchors.get(&self.question.anchors).contains(&certificate);
            if is_anchor {
                let id = self.judge.anchors.id(&renewed);
                self.question.anchors.push(id);
                self.push(Change::AddRoots(vec![renewed]));
            } else {
                self.more.insert(0, renewed.clone());
                self.push(Change::AddToChain(vec![renewed]));
            }
            return After::TryAgain;
        }
        let last = certificate.validity().not_after;
        self.push(Change::Renew(certificate));
        // A leaf of its own time cannot be looked at as of another.
        if refused.sent.is_some() || self.at.is_some_and(|at| at <= last) {
            return After::Done;
        }
        self.at = Some(last);
        After::TryAgain
    }

    fn renew_leaf(&mut self, refused: &Refused) -> After {
        let source = self.row().and_then(|row| row.sent.get(refused.sent?)).map(|sent| sent.source.clone());
        self.finish(source.map_or(Change::ByHand, Change::RenewLeaf))
    }

    /// Brings the CRLs of every CA on the path up to date, or does without any.
    fn revocation(&mut self) -> After {
        let anchors = self.judge.anchors.get(&self.question.anchors);
        let without = Question { lists: Vec::new(), ..self.question.clone() };
        let at = self.at.unwrap_or(self.judge.now);
        let paths = match self.judge.paths(&without, &anchors, at, &self.more) {
            Ok(paths) => paths,
            // Something else is wrong as well, and has to be mended first.
            Err(other) => {
                let again = self.step(&other);
                return again;
            }
        };
        let mut authorities: Vec<Certificate> = Vec::new();
        for found in &paths {
            for ca in found.certificates.iter().skip(usize::from(found.has_leaf)).filter(|ca| !authorities.contains(ca)).cloned().collect::<Vec<_>>()
            {
                authorities.push(ca);
            }
        }
        let crypto = self.judge.crypto;
        let set = self.judge.revocation.set(&self.question.lists, self.question.plane).unwrap_or_default();
        let good = |ca: &Certificate| set.status(&Subject::to_be_issued_by(ca), ca, crypto, at).is_acceptable();
        let (mut there, mut to_make, mut unable) = (Vec::new(), Vec::new(), Vec::new());
        for ca in authorities.into_iter().filter(|ca| !good(ca)) {
            let may_not = ca.key_usage().is_some_and(|usage| !usage.contains(KeyUsage::CRL_SIGN));
            if may_not {
                unable.push(ca.clone());
                // Made again with its key, its lists will count.
                if set.iter().any(|crl| crl.issuer() == ca.subject() && is_current(crl, at) && crl.verify_signature(ca.public_key(), crypto).is_ok())
                {
                    continue;
                }
            }
            match self.pool.crl(&ca, crypto, at).filter(|_| !may_not) {
                Some(crl) => there.push(crl.clone()),
                None => to_make.push(ca),
            }
        }
        if !unable.is_empty() {
            // No CRL of such a CA will ever count; the CA has to go before revocation can come back.
            let reissued = unable.into_iter().map(|ca| Change::Reissue(ca, Reissue::KeyUsage));
            self.plan.otherwise.extend(reissued);
            self.plan.otherwise.extend((!there.is_empty()).then_some(Change::AddCrls(there)));
            self.plan.otherwise.extend(to_make.into_iter().map(Change::IssueCrl));
            return self.finish(Change::RemoveCrls);
        }
        if there.is_empty() && to_make.is_empty() {
            return self.finish(Change::RemoveCrls);
        }
        self.plan.otherwise.push(Change::RemoveCrls);
        if !there.is_empty() {
            self.push(Change::AddCrls(there));
        }
        self.plan.steps.extend(to_make.into_iter().map(Change::IssueCrl));
        After::Done
    }
}

fn is_current(crl: &Crl, at: Timestamp) -> bool {
    crl.this_update() <= at && crl.next_update().is_some_and(|next| next > at)
}

/// The certificate that a rejection names, wherever it stands.
pub(super) fn find_blamed(row: &Row, anchors: &[Certificate], more: &[Certificate], refused: &Refused) -> Option<Certificate> {
    let at = refused.rejection.certificate.as_ref()?;
    let sent = refused.sent.and_then(|number| row.sent.get(number)).map(|sent| sent.certificates.as_slice()).unwrap_or_default();
    let all = sent.iter().chain(&row.signing).chain(more).chain(row.presented(Plane::Sidecar)).chain(anchors);
    let mut all = all.filter(|certificate| *certificate.subject() == at.subject && *certificate.serial() == at.serial);
    all.next().cloned()
}

fn reissue(reason: &Reason) -> Reissue {
    match reason {
        Reason::KeyUsageMissing | Reason::KeyUsageNotCritical | Reason::KeyUsageLacks(_) | Reason::KeyUsageForbids(_) => Reissue::KeyUsage,
        Reason::NotACa => Reissue::BasicConstraints,
        Reason::PathLength { .. } => Reissue::PathLength,
        Reason::NameConstraint { .. } | Reason::UnsupportedNameConstraint => Reissue::NameConstraints,
        Reason::ExtendedKeyUsage { .. } => Reissue::ExtendedKeyUsage,
        Reason::SignatureAlgorithm | Reason::AlgorithmMismatch | Reason::Key(_) => Reissue::Algorithm,
        _ => Reissue::Profile,
    }
}
