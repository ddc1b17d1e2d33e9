//! Certificate policies (RFC 5280 §6.1). A mesh has none; a root that demands them does so in a critical extension, and
//! to refuse or to ignore that would both be wrong answers.

use std::collections::{BTreeMap, BTreeSet};

use der::asn1::ObjectIdentifier;

use super::names::same_name;
use super::reason::Rejection;
use super::rules::at;
use super::{PolicyInputs, Reason, Rules};
use crate::x509::Certificate;
use crate::x509::encode::{INTEGER, OID, SEQUENCE, implicit};
use crate::x509::extension as ext;
use crate::x509::reader::{DerReader, Element};
use crate::x509::wire::{CertRef, TbsRef};

const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// Whether a certificate demands nothing about policies: when all of a path are so, [`check`] need not be asked.
pub(super) fn is_silent(tbs: &TbsRef<'_>) -> bool {
    !tbs.extensions.iter().any(|e| matches!(e.oid, ext::POLICY_CONSTRAINTS | ext::INHIBIT_ANY_POLICY | ext::POLICY_MAPPINGS))
}

/// Whether the path has a policy where one is required. `path` has the certificate below the anchor first, the leaf last;
/// an anchor that counts as a certificate sets the start. An error comes with the index of the certificate in `path`,
/// or none when it is the anchor's.
fn check(anchor: Option<&TbsRef<'_>>, path: &[&TbsRef<'_>], inputs: &PolicyInputs<'_>) -> Result<(), (Option<usize>, Reason)> {
    let never = u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(1);
    let start = |now: bool| if now { 0 } else { never };
    let mut counters = Counters { explicit: start(inputs.explicit), mapping: start(inputs.inhibit_mapping), any: start(inputs.inhibit_any) };
    if let Some(anchor) = anchor {
        counters.constrain(anchor).map_err(|reason| (None, reason))?;
    }

    let mut levels = vec![Level { any: true, nodes: BTreeMap::new() }];
    for (index, tbs) in path.iter().enumerate() {
        let is_leaf = index.saturating_add(1) == path.len();
        let self_issued = same_name(tbs.subject, tbs.issuer);
        let at_this = |reason| (Some(index), reason);
        let any_allowed = counters.any > 0 || (!is_leaf && self_issued);
        let expected = levels.pop().unwrap_or_default();
        let mut level = expected.meet(policies(tbs).map_err(at_this)?, any_allowed);
        if counters.explicit == 0 && level.is_empty() {
            return Err(at_this(Reason::NoPolicy));
        }
        if is_leaf {
            counters.explicit = counters.explicit.saturating_sub(1);
            // §6.1.5 (b): only a zero still counts.
            if constraints(tbs).map_err(at_this)?.0 == Some(0) {
                counters.explicit = 0;
            }
            levels.push(level);
        } else {
            let next = level.map(&mappings(tbs).map_err(at_this)?, counters.mapping > 0);
            levels.extend([level, next]);
            if !self_issued {
                counters.step();
            }
            counters.constrain(tbs).map_err(at_this)?;
        }
    }
    if counters.explicit == 0 && !reaches(&levels, inputs) {
        return Err((Some(path.len().saturating_sub(1)), Reason::NoPolicy));
    }
    Ok(())
}

/// Certificate policies along a path: the signing CA first, the anchor last; below it the leaf, if there is one.
pub(super) fn check_path<'c>(
    certificates: impl Iterator<Item = &'c Certificate>,
    leaf: Option<&CertRef<'_>>,
    rules: &Rules,
    inputs: &PolicyInputs<'_>,
) -> Result<(), Rejection> {
    let malformed = |e| Rejection::whole(Reason::Malformed(e));
    let parsed: Vec<CertRef<'_>> = certificates.map(|certificate| CertRef::parse(certificate.der())).collect::<Result<_, _>>().map_err(malformed)?;
    let Some((anchor, below)) = parsed.split_last() else { return Ok(()) };
    let path: Vec<&TbsRef<'_>> = below.iter().rev().chain(leaf).map(|certificate| &certificate.tbs).collect();
    let counted = (!rules.anchor_is_name_and_key).then_some(&anchor.tbs);
    check(counted, &path, inputs).map_err(|(index, reason)| {
        let lowest = usize::from(leaf.is_none());
        let (tbs, below) = match index.and_then(|index| Some((*path.get(index)?, path.len().checked_sub(index)?.checked_sub(1)?))) {
            Some(found) => found,
            None => (&anchor.tbs, path.len()),
        };
        Rejection { certificate: Some(at(below.saturating_add(lowest), tbs)), reason }
    })
}

/// After how many more certificates something begins to hold (§6.1.2 (d) to (f)).
struct Counters {
    explicit: u32,
    mapping: u32,
    any: u32,
}

impl Counters {
    fn step(&mut self) {
        for counter in [&mut self.explicit, &mut self.mapping, &mut self.any] {
            *counter = counter.saturating_sub(1);
        }
    }

    /// §6.1.4 (i) and (j).
    fn constrain(&mut self, tbs: &TbsRef<'_>) -> Result<(), Reason> {
        let (explicit, mapping) = constraints(tbs)?;
        let any = tbs.extension(ext::INHIBIT_ANY_POLICY).map(|e| inhibit_any(e.value)).transpose()?;
        for (counter, limit) in [(&mut self.explicit, explicit), (&mut self.mapping, mapping), (&mut self.any, any)] {
            *counter = limit.map_or(*counter, |limit| limit.min(*counter));
        }
        Ok(())
    }
}

/// One depth of the policy tree, with equal nodes as one: as large as the certificates, where a tree could grow without bound.
#[derive(Default)]
struct Level {
    /// anyPolicy is valid here.
    any: bool,
    /// Each valid policy, with the policies one level up that it comes from; none means from anyPolicy.
    nodes: BTreeMap<ObjectIdentifier, Vec<ObjectIdentifier>>,
}

impl Level {
    fn is_empty(&self) -> bool {
        !self.any && self.nodes.is_empty()
    }

    /// What is left of the expected policies once a certificate names its own (§6.1.3 (d), (e)).
    fn meet(mut self, own: Option<BTreeSet<ObjectIdentifier>>, any_allowed: bool) -> Self {
        let Some(own) = own else { return Self::default() };
        let has_any = any_allowed && own.contains(&ANY);
        self.nodes.retain(|policy, _| has_any || own.contains(policy));
        if self.any {
            for policy in own.into_iter().filter(|policy| *policy != ANY) {
                self.nodes.entry(policy).or_default();
            }
        }
        self.any &= has_any;
        self
    }

    /// What is expected of the next certificate (§6.1.4 (b)).
    fn map(&mut self, mappings: &[(ObjectIdentifier, ObjectIdentifier)], allowed: bool) -> Self {
        for (issuer, _) in mappings {
            if !allowed {
                self.nodes.remove(issuer);
            } else if self.any {
                self.nodes.entry(*issuer).or_default();
            }
        }
        let mapped: BTreeSet<_> = mappings.iter().map(|(issuer, _)| *issuer).collect();
        let mut nodes: BTreeMap<_, Vec<_>> =
            self.nodes.keys().filter(|policy| !mapped.contains(*policy)).map(|policy| (*policy, vec![*policy])).collect();
        for (issuer, subject) in mappings.iter().filter(|(issuer, _)| self.nodes.contains_key(issuer)) {
            nodes.entry(*subject).or_default().push(*issuer);
        }
        Self { any: self.any, nodes }
    }
}

/// Whether a policy that is valid at the leaf comes from one that the caller accepts (§6.1.5 (g)).
fn reaches(levels: &[Level], inputs: &PolicyInputs<'_>) -> bool {
    let Some(last) = levels.last() else { return false };
    if inputs.acceptable.is_empty() || last.any {
        return !last.is_empty();
    }
    let accepted: BTreeSet<_> = inputs.acceptable.iter().filter_map(|text| ObjectIdentifier::new(text).ok()).collect();
    let mut names: BTreeSet<ObjectIdentifier> = last.nodes.keys().copied().collect();
    for level in levels.iter().rev() {
        let mut above = BTreeSet::new();
        for (policy, parents) in level.nodes.iter().filter(|(policy, _)| names.contains(*policy)) {
            if parents.is_empty() && accepted.contains(policy) {
                return true;
            }
            above.extend(parents.iter().copied());
        }
        names = above;
    }
    false
}

/// certificatePolicies (§4.2.1.4), without the qualifiers.
fn policies(tbs: &TbsRef<'_>) -> Result<Option<BTreeSet<ObjectIdentifier>>, Reason> {
    let malformed = || Reason::MalformedExtension("certificatePolicies");
    let Some(extension) = tbs.extension(ext::CERTIFICATE_POLICIES) else { return Ok(None) };
    let mut found = BTreeSet::new();
    for item in sequence(extension.value).ok_or_else(malformed)? {
        let mut fields = item.inside();
        let policy = fields.required(OID).and_then(|oid| oid.object_identifier()).map_err(|_| malformed())?;
        fields.optional(SEQUENCE).map_err(|_| malformed())?;
        // §4.2.1.4: a policy must not appear twice.
        if fields.finish().is_err() || !found.insert(policy) {
            return Err(malformed());
        }
    }
    Ok(Some(found))
}

/// policyMappings (§4.2.1.5): of the issuer's domain, of the subject's domain.
fn mappings(tbs: &TbsRef<'_>) -> Result<Vec<(ObjectIdentifier, ObjectIdentifier)>, Reason> {
    let malformed = || Reason::MalformedExtension("policyMappings");
    let Some(extension) = tbs.extension(ext::POLICY_MAPPINGS) else { return Ok(Vec::new()) };
    let pair = |item: Element<'_>| {
        let mut fields = item.inside();
        let issuer = fields.required(OID).ok()?.object_identifier().ok()?;
        let subject = fields.required(OID).ok()?.object_identifier().ok()?;
        fields.finish().ok()?;
        // §6.1.4 (a): nothing is mapped to or from anyPolicy.
        (issuer != ANY && subject != ANY).then_some((issuer, subject))
    };
    let items = sequence(extension.value).ok_or_else(malformed)?;
    items.into_iter().map(|item| pair(item).ok_or_else(malformed)).collect()
}

/// policyConstraints (§4.2.1.11): requireExplicitPolicy and inhibitPolicyMapping, one of them at least.
fn constraints(tbs: &TbsRef<'_>) -> Result<(Option<u32>, Option<u32>), Reason> {
    let malformed = Reason::MalformedExtension("policyConstraints");
    let Some(extension) = tbs.extension(ext::POLICY_CONSTRAINTS) else { return Ok((None, None)) };
    let read = || {
        let mut outer = DerReader::new(extension.value);
        let mut fields = outer.required(SEQUENCE)?.inside();
        outer.finish()?;
        let explicit = fields.optional(implicit(0))?.map(|e| skip_certs(&e)).transpose()?;
        let mapping = fields.optional(implicit(1))?.map(|e| skip_certs(&e)).transpose()?;
        fields.finish().map(|()| (explicit, mapping))
    };
    match read() {
        Ok((None, None)) | Err(_) => Err(malformed),
        Ok(found) => Ok(found),
    }
}

fn inhibit_any(value: &[u8]) -> Result<u32, Reason> {
    let mut outer = DerReader::new(value);
    let found = outer.required(INTEGER).and_then(|number| skip_certs(&number));
    found.and_then(|found| outer.finish().map(|()| found)).map_err(|_| Reason::MalformedExtension("inhibitAnyPolicy"))
}

/// A number of certificates; more than any path has is as good as the largest.
fn skip_certs(number: &Element<'_>) -> der::Result<u32> {
    match number.integer()? {
        [first, ..] if first & 0x80 != 0 => Err(number.wrong()),
        octets => Ok(octets.iter().fold(0u32, |n, octet| n.saturating_mul(256).saturating_add(u32::from(*octet)))),
    }
}

/// The members of a SEQUENCE OF SEQUENCE, one or more.
fn sequence(value: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut outer = DerReader::new(value);
    let mut items = outer.required(SEQUENCE).ok()?.inside();
    outer.finish().ok()?;
    let mut found = Vec::new();
    while !items.is_finished() {
        found.push(items.required(SEQUENCE).ok()?);
    }
    (!found.is_empty()).then_some(found)
}
