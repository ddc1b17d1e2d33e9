//! What becomes of each submission of a batch, given what the store holds.

use std::collections::{HashMap, HashSet};

use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;

use super::head::Head;
use super::submit::{Candidate, Place, Plan};
use crate::sqlite::log::Entry;
use crate::{JoinToken, StoreError, Submission, TokenDigest};

/// What was found in the store, and then in the batch so far.
#[derive(Default)]
pub(super) struct Known {
    /// Which of the batch's serial numbers are in use.
    pub(super) used_serials: HashSet<usize>,
    /// Tokens, with the number of their trust domain.
    pub(super) tokens: HashMap<TokenDigest, (JoinToken, i64)>,
    /// Identities that are denied, and until when.
    pub(super) denials: Vec<(String, Option<i64>)>,
    /// What idempotency keys stand for: a position, and a request.
    pub(super) names: HashMap<[u8; 32], (u64, [u8; 32])>,
}

impl Known {
    fn denies(&self, id: &SpiffeId, now: Timestamp) -> bool {
        self.denials.iter().any(|(denied, until)| denied == id.as_str() && until.is_none_or(|until| now.unix() < until))
    }
}

/// One after the other, as if each were a transaction of its own.
pub(super) fn decide<'a>(batch: &'a [Candidate<'a>], mut head: Head, mut known: Known) -> Plan<'a> {
    let mut plan = Plan {
        places: Vec::with_capacity(batch.len()),
        head,
        entries: Vec::with_capacity(batch.len()),
        issuers: Vec::with_capacity(batch.len()),
        names: Vec::new(),
        tokens: Vec::new(),
        token_domains: Vec::new(),
        batch,
    };
    let mut in_batch = HashSet::new();
    for (at, candidate) in batch.iter().enumerate() {
        let submission = candidate.submission;
        // A request that was answered is answered again, used-up token or not: the answer may have been lost on its way.
        if let Some((name, (position, request))) = submission.idempotency.as_ref().zip(candidate.name.and_then(|name| known.names.get(&name))) {
            let same = *request == name.request;
            plan.places.push(if same { Place::Before(*position) } else { Place::Refused(StoreError::IdempotencyMismatch) });
            continue;
        }
        let Ok(trust_domain) = candidate.trust_domain else {
            plan.places.push(Place::Unfit);
            continue;
        };
        let issued = &submission.issuance.issued;
        if let Some(id) = issued.id().filter(|id| known.denies(id, submission.issuance.at)) {
            plan.places.push(Place::Refused(StoreError::Denied(id.clone())));
            continue;
        }
        let (serial, issuer) = (issued.serial(), issued.issuer().as_der());
        let serial_key = (serial.as_bytes(), issuer, trust_domain);
        if known.used_serials.contains(&at) || in_batch.contains(&serial_key) {
            plan.places.push(Place::Refused(StoreError::DuplicateSerial(serial.clone())));
            continue;
        }
        let position = head.position.saturating_add(1);
        let place = u64::try_from(position).unwrap_or(u64::MAX);
        if let Some(digest) = &submission.consumes {
            match use_up(known.tokens.get_mut(digest), place, submission.issuance.at) {
                Ok((token, domain)) => {
                    plan.tokens.push(token);
                    plan.token_domains.push(domain);
                }
                Err(e) => {
                    plan.places.push(Place::Refused(e));
                    continue;
                }
            }
        }
        if let Some((name, given)) = candidate.name.zip(submission.idempotency.as_ref()) {
            known.names.insert(name, (place, given.request));
            plan.names.push((at, name, position));
        }
        in_batch.insert(serial_key);
        head.position = position;
        plan.entries.push(entry(position, trust_domain, submission));
        plan.issuers.push(issuer);
        plan.places.push(Place::New(place));
    }
    plan.head = head;
    plan
}

/// Uses a token up for what has this number.
pub(super) fn use_up(token: Option<&mut (JoinToken, i64)>, position: u64, now: Timestamp) -> Result<(JoinToken, i64), StoreError> {
    let (token, trust_domain) = token.ok_or(StoreError::TokenUnknown)?;
    if token.used_by.is_some() {
        return Err(StoreError::TokenUsed);
    }
    if now >= token.expires_at {
        return Err(StoreError::TokenExpired(token.expires_at));
    }
    token.used_by = Some(position);
    Ok((token.clone(), *trust_domain))
}

fn entry(position: i64, trust_domain: i64, submission: &Submission) -> Entry<'_> {
    let (issuance, issued) = (&submission.issuance, &submission.issuance.issued);
    Entry {
        position,
        trust_domain,
        authority: issuance.authority.as_str(),
        kind: &issuance.kind,
        caller: &issuance.caller,
        spiffe_id: issued.id().map(SpiffeId::as_str),
        serial: issued.serial().as_bytes(),
        not_before: issued.validity().not_before.unix(),
        not_after: issued.validity().not_after.unix(),
        at: issuance.at.unix(),
        since: (issuance.since != issuance.at).then(|| issuance.since.unix()),
        certificate: issued.der(),
    }
}
