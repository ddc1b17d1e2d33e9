//! Moving a mesh's store: `export`, `import`, and addresses of databases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "helpers of tests, where a failed expectation is the point"
)]

mod common;

use common::{ID, Place};

#[test]
fn a_mesh_goes_on_in_another_folder_with_all_that_it_had() {
    let place = Place::with_mesh(&["west"]);
    let issued = place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "cart", "--json"]).ok().json();
    let token = place.run(&["token", "create", "--cluster", "west", "--id", ID, "--ttl", "10m", "--json"]).ok().json();
    let before = place.run(&["status", "--json"]).ok().json();
    let exported = place.run(&["export", "--store", "mesh", "--out", "moved", "--json"]).ok().json();
    assert_eq!((&exported["store"], &exported["issued"]), (&before["store"], &before["issued"]));
    // Where something is, nothing is written.
    place.run(&["export", "--store", "mesh", "--out", "moved"]).fails(7).says("already there");
    place.run(&["import", "--from", "moved", "--store", "mesh"]).fails(7).says("already there");
    place.run(&["import", "--from", "moved", "--store", "there"]).ok().says("out of reach");
    std::fs::copy(place.path("mesh/unlock.key"), place.path("there/unlock.key")).unwrap();
    let after = place.run(&["status", "--store", "there", "--json"]).ok().json();
    for member in ["store", "sequence", "issued", "roots", "clusters", "last_record"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    let found = place.run(&["inventory", "--store", "there", "--json"]).ok().json();
    assert_eq!(found["certificates"][0]["serial"], issued["serial"]);
    place.run(&["token", "list", "--store", "there"]).ok().says(token["digest"].as_str().unwrap());
    let next = place.run(&["svid", "--store", "there", "--cluster", "west", "--id", ID, "--out", "again", "--json"]).ok().json();
    assert_eq!(next["record"].as_u64(), before["last_record"].as_u64().map(|last| last + 1));
    // Without the file that says that it is whole, it is none.
    std::fs::remove_file(place.path("moved/store.json")).unwrap();
    place.run(&["import", "--from", "moved", "--store", "third"]).fails(3).says("is not whole");
    assert!(!place.path("third/store/mesh.db").exists());
}

#[test]
fn an_address_of_a_database_never_holds_a_password_and_never_leaves_the_machine_in_plain() {
    let place = Place::with_mesh(&["west"]);
    for address in ["postgres://m:hunter2@db.example/mesh", "postgres://m@db.example/mesh?password=hunter2"] {
        let refused = place.run(&["status", "--store", address]).fails(2).says("password");
        assert!(!refused.stdout.contains("hunter2") && !refused.stderr.contains("hunter2"), "{refused:?}");
    }
    place.run(&["status", "--store", "postgres://m@db.example/mesh"]).fails(2).says("sslrootcert");
    place.run(&["status", "--store", "postgres://m@db.example/mesh?sslmode=require"]).fails(2).says("verify-full");
    // Nobody listens there.
    place.run(&["status", "--store", "postgres://m@127.0.0.1:1/mesh"]).fails(6).says("postgres://m@127.0.0.1:1/mesh");
    let elsewhere = place.path("elsewhere").display().to_string();
    let init = ["init", "--trust-domain", "mesh.example", "--store", "postgres://m@127.0.0.1:1/mesh", "--home", &elsewhere];
    place.run(&init).fails(6).says("postgres://m@127.0.0.1:1/mesh");
    assert!(!place.path("elsewhere").exists(), "something was made before the database was asked");
    let quickstart = ["quickstart", "west", "--trust-domain", "mesh.example", "--store", "postgres://m@127.0.0.1:1/mesh"];
    place.run(&quickstart).fails(2).says("meshroot import");
}
