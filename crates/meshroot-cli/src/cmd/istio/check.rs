//! `istio check`: would istiod start with these files, and would the mesh work?

use std::path::{Path, PathBuf};

use meshroot::istio::{CacertsFiles, Finding, Report, Severity, check, check_together, manifest};
use meshroot::time::humanize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};
use crate::input;
use crate::output::{Out, Style};
use crate::session::Session;
use crate::tree;

/// One cluster's set, and where it came from.
struct Set {
    place: String,
    files: CacertsFiles,
    /// Of a manifest, what istiod would not find.
    remarks: Vec<String>,
}

pub(super) fn run(session: &Session<'_>, inputs: &[PathBuf]) -> Result<Exit> {
    let out = session.out;
    let mut sets = Vec::new();
    for input in inputs {
        sets.extend(if input.is_dir() { vec![folder(input)?] } else { secrets(input)? });
    }
    let reports: Vec<(&str, Report)> = sets.iter().map(|set| (set.place.as_str(), check(&set.files, &session.crypto, session.now))).collect();
    // A folder and the Secret made of it are one cluster's set, not two that share a key.
    let first_of = |at: usize| sets.iter().position(|earlier| sets.get(at).is_some_and(|set| set.files == earlier.files)) == Some(at);
    let distinct: Vec<_> = reports.iter().enumerate().filter(|(at, _)| first_of(*at)).map(|(_, (place, report))| (*place, report)).collect();
    let together = check_together(&distinct);

    for (set, (_, report)) in sets.iter().zip(&reports) {
        one(session, set, report);
    }
    if distinct.len() > 1 {
        let verdict = match together.first().map(|worst| worst.severity) {
            None => out.styled(Style::Good, "they fit together"),
            Some(Severity::Hurts) => out.styled(Style::Warn, "they fit together, but not for ever"),
            Some(_) => out.styled(Style::Bad, "they do not fit together"),
        };
        out.line(format_args!("{} sets: {verdict}", distinct.len()));
        together.iter().for_each(|finding| say(out, finding));
    }
    let good = reports.iter().all(|(_, report)| report.is_good()) && together.iter().all(|finding| finding.severity == Severity::Hurts);
    out.document(&json!({
        "good": good,
        "sets": sets.iter().zip(&reports).map(|(set, (_, report))| document(set, report)).collect::<Vec<_>>(),
        "together": together.iter().map(finding_document).collect::<Vec<_>>(),
    }));
    Ok(if good { Exit::Ok } else { Exit::Refused })
}

fn folder(path: &Path) -> Result<Set> {
    let mut files = CacertsFiles::default();
    for name in CacertsFiles::NAMES {
        match std::fs::read(path.join(name)).map(Zeroizing::new) {
            Ok(bytes) => {
                files.set(name, bytes.as_slice());
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Failure::reading(&path.join(name), &e)),
        }
    }
    if files.is_empty() {
        let message = format!("{} holds none of the files that istiod reads: ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem", path.display());
        return Err(Failure::new(Exit::NotFound, "istio.no_files", message));
    }
    Ok(Set { place: path.display().to_string(), files, remarks: Vec::new() })
}

fn secrets(path: &Path) -> Result<Vec<Set>> {
    let text = input::read(path)?;
    let found = manifest::secrets(&text).map_err(|e| Failure::from(e).at(input::named(path)))?;
    let several = found.len() > 1;
    let set = |secret: manifest::SecretManifest| {
        let mut remarks = Vec::new();
        if secret.name != meshroot::istio::SECRET_NAME {
            remarks.push(format!("the Secret is called '{}', and istiod mounts '{}'", secret.name.escape_debug(), meshroot::istio::SECRET_NAME));
        }
        let place = if several { format!("{}, line {}", input::named(path), secret.line) } else { input::named(path) };
        Set { place, files: secret.files, remarks }
    };
    Ok(found.into_iter().map(set).collect())
}

fn one(session: &Session<'_>, set: &Set, report: &Report) {
    let out = session.out;
    let verdict = match report.findings().first().map(|worst| worst.severity) {
        None => out.styled(Style::Good, "good"),
        Some(Severity::Hurts) => out.styled(Style::Warn, Severity::Hurts),
        Some(worst) => out.styled(Style::Bad, worst),
    };
    out.line(format_args!("{}: {verdict}", set.place));
    if let Some(ca) = report.signing_ca() {
        let until =
            report.expires().map(|until| format!(", until {} ({})", tree::date(until), humanize(until.since(session.now)))).unwrap_or_default();
        out.line(format_args!("  {}{until}", ca.subject()));
    }
    set.remarks.iter().for_each(|remark| out.line(format_args!("  {} {remark}", out.styled(Style::Warn, "note:"))));
    report.findings().iter().for_each(|finding| say(out, finding));
}

fn say(out: &Out, finding: &Finding) {
    let style = if finding.severity == Severity::Hurts { Style::Warn } else { Style::Bad };
    out.line(format_args!("  {} {}: {}", out.styled(style, format_args!("{}:", finding.severity)), finding.file, finding.message));
    out.line(format_args!("    do: {}  [{}]", finding.remedy, finding.code));
    if let Some(says) = &finding.istiod_says {
        out.line(format_args!("    istiod says: {says}"));
    }
}

fn document(set: &Set, report: &Report) -> Value {
    json!({
        "place": set.place,
        "good": report.is_good(),
        "subject": report.signing_ca().map(|ca| ca.subject().to_string()),
        "trust_domain": report.trust_domain().map(|name| name.as_str().to_owned()),
        "expires": report.expires().map(|until| until.to_string()),
        "remarks": set.remarks,
        "findings": report.findings().iter().map(finding_document).collect::<Vec<_>>(),
    })
}

fn finding_document(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.as_str(),
        "code": finding.code,
        "file": finding.file,
        "message": finding.message,
        "remedy": finding.remedy,
        "istiod_says": finding.istiod_says,
    })
}
