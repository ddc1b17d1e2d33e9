#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use meshroot::x509::Certificate;

use super::*;
use crate::export::{self, Export};
use crate::sqlite::{SqliteStore, segments};
use crate::support::{Mesh, NOW};
use crate::{Change, Issuance, NewStore, Outcome, Query, RenderedBundle, Search, Store, StoreKind, Submission, TokenDigest};

fn store() -> (tempfile::TempDir, SqliteStore, Mesh) {
    let folder = tempfile::tempdir().unwrap();
    let id = "00112233445566778899aabbccddeeff".parse().unwrap();
    let new = NewStore { id, kind: StoreKind::Mesh, wrapped_data_key: b"wrapped".to_vec(), at: NOW };
    let (store, mesh) = (SqliteStore::create(&folder.path().join("mesh.db"), &new).unwrap(), Mesh::new("mesh.example"));
    let bundle = RenderedBundle { sequence: 1, bytes: mesh.bundle.to_spiffe_json().into_bytes() };
    let (trust_domain, events) = (mesh.trust_domain.clone(), mesh.events.clone());
    store.commit(&Change { expected_version: 0, trust_domain, events, sealed_keys: Vec::new(), bundle: Some(bundle), at: NOW }).unwrap();
    (folder, store, mesh)
}

fn issuance(mesh: &Mesh, kind: &str) -> Issuance {
    let (trust_domain, authority) = (mesh.trust_domain.clone(), mesh.west.clone());
    let issued = mesh.issue(if kind == "workload" { "/ns/shop/sa/cart" } else { "/ns/shop/sa/till" });
    let (kind, caller) = (kind.to_owned(), "operator".to_owned());
    Issuance { issued, trust_domain, authority, kind, caller, at: NOW, since: NOW }
}

/// Records one certificate of each kind together, and answers them in DER.
fn record(store: &SqliteStore, mesh: &Mesh, kinds: &[&str]) -> Vec<Vec<u8>> {
    let batch = kinds.iter().map(|kind| issuance(mesh, kind)).collect();
    store.record(batch).unwrap().into_iter().map(|one| one.unwrap().der().to_vec()).collect()
}

/// What is in the file, by position.
fn kept(store: &SqliteStore) -> BTreeMap<i64, Vec<u8>> {
    let state = store.state();
    let held = segments::held(&state.connection, &store.context("read")).unwrap();
    let of_segment = |segment: &Segment| {
        let mut select = state.connection.prepare(&format!("SELECT position, certificate FROM {}", segment.table())).unwrap();
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect::<Vec<_>>()
    };
    held.iter().flat_map(of_segment).collect()
}

/// Where it is kept whole.
fn whole(store: &SqliteStore) -> Vec<i64> {
    kept(store).iter().filter(|(_, kept)| kept[0] != DIFFERENCE).map(|(position, _)| *position).collect()
}

/// Every entry, read alone: its certificate, or what is said of its damage.
fn read(store: &SqliteStore) -> Vec<Result<Vec<u8>, String>> {
    let last = store.log_extent().unwrap().last;
    let one = |after| store.issuances(&Query { after, limit: 1, ..Query::default() });
    (0..last).map(|after| one(after).map(|mut rows| rows.pop().unwrap().certificate).map_err(|e| format!("{} {e}", e.code()))).collect()
}

/// Does what nobody should, and leaves the tables as they were otherwise.
fn harm(store: &SqliteStore, statement: &str) {
    let state = store.state();
    let triggers = ["issuances_are_final", "issuances_stay"];
    let sql = |name: &str| state.connection.query_row("SELECT sql FROM sqlite_schema WHERE name = ?", [name], |row| row.get::<_, String>(0)).unwrap();
    let again = triggers.map(sql).join(";");
    state.connection.execute_batch(&format!("DROP TRIGGER {}; DROP TRIGGER {}; {statement}; {again}", triggers[0], triggers[1])).unwrap();
}

#[test]
fn a_certificate_is_kept_as_a_difference_and_read_whole_in_every_way() {
    let (folder, store, mesh) = store();
    let made: Vec<_> = (0..5).flat_map(|_| record(&store, &mesh, &["workload", "server", "workload"])).collect();
    assert_eq!(whole(&store), [1, 2], "the first of each kind");
    for (position, kept) in kept(&store).into_iter().skip(2) {
        assert!(kept.len() * 10 < made[0].len() * 4, "entry {position} takes {} of {} octets", kept.len(), made[0].len());
    }
    let out = folder.path().join("out");
    export::write(&store, &out).unwrap();
    let exported = std::fs::read_to_string(out.join("issuances.jsonl")).unwrap();
    assert!(exported.lines().zip(&made).all(|(line, der)| line.contains(&BASE64_STANDARD.encode(der))), "an export has them whole");
    let imported = SqliteStore::import(&folder.path().join("imported.db"), &Export::open(&out).unwrap()).unwrap();
    assert_eq!(whole(&imported), [1, 2], "an import keeps them as recording does");
    drop(store);
    for store in [SqliteStore::open(&folder.path().join("mesh.db")).unwrap(), imported] {
        let certificates = |rows: Vec<crate::IssuanceRow>| rows.into_iter().map(|row| row.certificate).collect::<Vec<_>>();
        assert_eq!(certificates(store.issuances(&Query::default()).unwrap()), made);
        assert_eq!(certificates(store.search(&Search { id: None, ..Search::default() }).unwrap().rows), made);
        let serial = Certificate::from_der(&made[7]).unwrap().serial().clone();
        let found = store.search(&Search { serial: Some(serial), ..Search::default() }).unwrap();
        assert_eq!(certificates(found.rows), made[7..8]);
        for (position, der) in (1..).zip(&made) {
            assert_eq!(store.find(&Certificate::from_der(der).unwrap()).unwrap().unwrap().position, position);
        }
    }
}

#[test]
fn what_is_kept_by_a_damaged_entry_is_damaged_and_nothing_else_is() {
    for harmed in [
        "UPDATE issuances SET certificate = CAST(substr(certificate, 1, 100) || x'00' || substr(certificate, 102) AS BLOB) WHERE position = 1",
        "UPDATE issuances SET certificate = substr(certificate, 1, 90) WHERE position = 1",
        // A difference is no reference, and neither is what is not there.
        "UPDATE issuances SET certificate = x'01010000' WHERE position = 1",
    ] {
        let (_folder, store, mesh) = store();
        let made = record(&store, &mesh, &["workload", "workload", "server", "server", "workload"]);
        harm(&store, harmed);
        let read = read(&store);
        for (at, result) in read.iter().enumerate() {
            match result {
                Ok(der) => assert!([2, 3].contains(&at) && *der == made[at], "{harmed}: entry {}", at + 1),
                Err(e) => assert!([0, 1, 4].contains(&at) && e.starts_with("store.damaged"), "{harmed}: entry {}: {e}", at + 1),
            }
        }
        let told = read[4].as_ref().unwrap_err();
        assert!(told.contains("(entry 5 of the issuance log, or entry 1, by which it is kept, is not what was written)"), "{told}");
        assert_eq!(store.issuances(&Query::default()).unwrap_err().code(), "store.damaged");
    }
}

#[test]
fn a_reference_that_went_missing_is_damage() {
    let (_folder, store, mesh) = store();
    record(&store, &mesh, &["workload", "workload"]);
    harm(&store, "DELETE FROM issuances WHERE position = 1");
    assert!(store.issuances(&Query { after: 1, ..Query::default() }).unwrap_err().to_string().contains("entry 2 of the issuance log, or entry 1,"));
}

#[test]
fn another_reference_than_the_one_it_was_kept_by_is_damage() {
    let (_folder, store, mesh) = store();
    let made = record(&store, &mesh, &["workload", "server", "workload"]);
    // One position before instead of two, where a certificate of another identity is, just as long.
    harm(&store, "UPDATE issuances SET certificate = CAST(x'0101' || substr(certificate, 3) AS BLOB) WHERE position = 3");
    let read = read(&store);
    assert_eq!((read[0].as_ref(), read[1].as_ref()), (Ok(&made[0]), Ok(&made[1])));
    assert!(read[2].as_ref().is_err_and(|e| e.contains("entry 3 of the issuance log, or entry 2,")), "{:?}", read[2]);
}

#[test]
fn nothing_new_is_kept_by_what_was_there_when_the_store_was_opened() {
    let (_folder, store, mesh) = store();
    record(&store, &mesh, &["workload", "workload"]);
    harm(&store, "UPDATE issuances SET certificate = zeroblob(500) WHERE position = 1");
    let path = store.path().to_owned();
    // What is read at start is told of, as ever.
    store.state().connection.execute("UPDATE serial_keys_known SET position = 2, checksum = NULL", []).unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    let made = record(&store, &mesh, &["workload", "workload"]);
    assert_eq!(read(&store)[2..], [Ok(made[0].clone()), Ok(made[1].clone())]);
    assert_eq!(whole(&store), [1, 3]);
}

#[test]
fn nothing_is_kept_by_what_was_taken_back() {
    let (_folder, store, mesh) = store();
    let refused = |kind| Submission { consumes: Some(TokenDigest([7; 32])), ..issuance(&mesh, kind).into() };
    let one = |kind| issuance(&mesh, kind).into();
    // Where the first server's certificate would have been is a workload's then.
    let batch = vec![refused("workload"), one("workload"), refused("server"), one("workload"), one("server"), one("server")];
    let outcomes = store.submit(batch).unwrap();
    let made = outcomes.into_iter().flatten().map(|outcome| match outcome {
        Outcome::Recorded(recorded) => Ok(recorded.der().to_vec()),
        Outcome::Answered(_) => panic!("nothing was asked twice"),
    });
    let made: Vec<_> = made.collect();
    assert_eq!((read(&store), whole(&store)), (made, vec![1, 3]));
}

#[test]
fn nothing_is_kept_by_a_batch_that_failed() {
    let (_folder, store, mesh) = store();
    let limit = |pages: i64| store.state().connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let made = record(&store, &mesh, &["server"]);
    let pages: i64 = store.state().connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    limit(pages + 1);
    assert_eq!(store.record((0..50).map(|_| issuance(&mesh, "workload")).collect()).unwrap_err().code(), "store.disk_full");
    limit(1_000_000);
    let made = [made, record(&store, &mesh, &["server", "workload", "workload"])].concat();
    assert_eq!((read(&store), whole(&store)), (made.into_iter().map(Ok).collect(), vec![1, 2, 3]));
}

#[test]
fn processes_that_append_in_turn_keep_each_by_their_own_entries() {
    let (_folder, store, mesh) = store();
    let other = SqliteStore::open(store.path()).unwrap();
    let mut made = Vec::new();
    for turn in 0..12 {
        let one = if turn % 3 == 0 { &other } else { &store };
        made.extend(record(one, &mesh, if turn == 5 { &["server", "workload"] } else { &["workload"] }));
    }
    made.extend(record(&other, &mesh, &["server"]));
    let made: Vec<_> = made.into_iter().map(Ok).collect();
    assert_eq!((read(&store), read(&other)), (made.clone(), made));
    assert_eq!(whole(&store), [1, 2, 6, 14], "the first workload's and server's of each");
}

#[test]
fn nothing_is_kept_by_an_entry_of_another_segment() {
    let (_folder, store, mesh) = store();
    let mut made = record(&store, &mesh, &["workload", "workload"]);
    segments::begin_next(&store.state().connection, &store.context("tidy"), 0).unwrap();
    made.extend(record(&store, &mesh, &["workload", "workload"]));
    assert_eq!((read(&store), whole(&store)), (made.iter().cloned().map(Ok).collect(), vec![1, 3]));
    // The first one goes, with all that it is needed for.
    let first = segments::all(&store.state().connection, &store.context("tidy")).unwrap().swap_remove(0);
    segments::drop_one(&store.state().connection, &store.context("tidy"), first).unwrap();
    let left: Vec<_> = store.issuances(&Query::default()).unwrap().into_iter().map(|row| row.certificate).collect();
    assert_eq!(left, made[2..]);
}

#[test]
fn what_the_log_does_not_have_is_no_reference() {
    let (_folder, store, mesh) = store();
    record(&store, &mesh, &["workload", "server"]);
    let mut state = store.state();
    let open = segments::open(&state.connection, &store.context("read")).unwrap();
    state.references.go_on(&open, 1);
    assert_eq!(state.references.held.iter().map(|held| held.position).collect::<Vec<_>>(), [1]);
}

/// Certificates as they might be, of `kinds` kinds: alike, but for what nobody can guess.
fn certificate(n: i64, kinds: i64) -> (String, Vec<u8>) {
    let random = (0..12i64).flat_map(|part| (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()).wrapping_mul(part * 2 + 3).to_be_bytes());
    let der = [&[0x30; 7][..], &[7; 300], &random.collect::<Vec<_>>(), &[8; 100]].concat();
    ((n % kinds).to_string(), der)
}

#[test]
fn a_reference_has_no_more_dependents_and_is_no_further_away_than_is_said() {
    // With many CAs in turn distance is what ends it, with few the number.
    for kinds in [1, 200] {
        let mut references = References::default();
        let mut dependents: BTreeMap<i64, u32> = BTreeMap::new();
        let mut furthest = 0;
        for position in 1..=REACH * 3 {
            let (kind, der) = certificate(position, kinds);
            let kept = references.keep(&Whole { position, authority: "west", kind: &kind, known: [&[], &[]], certificate: &der }).to_vec();
            let Some(by) = reference(position, &kept) else { continue };
            let (by, difference) = by.unwrap();
            furthest = furthest.max(position - by);
            *dependents.entry(by).or_default() += 1;
            assert_eq!(delta::decode(&certificate(by, kinds).1, [&[], &[]], difference, LONGEST), Some(der));
        }
        let most = dependents.values().copied().max().unwrap();
        assert!(furthest <= REACH && most <= DEPENDENTS, "{kinds} kinds: {most} of one, up to {furthest} behind it");
        assert_eq!((most == DEPENDENTS, furthest > REACH - 200), (kinds == 1, kinds == 200));
        let whole = usize::try_from(REACH * 3).unwrap() - dependents.values().sum::<u32>() as usize;
        assert!(whole < 800, "{kinds} kinds: {whole} are kept whole");
    }
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut references = References::default();
    let kinds = i64::try_from(REMEMBERED).unwrap() + 44;
    for position in 1..=kinds * 2 {
        let (kind, der) = certificate(position, kinds);
        let kept = references.keep(&Whole { position, authority: "west", kind: &kind, known: [&[], &[]], certificate: &der });
        assert_eq!(kept, der, "its reference was forgotten before it came");
        assert!(references.held.len() <= REMEMBERED);
    }
}

#[test]
fn what_differs_much_is_kept_whole() {
    let mut references = References::default();
    for position in 1..20 {
        let (kind, der) = certificate(position, 1);
        let own = &der[307..403];
        let kept = references.keep(&Whole { position, authority: "west", kind: &kind, known: [&[], &[]], certificate: own });
        assert_eq!(kept, own);
    }
}
