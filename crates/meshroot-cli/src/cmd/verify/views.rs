//! How Go, BoringSSL, rustls and OpenSSL would judge.

use meshroot::key::Crypto;
use meshroot::spiffe::SpiffeIdRef;
use meshroot::time::humanize;
use meshroot::verify::views::{Difference, Implementation, Verdict, View, as_others_see};
use meshroot::verify::{PathQuery, Rejection};
use meshroot::x509::Certificate;
use serde_json::{Value, json};

use super::anchors::Anchors;
use super::crls;
use super::render::{self, Judged};
use crate::args::Judge;
use crate::output::{Out, Style};

/// Whose view is asked for; `None` for our own.
pub(super) fn implementation(judge: Judge) -> Option<Implementation> {
    Some(match judge {
        Judge::Spiffe => return None,
        Judge::Go => Implementation::Go,
        Judge::Boringssl => Implementation::BoringSsl,
        Judge::Rustls => Implementation::RustlsWebpki,
        Judge::Openssl => Implementation::OpenSsl,
    })
}

/// All of them, about one chain.
pub(super) fn all(chain: &[Vec<u8>], judged: &Judged<'_>, crypto: &Crypto) -> Vec<View> {
    let query = PathQuery::new(judged.at).crls(judged.crls);
    as_others_see(chain, &anchors_for(chain, judged.anchors), &query, crypto)
}

/// The roots that a program would be given to judge this chain by: those of its trust domain; all of them, if it names none.
fn anchors_for(chain: &[Vec<u8>], anchors: &Anchors) -> Vec<Certificate> {
    let leaf = chain.first().and_then(|der| Certificate::from_der(der).ok());
    let uri = leaf.as_ref().and_then(Certificate::alt_names).and_then(|names| names.uris.first().map(|uri| (*uri).to_owned()));
    let id = uri.as_deref().and_then(|uri| SpiffeIdRef::parse(uri).ok());
    match id {
        Some(id) => anchors.map.get(id.trust_domain()).map(|bundle| bundle.x509_authorities().to_vec()).unwrap_or_default(),
        None => anchors.map.iter().flat_map(|(_, bundle)| bundle.x509_authorities().to_vec()).collect(),
    }
}

/// A line for each who would judge otherwise.
pub(super) fn others(views: &[View], ours: bool, out: &Out) {
    let mut agree = Vec::new();
    for view in views {
        match view.verdict.accepts() {
            Some(theirs) if theirs == ours => agree.push(view.implementation.product()),
            _ => out.line(format_args!("  {}   {view}", out.styled(Style::Warn, "otherwise"))),
        }
    }
    if !agree.is_empty() {
        out.line(format_args!("  likewise    {}", agree.join(", ")));
    }
}

/// One view as the verdict; `ours` is why we refuse, if we do. Whether it accepts.
pub(super) fn print(view: &View, ours: Option<&Rejection>, judged: &Judged<'_>, out: &Out) -> bool {
    let accepts = view.verdict.accepts();
    if out.is_json() {
        let mut document = json!({
            "valid": accepts == Some(true),
            "as": view.implementation.as_str(),
            "ours": { "valid": ours.is_none(), "reason": ours.map(render::reason) },
            "at": judged.at.to_string(),
            "bundle": render::about(judged.anchors),
            "crls": crls::about(judged.crls),
        });
        if let (Some(members), Value::Object(own)) = (document.as_object_mut(), one(view)) {
            members.extend(own);
        }
        out.document(&document);
        return accepts == Some(true);
    }
    let who = view.implementation;
    match &view.verdict {
        Verdict::Accepts { not_after } => {
            out.line(format_args!("{} as {who} sees it", out.styled(Style::Good, "valid")));
            out.line(format_args!("  until       {not_after} (for another {})", humanize(not_after.since(judged.at))));
        }
        Verdict::Refuses(rejection) => {
            out.line(format_args!("{} as {who} sees it: {}", out.styled(Style::Bad, "not valid"), rejection.reason));
            render::why(rejection, out);
        }
        Verdict::CannotSay(rejection) => {
            out.line(format_args!("{}: {who} may go on where we stopped: {}", out.styled(Style::Warn, "cannot be told"), rejection.reason));
            render::why(rejection, out);
        }
    }
    if let Some(symptom) = view.symptom() {
        out.line(format_args!("  seen as     {symptom}"));
    }
    for difference in &view.because {
        out.line(format_args!("  differs     {} ({}; {})", difference.what, difference.code, difference.source));
    }
    match ours {
        None => out.line(format_args!("  ours        {}", out.styled(Style::Good, "valid"))),
        Some(rejection) => out.line(format_args!("  ours        {}: {rejection}", out.styled(Style::Bad, "not valid"))),
    }
    render::judged_by(judged, out);
    accepts == Some(true)
}

pub(super) fn about(views: &[View]) -> Vec<Value> {
    views
        .iter()
        .map(|view| {
            let mut view_document = json!({ "as": view.implementation.as_str() });
            if let (Some(members), Value::Object(own)) = (view_document.as_object_mut(), one(view)) {
                members.extend(own);
            }
            view_document
        })
        .collect()
}

fn one(view: &View) -> Value {
    let (verdict, until) = match &view.verdict {
        Verdict::Accepts { not_after } => ("accepts", Some(not_after.to_string())),
        Verdict::Refuses(_) => ("refuses", None),
        Verdict::CannotSay(_) => ("cannot_say", None),
    };
    let rejection = view.verdict.rejection();
    json!({
        "verdict": verdict,
        "until": until,
        "reason": rejection.map(render::reason),
        "certificate": rejection.and_then(render::at_fault),
        "symptom": view.symptom(),
        "because": view.because.iter().map(|difference| difference_document(difference)).collect::<Vec<_>>(),
    })
}

fn difference_document(difference: &Difference) -> Value {
    json!({ "code": difference.code, "kind": difference.kind.as_str(), "what": difference.what, "source": difference.source })
}
