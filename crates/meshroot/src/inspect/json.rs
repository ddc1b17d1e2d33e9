//! SPIFFE bundles and bundle maps, with what readers of them ignore.

use std::collections::BTreeSet;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::context::Context;
use super::error::Reason;
use super::item::{Item, Kind};
use super::pem::as_item;
use super::words::{clean, count};
use super::{certificate, chain, manifest};
use crate::bundle::{Bundle, BundleError, BundleMap, Ignored, IgnoredReason, Limits};
use crate::lint::Severity::{self, Error, Notice, Warning};
use crate::spiffe::TrustDomain;
use crate::time::humanize;
use crate::x509::wire::CertRef;

/// Ignored entries of one bundle that are told apart; a hostile document has a million.
const MOST_IGNORED: usize = 20;

const BUNDLE: &str = "SPIFFE Trust Domain and Bundle §4";

pub(super) fn items(json: &[u8], context: &Context<'_>) -> Result<Vec<Item>, Reason> {
    let members = members(json)?;
    let has = |name: &str| members.contains(name);
    if has("trust_domains") {
        return map(json, context);
    }
    if has("apiVersion") || has("kind") {
        return manifest::items(json, context);
    }
    if has("keys") {
        return bundle(json, context);
    }
    Err(Reason::UnknownJson(match members.len() {
        0 => "no members".into(),
        _ => format!("members {}", super::words::list(members.iter().map(|name| format!("'{}'", clean(name, 40))))),
    }))
}

fn bundle(json: &[u8], context: &Context<'_>) -> Result<Vec<Item>, Reason> {
    // The document does not name its trust domain. Until its authorities have been asked, it gets a name nobody has.
    let unnamed = TrustDomain::parse("unknown").map_err(|reason| Reason::Bundle(BundleError::TrustDomainName { name: "unknown".into(), reason }))?;
    let (bundle, ignored) = Bundle::from_spiffe_json(unnamed, json, &Limits::default()).map_err(Reason::Bundle)?;
    let said = trust_domains(&bundle);
    let title = match said.iter().next() {
        Some(one) if said.len() == 1 => format!("SPIFFE trust bundle of {one}, as its authorities say"),
        Some(_) => "SPIFFE trust bundle whose authorities name several trust domains".into(),
        None => "SPIFFE trust bundle of an unknown trust domain: neither the document nor its authorities name one".into(),
    };
    let mut item = Item::new(Kind::Bundle, "", title);
    if said.len() > 1 {
        let names = super::words::list(said.iter().cloned());
        item.problem(
            Warning,
            "inspect.several_trust_domains",
            "keys",
            format!("its authorities are of {names}: a bundle is of one"),
            "SPIFFE Trust Domain and Bundle §3",
        );
    }
    describe(&mut item, &bundle, ignored.iter(), "");
    Ok(with_authorities(item, &bundle, "", context))
}

fn map(json: &[u8], context: &Context<'_>) -> Result<Vec<Item>, Reason> {
    let (map, ignored) = BundleMap::from_json(json, &Limits::default()).map_err(Reason::Bundle)?;
    let mut item = Item::new(Kind::BundleMap, "", format!("SPIFFE bundle map of {}", count(map.len(), "trust domain")));
    item.field("trust domains", super::words::list(map.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().into_iter()));
    if map.is_empty() {
        item.problem(
            Warning,
            "inspect.empty_map",
            "trust_domains",
            "it is empty: no identity is valid, and Envoy refuses it",
            "SPIFFE Trust Domain and Bundle §5.1",
        );
    }
    let mut items = vec![item];
    // Both are in the order of the names, so one pass gives each bundle its own.
    let mut ignored = ignored.iter().peekable();
    for (name, bundle) in map.iter() {
        let place = format!("trust_domains[\"{name}\"]");
        let mut item = Item::new(Kind::Bundle, place.as_str(), format!("SPIFFE trust bundle of {name}"));
        if let Some(other) = trust_domains(bundle).iter().find(|said| *said != name.as_str()) {
            let message = format!("one of its authorities says it is of {other}");
            item.problem(Warning, "inspect.other_trust_domain", "keys", message, "SPIFFE X509-SVID §4.1");
        }
        let prefix = format!("{place}.");
        let own = core::iter::from_fn(|| ignored.next_if(|entry| entry.at.starts_with(&prefix)));
        describe(&mut item, bundle, own, &prefix);
        items.extend(with_authorities(item, bundle, &prefix, context));
    }
    Ok(items)
}

fn describe<'a>(item: &mut Item, bundle: &Bundle, ignored: impl Iterator<Item = &'a Ignored>, prefix: &str) {
    item.field("X.509 authorities", bundle.x509_authorities().len().to_string());
    item.field("JWT authorities", bundle.jwt_authorities().len().to_string());
    item.field("sequence", bundle.sequence().map_or_else(|| "not said".into(), |sequence| sequence.to_string()));
    item.field("refresh hint", bundle.refresh_hint().map_or_else(|| "not said".into(), |hint| format!("{} s ({})", hint.as_secs(), humanize(hint))));
    if bundle.is_empty() {
        item.problem(
            Warning,
            "inspect.empty_bundle",
            "keys",
            "no authority in it can be used: every identity of the trust domain is invalid",
            "SPIFFE Trust Domain and Bundle §4.1.3",
        );
    } else if bundle.x509_authorities().is_empty() {
        item.problem(Warning, "inspect.no_x509_authority", "keys", "it has no X.509 authority: no certificate of the trust domain is valid", BUNDLE);
    }
    let mut more = 0usize;
    for (count, entry) in ignored.enumerate() {
        if count >= MOST_IGNORED {
            more = more.saturating_add(1);
            continue;
        }
        let (severity, source) = judge(&entry.reason);
        let reason = clean(&entry.reason.to_string(), 300);
        let (field, message) = match &entry.reason {
            IgnoredReason::HintNotPositive | IgnoredReason::HintTooLong => ("spiffe_refresh_hint", reason),
            _ => ("keys", format!("{} is ignored: {reason}", clean(entry.at.strip_prefix(prefix).unwrap_or(&entry.at), 80))),
        };
        item.problem(severity, entry.reason.code(), field, message, source);
    }
    if more > 0 {
        item.problem(Warning, "inspect.more_ignored", "keys", format!("{more} more are ignored"), BUNDLE);
    }
    item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
}

/// How bad it is that something is ignored: readers go on without it, and somebody meant it to count.
fn judge(reason: &IgnoredReason) -> (Severity, &'static str) {
    match reason {
        IgnoredReason::PrivateKey(_) => (Error, "RFC 7517 §9.2"),
        IgnoredReason::Repeated => (Notice, BUNDLE),
        IgnoredReason::HintNotPositive | IgnoredReason::HintTooLong => (Notice, "SPIFFE Trust Domain and Bundle §4.1.2"),
        IgnoredReason::UnknownKeyType(_) => (Warning, "SPIFFE Trust Domain and Bundle §4.2.1"),
        IgnoredReason::UnknownUse(_) => (Warning, "SPIFFE Trust Domain and Bundle §4.2.2"),
        IgnoredReason::NoCertificate | IgnoredReason::Certificate(_) | IgnoredReason::NotAnAuthority(_) => (Warning, "SPIFFE X509-SVID §6.2"),
        IgnoredReason::KeyDiffers => (Warning, "RFC 7517 §4.7"),
        IgnoredReason::SameKid => (Warning, "RFC 7517 §4.5"),
        _ => (Warning, "RFC 7517 §4"),
    }
}

fn with_authorities(item: Item, bundle: &Bundle, prefix: &str, context: &Context<'_>) -> Vec<Item> {
    let mut items = vec![item];
    for (number, authority) in (1..).zip(bundle.x509_authorities()) {
        let place = format!("{prefix}X.509 authority {number}");
        let mut described = certificate::describe(authority.der(), &place, context).unwrap_or_else(as_item);
        for problem in &mut described.problems {
            // An expired authority stays until somebody removes it, and validates nothing meanwhile.
            if problem.code == "inspect.expired" {
                problem.severity = Warning;
            }
        }
        items.push(described);
    }
    items
}

/// The trust domains that authorities name in their SPIFFE IDs.
fn trust_domains(bundle: &Bundle) -> BTreeSet<String> {
    let of = |der: &[u8]| CertRef::parse(der).ok().and_then(|parsed| chain::trust_domain(&parsed.tbs).map(|name| name.as_str().to_owned()));
    bundle.x509_authorities().iter().filter_map(|authority| of(authority.der())).collect()
}

/// The names of the outermost object's members; values are not looked at.
fn members(json: &[u8]) -> Result<BTreeSet<String>, Reason> {
    let mut reader = serde_json::Deserializer::from_slice(json.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(json));
    let read = reader.deserialize_any(Members).and_then(|members| reader.end().map(|()| members));
    read.map_err(|e| {
        let said = e.to_string();
        let reason = said.split(" at line ").next().unwrap_or_default();
        Reason::Json { line: e.line(), column: e.column(), reason: clean(unquoted(reason), 200) }
    })
}

/// A message up to where it begins to quote the document, which may hold keys.
fn unquoted(message: &str) -> &str {
    message.split(['"', '`']).next().unwrap_or_default().trim_end()
}

/// A bundle's error without the values that the JSON reader quotes: somebody may have pasted a key.
pub(super) fn without_values(e: &BundleError) -> String {
    match e {
        BundleError::Malformed { line, column, reason } => {
            BundleError::Malformed { line: *line, column: *column, reason: unquoted(reason).to_owned() }.to_string()
        }
        other => clean(&other.to_string(), 400),
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = BTreeSet<String>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeSet::new();
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            members.insert(name);
        }
        Ok(members)
    }
}
