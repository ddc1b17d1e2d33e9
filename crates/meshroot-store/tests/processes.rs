//! Several processes with one store, and processes that are killed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conformance::{first_change, issuance, new_store, no_change};
use meshroot_store::{Query, SqliteStore, Store, StoreError};
use support::Mesh;

const STORE: &str = "MESHROOT_TEST_STORE";
const TASK: &str = "MESHROOT_TEST_TASK";

/// Starts this program again, with this task on this store.
fn start(task: &str, store: &Path) -> Child {
    command(Command::new(std::env::current_exe().unwrap()), task, store)
}

fn command(mut program: Command, task: &str, store: &Path) -> Child {
    program.args(["--exact", "child", "--nocapture"]).env(TASK, task).env(STORE, store).stdout(Stdio::piped()).spawn().unwrap()
}

/// What the other tests start; alone it does nothing.
#[test]
fn child() {
    let (Ok(task), Ok(path)) = (std::env::var(TASK), std::env::var(STORE)) else { return };
    let store = SqliteStore::open(Path::new(&path)).unwrap();
    match task.as_str() {
        "write until killed" => write_until_killed(&store),
        "commit ten" => (0..10).for_each(|_| commit(&store, &Mesh::new("mesh.example"))),
        "write until the disk fails" => write_until_the_disk_fails(&store),
        _ => panic!("{task}?"),
    }
}

/// Says `version N` and `serial HEX` once each is acknowledged, never before.
fn write_until_killed(store: &SqliteStore) {
    // A trust domain for each process, because keys are new in each.
    let mesh = Mesh::new(&format!("p{}.example", std::process::id()));
    let mut version = store.commit(&first_change(&mesh, store.load().unwrap().version)).unwrap();
    let say = |line: String| std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    loop {
        say(format!("\nversion {version}\n"));
        let recorded = store.record((0..3).map(|_| issuance(&mesh, "/ns/shop/sa/cart")).collect()).unwrap();
        for one in recorded {
            say(format!("\nserial {}\n", one.unwrap().serial()));
        }
        version = store.commit(&no_change(&mesh, version)).unwrap();
    }
}

/// Commits as if somebody else might be quicker.
fn commit(store: &SqliteStore, mesh: &Mesh) {
    loop {
        match store.commit(&no_change(mesh, store.load().unwrap().version)) {
            Ok(_) => return,
            Err(StoreError::Conflict { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    }
}

fn write_until_the_disk_fails(store: &SqliteStore) {
    let mesh = Mesh::new("mesh.example");
    let mut version = store.commit(&first_change(&mesh, store.load().unwrap().version)).unwrap();
    let failed = loop {
        println!("\nversion {version}");
        let mut change = no_change(&mesh, version);
        change.bundle = Some(meshroot_store::RenderedBundle { sequence: version + 1, bytes: vec![7; 50_000] });
        match store.commit(&change) {
            Ok(next) => version = next,
            Err(e) => break e,
        }
    };
    assert_eq!(failed.code(), "store.disk", "{failed}");
    let refused = store.commit(&no_change(&mesh, version)).unwrap_err();
    assert_eq!(refused.code(), "store.stopped", "after a failed write nothing more is written: {refused}");
    assert_eq!(store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap_err().code(), "store.stopped");
    println!("\nstopped");
}

#[test]
fn what_was_acknowledged_survives_a_killed_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    drop(SqliteStore::create(&path, &new_store()).unwrap());
    let (mut serials, mut version) = (Vec::new(), 0u64);
    for round in 0..20u64 {
        let mut child = start("write until killed", &path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Once it is at work, let it go on for a moment of varying length.
        let mut facts: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("serial ")).collect();
        let listener = std::thread::spawn(move || lines.collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(round * 5));
        child.kill().unwrap();
        child.wait().unwrap();
        facts.extend(listener.join().unwrap());
        // The kill may have cut the last line.
        facts.pop();
        for fact in facts {
            match fact.split_once(' ') {
                Some(("version", number)) => version = number.parse().unwrap(),
                Some(("serial", serial)) => serials.push(serial.to_owned()),
                _ => {}
            }
        }
        let store = SqliteStore::open(&path).unwrap();
        assert!(store.load().unwrap().version >= version, "round {round}");
        let log: BTreeMap<String, u64> = store
            .issuances(&Query { limit: Query::MOST, ..Query::default() })
            .unwrap()
            .iter()
            .map(|row| (row.serial.to_string(), row.position))
            .collect();
        let lost: Vec<_> = serials.iter().filter(|serial| !log.contains_key(*serial)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?} were acknowledged and are not in the log");
        assert_eq!(log.len() % 3, 0, "a batch is there as a whole or not at all");
    }
    assert!(serials.len() > 20, "{} certificates were acknowledged in all", serials.len());
}

#[test]
fn changes_of_several_processes_at_once_are_never_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    let store = SqliteStore::create(&path, &new_store()).unwrap();
    let children: Vec<_> = (0..3).map(|_| start("commit ten", &path)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(store.load().unwrap().version, 30);
}

#[test]
fn a_store_on_a_failing_disk_stops_and_keeps_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    drop(SqliteStore::create(&path, &new_store()).unwrap());
    // A limit on the size of files makes writes fail as a broken disk does, for an administrator too.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let output = command(shell, "write until the disk fails", &path).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("\nstopped"), "{said}");
    let acknowledged: u64 = said.lines().filter_map(|line| line.strip_prefix("version ")?.parse().ok()).max().unwrap();
    let version = SqliteStore::open(&path).unwrap().load().unwrap().version;
    assert!(acknowledged > 1 && version >= acknowledged, "{version} is stored, {acknowledged} was acknowledged");
}
