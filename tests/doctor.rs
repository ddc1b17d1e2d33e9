//! `doctor` on every scene: each cell is what a real handshake says, each *no* is mended by its steps, each *yes* ends when it says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::time::Duration;

use meshroot::doctor::{Cause, Diagnosis, ExpiringKind, Mend, Plane, Settings, Verdict, diagnose};
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_tests::handshake::{Refusal, Rules, inbound};
use meshroot_tests::mint::YEAR;
use meshroot_tests::scene::{Expected, Scene};

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

/// What only Envoy's own validator does (`scenes_envoy.rs` asks it): it looks at an issuer's keyCertSign, and into URI constraints.
const BEYOND_WEBPKI: [&str; 2] = ["no-cert-sign", "uri-constraint"];

fn doctor(scene: &Scene, crypto: &Crypto) -> Diagnosis {
    diagnose(scene.evidence(), &Settings::default(), crypto, scene.now)
}

fn verdict<'a>(diagnosis: &'a Diagnosis, scene: &Scene, row: usize, column: usize, plane: Plane) -> &'a Verdict {
    let (row, column) = (scene.clusters[row].name, scene.clusters[column].name);
    let cell = diagnosis.cell(row, column, plane);
    &cell.unwrap_or_else(|| panic!("{}: no cell {row} -> {column} for {plane}", scene.name)).verdict
}

fn rules(plane: Plane) -> Rules {
    if plane == Plane::Sidecar { Rules::AsStrictAsEnvoy } else { Rules::Ztunnel }
}

/// A real handshake, in memory, at a time.
fn shakes(scene: &Scene, row: usize, column: usize, plane: Plane, at: Timestamp, crypto: &Crypto) -> Result<(), Refusal> {
    inbound(&scene.clusters[row].workload(at, crypto), &scene.clusters[column], rules(plane), at, crypto)
}

/// All complaints at once: one wrong cell rarely comes alone.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_cell_is_what_the_data_plane_does() {
    let crypto = Crypto::ring();
    let mut complaints = Vec::new();
    for scene in Scene::all(NOW, &crypto) {
        let diagnosis = doctor(&scene, &crypto);
        for (plane, expected) in [(Plane::Sidecar, scene.expected.sidecar), (Plane::Ambient, scene.expected.ambient)] {
            // Which trust domains sidecars let in is in the mesh's configuration, of which doctor sees nothing.
            let expected = if scene.name == "not-let-in" && plane == Plane::Sidecar { "yy yy" } else { expected };
            let said =
                Expected::matrix(scene.clusters.len(), |row, column| matches!(verdict(&diagnosis, &scene, row, column, plane), Verdict::Yes { .. }));
            if said != expected {
                complaints.push(format!("{} {plane}: doctor says {said}, the data plane {expected}", scene.name));
            }
        }
    }
    none(&complaints);
}

#[test]
fn every_no_is_mended_by_its_steps() {
    let crypto = Crypto::ring();
    let mut complaints = Vec::new();
    for scene in Scene::all(NOW, &crypto) {
        let diagnosis = doctor(&scene, &crypto);
        for (row, column) in scene.pairs() {
            for plane in Plane::ALL {
                let Verdict::No { otherwise, cause, .. } = verdict(&diagnosis, &scene, row, column, plane) else { continue };
                let works = |mended: Scene| {
                    let trusted = matches!(verdict(&doctor(&mended, &crypto), &mended, row, column, plane), Verdict::Yes { .. });
                    if trusted { handshake_after(&scene, &mended, row, column, plane, &crypto) } else { Err("doctor still says no".into()) }
                };
                let said = format!("{} {plane} {row}->{column} ({})", scene.name, cause.code());
                if let Err(e) = scene.cured(row, column, plane, &crypto).and_then(works) {
                    complaints.push(format!("{said}: {e}"));
                }
                // The other ways are a way each, or the steps of one.
                let steps: Vec<&Mend> = otherwise.iter().map(|step| &step.mend).collect();
                let together = scene.mended(steps.iter().copied(), &crypto).and_then(works).is_ok();
                for step in steps.iter().filter(|_| !together) {
                    if let Err(e) = scene.mended([*step], &crypto).and_then(works) {
                        complaints.push(format!("{said}, otherwise {}: {e}", name(step)));
                    }
                }
            }
        }
    }
    none(&complaints);
}

fn handshake_after(scene: &Scene, mended: &Scene, row: usize, column: usize, plane: Plane, crypto: &Crypto) -> Result<(), String> {
    if plane == Plane::Sidecar && BEYOND_WEBPKI.contains(&scene.name) {
        return Ok(());
    }
    shakes(mended, row, column, plane, mended.now, crypto).map_err(|e| format!("doctor says yes, the handshake {e}"))
}

fn name(mend: &Mend) -> String {
    let text = format!("{mend:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}

/// ztunnel's log carries the words of rustls. (What it says of trust domains are words of its own: there is no ztunnel here to ask.)
#[test]
fn in_ambient_a_person_sees_the_words_of_rustls() {
    let crypto = Crypto::ring();
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for scene in Scene::all(NOW, &crypto) {
        let diagnosis = doctor(&scene, &crypto);
        for (row, column) in scene.pairs() {
            let Verdict::No { cause: Cause::Path(_), symptom, .. } = verdict(&diagnosis, &scene, row, column, Plane::Ambient) else { continue };
            let Err(said) = shakes(&scene, row, column, Plane::Ambient, NOW, &crypto) else { continue };
            seen += 1;
            if !symptom.client.contains(&said.reason) || !symptom.counter.is_empty() {
                complaints.push(format!("{} {row}->{column}: rustls says '{said}', doctor '{}' {}", scene.name, symptom.client, symptom.counter));
            }
            if said.told.is_empty() || !symptom.caller.contains(&said.told) {
                complaints.push(format!("{} {row}->{column}: the caller is told '{}', doctor says '{}'", scene.name, said.told, symptom.caller));
            }
        }
    }
    assert!(seen > 20, "only {seen} refusals");
    none(&complaints);
}

#[test]
fn every_yes_lasts_until_its_time_and_not_a_second_longer() {
    let crypto = Crypto::ring();
    let mut complaints = Vec::new();
    for scene in Scene::all(NOW, &crypto) {
        let diagnosis = doctor(&scene, &crypto);
        for (row, column) in scene.pairs() {
            for plane in Plane::ALL {
                if plane == Plane::Sidecar && (BEYOND_WEBPKI.contains(&scene.name) || scene.name == "not-let-in") {
                    continue;
                }
                let Verdict::Yes { until, first_to_break } = verdict(&diagnosis, &scene, row, column, plane) else { continue };
                let said = format!("{} {plane} {row}->{column} until {until} ({})", scene.name, first_to_break.kind.as_str());
                if first_to_break.kind == ExpiringKind::Nothing {
                    // Where the root signs workloads itself: ztunnel does not look at a root's dates.
                    if let Err(e) = shakes(&scene, row, column, plane, NOW.plus(50 * YEAR), &crypto) {
                        complaints.push(format!("{said}: it ends: {e}"));
                    }
                    continue;
                }
                if let Err(e) = shakes(&scene, row, column, plane, *until, &crypto) {
                    complaints.push(format!("{said}: it ends before: {e}"));
                }
                if shakes(&scene, row, column, plane, until.plus(Duration::from_secs(1)), &crypto).is_ok() {
                    complaints.push(format!("{said}: it goes on"));
                }
            }
        }
    }
    none(&complaints);
}
