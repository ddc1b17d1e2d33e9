//! Stores that a passphrase protects. On a terminal it is asked for; here it comes through a descriptor.
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
use std::process::{Command, Stdio};

use common::{Answer, ID, Place};

/// Runs it with these lines on descriptor 7.
fn with_lines(place: &Place, lines: &str, args: &[&str]) -> Answer {
    fs::write(place.path("lines"), lines).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "exec 7<lines; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_meshroot")]).args(args).args(["--unlock-fd", "7"]);
    command.current_dir(place.dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Answer::of(command.spawn().unwrap())
}

#[test]
fn a_passphrase_takes_the_place_of_the_unlock_files() {
    let place = Place::new();
    with_lines(&place, "of the mesh\nof the root\n", &["quickstart", "west", "--trust-domain", "mesh.example", "--passphrase"]).ok();
    assert!(!place.path("mesh/unlock.key").exists() && !place.path("mesh/root/unlock.key").exists());
    let svid = ["svid", "--cluster", "west", "--id", ID, "--out", "cart"];
    // Without a terminal nobody can be asked.
    place.run(&svid).fails(5).says("--unlock-fd");
    with_lines(&place, "something else\n", &svid).fails(5);
    with_lines(&place, "\n", &svid).fails(5);
    assert!(!place.path("cart").exists());
    with_lines(&place, "of the mesh\n", &svid).ok();
    // The root has its own.
    with_lines(&place, "of the mesh\n", &["cluster", "add", "east"]).fails(5).says("root");
    with_lines(&place, "of the mesh\nof the root\n", &["cluster", "add", "east"]).ok();
}

#[test]
fn an_unlock_file_comes_through_a_descriptor_too() {
    let place = Place::with_mesh(&["west"]);
    let line = String::from_utf8(place.read("mesh/unlock.key")).unwrap();
    fs::remove_file(place.path("mesh/unlock.key")).unwrap();
    with_lines(&place, &line, &["svid", "--cluster", "west", "--id", ID, "--out", "cart"]).ok();
    with_lines(&place, "", &["svid", "--cluster", "west", "--id", ID, "--out", "other"]).fails(5).says("descriptor");
}

#[test]
fn without_a_terminal_nothing_is_made_by_passphrase() {
    let place = Place::new();
    place.run(&["quickstart", "west", "--trust-domain", "mesh.example", "--passphrase"]).fails(5);
    assert!(!place.path("mesh").exists());
}
