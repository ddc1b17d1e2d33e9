//! Several certificates in one file: the chain they make, and where they do not.

use std::collections::HashSet;

use super::certificate::{constraints_of, is_ca, name, self_issued};
use super::context::Context;
use super::item::{Item, Kind};
use super::words::count;
use crate::key::PublicKey;
use crate::lint::Severity::{Error, Notice, Warning};
use crate::spiffe::{SpiffeIdRef, TrustDomainRef};
use crate::x509::wire::{CertRef, TbsRef};
use crate::x509::{AltNames, extension as ext, signature_algorithm};

/// As many as our own validation takes; more than any peer sends.
const MAX_CHAIN: usize = 16;

/// What RFC 5246 says of the order; RFC 8446 §4.4.2 asks for it and has clients tolerate others.
const ORDER: &str = "RFC 5246 §7.4.2";

/// One certificate of the file.
pub(super) struct Member<'a> {
    pub(super) place: String,
    pub(super) der: &'a [u8],
    pub(super) parsed: CertRef<'a>,
}

impl<'a> Member<'a> {
    fn tbs(&self) -> &TbsRef<'a> {
        &self.parsed.tbs
    }
}

/// Two certificates or more; `None` for fewer.
pub(super) fn describe(members: &[Member<'_>], context: &Context<'_>) -> Option<Item> {
    let (first, rest) = members.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let all_cas = members.iter().all(|member| is_ca(member.tbs()));
    // Nobody sends a root first, or so many: these are trusted, each for itself.
    let anchors = all_cas && (self_issued(first.tbs()) || members.len() > MAX_CHAIN);
    let mut item = if anchors {
        Item::new(Kind::TrustAnchors, "", format!("set of {} to trust", count(members.len(), "CA certificate")))
    } else {
        Item::new(Kind::Chain, "", String::new())
    };
    let once = without_duplicates(members, &mut item);
    if anchors {
        for member in once.iter().filter(|member| !self_issued(member.tbs())) {
            let message = format!("the certificate at {} is no root: it is issued by {}", member.place, name(member.tbs().issuer));
            item.problem(Notice, "inspect.not_a_root", "issuer", message, "RFC 5280 §6.1.1 (d)");
        }
        return Some(item);
    }
    if members.len() > MAX_CHAIN {
        item.title = format!("{} in one file", count(members.len(), "certificate"));
        item.problem(Error, "inspect.chain_too_long", "certificates", format!("as a chain, peers refuse more than {MAX_CHAIN}"), ORDER);
        return Some(item);
    }
    let path = order(&once, &mut item);
    item.title = title(&path, members.len());
    item.field("from the leaf up", path.iter().map(|member| whom(member.tbs())).collect::<Vec<_>>().join("  <-  "));
    links(&path, &mut item, context);
    trust_domains(&path, &mut item);
    top(&path, &mut item);
    item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
    Some(item)
}

fn title(path: &[&Member<'_>], all: usize) -> String {
    let kinds: Vec<_> = path
        .iter()
        .map(|member| match (is_ca(member.tbs()), self_issued(member.tbs())) {
            (false, _) => "leaf",
            (true, false) => "CA",
            (true, true) => "root",
        })
        .collect();
    format!("chain of {}: {}", count(all, "certificate"), kinds.join(", "))
}

/// The SPIFFE ID of a leaf, the subject of a CA.
fn whom(tbs: &TbsRef<'_>) -> String {
    let names = tbs.extension(ext::SUBJECT_ALT_NAME).and_then(|e| AltNames::decode(e.value).ok()).unwrap_or_default();
    match names.uris.as_slice() {
        [one] if !is_ca(tbs) && SpiffeIdRef::parse(one).is_ok() => super::words::clean(one, 300),
        _ => name(tbs.subject),
    }
}

fn without_duplicates<'m, 'a>(members: &'m [Member<'a>], item: &mut Item) -> Vec<&'m Member<'a>> {
    let mut seen = HashSet::new();
    let (once, twice): (Vec<_>, Vec<_>) = members.iter().partition(|member| seen.insert(member.der));
    if let Some(member) = twice.first() {
        let more = if twice.len() > 1 { format!(" (and {} more)", twice.len().saturating_sub(1)) } else { String::new() };
        item.problem(
            Warning,
            "inspect.duplicate",
            "certificates",
            format!("the certificate at {} stands in the file already{more}", member.place),
            ORDER,
        );
    }
    once
}

/// Whether `below` says that `above` issued it, by name.
fn says_issuer(below: &TbsRef<'_>, above: &TbsRef<'_>) -> bool {
    below.issuer == above.subject
}

/// Finds the path from the leaf up, and says where the file leaves it. At most [`MAX_CHAIN`] members.
fn order<'m, 'a>(members: &[&'m Member<'a>], item: &mut Item) -> Vec<&'m Member<'a>> {
    let issues_another = |member: &Member<'_>| {
        members.iter().any(|other| !core::ptr::eq(*other, member) && says_issuer(other.tbs(), member.tbs()) && !self_issued(other.tbs()))
    };
    let leaf = members.iter().find(|member| !is_ca(member.tbs())).or_else(|| members.iter().find(|member| !issues_another(member)));
    let Some(start) = leaf.or(members.first()) else { return Vec::new() };
    let mut path = vec![*start];
    while let Some(top) = path.last().filter(|top| !self_issued(top.tbs())) {
        let free = |member: &&&'m Member<'a>| !path.iter().any(|used| core::ptr::eq(*used, **member));
        let mut candidates = members.iter().filter(free).filter(|member| says_issuer(top.tbs(), member.tbs())).peekable();
        let first = candidates.peek().copied();
        let Some(next) = candidates.find(|member| key_ids_fit(top.tbs(), member.tbs())).or(first) else { break };
        path.push(next);
    }
    let (used, unrelated): (Vec<&'m Member<'a>>, Vec<_>) = members.iter().partition(|member| path.iter().any(|used| core::ptr::eq(*used, **member)));
    for member in unrelated {
        let message =
            format!("the certificate at {} ({}) issued none of those before it: it does not belong to the chain", member.place, whom(member.tbs()));
        item.problem(Error, "inspect.unrelated", "certificates", message, ORDER);
    }
    let in_order = used.iter().zip(&path).all(|(a, b)| core::ptr::eq(*a, *b));
    if !in_order {
        let right: Vec<_> = path.iter().map(|member| member.place.as_str()).collect();
        let message = format!("the order is wrong: each certificate must be issued by the next one, so put them as {}", right.join(", then "));
        item.problem(Error, "inspect.order", "certificates", message, ORDER);
    }
    path
}

fn key_ids_fit(below: &TbsRef<'_>, above: &TbsRef<'_>) -> bool {
    let subject = above.extension(ext::SUBJECT_KEY_IDENTIFIER).and_then(|e| ext::subject_key_identifier(e.value).ok());
    let authority = below.extension(ext::AUTHORITY_KEY_IDENTIFIER).and_then(|e| ext::authority_key_identifier(e.value).ok().flatten());
    subject.zip(authority).is_none_or(|(subject, authority)| subject == authority)
}

/// What each certificate must be to have issued the one below it.
fn links(path: &[&Member<'_>], item: &mut Item, context: &Context<'_>) {
    for (index, pair) in path.windows(2).enumerate() {
        let [below, above] = pair else { continue };
        let (tbs, issuer) = (below.tbs(), above.tbs());
        let places = format!("the certificate at {} and its issuer at {}", below.place, above.place);
        if !key_ids_fit(tbs, issuer) {
            let message = format!("{places}: authorityKeyIdentifier names another key than the issuer's subjectKeyIdentifier");
            item.problem(Error, "inspect.key_id_mismatch", "authorityKeyIdentifier", message, "RFC 5280 §4.2.1.1");
        }
        signature(below, above, &places, item, context);
        if !is_ca(issuer) {
            let message = format!("the certificate at {} issued another one and is no CA", above.place);
            item.problem(Error, "inspect.issuer_not_a_ca", "basicConstraints", message, "RFC 5280 §6.1.4 (k)");
        }
        if tbs.validity.not_after > issuer.validity.not_after {
            let message = format!("the certificate at {} outlives its issuer, which ends at {}", below.place, issuer.validity.not_after);
            item.problem(Warning, "inspect.outlives_issuer", "validity", message, "RFC 5280 §6.1.3 (a)(2)");
        }
        let cas_below = path.iter().take(index.saturating_add(1)).filter(|m| is_ca(m.tbs()) && !self_issued(m.tbs())).count();
        if let Some(allowed) = constraints_of(issuer).and_then(|c| c.path_len).filter(|allowed| cas_below > usize::from(*allowed)) {
            let message = format!("the certificate at {} allows {allowed} CAs below it, and there are {cas_below}", above.place);
            item.problem(Error, "inspect.path_length", "basicConstraints", message, "RFC 5280 §6.1.4 (l)");
        }
    }
}

fn signature(below: &Member<'_>, above: &Member<'_>, places: &str, item: &mut Item, context: &Context<'_>) {
    const SOURCE: &str = "RFC 5280 §6.1.3 (a)(1)";
    // An unknown algorithm or a refused key is told where the certificate is described.
    let Some(algorithm) = signature_algorithm(below.parsed.signature_algorithm) else { return };
    let Ok(key) = PublicKey::from_spki_der(above.tbs().spki) else { return };
    match context.verifies(&key, algorithm, below.tbs().raw, below.parsed.signature) {
        Some(true) => {}
        Some(false) => {
            let message = format!("{places}: the names fit, and the signature was not made by that issuer's key; another CA has the same name");
            item.problem(Error, "inspect.bad_signature", "signatureValue", message, SOURCE);
        }
        None => item.problem(
            Notice,
            "inspect.not_checked",
            "signatureValue",
            format!("{places}: the signature was not verified, there are too many"),
            SOURCE,
        ),
    }
}

/// A leaf is validated with the bundle of its own trust domain, so its CAs should say they are of that one.
fn trust_domains(path: &[&Member<'_>], item: &mut Item) {
    let Some((leaf, cas)) = path.split_first() else { return };
    let Some(own) = trust_domain(leaf.tbs()) else { return };
    let other = cas.iter().find_map(|ca| Some((ca, trust_domain(ca.tbs()).filter(|other| *other != own)?)));
    if let Some((ca, other)) = other {
        let message = format!("the certificate at {} is of the trust domain {own}, and the CA at {} says it is of {other}", leaf.place, ca.place);
        item.problem(Warning, "inspect.other_trust_domain", "subjectAltName", message, "SPIFFE X509-SVID §4.1");
    }
}

/// The trust domain of a certificate's only URI, if that is a SPIFFE ID.
pub(super) fn trust_domain<'a>(tbs: &TbsRef<'a>) -> Option<TrustDomainRef<'a>> {
    let names = AltNames::decode(tbs.extension(ext::SUBJECT_ALT_NAME)?.value).ok()?;
    match names.uris.as_slice() {
        [one] => SpiffeIdRef::parse(one).ok().map(|id| id.trust_domain()),
        _ => None,
    }
}

fn top(path: &[&Member<'_>], item: &mut Item) {
    let Some(top) = path.last() else { return };
    if self_issued(top.tbs()) {
        let message = "the root is included: peers that trust it have it already, so it may be left out";
        item.problem(Notice, "inspect.root_included", "certificates", message, "RFC 8446 §4.4.2");
    } else {
        item.field("to be trusted", name(top.tbs().issuer));
    }
}
