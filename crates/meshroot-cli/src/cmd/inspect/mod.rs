//! `inspect`: what files are, and what is wrong with them.

mod render;

use std::path::Path;

use meshroot::inspect::{Item, Kind, inspect};
use meshroot::key::Crypto;
use meshroot::lint::Severity;
use meshroot::time::Timestamp;
use serde_json::{Value, json};

use crate::args::Inspect;
use crate::exit::{Exit, Failure, Result};
use crate::input;
use crate::output::{Out, Style};

/// One file and what became of it.
struct Inspected {
    name: String,
    result: Result<Vec<Item>>,
}

pub(super) fn run(args: &Inspect, now: Timestamp, out: &Out) -> Result<Exit> {
    let crypto = Crypto::ring();
    let mut files: Vec<Inspected> = args.files.iter().map(|path| one(path, &crypto, now)).collect();
    // Alone, a file that cannot be read is the failure of the command.
    if let [Inspected { result: Err(_), .. }] = files.as_slice()
        && let Some(Inspected { result: Err(failure), .. }) = files.pop()
    {
        return Err(failure);
    }
    let pairs = key_pairs(&files);
    if out.is_json() {
        out.document(&document(&files, &pairs));
    } else {
        print(&files, &pairs, out);
    }
    Ok(exit(&files))
}

fn one(path: &Path, crypto: &Crypto, now: Timestamp) -> Inspected {
    let name = input::named(path);
    let result = input::read(path).and_then(|bytes| inspect(&bytes, &name, crypto, now).map_err(|e| Failure::new(Exit::BadInput, e.code(), e)));
    Inspected { name, result }
}

/// What is not there weighs more than what cannot be read, and that more than what is wrong inside.
fn exit(files: &[Inspected]) -> Exit {
    let failed = |exit: Exit| files.iter().any(|file| matches!(&file.result, Err(failure) if failure.exit == exit));
    if failed(Exit::NotFound) {
        Exit::NotFound
    } else if files.iter().any(|file| file.result.is_err()) {
        Exit::BadInput
    } else if count(files, Severity::Error) > 0 {
        Exit::Refused
    } else {
        Exit::Ok
    }
}

fn items(files: &[Inspected]) -> impl Iterator<Item = (&str, &Item)> {
    files.iter().flat_map(|file| file.result.iter().flatten().map(|item| (file.name.as_str(), item)))
}

fn count(files: &[Inspected], severity: Severity) -> usize {
    items(files).flat_map(|(_, item)| &item.problems).filter(|problem| problem.severity == severity).count()
}

/// Private keys and the certificates or requests of the same key in other files, first ones only.
fn key_pairs(files: &[Inspected]) -> Vec<(String, String)> {
    const KEY: &str = "public key SHA-256";
    let keys = items(files).filter(|(_, item)| item.kind == Kind::PrivateKey);
    let pair = |(name, key): (&str, &Item)| {
        let same = |other: &Item| matches!(other.kind, Kind::Certificate | Kind::Request) && key.get(KEY).is_some() && other.get(KEY) == key.get(KEY);
        let (other, _) = items(files).find(|(other, item)| *other != name && same(item))?;
        Some((name.to_owned(), other.to_owned()))
    };
    keys.filter_map(pair).collect()
}

fn print(files: &[Inspected], pairs: &[(String, String)], out: &Out) {
    for (index, file) in files.iter().enumerate() {
        if files.len() > 1 {
            out.line(format_args!("{}== {} ==", if index == 0 { "" } else { "\n" }, out.styled(Style::Strong, &file.name)));
        }
        match &file.result {
            Ok(items) => {
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        out.line("");
                    }
                    render::lines(item, out);
                }
            }
            Err(failure) => out.line(format_args!("{}: {failure}", out.styled(Style::Bad, "unreadable"))),
        }
    }
    out.say("");
    for (key, other) in pairs {
        out.say(format_args!("The private key in {key} belongs to {other}."));
    }
    out.say(summary(files, out));
}

fn summary(files: &[Inspected], out: &Out) -> String {
    let kinds = [(Severity::Error, "error", Style::Bad), (Severity::Warning, "warning", Style::Warn), (Severity::Notice, "notice", Style::Faint)];
    let mut parts: Vec<String> = kinds
        .into_iter()
        .map(|(severity, name, style)| (count(files, severity), name, style))
        .filter(|(count, ..)| *count > 0)
        .map(|(count, name, style)| out.styled(style, format_args!("{count} {name}{}", if count == 1 { "" } else { "s" })))
        .collect();
    let unreadable = files.iter().filter(|file| file.result.is_err()).count();
    if unreadable > 0 {
        parts.insert(0, out.styled(Style::Bad, format_args!("{unreadable} unreadable")));
    }
    if parts.is_empty() { out.styled(Style::Good, "Nothing is wrong with it.") } else { parts.join(", ") }
}

fn document(files: &[Inspected], pairs: &[(String, String)]) -> Value {
    let one = |file: &Inspected| match &file.result {
        Ok(items) => json!({ "file": file.name, "items": items.iter().map(render::document).collect::<Vec<_>>() }),
        Err(failure) => json!({ "file": file.name, "error": { "code": failure.code, "message": failure.message, "exit": failure.exit as i32 } }),
    };
    json!({
        "files": files.iter().map(one).collect::<Vec<_>>(),
        "key_pairs": pairs.iter().map(|(key, other)| json!({ "private_key": key, "belongs_to": other })).collect::<Vec<_>>(),
        "errors": count(files, Severity::Error),
        "warnings": count(files, Severity::Warning),
        "notices": count(files, Severity::Notice),
    })
}
