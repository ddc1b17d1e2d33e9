//! YAML as a tree of text. JSON is YAML, as far as manifests go.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

use super::ManifestError;

/// Levels of lists and mappings; a List of Secrets with managed fields has about twelve.
const MAX_DEPTH: usize = 64;
/// Values and keys of one text.
const MAX_VALUES: usize = 200_000;

/// A value and the line on which it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    /// Null, or nothing at all.
    Null,
    /// Any other scalar, as text: whoever wants a string gets what is written. Wiped, since keys are among them.
    Text(Zeroizing<String>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub(super) fn text(&self) -> Option<&str> {
        let Value::Text(text) = &self.value else { return None };
        Some(text)
    }
}

/// All documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, ManifestError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| syntax(&e))?;
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

fn syntax(error: &ScanError) -> ManifestError {
    let at = error.marker();
    ManifestError::Syntax { line: at.line(), column: at.col().saturating_add(1), reason: error.info().to_owned() }
}

/// Builds without recursion, so that depth costs memory only up to the bound.
#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    values: usize,
}

enum Open {
    List { line: usize, items: Vec<Node> },
    Map { line: usize, entries: Vec<(String, Node)>, names: BTreeSet<String>, key: Option<String> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ManifestError> {
        let line = span.start.line();
        match event {
            Event::Alias(_) => return Err(ManifestError::Alias(line)),
            Event::Scalar(text, style, _, _) => {
                let value = match (style, &*text) {
                    (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    _ => Value::Text(Zeroizing::new(text.into_owned())),
                };
                self.put(Node { line, value })?;
            }
            Event::SequenceStart(..) => self.open(line, Open::List { line, items: Vec::new() })?,
            Event::MappingStart(..) => self.open(line, Open::Map { line, entries: Vec::new(), names: BTreeSet::new(), key: None })?,
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { line, items }) => self.put(Node { line, value: Value::List(items) })?,
                Some(Open::Map { line, entries, .. }) => self.put(Node { line, value: Value::Map(entries) })?,
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, line: usize, open: Open) -> Result<(), ManifestError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ManifestError::TooMuch { line, reason: "lists and mappings are nested deeper than any manifest" });
        }
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return Err(ManifestError::Field { line, field: "a mapping".into(), reason: "has a list or a mapping for a key".into() });
        }
        self.open.push(open);
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), ManifestError> {
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES {
            return Err(ManifestError::TooMuch { line: node.line, reason: "it has more values than any manifest" });
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, names, key, .. }) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let name = node.text().unwrap_or_default().to_owned();
                    // Kubernetes takes the last one, other programs the first: nobody can mean both.
                    if !names.insert(name.clone()) {
                        return Err(ManifestError::Field { line: node.line, field: quoted(&name), reason: "stands twice in one mapping".into() });
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }
}

/// A name of the text in an error: short, and without control characters.
pub(super) fn quoted(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_default).collect()
}
