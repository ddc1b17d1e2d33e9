//! Each *no*: certificate, rule, what it looks like, and what mends it. Those with one cure are told together.

use std::collections::HashMap;

use meshroot::doctor::{Blamed, Cause, Cell, Diagnosis, Plane, Step, Symptom, Verdict};

use super::table::{Likeness, Table};
use super::words;
use crate::output::{Out, Style};

/// Explanations that are printed; `--json` has all.
const MOST_SHOWN: usize = 24;
/// Faults that one cure mends, and certificates of one fault, that are printed.
const MOST_FAULTS: usize = 4;

/// What one cure mends.
struct Cure<'a> {
    mend: &'a [Step],
    otherwise: &'a [Step],
    pairs: Vec<(String, String)>,
    /// The pairs that are like these, by their classes.
    alike: Vec<String>,
    planes: Vec<Plane>,
    faults: Vec<Fault<'a>>,
}

/// A rule that is broken, by whom, and what that looks like.
struct Fault<'a> {
    cause: &'a Cause,
    text: String,
    certificates: Vec<(&'a Blamed, Vec<Plane>)>,
    symptoms: Vec<(Plane, &'a Symptom)>,
}

pub(super) fn print(out: &Out, diagnosis: &Diagnosis, table: &Table<'_>) {
    let cures = collect(diagnosis, table);
    let unknown = unknown(diagnosis);
    if cures.is_empty() && unknown.is_empty() {
        return;
    }
    out.line(out.styled(Style::Strong, "Why not, and what mends it"));
    for cure in cures.iter().take(MOST_SHOWN) {
        one(out, cure);
    }
    if let Some(more) = cures.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        out.line(format_args!("and {more} more, with a cure of their own each: see --json"));
    }
    for (why, pairs) in unknown.into_iter().take(MOST_SHOWN) {
        out.line(format_args!("{}   {}", out.styled(Style::Warn, "?"), words::pairs(&pairs)));
        out.line(format_args!("    unknown      {why}"));
    }
    out.line("");
}

fn collect<'a>(diagnosis: &'a Diagnosis, table: &Table<'_>) -> Vec<Cure<'a>> {
    let mut places: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut cures: Vec<Cure<'a>> = Vec::new();
    for cell in &diagnosis.cells {
        let Verdict::No { cause, certificate, symptom, mend, otherwise, .. } = &cell.verdict else { continue };
        let likeness = table.likeness(&cell.row, &cell.column);
        if likeness == Likeness::Elsewhere {
            continue;
        }
        let steps = mend.iter().map(|step| step.text.as_str()).collect();
        let at = *places.entry(steps).or_insert_with(|| {
            cures.push(Cure { mend, otherwise, pairs: Vec::new(), alike: Vec::new(), planes: Vec::new(), faults: Vec::new() });
            cures.len().saturating_sub(1)
        });
        if let Some(cure) = cures.get_mut(at) {
            cure.add(cell, likeness);
            cure.fault(cell.plane, cause, certificate.as_deref(), symptom);
        }
    }
    cures
}

impl<'a> Cure<'a> {
    fn add(&mut self, cell: &Cell, likeness: Likeness) {
        if let Likeness::For(others) = likeness
            && !self.alike.contains(&others)
        {
            self.alike.push(others);
        }
        if !self.planes.contains(&cell.plane) {
            self.planes.push(cell.plane);
        }
        // Both planes of a pair stand one behind the other.
        if self.pairs.last().is_none_or(|(row, column)| *row != cell.row || *column != cell.column) {
            self.pairs.push((cell.row.clone(), cell.column.clone()));
        }
    }

    fn fault(&mut self, plane: Plane, cause: &'a Cause, certificate: Option<&'a Blamed>, symptom: &'a Symptom) {
        let text = cause.to_string();
        let at = self.faults.iter().position(|fault| fault.text == text);
        let at = at.unwrap_or_else(|| {
            self.faults.push(Fault { cause, text, certificates: Vec::new(), symptoms: Vec::new() });
            self.faults.len().saturating_sub(1)
        });
        let Some(fault) = self.faults.get_mut(at) else { return };
        if !fault.symptoms.iter().any(|(known, _)| *known == plane) {
            fault.symptoms.push((plane, symptom));
        }
        let Some(blamed) = certificate else { return };
        match fault.certificates.iter_mut().find(|(known, _)| *known == blamed) {
            Some((_, planes)) if planes.contains(&plane) => {}
            Some((_, planes)) => planes.push(plane),
            None => fault.certificates.push((blamed, vec![plane])),
        }
    }
}

fn one(out: &Out, cure: &Cure<'_>) {
    out.line(format_args!("{}  {}; {}", out.styled(Style::Bad, "NO"), words::pairs(&cure.pairs), words::planes(&cure.planes)));
    if !cure.alike.is_empty() {
        out.line(format_args!("    and so on    {}", words::names(cure.alike.iter())));
    }
    for fault in cure.faults.iter().take(MOST_FAULTS) {
        let mut label = "certificate";
        for (blamed, planes) in fault.certificates.iter().take(MOST_FAULTS) {
            let serial = blamed.serial.as_ref().map_or_else(String::new, |serial| format!(" (serial {serial})"));
            let place = if blamed.source.is_empty() { String::new() } else { format!(", in {}", blamed.source) };
            let only = if planes.len() < cure.planes.len() { format!("  [{}]", words::planes(planes)) } else { String::new() };
            // A leaf that is yet to be issued, or an SVID: it has no subject.
            let subject = if blamed.subject.is_empty() { String::new() } else { format!(" {}", blamed.subject) };
            out.line(format_args!("    {label:<12} the {}{subject}{serial}{place}{only}", blamed.role));
            label = "";
        }
        more(out, fault.certificates.len(), "certificates");
        out.line(format_args!("    because      {}", fault.text));
        out.line(format_args!("    rule         {} ({})", fault.cause.source(), fault.cause.code()));
        fault.symptoms.iter().for_each(|(plane, symptom)| seen(out, *plane, symptom));
    }
    more(out, cure.faults.len(), "faults");
    steps(out, "do", cure.mend);
    cure.otherwise.iter().for_each(|other| steps(out, "or", std::slice::from_ref(other)));
}

fn more(out: &Out, count: usize, what: &str) {
    if let Some(more) = count.checked_sub(MOST_FAULTS).filter(|more| *more > 0) {
        out.line(format_args!("                 and {more} more {what}: see --json"));
    }
}

fn seen(out: &Out, plane: Plane, symptom: &Symptom) {
    let mut label = match plane {
        Plane::Sidecar => "in Envoy",
        Plane::Ambient => "in ztunnel",
    };
    let lines = [
        ("as a client", symptom.client.as_str()),
        ("its caller", if symptom.client == symptom.caller { "" } else { symptom.caller.as_str() }),
        ("log", symptom.log.as_str()),
        ("counter", symptom.counter),
    ];
    for (what, said) in lines.into_iter().filter(|(_, said)| !said.is_empty()) {
        out.line(format_args!("    {label:<12} {} {said}", out.styled(Style::Faint, format_args!("{what}:"))));
        label = "";
    }
}

fn steps(out: &Out, label: &str, steps: &[Step]) {
    for (number, step) in (1..).zip(steps) {
        let label = out.styled(Style::Good, format_args!("{:<12}", if number == 1 { label } else { "" }));
        let number = if steps.len() > 1 { format!("{number}. ") } else { String::new() };
        out.line(format_args!("    {label} {number}{}", step.text));
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
