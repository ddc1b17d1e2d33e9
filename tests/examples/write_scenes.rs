//! Writes every scene below a folder, as folders and as manifests: `cargo run -p meshroot-tests --example write_scenes FOLDER`
#![allow(clippy::unwrap_used, reason = "a tool for tests")]

use std::path::PathBuf;

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_tests::scene::Scene;

fn main() {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "scenes".into()));
    for scene in Scene::all(Timestamp::from_unix(1_796_083_200), &Crypto::ring()) {
        let folder = out.join(scene.name);
        std::fs::create_dir_all(&folder).unwrap();
        scene.write_folders(&folder);
        scene.write_manifests(&folder);
        println!("{}", folder.display());
    }
}
