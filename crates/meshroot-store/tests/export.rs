//! A store's whole state as plain files, and a store made of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
#[path = "support/full.rs"]
mod full;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use conformance::new_store;
use full::{files, fill};
use meshroot_store::export::{self, Export};
use meshroot_store::{Query, SqliteStore, Store};

/// A full store, exported.
fn exported() -> (tempfile::TempDir, SqliteStore, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("mesh.db"), &new_store()).unwrap();
    fill(&store);
    let out = folder.path().join("out");
    assert_eq!(export::write(&store, &out).unwrap(), 4);
    (folder, store, out)
}

#[test]
fn a_store_made_of_an_export_is_exported_to_the_same_files() {
    let (folder, store, out) = exported();
    let again = SqliteStore::import(&folder.path().join("again.db"), &Export::open(&out).unwrap()).unwrap();
    assert_eq!((again.meta().id.clone(), again.load().unwrap()), (store.meta().id.clone(), store.load().unwrap()));
    assert_eq!(again.issuances(&Query::default()).unwrap(), store.issuances(&Query::default()).unwrap());
    assert_eq!((again.tokens().unwrap(), again.standing().unwrap()), (store.tokens().unwrap(), store.standing().unwrap()));
    let second = folder.path().join("second");
    export::write(&again, &second).unwrap();
    assert_eq!(files(&second), files(&out));
    assert_eq!(files(&out).len(), 17, "store.json and a file for each table");
}

#[test]
fn an_export_is_for_its_owner_alone_and_never_mixed_with_other_files() {
    let (folder, store, out) = exported();
    for entry in fs::read_dir(&out).unwrap().chain(fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path() == out)) {
        let mode = entry.as_ref().unwrap().metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{entry:?}");
    }
    assert_eq!(export::write(&store, &out).unwrap_err().code(), "store.exists");
}

#[test]
fn an_export_that_is_not_what_was_written_makes_no_store() {
    let (folder, _, out) = exported();
    let path = folder.path().join("again.db");
    let refused = |what: &str| {
        let refused = Export::open(&out).and_then(|export| SqliteStore::import(&path, &export)).unwrap_err();
        assert!(matches!(refused.code(), "store.bad_export" | "store.damaged" | "store.database"), "{what}: {refused}");
        assert!(!path.exists(), "{what}");
        let leftovers = fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("tmp"));
        assert_eq!(leftovers.count(), 0, "{what}");
    };
    let intact = files(&out);
    for (name, text) in &intact {
        for (what, changed) in [("a cut end", text[..text.len().saturating_sub(9)].to_owned()), ("a line too many", format!("{text}{{}}\n"))] {
            if *text == changed {
                continue;
            }
            fs::write(out.join(name), changed).unwrap();
            refused(&format!("{name}, {what}"));
        }
        if name.ends_with("jsonl") {
            // What no checksum of a row covers is covered by the file's.
            for (at, _) in text.match_indices(|c: char| c.is_ascii_digit()).step_by(13) {
                let other = if text.as_bytes()[at] == b'7' { "8" } else { "7" };
                fs::write(out.join(name), format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
                assert_eq!(Export::open(&out).unwrap_err().code(), "store.bad_export", "{name}, octet {at}");
            }
        }
        fs::remove_file(out.join(name)).unwrap();
        let gone = Export::open(&out).unwrap_err();
        assert!(matches!(gone.code(), "store.bad_export" | "store.io"), "{name}: {gone:?}");
        fs::write(out.join(name), text).unwrap();
    }
    SqliteStore::import(&path, &Export::open(&out).unwrap()).unwrap();
}

/// Changes a row of an export, and makes `store.json` agree with it: an editor who means well.
fn edit(out: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(out.join(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    let changed = text.replacen(from, to, 1);
    let digest = |text: &str| {
        ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().iter().map(|octet| format!("{octet:02x}")).collect::<String>()
    };
    let header = fs::read_to_string(out.join("store.json")).unwrap().replace(&digest(&text), &digest(&changed));
    fs::write(out.join(name), changed).unwrap();
    fs::write(out.join("store.json"), header).unwrap();
}

#[test]
fn a_row_that_somebody_edited_is_noticed_by_its_checksum() {
    for (name, from, to) in [
        ("issuances.jsonl", "\"caller\":\"operator\"", "\"caller\":\"nobody\""),
        ("events.jsonl", "west", "east"),
        ("commits.jsonl", "\"keys\":1", "\"keys\":2"),
        ("join_tokens.jsonl", "operator", "nobody"),
        ("revocations.jsonl", "operator", "nobody"),
        ("denials.jsonl", "thief", "saint"),
    ] {
        let (folder, _, out) = exported();
        edit(&out, name, from, to);
        let path = folder.path().join("again.db");
        let refused = SqliteStore::import(&path, &Export::open(&out).unwrap()).unwrap_err();
        assert!(matches!(refused.code(), "store.damaged" | "store.bad_export") && !path.exists(), "{name}: {refused}");
    }
}
