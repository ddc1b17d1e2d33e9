//! Each *no*: certificate, rule, what it looks like, and what mends it. Those with one cause and one cure are told once.

use std::collections::HashMap;

use meshroot::doctor::{Blamed, Cause, Cell, Diagnosis, Plane, Step, Symptom, Verdict};

use super::words;
use crate::output::{Out, Style};

/// Explanations that are printed; `--json` has all.
const MOST_SHOWN: usize = 24;

/// A *no* of one or several pairs.
struct No<'a> {
    cause: String,
    code: &'a str,
    source: &'a str,
    certificate: Option<&'a Blamed>,
    /// What it looks like in each plane that refuses.
    symptoms: Vec<(Plane, &'a Symptom)>,
    mend: &'a [Step],
    otherwise: &'a [Step],
    pairs: Vec<(String, String)>,
}

pub(super) fn print(out: &Out, diagnosis: &Diagnosis) {
    let found = collect(diagnosis);
    if found.is_empty() && unknown(diagnosis).is_empty() {
        return;
    }
    out.line(out.styled(Style::Strong, "Why not, and what mends it"));
    for no in found.iter().take(MOST_SHOWN) {
        one(out, no);
    }
    if let Some(more) = found.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        out.line(format_args!("and {more} more reasons: see --json"));
    }
    for (why, pairs) in unknown(diagnosis).into_iter().take(MOST_SHOWN) {
        out.line(format_args!("{}  {}", out.styled(Style::Warn, "?"), words::pairs(&pairs)));
        out.line(format_args!("    unknown      {why}"));
    }
    out.line("");
}

fn collect(diagnosis: &Diagnosis) -> Vec<No<'_>> {
    type Key<'a> = (String, Option<&'a str>, Option<usize>, Vec<&'a str>);
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    let mut found: Vec<No<'_>> = Vec::new();
    for cell in &diagnosis.cells {
        let Verdict::No { cause, certificate, symptom, mend, otherwise, .. } = &cell.verdict else { continue };
        let text = cause.to_string();
        let blamed = certificate.as_ref();
        let cure = mend.iter().map(|step| step.text.as_str()).collect();
        let key = (text.clone(), blamed.map(|blamed| blamed.source.as_str()), blamed.map(|blamed| blamed.position), cure);
        let at = *places.entry(key).or_insert_with(|| {
            found.push(new(cause, text, blamed, mend, otherwise));
            found.len().saturating_sub(1)
        });
        let Some(no) = found.get_mut(at) else { continue };
        add(no, cell, symptom);
    }
    found
}

fn new<'a>(cause: &'a Cause, text: String, certificate: Option<&'a Blamed>, mend: &'a [Step], otherwise: &'a [Step]) -> No<'a> {
    No { cause: text, code: cause.code(), source: cause.source(), certificate, symptoms: Vec::new(), mend, otherwise, pairs: Vec::new() }
}

fn add<'a>(no: &mut No<'a>, cell: &'a Cell, symptom: &'a Symptom) {
    if !no.symptoms.iter().any(|(plane, _)| *plane == cell.plane) {
        no.symptoms.push((cell.plane, symptom));
    }
    // Both planes of a pair stand one behind the other.
    if no.pairs.last().is_none_or(|(row, column)| *row != cell.row || *column != cell.column) {
        no.pairs.push((cell.row.clone(), cell.column.clone()));
    }
}

fn one(out: &Out, no: &No<'_>) {
    let planes: Vec<Plane> = no.symptoms.iter().map(|(plane, _)| *plane).collect();
    out.line(format_args!("{}  {}, {}", out.styled(Style::Bad, "NO"), words::pairs(&no.pairs), words::planes(&planes)));
    if let Some(blamed) = no.certificate {
        let serial = blamed.serial.as_ref().map_or_else(String::new, |serial| format!(" (serial {serial})"));
        let place = if blamed.source.is_empty() { String::new() } else { format!(", in {}", blamed.source) };
        out.line(format_args!("    certificate  the {} {}{serial}{place}", blamed.role, blamed.subject));
    }
    out.line(format_args!("    because      {}", no.cause));
    out.line(format_args!("    rule         {} ({})", no.source, no.code));
    for (plane, symptom) in &no.symptoms {
        seen(out, *plane, symptom);
    }
    steps(out, "do", no.mend);
    for other in no.otherwise {
        steps(out, "or", std::slice::from_ref(other));
    }
}

fn seen(out: &Out, plane: Plane, symptom: &Symptom) {
    let proxy = match plane {
        Plane::Sidecar => "in Envoy",
        Plane::Ambient => "in ztunnel",
    };
    let both_sides = symptom.client == symptom.caller;
    let lines = [
        ("the client sees", symptom.client.as_str()),
        ("as a server, its caller sees", if both_sides { "" } else { symptom.caller.as_str() }),
        ("log", symptom.log.as_str()),
        ("counter", symptom.counter),
    ];
    let mut label = proxy;
    for (what, said) in lines.into_iter().filter(|(_, said)| !said.is_empty()) {
        out.line(format_args!("    {label:<12} {}: {said}", out.styled(Style::Faint, what)));
        label = "";
    }
}

fn steps(out: &Out, label: &str, steps: &[Step]) {
    for (number, step) in (1..).zip(steps) {
        let number = if steps.len() > 1 { format!("{number}. ") } else { String::new() };
        let label = if number.is_empty() || number == "1. " { label } else { "" };
        let label = format!("{label:<12}");
        out.line(format_args!("    {} {number}{}", out.styled(Style::Good, label), step.text));
        for command in &step.commands {
            out.line(format_args!("                   {}", out.styled(Style::Strong, command)));
        }
    }
}

/// What cannot be told, by what is missing.
fn unknown(diagnosis: &Diagnosis) -> Vec<(&str, Vec<(String, String)>)> {
    let mut found: Vec<(&str, Vec<(String, String)>)> = Vec::new();
    for cell in &diagnosis.cells {
        let Verdict::Unknown { why, .. } = &cell.verdict else { continue };
        let pair = (cell.row.clone(), cell.column.clone());
        match found.iter().position(|(known, _)| known == why) {
            Some(at) => {
                if let Some((_, pairs)) = found.get_mut(at).filter(|(_, pairs)| pairs.last() != Some(&pair)) {
                    pairs.push(pair);
                }
            }
            // Beyond what is shown there is no use in telling them apart.
            None if found.len() > MOST_SHOWN => {}
            None => found.push((why, vec![pair])),
        }
    }
    found
}
