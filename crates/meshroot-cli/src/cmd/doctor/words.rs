//! How things are called, and the last words.

use std::collections::HashMap;
use std::fmt::Display;

use meshroot::doctor::{Breaks, Diagnosis, ExpiringKind, Expiry, Plane, Verdict, Warning};
use meshroot::lint::Severity;
use meshroot::time::{Timestamp, humanize};

use super::table::Table;
use crate::output::{Out, Style};
use crate::sources::Gathered;
use crate::tree::{date, is_soon};

/// Warnings that are printed; `--json` has all.
const MOST_WARNINGS: usize = 40;
/// Names in a list.
const MOST_NAMES: usize = 6;

/// `until 2027-01-31 (72d left)`.
pub(super) fn until(at: Timestamp, now: Timestamp) -> String {
    if at < now {
        return format!("expired on {} ({} ago)", date(at), humanize(now.since(at)));
    }
    format!("until {} ({} left)", date(at), humanize(at.since(now)))
}

/// The same, and louder when it is soon.
pub(super) fn until_styled(out: &Out, at: Timestamp, now: Timestamp) -> String {
    let text = until(at, now);
    if at < now {
        out.styled(Style::Bad, text)
    } else if is_soon(at, now) {
        out.styled(Style::Warn, text)
    } else {
        text
    }
}

/// `west, east and 4 more`.
pub(super) fn names<N: Display>(names: impl ExactSizeIterator<Item = N>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let shown: Vec<String> = names.take(MOST_NAMES).map(|name| name.to_string()).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Pairs as `west, east → north`, when each row goes with each column; otherwise row by row.
pub(super) fn pairs(pairs: &[(String, String)]) -> String {
    if let [(row, column)] = pairs {
        return if row == column { format!("{row} in itself") } else { format!("{row} → {column}") };
    }
    let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (row, column) in pairs {
        let at = *places.entry(row).or_insert_with(|| {
            rows.push((row, Vec::new()));
            rows.len().saturating_sub(1)
        });
        if let Some((_, columns)) = rows.get_mut(at) {
            columns.push(column);
        }
    }
    match rows.first() {
        Some((_, columns)) if rows.iter().all(|(_, others)| others == columns) => {
            format!("{} → {}", names(rows.iter().map(|(row, _)| row)), names(columns.iter()))
        }
        _ => names(rows.iter().map(|(row, columns)| format!("{row} → {}", names(columns.iter())))),
    }
}

pub(super) fn planes(planes: &[Plane]) -> &'static str {
    match planes {
        [Plane::Sidecar] => "sidecars",
        [Plane::Ambient] => "ambient",
        _ => "sidecars and ambient",
    }
}

/// `the signing CA CN=west (west/cacerts)`.
pub(super) fn what(expiry: &Expiry) -> String {
    let kind = match expiry.kind {
        ExpiringKind::Leaf => "the certificate",
        ExpiringKind::SigningCa => "the signing CA",
        ExpiringKind::Intermediate => "the intermediate",
        ExpiringKind::Root => "the root",
        ExpiringKind::Crl => "the CRL of",
        ExpiringKind::Nothing => return "nothing that expires".into(),
        _ => "the",
    };
    let source = if expiry.source.is_empty() { String::new() } else { format!(" ({})", expiry.source) };
    format!("{kind} {}{source}", expiry.subject)
}

pub(super) fn is_ever(breaks: &Breaks) -> bool {
    breaks.expiry.kind != ExpiringKind::Nothing
}

/// What is wrong besides, what was assumed, what was passed over.
pub(super) fn warnings(out: &Out, diagnosis: &Diagnosis, gathered: &Gathered) {
    if !diagnosis.warnings.is_empty() {
        out.line(out.styled(Style::Strong, "Warnings"));
        for warning in diagnosis.warnings.iter().take(MOST_WARNINGS) {
            say(out, warning);
        }
        if let Some(more) = diagnosis.warnings.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
            out.line(format_args!("  and {more} more: see --json"));
        }
        out.line("");
    }
    let remarks: Vec<&String> = diagnosis.notes.iter().chain(&gathered.remarks).collect();
    for remark in remarks.iter().take(MOST_WARNINGS) {
        out.say(format_args!("{} {remark}", out.styled(Style::Faint, "note:")));
    }
    if let Some(more) = remarks.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
        out.say(format_args!("and {more} more notes: see --json"));
    }
    if !remarks.is_empty() {
        out.say("");
    }
}

fn say(out: &Out, warning: &Warning) {
    let style = match warning.severity {
        Severity::Error => Style::Bad,
        Severity::Warning => Style::Warn,
        Severity::Notice => Style::Faint,
    };
    let whose = match (warning.source.is_empty(), warning.clusters.is_empty()) {
        (false, _) => format!(" {}:", warning.source),
        (true, false) => format!(" {}:", names(warning.clusters.iter())),
        (true, true) => String::new(),
    };
    out.line(format_args!("  {}{whose} {}", out.styled(style, format_args!("{}:", warning.severity)), warning.message));
    if warning.remedy.is_empty() {
        out.line(format_args!("    [{}]", warning.code));
    } else {
        out.line(format_args!("    do: {}  [{}]", warning.remedy, warning.code));
    }
}

/// The answer to the question.
pub(super) fn verdict(out: &Out, diagnosis: &Diagnosis, table: &Table<'_>) {
    let trusted = diagnosis.cells.iter().filter(|cell| matches!(cell.verdict, Verdict::Yes { .. })).count();
    let refused = diagnosis.cells.iter().filter(|cell| matches!(cell.verdict, Verdict::No { .. })).count();
    let unknown = diagnosis.cells.len().saturating_sub(trusted).saturating_sub(refused);
    if diagnosis.cells.is_empty() {
        let missing = if diagnosis.clusters.is_empty() {
            "no cluster was found in the sources"
        } else {
            "the sources say of no cluster both what it sends and what it trusts"
        };
        return out.line(out.styled(Style::Warn, format_args!("Nothing can be said about trust: {missing}.")));
    }
    if diagnosis.every_pair_trusts() {
        let all =
            if table.clusters() == 1 { "The cluster trusts itself".to_owned() } else { format!("All {} pairs trust each other", table.pairs()) };
        let first = diagnosis.forecast.iter().find(|breaks| is_ever(breaks));
        let end = first.map_or_else(String::new, |breaks| format!(", until {} at least", date(breaks.expiry.at)));
        return out.line(out.styled(Style::Good, format_args!("{all}{end}.")));
    }
    let unknown = if unknown > 0 { format!(", {unknown} cannot be told") } else { String::new() };
    let text = format!("Of {} answers (each pair, sidecars and ambient), {trusted} are yes, {refused} are no{unknown}.", diagnosis.cells.len());
    out.line(out.styled(if refused > 0 { Style::Bad } else { Style::Warn }, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_briefly() {
        let told = |text: &str| {
            let all: Vec<_> =
                text.split(' ').map(|pair| pair.split_once('-').map(|(row, column)| (row.to_owned(), column.to_owned())).unwrap()).collect();
            pairs(&all)
        };
        assert_eq!(told("a-b"), "a → b");
        assert_eq!(told("a-a"), "a in itself");
        assert_eq!(told("a-c b-c"), "a, b → c");
        assert_eq!(told("a-a a-b"), "a → a, b");
        assert_eq!(told("a-c a-d b-c b-d"), "a, b → c, d");
        assert_eq!(told("a-b b-a"), "a → b, b → a");
        assert_eq!(told("a-1 a-2 a-3 a-4 a-5 a-6 a-7 a-8"), "a → 1, 2, 3, 4, 5, 6 and 2 more");
    }
}
