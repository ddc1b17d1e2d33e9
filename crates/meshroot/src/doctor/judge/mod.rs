//! Is it accepted? Each question is asked once: what a row sends, the anchors that can matter to it, the CRLs, the plane.

mod anchors;
mod crls;
mod path;
mod row;
mod rules;

use std::collections::HashMap;
use std::sync::Arc;

use crate::key::Crypto;
use crate::time::Timestamp;
use crate::verify::Rejection;
use crate::x509::{Certificate, DistinguishedName};

use super::intake::Sent;
use super::pool::Pool;
use super::site::Site;
use super::{ExpiringKind, Expiry, Plane};

pub(super) use anchors::{AnchorId, Anchors, TrustId};
pub(super) use crls::{CrlId, Lists, Revocation};
pub(super) use path::is_about_revocation;
pub(super) use row::{Row, Signer};
pub(super) use rules::plane_rules;

/// What is judged: the same question has the same answer, whichever cluster asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) row: usize,
    pub(super) anchors: Vec<AnchorId>,
    pub(super) lists: Lists,
    pub(super) plane: Plane,
}

/// The answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// Accepted, and what ends it.
    Yes(Ending),
    /// Refused.
    No(Refused),
}

/// What ends a yes.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) expiry: Expiry,
    /// The certificate that ends, if it is one.
    pub(super) certificate: Option<Certificate>,
}

/// A no: the rejection, and the evidence it was about if it was a real leaf's.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) rejection: Rejection,
    /// The number of the row's real chain that was refused; `None` for what its CA would sign.
    pub(super) sent: Option<usize>,
}

/// Answers questions and remembers the answers.
pub(super) struct Judge<'a> {
    pub(super) crypto: &'a Crypto,
    pub(super) now: Timestamp,
    pub(super) rows: Vec<Option<Row>>,
    pub(super) anchors: Anchors,
    pub(super) revocation: Revocation,
    answers: HashMap<Question, Arc<Answer>>,
}

/// Later and later looks at one path; each finds a certificate or CRL that ended, so a handful is many.
const MOST_LOOKS: usize = 24;

impl<'a> Judge<'a> {
    pub(super) fn new(sites: &[Site], pool: &Pool, crypto: &'a Crypto, now: Timestamp) -> Self {
        let rows = sites.iter().map(|site| if site.sends() { Row::of(site, pool, crypto, now) } else { None }).collect();
        Self { crypto, now, rows, anchors: Anchors::default(), revocation: Revocation::default(), answers: HashMap::new() }
    }

    /// The answer to a question, worked out once.
    pub(super) fn answer(&mut self, question: Question) -> Arc<Answer> {
        if let Some(known) = self.answers.get(&question) {
            return Arc::clone(known);
        }
        let answer = Arc::new(self.work_out(&question));
        self.answers.insert(question, Arc::clone(&answer));
        answer
    }

    fn work_out(&self, question: &Question) -> Answer {
        let anchors = self.anchors.get(&question.anchors);
        let mut at = self.now;
        let mut ending = None;
        for _ in 0..MOST_LOOKS {
            match self.paths(question, &anchors, at, &[]) {
                Ok(paths) => {
                    let next = self.first_to_end(question, &paths, at);
                    let last = next.expiry.at;
                    ending = Some(next);
                    // Another path may go on where this one ends.
                    if last == Timestamp::MAX {
                        break;
                    }
                    at = last.plus(core::time::Duration::from_secs(1));
                }
                Err(refused) => match ending {
                    Some(ending) => return Answer::Yes(ending),
                    None => return Answer::No(refused),
                },
            }
        }
        match ending {
            Some(ending) => Answer::Yes(ending),
            // There was at least one look, and it answered yes or no.
            None => Answer::Yes(nothing()),
        }
    }

    /// The paths of all that the row presents: of its CA, or, if that is not known, of its real leaves.
    ///
    /// `more` is presented as well: what a mending step would add to the chain.
    pub(super) fn paths(
        &self,
        question: &Question,
        anchors: &[Certificate],
        at: Timestamp,
        more: &[Certificate],
    ) -> Result<Vec<path::Found>, Refused> {
        let Some(Some(row)) = self.rows.get(question.row) else { return Ok(Vec::new()) };
        let mut presented: Vec<Certificate> = more.to_vec();
        presented.extend(row.presented(question.plane).iter().cloned());
        let crls = self.revocation.set(&question.lists, question.plane);
        let asked = path::Asked { anchors, crls: crls.as_ref(), plane: question.plane, crypto: self.crypto, at };
        let mut found = Vec::new();
        if let Some(signing) = &row.signing {
            found.push(asked.authority(signing, &presented, row.sample.as_ref()).map_err(|rejection| Refused { rejection, sent: None })?);
        }
        // Leaves are renewed all the time, so a later look is about their CA alone if that is known.
        if row.signing.is_none() || at == self.now {
            for (number, sent) in row.sent.iter().enumerate() {
                let path = asked.leaf(sent, more).map_err(|rejection| Refused { rejection, sent: Some(number) })?;
                if row.signing.is_none() {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }

    fn first_to_end(&self, question: &Question, paths: &[path::Found], at: Timestamp) -> Ending {
        let first = paths.iter().min_by_key(|found| found.not_after).and_then(|found| {
            let mut all = found.certificates.iter().enumerate();
            all.find(|(_, certificate)| certificate.validity().not_after == found.not_after).map(|(height, certificate)| (found, height, certificate))
        });
        let mut ending = first.map_or_else(nothing, |(found, height, certificate)| ending_of(found, height, certificate));
        // webpki is told to take CRLs of any age.
        if question.plane == Plane::Sidecar {
            for found in paths {
                for crl in self.revocation.of_issuers(&question.lists, &found.certificates) {
                    let last = crl.next_update().map(|next| next.minus(core::time::Duration::from_secs(1)));
                    if let Some(last) = last.filter(|last| *last >= at && *last < ending.expiry.at) {
                        let expiry = Expiry { at: last, kind: ExpiringKind::Crl, subject: crl.issuer().clone(), serial: None, source: String::new() };
                        ending = Ending { expiry, certificate: None };
                    }
                }
            }
        }
        ending
    }
}

fn ending_of(found: &path::Found, height: usize, certificate: &Certificate) -> Ending {
    let top = found.certificates.len().saturating_sub(1);
    let kind = match height {
        0 if found.has_leaf => ExpiringKind::Leaf,
        _ if height == top => ExpiringKind::Root,
        0 => ExpiringKind::SigningCa,
        1 if found.has_leaf => ExpiringKind::SigningCa,
        _ => ExpiringKind::Intermediate,
    };
    if certificate.validity().not_after == Timestamp::MAX {
        return nothing();
    }
    let expiry = Expiry {
        at: certificate.validity().not_after,
        kind,
        subject: certificate.subject().clone(),
        serial: Some(certificate.serial().clone()),
        source: String::new(),
    };
    Ending { expiry, certificate: Some(certificate.clone()) }
}

/// RFC 5280 §4.1.2.5: the end of 9999 means that there is none.
fn nothing() -> Ending {
    let subject = DistinguishedName::empty();
    Ending { expiry: Expiry { at: Timestamp::MAX, kind: ExpiringKind::Nothing, subject, serial: None, source: String::new() }, certificate: None }
}
