//! How long `doctor` takes for many clusters: `cargo run --release -p meshroot-tests --example doctor_speed [CLUSTERS] [FOLDER]`
//!
//! With a folder, the sources are written there too, so that the command can be timed: `time meshroot doctor FOLDER/*/*.yaml`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement")]

use std::time::Instant;

use meshroot::doctor::{Plane, Settings, Verdict, diagnose};
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_tests::scene::large::{Kind, clusters};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let n = arguments.next().map_or(200, |n| n.parse().unwrap());
    let folder = arguments.next();
    let (crypto, now) = (Crypto::ring(), Timestamp::from_unix(1_796_083_200));
    for kind in [Kind::OneRoot, Kind::OneRootWithCrls, Kind::StrangersAll] {
        let scene = clusters(n, kind, now, &crypto);
        if let Some(folder) = &folder {
            let folder = std::path::Path::new(folder).join(format!("{kind:?}"));
            std::fs::create_dir_all(&folder).unwrap();
            scene.write_manifests(&folder);
        }
        let evidence = scene.evidence();
        let start = Instant::now();
        let diagnosis = diagnose(evidence, &Settings::default(), &crypto, now);
        let took = start.elapsed();
        let yes = |plane| diagnosis.cells.iter().filter(|cell| cell.plane == plane && matches!(cell.verdict, Verdict::Yes { .. })).count();
        let (sidecar, ambient) = (yes(Plane::Sidecar), yes(Plane::Ambient));
        println!("{kind:?}: {n} clusters, {} cells, {sidecar} + {ambient} of them yes, {took:?}", diagnosis.cells.len());
    }
}
