//! The hierarchy as a tree, with expiries in words.

use meshroot::hierarchy::{Authority, AuthorityState, Imported};
use meshroot::time::{Timestamp, humanize};
use serde_json::{Value, json};

use crate::mesh::{Mesh, is_in_use};
use crate::output::{Out, Style};
use crate::session::Session;

/// Lines of clusters that a tree shows; `cluster list` shows all.
pub(crate) const MOST_SHOWN: usize = 20;

/// Below this many days people should act.
const SOON_DAYS: u64 = 30;

/// Prints the trust domain, its roots, and the cluster CAs below.
pub(crate) fn print(session: &Session<'_>, mesh: &Mesh) {
    lines(session, mesh).iter().for_each(|line| session.out.say(line));
}

/// The same as a result, which `-q` does not hide.
pub(crate) fn print_always(session: &Session<'_>, mesh: &Mesh) {
    lines(session, mesh).iter().for_each(|line| session.out.line(line));
}

fn lines(session: &Session<'_>, mesh: &Mesh) -> Vec<String> {
    let out = session.out;
    let mut lines = Vec::new();
    let sequence = mesh.published.as_ref().map_or(0, |published| published.sequence);
    lines.push(format!("{}  trust bundle number {sequence}", out.styled(Style::Strong, mesh.trust_domain())));
    let roots: Vec<_> = mesh.hierarchy.roots().filter(|root| is_in_use(root)).collect();
    let cas: Vec<_> = mesh.cluster_authorities().filter(|(_, ca)| is_in_use(ca)).collect();
    let width =
        cas.iter().take(MOST_SHOWN).map(|(_, ca)| ca.id().as_str().len()).chain(roots.iter().map(|root| root.id().as_str().len())).max().unwrap_or(0);
    for (number, root) in roots.iter().enumerate() {
        let last_root = number.saturating_add(1) == roots.len();
        lines.push(format!("{} {}", if last_root { "└─" } else { "├─" }, line(session, root, width.saturating_add(3))));
        let indent = if last_root { "  " } else { "│ " };
        let below: Vec<_> = cas.iter().filter(|(_, ca)| is_below(ca, root)).collect();
        for (at, (_, ca)) in below.iter().take(MOST_SHOWN).enumerate() {
            let last = at.saturating_add(1) == below.len();
            lines.push(format!("{indent} {} {}", if last { "└─" } else { "├─" }, line(session, ca, width)));
        }
        if let Some(more) = below.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
            lines.push(format!("{indent} └─ and {more} more: meshroot cluster list"));
        }
    }
    lines.extend(imported_lines(mesh));
    lines
}

/// What workloads are handed of others, a line each.
pub(crate) fn imported_lines(mesh: &Mesh) -> Vec<String> {
    let line = |imported: &Imported| {
        let sequence = imported.bundle().sequence().map(|sequence| format!(", its number {sequence}")).unwrap_or_default();
        let count = roots(imported.bundle().x509_authorities().len());
        format!("+  {}: {count}{sequence}, handed to workloads since {}", imported.trust_domain(), date(imported.at()))
    };
    mesh.hierarchy.imported().map(line).collect()
}

/// The same for machines.
pub(crate) fn imported(mesh: &Mesh) -> Vec<Value> {
    let one = |imported: &Imported| {
        json!({
            "trust_domain": imported.trust_domain().as_str(),
            "sequence": imported.bundle().sequence(),
            "roots": imported.bundle().x509_authorities().iter().map(|root| root.subject().to_string()).collect::<Vec<_>>(),
            "at": imported.at().to_string(),
        })
    };
    mesh.hierarchy.imported().map(one).collect()
}

/// So many roots, in words.
pub(crate) fn roots(count: usize) -> String {
    format!("{count} root{}", if count == 1 { "" } else { "s" })
}

fn is_below(ca: &Authority, root: &Authority) -> bool {
    ca.certificate().zip(root.certificate()).is_some_and(|(ca, root)| ca.issuer() == root.subject())
}

fn line(session: &Session<'_>, authority: &Authority, width: usize) -> String {
    let key = authority.certificate().map_or_else(String::new, |certificate| certificate.public_key().algorithm().to_string());
    let state = match authority.state() {
        AuthorityState::Active => String::new(),
        AuthorityState::Tainted => format!("  {}", session.out.styled(Style::Bad, "tainted")),
        state => format!("  {}", session.out.styled(Style::Warn, state)),
    };
    format!("{:<width$}  {key:<11}  {}{state}", authority.id(), expiry(session, authority))
}

/// `until 2036-11-19 (9y 11mo left)`, and louder when it is soon.
pub(crate) fn expiry(session: &Session<'_>, authority: &Authority) -> String {
    let Some(certificate) = authority.certificate() else { return String::new() };
    let validity = certificate.validity();
    let (text, style) = in_words(validity.not_after, session.now);
    if session.now < validity.not_before {
        return session.out.styled(Style::Bad, format_args!("not valid before {}", validity.not_before));
    }
    match style {
        Some(style) => session.out.styled(style, text),
        None => text,
    }
}

fn in_words(until: Timestamp, now: Timestamp) -> (String, Option<Style>) {
    if until < now {
        return (format!("expired on {} ({} ago)", date(until), humanize(now.since(until))), Some(Style::Bad));
    }
    let left = until.since(now);
    (format!("until {} ({} left)", date(until), humanize(left)), is_soon(until, now).then_some(Style::Warn))
}

/// The day of a time.
pub(crate) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    text.split('T').next().unwrap_or(&text).to_owned()
}

/// Whether a certificate should be replaced now.
pub(crate) fn is_soon(until: Timestamp, now: Timestamp) -> bool {
    until.since(now).as_secs() < SOON_DAYS.saturating_mul(86_400)
}

/// An authority for machines.
pub(crate) fn document(authority: &Authority) -> Value {
    let certificate = authority.certificate();
    json!({
        "id": authority.id().as_str(),
        "role": authority.role().to_string(),
        "state": authority.state().to_string(),
        "key": certificate.map(|c| c.public_key().algorithm().to_string()),
        "subject": certificate.map(|c| c.subject().to_string()),
        "serial": certificate.map(|c| c.serial().to_string()),
        "not_before": certificate.map(|c| c.validity().not_before.to_string()),
        "not_after": certificate.map(|c| c.validity().not_after.to_string()),
        "published_at": authority.published_at().map(|at| at.to_string()),
    })
}

/// The whole hierarchy for machines.
pub(crate) fn documents(mesh: &Mesh) -> (Vec<Value>, Vec<Value>) {
    let roots = mesh.hierarchy.roots().map(document).collect();
    let clusters = mesh.cluster_authorities().map(|(name, ca)| with_cluster(document(ca), name.as_str())).collect();
    (roots, clusters)
}

/// Adds the cluster's name to its authority.
pub(crate) fn with_cluster(mut document: Value, name: &str) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.remove("role");
        fields.insert("cluster".into(), name.into());
    }
    document
}

/// Says that lifetimes were cut, and why.
pub(crate) fn say_cut(out: &Out, what: &str, cut: &meshroot::issue::LifetimeCut) {
    out.warn(format_args!("{what}: {cut}"));
}
