//! An export that somebody changed, with `store.json` to match: whatever was changed, what is made of it is the same to the letter, or nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
#[path = "support/full.rs"]
mod full;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use conformance::{new_store, no_change};
use full::{files, fill};
use meshroot::revocation::RevocationReason;
use meshroot_store::export::{self, Export};
use meshroot_store::{CaAnswer, CaRequest, CaRequestId, Denial, RevocationChange, SqliteStore, Store, StoreError};
use serde_json::{Value, json};
use support::{Mesh, NOW};

type Files = BTreeMap<String, String>;

/// A full store's export.
fn exported() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("mesh.db"), &new_store()).unwrap();
    fill(&store);
    // What can stand empty stands empty in one row, and is filled in another.
    let mesh = Mesh::new("mesh.example");
    let answer = CaAnswer { authority: mesh.west.clone(), at: NOW, by: "operator".into() };
    let request = store.waiting_ca_requests().unwrap().remove(0);
    store.answer_ca_request(&request.id, &answer, &no_change(&mesh, store.version().unwrap())).unwrap();
    store.add_ca_request(&CaRequest { id: CaRequestId([8; 16]), token: None, ..request }).unwrap();
    let (id, reason, by) = (mesh.id("/ns/shop/sa/late"), RevocationReason::Superseded, "operator".into());
    let denied = vec![Denial { number: 0, id, reason, at: NOW, by, expires_at: Some(NOW.plus(Duration::from_secs(60))) }];
    store.commit_revocations(&RevocationChange { denied, ..RevocationChange::new(2, NOW) }).unwrap();
    export::write(&store, &folder.path().join("out")).unwrap();
    files(&folder.path().join("out"))
}

/// Writes the files, with each table's number of rows and SHA-256 as `store.json` has to say them.
fn write(folder: &Path, files: &Files) {
    let mut header: Value = serde_json::from_str(&files["store.json"]).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
        if let Some(table) = name.strip_suffix(".jsonl") {
            let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
            let digest: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
            header["tables"][table] = json!({ "rows": text.lines().count(), "sha256": digest });
        }
    }
    fs::write(folder.join("store.json"), serde_json::to_string_pretty(&header).unwrap()).unwrap();
}

/// Where nothing is to be waited for, if there is such a place: what is synced does not matter here.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Whether a store comes of it; then it says the same as the files.
fn import(what: &str, changed: &Files) -> bool {
    let folder = folder();
    let (out, path) = (folder.path().join("out"), folder.path().join("mesh.db"));
    fs::create_dir(&out).unwrap();
    write(&out, changed);
    match Export::open(&out).and_then(|export| SqliteStore::import(&path, &export)) {
        Ok(store) => {
            store.load().unwrap();
            export::write(&store, &folder.path().join("again")).unwrap();
            let (again, out) = (files(&folder.path().join("again")), files(&out));
            // The rows are put in their order, and the header has their digests.
            let header = |files: &Files| {
                let mut header: Value = serde_json::from_str(&files["store.json"]).unwrap();
                header.as_object_mut().unwrap().remove("tables");
                header
            };
            let rows = |files: &Files, name: &String| files[name].lines().map(str::to_owned).collect::<BTreeSet<_>>();
            let same = |name: &String| if name == "store.json" { header(&again) == header(&out) } else { rows(&again, name) == rows(&out, name) };
            assert_eq!(out.keys().filter(|name| !same(name)).collect::<Vec<_>>(), Vec::<&String>::new(), "{what}");
            true
        }
        Err(refused) => {
            assert!(matches!(refused.code(), "store.bad_export" | "store.damaged" | "store.database"), "{what}: {refused:?}");
            assert!(
                matches!(refused, StoreError::BadExport { .. } | StoreError::Damaged { .. } | StoreError::Database { .. }),
                "{what}: {refused:?}"
            );
            let said = refused.to_string();
            assert!(said.len() < 3_000 && !said.chars().any(char::is_control), "{what}: {said:?}");
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["out"], "{what}");
            false
        }
    }
}

/// Other values of the same kind, and some of another.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!(1), json!("x"), json!("AQID")],
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            vec![json!(number.wrapping_add(1)), json!(i64::MIN), json!("1"), Value::Null]
        }
        Value::String(text) => {
            let swapped =
                if let Some(rest) = text.strip_prefix('A') { format!("B{rest}") } else { format!("A{}", text.get(1..).unwrap_or_default()) };
            vec![json!(""), json!(swapped), json!("\u{1b}[2J\n"), json!(7), Value::Null]
        }
        _ => panic!("no value of a row"),
    }
}

/// Which changes made a store all the same.
fn taken(changes: Vec<(String, Files)>) -> Vec<String> {
    let run =
        |changes: &[(String, Files)]| changes.iter().filter(|(what, files)| import(what, files)).map(|(what, _)| what.clone()).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let parts: Vec<_> = changes.chunks(changes.len().div_ceil(8)).map(|part| scope.spawn(move || run(part))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

#[test]
fn a_value_that_was_changed_anywhere_makes_no_store() {
    let intact = exported();
    assert!(import("nothing", &intact));
    let mut changes = Vec::new();
    for (name, text) in intact.iter().filter(|(name, _)| name.ends_with(".jsonl")) {
        let lines: Vec<&str> = text.lines().collect();
        // Where something can stand empty, the last row too.
        let last = lines.len().saturating_sub(if text.contains(":null") { 1 } else { lines.len() });
        for at in BTreeSet::from([0, last]).into_iter().filter(|at| *at < lines.len()) {
            let row: Value = serde_json::from_str(lines[at]).unwrap();
            for (column, value) in row.as_object().unwrap() {
                for other in others(value).into_iter().filter(|other| other != value) {
                    let mut row = row.clone();
                    row[column] = other.clone();
                    let row = row.to_string();
                    let rows = lines.iter().enumerate().map(|(number, line)| format!("{}\n", if number == at { &row } else { *line }));
                    let changed = Files::from_iter(intact.clone().into_iter().chain([(name.clone(), rows.collect())]));
                    changes.push((format!("{name}, row {at}: {column} is {other}"), changed));
                }
            }
        }
    }
    assert!(changes.len() > 300, "only {}", changes.len());
    assert_eq!(taken(changes), Vec::<String>::new());
}

#[test]
fn rows_that_were_taken_out_doubled_or_moved_make_no_other_store() {
    let intact = exported();
    let mut changes = Vec::new();
    for (name, text) in intact.iter().filter(|(name, _)| name.ends_with(".jsonl")) {
        let lines: Vec<&str> = text.lines().collect();
        let mut add = |what: &str, lines: Vec<&str>| {
            let text = lines.iter().map(|line| format!("{line}\n")).collect();
            changes.push((format!("{name}: {what}"), Files::from_iter(intact.clone().into_iter().chain([(name.clone(), text)]))));
        };
        if let Some((first, rest)) = lines.split_first() {
            add("without its first row", rest.to_vec());
            add("with its first row twice", [&[*first], lines.as_slice()].concat());
            if !rest.is_empty() {
                add("without its last row", lines[..lines.len() - 1].to_vec());
                add("the other way round", lines.iter().rev().copied().collect());
            }
        }
    }
    // What expires may be missing at any time; what the rest follows from may not, and nothing is there twice.
    for taken in taken(changes) {
        assert!(!taken.ends_with("twice"), "{taken}");
        let chained = ["trust_domains", "commits", "events", "revocation_changes", "revocations", "denial_lifts"];
        let without = taken.contains("without");
        assert!(!chained.iter().any(|table| without && taken.starts_with(&format!("{table}."))), "{taken}");
    }
}

#[test]
fn a_header_that_was_changed_is_refused_or_means_what_it_says() {
    let intact = exported();
    let header: Value = serde_json::from_str(&intact["store.json"]).unwrap();
    let mut changes = Vec::new();
    for (member, value) in header.as_object().unwrap().iter().filter(|(_, value)| !value.is_object()) {
        for other in others(value).into_iter().filter(|other| other != value) {
            let mut header = header.clone();
            header[member] = other.clone();
            changes.push((
                format!("{member} is {other}"),
                Files::from_iter(intact.clone().into_iter().chain([("store.json".to_owned(), header.to_string())])),
            ));
        }
    }
    let taken = taken(changes);
    // No checksum covers those; the ones that are covered, or cannot be, make no store.
    let free = ["created_at", "doubt", "epoch", "next_position", "seen", "wrapped_data_key"];
    assert!(taken.iter().all(|what| free.iter().any(|member| what.starts_with(member))), "{taken:#?}");
    assert!(taken.iter().all(|what| !what.contains("-9223372036854775808")), "{taken:#?}");
}
