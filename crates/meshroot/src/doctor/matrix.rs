//! The cells: who is accepted where.

use std::collections::HashMap;

use crate::spiffe::TrustDomain;
use crate::verify::{Reason, Rejection};
use crate::x509::Certificate;

use super::judge::{Answer, CrlId, Judge, Question, Refused, Row, TrustId, is_about_revocation};
use super::mending::{Change, Mending, Plan, find_blamed};
use super::places::Places;
use super::site::Site;
use super::steps::Wording;
use super::{Blamed, Cause, Cell, ExpiringKind, Expiry, Plane, Step, Verdict, symptom};

/// Pairs that are judged: a thousand clusters, a gigabyte of explanations at the worst.
const MOST_PAIRS: usize = 1_000_000;

/// What a column judges with.
struct Column {
    /// None: it is not known what it trusts.
    trust: Result<Trust, String>,
    lists: Vec<CrlId>,
}

struct Trust {
    /// What its ztunnel, and without a map its sidecars, go by.
    flat: Option<TrustId>,
    /// What its sidecars go by: each trust domain its own.
    map: Option<HashMap<TrustDomain, TrustId>>,
}

/// How the trust of a column in a row of some trust domain is known.
enum Applies {
    Anchors(TrustId),
    /// Its map has nothing for the row's trust domain.
    NoBundle,
    /// There is nothing to judge with, so there is no cell.
    Nothing,
}

pub(super) struct Matrix<'a, 'j> {
    pub(super) sites: &'a [Site],
    pub(super) judge: Judge<'j>,
    pub(super) mending: Mending<'a>,
    pub(super) places: Places,
}

impl Matrix<'_, '_> {
    pub(super) fn cells(&mut self) -> Vec<Cell> {
        let columns: Vec<Option<Column>> = self.sites.iter().map(|site| column(site, &mut self.judge)).collect();
        let mut cells = Vec::new();
        let rows = self.sites.iter().filter(|site| site.sends()).count();
        if rows.saturating_mul(columns.iter().flatten().count()) > MOST_PAIRS {
            let why = format!("there are {rows} clusters, more than one matrix can show: look at fewer at once");
            let name = |site: Option<&Site>| site.map(|site| site.name.clone()).unwrap_or_default();
            return vec![Cell {
                row: name(self.sites.first()),
                column: name(self.sites.last()),
                plane: Plane::Sidecar,
                verdict: Verdict::Unknown { why },
            }];
        }
        for (row, from) in self.sites.iter().enumerate().filter(|(_, site)| site.sends()) {
            for (to, column) in columns.iter().enumerate() {
                let (Some(column), Some(into)) = (column, self.sites.get(to)) else { continue };
                for plane in Plane::ALL {
                    if let Some(verdict) = self.verdict(row, from, to, into, column, plane) {
                        cells.push(Cell { row: from.name.clone(), column: into.name.clone(), plane, verdict });
                    }
                }
            }
        }
        cells
    }

    fn verdict(&mut self, row: usize, from: &Site, to: usize, into: &Site, column: &Column, plane: Plane) -> Option<Verdict> {
        if let Some(why) = &from.cannot_send
            && from.signing.is_none()
            && from.sent.is_empty()
        {
            return Some(Verdict::Unknown { why: format!("what {} sends cannot be read: {why}", from.name) });
        }
        let trust = match &column.trust {
            Ok(trust) => trust,
            Err(why) => return Some(Verdict::Unknown { why: format!("what {} trusts cannot be read: {why}", into.name) }),
        };
        let domain = from.domain()?.clone();
        let set = match trust.applies(&domain, plane) {
            Applies::Anchors(set) => set,
            Applies::Nothing => return None,
            Applies::NoBundle => {
                let refused = Refused { rejection: Rejection { certificate: None, reason: Reason::UnknownTrustDomain(domain) }, sent: None };
                let steps = self.mending.root_of(&self.judge, row).map(|root| Change::AddRoots(vec![root]));
                let plan = Plan { steps: vec![steps.unwrap_or(Change::ByHand)], otherwise: Vec::new() };
                return Some(self.no(row, to, plane, &refused, &plan, &[]));
            }
        };
        let signers = self.judge.rows.get(row)?.as_ref()?.signers.as_slice();
        let anchors = self.judge.anchors.relevant(set, signers);
        let lists = self.judge.revocation.relevant(&column.lists, signers);
        let question = Question { row, anchors, lists, plane };
        let answer = self.judge.answer(question.clone());
        let other_domain = plane == Plane::Ambient && self.other_domain(row, from, into);
        Some(match &*answer {
            Answer::No(refused) => {
                let plan = self.mending.plan(&mut self.judge, &question, refused);
                let anchors = self.judge.anchors.get(&question.anchors);
                match &refused.rejection.reason {
                    // Anchors that cannot have signed were not even tried; peers try them, and complain about the signature.
                    Reason::UnknownIssuer { issuer } if self.judge.anchors.has_namesake(set, issuer) => {
                        let rejection = Rejection { reason: Reason::BadSignature, certificate: refused.rejection.certificate.clone() };
                        self.no(row, to, plane, &Refused { rejection, sent: refused.sent }, &plan, &anchors)
                    }
                    _ => self.no(row, to, plane, refused, &plan, &anchors),
                }
            }
            Answer::Yes(_) if other_domain => other_trust_domain(from, into, plane),
            Answer::Yes(ending) => {
                let until = ending.expiry.at;
                Verdict::Yes { until, first_to_break: self.expiry(ending, row, to, into) }
            }
        })
    }

    /// ztunnel wants its own trust domain in the peer's SPIFFE ID; a certificate without one is no workload's.
    fn other_domain(&self, row: usize, from: &Site, into: &Site) -> bool {
        let only_servers = from.signing.is_none()
            && self.judge.rows.get(row).and_then(Option::as_ref).is_some_and(|row: &Row| row.sent.iter().all(|sent| sent.id.is_none()));
        !only_servers && from.domain() != into.domain()
    }

    fn expiry(&self, ending: &super::judge::Ending, row: usize, to: usize, into: &Site) -> Expiry {
        let source = match (&ending.certificate, ending.expiry.kind) {
            (Some(certificate), ExpiringKind::Root) => self.places.of(certificate, &[to, row]),
            (Some(certificate), _) => self.places.of(certificate, &[row, to]),
            (None, ExpiringKind::Crl) => into.crls_source.clone(),
            (None, _) => String::new(),
        };
        Expiry { source, ..ending.expiry.clone() }
    }

    /// What is left to do across trust domains when the roots are right.
    fn across_domains(&self, row: usize, to: usize, plane: Plane) -> Option<Step> {
        let (from, into) = (self.sites.get(row)?, self.sites.get(to)?);
        if !self.other_domain(row, from, into) {
            return None;
        }
        Some(match plane {
            Plane::Sidecar => super::steps::let_in(&from.name, &into.name, from.domain()?),
            Plane::Ambient => super::steps::change_trust_domain(&from.name, &into.name, into.domain()?),
        })
    }

    fn no(&self, row: usize, to: usize, plane: Plane, refused: &Refused, plan: &Plan, anchors: &[Certificate]) -> Verdict {
        let signing = self.judge.rows.get(row).and_then(Option::as_ref).and_then(|row| row.signing.as_ref());
        let blamed = self.judge.rows.get(row).and_then(Option::as_ref).and_then(|row| find_blamed(row, anchors, &[], refused));
        let depth = refused.rejection.certificate.as_ref().map_or(0, |at| at.position);
        let sent_self_signed = blamed.as_ref().is_some_and(Certificate::is_self_issued);
        let certificate = self.blame(refused, blamed.as_ref(), signing, anchors, [row, to]);
        let cause = Cause::Path(refused.rejection.clone());
        let wording = Wording { sites: self.sites, row, column: to, places: &self.places };
        Verdict::No {
            symptom: Box::new(symptom::of(&cause, plane, depth, sent_self_signed)),
            cause,
            certificate: certificate.map(Box::new),
            mend: plan.steps.iter().map(|change| wording.step(change)).chain(self.across_domains(row, to, plane)).collect(),
            otherwise: plan.otherwise.iter().map(|change| wording.step(change)).collect(),
        }
    }
}

impl Matrix<'_, '_> {
    /// The certificate to look at. A leaf that is yet to be issued has none; when CRLs stand against it, it is its CA whose
    /// CRL is the matter.
    fn blame(
        &self,
        refused: &Refused,
        found: Option<&Certificate>,
        signing: Option<&Certificate>,
        anchors: &[Certificate],
        sites: [usize; 2],
    ) -> Option<Blamed> {
        let Rejection { certificate: at, reason } = &refused.rejection;
        let (position, certificate) = match at {
            Some(at) => (at.position, found),
            None if is_about_revocation(reason) => (1, signing),
            // The leaf is yet to be issued; what can be looked at is the CA that will.
            None => (0, signing.filter(|_| refused.sent.is_none())),
        };
        let is_root = certificate.is_some_and(|certificate| anchors.contains(certificate) || certificate.is_self_issued());
        let role = match position {
            0 if at.is_none() => "leaf by the signing CA",
            0 => "leaf",
            _ if is_root => "root",
            1 => "signing CA",
            _ => "intermediate",
        };
        let subject = certificate.map(Certificate::subject).or(at.as_ref().map(|at| &at.subject))?;
        Some(Blamed {
            position,
            role,
            subject: subject.clone(),
            serial: certificate.map(Certificate::serial).or(at.as_ref().map(|at| &at.serial)).cloned(),
            sha256: certificate.map(|certificate| self.places.sha256(certificate)).unwrap_or_default(),
            source: certificate.map(|certificate| self.places.of(certificate, &sites)).unwrap_or_default(),
        })
    }
}

fn other_trust_domain(from: &Site, into: &Site, plane: Plane) -> Verdict {
    let (Some(row), Some(column)) = (from.domain(), into.domain()) else {
        return Verdict::Unknown { why: "the trust domains are not known".into() };
    };
    let cause = Cause::TrustDomain { row: row.clone(), column: column.clone() };
    Verdict::No {
        symptom: Box::new(symptom::of(&cause, plane, 0, false)),
        cause,
        certificate: None,
        mend: vec![super::steps::change_trust_domain(&from.name, &into.name, column)],
        otherwise: Vec::new(),
    }
}

impl Trust {
    fn applies(&self, row: &TrustDomain, plane: Plane) -> Applies {
        match (plane, &self.map, self.flat) {
            (Plane::Sidecar, Some(map), _) => map.get(row).map_or(Applies::NoBundle, |set| Applies::Anchors(*set)),
            (_, _, Some(flat)) => Applies::Anchors(flat),
            // ztunnel reads no bundle map.
            _ => Applies::Nothing,
        }
    }
}

fn column(site: &Site, judge: &mut Judge<'_>) -> Option<Column> {
    if !site.trusts() {
        return None;
    }
    let lists = site.crls.as_deref().map(|crls| judge.revocation.add(crls)).unwrap_or_default();
    let trust = match (&site.cannot_trust, &site.roots, &site.map) {
        (Some(why), _, _) => Err(why.clone()),
        (None, roots, map) => Ok(Trust {
            flat: roots.as_ref().map(|roots| judge.anchors.set(roots)),
            map: map.as_ref().map(|map| map.iter().map(|(domain, bundle)| (domain.clone(), judge.anchors.set(bundle.x509_authorities()))).collect()),
        }),
    };
    Some(Column { trust, lists })
}
