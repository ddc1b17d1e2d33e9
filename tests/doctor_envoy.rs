//! `doctor` beside a real Envoy: its cells, what it says a person will see, and what its steps mend. Run by `tests/interop.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::doctor::{Diagnosis, Plane, Settings, Symptom, Verdict, diagnose};
use meshroot::key::Crypto;
use meshroot_tests::envoy::{Envoy, Seen};
use meshroot_tests::exhibits::now;
use meshroot_tests::scene::Scene;

/// What a sidecar's doctor says of a pair.
fn said<'a>(diagnosis: &'a Diagnosis, scene: &Scene, row: usize, column: usize) -> &'a Verdict {
    let cell = diagnosis.cell(scene.clusters[row].name, scene.clusters[column].name, Plane::Sidecar);
    &cell.unwrap_or_else(|| panic!("{}: no cell {row} -> {column}", scene.name)).verdict
}

fn complaints_about(seen: &Seen, symptom: &Symptom) -> Vec<String> {
    let mut complaints = Vec::new();
    // Envoy writes its logs with an underscore for each space.
    let (log, counter) = (symptom.log.replace(' ', "_"), symptom.counter.trim_start_matches("ssl.").to_owned());
    if seen.reason != log {
        complaints.push(format!("the log says\n     {}, doctor\n     {log}", seen.reason));
    }
    if seen.counters != [counter.clone()] {
        complaints.push(format!("the counters {:?} moved, doctor says {counter}", seen.counters));
    }
    complaints
}

#[test]
fn envoy_does_and_shows_what_doctor_says() {
    let (crypto, now) = (Crypto::ring(), now());
    // Which trust domains sidecars let in is in the mesh's configuration, of which doctor sees nothing.
    let scenes: Vec<Scene> = Scene::all(now, &crypto).into_iter().filter(|scene| scene.name != "not-let-in").collect();
    let envoy = Envoy::start(&scenes, &crypto);
    let callers = envoy.callers();
    let mut complaints = Vec::new();
    for scene in &scenes {
        let diagnosis = diagnose(scene.evidence(), &Settings::default(), &crypto, now);
        for (row, column) in scene.pairs() {
            let verdict = said(&diagnosis, scene, row, column);
            let mut complain = |what: &str| complaints.push(format!("{} {row}->{column}: {what}", scene.name));
            let (server, client) = (envoy.inbound(scene.name, row, column), envoy.outbound(scene.name, row, column));
            if [server.accepted, client.accepted] != [matches!(verdict, Verdict::Yes { .. }); 2] {
                complain(&format!("doctor says {}, Envoy {server:?}, {client:?}", verdict.as_str()));
            }
            let Verdict::No { symptom, .. } = verdict else { continue };
            complaints_about(&server, symptom).iter().for_each(|what| complain(&format!("as a server, {what}")));
            complaints_about(&client, symptom).iter().for_each(|what| complain(&format!("as a client, {what}")));
            if client.answer != symptom.client {
                complain(&format!("the application gets '{}', doctor says '{}'", client.answer, symptom.client));
            }
            // The row calls the column and is refused: in the second Envoy, the pair the other way round.
            let caller = callers.outbound(scene.name, column, row);
            if !symptom.caller.starts_with(&caller.answer) {
                complain(&format!("the caller gets\n     '{}' ({}), doctor says\n     '{}'", caller.answer, caller.reason, symptom.caller));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn envoy_accepts_what_the_steps_have_mended() {
    let (crypto, now) = (Crypto::ring(), now());
    let mut mended = Vec::new();
    for scene in Scene::all(now, &crypto) {
        let diagnosis = diagnose(scene.evidence(), &Settings::default(), &crypto, now);
        for (row, column) in scene.pairs() {
            let Verdict::No { .. } = said(&diagnosis, &scene, row, column) else { continue };
            // The names of scenes are constants, and those of their mended twins are made here.
            let name: &'static str = Box::leak(format!("{}-{row}-{column}", scene.name).into_boxed_str());
            let cured = scene.cured(row, column, Plane::Sidecar, &crypto).unwrap_or_else(|e| panic!("{name}: {e}"));
            mended.push((Scene { name, ..cured }, row, column));
        }
    }
    assert!(mended.len() > 20, "only {} refusals", mended.len());
    let scenes: Vec<Scene> = mended.iter().map(|(scene, ..)| scene.clone()).collect();
    let envoy = Envoy::start(&scenes, &crypto);
    let refused: Vec<String> = mended
        .iter()
        .flat_map(|(scene, row, column)| {
            let both = [envoy.inbound(scene.name, *row, *column), envoy.outbound(scene.name, *row, *column)];
            both.into_iter().filter(|seen| !seen.accepted).map(|seen| format!("{}: {seen:?}", scene.name))
        })
        .collect();
    assert!(refused.is_empty(), "\n{}", refused.join("\n"));
}
