//! Whatever goes wrong gets one sentence and an exit code of its own, and leaves everything as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "helpers of tests, where a failed expectation is the point"
)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::{Answer, ID, Place, changes};

/// Runs it, expects the failure, and that nothing changed in the mesh and no `out` appeared.
#[track_caller]
fn refused(place: &Place, args: &[&str], exit: i32) -> Answer {
    let before = place.snapshot("mesh");
    let answer = place.run(args).fails(exit);
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0], "{args:?}");
    assert!(!place.path("out").exists(), "{args:?}");
    answer
}

const SVID: [&str; 7] = ["svid", "--cluster", "west", "--id", ID, "--out", "out"];

#[test]
fn an_unknown_cluster() {
    let place = Place::with_mesh(&["west"]);
    for args in [
        vec!["svid", "--cluster", "nord", "--id", ID, "--out", "out"],
        vec!["sign", "--cluster", "nord", "--id", ID, "--csr", "nothing"],
        vec!["istio", "cacerts", "nord", "--out", "out"],
        vec!["cluster", "show", "nord"],
    ] {
        refused(&place, &args, 4).says("nord").says("west");
    }
}

#[test]
fn a_store_that_is_not_there() {
    let place = Place::new();
    for args in [vec!["status"], vec!["cluster", "list"], vec!["cluster", "add", "west"], vec!["bundle", "show"], SVID.to_vec()] {
        refused(&place, &args, 4).says("mesh/store/mesh.db");
    }
    assert!(!place.path("mesh").exists());
}

#[test]
fn identities_that_cannot_be_granted() {
    let place = Place::with_mesh(&["west"]);
    let with = |id| ["svid", "--cluster", "west", "--id", id, "--out", "out"];
    refused(&place, &with("spiffe://mesh.example/ns//sa"), 2).says("--id");
    refused(&place, &with("https://mesh.example/a"), 2);
    refused(&place, &with("spiffe://Mesh.example/a"), 2);
    refused(&place, &with("spiffe://mesh.example"), 1).says("workload");
    refused(&place, &with("spiffe://other.example/a"), 1).says("other.example");
    let error = place.run(&["svid", "--cluster", "west", "--id", "spiffe://mesh.example/a/", "--out", "out", "--json"]).fails(2).error();
    assert_eq!((&error["code"], &error["exit"]), (&"spiffe.trailing_slash".into(), &2.into()));
}

#[test]
fn a_missing_or_wrong_unlock_file() {
    let place = Place::with_mesh(&["west"]);
    let other = Place::with_mesh(&["west"]);
    let key = place.path("mesh/unlock.key");
    let good = fs::read(&key).unwrap();
    for (content, said) in [
        (None, "is not there"),
        (Some(b"".to_vec()), "empty"),
        (Some(b"hello".to_vec()), "unlock"),
        (Some(good[..40].to_vec()), "64 digits"),
        (Some(other.read("mesh/unlock.key")), "another"),
    ] {
        match content {
            Some(content) => fs::write(&key, content).unwrap(),
            None => fs::remove_file(&key).unwrap(),
        }
        refused(&place, &SVID, 5).says(said);
        refused(&place, &["istio", "cacerts", "west", "--out", "out"], 5);
        refused(&place, &["cluster", "add", "east"], 5);
        refused(&place, &["quickstart", "west", "east", "--trust-domain", "mesh.example"], 5);
    }
    // What needs no key works locked.
    place.run(&["status"]).ok();
    place.run(&["bundle", "export"]).ok();
    fs::write(place.path("elsewhere"), &good).unwrap();
    place.run(&[SVID.as_slice(), &["--unlock-file", "elsewhere"]].concat()).ok();
    let mut command = place.command(&["svid", "--cluster", "west", "--id", ID, "--out", "by-credential"]);
    fs::create_dir(place.path("credentials")).unwrap();
    fs::write(place.path("credentials/meshroot-unlock"), &good).unwrap();
    Answer::of(command.env("CREDENTIALS_DIRECTORY", place.path("credentials")).spawn().unwrap()).ok();
}

#[test]
fn a_root_without_its_unlock_file() {
    let place = Place::with_mesh(&["west"]);
    fs::rename(place.path("mesh/root/unlock.key"), place.path("usb")).unwrap();
    refused(&place, &["cluster", "add", "east"], 5).says("root/unlock.key");
    place.run(&["cluster", "add", "east", "--root-unlock-file", "usb"]).ok();
}

#[test]
fn a_database_that_is_not_one() {
    let place = Place::with_mesh(&["west"]);
    let path = place.path("mesh/store/mesh.db");
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped.iter_mut().skip(good.len() / 2).for_each(|byte| *byte ^= 0x55);
    let cases: [(&str, Vec<u8>); 5] = [
        ("empty", vec![]),
        ("text", b"this is no database, but somebody's notes\n".repeat(99)),
        ("cut", good[..good.len() / 3].to_vec()),
        ("flipped", flipped),
        ("a page", good[..4096].to_vec()),
    ];
    for (what, content) in cases {
        fs::write(&path, content).unwrap();
        for args in
            [vec!["status"], SVID.to_vec(), vec!["cluster", "add", "east"], vec!["quickstart", "west", "east", "--trust-domain", "mesh.example"]]
        {
            let answer = refused(&place, &args, 6);
            assert!(answer.stderr.contains("mesh.db"), "{what}: {answer:?}");
        }
    }
    fs::write(&path, good).unwrap();
    place.run(&SVID).ok();
}

#[test]
fn a_clock_before_or_after_the_cas_life() {
    let place = Place::with_mesh(&["west"]);
    for (now, said) in [("2020-01-01T00:00:00Z", "set the clock right"), ("2050-01-01T00:00:00Z", "expired")] {
        refused(&place, &[SVID.as_slice(), &["--now", now]].concat(), 8).says(said);
        refused(&place, &["istio", "cacerts", "west", "--out", "out", "--now", now], 8).says(said);
        refused(&place, &["quickstart", "west", "--trust-domain", "mesh.example", "--now", now], 8).says(said);
        refused(&place, &["cluster", "add", "east", "--now", now], 8).says(said);
    }
}

#[test]
fn keys_that_cannot_be_made() {
    let place = Place::with_mesh(&["west"]);
    refused(&place, &[SVID.as_slice(), &["--key-type", "rsa2048"]].concat(), 1).says("RSA");
    refused(&place, &["cluster", "add", "east", "--key-type", "rsa4096"], 1).says("RSA");
    refused(&place, &["quickstart", "a", "--out", "new", "--trust-domain", "mesh.example", "--root-key-type", "rsa3072"], 1).says("RSA");
    assert!(!place.path("new").exists());
    let answer = place.run(&[SVID.as_slice(), &["--key-type", "dsa"]].concat());
    assert_eq!(answer.code, 2);
}

#[test]
fn a_trust_domain_that_nobody_or_that_go_cannot_read() {
    let place = Place::new();
    refused(&place, &["quickstart", "west", "--trust-domain", "Mesh.Example"], 2).says("--trust-domain");
    refused(&place, &["quickstart", "west", "--trust-domain", "mesh.example."], 1).says("Go").says("--force");
    refused(&place, &["init", "--trust-domain", "mesh..example"], 1).says("Go");
    assert!(!place.path("mesh").exists());
    place.run(&["init", "--trust-domain", "mesh..example", "--force"]).ok();
}

#[test]
fn lifetimes_that_make_no_sense() {
    let place = Place::with_mesh(&["west"]);
    for wrong in ["0s", "1w", "forever", "99999999999y", "-1h"] {
        let before = place.snapshot("mesh");
        let answer = place.run(&[SVID.as_slice(), &[&format!("--lifetime={wrong}")]].concat());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{wrong}");
        let answer = place.run(&[SVID.as_slice(), &[&format!("--lifetime={wrong}"), "--json"]].concat()).fails(2);
        assert_eq!(answer.error()["code"], "usage");
        assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let place = Place::with_mesh(&["west"]);
    // Not even root may make folders there.
    for folder in ["/sys/meshroot-test", "/proc/self/meshroot-test"] {
        refused(&place, &["quickstart", "west", "--trust-domain", "mesh.example", "--out", folder], 7).says(folder);
        refused(&place, &["svid", "--cluster", "west", "--id", ID, "--out", folder], 7);
        let request = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/csr/ztunnel.pem");
        refused(&place, &["sign", "--cluster", "west", "--id", ID, "--csr", request, "--out", &format!("{folder}/chain.pem")], 7);
        refused(&place, &["bundle", "export", "--out", &format!("{folder}/b.json")], 7);
        refused(&place, &["istio", "cacerts", "west", "--out", folder], 7);
    }
    // Something else is where a folder should be.
    fs::write(place.path("file"), "mine").unwrap();
    refused(&place, &["quickstart", "west", "--trust-domain", "mesh.example", "--out", "file/mesh"], 7);
    refused(&place, &["bundle", "export", "--out", "file/b.json"], 7);
    assert_eq!(place.read("file"), b"mine");
}

/// Runs it with no file allowed to grow beyond so many blocks of 512 bytes: writing fails halfway, as on a full disk.
fn with_little_room(place: &Place, blocks: u32, args: &[&str]) -> Answer {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_meshroot")]).args(args).current_dir(place.dir.path());
    Answer::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn a_disk_that_is_full() {
    let quickstart = ["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"];
    let mut failed = 0;
    for blocks in [0, 1, 8, 100, 150, 2_000, 3_000] {
        let place = Place::new();
        let answer = with_little_room(&place, blocks, &quickstart);
        if answer.code != 0 {
            assert_eq!(answer.code, 7, "{blocks}: {answer:?}");
            assert!(!place.path("mesh").exists(), "{blocks}: something is left");
            failed += 1;
        }
        place.run(&quickstart).ok();
    }
    assert!(failed >= 5, "the limit was felt {failed} times");

    // A cluster that has no room is not added.
    let place = Place::with_mesh(&["west"]);
    let before = place.snapshot("mesh");
    let more = ["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"];
    // Enough for SQLite to open the stores, not for what comes.
    with_little_room(&place, 100, &more).fails(7);
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    place.run(&more).ok().says("Added east");
}

#[test]
fn a_certificate_that_has_no_room_is_not_issued() {
    let place = Place::with_mesh(&["west"]);
    let status = || place.run(&["status", "--json"]).ok().stdout;
    let (before, said) = (place.snapshot("mesh"), status());
    with_little_room(&place, 100, &SVID).fails(7);
    // SQLite may be unable to fold its log back into the store with so little room. That is no change of what it holds.
    let changed = changes(&before, &place.snapshot("mesh")).into_iter().filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    assert_eq!(changed.collect::<Vec<_>>(), [""; 0]);
    assert!(!place.path("out").exists());
    assert_eq!(status(), said);
    place.run(&SVID).ok();
}

#[test]
fn standard_output_that_is_full_or_gone() {
    let place = Place::with_mesh(&["west"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let answer = Answer::of(place.command(&["bundle", "export"]).stdout(full).spawn().unwrap());
    assert_eq!(answer.code, 7, "{answer:?}");
    let mut child = place.command(&["completions", "bash"]).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(Answer::of(child).code, 0, "a reader that has seen enough is no error");
}

#[test]
fn a_store_that_is_not_ours_to_read() {
    let place = Place::with_mesh(&["west"]);
    fs::set_permissions(place.path("mesh/store/mesh.db"), fs::Permissions::from_mode(0o000)).unwrap();
    let answer = place.run(&["status"]);
    // The superuser may read everything.
    assert!(matches!(answer.code, 0 | 7), "{answer:?}");
}

#[test]
fn a_command_line_that_cannot_be_understood() {
    let place = Place::new();
    for args in [vec!["quickstart"], vec!["quickstrat"], vec!["sign"], vec!["--jsno"], vec![], vec!["svid", "--cluster"]] {
        let answer = place.run(&args);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{args:?}: {answer:?}");
    }
    let error = place.run(&["sign", "--json"]).fails(2).error();
    assert_eq!((&error["code"], &error["exit"]), (&"usage".into(), &2.into()));
}
