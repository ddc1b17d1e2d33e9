//! An item as lines for people, and as JSON.

use meshroot::inspect::Item;
use meshroot::lint::{Finding, Severity};
use serde_json::{Map, Value, json};

use crate::output::{Out, Style};

/// The library's own lines, the important words of them made to stand out.
pub(super) fn lines(item: &Item, out: &Out) {
    let text = item.to_string();
    let mut lines = text.lines();
    out.line(out.styled(Style::Strong, lines.next().unwrap_or_default()));
    for line in lines.by_ref().take(item.fields.len()) {
        let name_ends = item.fields.iter().map(|field| field.name.len()).max().unwrap_or(0).saturating_add(4);
        match line.split_at_checked(name_ends) {
            Some((name, value)) => out.line(format_args!("{}{value}", out.styled(Style::Faint, name))),
            None => out.line(line),
        }
    }
    for (problem, line) in item.problems.iter().zip(lines) {
        let word = problem.severity.to_string();
        match line.trim_start().strip_prefix(&word) {
            Some(rest) => out.line(format_args!("  {}{rest}", out.styled(style(problem.severity), &word))),
            None => out.line(line),
        }
    }
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => Style::Bad,
        Severity::Warning => Style::Warn,
        Severity::Notice => Style::Faint,
    }
}

/// The names of fields become those of members: `valid until` is `valid_until`.
pub(super) fn document(item: &Item) -> Value {
    let fields: Map<String, Value> = item.fields.iter().map(|field| (member(field.name), json!(field.value))).collect();
    json!({
        "kind": item.kind.as_str(),
        "title": item.title,
        "place": item.place,
        "fields": fields,
        "problems": item.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn problem(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.to_string(),
        "code": finding.code,
        "field": finding.field,
        "message": finding.message,
        "source": finding.source,
    })
}

fn member(name: &str) -> String {
    let words: Vec<String> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_words_with_underscores() {
        assert_eq!(member("valid until"), "valid_until");
        assert_eq!(member("SHA-256"), "sha_256");
        assert_eq!(member("X.509 authorities"), "x_509_authorities");
        assert_eq!(member("asks for, too"), "asks_for_too");
    }
}
