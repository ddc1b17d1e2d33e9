//! Certificate revocation lists.

use std::collections::BTreeMap;

use super::certificate::name;
use super::context::Context;
use super::error::Broken;
use super::item::{Item, Kind};
use super::keys::signature_in_words;
use super::words;
use crate::lint::{Severity, check_crl};
use crate::revocation::wire::CrlRef;
use crate::revocation::{Crl, CrlError, Scope, ScopeOf};
use crate::time::Validity;

pub(super) fn describe(der: &[u8], place: &str, context: &Context<'_>) -> Result<Item, Broken> {
    read(der, place, context).map_err(|e| Broken {
        what: "a certificate revocation list",
        place: place.into(),
        code: "inspect.crl",
        reason: e.to_string(),
        source: "RFC 5280 §5.1",
    })
}

fn read(der: &[u8], place: &str, context: &Context<'_>) -> Result<Item, CrlError> {
    let (crl, parsed) = (Crl::from_der(der)?, CrlRef::parse(der)?);
    let issuer = name(parsed.tbs.issuer);
    let mut item = Item::new(Kind::Crl, place, format!("certificate revocation list of {issuer}"));
    item.problems = check_crl(der)?;
    item.field("issuer", issuer);
    item.field("number", crl.number().map_or_else(|| "none".into(), ToString::to_string));
    item.field("this update", crl.this_update().to_string());
    match crl.next_update() {
        Some(next) => {
            let period = Validity { not_before: crl.this_update(), not_after: next };
            item.field("next update", format!("{next} ({})", words::at(period, context.now)));
        }
        None => item.field("next update", "not said"),
    }
    item.field("covers", scope(crl.scope()));
    item.field("revoked", words::count(crl.len(), "certificate"));
    if !crl.is_empty() {
        item.field("reasons", reasons(&crl));
    }
    if let Some(id) = crl.authority_key_id() {
        item.field("authority key id", words::clean(&id.to_string(), 128));
    }
    item.field("signature", signature_in_words(parsed.signature_algorithm));
    item.field("SHA-256", words::hex(&context.crypto.sha256(der)));
    times(&mut item, &crl, context);
    item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
    Ok(item)
}

fn scope(scope: Scope) -> String {
    match scope {
        Scope { of: ScopeOf::All, of_distribution_point: false } => "all certificates of this CA".into(),
        partial => partial.to_string(),
    }
}

/// `2 keyCompromise, 1 not said`, the most frequent first.
fn reasons(crl: &Crl) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for entry in crl.entries() {
        let count = counts.entry(entry.reason.map_or("not said", |reason| reason.as_str())).or_default();
        *count = count.saturating_add(1);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| core::cmp::Reverse(*count));
    words::list(counts.into_iter().map(|(reason, count)| format!("{count} {reason}")))
}

fn times(item: &mut Item, crl: &Crl, context: &Context<'_>) {
    let now = context.now;
    if crl.next_update().is_some_and(|next| next <= now) {
        let message = "it is out of date: Envoy refuses every certificate of this CA until there is a newer one";
        item.problem(Severity::Error, "inspect.crl_out_of_date", "nextUpdate", message, "RFC 5280 §6.3.3 (a)");
    }
    if now < crl.this_update() {
        item.problem(Severity::Error, "inspect.crl_not_yet_valid", "thisUpdate", "it is from the future: compare the clocks", "RFC 5280 §5.1.2.4");
    }
}
